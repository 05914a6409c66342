"""VPC endpoints and endpoint services as EC2 shows them."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy.orm import Session

from reading_room.vpc import lookup, tags
from reading_room.vpc.endpoints import endpoints, interface_endpoints
from reading_room.vpc.endpoints.endpoint_names import own_names, private_names
from reading_room.vpc.endpoints.endpoint_services import EndpointService
from reading_room.vpc.tables import SecurityGroup, Subnet, VpcEndpoint, VpcEndpointGroup
from reading_room.vpc.zones import zones_of


def endpoint_views(session: Session, region: str, rows: list[VpcEndpoint]) -> list[dict[str, Any]]:
    """Return endpoints as EC2 shows them; the policy is the text that the customer sent."""
    ids = [row.vpc_endpoint_id for row in rows]
    tagged = tags.of(session, ids)
    route_tables = endpoints.route_tables_of(session, ids)
    interfaces = interface_endpoints.interfaces_of(session, ids)
    links = lookup.grouped(session, VpcEndpointGroup, "vpc_endpoint_id", ids, "position")
    group_ids = {link.group_id for found in links.values() for link in found}
    groups = lookup.grouped(session, SecurityGroup, "group_id", list(group_ids))
    subnet_ids = {interface.subnet_id for found in interfaces.values() for interface in found}
    subnets = lookup.grouped(session, Subnet, "subnet_id", list(subnet_ids))
    views = []
    for row in rows:
        own = interfaces[row.vpc_endpoint_id]
        zones = sorted({subnets[interface.subnet_id][0].availability_zone for interface in own})
        views.append(
            {
                "VpcEndpointId": row.vpc_endpoint_id,
                "VpcEndpointType": row.kind,
                "VpcId": row.vpc_id,
                "OwnerId": row.account,
                "ServiceName": row.service_name,
                "ServiceRegion": region,
                "State": row.state,
                "PolicyDocument": row.policy,
                "RouteTableIds": route_tables[row.vpc_endpoint_id],
                "SubnetIds": sorted(interface.subnet_id for interface in own),
                "Groups": [
                    {"GroupId": link.group_id, "GroupName": groups[link.group_id][0].name}
                    for link in links[row.vpc_endpoint_id]
                ],
                "NetworkInterfaceIds": [interface.interface_id for interface in own],
                "DnsEntries": _dns_entries(region, row, zones),
                "PrivateDnsEnabled": row.private_dns_enabled,
                "RequesterManaged": False,
                "IpAddressType": "ipv4",
                "CreationTimestamp": row.created_at,
                "Tags": tagged[row.vpc_endpoint_id],
                **_dns_options(row),
            }
        )
    return views


def service_view(service: EndpointService) -> dict[str, Any]:
    """Return an endpoint service as EC2 shows it."""
    zones = zones_of(service.region)
    names = service.private_names
    return {
        "ServiceName": service.name,
        "ServiceId": service.service_id,
        "ServiceType": [{"ServiceType": service.kind}],
        "ServiceRegion": service.region,
        "AvailabilityZones": [zone.name for zone in zones],
        "AvailabilityZoneIds": [zone.zone_id for zone in zones],
        "Owner": "amazon",
        "BaseEndpointDnsNames": [service.base_name],
        "VpcEndpointPolicySupported": True,
        "AcceptanceRequired": False,
        "ManagesVpcEndpoints": False,
        "SupportedIpAddressTypes": ["ipv4"],
        "Tags": [],
        **(_private_dns(names) if names else {}),
    }


def _private_dns(names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "PrivateDnsName": names[0],
        "PrivateDnsNames": [{"PrivateDnsName": name} for name in names],
        "PrivateDnsNameVerificationState": "verified",
    }


def _dns_options(row: VpcEndpoint) -> dict[str, Any]:
    if row.kind == "Gateway":
        return {}
    options: dict[str, Any] = {"DnsRecordIpType": "ipv4"}
    if row.service_name.endswith(".s3"):
        options["PrivateDnsOnlyForInboundResolverEndpoint"] = row.private_dns_only_for_inbound_resolver
    return {"DnsOptions": options}


def _dns_entries(region: str, row: VpcEndpoint, zones: list[str]) -> list[dict[str, str]]:
    if row.kind == "Gateway":
        return []
    names = [*own_names(row, region, zones), *private_names(row, region)]
    return [{"DnsName": name, "HostedZoneId": _zone_id(name, row)} for name in names]


def _zone_id(name: str, row: VpcEndpoint) -> str:
    """Return the id of a name's hosted zone: public for the endpoint's names, private for the service's."""
    about = row.service_name if ".vpce." in name else f"{row.vpc_endpoint_id} {name.removeprefix('*.')}"
    return "Z" + hashlib.sha256(about.encode()).hexdigest()[:13].upper()
