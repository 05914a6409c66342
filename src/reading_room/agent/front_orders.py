"""What the agent tells a front: which listeners of its VPC to serve, and by which channel to speak with the server.

An order is one message on a Unix socket (``SOCK_SEQPACKET``), with its descriptors beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from reading_room.dataplane.spec import ListenerLabel

ORDER_LIMIT = 131_072
LISTENERS_PER_ORDER = 100


@dataclass(frozen=True, slots=True)
class Serve:
    """Serve these; a descriptor comes along for each. One that is served already is replaced."""

    labels: tuple[ListenerLabel, ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """Close these and cut their connections."""

    labels: tuple[ListenerLabel, ...]


@dataclass(frozen=True, slots=True)
class Attach:
    """A server is there: the descriptor is this end of the channel to it."""


@dataclass(frozen=True, slots=True)
class Order:
    """One order."""

    body: Serve | Leave | Attach
