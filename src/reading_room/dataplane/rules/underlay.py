"""The rules of the underlay's namespace: tunnels with known hosts, and nothing else. Pure."""

from __future__ import annotations

from reading_room.dataplane.rules.encryption import tunnel_end
from reading_room.dataplane.rules.host import TUNNEL_PORT
from reading_room.dataplane.rules.nftables import (
    Accept,
    Chain,
    Element,
    Equals,
    Field,
    Hook,
    Icmp,
    KeyType,
    Lookup,
    NamedSet,
    Rule,
    Ruleset,
)
from reading_room.dataplane.spec import Underlay

HOSTS = "known_hosts"
"""Set of the addresses at which the tunnels of other hosts end."""


def underlay_rules(underlay: Underlay | None) -> Ruleset:
    """Return the ruleset: VXLAN and ICMP (for the path MTU) from and to known hosts. Without an underlay, nothing."""
    known = underlay.others if underlay is not None else ()
    hosts = NamedSet(
        HOSTS, (KeyType.ADDRESS,), tuple(sorted((Element((tunnel_end(each),)) for each in known), key=lambda e: e.key))
    )
    tunnel = (Equals(Field.PROTOCOL, "17"), Equals(Field.PORT, str(TUNNEL_PORT)))
    chains = (
        Chain("all_forward", (), Hook("filter", "forward", 0)),
        _chain("inp_hosts", "input", Field.SOURCE, tunnel),
        _chain("out_hosts", "output", Field.DESTINATION, tunnel),
    )
    return Ruleset((hosts,), chains)


def _chain(name: str, hook: str, peer: Field, tunnel: tuple[Equals, ...]) -> Chain:
    known = Lookup((peer,), HOSTS)
    return Chain(
        name,
        (
            Rule((*tunnel, known), (Accept(),), "a tunnel with a known host"),
            Rule((Icmp(), known), (Accept(),), "a known host"),
        ),
        Hook("filter", "input" if hook == "input" else "output", 0),
    )
