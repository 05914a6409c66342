"""Interface endpoints: a service that is reached at addresses of the customer's subnets, behind security groups.

The subnets of an endpoint are those of its interfaces, at most one per zone. The service manages the interfaces: their
owner sees them but can neither change nor delete them, and they are deleted with the endpoint. How private DNS resolves
names is in ``resolver.py``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from reading_room.ids import dns_label, resource_id
from reading_room.vpc import lookup
from reading_room.vpc.endpoints import endpoints
from reading_room.vpc.endpoints.endpoint_services import EndpointService
from reading_room.vpc.endpoints.errors import (
    ConflictingDnsDomain,
    DnsAttributeInUse,
    DuplicateSubnetsInSameZone,
    GroupOfAnotherNetwork,
    InboundOnlyNeedsGateway,
    InboundOnlyNotApplicable,
    LastSecurityGroup,
    NotOfThisEndpoint,
    PrivateDnsNeedsAttributes,
    SubnetOfAnotherNetwork,
)
from reading_room.vpc.errors import LimitExceeded
from reading_room.vpc.groups import security_groups
from reading_room.vpc.identifiers import SECURITY_GROUP, SUBNET
from reading_room.vpc.interfaces import network_interfaces
from reading_room.vpc.quotas import Quotas, require_room
from reading_room.vpc.tables import NetworkInterface, Subnet, Vpc, VpcEndpoint, VpcEndpointGroup

REQUESTER = "727180483921"
"""The account of the service that creates the interfaces, as AWS shows it."""
INTERFACE_TYPE = "vpc_endpoint"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The settings that a call requests for an interface endpoint. ``None`` means not given.

    ``addresses`` are the addresses chosen for some of the subnets, by subnet id.
    """

    subnets: Sequence[str] = ()
    groups: Sequence[str] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)
    private_dns: bool | None = None
    inbound_only: bool | None = None
    policy: str | None = None


def create(
    session: Session,
    vpc: Vpc,
    service: EndpointService,
    wanted: Wanted,
    now: dt.datetime,
    *,
    quotas: Quotas = Quotas(),
) -> VpcEndpoint:
    """Create an interface endpoint with an interface in each subnet. Without groups it gets the VPC's default group.

    Private DNS is on unless the call turns it off. For S3, whose interface endpoints are older than their private DNS,
    it is off unless the call turns it on.

    Raises the errors of ``endpoints.errors``, ``SubnetNotFound``, ``SecurityGroupNotFound``, ``LimitExceeded`` and what
    creating an interface raises.
    """
    used = select(func.count()).select_from(VpcEndpoint)
    used = used.where(VpcEndpoint.vpc_id == vpc.vpc_id, VpcEndpoint.kind == "Interface")
    require_room(
        session.scalar(used), quotas.interface_endpoints_per_vpc, "VpcEndpointLimitExceeded", "interface VPC endpoints"
    )
    endpoint = VpcEndpoint(
        vpc_endpoint_id=resource_id("vpce"),
        account=vpc.account,
        vpc_id=vpc.vpc_id,
        service_name=service.name,
        kind="Interface",
        number=endpoints.next_endpoint_number(session, vpc.vpc_id),
        policy=endpoints.checked_policy(wanted.policy, "Interface"),
        dns_label=dns_label(),
        created_at=now,
    )
    session.add(endpoint)
    session.flush()
    groups = wanted.groups or [security_groups.default_of(session, vpc.vpc_id).group_id]
    _set_groups(session, endpoint, groups, quotas)
    private = service.service != "s3" if wanted.private_dns is None else wanted.private_dns
    _set_private_dns(session, vpc, endpoint, service, private, wanted.inbound_only)
    _place(session, endpoint, wanted, now, quotas)
    return endpoint


