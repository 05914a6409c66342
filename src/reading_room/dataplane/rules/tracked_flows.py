"""Tracked flows as values: what the kernel knows of a connection. ``linux/conntrack.py`` reads them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tuple:
    """One direction of a connection. Ports are 0 where the protocol has none."""

    source: str
    destination: str
    protocol: int
    source_port: int
    destination_port: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A tracked connection: both directions, what was counted since the last zeroing (sizes in bytes),
    seconds since 1970.

    ``reply`` is what answers look like; where an address was translated its source is the translated destination.
    ``stop`` is the time of the end, 0 while it lives. ``key`` is the kernel's own description for deleting it.
    ``state`` is the kernel's number of a TCP connection's state, 0 for other protocols; ``closed`` and
    ``reply_closed`` say which side has sent FIN, as far as the state tells.
    """

    original: Tuple
    reply: Tuple
    packets: int
    size: int
    reply_packets: int
    reply_size: int
    start: float
    stop: float
    key: bytes
    state: int = 0
    closed: bool = False
    reply_closed: bool = False
    mark: int = 0
    """The interface that a route led the flow to, where one did (``compile/interfaces.py``)."""
