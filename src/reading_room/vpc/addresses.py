"""Private addresses: which a subnet has, which are free, and how long a returned one rests.

Of each subnet five addresses are never given out: the network, the router (+1), the resolver (+2), one kept (+3) and
the last. An address that an interface gave back rests for ``REST``, so that packets of its former owner cannot meet
the next one; only a subnet without any other free address gives out a resting one, the longest rested first.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from reading_room.vpc.errors import InvalidParameterValue
from reading_room.vpc.interface_errors import (
    AddressInUse,
    AddressOutsideSubnet,
    AddressReserved,
    InsufficientFreeAddresses,
)
from reading_room.vpc.tables import AddressRest, NetworkInterface, SecondaryAddress, Subnet

RESERVED = 5
REST = dt.timedelta(seconds=60)
_HOLDERS: tuple[type[NetworkInterface] | type[SecondaryAddress], ...] = (NetworkInterface, SecondaryAddress)
"""The tables whose rows hold an address each."""


def capacity(cidr: str) -> int:
    """Return how many addresses a subnet can give out."""
    return ipaddress.IPv4Network(cidr).num_addresses - RESERVED


def is_reserved(cidr: str, address: str) -> bool:
    """Say whether an address of the subnet is one of the five that are never given out."""
    network = ipaddress.IPv4Network(cidr)
    offset = int(ipaddress.IPv4Address(address)) - int(network.network_address)
    return offset < RESERVED - 1 or offset == network.num_addresses - 1


def allocate(session: Session, subnet: Subnet, now: dt.datetime, wanted: str | None = None) -> str:
    """Choose an address for an interface: the wanted one, or the lowest that is free and rested.

    The caller inserts the interface, or its secondary address, in the same transaction. There is one writer at a time,
    and each table has a unique constraint besides. Raises ``AddressOutsideSubnet``, ``AddressReserved``,
    ``AddressInUse`` or ``InsufficientFreeAddresses``.
    """
    taken = _taken(session, subnet)
    address = _pick(session, subnet, now, taken) if wanted is None else _wanted(subnet, wanted, taken)
    session.execute(delete(AddressRest).where(AddressRest.vpc_id == subnet.vpc_id, AddressRest.address == address))
    return address


def free_counts(session: Session, subnets: Sequence[Subnet]) -> dict[str, int]:
    """Return how many addresses each subnet can still give out, resting ones included, by subnet id."""
    free = {subnet.subnet_id: capacity(subnet.cidr) for subnet in subnets}
    for table in _HOLDERS:
        statement = (
            select(table.subnet_id, func.count()).where(table.subnet_id.in_(list(free))).group_by(table.subnet_id)
        )
        for subnet_id, used in session.execute(statement):
            free[subnet_id] -= used
    return free


def next_free(session: Session, subnet: Subnet, count: int) -> list[str]:
    """Return the lowest addresses that nobody has, resting ones too, without taking any; fewer if there are fewer."""
    taken = _taken(session, subnet)
    return list(itertools.islice((each for each in _candidates(subnet) if each not in taken), count))


def begin_rest(session: Session, holder: NetworkInterface | SecondaryAddress, now: dt.datetime) -> None:
    """Let the address of a row that is being deleted rest from ``now`` on."""
    session.merge(
        AddressRest(vpc_id=holder.vpc_id, address=holder.address, subnet_id=holder.subnet_id, released_at=now)
    )


def end_rest(session: Session, vpc_id: str, address: str) -> None:
    """Let an address be given out again at once, because nothing of its former owner is left in any kernel."""
    session.execute(delete(AddressRest).where(AddressRest.vpc_id == vpc_id, AddressRest.address == address))


def first_rested(
    candidates: Iterable[str], taken: Collection[str], rests: Mapping[str, dt.datetime], now: dt.datetime
) -> str | None:
    """Return the first address that nobody has and that has rested; if all free ones rest, the longest rested.

    ``rests`` are the moments since when addresses rest. ``None`` when every candidate is taken.
    """
    resting: list[tuple[dt.datetime, str]] = []
    for address in candidates:
        if address in taken:
            continue
        if address not in rests or now - rests[address] >= REST:
            return address
        resting.append((rests[address], address))
    return min(resting)[1] if resting else None


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
    address = first_rested(_candidates(subnet), taken, rests, now)
    if address is None:
        raise InsufficientFreeAddresses(subnet.subnet_id)
    return address


def _taken(session: Session, subnet: Subnet) -> set[str]:
    return {
        address
        for table in _HOLDERS
        for address in session.scalars(select(table.address).where(table.subnet_id == subnet.subnet_id))
    }


def _candidates(subnet: Subnet) -> Iterator[str]:
    network = ipaddress.IPv4Network(subnet.cidr)
    first = int(network.network_address) + RESERVED - 1
    return (str(ipaddress.IPv4Address(number)) for number in range(first, int(network.broadcast_address)))