def modify(
    session: Session,
    vpc: Vpc,
    endpoint: VpcEndpoint,
    service: EndpointService,
    add: Wanted,
    remove: Wanted,
    now: dt.datetime,
    *,
    quotas: Quotas = Quotas(),
) -> None:
    """Change an endpoint's subnets, groups and private DNS; ``remove`` names subnets and groups only.

    Raises what ``create`` raises, ``NotOfThisEndpoint`` and ``LastSecurityGroup``.
    """
    placed = {
        row.subnet_id: row for row in interfaces_of(session, [endpoint.vpc_endpoint_id])[endpoint.vpc_endpoint_id]
    }
    for subnet_id in remove.subnets:
        if subnet_id not in placed:
            raise NotOfThisEndpoint(subnet_id, endpoint.vpc_endpoint_id)
        network_interfaces.remove(session, placed[subnet_id], now)
    if add.groups or remove.groups:
        carried = group_ids_of(session, endpoint.vpc_endpoint_id)
        for group_id in remove.groups:
            if group_id not in carried:
                raise NotOfThisEndpoint(group_id, endpoint.vpc_endpoint_id)
        left = [group_id for group_id in (*carried, *add.groups) if group_id not in remove.groups]
        if not left:
            raise LastSecurityGroup(endpoint.vpc_endpoint_id)
        _set_groups(session, endpoint, left, quotas)
    _place(session, endpoint, add, now, quotas)
    if add.private_dns is not None or add.inbound_only is not None:
        private = endpoint.private_dns_enabled if add.private_dns is None else add.private_dns
        inbound_only = add.inbound_only
        if inbound_only is None and service.service == "s3" and endpoint.private_dns_enabled:
            inbound_only = endpoint.private_dns_only_for_inbound_resolver
        _set_private_dns(session, vpc, endpoint, service, private, inbound_only)


def remove(session: Session, endpoint: VpcEndpoint, now: dt.datetime) -> None:
    """Delete the interfaces and group associations of an interface endpoint that is being deleted."""
    for row in interfaces_of(session, [endpoint.vpc_endpoint_id])[endpoint.vpc_endpoint_id]:
        network_interfaces.remove(session, row, now)
    session.execute(delete(VpcEndpointGroup).where(VpcEndpointGroup.vpc_endpoint_id == endpoint.vpc_endpoint_id))


def interfaces_of(session: Session, vpc_endpoint_ids: Sequence[str]) -> dict[str, list[NetworkInterface]]:
    """Return the interfaces of several endpoints by endpoint, sorted by id."""
    return lookup.grouped(session, NetworkInterface, "vpc_endpoint_id", vpc_endpoint_ids, "interface_id")


def group_ids_of(session: Session, vpc_endpoint_id: str) -> list[str]:
    """Return the ids of an endpoint's groups, in the order in which they were given."""
    rows = lookup.grouped(session, VpcEndpointGroup, "vpc_endpoint_id", [vpc_endpoint_id], "position")
    return [row.group_id for row in rows[vpc_endpoint_id]]


def require_dns_not_needed(session: Session, vpc_id: str) -> None:
    """Raise ``DnsAttributeInUse`` if an endpoint of the VPC has private DNS, which needs both DNS attributes."""
    needing = session.scalar(
        select(VpcEndpoint.vpc_endpoint_id)
        .where(VpcEndpoint.vpc_id == vpc_id, VpcEndpoint.private_dns_enabled.is_(True))
        .order_by(VpcEndpoint.vpc_endpoint_id)
    )
    if needing is not None:
        raise DnsAttributeInUse(vpc_id, needing)


def _place(session: Session, endpoint: VpcEndpoint, wanted: Wanted, now: dt.datetime, quotas: Quotas) -> None:
    """Create an interface in each wanted subnet; replace an interface that lacks the chosen address."""
    ids = list(dict.fromkeys((*wanted.subnets, *wanted.addresses)))
    subnets: list[Subnet] = lookup.some(session, SUBNET, endpoint.account, ids)
    by_id = {subnet.subnet_id: subnet for subnet in subnets}
    placed = {
        row.subnet_id: row for row in interfaces_of(session, [endpoint.vpc_endpoint_id])[endpoint.vpc_endpoint_id]
    }
    zones = {session.get_one(Subnet, subnet_id).availability_zone: subnet_id for subnet_id in placed}
    groups = group_ids_of(session, endpoint.vpc_endpoint_id)
    for subnet_id in ids:
        subnet, address = by_id[subnet_id], wanted.addresses.get(subnet_id)
        if subnet.vpc_id != endpoint.vpc_id:
            raise SubnetOfAnotherNetwork(subnet_id, endpoint.vpc_id)
        if zones.setdefault(subnet.availability_zone, subnet_id) != subnet_id:
            raise DuplicateSubnetsInSameZone(subnet_id)
        if subnet_id in placed:
            if address in (None, placed[subnet_id].address):
                continue
            network_interfaces.remove(session, placed[subnet_id], now)
        _interface(session, endpoint, subnet, groups, address, now, quotas)


