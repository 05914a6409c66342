"""What the agent's next turn would change, for ``reading-room network plan``, which runs in another process.

It runs inside the holder's namespaces beside the agent, and inspects the kernel's state. Two things only the agent
remembers: which rules it loaded last, and how sources reached endpoints then. The rules are compared as the kernel
lists them, with a listing of the wanted rules from an otherwise empty namespace; the rest is assumed to be as wanted.
Nothing is changed, except that every namespace is given again the settings that it already has.
"""

from __future__ import annotations

import os
import re
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from difflib import ndiff
from pathlib import Path

from reading_room.dataplane.linux import libnftables, namespaces
from reading_room.dataplane.linux.connections import LISTEN
from reading_room.dataplane.linux.libnftables import Rules
from reading_room.dataplane.linux.router import Router
from reading_room.dataplane.linux.uplink_namespace import NAME as UPLINK
from reading_room.dataplane.linux.uplink_namespace import UplinkNamespace
from reading_room.dataplane.rules.compile import compile_vpc
from reading_room.dataplane.rules.compile.names import CONNECTIONS, DNS_RATE
from reading_room.dataplane.rules.host import HostConfig, RouterConfig
from reading_room.dataplane.rules.nftables import TABLE, Ruleset
from reading_room.dataplane.rules.pair_proof import VPC_ID
from reading_room.dataplane.rules.plan import plan, plan_router
from reading_room.dataplane.rules.steps import ApplyRuleset, ObservedHost, ObservedRouter, describe
from reading_room.dataplane.rules.transactions import creation
from reading_room.dataplane.rules.uplink import Outside, UplinkConfig, uplink_ruleset, wire_of
from reading_room.dataplane.rules.uplink_plan import UplinkRules, plan_uplink
from reading_room.dataplane.spec import NetworkSpec, Vpc

SHOWN = 20
"""The most lines of a difference between rules that are shown."""
_CHANGING = (DNS_RATE, CONNECTIONS)
"""Sets that are filled by packets."""
_COUNTED = re.compile(r"counter packets \d+ bytes \d+")
_BLOCK = re.compile(r"^\t(chain|set|map) (\S+) \{$")


def look_ahead(public_dir: Path, network: NetworkSpec, containers: Iterable[str], outside: Outside | None) -> list[str]:
    """Return the next turn's steps, a sentence for each; none if the kernel's state is as wanted.

    ``containers`` are the ids of the jobs' containers. Raises ``OSError`` or ``RulesetError`` if the namespaces cannot
    be inspected.
    """
    libnftables.prepare()
    scratch = namespaces.new_namespace()
    try:
        return _host(public_dir, network, frozenset(containers), outside, scratch)
    finally:
        os.close(scratch)


def _host(
    public_dir: Path, network: NetworkSpec, wanted: frozenset[str], outside: Outside | None, scratch: int
) -> list[str]:
    """Return the steps for every VPC, wanted or not, and for the uplink namespace."""
    pins = _pins(public_dir / "netns")
    steps: list[str] = []
    wires = []
    for vpc in network.vpcs:
        if vpc.vpc_id in pins:
            config, changes = _vpc(pins[vpc.vpc_id], vpc, network, wanted, scratch)
        else:
            config = compile_vpc(_with_wires(vpc, wanted, frozenset()), network.prefix_lists, underlay=network.underlay)
            changes = [describe(step) for step in plan_router(config, None)]
        steps += _about(vpc.vpc_id, changes)
        wire = wire_of(config)
        wires += [wire] if wire is not None else []
    # The scratch VPC of the proof between hosts is the agent's own.
    scratch_vpc = set() if network.underlay is None else {VPC_ID}
    for vpc_id in sorted(pins.keys() - {vpc.vpc_id for vpc in network.vpcs} - scratch_vpc):
        router = _router(vpc_id, pins[vpc_id])
        removal = plan(HostConfig(()), ObservedHost((router.observe(),)))
        router.close()
        steps += _about(vpc_id, map(describe, removal))
    ordered = tuple(sorted(wires, key=lambda each: each.device))
    return steps + _about(UPLINK, _uplink(public_dir, UplinkConfig(ordered, outside), scratch))


def _pins(directory: Path) -> dict[str, Path]:
    """Return the pinned namespaces by name. ``PinBoard`` would remove those that the agent is about to pin."""
    device = os.stat(namespaces.MINE).st_dev
    found = os.scandir(directory) if directory.is_dir() else ()
    return {entry.name: Path(entry.path) for entry in found if entry.stat().st_dev == device}


def _router(vpc_id: str, pin: Path) -> Router:
    # With segmentation, the offloads of the namespace's lo stay as they are.
    return Router(vpc_id, vpc_id, _open(pin), segmentation=True)


def _open(pin: Path) -> int:
    return os.open(pin, os.O_RDONLY | os.O_CLOEXEC)


def _about(about: str, steps: Iterable[str]) -> list[str]:
    return [f"{about}: {step}" for step in steps]


