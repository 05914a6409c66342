"""Elastic IP addresses: public addresses of an account, each associated with one private address or with none.

They come from the operator's pool (the setting ``elastic_ip_pool``). A released address rests for ``addresses.REST``,
so that packets for its former owner cannot reach the next one. Only a pool without any other free address allocates a
resting one, starting with the one that has rested longest. Only the former owner can ask for a particular address.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from reading_room.ids import resource_id
from reading_room.vpc import lookup, tags
from reading_room.vpc.addressing import prefix_lists
from reading_room.vpc.addressing.addresses import REST
from reading_room.vpc.errors import AuthFailure
from reading_room.vpc.gateways.errors import (
    AddressNotFound,
    ElasticAddressInUse,
    InsufficientAddressCapacity,
    NetworkHasNoInternetGateway,
    NotAnAddressOfInterface,
    ResourceAlreadyAssociated,
)
from reading_room.vpc.identifiers import ELASTIC_ADDRESS
from reading_room.vpc.interfaces import network_interfaces, secondary_addresses
from reading_room.vpc.not_found import AssociationNotFound
from reading_room.vpc.quotas import Quotas, require_room
from reading_room.vpc.tables import ElasticAddress, ElasticAddressRest, InternetGateway, NetworkInterface

DEFAULT_POOL = "198.51.100.0/24"
"""Addresses that exist on no real network (RFC 5737)."""


def overlaps_with_services(pool: str) -> str | None:
    """Return the network of the services' public addresses that a pool overlaps, or ``None``."""
    network = ipaddress.IPv4Network(pool)
    services = (*prefix_lists.S3_CIDRS, *prefix_lists.API_CIDRS)
    return next((cidr for cidr in services if network.overlaps(ipaddress.IPv4Network(cidr))), None)


def allocate(
    session: Session,
    account: str,
    pool: str,
    now: dt.datetime,
    *,
    wanted: str | None = None,
    quotas: Quotas = Quotas(),
) -> ElasticAddress:
    """Allocate an address of the pool: the lowest that is free and not resting, or a wanted one that the account had.

    Raises ``LimitExceeded``, ``AddressNotFound`` for a wanted one that the account cannot have, and
    ``InsufficientAddressCapacity``.
    """
    used = session.scalar(select(func.count()).select_from(ElasticAddress).where(ElasticAddress.account == account))
    require_room(used, quotas.elastic_addresses, "AddressLimitExceeded", "addresses")
    rests = {row.public_ip: row for row in session.scalars(select(ElasticAddressRest))}
    if wanted is None:
        taken = set(session.scalars(select(ElasticAddress.public_ip)))
        candidates = map(str, ipaddress.IPv4Network(pool).hosts())
        released = {address: row.released_at for address, row in rests.items()}
        found = _first_rested(candidates, taken, released, now)
        if found is None:
            raise InsufficientAddressCapacity(pool)
        public_ip = found
    elif wanted in rests and rests[wanted].account == account and _in_pool(pool, wanted):
        public_ip = wanted
    else:
        raise AddressNotFound(wanted)
    session.execute(delete(ElasticAddressRest).where(ElasticAddressRest.public_ip == public_ip))
    address = ElasticAddress(
        allocation_id=resource_id("eipalloc"), account=account, public_ip=public_ip, created_at=now
    )
    session.add(address)
    session.flush()
    return address


def release(session: Session, account: str, allocation_id: str, now: dt.datetime) -> None:
    """Return an address to the pool, where it starts to rest.

    Raises ``ElasticAddressInUse``, and ``AuthFailure`` for an address of a NAT gateway.
    """
    address: ElasticAddress = lookup.one(session, ELASTIC_ADDRESS, account, allocation_id)
    _not_of_a_nat_gateway(session, address)
    if address.association_id is not None:
        raise ElasticAddressInUse(address.public_ip)
    session.add(ElasticAddressRest(public_ip=address.public_ip, account=account, released_at=now))
    tags.forget(session, allocation_id)
    session.delete(address)
    session.flush()