def _interface(
    session: Session,
    endpoint: VpcEndpoint,
    subnet: Subnet,
    groups: Sequence[str],
    address: str | None,
    now: dt.datetime,
    quotas: Quotas,
) -> None:
    row = network_interfaces.create(
        session,
        endpoint.account,
        subnet,
        groups,
        now,
        requester_id=REQUESTER,
        description=f"VPC Endpoint Interface {endpoint.vpc_endpoint_id}",
        address=address,
        quotas=quotas,
    )
    row.interface_type = INTERFACE_TYPE
    row.vpc_endpoint_id = endpoint.vpc_endpoint_id
    row.requester_managed = True
    row.status = "in-use"
    row.attachment_id = resource_id("ela-attach")
    row.attachment_status = "attached"
    row.instance_owner = "amazon-aws"
    row.attached_at = now
    session.flush()


def _set_groups(session: Session, endpoint: VpcEndpoint, group_ids: Sequence[str], quotas: Quotas) -> None:
    wanted = list(dict.fromkeys(group_ids))
    if len(wanted) > quotas.groups_per_interface:
        limit = quotas.groups_per_interface
        raise LimitExceeded("SecurityGroupsPerInterfaceLimitExceeded", "security groups per interface", limit)
    for group in lookup.some(session, SECURITY_GROUP, endpoint.account, wanted):
        if group.vpc_id != endpoint.vpc_id:
            raise GroupOfAnotherNetwork(group.group_id, endpoint.vpc_id)
    session.execute(delete(VpcEndpointGroup).where(VpcEndpointGroup.vpc_endpoint_id == endpoint.vpc_endpoint_id))
    session.add_all(
        VpcEndpointGroup(vpc_endpoint_id=endpoint.vpc_endpoint_id, group_id=group_id, position=position)
        for position, group_id in enumerate(wanted)
    )
    session.flush()
    for row in interfaces_of(session, [endpoint.vpc_endpoint_id])[endpoint.vpc_endpoint_id]:
        network_interfaces.set_groups(session, row, wanted, quotas=quotas)


def _set_private_dns(
    session: Session,
    vpc: Vpc,
    endpoint: VpcEndpoint,
    service: EndpointService,
    private: bool,
    inbound_only: bool | None,
) -> None:
    """Turn private DNS on or off. For S3 it is for inbound resolvers only unless the call says otherwise."""
    if inbound_only is not None and service.service != "s3":
        raise InboundOnlyNotApplicable("services that have Gateway and Interface VPC Endpoints")
    if private and not (vpc.enable_dns_support and vpc.enable_dns_hostnames):
        raise PrivateDnsNeedsAttributes(vpc.vpc_id)
    same_service = select(VpcEndpoint).where(
        VpcEndpoint.vpc_id == vpc.vpc_id,
        VpcEndpoint.service_name == service.name,
        VpcEndpoint.vpc_endpoint_id != endpoint.vpc_endpoint_id,
    )
    others = list(session.scalars(same_service))
    if private and any(other.private_dns_enabled for other in others):
        raise ConflictingDnsDomain(service.private_names[0], vpc.vpc_id)
    only = private and service.service == "s3" and inbound_only is not False
    if only and not any(other.kind == "Gateway" for other in others):
        raise InboundOnlyNeedsGateway(vpc.vpc_id)
    endpoint.private_dns_enabled = private
    endpoint.private_dns_only_for_inbound_resolver = only
