"""Everything the driver knows of one VPC, and everything it does to that VPC."""

from __future__ import annotations

import errno
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from reading_room.dataplane.linux.failures import FAILURES, explain
from reading_room.dataplane.linux.flows import FlowCollector
from reading_room.dataplane.linux.kernel import Kernel, kind_of_run
from reading_room.dataplane.linux.listeners import tracked_strangers
from reading_room.dataplane.linux.router import Router
from reading_room.dataplane.rules.compile import compile_vpc
from reading_room.dataplane.rules.compile.security_groups import Kept, carried_groups
from reading_room.dataplane.rules.flow_places import places
from reading_room.dataplane.rules.host import HostConfig, RouterConfig
from reading_room.dataplane.rules.invariants import check
from reading_room.dataplane.rules.plan import plan, plan_router
from reading_room.dataplane.rules.steps import (
    AddSecondary,
    CreateLink,
    CreateUplink,
    DeleteNamespace,
    ForgetFlows,
    LeadThrough,
    ObservedHost,
    ObservedRouter,
    OpenListener,
    Step,
    describe,
)
from reading_room.dataplane.rules.uplink import Wire, wire_of
from reading_room.dataplane.spec import Interface, NetworkSpec, PrefixList, Problem, Underlay, Vpc

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """The input of one turn that is the same for every VPC."""

    prefix_lists: tuple[PrefixList, ...]
    namespaces: Mapping[str, int]
    """Open descriptors of the containers' network namespaces, by container id."""
    present: frozenset[str]
    """The ids of those containers."""
    uplink_failure: str
    """Why the uplink namespace cannot be used, or empty text. After a failure no new wire is connected to it."""
    underlay: Underlay | None = None
    """The other hosts, if there are any."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A VPC and the configuration compiled from it, which is used again for every equal VPC."""

    vpc: Vpc
    config: RouterConfig


@dataclass(frozen=True, slots=True)
class Steady:
    """A VPC that was realized without a problem, and which of its containers were present then."""

    vpc: Vpc
    present: frozenset[str]


