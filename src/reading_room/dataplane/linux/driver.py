"""The network driver of Linux: compile, check, observe, plan, apply, VPC by VPC.

Runs in the agent, which is already in the holder's mount and network namespaces (and, for an ordinary user, in its
user namespace) with uid 0 there. Everything it makes is a pinned router namespace, a link into a container's
namespace, or a descriptor of its own; the host's namespace is never written to.

A turn with nothing to change asks each router two questions (has anything been reported? is the ruleset still ours?)
and compares values; no list is read.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from reading_room.dataplane.linux.flows import FlowCollector
from reading_room.dataplane.linux.kernel import Kernel
from reading_room.dataplane.linux.libnftables import LibraryMissingError, RulesetError
from reading_room.dataplane.linux.listeners import tracked_strangers
from reading_room.dataplane.linux.router import Router
from reading_room.dataplane.linux.sysctl import SettingError
from reading_room.dataplane.rules.compile import compile_vpc
from reading_room.dataplane.rules.compile.security_groups import Kept, carried_groups
from reading_room.dataplane.rules.flow_places import places
from reading_room.dataplane.rules.host import HostConfig, LinkConfig, RouterConfig
from reading_room.dataplane.rules.invariants import check
from reading_room.dataplane.rules.plan import plan, plan_router
from reading_room.dataplane.rules.steps import (
    AddSecondary,
    CreateLink,
    CreateUplink,
    CutConnections,
    DeleteLink,
    DeleteNamespace,
    ForgetFlows,
    LeadThrough,
    ObservedHost,
    ObservedRouter,
    OpenListener,
    Step,
)
from reading_room.dataplane.rules.uplink import Outside, UplinkConfig, Wire, wire_of
from reading_room.dataplane.rules.uplink_plan import UplinkStray, plan_uplink
from reading_room.dataplane.spec import (
    FlowEvent,
    Interface,
    ListenerLabel,
    NetworkReport,
    NetworkSpec,
    PrefixList,
    Problem,
    Vpc,
)

_log = logging.getLogger(__name__)

FAILURES = (OSError, RulesetError, SettingError, LibraryMissingError)
"""What a step may raise. Anything else is a mistake of this program and ends the agent."""
PINS = "pins"
"""What problems of the namespaces' pins are about."""
UPLINK = "uplink"
"""What problems of the uplink namespace are about."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A VPC's wish with what was compiled from it; used again while the wish is an equal value."""

    vpc: Vpc
    config: RouterConfig


@dataclass(frozen=True, slots=True)
class Steady:
    """A VPC that was made so without a problem, and which of its containers were there then."""

    vpc: Vpc
    present: frozenset[str]


def _wireable(vpc: Vpc, present: frozenset[str], observed: ObservedRouter | None) -> Vpc:
    """Return the VPC without the containers that can have no wire: no namespace here, and no link made earlier.

    To the rules such an interface is one that nobody is behind, so packets to it end in the flow log.
    """
    linked = {link.interface_id for link in observed.links} if observed is not None else set()

    def can(interface: Interface) -> bool:
        return interface.container_id is None or interface.container_id in present or interface.interface_id in linked

    if all(map(can, vpc.interfaces)):
        return vpc
    return replace(
        vpc, interfaces=tuple(each if can(each) else replace(each, container_id=None) for each in vpc.interfaces)
    )