def associate(
    session: Session,
    account: str,
    allocation_id: str,
    interface_id: str,
    *,
    private_address: str | None = None,
    reassociate: bool = True,
) -> ElasticAddress:
    """Associate an address with a private address of an interface, by default the primary one.

    Repeating an association changes nothing. Earlier associations of either address end; if ``reassociate`` is false,
    they raise ``ResourceAlreadyAssociated`` instead. Raises ``AuthFailure`` if a NAT gateway or an endpoint is
    involved, ``NotAnAddressOfInterface`` or ``NetworkHasNoInternetGateway``.
    """
    address: ElasticAddress = lookup.one(session, ELASTIC_ADDRESS, account, allocation_id)
    _not_of_a_nat_gateway(session, address)
    interface = network_interfaces.own(session, account, interface_id)
    private = interface.address if private_address is None else private_address
    secondary = secondary_addresses.of(session, [interface_id])[interface_id]
    if private not in (interface.address, *(row.address for row in secondary)):
        raise NotAnAddressOfInterface(private, interface_id)
    if session.scalar(select(InternetGateway).where(InternetGateway.vpc_id == interface.vpc_id)) is None:
        raise NetworkHasNoInternetGateway(interface.vpc_id)
    if (address.interface_id, address.private_address) == (interface_id, private):
        return address
    if address.association_id is not None and not reassociate:
        raise ResourceAlreadyAssociated(allocation_id, address.association_id)
    other = of(session, [interface_id])[interface_id].get(private)
    if other is not None:
        if not reassociate:
            raise ResourceAlreadyAssociated(interface_id, str(other.association_id))
        disassociate(other)
        session.flush()
    connect(address, interface_id, private)
    session.flush()
    return address


def connect(address: ElasticAddress, interface_id: str, private: str) -> None:
    """Give an address a new association, replacing any earlier one."""
    address.association_id = resource_id("eipassoc")
    address.interface_id = interface_id
    address.private_address = private


def disassociate(address: ElasticAddress) -> None:
    """End the association of an address."""
    address.association_id = address.interface_id = address.private_address = None


def disassociate_by_id(session: Session, account: str, association_id: str) -> None:
    """End an association by its id. Raises ``AssociationNotFound``, and ``AuthFailure`` for a NAT gateway's."""
    address = session.scalar(
        select(ElasticAddress).where(ElasticAddress.association_id == association_id, ElasticAddress.account == account)
    )
    if address is None:
        raise AssociationNotFound(association_id)
    _not_of_a_nat_gateway(session, address)
    disassociate(address)
    session.flush()


def of(session: Session, interface_ids: Sequence[str]) -> dict[str, dict[str, ElasticAddress]]:
    """Return the public addresses of several interfaces, by interface and then by private address."""
    found = lookup.grouped(session, ElasticAddress, "interface_id", interface_ids, "allocation_id")
    return {interface_id: {str(row.private_address): row for row in rows} for interface_id, rows in found.items()}


def by_public_ips(session: Session, account: str, public_ips: Iterable[str]) -> list[ElasticAddress]:
    """Return the account's rows of these addresses. Raises ``AddressNotFound`` for the first that is missing."""
    rows = {
        row.public_ip: row for row in session.scalars(select(ElasticAddress).where(ElasticAddress.account == account))
    }
    for public_ip in public_ips:
        if public_ip not in rows:
            raise AddressNotFound(public_ip)
    return [rows[public_ip] for public_ip in dict.fromkeys(public_ips)]


def mapped_in(session: Session, vpc_id: str) -> bool:
    """Return whether anything in a VPC, NAT gateways included, has a public address."""
    statement = (
        select(ElasticAddress.allocation_id)
        .join(NetworkInterface, NetworkInterface.interface_id == ElasticAddress.interface_id)
        .where(NetworkInterface.vpc_id == vpc_id)
        .limit(1)
    )
    return session.scalar(statement) is not None


def _not_of_a_nat_gateway(session: Session, address: ElasticAddress) -> None:
    interface = None if address.interface_id is None else session.get(NetworkInterface, address.interface_id)
    if interface is not None and interface.nat_gateway_id is not None:
        raise AuthFailure


def _in_pool(pool: str, address: str) -> bool:
    try:
        return ipaddress.IPv4Address(address) in ipaddress.IPv4Network(pool)
    except ValueError:
        return False


def _first_rested(
    candidates: Iterable[str], taken: Collection[str], rests: Mapping[str, dt.datetime], now: dt.datetime
) -> str | None:
    """Return the first free address that is not resting; if all free ones rest, the one that has rested longest.

    ``rests`` is the time of release of each resting address. Returns ``None`` if every candidate is taken.
    """
    resting: list[tuple[dt.datetime, str]] = []
    for address in candidates:
        if address in taken:
            continue
        if address not in rests or now - rests[address] >= REST:
            return address
        resting.append((rests[address], address))
    return min(resting)[1] if resting else None
