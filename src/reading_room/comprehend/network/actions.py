"""Authorizing the nine EC2 actions that a data access role needs for a job in a VPC, before anything is created."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from reading_room.arns import ec2_arn, iam_arn
from reading_room.aws.call import Call, NetworkPath
from reading_room.aws.operations import ContextValues, OperationTable
from reading_room.comprehend.network.failures import EC2_ACTIONS, DecidedOn
from reading_room.iam.authorizer import PolicyAuthorizer, request_context
from reading_room.iam.policy.evaluate import Decision
from reading_room.vpc.interfaces import network_interfaces

SERVICE_PRINCIPAL = "comprehend.amazonaws.com"
OWN_PATH = NetworkPath(secure=True)
"""The network path of the service's own calls: they have no source address that a policy could match."""


def refused_actions(
    table: OperationTable, authorizer: PolicyAuthorizer, creation: Call, now: dt.datetime
) -> Iterator[Decision]:
    """Yield the decisions that deny a role an action, one for each resource.

    ``creation`` is the CreateNetworkInterface call that the role's session would make. Each action is decided as EC2
    will decide it, on what is known of its resources so far.
    """
    principal = creation.principal
    common = request_context(
        OWN_PATH, principal=principal, now=now, region=creation.region, user_agent=SERVICE_PRINCIPAL
    )
    bound = table.find("ec2", creation.operation)
    assert bound is not None
    touched = {
        resource: {**bound.facts.context(creation), **bound.facts.resource_context(creation, resource)}
        for resource in bound.facts.resources(creation)
    }
    interface = ec2_arn(creation.region, creation.account, "network-interface", "*")
    permission = {
        "ec2:Permission": (network_interfaces.INSTANCE_ATTACH,),
        "ec2:AuthorizedUser": (iam_arn(network_interfaces.SERVICE_ACCOUNT, "root"),),
    }
    about: dict[DecidedOn, Mapping[str, ContextValues]] = {
        "everything": {"*": {"ec2:Region": (creation.region,)}},
        "the creation": touched,
        "the interface": {interface: touched[interface]},
    }
    for action, decided_on in EC2_ACTIONS.items():
        more = permission if action == "CreateNetworkInterfacePermission" else {}
        for resource, keys in about[decided_on].items():
            decision = authorizer.decide(
                principal=principal,
                action=f"ec2:{action}",
                resource=resource,
                context={**common, **keys, **more},
            )
            if not decision.allowed:
                yield decision
