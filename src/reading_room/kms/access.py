"""Who may use a key: its policy, the caller's policies, and grants, in one decision.

AWS source: "Authentication and access control for AWS KMS", AWS KMS developer guide; condition keys in "Condition keys
for AWS KMS" there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.aws.operations import ContextValues
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.database.kept import Kept
from reading_room.iam.authorizer import PolicyAuthorizer, request_context
from reading_room.iam.errors import AccessDeniedException
from reading_room.iam.identities import attached
from reading_room.iam.policy.evaluate import AttachedPolicy, Decision
from reading_room.kms import aliases, grants, keys
from reading_room.kms.encryption_context import EncryptionContext, context_keys
from reading_room.kms.errors import InvalidKeyUsageException, KeyAccessDenied, NotFoundException
from reading_room.kms.grants import Terms
from reading_room.kms.keys import Key
from reading_room.kms.references import Reference, parse_reference
from reading_room.kms.tables import AliasRow, GrantRow, KeyRow, MaterialRow

Name = TypeVar("Name")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call asks of a key."""

    operation: str
    """The action without ``kms:``, such as ``Decrypt`` or ``ReEncryptFrom``."""
    keys: ContextValues = field(default_factory=dict)
    """The condition keys of the operation."""
    context: EncryptionContext = field(default_factory=dict)
    usage: str | None = None
    """The usage that the key must have."""
    new_grant: Terms | None = None
    """For CreateGrant: the terms, which a grant that permits it must include."""

    @property
    def action(self) -> str:
        """The IAM action."""
        return f"kms:{self.operation}"


@dataclass(frozen=True, slots=True)
class KeyCall:
    """A call on keys, and how it came about."""

    call: Call
    via: str | None = None
    """The service that makes the call for the principal, as in its host name: ``s3``."""
    session: Session | None = field(default=None, repr=False)
    """The transaction that the key is read in. Without it the last committed state counts."""


