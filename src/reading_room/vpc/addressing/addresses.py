"""Private addresses: which ones a subnet has, which are free, and how long a released one rests.

Five addresses of each subnet are never allocated: the network, the router (+1), the resolver (+2), a reserved one (+3)
and the last. An address that an interface released rests for ``REST``, so that packets for its former owner cannot
reach the next one. Only a subnet without any other free address allocates a resting one, starting with the one that
has rested longest.

With several hosts, a released address is also *held* until no host has it any more (``hosts/desired.py`` ends that). A
held address is never allocated: the host of its former owner might still let that one send.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import itertools
from collections.abc import Iterator, Sequence

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    not_,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from reading_room.database import rows
from reading_room.database.functions import Dotted
from reading_room.fleet.tables import HostRow
from reading_room.vpc.addressing.errors import (
    AddressInUse,
    AddressOutsideSubnet,
    AddressReserved,
    InsufficientFreeAddresses,
)
from reading_room.vpc.errors import InvalidParameterValue
from reading_room.vpc.tables import AddressRest, NetworkInterface, SecondaryAddress, Subnet

RESERVED = 5
REST = dt.timedelta(seconds=60)
BLOCK = 256
"""How many addresses one step of a search reads. They share three octets, so an index keeps them together."""
_SEVERAL_HOSTS = select(HostRow.host).exists()
_HELD = AddressRest.held.is_(True) & _SEVERAL_HOSTS
"""Whether a released address is held. None is any more when all other hosts have left."""
_HOLDERS: tuple[type[NetworkInterface] | type[SecondaryAddress], ...] = (NetworkInterface, SecondaryAddress)
"""The tables whose rows each hold an address."""


def capacity(cidr: str) -> int:
    """Return how many addresses a subnet can allocate."""
    return ipaddress.IPv4Network(cidr).num_addresses - RESERVED


def is_reserved(cidr: str, address: str) -> bool:
    """Return whether an address of the subnet is one of the five that are never allocated."""
    network = ipaddress.IPv4Network(cidr)
    offset = int(ipaddress.IPv4Address(address)) - int(network.network_address)
    return offset < RESERVED - 1 or offset == network.num_addresses - 1


def allocate(session: Session, subnet: Subnet, now: dt.datetime, wanted: str | None = None) -> str:
    """Choose an address for an interface: the wanted one, or the lowest that is free and not resting.

    The caller inserts the interface, or its secondary address, in the same transaction. There is one writer at a time,
    and each table also has a unique constraint. Raises ``AddressOutsideSubnet``, ``AddressReserved``,
    ``AddressInUse`` or ``InsufficientFreeAddresses``.
    """
    address = _lowest(session, subnet, now) if wanted is None else _wanted(session, subnet, wanted)
    end_rest(session, subnet.vpc_id, address)
    return address


def free_counts(session: Session, subnets: Sequence[Subnet]) -> dict[str, int]:
    """Return how many addresses each subnet can still allocate, resting ones included, by subnet id."""
    free = {subnet.subnet_id: capacity(subnet.cidr) for subnet in subnets}
    for table in _HOLDERS:
        statement = (
            select(table.subnet_id, func.count()).where(table.subnet_id.in_(list(free))).group_by(table.subnet_id)
        )
        for subnet_id, used in session.execute(statement):
            free[subnet_id] -= used
    return free


def next_free(session: Session, subnet: Subnet, count: int) -> list[str]:
    """Return the ``count`` lowest unused addresses, resting ones included, or all if there are fewer."""
    taken = _taken(session, subnet)
    return list(itertools.islice((each for each in _candidates(subnet) if each not in taken), count))


def begin_rest(session: Session, holder: NetworkInterface | SecondaryAddress, now: dt.datetime) -> None:
    """Start the rest of the address of a row that is being deleted."""
    end_rest(session, holder.vpc_id, holder.address)
    values = {"address": holder.address, "vpc_id": holder.vpc_id, "subnet_id": holder.subnet_id, "released_at": now}
    session.execute(_BEGIN_REST, values)


def held(session: Session) -> set[tuple[str, str, dt.datetime]]:
    """Return the held addresses: each with its VPC, and when it was released."""
    rows = session.execute(
        select(AddressRest.vpc_id, AddressRest.address, AddressRest.released_at).where(AddressRest.held.is_(True))
    )
    return {(vpc_id, address, at) for vpc_id, address, at in rows}


def end_hold(session: Session, vpc_id: str, address: str, released_at: dt.datetime) -> None:
    """Allow an address that was released then to be allocated after its rest, because no host has it any more."""
    statement = update(AddressRest).where(
        AddressRest.vpc_id == vpc_id, AddressRest.address == address, AddressRest.released_at == released_at
    )
    session.execute(statement.values(held=None))


def count_held(subnet_id: str) -> Select[int]:
    """Return the statement that counts the held addresses of a subnet."""
    return select(func.count()).select_from(AddressRest).where(AddressRest.subnet_id == subnet_id, _HELD)


def end_rest(session: Session, vpc_id: str, address: str) -> None:
    """Allow an address to be allocated again at once, because no kernel holds anything of its former owner."""
    session.execute(_END_REST, {"vpc_id": vpc_id, "address": address})


def _wanted(session: Session, subnet: Subnet, wanted: str) -> str:
    try:
        address = ipaddress.IPv4Address(wanted)
    except ValueError:
        raise InvalidParameterValue("privateIpAddress", wanted, "This is not a valid IPv4 address.") from None
    if address not in ipaddress.IPv4Network(subnet.cidr):
        raise AddressOutsideSubnet(wanted)
    if is_reserved(subnet.cidr, wanted):
        raise AddressReserved(wanted)
    taken = (select(table.address).where(table.vpc_id == subnet.vpc_id, table.address == wanted) for table in _HOLDERS)
    rests = select(AddressRest.address).where(AddressRest.vpc_id == subnet.vpc_id, AddressRest.address == wanted, _HELD)
    if session.scalar(union_all(*taken, rests)) is not None:
        raise AddressInUse(wanted)
    return wanted


def _lowest(session: Session, subnet: Subnet, now: dt.datetime) -> str:
    network = ipaddress.IPv4Network(subnet.cidr)
    first, end = int(network.network_address), int(network.broadcast_address) + 1
    # A subnet may have 65,531 addresses in use, so only the block with the lowest free one is read.
    where = {"vpc_id": subnet.vpc_id, "first": first, "last": end - BLOCK, "rested": now - REST}
    block = session.scalar(_BLOCK_WITH_ROOM, where) if end - first > BLOCK else first
    if block is not None:
        low, high = _text_range(block)
        unusable = set(session.scalars(_UNUSABLE, where | {"low": low, "high": high}))
        here = range(max(block, first + RESERVED - 1), min(block + BLOCK, end - 1))
        found = next((text for number in here if (text := f"{low}{number % BLOCK}") not in unusable), None)
        if found is not None:
            return found
    longest = select(AddressRest.address).where(AddressRest.subnet_id == subnet.subnet_id, not_(_HELD))
    address = session.scalar(longest.order_by(AddressRest.released_at, AddressRest.address).limit(1))
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
    return map(_text, range(first, int(network.broadcast_address)))


def _text(number: int) -> str:
    return str(ipaddress.IPv4Address(number))


def _text_range(block: int) -> tuple[str, str]:
    """Return the prefix that all addresses of a block share, and the first text that sorts after them."""
    start = _text(block).rpartition(".")[0]
    return start + ".", start + chr(ord(".") + 1)


def _unusable(low: ColumnElement[str], high: ColumnElement[str]) -> list[Select[str]]:
    """Return the statements that read which addresses of a block are in use, and which rest."""
    tables = (*_HOLDERS, AddressRest)
    statements = [
        select(table.address).where(table.vpc_id == bindparam("vpc_id"), table.address >= low, table.address < high)
        for table in tables
    ]
    return [*statements[:-1], statements[-1].where((AddressRest.released_at > bindparam("rested")) | _HELD)]


def _block_with_room() -> Select[int]:
    """Return the statement that finds a subnet's lowest block, ``first`` to ``last``, with an unused address."""
    first, last = bindparam("first", type_=BigInteger), bindparam("last", type_=BigInteger)
    blocks = select(first.label("number")).cte("blocks", recursive=True)
    blocks = blocks.union_all(select(blocks.c.number + BLOCK).where(blocks.c.number < last))
    number = blocks.c.number
    parts = [number.op(">>")(literal_column(bits)).bitwise_and(255) for bits in ("24", "16", "8")]
    low, high = (Dotted(*parts, end) for end in "./")
    unusable = sum(each.with_only_columns(func.count()).scalar_subquery() for each in _unusable(low, high))
    reserved = case((number == first, RESERVED - 1), else_=0) + case((number == last, 1), else_=0)
    # The rows come in the order in which the recursion makes them, so the first match ends the search.
    return select(number).where(unusable + reserved < BLOCK).limit(1)


_END_REST = delete(rows.table(AddressRest)).where(
    AddressRest.vpc_id == bindparam("vpc_id"), AddressRest.address == bindparam("address")
)
_BEGIN_REST = insert(rows.table(AddressRest)).values(
    **{name: bindparam(name) for name in ("vpc_id", "address", "subnet_id", "released_at")},
    held=_SEVERAL_HOSTS,  # The database evaluates it with the insert, without a query of its own.
)
_UNUSABLE = union_all(*_unusable(bindparam("low"), bindparam("high")))
_BLOCK_WITH_ROOM = _block_with_room()
