"""Checks of single values in a document: ids, addresses, networks, numbers. Each refuses malformed values."""

from __future__ import annotations

import itertools
import re
import socket
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NoReturn

from reading_room.agent.errors import SpecRefused

IDS = {
    prefix: re.compile(prefix + r"-[0-9a-z]{1,32}\Z")
    for prefix in ("vpc", "subnet", "eni", "sg", "sgr", "rtb", "vpce", "far", "igw", "nat", "eipalloc", "pl")
}


def address(text: str, about: str) -> int:
    """Return an IPv4 address as a number; refuse anything but its canonical form."""
    try:
        packed = socket.inet_pton(socket.AF_INET, text)
    except (OSError, ValueError):
        refuse(about, f"{shown(text)} is not an IPv4 address")
    if socket.inet_ntop(socket.AF_INET, packed) != text:
        refuse(about, f"{shown(text)} is not in the canonical form of IPv4 addresses")
    return int.from_bytes(packed, "big")


def network(text: str, about: str) -> tuple[int, int]:
    """Return the first and last address of a network; refuse one with bits beyond its prefix length."""
    base, slash, length = text.partition("/")
    if not slash or not length.isascii() or not length.isdigit() or str(int(length[:3])) != length or int(length) > 32:
        refuse(about, f"{shown(text)} is not an IPv4 network")
    first = address(base, about)
    size = 1 << (32 - int(length))
    if first % size:
        refuse(about, f"{shown(text)} has bits beyond its prefix length")
    return first, first + size - 1


def apart(networks: list[tuple[int, int]], about: str) -> None:
    """Refuse networks that overlap."""
    ordered = sorted(networks)
    for (_, last), (first, _) in itertools.pairwise(ordered):
        if first <= last:
            refuse(about, "two of them overlap")


def identifier(prefix: str, text: str) -> None:
    """Refuse anything but an id with this prefix."""
    matches(IDS[prefix], text, f"{prefix}-… id")


def matches(pattern: re.Pattern[str], text: str, about: str) -> None:
    """Refuse a text that does not match."""
    if not pattern.match(text):
        refuse(about, f"{shown(text)} is malformed")


def between(number: int, least: int, most: int, about: str) -> None:
    """Refuse a number outside its bounds."""
    if not least <= number <= most:
        refuse(about, f"{number} is not between {least} and {most}")


def at_most(items: Iterable[object], most: int, about: str) -> None:
    """Refuse more items than allowed."""
    count = sum(1 for _ in items)
    if count > most:
        refuse(about, f"{count} are more than {most}")


def once(items: Iterable[object], about: str) -> None:
    """Refuse duplicate items."""
    for duplicate in _repeated(items):
        refuse(about, f"{shown(str(duplicate))} is a duplicate")


def _repeated(items: Iterable[object]) -> Iterator[object]:
    return (item for item, count in Counter(items).items() if count > 1)


def shown(text: str) -> str:
    """Return an untrusted text in a printable and short form for messages."""
    written = ascii(text)
    return written if len(written) <= 80 else written[:77] + "..."


def refuse(about: str, reason: str) -> NoReturn:
    """Raise ``SpecRefused``."""
    raise SpecRefused(f"{about}: {reason}")
