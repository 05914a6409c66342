"""What the ruleset reports to flow logs: which packets are copied to NFLOG, and what the copy's prefix says.

Packets that pass are counted by conntrack; only those that end in the router are copied. A prefix does not name the
interface, so that a thousand interfaces share four rules. Whose packet it is follows from the packet: at egress the
source address was checked against the input device before (``SPOOFED`` is the exception: there only the input device
counts, NFLOG attribute 4), at ingress the destination address is the interface's own.

A packet is copied when the interface that it left or the one that it should have reached is logged. The reader still
looks which of the two is.
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
    """What became of a copied packet; the value is the NFLOG prefix."""

    REFUSED_EGRESS = "REJECT egress"
    """No egress rule of the sender allows it: REJECT at the sender."""
    REFUSED_INGRESS = "REJECT ingress"
    """No ingress rule of the receiver allows it: ACCEPT at the sender (egress), REJECT at the receiver."""
    UNROUTED = "ACCEPT egress"
    """Groups allow it, but no route takes it: ACCEPT at the sender, dropped in silence."""
    UNANSWERED = "ACCEPT ingress"
    """Groups of both sides allow it, but an interface endpoint has nothing at this port: ACCEPT at both."""
    CONTAINED = "LIMIT egress"
    """A fragment that nobody could put together, or one connection too many: REJECT at the interface of the input
    device. A fragment has no ports."""
    SPOOFED = "SPOOF egress"
    """Its source is not the sender's address: REJECT at the interface of the input device."""


def decode(prefix: str) -> Fate:
    """Return what a prefix says. Raises ``ValueError`` for a prefix that this ruleset does not write."""
    return Fate(prefix)


def refusal(fate: Fate, matches: tuple[Match, ...] = (), seen: Field = Field.INPUT_DEVICE) -> Rule:
    """Return the rule that copies and drops what matches, if ``seen`` is the device or address of a logged interface.

    What is not logged goes on to the chain's next rule, at last to its policy, which is drop.
    """
    asked = LOGGED if seen in (Field.INPUT_DEVICE, Field.OUTPUT_DEVICE) else LOGGED_ADDRESSES
    return Rule((*matches, Lookup((seen,), asked)), (Log(NFLOG_GROUP, fate.value), Drop()))


def logged_sets(devices: list[str], addresses: list[str]) -> list[NamedSet]:
    """Return the sets of logged devices and of logged addresses."""
    return [
        NamedSet(LOGGED, (KeyType.DEVICE,), tuple(Element((device,)) for device in sorted(devices))),
        NamedSet(LOGGED_ADDRESSES, (KeyType.ADDRESS,), tuple(Element((address,)) for address in sorted(addresses))),
    ]
