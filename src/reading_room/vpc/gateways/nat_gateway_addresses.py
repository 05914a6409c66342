"""Secondary addresses of existing NAT gateways: Elastic IP addresses of public ones, private addresses of private ones.

The first address of each kind cannot be removed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy.orm import Session

from reading_room.vpc import lookup
from reading_room.vpc.errors import LimitExceeded, MissingParameter
from reading_room.vpc.gateways import elastic_addresses, nat_gateways
from reading_room.vpc.gateways.errors import (
    NatGatewayNotAvailable,
    PrimaryAssociationStays,
    ResourceAlreadyAssociated,
    WrongConnectivity,
)
from reading_room.vpc.identifiers import ELASTIC_ADDRESS
from reading_room.vpc.interfaces import secondary_addresses
from reading_room.vpc.not_found import AssociationNotFound
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.tables import ElasticAddress, NatGateway

AddressEntry = dict[str, str]
"""An entry of ``NatGateway.addresses``."""


def associate(
    session: Session,
    account: str,
    nat_gateway_id: str,
    allocation_ids: Sequence[str],
    chosen: Sequence[str],
    now: dt.datetime,
    *,
    quotas: Quotas = Quotas(),
) -> list[AddressEntry]:
    """Associate Elastic IP addresses with a public gateway, each with a private address; return the new entries.

    Raises ``NatGatewayNotFound``, ``NatGatewayNotAvailable``, ``WrongConnectivity``, ``AllocationNotFound``,
    ``ResourceAlreadyAssociated``, ``LimitExceeded``, and for the private addresses ``InvalidParameterCombination`` and
    what ``addresses.allocate`` raises.
    """
    gateway = _available(session, account, nat_gateway_id, now, "public")
    ids = list(dict.fromkeys(allocation_ids))
    rows = {row.allocation_id: row for row in lookup.some(session, ELASTIC_ADDRESS, account, ids)}
    wanted: list[ElasticAddress] = [rows[allocation_id] for allocation_id in ids]
    for address in wanted:
        if address.association_id is not None:
            raise ResourceAlreadyAssociated(address.allocation_id, address.association_id)
    limit = quotas.addresses_per_nat_gateway
    if len(gateway.addresses) + len(wanted) > limit:
        raise LimitExceeded("AddressLimitExceeded", "addresses of a NAT gateway", limit)
    private = nat_gateways.further_addresses(chosen, len(wanted), exactly=len(wanted))
    interface = nat_gateways.interface_of(session, gateway)
    given = nat_gateways.assign(session, interface, private, now, quotas)
    for address, private_address in zip(wanted, given, strict=True):
        elastic_addresses.connect(address, interface.interface_id, private_address)
    nat_gateways.refresh(session, gateway, interface)
    return [entry for entry in gateway.addresses if entry["PrivateIp"] in given]


def disassociate(
    session: Session, account: str, nat_gateway_id: str, association_ids: Sequence[str], now: dt.datetime
) -> list[AddressEntry]:
    """Remove Elastic IP addresses, with their private addresses, from a public gateway; return the removed entries.

    Raises ``NatGatewayNotFound``, ``NatGatewayNotAvailable``, ``WrongConnectivity``, ``AssociationNotFound`` and
    ``PrimaryAssociationStays``.
    """
    gateway = _available(session, account, nat_gateway_id, now, "public")
    entries = {entry["AssociationId"]: entry for entry in gateway.addresses}
    for association_id in association_ids:
        if association_id not in entries:
            raise AssociationNotFound(association_id)
        if entries[association_id] == gateway.addresses[0]:
            raise PrimaryAssociationStays(association_id)
    taken = [entries[association_id] for association_id in dict.fromkeys(association_ids)]
    _give_back(session, gateway, [entry["PrivateIp"] for entry in taken], now)
    return taken


def assign_private(
    session: Session,
    account: str,
    nat_gateway_id: str,
    chosen: Sequence[str],
    count: int,
    now: dt.datetime,
    *,
    quotas: Quotas = Quotas(),
) -> list[AddressEntry]:
    """Assign private addresses to a private gateway; return the new entries.

    Raises ``NatGatewayNotFound``, ``NatGatewayNotAvailable``, ``WrongConnectivity``, ``MissingParameter``,
    ``InvalidParameterCombination`` and what ``secondary_addresses.assign`` raises.
    """
    gateway = _available(session, account, nat_gateway_id, now, "private")
    wanted = nat_gateways.further_addresses(chosen, count, exactly=None)
    if not wanted:
        raise MissingParameter("PrivateIpAddressCount")
    interface = nat_gateways.interface_of(session, gateway)
    given = nat_gateways.assign(session, interface, wanted, now, quotas)
    nat_gateways.refresh(session, gateway, interface)
    return [entry for entry in gateway.addresses if entry["PrivateIp"] in given]


def unassign_private(
    session: Session, account: str, nat_gateway_id: str, given_back: Sequence[str], now: dt.datetime
) -> list[AddressEntry]:
    """Remove private addresses from a private gateway; return the removed entries.

    Raises ``NatGatewayNotFound``, ``NatGatewayNotAvailable``, ``WrongConnectivity`` and what
    ``secondary_addresses.unassign`` raises.
    """
    gateway = _available(session, account, nat_gateway_id, now, "private")
    taken = [entry for entry in gateway.addresses if entry["PrivateIp"] in given_back]
    _give_back(session, gateway, given_back, now)
    return taken


def _available(session: Session, account: str, nat_gateway_id: str, now: dt.datetime, connectivity: str) -> NatGateway:
    gateway = nat_gateways.one(session, account, nat_gateway_id, now)
    if gateway.state != "available":
        raise NatGatewayNotAvailable(nat_gateway_id, gateway.state)
    if gateway.connectivity != connectivity:
        raise WrongConnectivity(nat_gateway_id, gateway.connectivity, connectivity)
    return gateway


def _give_back(session: Session, gateway: NatGateway, private: Sequence[str], now: dt.datetime) -> None:
    interface = nat_gateways.interface_of(session, gateway)
    secondary_addresses.unassign(session, interface, private, now)
    nat_gateways.refresh(session, gateway, interface)
