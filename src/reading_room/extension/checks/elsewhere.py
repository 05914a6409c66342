"""The VPC with which policies would allow a job: the remedy is to choose that VPC, not to loosen the policies."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, product
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.aws.call import Call, NetworkPath, Principal
from reading_room.aws.operations import OperationFacts
from reading_room.comprehend.network.storage_policy import StoragePolicies, step_decisions
from reading_room.comprehend.vpc_tag import with_network
from reading_room.iam.authorizer import PolicyAuthorizer, request_context
from reading_room.jobs.tables import JobRow
from reading_room.vpc.addressing import addresses
from reading_room.vpc.addressing.prefix_lists import s3_service_name
from reading_room.vpc.tables import SecurityGroup, Subnet, VpcEndpoint

_MOST_TRIED = 32
"""The most networks to try, since an account may have many, and a response must not wait for all."""


def vpc_for_storage(
    session: Session,
    policies: StoragePolicies,
    job: JobRow,
    role: Principal,
    account: str,
    region: str,
    now: dt.datetime,
) -> str:
    """Return a VPC of the account through whose endpoint S3 would allow all of the job's requests, or ""."""
    endpoints = session.scalars(
        select(VpcEndpoint)
        .where(VpcEndpoint.account == account, VpcEndpoint.service_name == s3_service_name(region))
        .order_by(VpcEndpoint.created_at)
        .limit(_MOST_TRIED)
    )
    for endpoint in endpoints:
        subnet = session.scalar(select(Subnet).where(Subnet.vpc_id == endpoint.vpc_id).limit(1))
        free = [] if subnet is None else addresses.next_free(session, subnet, 1)
        if not free:
            continue
        way = NetworkPath(
            secure=True,
            vpc_id=endpoint.vpc_id,
            vpc_endpoint_id=endpoint.vpc_endpoint_id,
            vpc_source_ip=free[0],
        )
        # The service's own session is bound to an interface that does not exist yet; it depends on no VPC.
        if all(answer.decision.allowed for answer in step_decisions(policies, job, role, None, way, now)):
            return endpoint.vpc_id
    return ""


def vpc_for_caller(
    session: Session, authorizer: PolicyAuthorizer, checked: Call, facts: OperationFacts, now: dt.datetime
) -> str:
    """Return a VPC of the account with which the caller may call the operation, or ""."""
    for vpc_id, config in islice(_configs(session, checked.account, checked.region), _MOST_TRIED):
        call = replace(checked, parameters=with_network(checked.operation, checked.parameters, config))
        keys = request_context(
            call.path, principal=call.principal, now=now, region=call.region, user_agent=call.user_agent
        )
        if all(
            authorizer.decide(
                principal=call.principal,
                action=facts.action,
                resource=resource,
                context={**keys, **facts.context(call), **facts.resource_context(call, resource)},
            ).allowed
            for resource in facts.resources(call)
        ):
            return vpc_id
    return ""


def _configs(session: Session, account: str, region: str) -> Iterator[tuple[str, Mapping[str, Sequence[Any]]]]:
    subnets = list(session.scalars(select(Subnet).where(Subnet.account == account).limit(_MOST_TRIED)))
    groups = list(session.scalars(select(SecurityGroup).where(SecurityGroup.account == account).limit(_MOST_TRIED)))
    # Prefer a VPC with a route to S3 if several are allowed.
    leading = set(
        session.scalars(
            select(VpcEndpoint.vpc_id).where(
                VpcEndpoint.account == account, VpcEndpoint.service_name == s3_service_name(region)
            )
        )
    )
    subnets.sort(key=lambda subnet: subnet.vpc_id not in leading)
    for subnet, group in product(subnets, groups):
        if subnet.vpc_id == group.vpc_id:
            yield subnet.vpc_id, {"Subnets": [subnet.subnet_id], "SecurityGroupIds": [group.group_id]}
