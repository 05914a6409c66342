"""Principals that exist: from rows to callers, and from the ARNs in a policy to the unique ids behind them."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.arns import Arn
from reading_room.aws.call import Principal
from reading_room.iam.tables import Role, RoleSession, User


def user_principal(user: User) -> Principal:
    """Return the caller that a user's access key proves."""
    return Principal("user", user.account, user.arn, user.unique_id, user_name=user.name)


def session_principal(row: RoleSession) -> Principal:
    """Return the caller that a role session's credentials prove."""
    role_name = row.role_arn.rpartition("/")[2]
    return Principal(
        kind="session",
        account=row.account,
        arn=f"arn:aws:sts::{row.account}:assumed-role/{role_name}/{row.session_name}",
        user_id=f"{row.role_id}:{row.session_name}",
        role_arn=row.role_arn,
        token_issued_at=row.issued_at,
        session_policy=row.policy,
    )


def service_principal(name: str) -> Principal:
    """Return a service acting itself, for example ``delivery.logs.amazonaws.com``; it belongs to no account."""
    return Principal("service", "", name, name, service_name=name)


def root_principal(account: str) -> Principal:
    """Return the root user of an account."""
    return Principal("root", account, f"arn:aws:iam::{account}:root", account)


def entity_named(session: Session, arn: str) -> User | Role | None:
    """Return the user or role whose name is in an ARN, whatever path the ARN has; ``None`` when there is none."""
    try:
        parsed = Arn.parse(arn)
    except ValueError:
        return None
    kind, _, rest = parsed.resource.partition("/")
    if parsed.service != "iam" or kind not in ("user", "role"):
        return None
    key = rest.rpartition("/")[2].lower()
    if kind == "user":
        return session.scalar(select(User).filter_by(account=parsed.account, name_key=key))
    return session.scalar(select(Role).filter_by(account=parsed.account, name_key=key))


def unique_id_of(session: Session, arn: str) -> str | None:
    """Return the unique id of the user or role that has exactly this ARN now, or ``None``."""
    row = entity_named(session, arn)
    return row.unique_id if row is not None and row.arn == arn else None


def principal_exists(session: Session, arn: str) -> bool:
    """Say whether the user or role with this ARN exists."""
    return unique_id_of(session, arn) is not None


def pin_principals(session: Session, document: str) -> str:
    """Return a resource's policy with unique ids in place of the ARNs of users and roles that exist.

    AWS does so when a policy is saved: a role deleted and made again under its old name is not let in by policies
    that meant the old one. ARNs of sessions and accounts stay. ``document`` must have been parsed before.
    """
    policy: dict[str, Any] = json.loads(document)
    statements = policy["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        element = statement.get("Principal")
        if not isinstance(element, dict) or "AWS" not in element:
            continue
        entries = element["AWS"] if isinstance(element["AWS"], list) else [element["AWS"]]
        element["AWS"] = [unique_id_of(session, entry) or entry for entry in entries]
    return json.dumps(policy)
