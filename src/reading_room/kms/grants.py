"""Grants: permission for one principal to use one key, as functions on a database session.

AWS source: "Grants in AWS KMS", AWS KMS developer guide.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.aws.call import Principal
from reading_room.iam.identities import attached
from reading_room.iam.policy.evaluate import AttachedPolicy
from reading_room.iam.policy.principals import PrincipalError, parse_principals
from reading_room.iam.principals import root_principal, unique_id_of
from reading_room.kms.errors import (
    InvalidArnException,
    InvalidGrantIdException,
    InvalidGrantTokenException,
    LimitExceededException,
    NotFoundException,
    ValidationException,
)
from reading_room.kms.keys import Key
from reading_room.kms.specs import ENCRYPT, MAC, SIGN
from reading_room.kms.tables import GrantRow

GRANTS_PER_KEY = 50_000
"""AWS KMS quotas."""
_PAIRS, _CHARACTERS = 8, 384
"""The most pairs of a constraint, and the most characters of one (API reference, ``GrantConstraints``)."""
WITH_CONTEXT = frozenset(
    {
        *("Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey", "GenerateDataKeyPair"),
        *("GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPairWithoutPlaintext"),
    }
)
"""The operations that have an encryption context, which a constraint limits."""
_ANY = frozenset({"CreateGrant", "RetireGrant", "DescribeKey"})
_ALLOWED: Mapping[str, frozenset[str]] = {
    ENCRYPT: _ANY | WITH_CONTEXT,
    SIGN: _ANY | {"Sign", "Verify", "GetPublicKey"},
    MAC: _ANY | {"GenerateMac", "VerifyMac"},
}
_OF_RSA = _ANY | {"Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GetPublicKey"}
ALL_OPERATIONS = frozenset(operation for of_usage in (*_ALLOWED.values(), _OF_RSA) for operation in of_usage)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a grant permits."""

    operations: tuple[str, ...]
    constraints: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """``EncryptionContextEquals`` or ``EncryptionContextSubset``."""

    def permit(self, operation: str, context: Mapping[str, str]) -> bool:
        """Say whether an operation with an encryption context is permitted."""
        if operation not in self.operations:
            return False
        return operation not in WITH_CONTEXT or self._hold(context)

    def include(self, other: Terms) -> bool:
        """Say whether another grant with these terms would permit nothing more."""
        if not set(other.operations) <= set(self.operations):
            return False
        if not self.constraints:
            return True
        exact = other.constraints.get("EncryptionContextEquals")
        if exact is not None:
            return self._hold(exact)
        part = other.constraints.get("EncryptionContextSubset")
        # With a part fixed, the whole may still be anything.
        return part is not None and "EncryptionContextEquals" not in self.constraints and self._hold(part)

    def _hold(self, context: Mapping[str, str]) -> bool:
        exact = self.constraints.get("EncryptionContextEquals")
        part = self.constraints.get("EncryptionContextSubset", {})
        return (exact is None or exact == context) and part.items() <= context.items()


def terms_of(row: GrantRow) -> Terms:
    """Return the terms of a grant."""
    return Terms(tuple(json.loads(row.operations)), json.loads(row.constraints))


def checked(key: Key, terms: Terms) -> Terms:
    """Return the terms of a new grant on a key. Raises ``ValidationException``."""
    allowed = _ALLOWED[key.usage] if key.is_symmetric or key.usage != ENCRYPT else _OF_RSA
    strange = sorted(set(terms.operations) - allowed)
    if strange:
        raise ValidationException(f"The operation {strange[0]} is not valid for a grant on a key for {key.usage}.")
    if terms.constraints and not key.is_symmetric:
        raise ValidationException("Constraints on the encryption context need a symmetric encryption key.")
    if len(terms.constraints) > 1:
        raise ValidationException("Specify either EncryptionContextEquals or EncryptionContextSubset, not both.")
    for context in terms.constraints.values():
        if len(context) > _PAIRS or any(len(name) + len(value) > _CHARACTERS for name, value in context.items()):
            raise ValidationException(
                f"A constraint has at most {_PAIRS} pairs, and each of them at most {_CHARACTERS} characters."
            )
    return terms


def pinned(session: Session, arn: str) -> str:
    """Return the unique id of a user or role, or the ARN of another principal. Raises ``InvalidArnException``."""
    try:
        principals = parse_principals({"AWS": arn})
    except PrincipalError:
        raise InvalidArnException.of_principal(arn) from None
    if principals.everyone or principals.unique_ids or not arn.startswith("arn:"):
        raise InvalidArnException.of_principal(arn)
    if principals.accounts or ":assumed-role/" in arn or ":federated-user/" in arn:
        return arn
    found = unique_id_of(session, arn)
    if found is None:
        raise InvalidArnException.of_principal(arn)
    return found


