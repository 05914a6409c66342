"""The way out of a VPC: policy routing in its router, and the host's uplink namespace behind it. Pure.

In the router, packets that the ruleset marked follow the policy rules in order of preference: first the main table,
which knows the attached interfaces, then the table of their route table, and last a blackhole. So no route of a route
table can win over an attached interface, and packets without a route are dropped silently. Packets that a route sends
to an interface for other addresses have that interface's mark, and follow its table before the main table.

All routers with an uplink lead to one namespace, which knows the VPCs' public addresses and the outside:

    router of vpc-1: up0 ──┐
    router of vpc-2: up0 ──┴── uplink namespace ── wan0 or tap0, by the agent's setting ── the outside

No address in that namespace accepts connections. Packets are forwarded between the VPCs' public addresses and to the
outside, but only if they come by the wire that their source belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass

from reading_room.dataplane.rules.host import UPLINK_DEVICE, RouterConfig
from reading_room.dataplane.rules.nftables import (
    Accept,
    Chain,
    Drop,
    Element,
    Field,
    Hook,
    KeyType,
    Lookup,
    NamedSet,
    Rule,
    Ruleset,
    SourceFrom,
)

ANYWHERE = "0.0.0.0/0"
UPLINK_MTU = 1500
"""The MTU of the uplink in bytes, as at EC2's internet gateways."""
ROUTER_HOP, UPLINK_HOP = "169.254.255.2", "169.254.255.1"
"""Next hops on every wire between a router and the uplink namespace. Neither end has these addresses."""
ROUTER_MAC, UPLINK_MAC = "02:00:00:00:fe:02", "02:00:00:00:fe:01"
"""MAC addresses of the two ends, the same on every wire."""
FIRST_TABLE = 1000
"""The first number of the routing tables for route tables."""
RETURN_TABLE = 900
"""The routing table for the router's own answers to addresses that no link has."""
RETURNS, THROUGH, NOT_THROUGH, MARKED, LAST = 30_000, 31_000, 31_001, 40_000, 50_000
"""Preferences of our policy rules: two before and two after the main table's, which is 32766."""

# In the router


@dataclass(frozen=True, slots=True, order=True)
class PolicyRule:
    """A policy rule: packets with a mark (0: any), or from the namespace itself, go to a table (0: a blackhole)."""

    preference: int
    table: int
    mark: int = 0
    from_here: bool = False


@dataclass(frozen=True, slots=True, order=True)
class TableRoute:
    """A route in a table of ours: by the uplink's wire, by ``lo`` (for returns), or by a link or tunnel to ``hop``."""

    table: int
    destination: str
    device: str
    hop: str = ""
    """The interface behind a link, or the host behind a tunnel. Empty for ``lo`` and the uplink, which has one hop."""


BUILT_IN_RULES = (PolicyRule(0, 255), PolicyRule(32_766, 254), PolicyRule(32_767, 253))
"""The policy rules of a new namespace: the local, the main and the default table."""


def policy_rules(router: RouterConfig) -> tuple[PolicyRule, ...]:
    """Return the policy rules of a router, in order."""
    rules = list(BUILT_IN_RULES)
    if router.returns:
        rules.append(PolicyRule(RETURNS, RETURN_TABLE, 0, True))
    for each in router.through:
        rules += [PolicyRule(THROUGH, each.number, each.number), PolicyRule(NOT_THROUGH, 0, each.number)]
    if (out := router.uplink or router.remote_gateway) is not None:
        rules += [PolicyRule(MARKED, FIRST_TABLE + each.number, each.number) for each in out.routes]
        rules.append(PolicyRule(LAST, 0))
    return tuple(sorted(rules))


def table_routes(router: RouterConfig) -> tuple[TableRoute, ...]:
    """Return the routes of our own tables by ``lo`` and the uplink, sorted. ``link_routes`` returns those by links."""
    routes = [TableRoute(RETURN_TABLE, f"{address}/32", "lo") for address in router.returns]
    for each in router.uplink.routes if router.uplink is not None else ():
        routes += [TableRoute(FIRST_TABLE + each.number, network, UPLINK_DEVICE) for network in each.networks]
    return tuple(sorted(routes))


def link_routes(router: RouterConfig) -> tuple[TableRoute, ...]:
    """Return the routes of our own tables by links and the tunnel, sorted. These devices must exist first."""
    routes = [TableRoute(each.number, ANYWHERE, each.device, each.address) for each in router.through]
    if router.remote_gateway is not None and router.tunnel is not None:
        device, hop = router.tunnel.device, router.remote_gateway.hop
        for out in router.remote_gateway.routes:
            routes += [TableRoute(FIRST_TABLE + out.number, network, device, hop) for network in out.networks]
    return tuple(sorted(routes))


