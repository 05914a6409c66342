"""The ``Principal`` element: the callers that a resource's policy names, and how directly.

The directness matters: a grant to a user's own ARN suffices in the same account, a grant to the account delegates to
the identity policies, and a grant to a role is still limited by the session policy (AWS IAM User Guide, "Policy
evaluation logic", "AWS JSON policy elements: Principal").
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

from reading_room.aws.call import Principal

Grant = Literal["everyone", "user", "session", "service", "role", "account"]
"""How a statement names the caller, strongest first."""
GRANTS: tuple[Grant, ...] = ("everyone", "user", "session", "service", "role", "account")

_ROOT = re.compile(r"arn:aws:iam::([0-9]{12}):root")
_ACCOUNT = re.compile(r"[0-9]{12}")
_UNIQUE_ID = re.compile(r"A(?:IDA|ROA)[A-Z0-9]{16,17}")
_ARN = re.compile(r"arn:aws:(?:iam|sts)::[0-9]{12}:(?:user|role|assumed-role|federated-user)/[\w+=,.@/-]+", re.ASCII)


_CANONICAL_USER = re.compile(r"[0-9a-f]{64}")


def canonical_user_id(account: str) -> str:
    """Return S3's canonical user id of an account: constant, and without revealing the account number."""
    return hashlib.sha256(f"canonical user of {account}".encode()).hexdigest()


class PrincipalError(ValueError):
    """A ``Principal`` element does not follow the grammar. ``args[0]`` is the invalid part."""


@dataclass(frozen=True, slots=True)
class Principals:
    """A parsed ``Principal`` or ``NotPrincipal`` element."""

    everyone: bool = False
    bare_star: bool = False
    """Written as ``"*"`` rather than ``{"AWS": "*"}``; trust policies accept only the latter."""
    accounts: frozenset[str] = frozenset()
    arns: frozenset[str] = frozenset()
    """ARNs of users, roles, sessions and federated users."""
    unique_ids: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    canonical_users: frozenset[str] = frozenset()
    """Accounts by their canonical user ids in S3."""
    federated: frozenset[str] = frozenset()
    """Identity providers. The product has none, so they match no caller."""
    inverted: bool = False
    """Whether it is a ``NotPrincipal``."""

    def grant_to(self, caller: Principal, *, account_means_root: bool = False) -> Grant | None:
        """Return the strongest form in which the element names the caller, or ``None`` if it does not.

        In the policy of a gateway endpoint, an account means its root user only (``account_means_root``).
        """
        if self.inverted:
            return None if self._exempts(caller) else "everyone"
        if self.everyone:
            return "everyone"
        if caller.kind == "service":
            return "service" if caller.service_name in self.services else None
        if caller.kind == "anonymous":
            return None
        if caller.arn in self.arns:
            return "user" if caller.kind == "user" else "session"
        unique_id = caller.user_id.partition(":")[0]
        if caller.kind == "user" and unique_id in self.unique_ids:
            return "user"
        if caller.kind == "session" and (caller.role_arn in self.arns or unique_id in self.unique_ids):
            return "role"
        if caller.kind == "federated" and (caller.issuer_arn in self.arns or caller.issuer_id in self.unique_ids):
            # The grant is to the user behind the session, so the session policy limits it, as it does a role's.
            return "role"
        if self._names_account_of(caller) and (caller.kind == "root" or not account_means_root):
            return "account"
        return None

    def _names_account_of(self, caller: Principal) -> bool:
        if caller.account in self.accounts:
            return True
        return bool(self.canonical_users) and canonical_user_id(caller.account) in self.canonical_users

    def _exempts(self, caller: Principal) -> bool:
        # Every identity of the caller must be listed: naming only the account does not exempt its users, and naming
        # only a user does not exempt the user's account.
        if self.everyone:
            return True
        if caller.kind == "service":
            return caller.service_name in self.services
        if caller.kind == "anonymous" or not self._names_account_of(caller):
            return False
        if caller.kind == "root":
            return True
        if caller.kind == "session":
            return caller.arn in self.arns and caller.role_arn in self.arns
        if caller.kind == "federated":
            return caller.arn in self.arns and caller.issuer_arn in self.arns
        return caller.arn in self.arns


def parse_principals(element: object, *, inverted: bool = False) -> Principals:
    """Parse a ``Principal`` element. Raises ``PrincipalError`` with the invalid part."""
    if element == "*":
        return Principals(everyone=True, bare_star=True, inverted=inverted)
    if not isinstance(element, dict) or not element:
        raise PrincipalError(str(element))
    everyone = False
    accounts: set[str] = set()
    arns: set[str] = set()
    unique_ids: set[str] = set()
    services: set[str] = set()
    canonical_users: set[str] = set()
    federated: set[str] = set()
    for kind, entry in element.items():
        values = entry if isinstance(entry, list) else [entry]
        if not values:
            raise PrincipalError(f'"{kind}"')
        for value in values:
            if not isinstance(value, str):
                raise PrincipalError(f'"{kind}":{value!r}')
            if kind == "AWS" and value == "*":
                everyone = True
            elif kind == "AWS" and (root := _ROOT.fullmatch(value)):
                accounts.add(root[1])
            elif kind == "AWS" and _ACCOUNT.fullmatch(value):
                accounts.add(value)
            elif kind == "AWS" and _UNIQUE_ID.fullmatch(value):
                unique_ids.add(value)
            elif kind == "AWS" and _ARN.fullmatch(value):
                arns.add(value)
            elif kind == "Service" and re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com", value):
                services.add(value)
            elif kind == "Federated":
                federated.add(value)
            elif kind == "CanonicalUser" and _CANONICAL_USER.fullmatch(value):
                canonical_users.add(value)
            else:
                raise PrincipalError(f'"{kind}":"{value}"')
    return Principals(
        everyone=everyone,
        accounts=frozenset(accounts),
        arns=frozenset(arns),
        unique_ids=frozenset(unique_ids),
        services=frozenset(services),
        canonical_users=frozenset(canonical_users),
        federated=frozenset(federated),
        inverted=inverted,
    )
