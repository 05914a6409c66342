"""Packets, and what becomes of them: the words that questions about a network are asked and answered in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ICMP, TCP, UDP = 1, 6, 17

Outcome = Literal[
    "delivered",
    "left",
    "forwarded",
    "spoofed",
    "refused-egress",
    "refused-ingress",
    "unanswered",
    "unrouted",
    "ignored",
    "no-wire",
    "no-interface",
]
"""``left`` went out by the internet gateway to an address that is no VPC's; what lies there is the uplink's matter.
``forwarded``: a route led it to an interface that takes what is for others; no container passes packets on, so it is
lost there.
``unanswered`` is allowed by groups but an interface endpoint has nothing at the port; ``unrouted`` is allowed by groups
but taken by nobody; ``ignored`` goes to the router itself, which answers nobody.
``no-wire``: the sender has no container; ``no-interface``: there is no such sender."""


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a flow, at the interface that sends it.

    ``source`` is the interface's primary address where it is empty. ``port`` is the destination port of TCP and UDP.
    ``source_port`` matters behind a NAT gateway with several addresses only.
    """

    vpc_id: str
    interface_id: str
    destination: str
    protocol: int
    port: int = 0
    icmp_type: int = 8
    icmp_code: int = 0
    source: str = ""
    source_port: int = 40_000


@dataclass(frozen=True, slots=True)
class Inbound:
    """The first packet of a flow that comes from the internet, as it arrives at an internet gateway.

    It is that of the VPC that has the destination, unless ``vpc_id`` names another: a packet gone astray, or forged.
    """

    source: str
    destination: str
    protocol: int
    port: int = 0
    icmp_type: int = 8
    icmp_code: int = 0
    source_port: int = 40_000
    vpc_id: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """What decided: the ids of rules, tables, endpoints and lists, and a sentence for a person."""

    about: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Hop:
    """A component that the packet passed or ended at, and what it did.

    ``rule_id`` and ``group_id`` are those that allowed (``kind`` is ``egress`` or ``ingress``); ``route`` is the
    destination of the route that a table chose, ``target`` where it leads. ``source`` and ``destination`` are those of
    the packet behind this component. ``refused`` says that it ended here.
    """

    component_id: str
    kind: Literal[
        "interface", "egress", "ingress", "route-table", "internet-gateway", "nat-gateway", "endpoint", "service"
    ]
    vpc_id: str
    source: str
    destination: str
    rule_id: str = ""
    group_id: str = ""
    route: str = ""
    target: str = ""
    allocation_id: str = ""
    """Of the Elastic IP that an internet gateway translated by."""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a packet. ``delivered_to`` is an ``eni-…``, a ``vpce-…``, ``far-…``, ``resolver`` or
    ``credentials``.
    """

    outcome: Outcome
    delivered_to: str = ""
    reasons: tuple[Reason, ...] = ()
    hops: tuple[Hop, ...] = ()
    source: str = ""
    """The sender's address as the receiver, or the internet, sees it; empty unless it got there."""
    answered: bool = True
    """Whether the way back exists; what is not there is the last reason."""

    @property
    def delivered(self) -> bool:
        """Return whether the packet arrives."""
        return self.outcome == "delivered"

    @property
    def sentence(self) -> str:
        """Return the last reason's sentence: what decided in the end."""
        return self.reasons[-1].message if self.reasons else ""


def spoken(packet: Packet | Inbound) -> str:
    """Return protocol and port as a person says them."""
    names = {TCP: "TCP", UDP: "UDP", ICMP: "ICMP"}
    name = names.get(packet.protocol, f"protocol {packet.protocol}")
    return f"{name} {packet.port}" if packet.protocol in (TCP, UDP) else name