def main_blackholes(router: RouterConfig) -> tuple[str, ...]:
    """Return the blackholes of the main table.

    With a gateway, packets without a route in the main table continue to the marked tables, and a rule is the last
    blackhole.
    """
    out = router.uplink or router.remote_gateway
    return tuple(each for each in router.blackholes if out is None or each != ANYWHERE)


# In the uplink namespace


@dataclass(frozen=True, slots=True)
class Outside:
    """The connection of the uplink namespace to the outside: a device, our address on it, and the next hop.

    With ``made_here`` the driver creates a veth pair; otherwise the device belongs to a program and comes and goes with
    it. With ``masquerade`` packets leave with our address, for an outside that has no route to the public addresses.
    """

    device: str
    address: str
    gateway: str
    made_here: bool
    masquerade: bool


VETH = Outside("wan0", "169.254.171.2", "169.254.171.1", made_here=True, masquerade=False)
"""A veth pair. Its other end is ``VETH_PEER`` with the gateway's address, in a namespace that the operator chose."""
VETH_PEER = "rr-uplink"
SLIRP = Outside("tap0", "10.0.2.100", "10.0.2.2", made_here=False, masquerade=True)
"""The device that slirp4netns creates, with its addresses."""


@dataclass(frozen=True, slots=True)
class Wire:
    """The uplink namespace's end of a router's uplink, and the public addresses behind it."""

    device: str
    vpc_id: str
    public: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UplinkConfig:
    """The configuration of the uplink namespace; wires are sorted by device."""

    wires: tuple[Wire, ...]
    outside: Outside | None = None


def wire_name(vpc_id: str) -> str:
    """Return the device name of a VPC's wire in the uplink namespace. It is stable for the VPC's life."""
    return "u" + vpc_id.removeprefix("vpc-")[-14:]


def wire_of(router: RouterConfig) -> Wire | None:
    """Return the wire of a router, or ``None`` if it has no uplink."""
    if router.uplink is None:
        return None
    return Wire(wire_name(router.vpc_id), router.vpc_id, router.uplink.public)


SOURCES, PUBLIC, OUTSIDE = "up_sources", "up_public", "up_outside"
"""Sets: devices with the source addresses that may come by them; all public addresses; the devices to the outside."""
MASQUERADE = "up_masquerade"
"""Map from the device to the outside to the address that packets leave with."""


def uplink_ruleset(config: UplinkConfig) -> Ruleset:
    """Return the rules of the uplink namespace. The chains are always the same; only the sets differ."""
    sources = [Element((wire.device, address), None, wire.vpc_id) for wire in config.wires for address in wire.public]
    public = sorted({address for wire in config.wires for address in wire.public})
    outside = (Element((config.outside.device,)),) if config.outside is not None else ()
    sent_by_its_owner = Lookup((Field.INPUT_DEVICE, Field.SOURCE), SOURCES)
    to_a_vpc = Lookup((Field.DESTINATION,), PUBLIC)
    forward = Chain(
        "up_forward",
        (
            Rule((sent_by_its_owner, to_a_vpc), (Accept(),), "between VPCs"),
            Rule((sent_by_its_owner, Lookup((Field.OUTPUT_DEVICE,), OUTSIDE)), (Accept(),), "to the outside"),
            Rule((Lookup((Field.SOURCE,), PUBLIC),), (Drop(),), "forged or by a foreign wire"),
            Rule((Lookup((Field.INPUT_DEVICE,), OUTSIDE), to_a_vpc), (Accept(),), "from the outside"),
        ),
        Hook("filter", "forward", 0),
    )
    # Nothing in this namespace accepts or opens connections.
    chains = [
        forward,
        Chain(
            "up_masquerade",
            (Rule((), (SourceFrom((Field.OUTPUT_DEVICE,), MASQUERADE),), "the outside knows no way back"),),
            Hook("nat", "postrouting", 100, "accept"),
        ),
        Chain("up_input", (), Hook("filter", "input", 0)),
        Chain("up_output", (), Hook("filter", "output", 0)),
    ]
    masquerade: tuple[Element, ...] = ()
    if config.outside is not None and config.outside.masquerade:
        masquerade = (Element((config.outside.device,), (config.outside.address,)),)
    sets = [
        NamedSet(MASQUERADE, (KeyType.DEVICE,), masquerade, value=(KeyType.ADDRESS,)),
        NamedSet(OUTSIDE, (KeyType.DEVICE,), outside),
        NamedSet(PUBLIC, (KeyType.ADDRESS,), tuple(Element((address,)) for address in public)),
        NamedSet(SOURCES, (KeyType.DEVICE, KeyType.ADDRESS), tuple(sources)),
    ]
    return Ruleset(tuple(sorted(sets, key=lambda each: each.name)), tuple(sorted(chains, key=lambda each: each.name)))
