"""NAT gateways: other interfaces of the VPC send through them, and their packets get the gateway's source address.

A gateway has one interface, which AWS manages and which has no groups. A ``public`` gateway has an Elastic IP address
for each of its private addresses. They are associated like those of any interface, but only the gateway can change
them. As in EC2, creating a gateway that cannot work succeeds, and the gateway is ``failed``.

A new gateway is complete when its transaction ends, so only the response to the create call shows ``pending``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.ids import resource_id
from reading_room.vpc import lookup, tags
from reading_room.vpc.addressing import addresses
from reading_room.vpc.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
    UnsupportedParameter,
)
from reading_room.vpc.gateways import elastic_addresses
from reading_room.vpc.identifiers import ELASTIC_ADDRESS, NAT_GATEWAY, SUBNET
from reading_room.vpc.interfaces import network_interfaces, secondary_addresses
from reading_room.vpc.not_found import NatGatewayNotFound
from reading_room.vpc.quotas import Quotas, require_room
from reading_room.vpc.tables import ElasticAddress, InternetGateway, NatGateway, NetworkInterface, Subnet

SHOWN_FOR = dt.timedelta(hours=1)
"""How long a failed or deleted gateway is still shown."""
INTERFACE_TYPE = "nat_gateway"
MOST_FURTHER_ADDRESSES = 31
"""The most addresses that one call may add by count, a limit of EC2's API model."""
_LIVING = ("pending", "available", "deleting")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The parameters of a CreateNatGateway request.

    ``allocations`` are the ids of Elastic IP addresses, none for a private gateway. ``private`` are the private
    addresses, the primary one first; ``None`` stands for any free one. A public gateway has as many of both.
    """

    subnet_id: str
    public: bool
    allocations: tuple[str, ...]
    private: tuple[str | None, ...]


def requested(request: Mapping[str, Any]) -> Wanted:
    """Return the parameters of a CreateNatGateway request.

    Raises ``MissingParameter``, ``InvalidParameterValue``, ``InvalidParameterCombination``, ``MalformedId`` and, for
    regional gateways, ``UnsupportedParameter``.
    """
    if request.get("AvailabilityMode", "zonal") != "zonal":
        raise UnsupportedParameter("CreateNatGateway", f"AvailabilityMode={request['AvailabilityMode']}")
    if not request.get("SubnetId"):
        raise MissingParameter("SubnetId")
    connectivity = str(request.get("ConnectivityType") or "public")
    if connectivity not in ("public", "private"):
        raise InvalidParameterValue("connectivityType", connectivity, "Expecting public or private.")
    public = connectivity == "public"
    secondary = tuple(request.get("SecondaryAllocationIds") or ())
    allocations = (request["AllocationId"], *secondary) if request.get("AllocationId") else secondary
    if public and not request.get("AllocationId"):
        raise MissingParameter("AllocationId")
    if not public and allocations:
        raise InvalidParameterCombination("Elastic IP addresses cannot be used with ConnectivityType private")
    for allocation_id in allocations:
        ELASTIC_ADDRESS.check(allocation_id)
    count = len(secondary) if public else int(request.get("SecondaryPrivateIpAddressCount") or 0)
    if public and request.get("SecondaryPrivateIpAddressCount"):
        raise InvalidParameterCombination("SecondaryPrivateIpAddressCount is for ConnectivityType private only")
    chosen = further_addresses(
        request.get("SecondaryPrivateIpAddresses") or (), count, exactly=len(secondary) if public else None
    )
    return Wanted(str(request["SubnetId"]), public, allocations, (request.get("PrivateIpAddress"), *chosen))


def further_addresses(chosen: Sequence[str], count: int, *, exactly: int | None) -> tuple[str | None, ...]:
    """Return the chosen addresses, or ``None`` ``count`` times; with ``exactly``, that many must be chosen.

    Raises ``InvalidParameterValue`` or ``InvalidParameterCombination``.
    """
    if not 0 <= count <= MOST_FURTHER_ADDRESSES:
        why = f"Expecting a value between 1 and {MOST_FURTHER_ADDRESSES}."
        raise InvalidParameterValue("privateIpAddressCount", count, why)
    if not chosen:
        return (None,) * count
    if exactly is None and count:
        raise InvalidParameterCombination("Private IP addresses and their number cannot be given together")
    if exactly is not None and len(chosen) != exactly:
        raise InvalidParameterCombination("There must be one private IP address for each Elastic IP address")
    return tuple(chosen)


def create(
    session: Session, account: str, wanted: Wanted, now: dt.datetime, *, quotas: Quotas = Quotas()
) -> NatGateway:
    """Create a NAT gateway, ``available`` or ``failed``.

    Raises ``SubnetNotFound``, ``LimitExceeded`` and, for a chosen private address, what ``addresses.allocate`` raises.
    """
    subnet: Subnet = lookup.one(session, SUBNET, account, wanted.subnet_id)
    _forget_ended(session, now)
    in_zone = (
        select(func.count())
        .select_from(NatGateway)
        .join(Subnet, Subnet.subnet_id == NatGateway.subnet_id)
        .where(
            NatGateway.account == account,
            NatGateway.state.in_(_LIVING),
            Subnet.availability_zone == subnet.availability_zone,
        )
    )
    require_room(
        session.scalar(in_zone), quotas.nat_gateways_per_zone, "NatGatewayLimitExceeded", "NAT gateways of the zone"
    )
    limit = quotas.addresses_per_nat_gateway
    require_room(len(wanted.allocations) - 1, limit, "AddressLimitExceeded", "addresses of a NAT gateway")
    gateway = NatGateway(
        nat_gateway_id=resource_id("nat"),
        account=account,
        vpc_id=subnet.vpc_id,
        subnet_id=subnet.subnet_id,
        connectivity="public" if wanted.public else "private",
        state="available",
        addresses=[],
        created_at=now,
    )
    failure = _failure(session, subnet, wanted)
    if failure is not None:
        gateway.state, gateway.ended_at = "failed", now
        gateway.failure_code, gateway.failure_message = failure
        gateway.addresses = [{"AllocationId": allocation_id} for allocation_id in wanted.allocations]
    session.add(gateway)
    session.flush()
    if failure is None:
        interface = network_interfaces.create_managed(
            session,
            account,
            subnet,
            (),
            now,
            requester_id=network_interfaces.SERVICE_ACCOUNT,
            interface_type=INTERFACE_TYPE,
            description=f"Interface for NAT Gateway {gateway.nat_gateway_id}",
            address=wanted.private[0],
            nat_gateway_id=gateway.nat_gateway_id,
            quotas=quotas,
        )
        private = assign(session, interface, wanted.private[1:], now, quotas)
        rows = lookup.some(session, ELASTIC_ADDRESS, account, wanted.allocations)
        by_id: dict[str, ElasticAddress] = {row.allocation_id: row for row in rows}
        for allocation_id, address in zip(wanted.allocations, (interface.address, *private), strict=False):
            elastic_addresses.connect(by_id[allocation_id], interface.interface_id, address)
        refresh(session, gateway, interface)
    return gateway


def delete_gateway(session: Session, account: str, nat_gateway_id: str, now: dt.datetime) -> NatGateway:
    """Delete a NAT gateway with its interface. The account keeps the Elastic IP addresses; routes become blackholes.

    Raises ``NatGatewayNotFound``, also for one that is deleted.
    """
    gateway = one(session, account, nat_gateway_id, now)
    if gateway.state == "deleted":
        raise NatGatewayNotFound(nat_gateway_id)
    if gateway.state == "available":
        network_interfaces.remove(session, interface_of(session, gateway), now)
    gateway.state, gateway.ended_at = "deleted", now
    session.flush()
    return gateway


def one(session: Session, account: str, nat_gateway_id: str, now: dt.datetime) -> NatGateway:
    """Return a gateway that is still shown. Raises ``NatGatewayNotFound`` or ``MalformedId``."""
    gateway: NatGateway = lookup.one(session, NAT_GATEWAY, account, nat_gateway_id)
    if not _shown(gateway, now):
        raise NatGatewayNotFound(nat_gateway_id)
    return gateway


def described(session: Session, account: str, nat_gateway_ids: Sequence[str], now: dt.datetime) -> list[NatGateway]:
    """Return the named gateways, or all of the account that are still shown. Raises as ``one`` does."""
    rows: list[NatGateway] = lookup.described(session, NAT_GATEWAY, account, nat_gateway_ids)
    shown = [row for row in rows if _shown(row, now)]
    if nat_gateway_ids and len(shown) < len(rows):
        raise NatGatewayNotFound(next(row.nat_gateway_id for row in rows if not _shown(row, now)))
    return shown


def interface_of(session: Session, gateway: NatGateway) -> NetworkInterface:
    """Return the interface of an available gateway."""
    return session.scalars(
        select(NetworkInterface).where(NetworkInterface.nat_gateway_id == gateway.nat_gateway_id)
    ).one()


def assign(
    session: Session, interface: NetworkInterface, wanted: Sequence[str | None], now: dt.datetime, quotas: Quotas
) -> list[str]:
    """Assign private addresses to a gateway's interface, chosen ones or (``None``) any, and return them."""
    chosen = [address for address in wanted if address is not None]
    return secondary_addresses.assign(
        session, interface, now, wanted=chosen, count=len(wanted) - len(chosen), quotas=quotas
    )


