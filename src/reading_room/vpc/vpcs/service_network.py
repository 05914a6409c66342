"""The service's own network, for jobs without a VpcConfig.

To the data plane it is a VPC like any other. It belongs to an account that nobody can use, so no Describe call shows it
and no customer's policy applies to it. Its interfaces may open connections to the public addresses of S3 on ports 80
and 443, and to nothing else. The containers of one job may also reach each other through a security group of that job:
with one group for all jobs, the containers of different customers could try to reach each other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.analysis.job_file import CLUSTER_PORTS
from reading_room.clock import system_clock
from reading_room.ids import resource_id
from reading_room.vpc.addressing import dhcp_options, prefix_lists, subnets
from reading_room.vpc.endpoints import endpoints
from reading_room.vpc.groups import security_groups
from reading_room.vpc.groups.security_groups import rules_of
from reading_room.vpc.interfaces import network_interfaces
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.tables import (
    NetworkInterface,
    NetworkInterfaceGroup,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Vpc,
    VpcEndpoint,
)
from reading_room.vpc.vpcs import vpcs
from reading_room.vpc.zones import zones_of

OWNER = "amazon-comprehend"
"""The account that owns the service's network. It is not a number, so it can be no customer's."""
CIDR = "198.18.0.0/16"
_GROUP = "jobs"
_JOB_GROUP = "job "
"""The prefix of the name of a job's group; the job's id follows."""
_PORTS = (80, 443)


def ensure(session: Session, region: str, *, now: dt.datetime | None = None) -> Vpc:
    """Return the service's own network; the first call creates it. Call it once when the product starts."""
    existing = session.scalar(select(Vpc).where(Vpc.account == OWNER, Vpc.internal.is_(True)))
    if existing is not None:
        return existing
    moment = now or system_clock()
    vpc = vpcs.create(
        session,
        OWNER,
        CIDR,
        moment,
        dhcp_options_id=dhcp_options.default_set(session, OWNER, region).dhcp_options_id,
        quotas=Quotas(),
        internal=True,
    )
    subnets.create(session, vpc, CIDR, zones_of(region)[0], moment)
    group = _bare_group(session, vpc, _GROUP, "jobs without a VpcConfig", moment)
    session.add_all(
        SecurityGroupRule(
            rule_id=resource_id("sgr"),
            account=OWNER,
            group_id=group.group_id,
            is_egress=True,
            protocol="tcp",
            from_port=port,
            to_port=port,
            prefix_list_id=prefix_lists.S3_PREFIX_LIST_ID,
        )
        for port in _PORTS
    )
    session.add(
        VpcEndpoint(
            vpc_endpoint_id=resource_id("vpce"),
            account=OWNER,
            vpc_id=vpc.vpc_id,
            service_name=prefix_lists.s3_service_name(region),
            kind="Public",
            number=1,
            policy=endpoints.DEFAULT_POLICY,
            created_at=moment,
        )
    )
    session.flush()
    return vpc


def create_interface(
    session: Session,
    host: str,
    container_id: str,
    job_arn: str,
    *,
    cluster: str | None = None,
    now: dt.datetime | None = None,
) -> NetworkInterface:
    """Create an interface in the service's own network and give it to a container.

    With ``cluster``, the id of a job of several containers, the container and the others of that job can reach each
    other. A second call for the same container returns the same interface. Raises ``InsufficientFreeAddresses`` when
    all 65,531 addresses are in use, and ``LookupError`` if ``ensure`` has not been called.
    """
    same = session.scalar(
        select(NetworkInterface).where(NetworkInterface.account == OWNER, NetworkInterface.container_id == container_id)
    )
    if same is not None:
        return same
    moment = now or system_clock()
    subnet = session.scalar(select(Subnet).where(Subnet.account == OWNER))
    group = _group_named(session, _GROUP)
    if subnet is None or group is None:
        raise LookupError("the service's own network does not exist yet: service_network.ensure makes it")
    groups = [group.group_id]
    if cluster is not None:
        groups.append(_cluster_group(session, group.vpc_id, cluster, moment).group_id)
    interface = network_interfaces.create(
        session,
        OWNER,
        subnet,
        groups,
        moment,
        requester_id=f"{OWNER}:Comprehend",
        description=f"Interface of {job_arn}",
    )
    return network_interfaces.attach(session, interface.interface_id, host, container_id, job_arn=job_arn, now=moment)


def delete_interface(session: Session, interface_id: str, *, now: dt.datetime | None = None) -> None:
    """Delete an interface of the service's own network, attached or not. Do nothing if it does not exist.

    The last interface of a job takes the job's group with it.
    """
    interface = session.get(NetworkInterface, interface_id)
    if interface is None or interface.account != OWNER:
        return
    carried = network_interfaces.groups_of(session, [interface_id])[interface_id]
    network_interfaces.remove(session, interface, now or system_clock())
    for group in carried:
        carriers = select(NetworkInterfaceGroup.interface_id).where(NetworkInterfaceGroup.group_id == group.group_id)
        if group.name.startswith(_JOB_GROUP) and session.scalar(carriers.limit(1)) is None:
            security_groups.remove(session, group)


def _cluster_group(session: Session, vpc_id: str, job_id: str, now: dt.datetime) -> SecurityGroup:
    """Return the group that lets the containers of one job reach each other; the first call creates it."""
    name = f"{_JOB_GROUP}{job_id}"
    existing = _group_named(session, name)
    if existing is not None:
        return existing
    group = _bare_group(session, session.get_one(Vpc, vpc_id), name, "containers of one job", now)
    session.add_all(_among_themselves(group))
    session.flush()
    return group


def _among_themselves(group: SecurityGroup) -> Iterator[SecurityGroupRule]:
    first, last = CLUSTER_PORTS
    for is_egress in (False, True):
        yield SecurityGroupRule(
            rule_id=resource_id("sgr"),
            account=OWNER,
            group_id=group.group_id,
            is_egress=is_egress,
            protocol="tcp",
            from_port=first,
            to_port=last,
            referenced_group_id=group.group_id,
        )


def _bare_group(session: Session, vpc: Vpc, name: str, description: str, now: dt.datetime) -> SecurityGroup:
    """Create a group without any rule, not even the default one that allows all egress."""
    group = security_groups.create(session, vpc, name, description, now)
    for rule in rules_of(session, [group.group_id])[group.group_id]:
        session.delete(rule)
    return group


def _group_named(session: Session, name: str) -> SecurityGroup | None:
    return session.scalar(select(SecurityGroup).where(SecurityGroup.account == OWNER, SecurityGroup.name == name))
