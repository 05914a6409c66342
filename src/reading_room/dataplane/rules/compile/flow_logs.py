"""Reports of the ruleset to flow logs: the packets that are copied to NFLOG, and the meaning of the copies' prefixes.

Conntrack counts packets that pass; only those that end in the router are copied. A prefix does not name the interface,
so that a thousand interfaces share four rules. The packet itself tells the interface: at egress the source address was
checked against the input device before (for ``SPOOFED`` only the input device counts, NFLOG attribute 4), and at
ingress the destination address is the interface's own.

A packet is copied if the interface that it left or the one that it should have reached is logged. The reader finds out
which of the two is.
"""

from __future__ import annotations

from enum import StrEnum

from reading_room.dataplane.rules.nftables import Drop, Element, Field, KeyType, Log, Lookup, Match, NamedSet, Rule

NFLOG_GROUP = 1
"""The NFLOG group of every copy, in each router namespace."""
LOGGED = "if_logged"
"""The set of the devices whose interface a flow log covers."""
LOGGED_ADDRESSES = "ad_logged"
"""The set of the addresses of interface endpoints whose interface a flow log covers: they have no device."""


class Fate(StrEnum):
    """The fate of a copied packet; the value is the NFLOG prefix."""

    REFUSED_EGRESS = "REJECT egress"
    """No egress rule of the sender allows it: REJECT at the sender."""
    REFUSED_INGRESS = "REJECT ingress"
    """No ingress rule of the receiver allows it: ACCEPT at the sender (egress), REJECT at the receiver."""
    UNROUTED = "ACCEPT egress"
    """Groups allow it, but no route takes it: ACCEPT at the sender, dropped silently."""
    UNANSWERED = "ACCEPT ingress"
    """Groups of both sides allow it, but an interface endpoint has no listener at this port: ACCEPT at both."""
    CONTAINED = "LIMIT egress"
    """A fragment that could not be reassembled, or one connection too many: REJECT at the interface of the input
    device. A fragment has no ports."""
    SPOOFED = "SPOOF egress"
    """Its source is not the sender's address: REJECT at the interface of the input device."""


def decode(prefix: str) -> Fate:
    """Return the fate that a prefix stands for. Raises ``ValueError`` for an unknown prefix."""
    return Fate(prefix)


def refusal(fate: Fate, matches: tuple[Match, ...] = (), seen: Field = Field.INPUT_DEVICE) -> Rule:
    """Return the rule that copies and drops matching packets, if ``seen`` is a logged interface's device or address.

    Packets that are not logged continue to the chain's next rule, and finally to its policy, which is drop.
    """
    logged_set = LOGGED if seen in (Field.INPUT_DEVICE, Field.OUTPUT_DEVICE) else LOGGED_ADDRESSES
    return Rule((*matches, Lookup((seen,), logged_set)), (Log(NFLOG_GROUP, fate.value), Drop()))


def logged_sets(devices: list[str], addresses: list[str]) -> list[NamedSet]:
    """Return the sets of logged devices and of logged addresses."""
    return [
        NamedSet(LOGGED, (KeyType.DEVICE,), tuple(Element((device,)) for device in sorted(devices))),
        NamedSet(LOGGED_ADDRESSES, (KeyType.ADDRESS,), tuple(Element((address,)) for address in sorted(addresses))),
    ]