class KeyAccess:
    """Finds keys, and decides who may do what with them. Thread-safe."""

    def __init__(self, database: Database, authorizer: PolicyAuthorizer, clock: Clock) -> None:
        self._database = database
        self._authorizer = authorizer
        self._clock = clock
        self._keys = Kept[str, Key](database, KeyRow, MaterialRow, AliasRow, GrantRow)
        self._aliases = Kept[tuple[str, str, str], str](database, AliasRow, KeyRow)

    def open(self, by: KeyCall, text: str, asked: Asked, *, with_aliases: bool = True) -> Key:
        """Return the key that a request names, if the caller may do with it what is asked.

        The state of the key is not checked. Raises ``AccessDeniedException``, ``KeyAccessDenied``,
        ``NotFoundException``, ``InvalidArnException``, ``InvalidKeyUsageException``, ``InvalidGrantTokenException``.
        """
        call = by.call
        reference = parse_reference(text, call.account, call.region, aliases=with_aliases)
        key = self.find(reference, call.region, by.session)
        if key is None:
            raise self._missing(by, reference, asked)
        self.authorize(by, key, asked, alias=reference.alias)
        return key

    def use(self, by: KeyCall, text: str, asked: Asked) -> Key:
        """Return the key that a request names, like ``open``, if it is also usable.

        Raises ``DisabledException`` and ``KMSInvalidStateException``, too.
        """
        key = self.open(by, text, asked)
        key.check_usable(self._clock())
        return key

    def find(self, reference: Reference, region: str, session: Session | None = None) -> Key | None:
        """Return the key of a reference, or ``None``."""
        key_id = reference.key_id
        if reference.alias is not None:
            place = (reference.account, region, reference.alias)
            key_id = self._read(session, self._aliases, place, _read_alias)
        key = None if key_id is None else self.of_id(key_id, session)
        return key if key is not None and (key.account, key.region) == (reference.account, region) else None

    def of_id(self, key_id: str, session: Session | None = None) -> Key | None:
        """Return the key with an id, in whatever account, or ``None``."""
        return self._read(session, self._keys, key_id, keys.read)

    def authorize(self, by: KeyCall, key: Key, asked: Asked, *, alias: str | None = None) -> None:
        """Return if the caller may do what is asked; ``alias`` is the one by which the request named the key.

        Raises ``AccessDeniedException``, ``KeyAccessDenied``, ``InvalidKeyUsageException``, and
        ``InvalidGrantTokenException``.
        """
        call = by.call
        policies = [attached("key", "bucket", f"of {key.arn}", key.pinned_policy), *self._grants(by, key, asked)]
        decision = self._decide(by, key.arn, asked, self._keys_of(by, key, alias), key.account, policies)
        if not decision.allowed:
            self._authorizer.denied(call.request_id, decision)
            if key.account != call.account and "key" in decision.by:
                raise KeyAccessDenied.of_foreign_key(call.principal.arn, asked.action, key.arn)
            raise AccessDeniedException(decision.message())
        if asked.usage is not None and key.usage != asked.usage:
            raise InvalidKeyUsageException.of_usage(key.arn, key.usage, asked.operation)

    def authorize_resource(self, by: KeyCall, arn: str, asked: Asked) -> None:
        """Return if the caller's own policies allow what is asked of an alias, or of ``*``."""
        decision = self._decide(by, arn, asked, self._caller_keys(by), by.call.account, ())
        if not decision.allowed:
            self._authorizer.denied(by.call.request_id, decision)
            raise AccessDeniedException(decision.message())

    def would_allow(self, by: KeyCall, account: str, arn: str, policy: str, asked: Asked) -> bool:
        """Say whether a key of an account with a given policy, pinned, would let the caller do what is asked."""
        policies = [attached("key", "bucket", f"of {arn}", policy)]
        keys_of_caller = self._caller_keys(by)
        return self._decide(by, arn, asked, keys_of_caller, account, policies, through_endpoint=False).allowed

    def _missing(self, by: KeyCall, reference: Reference, asked: Asked) -> Exception:
        """Return the error for a key that does not exist: only a caller with permission learns that."""
        call = by.call
        if reference.account != call.account:
            return KeyAccessDenied.of_foreign_key(call.principal.arn, asked.action, reference.arn)
        self.authorize_resource(by, reference.arn, asked)
        if reference.alias is not None:
            return NotFoundException.of_alias(reference.arn)
        return NotFoundException.of_key(reference.arn)

    def _decide(
        self,
        by: KeyCall,
        arn: str,
        asked: Asked,
        more: ContextValues,
        account: str,
        policies: Sequence[AttachedPolicy],
        through_endpoint: bool = True,
    ) -> Decision:
        call = by.call
        common = request_context(
            call.path,
            principal=call.principal,
            now=self._clock(),
            region=call.region,
            user_agent=call.user_agent,
            called_via=() if by.via is None else (f"{by.via}.amazonaws.com",),
        )
        return self._authorizer.decide(
            principal=call.principal,
            action=asked.action,
            resource=arn,
            # The global keys win, so that nothing in the request can replace them.
            context={**asked.keys, **context_keys(asked.context), **more, **common},
            resource_account=account,
            # The call of a service does not come through the caller's endpoint.
            path=call.path if through_endpoint and by.via is None else None,
            also=policies,
        )

    def _caller_keys(self, by: KeyCall) -> dict[str, Sequence[str]]:
        found: dict[str, Sequence[str]] = {}
        if by.call.principal.account:
            found["kms:CallerAccount"] = (by.call.principal.account,)
        if by.via is not None:
            found["kms:ViaService"] = (f"{by.via}.{by.call.region}.amazonaws.com",)
        return found

    def _keys_of(self, by: KeyCall, key: Key, alias: str | None) -> ContextValues:
        found = self._caller_keys(by)
        found |= {
            "kms:KeySpec": (key.spec.name,),
            "kms:KeyUsage": (key.usage,),
            "kms:KeyOrigin": (key.origin,),
            "kms:MultiRegion": ("false",),
        }
        found |= {f"aws:ResourceTag/{name}": (value,) for name, value in key.tags.items()}
        if key.aliases:
            found["kms:ResourceAliases"] = key.aliases
        if alias is not None:
            found["kms:RequestAlias"] = (alias,)
        return found

    def _grants(self, by: KeyCall, key: Key, asked: Asked) -> list[AttachedPolicy]:
        """Return the grants that permit what is asked. Raises ``InvalidGrantTokenException``."""
        tokens: Sequence[str] = by.call.parameters.get("GrantTokens") or ()
        if not (key.has_grants or tokens) or asked.operation not in grants.ALL_OPERATIONS:
            return []
        return self._in(by.session, partial(_grants_for, by, key, asked, tokens))

    def _read(
        self,
        session: Session | None,
        kept: Kept[Name, Value],
        name: Name,
        read: Callable[[Session, Name], Value | None],
    ) -> Value | None:
        if session is not None:
            return read(session, name)
        return kept.get(name, lambda wanted: self._in(None, lambda opened: read(opened, wanted)))

    def _in(self, session: Session | None, function: Callable[[Session], Value]) -> Value:
        if session is not None:
            return function(session)
        with self._database.reading() as opened:
            return function(opened)


def _read_alias(session: Session, place: tuple[str, str, str]) -> str | None:
    found = aliases.find(session, *place)
    return None if found is None else found.key_id


def _grants_for(by: KeyCall, key: Key, asked: Asked, tokens: Sequence[str], session: Session) -> list[AttachedPolicy]:
    for token in tokens:
        # A grant is in force at once, so its token adds nothing. It must be one nevertheless.
        grants.with_token(session, token)
    rows = [
        row
        for row in grants.to_caller(session, key.key_id, by.call.principal)
        if (terms := grants.terms_of(row)).permit(asked.operation, asked.context)
        and (asked.new_grant is None or terms.include(asked.new_grant))
    ]
    return grants.as_policies(key, rows, asked.operation)
