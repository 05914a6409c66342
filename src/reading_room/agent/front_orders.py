"""The agent's orders to a front: which listeners of its VPC to serve, and which channel to the server to use.

An order is one message on a Unix socket (``SOCK_SEQPACKET``), sent with its descriptors.
"""

from __future__ import annotations

from dataclasses import dataclass

from reading_room.dataplane.spec import ListenerLabel

ORDER_LIMIT = 131_072
LISTENERS_PER_ORDER = 100


@dataclass(frozen=True, slots=True)
class Serve:
    """Serve these listeners; a descriptor is sent for each. One that is served already is replaced."""

    labels: tuple[ListenerLabel, ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """Close these listeners and cut their connections."""

    labels: tuple[ListenerLabel, ...]


@dataclass(frozen=True, slots=True)
class Attach:
    """A server has connected: the descriptor is the front's end of the channel to it."""


@dataclass(frozen=True, slots=True)
class Order:
    """One order."""

    body: Serve | Leave | Attach