def refresh(session: Session, gateway: NatGateway, interface: NetworkInterface) -> None:
    """Store the addresses of a gateway in its row as EC2 shows them, the primary one first."""
    session.flush()
    public = elastic_addresses.of(session, [interface.interface_id])[interface.interface_id]
    secondary = secondary_addresses.of(session, [interface.interface_id])[interface.interface_id]
    shown = []
    for private in (interface.address, *(row.address for row in secondary)):
        entry = {"NetworkInterfaceId": interface.interface_id, "PrivateIp": private}
        if private in public:
            address = public[private]
            entry |= {
                "AllocationId": address.allocation_id,
                "AssociationId": str(address.association_id),
                "PublicIp": address.public_ip,
            }
        shown.append(entry)
    gateway.addresses = shown
    session.flush()


def _failure(session: Session, subnet: Subnet, wanted: Wanted) -> tuple[str, str] | None:
    """Return the ``FailureCode`` and ``FailureMessage`` of a gateway that cannot work, or ``None``."""
    attached = session.scalar(select(InternetGateway).where(InternetGateway.vpc_id == subnet.vpc_id))
    if wanted.public and attached is None:
        return "Gateway.NotAttached", f"Network {subnet.vpc_id} has no Internet gateway attached"
    seen: set[str] = set()
    for allocation_id in wanted.allocations:
        address = session.get(ElasticAddress, allocation_id)
        if address is None or address.account != subnet.account:
            return (
                "InvalidAllocationID.NotFound",
                f"Elastic IP address {allocation_id} could not be associated with this NAT gateway",
            )
        if address.association_id is not None or allocation_id in seen:
            return "Resource.AlreadyAssociated", f"Elastic IP address {allocation_id} is already associated"
        seen.add(allocation_id)
    if addresses.free_counts(session, [subnet])[subnet.subnet_id] < len(wanted.private):
        return (
            "InsufficientFreeAddressesInSubnet",
            "Subnet has insufficient free addresses to create this NAT gateway",
        )
    return None


def _shown(gateway: NatGateway, now: dt.datetime) -> bool:
    return gateway.ended_at is None or now - gateway.ended_at < SHOWN_FOR


def _forget_ended(session: Session, now: dt.datetime) -> None:
    for gateway in session.scalars(select(NatGateway).where(NatGateway.ended_at <= now - SHOWN_FOR)):
        tags.forget(session, gateway.nat_gateway_id)
        session.delete(gateway)
    session.flush()