def create(
    session: Session,
    key: Key,
    terms: Terms,
    *,
    grantee: str,
    retiring: str | None,
    issuer: str,
    name: str | None,
    now: dt.datetime,
) -> GrantRow:
    """Create a grant, or return the one with this name and otherwise the same members.

    ``issuer`` is the account of the caller. Raises ``InvalidArnException``, ``LimitExceededException``.
    """
    row = GrantRow(
        key_id=key.key_id,
        name=name,
        issuer=root_principal(issuer).arn,
        grantee=grantee,
        pinned_grantee=pinned(session, grantee),
        retiring=retiring,
        pinned_retiring=None if retiring is None else pinned(session, retiring),
        operations=json.dumps(sorted(set(terms.operations))),
        constraints=json.dumps({kind: dict(sorted(pairs.items())) for kind, pairs in terms.constraints.items()}),
    )
    if name is not None and (found := _same(session, row)) is not None:
        return found
    held = session.scalar(select(func.count()).select_from(GrantRow).filter_by(key_id=key.key_id)) or 0
    if held >= GRANTS_PER_KEY:
        raise LimitExceededException("The number of grants on the key", GRANTS_PER_KEY)
    row.grant_id, row.token, row.created_at = secrets.token_hex(32), secrets.token_urlsafe(96), now
    session.add(row)
    return row


_SAME = ("key_id", "name", "issuer", "pinned_grantee", "pinned_retiring", "operations", "constraints")


def _same(session: Session, row: GrantRow) -> GrantRow | None:
    members = {member: getattr(row, member) for member in _SAME}
    return session.scalar(select(GrantRow).filter_by(**members).limit(1))


def get(session: Session, key_id: str, grant_id: str) -> GrantRow:
    """Return a grant of a key. Raises ``InvalidGrantIdException``, ``NotFoundException``."""
    if len(grant_id) != 64 or not set(grant_id) <= set("0123456789abcdef"):
        raise InvalidGrantIdException(grant_id)
    row = find(session, key_id, grant_id)
    if row is None:
        raise NotFoundException.of_grant(grant_id)
    return row


def find(session: Session, key_id: str, grant_id: str) -> GrantRow | None:
    """Return a grant of a key, or ``None``."""
    row = session.get(GrantRow, grant_id)
    return row if row is not None and row.key_id == key_id else None


def with_token(session: Session, token: str) -> GrantRow:
    """Return the grant with a token. Raises ``InvalidGrantTokenException``."""
    row = session.scalar(select(GrantRow).filter_by(token=token))
    if row is None:
        raise InvalidGrantTokenException
    return row


def every(session: Session, key_id: str, *, grant_id: str | None, grantee: str | None) -> Sequence[GrantRow]:
    """Return the grants of a key by id, optionally only one, or those to a principal."""
    found = select(GrantRow).filter_by(key_id=key_id)
    if grant_id is not None:
        found = found.filter_by(grant_id=grant_id)
    if grantee is not None:
        found = found.filter_by(grantee=grantee)
    return session.scalars(found.order_by(GrantRow.grant_id)).all()


def retirable_by(session: Session, arn: str) -> Sequence[GrantRow]:
    """Return the grants that a principal with an ARN may retire, by id."""
    wanted = unique_id_of(session, arn) or arn
    return session.scalars(select(GrantRow).filter_by(pinned_retiring=wanted).order_by(GrantRow.grant_id)).all()


def names_of(principal: Principal) -> list[str]:
    """Return the texts with which a grant may name a caller as its principal, pinned."""
    unique_id = principal.issuer_id or principal.user_id.partition(":")[0]
    return [principal.arn, unique_id, root_principal(principal.account).arn]


def to_caller(session: Session, key_id: str, principal: Principal) -> Sequence[GrantRow]:
    """Return the grants of a key to a caller."""
    return session.scalars(
        select(GrantRow).filter_by(key_id=key_id).where(GrantRow.pinned_grantee.in_(names_of(principal)))
    ).all()


def may_retire(row: GrantRow, principal: Principal) -> bool:
    """Say whether a grant itself lets a caller retire it."""
    names = names_of(principal)[:2]
    by_grantee = row.pinned_grantee in names and "RetireGrant" in terms_of(row).operations
    return row.pinned_retiring in names or by_grantee


def as_policies(key: Key, rows: Iterable[GrantRow], operation: str) -> list[AttachedPolicy]:
    """Return grants that permit an operation as policies for a decision."""
    return [attached("grant", "bucket", row.grant_id, _text(key.arn, row.pinned_grantee, operation)) for row in rows]


def _text(arn: str, grantee: str, operation: str) -> str:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": grantee},
        "Action": f"kms:{operation}",
        "Resource": arn,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
