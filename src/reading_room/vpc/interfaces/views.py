"""Network interfaces as EC2 shows them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from reading_room.vpc import lookup, tags
from reading_room.vpc.addressing import dhcp_options, host_names
from reading_room.vpc.interfaces import network_interfaces, secondary_addresses
from reading_room.vpc.tables import ElasticAddress, NetworkInterface, SecurityGroup, Subnet, Vpc


def interface_views(session: Session, region: str, rows: list[NetworkInterface]) -> list[dict[str, Any]]:
    """Return network interfaces with their addresses, groups, attachment and tags, in a fixed number of queries."""
    ids = [row.interface_id for row in rows]
    tagged = tags.of(session, ids)
    groups = network_interfaces.groups_of(session, ids)
    secondary = secondary_addresses.of(session, ids)
    public = lookup.grouped(session, ElasticAddress, "interface_id", ids)
    subnets = lookup.grouped(session, Subnet, "subnet_id", [row.subnet_id for row in rows])
    vpcs = lookup.grouped(session, Vpc, "vpc_id", [row.vpc_id for row in rows])
    return [
        _view(
            row,
            subnets[row.subnet_id][0],
            groups[row.interface_id],
            _Names(region, vpcs[row.vpc_id][0].enable_dns_hostnames),
            [row.address, *(each.address for each in secondary[row.interface_id])],
            {str(each.private_address): each for each in public[row.interface_id]},
        )
        | {"TagSet": tagged[row.interface_id]}
        for row in rows
    ]


def new_interface_view(
    session: Session,
    region: str,
    row: NetworkInterface,
    subnet: Subnet,
    secondary: Sequence[str],
    wanted_tags: Mapping[str, str],
) -> dict[str, Any]:
    """Return a new interface as the call that creates it shows it, without looking up what it can only get later."""
    names = _Names(region, public_names=False)  # It has no public address yet.
    groups = network_interfaces.groups_of_one(session, row.interface_id)
    addresses = [row.address, *sorted(secondary, key=ipaddress.IPv4Address)]
    view = _view(row, subnet, groups, names, addresses, {})
    tag_set = [{"Key": key, "Value": value} for key, value in sorted(wanted_tags.items())]
    return view | {"Status": "pending", "TagSet": tag_set}


@dataclass(frozen=True, slots=True)
class _Names:
    """The names of addresses in a region; public ones exist only in a VPC with ``enableDnsHostnames``."""

    region: str
    public_names: bool

    def private(self, address: str) -> str:
        return host_names.private_name(address, dhcp_options.private_domain(self.region))

    def public(self, address: str) -> str:
        return host_names.public_name(address, self.region) if self.public_names else ""


def _view(
    row: NetworkInterface,
    subnet: Subnet,
    groups: list[SecurityGroup],
    names: _Names,
    addresses: list[str],
    public: Mapping[str, ElasticAddress],
) -> dict[str, Any]:
    view: dict[str, Any] = {
        "NetworkInterfaceId": row.interface_id,
        "OwnerId": row.account,
        "VpcId": row.vpc_id,
        "SubnetId": row.subnet_id,
        "AvailabilityZone": subnet.availability_zone,
        "AvailabilityZoneId": subnet.availability_zone_id,
        "Description": row.description,
        "Status": row.status,
        "InterfaceType": row.interface_type,
        "MacAddress": row.mac,
        "PrivateIpAddress": row.address,
        "PrivateDnsName": names.private(row.address),
        "PrivateIpAddresses": [
            {
                "PrivateIpAddress": address,
                "PrivateDnsName": names.private(address),
                "Primary": address == row.address,
                **_association(public.get(address), names),
            }
            for address in addresses
        ],
        "Ipv6Addresses": [],
        "Groups": [{"GroupId": group.group_id, "GroupName": group.name} for group in groups],
        "RequesterId": row.requester_id,
        "RequesterManaged": row.requester_managed,
        "SourceDestCheck": row.source_dest_check,
        "Operator": {"Managed": False},
        **_association(public.get(row.address), names),
    }
    if row.attachment_id is not None:
        view["Attachment"] = {
            "AttachmentId": row.attachment_id,
            "AttachTime": row.attached_at,
            "DeleteOnTermination": row.delete_on_termination,
            "DeviceIndex": 1,
            "NetworkCardIndex": 0,
            "InstanceOwnerId": row.instance_owner,
            "Status": row.attachment_status,
        }
    return view


def _association(public: ElasticAddress | None, names: _Names) -> dict[str, Any]:
    if public is None:
        return {}
    return {
        "Association": {
            "AllocationId": public.allocation_id,
            "AssociationId": public.association_id,
            "IpOwnerId": public.account,
            "PublicIp": public.public_ip,
            "PublicDnsName": names.public(public.public_ip),
        }
    }
