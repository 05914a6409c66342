"""Tracked flows as values, read from the kernel by ``linux/conntrack.py``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tuple:
    """One direction of a connection. Ports are 0 if the protocol has none."""

    source: str
    destination: str
    protocol: int
    source_port: int
    destination_port: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A tracked connection: both directions, the counts since the last reset, and times.

    Sizes are in bytes, times in seconds since 1970. ``reply`` has the addresses of answers: its source is the
    destination after translation. ``stop`` is the time of the end, or 0 while the connection is open. ``key`` is the
    kernel's description of the connection, used to delete it. ``state`` is the kernel's number for a TCP connection's
    state, or 0 for other protocols. ``closed`` and ``reply_closed`` say which side has sent FIN, as far as the state
    tells.
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
    """The mark of the interface that a route led the flow to, if one did (``compile/interfaces.py``)."""
