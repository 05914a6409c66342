"""The entities that IAM calls name, and the resources to authorize for them.

The parameters hold names; the authorizer finds the full ARNs of existing entities (``iam.resources``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from sqlalchemy.orm import Session

from reading_room.arns import iam_arn
from reading_room.aws.call import Call
from reading_room.aws.operations import ContextValues
from reading_room.iam import entities, managed_policies
from reading_room.iam.errors import ValidationError
from reading_room.iam.tables import Group, InstanceProfile, ManagedPolicy, Named, Role, User
from reading_room.iam.tags import tag_context

Entity = TypeVar("Entity", bound=Named)
NAME_PARAMETERS: Mapping[type[Named], str] = {
    User: "UserName",
    Group: "GroupName",
    Role: "RoleName",
    ManagedPolicy: "PolicyName",
    InstanceProfile: "InstanceProfileName",
}
"""The parameter that holds an entity's name."""


def named(model: type[Named]) -> Callable[[Call], Sequence[str]]:
    """Return a function that returns the ARN of the entity that a call names or, with its path, creates."""

    def resources(call: Call) -> Sequence[str]:
        path, name = call.parameters.get("Path", "/"), call.parameters[NAME_PARAMETERS[model]]
        return (iam_arn(call.account, f"{model.kind}{path}{name}"),)

    return resources


def under_prefix(model: type[Named]) -> Callable[[Call], Sequence[str]]:
    """Return a function that returns the resource of a list operation: everything under its path prefix."""
    return lambda call: (iam_arn(call.account, f"{model.kind}{call.parameters.get('PathPrefix', '/')}"),)


named_user, named_group, named_role, new_policy, named_profile = map(
    named, (User, Group, Role, ManagedPolicy, InstanceProfile)
)
every_user, every_group, every_role, every_policy, every_profile = map(
    under_prefix, (User, Group, Role, ManagedPolicy, InstanceProfile)
)


def user_or_caller(call: Call) -> Sequence[str]:
    """Return the ARN of the user that a call names, or of the caller if it names none."""
    return (call.principal.arn,) if call.parameters.get("UserName") is None else named_user(call)


def named_policy(call: Call) -> Sequence[str]:
    """Return the ARN of the managed policy that a call names."""
    return (call.parameters["PolicyArn"],)


def named_key(call: Call) -> Sequence[str]:
    """Return the placeholder for the user whose access key a call names."""
    return (iam_arn(call.account, f"access-key/{call.parameters['AccessKeyId']}"),)


def boundary_context(call: Call) -> ContextValues:
    """Return the condition keys of a call that may set a permissions boundary and tags."""
    boundary = call.parameters.get("PermissionsBoundary")
    return {**tag_context(call), **({} if boundary is None else {"iam:PermissionsBoundary": (boundary,)})}


def policy_context(call: Call) -> ContextValues:
    """Return the condition key of a call that attaches or detaches a managed policy."""
    return {"iam:PolicyARN": (call.parameters["PolicyArn"],)}


def row_of(session: Session, model: type[Entity], call: Call) -> Entity:
    """Return the row that a call names. Raises ``NoSuchEntity``."""
    return entities.get(session, model, call.account, call.parameters[NAME_PARAMETERS[model]])


def own_policy(session: Session, call: Call) -> ManagedPolicy:
    """Return the customer managed policy that a call changes. Raises like ``managed_policies.own``."""
    arn = call.parameters["PolicyArn"]
    return managed_policies.own(session, call.account, arn, call.principal.arn, f"iam:{call.operation}")


def user_of(session: Session, call: Call) -> User:
    """Return the user that a call names, or else the caller. Raises ``NoSuchEntity``, ``ValidationError``."""
    name = call.parameters.get("UserName") or call.principal.user_name
    if name is None:
        raise ValidationError("Must specify userName when calling with non-User credentials")
    return entities.get(session, User, call.account, name)
