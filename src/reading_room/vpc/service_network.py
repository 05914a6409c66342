"""The service's own network, for jobs without a VpcConfig.

It is a VPC like any other to the data plane, and belongs to an account that nobody has: no Describe call shows it, no
policy of a customer reaches it. Its interfaces may open connections to the public addresses of S3 on ports 80 and 443,
and to nothing else.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.clock import system_clock
from reading_room.ids import resource_id
from reading_room.vpc import dhcp_options, endpoints, network_interfaces, prefix_lists, security_groups, subnets, vpcs
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.security_groups import rules_of
from reading_room.vpc.tables import NetworkInterface, SecurityGroup, SecurityGroupRule, Subnet, Vpc, VpcEndpoint
from reading_room.vpc.zones import zones_of

OWNER = "amazon-comprehend"
"""The account id of the service's own network; not a number, so that no account can have it."""
CIDR = "198.18.0.0/16"
_GROUP = "jobs"
_PORTS = (80, 443)


def ensure(session: Session, region: str, *, now: dt.datetime | None = None) -> Vpc:
    """Return the service's own network; the first call makes it. Call it once when the product starts."""
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
    group = security_groups.create(session, vpc, _GROUP, "jobs without a VpcConfig", moment)
    for rule in rules_of(session, [group.group_id])[group.group_id]:
        session.delete(rule)
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
    session: Session, host: str, container_id: str, job_arn: str, *, now: dt.datetime | None = None
) -> NetworkInterface:
    """Make an interface in the service's own network and give it to a container.

    The same container gets the same interface again. Raises ``InsufficientFreeAddresses`` when all 65,531 are in use,
    ``LookupError`` before ``ensure`` was called.
    """
    same = session.scalar(
        select(NetworkInterface).where(NetworkInterface.account == OWNER, NetworkInterface.container_id == container_id)
    )
    if same is not None:
        return same
    moment = now or system_clock()
    subnet = session.scalar(select(Subnet).where(Subnet.account == OWNER))
    group = session.scalar(select(SecurityGroup).where(SecurityGroup.account == OWNER, SecurityGroup.name == _GROUP))
    if subnet is None or group is None:
        raise LookupError("the service's own network does not exist yet: service_network.ensure makes it")
    interface = network_interfaces.create(
        session,
        OWNER,
        subnet,
        [group.group_id],
        moment,
        requester_id=f"{OWNER}:Comprehend",
        description=f"Interface of {job_arn}",
    )
    return network_interfaces.attach(session, interface.interface_id, host, container_id, job_arn=job_arn, now=moment)


def delete_interface(session: Session, interface_id: str, *, now: dt.datetime | None = None) -> None:
    """Delete an interface of the service's own network, attached or not; one that is gone stays gone."""
    interface = session.get(NetworkInterface, interface_id)
    if interface is not None and interface.account == OWNER:
        network_interfaces.remove(session, interface, now or system_clock())
