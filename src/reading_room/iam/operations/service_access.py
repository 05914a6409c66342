"""ListPoliciesGrantingServiceAccess: the policies of a user, group or role that allow anything of a service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reading_room.arns import Arn
from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.database.engine import Database
from reading_room.iam import entities
from reading_room.iam.attached_policies import Owner
from reading_room.iam.errors import InvalidInput, NoSuchEntity
from reading_room.iam.identities import OwnedPolicy, policies_of
from reading_room.iam.pagination import page
from reading_room.iam.policy.document import Statement, parse
from reading_room.iam.tables import Group, Role, User

if TYPE_CHECKING:
    from mypy_boto3_iam import type_defs as t

_MODELS: Mapping[str, type[User] | type[Group] | type[Role]] = {"user": User, "group": Group, "role": Role}


def named_entity(call: Call) -> Sequence[str]:
    """Return the ARN that a call names."""
    return (call.parameters["Arn"],)


class ServiceAccessOperations:
    """ListPoliciesGrantingServiceAccess."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation("iam", "ListPoliciesGrantingServiceAccess", resources=named_entity)
    def list_granting(
        self, call: Call, request: t.ListPoliciesGrantingServiceAccessRequestTypeDef
    ) -> Mapping[str, Any]:
        """ListPoliciesGrantingServiceAccess: considers only what policies allow, not denies or boundaries."""
        kind, _, rest = _resource_of(request["Arn"]).partition("/")
        with self._database.reading() as session:
            owner: Owner = entities.get(session, _MODELS[kind], call.account, rest.rpartition("/")[2])
            if owner.arn != request["Arn"]:
                raise NoSuchEntity(kind, rest)
            policies = list(policies_of(session, owner))
        shown, more = page(sorted(set(request["ServiceNamespaces"])), call.parameters, str)
        granting = [{"ServiceNamespace": service, "Policies": list(_granting(policies, service))} for service in shown]
        return {"PoliciesGrantingServiceAccess": granting, **more}


def _resource_of(arn: str) -> str:
    try:
        parsed = Arn.parse(arn)
    except ValueError:
        raise InvalidInput(f"ARN {arn} is not valid.") from None
    if parsed.service != "iam" or parsed.resource.partition("/")[0] not in _MODELS:
        raise InvalidInput(f"ARN {arn} is not valid.")
    return parsed.resource


def _granting(policies: Sequence[OwnedPolicy], service: str) -> Iterator[dict[str, str]]:
    for owned in policies:
        statements = parse(owned.document, "inline" if owned.inline else "managed").statements
        if not any(_gives(statement, service.lower()) for statement in statements):
            continue
        if owned.inline:
            owner = {"EntityType": owned.owner.kind.upper(), "EntityName": owned.owner.name}
            yield {"PolicyName": owned.name, "PolicyType": "INLINE", **owner}
        else:
            yield {"PolicyName": owned.name.rpartition("/")[2], "PolicyType": "MANAGED", "PolicyArn": owned.name}


def _gives(statement: Statement, service: str) -> bool:
    if statement.effect != "Allow":
        return False
    texts = [text.lower() for text in statement.action_texts]
    if statement.not_action:
        return not any(text in ("*", f"{service}:*") for text in texts)
    return any(text == "*" or text.startswith(f"{service}:") for text in texts)