def _vpc(
    pin: Path, vpc: Vpc, network: NetworkSpec, wanted: frozenset[str], scratch: int
) -> tuple[RouterConfig, list[str]]:
    """Return the wanted configuration of a VPC that has a router, and the steps towards it."""
    router = _router(vpc.vpc_id, pin)
    try:
        found = router.observe()
        linked = frozenset(link.interface_id for link in found.links)
        config = compile_vpc(_with_wires(vpc, wanted, linked), network.prefix_lists, underlay=network.underlay)
        differing = _rules_differ(router.rules, config.ruleset, scratch)
        steps = plan_router(config, _as_remembered(router, found, config))
    finally:
        router.close()
    changes = [describe(step) for step in steps if not isinstance(step, ApplyRuleset)]
    return config, [*changes, *differing]


def _with_wires(vpc: Vpc, wanted: frozenset[str], linked: frozenset[str]) -> Vpc:
    """Return the VPC with only those containers that jobs want or that have a wire."""
    interfaces = (
        each if each.container_id in wanted or each.interface_id in linked else replace(each, container_id=None)
        for each in vpc.interfaces
    )
    return replace(vpc, interfaces=tuple(interfaces))


def _as_remembered(router: Router, found: ObservedRouter, config: RouterConfig) -> ObservedRouter:
    """Return the observed router, completed with what only the agent remembers."""
    with namespaces.inside(router.descriptor):
        open_ports = set(_datagram_sockets())
    open_ports |= {("tcp", each.address, each.port) for each in router.connections.sockets() if each.state == LISTEN}
    listeners = (
        label
        for label in config.listeners
        if ("udp" if label.kind == "resolver-udp" else "tcp", label.address, label.port) in open_ports
    )
    return replace(
        found,
        listeners=tuple(listeners),
        ruleset=config.ruleset,
        reach=config.reach,
        translations=config.translations,
    )


def _datagram_sockets() -> Iterator[tuple[str, str, int]]:
    """Yield the addresses of the UDP sockets of the calling thread's namespace."""
    for line in Path("/proc/thread-self/net/udp").read_text().splitlines()[1:]:
        address, port = line.split()[1].split(":")
        yield "udp", socket.inet_ntoa(struct.pack("=I", int(address, 16))), int(port, 16)


def _uplink(public_dir: Path, config: UplinkConfig, scratch: int) -> list[str]:
    """Return the steps for the uplink namespace."""
    pins = _pins(public_dir / "uplink")
    if UPLINK not in pins:
        return ["CreateNamespace: a VPC has an internet gateway"] if config.wires else []
    if not config.wires:
        return ["DeleteNamespace: no VPC has an internet gateway"]
    uplink = UplinkNamespace(_open(pins[UPLINK]), config.outside, None)
    try:
        ruleset = uplink_ruleset(config)
        differing = _rules_differ(uplink.rules, ruleset, scratch)
        steps = plan_uplink(config, replace(uplink.observe(), ruleset=ruleset))
        return [
            *(f"{type(step).__name__}: {step.reason}" for step in steps if not isinstance(step, UplinkRules)),
            *differing,
        ]
    finally:
        uplink.close()


def _rules_differ(rules: Rules, wanted: Ruleset, scratch: int) -> list[str]:
    """Return how the active rules differ from the wanted ones: nothing, or a sentence and the lines."""
    apart = Rules(scratch)
    apart.run(f"destroy table {TABLE}\n")
    for text in creation(wanted):
        apart.run(text)
    should = _blocks(apart.run(f"list table {TABLE}\n"))
    there = _blocks(rules.run(f"list table {TABLE}\n")) if f"table {TABLE}" in rules.run("list tables\n") else {}
    kept = _unused(there, should)
    lines = [
        f"  {change} ({name})"
        for name in sorted(should.keys() | (there.keys() - kept))
        for change in ndiff(there.get(name, []), should.get(name, []))
        if change.startswith(("- ", "+ "))
    ]
    if not lines:
        return []
    more = [f"  … and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return [f"ApplyRuleset: {len(lines)} lines of the rules differ", *lines[:SHOWN], *more]


def _blocks(listing: str) -> dict[str, list[str]]:
    """Return the lines of every chain, set and map of a listing, with sorted elements and without packets' traces."""
    blocks: dict[str, list[str]] = {}
    name = ""
    for line in listing.splitlines():
        start = _BLOCK.match(line)
        if start is not None:
            name = f"{start[1]} {start[2]}"
            blocks[name] = []
        elif line == "\t}":
            name = ""
        elif name:
            blocks[name].append(_COUNTED.sub("counter", line.strip()))
    return {name: lines if name.startswith("chain ") else _elements(name, lines) for name, lines in blocks.items()}


def _elements(name: str, lines: Sequence[str]) -> list[str]:
    """Return the properties of a set, and its elements one by one in sorted order."""
    text = "\n".join(lines)
    properties, _, elements = text.partition("elements = {")
    found = [] if name.split()[1] in _CHANGING else elements.rpartition("}")[0].split(",")
    lines = [line for line in properties.split("\n") if line]
    return [*lines, *sorted(" ".join(each.split()) for each in found if each.strip())]


def _unused(there: dict[str, list[str]], should: dict[str, list[str]]) -> set[str]:
    """Return the chains and sets that only refer to each other: those of groups that interfaces had recently.

    The agent keeps them for the next interface with these groups. A chain that a hook calls is not one of them.
    """
    extra = {name for name in there.keys() - should.keys() if not any("hook" in line for line in there[name])}
    used = " ".join(line for name, lines in there.items() if name not in extra for line in lines)
    words = set(re.findall(r"[\w-]+", used))
    return {name for name in extra if name.split()[1] not in words}