class VpcKeeper:
    """Realizes one VPC, turn after turn, and finally removes it."""

    def __init__(self, vpc_id: str, kernel: Kernel, flows: FlowCollector, *, adopted: bool) -> None:
        """Remember nothing yet. ``adopted`` says that an earlier agent made the VPC's router."""
        self.vpc_id = vpc_id
        self.wire: Wire | None = None
        """The wire to the uplink namespace, as realized last."""
        self._kernel = kernel
        self._flows = flows
        self._adopted = adopted
        """Whether flows of interfaces that an earlier agent removed may still be tracked."""
        self._compiled: Compiled | None = None
        self._combinations: Kept = frozenset()
        """The combinations of groups that interfaces carried. Their chains stay for the next interface."""
        self._wired: frozenset[tuple[str, str]] = frozenset()
        """The interfaces with a wire after the last turn: id and address."""
        self._steady: Steady | None = None

    @property
    def interfaces(self) -> frozenset[str]:
        """The ids of the interfaces that had a wire after the last turn, wanted or not."""
        return frozenset(interface for interface, _address in self._wired)

    def forget_compiled(self) -> None:
        """Compile and plan again in the next turn, even for an equal VPC, because prefix lists or hosts changed."""
        self._compiled = None
        self._steady = None

    def realize(self, vpc: Vpc, turn: Turn, *, changed: bool) -> list[Problem]:
        """Realize the VPC and return the problems. After a problem with the VPC itself its old rules are in force.

        ``changed`` says that the router's namespace may have changed since the last look at it.
        """
        mine = turn.present & {interface.container_id for interface in vpc.interfaces if interface.container_id}
        steady = self._steady
        if not changed and steady is not None and steady.present == mine and (steady.vpc is vpc or steady.vpc == vpc):
            return []
        self._steady = None
        problems: list[Problem] = []
        try:
            router = self._kernel.routers.get(self.vpc_id)
            observed = router.observe() if router is not None else None
            config = self._compile(_wireable(vpc, mine, observed), turn)
            steps = self._with_forgotten(config, plan_router(config, observed))
            if steady is not None and (steady.vpc, steady.present) == (vpc, mine):
                for step in steps:
                    _log.warning("%s: somebody else changed its network; %s", self.vpc_id, describe(step))
            logged = any(interface.logged for interface in vpc.interfaces)
            problems += self._carry_out(vpc, config, steps, turn, logged=logged)
            router = self._kernel.routers[self.vpc_id]
            router.reach, router.translations = config.reach, config.translations
            self.wire = wire_of(config)
            if logged:
                self._watch(router, vpc, config)
            elif self._flows.watching(self.vpc_id):
                self._flows.flush(self.vpc_id, router.descriptor)
                self._flows.unwatch(self.vpc_id)
        except ValueError as error:
            return [Problem(self.vpc_id, f"this VPC cannot be realized safely, so nothing in it was changed: {error}")]
        except FAILURES as error:
            problems.append(Problem(self.vpc_id, explain(error)))
        self._remember_wired()
        if not problems:
            self._steady = Steady(vpc, mine)
        return problems

    def remove(self) -> list[Problem]:
        """Remove the VPC and return the problems. After a problem, call it again at the next turn."""
        self._steady = None
        self._compiled = None
        self._combinations = frozenset()
        self.wire = None
        router = self._kernel.routers.get(self.vpc_id)
        if router is None:
            return []
        try:
            steps = list(plan(HostConfig(()), ObservedHost((router.observe(),))))
            wired = {address for _interface, address in self._wired}
            wired -= {step.address for step in steps if isinstance(step, ForgetFlows)}
            extra = [ForgetFlows(self.vpc_id, address, "the VPC is not wanted here") for address in sorted(wired)]
            last = next(at for at, step in enumerate(steps) if isinstance(step, DeleteNamespace))
            for _kind, run in groupby([*steps[:last], *extra, *steps[last:]], key=type):
                self._kernel.apply_run(list(run), {})
        except FAILURES as error:
            return [Problem(self.vpc_id, explain(error))]
        return []

    def _compile(self, vpc: Vpc, turn: Turn) -> RouterConfig:
        """Return the VPC's configuration; raise ``ValueError`` if it breaks an invariant."""
        known = self._compiled
        if known is not None and (known.vpc is vpc or known.vpc == vpc):
            return known.config
        config = compile_vpc(vpc, turn.prefix_lists, self._combinations, underlay=turn.underlay)
        broken = check(HostConfig((config,)), NetworkSpec((vpc,), turn.prefix_lists, turn.underlay))
        if broken:
            raise ValueError("; ".join(broken[:5]))
        self._compiled = Compiled(vpc, config)
        existing = {group.group_id for group in vpc.groups}
        carried = {carried_groups(interface) for interface in vpc.interfaces if interface.container_id}
        self._combinations = frozenset(
            groups for groups in self._combinations | carried if groups and existing.issuperset(groups)
        )
        return config

    def _with_forgotten(self, config: RouterConfig, steps: Sequence[Step]) -> list[Step]:
        """Add the flows to forget of interfaces whose wire disappeared together with its container's namespace.

        After a restart the driver does not know those interfaces. So it forgets every tracked address of the VPC that
        no wanted interface has.
        """
        wanted = {(link.interface_id, address) for link in config.links for address in (link.address, *link.secondary)}
        gone = {address for interface, address in self._wired if (interface, address) not in wanted}
        if self._adopted:
            self._adopted = False
            gone |= tracked_strangers(self._kernel.routers[self.vpc_id], config)
        gone -= {step.address for step in steps if isinstance(step, ForgetFlows)}
        extra = [ForgetFlows(self.vpc_id, address, "its wire is gone with its container") for address in sorted(gone)]
        first = next((at for at, step in enumerate(steps) if isinstance(step, CreateLink | OpenListener)), len(steps))
        return [*steps[:first], *extra, *steps[first:]]

    def _carry_out(
        self, vpc: Vpc, config: RouterConfig, steps: Sequence[Step], turn: Turn, *, logged: bool
    ) -> list[Problem]:
        """Carry out steps and return the problems of single interfaces and listeners. Other failures are raised."""
        problems: list[Problem] = []
        placed = not logged
        for kind, run in groupby(steps, key=kind_of_run):
            if kind in (CreateLink, AddSecondary) and not placed:
                self._watch(self._kernel.routers[self.vpc_id], vpc, config)
                placed = True
            if kind is CreateUplink and turn.uplink_failure:
                raise OSError(errno.ENOTCONN, f"the uplink namespace cannot be used: {turn.uplink_failure}")
            if kind in (CreateLink, AddSecondary, LeadThrough, OpenListener):
                for step in run:
                    problems += self._attempt(step, turn.namespaces)
            else:
                self._kernel.apply_run(list(run), turn.namespaces)
        return problems

    def _attempt(self, step: Step, namespaces: Mapping[str, int]) -> list[Problem]:
        """Carry out a step whose failure does not stop the others: a link, its addresses and routes, a listener."""
        if isinstance(step, CreateLink | AddSecondary) and step.link.container_id not in namespaces:
            return []  # The old link is gone, and its container is about to go.
        try:
            self._kernel.apply(step, namespaces)
        except FAILURES as error:
            about = step.link.interface_id if isinstance(step, CreateLink | AddSecondary) else self.vpc_id
            return [Problem(about, explain(error))]
        return []

    def _watch(self, router: Router, vpc: Vpc, config: RouterConfig) -> None:
        """Watch the VPC's flows, and say which interface each address and each link belongs to."""
        if not self._flows.watching(self.vpc_id):
            self._flows.watch(self.vpc_id, router.descriptor)
        self._flows.place(self.vpc_id, router.descriptor, places(vpc, config, router.indexes))

    def _remember_wired(self) -> None:
        """Note which interfaces have a wire now, wanted or not."""
        router = self._kernel.routers.get(self.vpc_id)
        if router is None:
            self._wired = frozenset()
            return
        try:
            links = router.observe().links
        except OSError:
            return  # The failure that led here is reported. Until the next look the old wires count.
        self._wired = frozenset(
            (link.interface_id, address)
            for link in links
            if link.interface_id
            for address in (link.address, *link.secondary)
        )


def _wireable(vpc: Vpc, present: frozenset[str], observed: ObservedRouter | None) -> Vpc:
    """Return the VPC without the containers that cannot have a wire: they have no namespace here and no earlier link.

    For the rules, nobody is behind such an interface, so packets to it end in the flow log.
    """
    linked = {link.interface_id for link in observed.links} if observed is not None else set()

    def can(interface: Interface) -> bool:
        return interface.container_id is None or interface.container_id in present or interface.interface_id in linked

    if all(map(can, vpc.interfaces)):
        return vpc
    return replace(
        vpc, interfaces=tuple(each if can(each) else replace(each, container_id=None) for each in vpc.interfaces)
    )
