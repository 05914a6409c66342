"""Secondary private addresses of interfaces: assigning, moving and unassigning them.

An address stays assigned until it is unassigned or its interface is deleted. Then it rests as a primary one does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from reading_room.vpc import lookup
from reading_room.vpc.addressing import addresses
from reading_room.vpc.errors import LimitExceeded
from reading_room.vpc.interfaces.errors import AddressAssigned, AddressNotAssigned, PrimaryAddress
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.tables import ElasticAddress, NetworkInterface, SecondaryAddress, Subnet


def assign(
    session: Session,
    interface: NetworkInterface,
    now: dt.datetime,
    *,
    wanted: Sequence[str] = (),
    count: int = 0,
    reassign: bool = False,
    quotas: Quotas = Quotas(),
) -> list[str]:
    """Assign the wanted addresses and ``count`` free ones of the subnet to an interface, and return them.

    With ``reassign``, a wanted address may be a secondary address of another interface in the subnet. It moves together
    with its Elastic IP address. Raises what ``addresses.allocate`` raises, ``AddressAssigned`` for an address that the
    interface already has, and ``LimitExceeded``.
    """
    if not wanted and not count:
        return []
    subnet = session.get_one(Subnet, interface.subnet_id)
    held = 1 + (
        session.scalar(
            select(func.count())
            .select_from(SecondaryAddress)
            .where(SecondaryAddress.interface_id == interface.interface_id)
        )
        or 0
    )
    if held + len(wanted) + count > quotas.addresses_per_interface:
        raise LimitExceeded(
            "PrivateIpAddressLimitExceeded", "private IP addresses per interface", quotas.addresses_per_interface
        )
    return [_assign(session, interface, subnet, address, reassign, now) for address in (*wanted, *[None] * count)]


def unassign(session: Session, interface: NetworkInterface, given_back: Sequence[str], now: dt.datetime) -> None:
    """Unassign secondary addresses from an interface, all or none, and disassociate their Elastic IP addresses.

    Raises ``PrimaryAddress`` or ``AddressNotAssigned``.
    """
    rows = {row.address: row for row in of(session, [interface.interface_id])[interface.interface_id]}
    for address in given_back:
        if address == interface.address:
            raise PrimaryAddress(address, interface.interface_id)
        if address not in rows:
            raise AddressNotAssigned(address, interface.interface_id)
    for address in dict.fromkeys(given_back):
        _remove(session, rows[address], now)
    session.flush()


def remove_all(session: Session, interface: NetworkInterface, now: dt.datetime) -> None:
    """Unassign all secondary addresses from an interface that is being deleted."""
    for row in of(session, [interface.interface_id])[interface.interface_id]:
        _remove(session, row, now)


def of(session: Session, interface_ids: Sequence[str]) -> dict[str, list[SecondaryAddress]]:
    """Return the secondary addresses of several interfaces by interface, sorted by address."""
    found = lookup.grouped(session, SecondaryAddress, "interface_id", interface_ids)
    return {
        interface_id: sorted(rows, key=lambda row: tuple(map(int, row.address.split("."))))
        for interface_id, rows in found.items()
    }


def disassociate_public(session: Session, interface_id: str, private_address: str) -> None:
    """Disassociate the Elastic IP address, if any, of a private address that is being unassigned."""
    of_address = {"of_interface": interface_id, "of_address": private_address}
    if session.scalar(_ASSOCIATED, of_address) is not None:
        session.execute(
            update(ElasticAddress)
            .where(ElasticAddress.interface_id == interface_id, ElasticAddress.private_address == private_address)
            .values(association_id=None, interface_id=None, private_address=None)
        )


def _assign(
    session: Session,
    interface: NetworkInterface,
    subnet: Subnet,
    wanted: str | None,
    reassign: bool,
    now: dt.datetime,
) -> str:
    held = None if wanted is None else session.get(SecondaryAddress, (interface.vpc_id, wanted))
    if wanted == interface.address or (held is not None and held.interface_id == interface.interface_id):
        raise AddressAssigned(str(wanted), interface.interface_id)
    if held is not None and reassign and held.subnet_id == subnet.subnet_id:
        session.execute(
            update(ElasticAddress)
            .where(ElasticAddress.interface_id == held.interface_id, ElasticAddress.private_address == held.address)
            .values(interface_id=interface.interface_id)
        )
        held.interface_id = interface.interface_id
        session.flush()
        return held.address
    address = addresses.allocate(session, subnet, now, wanted)
    session.add(
        SecondaryAddress(
            vpc_id=interface.vpc_id,
            address=address,
            interface_id=interface.interface_id,
            subnet_id=interface.subnet_id,
        )
    )
    session.flush()
    return address


def _remove(session: Session, row: SecondaryAddress, now: dt.datetime) -> None:
    disassociate_public(session, row.interface_id, row.address)
    addresses.begin_rest(session, row, now)
    session.delete(row)


_ASSOCIATED = select(ElasticAddress.allocation_id).where(
    ElasticAddress.interface_id == bindparam("of_interface"), ElasticAddress.private_address == bindparam("of_address")
)
