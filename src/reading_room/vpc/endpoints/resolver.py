"""The DNS resolver of a VPC: it answers names of services, endpoints and interfaces, and no others.

``look_up`` is a pure function from a name and the VPC's zones to records. It never forwards a query, so a DNS name
cannot carry data out of a VPC. Amazon's resolver is documented in the VPC User Guide, "DNS attributes for your VPC",
and private DNS in the PrivateLink guide, "Private DNS names".
"""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.vpc import lookup
from reading_room.vpc.addressing import dhcp_options
from reading_room.vpc.addressing.host_names import private_name, public_name
from reading_room.vpc.addressing.prefix_lists import API_ADDRESS, S3_ADDRESS
from reading_room.vpc.endpoints import endpoint_names
from reading_room.vpc.endpoints.endpoint_services import api_names, repository_names, s3_names
from reading_room.vpc.tables import ElasticAddress, NetworkInterface, SecondaryAddress, Subnet, Vpc, VpcEndpoint

TTL = 60
_SERVICE_TTL = 5
ADDRESS, POINTER, ANY = 1, 12, 255
"""The numbers of the DNS record types A and PTR, and of the query type for all of them."""
_PRIVATE_NAME = re.compile(r"ip-(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})")
_REVERSE = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa")


@dataclass(frozen=True, slots=True)
class Zones:
    """The data that the resolver of one VPC answers from.

    If ``dns_support`` is false, it answers nothing. ``domain`` is the domain of private host names, and ``addresses``
    are those of the VPC's interfaces, including secondary ones. ``records`` maps the names that depend on the VPC (of
    its endpoints, of services with private DNS, of public addresses) to their addresses; a name that starts with
    ``*.`` stands for all names below it. They take precedence over the public names of the services.
    """

    region: str
    domain: str
    dns_support: bool = True
    addresses: frozenset[str] = field(default_factory=frozenset)
    records: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def zones_of(session: Session, vpc_id: str) -> Zones:
    """Return the current zones of a VPC. For a VPC that does not exist, DNS support is off."""
    vpc = session.get(Vpc, vpc_id)
    zone = session.scalar(select(Subnet.availability_zone).where(Subnet.vpc_id == vpc_id).limit(1))
    if vpc is None or zone is None:
        return Zones(region="", domain="", dns_support=False)
    region = zone.rstrip("abcdefghijklmnopqrstuvwxyz")
    primary = session.scalars(select(NetworkInterface.address).where(NetworkInterface.vpc_id == vpc_id))
    secondary = session.scalars(select(SecondaryAddress.address).where(SecondaryAddress.vpc_id == vpc_id))
    return Zones(
        region=region,
        domain=dhcp_options.private_domain(region),
        dns_support=vpc.enable_dns_support and vpc.dhcp_options_id != "default",
        addresses=frozenset((*primary, *secondary)),
        records=_endpoint_records(session, vpc, region) | _public_records(session, vpc_id, region),
    )


def _endpoint_records(session: Session, vpc: Vpc, region: str) -> dict[str, tuple[str, ...]]:
    """Return the names of a VPC's interface endpoints, without private DNS that is for inbound resolvers only."""
    rows = session.execute(
        select(NetworkInterface.vpc_endpoint_id, Subnet.availability_zone, NetworkInterface.address)
        .join(Subnet, Subnet.subnet_id == NetworkInterface.subnet_id)
        .where(NetworkInterface.vpc_id == vpc.vpc_id, NetworkInterface.vpc_endpoint_id.is_not(None))
        .order_by(Subnet.availability_zone)
    )
    placed: dict[str, dict[str, str]] = defaultdict(dict)
    for endpoint_id, zone, address in rows:
        placed[str(endpoint_id)][zone] = address
    records: dict[str, tuple[str, ...]] = {}
    for endpoint in session.scalars(
        select(VpcEndpoint).where(VpcEndpoint.vpc_id == vpc.vpc_id, VpcEndpoint.kind == "Interface")
    ):
        by_zone = placed[endpoint.vpc_endpoint_id]
        everywhere = tuple(by_zone.values())
        regional, *zonal = endpoint_names.own_names(endpoint, region, by_zone)
        records[regional] = everywhere
        records.update((name, (address,)) for name, address in zip(zonal, by_zone.values(), strict=True))
        if vpc.enable_dns_hostnames and not endpoint.private_dns_only_for_inbound_resolver:
            records.update((name, everywhere) for name in endpoint_names.private_names(endpoint, region))
    return records


