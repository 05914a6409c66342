"""Packets and verdicts on them: the values for questions about a network and their answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ICMP, TCP, UDP = 1, 6, 17

Outcome = Literal[
    "delivered",
    "left",
    "forwarded",
    "tunnelled",
    "spoofed",
    "refused-egress",
    "refused-ingress",
    "unanswered",
    "unrouted",
    "ignored",
    "no-wire",
    "no-interface",
]
"""``left``: the packet left by the internet gateway to an address of no VPC; what happens there depends on the uplink.
``forwarded``: a route led it to an interface that receives packets for other addresses. It is lost there, because
containers do not forward packets.
``tunnelled``: it went to another host of the VPC, which judges it by the receiver's groups.
``unanswered``: groups allow it, but an interface endpoint has no listener at the port.
``unrouted``: groups allow it, but no route or interface takes it.
``ignored``: it was for the router itself, which does not answer.
``no-wire``: the sender has no container.
``no-interface``: the sender does not exist."""


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a flow, at the interface that sends it.

    If ``source`` is empty, it is the interface's primary address. ``port`` is the destination port of TCP and UDP.
    ``source_port`` matters only for a NAT gateway with several addresses.
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
    """The first packet of a flow from the internet, as it arrives at an internet gateway.

    The gateway is that of the VPC that has the destination, unless ``vpc_id`` names another VPC, for a stray or forged
    packet.
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
    """A reason for a verdict: the ids of rules, tables, endpoints and lists, and a sentence for the user."""

    about: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Hop:
    """A component that the packet passed or ended at, and what it did.

    ``rule_id`` and ``group_id`` are those that allowed it (``kind`` is ``egress`` or ``ingress``). ``route`` is the
    destination of the route that a table chose, ``target`` its target. ``source`` and ``destination`` are those of the
    packet after this component. ``refused`` says that it ended here.
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
    """The allocation of the Elastic IP that an internet gateway used for translation."""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fate of a packet. ``delivered_to`` is ``eni-…``, ``vpce-…``, ``far-…``, ``resolver`` or ``credentials``."""

    outcome: Outcome
    delivered_to: str = ""
    reasons: tuple[Reason, ...] = ()
    hops: tuple[Hop, ...] = ()
    source: str = ""
    """The sender's address as the receiver or the internet sees it; empty unless the packet got there."""
    answered: bool = True
    """Whether the way back exists. If it does not, the last reason says what is missing."""

    @property
    def delivered(self) -> bool:
        """Return whether the packet arrives."""
        return self.outcome == "delivered"

    @property
    def sentence(self) -> str:
        """Return the sentence of the last reason, which decided."""
        return self.reasons[-1].message if self.reasons else ""


def spoken(packet: Packet | Inbound) -> str:
    """Return protocol and port for a message, such as ``TCP 443``."""
    names = {TCP: "TCP", UDP: "UDP", ICMP: "ICMP"}
    name = names.get(packet.protocol, f"protocol {packet.protocol}")
    return f"{name} {packet.port}" if packet.protocol in (TCP, UDP) else name
