"""Private addresses: which a subnet has, which are free, and how long a returned one rests.

Of each subnet five addresses are never given out: the network, the router (+1), the resolver (+2), one kept (+3) and
the last. An address that an interface gave back rests for ``REST``, so that packets of its former owner cannot meet
the next one; only a subnet without any other free address gives out a resting one, the longest rested first.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from reading_room.vpc.errors import InvalidParameterValue
from reading_room.vpc.interface_errors import (
    AddressInUse,
    AddressOutsideSubnet,
    AddressReserved,
    InsufficientFreeAddresses,
)
from reading_room.vpc.tables import AddressRest, NetworkInterface, Subnet

RESERVED = 5
REST = dt.timedelta(seconds=60)


def capacity(cidr: str) -> int:
    """Return how many addresses a subnet can give out."""
    return ipaddress.IPv4Network(cidr).num_addresses - RESERVED


def is_reserved(cidr: str, address: str) -> bool:
    """Say whether an address of the subnet is one of the five that are never given out."""
    network = ipaddress.IPv4Network(cidr)
    offset = int(ipaddress.IPv4Address(address)) - int(network.network_address)
    return offset < RESERVED - 1 or offset == network.num_addresses - 1


def allocate(session: Session, subnet: Subnet, now: dt.datetime, wanted: str | None = None) -> str:
    """Choose an address for a new interface: the wanted one, or the lowest that is free and rested.

    The caller inserts the interface in the same transaction; the table's unique constraint is the last word. Raises
    ``AddressOutsideSubnet``, ``AddressReserved``, ``AddressInUse`` or ``InsufficientFreeAddresses``.
    """
    taken = set(session.scalars(select(NetworkInterface.address).where(NetworkInterface.subnet_id == subnet.subnet_id)))
    address = _pick(session, subnet, now, taken) if wanted is None else _wanted(subnet, wanted, taken)
    session.execute(delete(AddressRest).where(AddressRest.vpc_id == subnet.vpc_id, AddressRest.address == address))
    return address


def free_counts(session: Session, subnets: Sequence[Subnet]) -> dict[str, int]:
    """Return how many addresses each subnet can still give out, resting ones included, by subnet id."""
    statement = (
        select(NetworkInterface.subnet_id, func.count())
        .where(NetworkInterface.subnet_id.in_([subnet.subnet_id for subnet in subnets]))
        .group_by(NetworkInterface.subnet_id)
    )
    used: dict[str, int] = {row[0]: row[1] for row in session.execute(statement)}
    return {subnet.subnet_id: capacity(subnet.cidr) - used.get(subnet.subnet_id, 0) for subnet in subnets}


def begin_rest(session: Session, interface: NetworkInterface, now: dt.datetime) -> None:
    """Let the address of an interface that is being deleted rest from ``now`` on."""
    session.merge(
        AddressRest(vpc_id=interface.vpc_id, address=interface.address, subnet_id=interface.subnet_id, released_at=now)
    )


def end_rest(session: Session, vpc_id: str, address: str) -> None:
    """Let an address be given out again at once, because nothing of its former owner is left in any kernel."""
    session.execute(delete(AddressRest).where(AddressRest.vpc_id == vpc_id, AddressRest.address == address))


def _wanted(subnet: Subnet, wanted: str, taken: set[str]) -> str:
    try:
        address = ipaddress.IPv4Address(wanted)
    except ValueError:
        raise InvalidParameterValue("privateIpAddress", wanted, "This is not a valid IPv4 address.") from None
    if address not in ipaddress.IPv4Network(subnet.cidr):
        raise AddressOutsideSubnet(wanted)
    if is_reserved(subnet.cidr, wanted):
        raise AddressReserved(wanted)
    if str(address) in taken:
        raise AddressInUse(wanted)
    return str(address)


def _pick(session: Session, subnet: Subnet, now: dt.datetime, taken: set[str]) -> str:
    rests = {
        row.address: row.released_at
        for row in session.scalars(select(AddressRest).where(AddressRest.subnet_id == subnet.subnet_id))
    }
    network = ipaddress.IPv4Network(subnet.cidr)
    first = int(network.network_address) + RESERVED - 1
    for number in range(first, int(network.broadcast_address)):
        address = str(ipaddress.IPv4Address(number))
        if address not in taken and (address not in rests or now - rests[address] >= REST):
            return address
    resting = sorted((released_at, address) for address, released_at in rests.items() if address not in taken)
    if not resting:
        raise InsufficientFreeAddresses(subnet.subnet_id)
    return resting[0][1]