def _public_records(session: Session, vpc_id: str, region: str) -> dict[str, tuple[str, ...]]:
    """Return the public names of Elastic IP addresses in use: in their own VPC they resolve to the private address."""
    rows = session.execute(
        select(ElasticAddress.public_ip, ElasticAddress.private_address, NetworkInterface.vpc_id)
        .join(NetworkInterface, NetworkInterface.interface_id == ElasticAddress.interface_id)
        .join(Vpc, Vpc.vpc_id == NetworkInterface.vpc_id)
        .where(Vpc.enable_dns_hostnames.is_(True))
    )
    return {
        public_name(public, region): (private if private and owner == vpc_id else public,)
        for public, private, owner in rows
    }


def addresses_of(name: str, zones: Zones) -> tuple[str, ...] | None:
    """Return the addresses of a name (lower case, no final dot), or ``None`` if the name does not exist.

    The name of an endpoint without a subnet exists but has no address.
    """
    found = _of_records(name, zones)
    if found is not None:
        return found
    if is_s3_name(name, zones.region) or name in repository_names(zones.region):
        return (S3_ADDRESS,)
    if name in api_names(zones.region):
        return (API_ADDRESS,)
    private = _PRIVATE_NAME.fullmatch(name.removesuffix(f".{zones.domain}"))
    if private and name.endswith(f".{zones.domain}"):
        address = ".".join(private.groups())
        return (address,) if address in zones.addresses else None
    return None


def _of_records(name: str, zones: Zones) -> tuple[str, ...] | None:
    if name in zones.records:
        return zones.records[name]
    parent = name
    while parent:
        parent = parent.partition(".")[2]
        if f"*.{parent}" in zones.records:
            return zones.records[f"*.{parent}"]
    return None


def base_resolver_address(session: Session, vpc_id: str) -> str:
    """Return the address of the resolver: the base of the VPC's primary block plus two."""
    return str(ipaddress.IPv4Network(lookup.vpc_cidrs(session, vpc_id)[0]).network_address + 2)


@dataclass(frozen=True, slots=True)
class Found:
    """The records of a name, each as type, TTL in seconds and value; ``None`` if the name does not exist."""

    records: tuple[tuple[int, int, str], ...] | None = None


def look_up(name: str, kind: int, zones: Zones) -> Found | None:
    """Return the records of one type for a name (lower case, no final dot), or ``None`` without DNS support.

    A name that exists but has no record of this type is found with an empty tuple.
    """
    if not zones.dns_support:
        return None
    records = _records(name, zones)
    if records is None:
        return Found()
    return Found(tuple(record for record in records if kind in (record[0], ANY)))


def is_s3_name(name: str, region: str) -> bool:
    """Return whether a name (lower case, no final dot) is one of S3's in this region, with or without a bucket.

    This includes the global, regional, dual-stack and older ``s3-REGION`` forms.
    """
    bases = s3_names(region)
    return any(name == base or (name.endswith(f".{base}") and len(name) > len(base) + 1) for base in bases)


def _records(name: str, zones: Zones) -> list[tuple[int, int, str]] | None:
    """Return the records of all types for a name, or ``None`` if the name does not exist."""
    reverse = _REVERSE.fullmatch(name)
    if reverse:
        host = _host_of(".".join(reversed(reverse.groups())), zones)
        return None if host is None else [(POINTER, TTL, host)]
    found = addresses_of(name, zones)
    if found is None:
        return None
    ttl = _SERVICE_TTL if name.endswith(".amazonaws.com") else TTL
    return [(ADDRESS, ttl, address) for address in found]


def _host_of(address: str, zones: Zones) -> str | None:
    if address in zones.addresses:
        return private_name(address, zones.domain)
    name = public_name(address, zones.region)
    return name if name in zones.records else None
