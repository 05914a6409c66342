"""The full ARNs and condition keys of the entities that an IAM call's parameters name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from reading_room.arns import Arn, iam_arn
from reading_room.aws.operations import ContextValues
from reading_room.iam import entities
from reading_room.iam.tables import AccessKey, Group, InstanceProfile, ManagedPolicy, Named, Role, User
from reading_room.iam.tags import tags_of

_MODELS: Mapping[str, type[Named]] = {
    model.kind: model for model in (User, Group, Role, ManagedPolicy, InstanceProfile)
}
_BOUNDARY_KEYED = frozenset(
    f"iam:{verb}{kind}{what}"
    for kind in ("User", "Role")
    for verb, what in (
        ("Attach", "Policy"),
        ("Detach", "Policy"),
        ("Put", "Policy"),
        ("Delete", "Policy"),
        ("Put", "PermissionsBoundary"),
        ("Delete", "PermissionsBoundary"),
    )
)
"""Actions on a user or role that have the key ``iam:PermissionsBoundary`` (Service Authorization Reference)."""
_RENAMES = {"iam:UpdateUser": "NewUserName", "iam:UpdateGroup": "NewGroupName"}


def named(
    session: Session, action: str, resources: Sequence[str], parameters: Mapping[str, Any]
) -> tuple[tuple[str, ...], ContextValues]:
    """Return the full ARNs of a call's resources, and the condition keys of those that exist.

    A call's parameters hold only names, but policies can allow or deny by path, tag and boundary. Changing a name or
    path requires the action on both the old and the new ARN.
    """
    arns: list[str] = []
    context: dict[str, Sequence[str]] = {}
    for resource in resources:
        row = _entity(session, resource)
        arns.append(resource if row is None else row.arn)
        if row is None:
            continue
        context.update(_keys(action, row))
        if action in _RENAMES:
            path = parameters.get("NewPath") or row.path
            name = parameters.get(_RENAMES[action]) or row.name
            arns.append(iam_arn(row.account, f"{row.kind}{path}{name}"))
    return tuple(arns) or ("*",), context


def _entity(session: Session, arn: str) -> Named | None:
    """Return the entity that an ARN names, ignoring its path; ``access-key/ID`` stands for the key's user."""
    try:
        parsed = Arn.parse(arn)
    except ValueError:
        return None
    kind, _, rest = parsed.resource.partition("/")
    if kind == "access-key":
        key = session.get(AccessKey, rest)
        return key.user if key is not None and key.user.account == parsed.account else None
    if parsed.service != "iam" or kind not in _MODELS:
        return None
    return entities.find(session, _MODELS[kind], parsed.account, rest.rpartition("/")[2])


def _keys(action: str, row: Named) -> dict[str, Sequence[str]]:
    keys: dict[str, Sequence[str]] = {}
    if isinstance(row, (User, Role, ManagedPolicy, InstanceProfile)):
        for tag in tags_of(row.tags):
            keys[f"aws:ResourceTag/{tag['Key']}"] = (tag["Value"],)
            if isinstance(row, (User, Role)):
                keys[f"iam:ResourceTag/{tag['Key']}"] = (tag["Value"],)
    if isinstance(row, (User, Role)) and row.boundary is not None and action in _BOUNDARY_KEYED:
        keys["iam:PermissionsBoundary"] = (row.boundary,)
    return keys
