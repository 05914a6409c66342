"""Principals made from rows, and the unique ids behind the ARNs in policies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.arns import Arn
from reading_room.aws.call import Principal
from reading_room.iam import entities
from reading_room.iam.bonds import bond_of
from reading_room.iam.tables import Role, RoleSession, SignInSession, TemporaryKey, User, UserSession
from reading_room.iam.tags import tags_of

_IDS_PER_QUERY = 10_000
"""SQLite accepts at most 32,766 values in one statement."""


def user_principal(user: User) -> Principal:
    """Return the principal that a user's access key authenticates."""
    return Principal("user", user.account, user.arn, user.unique_id, user_name=user.name)


def session_principal(row: RoleSession) -> Principal:
    """Return the principal that a role session's credentials authenticate."""
    role_name = row.role_arn.rpartition("/")[2]
    return Principal(
        kind="session",
        account=row.account,
        arn=f"arn:aws:sts::{row.account}:assumed-role/{role_name}/{row.session_name}",
        user_id=f"{row.role_id}:{row.session_name}",
        role_arn=row.role_arn,
        token_issued_at=row.issued_at,
        session_policy=row.policy,
        session_policy_arns=tuple(json.loads(row.policy_arns)),
        session_tags=_pairs(row),
        transitive_tag_keys=tuple(json.loads(row.transitive_tag_keys)),
        source_identity=row.source_identity,
        bound_to=bond_of(row.session_token),
    )


def user_session_principal(row: UserSession) -> Principal:
    """Return the principal of a user's temporary credentials: the user itself, or the federated user."""
    user = user_principal(row.user)
    if row.federated_name is None:
        return replace(user, token_issued_at=row.issued_at)
    return Principal(
        kind="federated",
        account=user.account,
        arn=f"arn:aws:sts::{user.account}:federated-user/{row.federated_name}",
        user_id=f"{user.account}:{row.federated_name}",
        token_issued_at=row.issued_at,
        session_policy=row.policy,
        session_policy_arns=tuple(json.loads(row.policy_arns)),
        session_tags=_pairs(row),
        issuer_arn=user.arn,
        issuer_id=user.user_id,
    )


def signed_in_principal(row: SignInSession) -> Principal:
    """Return the principal of a sign-in's credentials: the user itself."""
    return replace(user_principal(row.user), token_issued_at=row.issued_at, signed_in=True)


def _pairs(row: TemporaryKey) -> tuple[tuple[str, str], ...]:
    return tuple((tag["Key"], tag["Value"]) for tag in tags_of(row.tags))


def service_principal(name: str) -> Principal:
    """Return a service as principal, for example ``delivery.logs.amazonaws.com``; it belongs to no account."""
    return Principal("service", "", name, name, service_name=name)


def root_principal(account: str) -> Principal:
    """Return the root user of an account."""
    return Principal("root", account, f"arn:aws:iam::{account}:root", account)


def entity_named(session: Session, arn: str) -> User | Role | None:
    """Return the user or role with the name in an ARN, ignoring its path, or ``None``."""
    try:
        parsed = Arn.parse(arn)
    except ValueError:
        return None
    kind, _, rest = parsed.resource.partition("/")
    if parsed.service != "iam" or kind not in ("user", "role"):
        return None
    name = rest.rpartition("/")[2]
    if kind == "user":
        return entities.find(session, User, parsed.account, name)
    return entities.find(session, Role, parsed.account, name)


def unique_id_of(session: Session, arn: str) -> str | None:
    """Return the unique id of the user or role that currently has exactly this ARN, or ``None``."""
    row = entity_named(session, arn)
    return row.unique_id if row is not None and row.arn == arn else None


def principal_exists(session: Session, arn: str) -> bool:
    """Return whether a user or role with this ARN exists."""
    return unique_id_of(session, arn) is not None


def pin_principals(session: Session, document: str) -> str:
    """Return a resource's policy with the ARNs of existing users and roles replaced by their unique ids.

    AWS does this when a policy is saved, so that a policy for a deleted role does not apply to a new role of the same
    name. ARNs of sessions and accounts stay. ``document`` must be a valid policy.
    """
    policy = json.loads(document)
    for element in _principals(policy):
        element["AWS"] = [unique_id_of(session, entry) or entry for entry in element["AWS"]]
    return json.dumps(policy)


def pinned_arns(session: Session, documents: Iterable[str]) -> dict[str, str]:
    """Return, by unique id, the ARNs of the existing users and roles that pinned policies name."""
    ids = sorted({entry for text in documents for element in _principals(json.loads(text)) for entry in element["AWS"]})
    found: dict[str, str] = {}
    for model, prefix in ((User, "AIDA"), (Role, "AROA")):
        matching_ids = [entry for entry in ids if entry.startswith(prefix)]
        for start in range(0, len(matching_ids), _IDS_PER_QUERY):
            rows = session.scalars(
                select(model).where(model.unique_id.in_(matching_ids[start : start + _IDS_PER_QUERY]))
            )
            found.update((row.unique_id, row.arn) for row in rows)
    return found


def shown_principals(document: str, pinned: str, arns: Mapping[str, str]) -> str:
    """Return a policy for display: ``document`` as it was given, as long as every ARN in it means the same entity.

    An entity with a new name or path is shown with its new ARN, and a deleted one with its unique id from ``pinned``,
    as AWS does. ``arns`` is the result of ``pinned_arns``.
    """
    given, shown = json.loads(document), json.loads(pinned)
    # Bring both into the same form before comparing them: principals in lists.
    list(_principals(given))
    for element in _principals(shown):
        element["AWS"] = [arns.get(entry, entry) for entry in element["AWS"]]
    return document if shown == given else json.dumps(shown)


def _principals(policy: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every ``Principal`` of a resource's policy that has ``AWS`` members, after putting these into a list."""
    statements = policy["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        element = statement.get("Principal")
        if isinstance(element, dict) and "AWS" in element:
            if not isinstance(element["AWS"], list):
                element["AWS"] = [element["AWS"]]
            yield element