def _open_beyond(path: Path) -> int:
    """Open the namespace that the uplink leads to; the ``OSError`` says that it is about that."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        message = f"the uplink leads to the network namespace {path}, which cannot be opened: {error.strerror}"
        raise OSError(error.errno, message) from error


def describe(step: Step) -> str:
    """Return a step in one line: what is done about it, to what, and why."""
    names = ("interface_id", "link", "label", "address", "add", "remove", "port")
    about = [getattr(step, name, None) for name in names]
    shown = [each.interface_id if isinstance(each, LinkConfig) else str(each) for each in about if each]
    return f"{type(step).__name__} {' '.join(shown)[:300]}: {step.reason}"


def explain(error: BaseException) -> str:
    """Say in one line what failed and what mends it, as far as the kind of failure tells."""
    if isinstance(error, RulesetError):
        return f"the kernel refused a change of the firewall rules: {' '.join(error.message.split())[:500]}"
    if isinstance(error, PermissionError):
        return (
            f"{error}: the agent needs CAP_NET_ADMIN and CAP_SYS_ADMIN in its own namespaces (see reading-room doctor)"
        )
    return str(error)


class LinuxNetworkDriver:
    """``NetworkDriver`` on network namespaces, nftables and connection tracking."""

    def __init__(
        self,
        runtime_dir: Path,
        outside: Outside | None = None,
        beyond: Path | None = None,
        *,
        segmentation: bool = False,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """Take over what an earlier agent left under ``runtime_dir``.

        ``runtime_dir`` lies on a tmpfs of the holder's mount namespace; whatever pins there, this driver made.
        ``outside`` is what VPCs reach by their internet gateways; where it is a veth pair, ``beyond`` is the file of
        the network namespace that the pair leads to. With ``segmentation`` new links keep their segmentation offloads:
        faster, and flow logs count fewer packets than were sent. ``pause`` waits between two looks of a cut at
        connections whose handshake has not ended. Raises ``OSError``, ``SettingError`` or
        ``LibraryMissingError`` where this machine cannot enforce a network at all.
        """
        away = None if beyond is None else _open_beyond(beyond)
        self._flows = FlowCollector(runtime_dir / "flows")
        try:
            self._kernel = Kernel(runtime_dir, self._flows, outside, away, segmentation=segmentation, pause=pause)
            for vpc_id, router in self._kernel.routers.items():
                self._flows.resume(vpc_id, router.descriptor)
        except BaseException:
            self._flows.close()
            raise
        self._wires: dict[str, Wire] = {}
        """By VPC, the wires to the uplink namespace that were made so."""
        self._uplink_lost = ""
        """Why the uplink namespace could not be made so; while it says so, nothing new is connected to it."""
        self._adopted = set(self._kernel.routers)
        self._compiled: dict[str, Compiled] = {}
        self._combinations: dict[str, Kept] = {}
        """The combinations of groups that interfaces of a VPC carried: their chains stay for the next one."""
        self._prefix_lists: tuple[PrefixList, ...] = ()
        self._wired: dict[str, frozenset[tuple[str, str]]] = {}
        """By VPC, the interfaces with a wire after the last turn: id and address."""
        self._steady: dict[str, Steady] = {}
        self._last: tuple[NetworkSpec, frozenset[str], NetworkReport] | None = None

    def realize(self, spec: NetworkSpec, namespaces: Mapping[str, int]) -> NetworkReport:
        """Make the network so (see ``NetworkDriver``).

        ``interfaces`` of the report are all that have a wire now, those of a VPC with a problem included: one
        that is not among them is gone. ``vpcs`` are made as asked for; only their containers may start. A problem of
        a flow log is reported once and does not take its VPC away.
        """
        present = frozenset(namespaces)
        now = time.monotonic()
        problems = self._repair_pins()
        changed = {vpc_id for vpc_id, router in self._kernel.routers.items() if router.changed(now)}
        uplink_changed = self._kernel.uplink is not None and self._kernel.uplink.changed(now)
        lost = self._flows.problems()
        last = self._last
        quiet = last is not None and not changed and not uplink_changed and not lost and not problems
        quiet = quiet and last is not None and present == last[1]
        if quiet and last is not None and (last[0] is spec or last[0] == spec):
            return last[2]
        self._last = None
        problems += lost
        standing: list[str] = []
        wanted = {vpc.vpc_id for vpc in spec.vpcs}
        for vpc_id in [each for each in self._kernel.routers if each not in wanted]:
            problems += self._remove(vpc_id)
        if spec.prefix_lists != self._prefix_lists:
            self._compiled.clear()
            self._prefix_lists = spec.prefix_lists
        self._uplink_lost = ""
        if any(vpc.internet_gateway for vpc in spec.vpcs):
            self._prepare_uplink()
        for vpc in spec.vpcs:
            found = self._realize_vpc(vpc, spec.prefix_lists, namespaces, present, changed=vpc.vpc_id in changed)
            problems += found
            if not any(problem.about == vpc.vpc_id for problem in found):
                standing.append(vpc.vpc_id)
        problems += self._realize_uplink(told=uplink_changed and last is not None and spec == last[0])
        interfaces = sorted({interface for wired in self._wired.values() for interface, _address in wired})
        report = NetworkReport(tuple(standing), tuple(interfaces), tuple(problems))
        if not problems:
            self._last = (spec, present, report)
        return report

    def _compile(self, vpc: Vpc, prefix_lists: tuple[PrefixList, ...]) -> RouterConfig:
        """Return the VPC's configuration; raise ``ValueError`` where it breaks an invariant."""
        known = self._compiled.get(vpc.vpc_id)
        if known is not None and (known.vpc is vpc or known.vpc == vpc):
            return known.config
        kept = self._combinations.get(vpc.vpc_id, frozenset())
        config = compile_vpc(vpc, prefix_lists, kept)
        broken = check(HostConfig((config,)), NetworkSpec((vpc,), prefix_lists))
        if broken:
            raise ValueError("; ".join(broken[:5]))
        self._compiled[vpc.vpc_id] = Compiled(vpc, config)
        existing = {group.group_id for group in vpc.groups}
        combinations = kept | {carried_groups(interface) for interface in vpc.interfaces if interface.container_id}
        self._combinations[vpc.vpc_id] = frozenset(
            groups for groups in combinations if groups and existing.issuperset(groups)
        )
        return config

    def _realize_vpc(
        self,
        vpc: Vpc,
        prefix_lists: tuple[PrefixList, ...],
        namespaces: Mapping[str, int],
        present: frozenset[str],
        *,
        changed: bool,
    ) -> list[Problem]:
        """Make one VPC so; return its problems. After one with the VPC itself its old rules are still in force."""
        mine = present & {interface.container_id for interface in vpc.interfaces if interface.container_id}
        steady = self._steady.get(vpc.vpc_id)
        if not changed and steady is not None and steady.present == mine and (steady.vpc is vpc or steady.vpc == vpc):
            return []
        self._steady.pop(vpc.vpc_id, None)
        problems: list[Problem] = []
        try:
            router = self._kernel.routers.get(vpc.vpc_id)
            observed = router.observe() if router is not None else None
            config = self._compile(_wireable(vpc, mine, observed), prefix_lists)
            steps = self._with_forgotten(vpc.vpc_id, config, plan_router(config, observed))
            if steady is not None and (steady.vpc, steady.present) == (vpc, mine):
                for step in steps:
                    _log.warning("%s: somebody else changed its network; %s", vpc.vpc_id, describe(step))
            logged = any(interface.logged for interface in vpc.interfaces)
            problems += self._carry_out(vpc, config, steps, namespaces, logged=logged)
            router = self._kernel.routers[vpc.vpc_id]
            router.reach, router.translations = config.reach, config.translations
            wire = wire_of(config)
            if wire is not None:
                self._wires[vpc.vpc_id] = wire
            else:
                self._wires.pop(vpc.vpc_id, None)
            if logged:
                self._watch(router)
                self._place(router, vpc, config)
            elif self._flows.watching(vpc.vpc_id):
                self._flows.flush(vpc.vpc_id, router.descriptor)
                self._flows.unwatch(vpc.vpc_id)
        except ValueError as error:
            return [Problem(vpc.vpc_id, f"this VPC cannot be made safely, so nothing of it was changed: {error}")]
        except FAILURES as error:
            problems.append(Problem(vpc.vpc_id, explain(error)))
        self._remember(vpc.vpc_id)
        if not problems:
            self._steady[vpc.vpc_id] = Steady(vpc, mine)
        return problems

    def _repair_pins(self) -> list[Problem]:
        try:
            for what in self._kernel.pins_lost():
                _log.warning("%s: repaired", what)
        except OSError as error:
            return [Problem(PINS, f"the pins of namespaces cannot be looked at: {error}")]
        return []

    def _prepare_uplink(self) -> None:
        """Make sure that the uplink namespace is there, and has rules, before a wire is connected to it."""
        try:
            uplink = self._kernel.open_uplink()
            if uplink.ruleset is None and not uplink.has_table():
                self._carry_out_uplink(UplinkConfig((), self._kernel.outside), told=False)
        except FAILURES as error:
            self._uplink_lost = explain(error)

    def _realize_uplink(self, *, told: bool) -> list[Problem]:
        """Give the wires their routes and rules, or take the uplink namespace away when nobody needs it any more."""
        if self._uplink_lost:
            return [Problem(UPLINK, self._uplink_lost)]
        try:
            if self._wires:
                wires = tuple(sorted(self._wires.values(), key=lambda wire: wire.device))
                self._carry_out_uplink(UplinkConfig(wires, self._kernel.outside), told=told)
            else:
                self._kernel.remove_uplink()
        except FAILURES as error:
            return [Problem(UPLINK, explain(error))]
        return []

    def _carry_out_uplink(self, config: UplinkConfig, *, told: bool) -> None:
        uplink = self._kernel.open_uplink()
        for turn in ("strays", "all"):
            for step in list(plan_uplink(config, uplink.observe())):
                if turn == "all" or isinstance(step, UplinkStray):
                    if told:
                        _log.warning("uplink: somebody else changed it; %s: %s", type(step).__name__, step.reason)
                    uplink.apply(step)

    def _carry_out(
        self, vpc: Vpc, config: RouterConfig, steps: Sequence[Step], namespaces: Mapping[str, int], *, logged: bool
    ) -> list[Problem]:
        """Carry steps out. One interface that fails is its own problem; anything else ends the VPC's steps."""
        problems: list[Problem] = []
        placed = not logged
        for kind, run in groupby(steps, key=type):
            if kind in (CreateLink, AddSecondary) and not placed:
                router = self._kernel.routers[vpc.vpc_id]
                self._watch(router)
                self._place(router, vpc, config)
                placed = True
            if kind is CreateUplink and self._uplink_lost:
                raise OSError(errno.ENOTCONN, f"the uplink namespace cannot be used: {self._uplink_lost}")
            if kind in (CreateLink, AddSecondary, LeadThrough, OpenListener):
                for step in run:
                    problems += self._attempt(step, namespaces)
            else:
                self._carry_out_run(list(run), namespaces)
        return problems

    def _attempt(self, step: Step, namespaces: Mapping[str, int]) -> list[Problem]:
        """Carry out a step whose failure does not end the others: a link, its addresses and routes, a listener."""
        if isinstance(step, CreateLink | AddSecondary) and step.link.container_id not in namespaces:
            return []  # Its old link went and its container is going too.
        try:
            self._kernel.apply(step, namespaces)
        except FAILURES as error:
            about = step.link.interface_id if isinstance(step, CreateLink | AddSecondary) else step.vpc_id
            return [Problem(about, explain(error))]
        return []

    def _carry_out_run(self, run: Sequence[Step], namespaces: Mapping[str, int]) -> None:
        """Carry out steps of one kind, together where that is quicker."""
        deletions = [step for step in run if isinstance(step, DeleteLink)]
        forgotten = [step for step in run if isinstance(step, ForgetFlows)]
        cuts = [step for step in run if isinstance(step, CutConnections)]
        if deletions:
            self._kernel.delete_links(deletions)
        elif forgotten:
            self._kernel.forget(forgotten)
        elif cuts:
            self._kernel.cut_endpoints(cuts)
        else:
            for step in run:
                self._kernel.apply(step, namespaces)

    def _with_forgotten(self, vpc_id: str, config: RouterConfig, steps: Sequence[Step]) -> list[Step]:
        """Add the flows to forget of interfaces whose wire went by itself, with its container's namespace.

        After a restart nobody knows which those were, so every tracked address that no wanted interface has counts.
        """
        wanted = {(link.interface_id, address) for link in config.links for address in (link.address, *link.secondary)}
        gone = {
            address for interface, address in self._wired.get(vpc_id, frozenset()) if (interface, address) not in wanted
        }
        if vpc_id in self._adopted:
            self._adopted.discard(vpc_id)
            gone |= tracked_strangers(self._kernel.routers[vpc_id], config)
        gone -= {step.address for step in steps if isinstance(step, ForgetFlows)}
        extra = [ForgetFlows(vpc_id, address, "its wire went with its container") for address in sorted(gone)]
        first = next((at for at, step in enumerate(steps) if isinstance(step, CreateLink | OpenListener)), len(steps))
        return [*steps[:first], *extra, *steps[first:]]

    def _watch(self, router: Router) -> None:
        if not self._flows.watching(router.vpc_id):
            self._flows.watch(router.vpc_id, router.descriptor)

    def _place(self, router: Router, vpc: Vpc, config: RouterConfig) -> None:
        """Tell the flow collector whose address and whose link is whose."""
        self._flows.place(vpc.vpc_id, router.descriptor, places(vpc, config, router.indexes))

    def _remember(self, vpc_id: str) -> None:
        """Note which interfaces have a wire now, wanted or not."""
        router = self._kernel.routers.get(vpc_id)
        if router is None:
            self._wired.pop(vpc_id, None)
            return
        try:
            links = router.observe().links
        except OSError:
            return  # What was wired before counts as wired still; the failure that led here is reported.
        self._wired[vpc_id] = frozenset(
            (link.interface_id, address)
            for link in links
            if link.interface_id
            for address in (link.address, *link.secondary)
        )

    def _remove(self, vpc_id: str) -> list[Problem]:
        """Take a VPC that nobody wants any more away; on failure it is tried again at the next turn."""
        self._steady.pop(vpc_id, None)
        self._compiled.pop(vpc_id, None)
        self._combinations.pop(vpc_id, None)
        self._wires.pop(vpc_id, None)
        try:
            router = self._kernel.routers[vpc_id]
            steps = list(plan(HostConfig(()), ObservedHost((router.observe(),))))
            wired = {address for _interface, address in self._wired.get(vpc_id, frozenset())}
            wired -= {step.address for step in steps if isinstance(step, ForgetFlows)}
            extra = [ForgetFlows(vpc_id, address, "the VPC is not wanted here") for address in sorted(wired)]
            last = next(at for at, step in enumerate(steps) if isinstance(step, DeleteNamespace))
            for _kind, run in groupby([*steps[:last], *extra, *steps[last:]], key=type):
                self._carry_out_run(list(run), {})
        except FAILURES as error:
            return [Problem(vpc_id, explain(error))]
        self._wired.pop(vpc_id, None)
        self._adopted.discard(vpc_id)
        return []

    def listeners(self) -> Mapping[ListenerLabel, socket.socket]:
        """Return the sockets that listen inside the VPCs now; this driver keeps owning them."""
        return {label: opened for router in self._kernel.routers.values() for label, opened in router.listeners.items()}

    def flows(self) -> Sequence[FlowEvent]:
        """Return the flow events gathered since the last call, oldest first."""
        return self._flows.drain()

    def flows_told(self) -> Callable[[], None]:
        """Return what to call once the server has what ``flows`` returned so far."""
        return self._flows.forgetting()

    def close(self) -> None:
        """Let go of descriptors and threads; namespaces, links and rules stay as they are."""
        self._flows.close()
        self._kernel.close()

    def remove_everything(self) -> tuple[Problem, ...]:
        """Take every VPC of this host away, for an orderly end; say what could not be removed."""
        self._last = None
        problems = [problem for vpc_id in list(self._kernel.routers) for problem in self._remove(vpc_id)]
        self._uplink_lost = ""
        return (*problems, *self._realize_uplink(told=False))
