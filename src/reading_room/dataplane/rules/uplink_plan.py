"""The plan of the uplink namespace: the steps from what exists to what should, each with its reason. Pure.

The routers' plans create and delete the wires (``steps.CreateUplink``); the plan here gives them routes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reading_room.dataplane.rules.nftables import Ruleset
from reading_room.dataplane.rules.steps import Stray, compare
from reading_room.dataplane.rules.transactions import creation, differences
from reading_room.dataplane.rules.uplink import BUILT_IN_RULES, LAST, Outside, PolicyRule, UplinkConfig, uplink_ruleset

RULES = (*BUILT_IN_RULES, PolicyRule(LAST, 0))
"""Packets without a route in the main table are dropped silently."""


@dataclass(frozen=True, slots=True, order=True)
class PublicRoute:
    """The route of a public address to the device of its VPC's wire."""

    address: str
    device: str


@dataclass(frozen=True, slots=True)
class ObservedUplink:
    """The uplink namespace as it is.

    ``wires`` are the devices of existing wires, with their VPCs. ``outside`` says whether the device to the outside
    exists, ``ready`` whether it is up and has its address and the default route.
    """

    wires: tuple[tuple[str, str], ...] = ()
    routes: tuple[PublicRoute, ...] = ()
    outside: bool = False
    ready: bool = False
    rules: tuple[PolicyRule, ...] = BUILT_IN_RULES
    ruleset: Ruleset | None = None
    strays: tuple[Stray, ...] = ()


@dataclass(frozen=True, slots=True)
class UplinkRules:
    """Run the transactions in order; then the namespace has ``ruleset``."""

    transactions: tuple[str, ...]
    ruleset: Ruleset
    reason: str


@dataclass(frozen=True, slots=True)
class UplinkPolicy:
    """Add and remove policy rules."""

    add: tuple[PolicyRule, ...]
    remove: tuple[PolicyRule, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class UplinkRoutes:
    """Add and remove routes to public addresses."""

    add: tuple[PublicRoute, ...]
    remove: tuple[PublicRoute, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class MakeOutside:
    """Create the veth pair to the namespace that the operator chose."""

    outside: Outside
    reason: str


@dataclass(frozen=True, slots=True)
class ReadyOutside:
    """Set up the device to the outside, with its address and the default route."""

    outside: Outside
    reason: str


@dataclass(frozen=True, slots=True)
class UplinkStray:
    """Remove something that somebody else put into the namespace."""

    stray: Stray
    reason: str


UplinkStep = UplinkRules | UplinkPolicy | UplinkRoutes | MakeOutside | ReadyOutside | UplinkStray


def plan_uplink(desired: UplinkConfig, observed: ObservedUplink) -> Iterator[UplinkStep]:
    """Yield the steps from ``observed`` to ``desired``: rules before routes, so that any prefix is safe.

    A wire that does not exist yet gets its routes in the first turn that finds it.
    """
    for stray in observed.strays:
        yield UplinkStray(stray, f"{stray.what} is not ours")
    ruleset = uplink_ruleset(desired)
    if observed.ruleset is None:
        yield UplinkRules(creation(ruleset), ruleset, "the rules in force are unknown")
    elif transactions := differences(observed.ruleset, ruleset):
        yield UplinkRules(transactions, ruleset, "public addresses or VPCs with an internet gateway changed")
    add_rules, drop_rules = compare(RULES, observed.rules)
    if add_rules or drop_rules:
        yield UplinkPolicy(add_rules, drop_rules, "packets without a route are dropped silently")
    there = set(observed.wires)
    wanted = [
        PublicRoute(address, wire.device)
        for wire in desired.wires
        if (wire.device, wire.vpc_id) in there
        for address in wire.public
    ]
    add, drop = compare(wanted, observed.routes)
    if add or drop:
        yield UplinkRoutes(add, drop, "public addresses follow Elastic IPs and NAT gateways")
    outside = desired.outside
    if outside is not None and not observed.outside and outside.made_here:
        yield MakeOutside(outside, "an uplink to the outside is wanted")
    elif outside is not None and observed.outside and not observed.ready:
        yield ReadyOutside(outside, f"{outside.device} exists but is not in use")
