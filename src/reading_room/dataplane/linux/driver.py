"""The network driver of Linux: it gives each VPC a keeper, and coordinates the keepers and the uplink.

The driver runs in the agent. The agent is already in the holder's mount and network namespaces (and, for an ordinary
user, in its user namespace) and has uid 0 there. Everything the driver makes is a pinned router namespace, a link into
a container's namespace, or a descriptor of its own. It never writes to the host's namespace.

A turn with nothing to change asks each router two questions (was any change reported? is the ruleset still ours?) and
compares values; it reads no lists.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reading_room.dataplane.linux.encrypted_underlay import EncryptedUnderlay, Encryption
from reading_room.dataplane.linux.failures import FAILURES, explain
from reading_room.dataplane.linux.flows import FlowCollector
from reading_room.dataplane.linux.kernel import Kernel
from reading_room.dataplane.linux.pair_proof import PairProofs
from reading_room.dataplane.linux.vpc_keeper import Turn, VpcKeeper
from reading_room.dataplane.rules import pair_proof
from reading_room.dataplane.rules.compile.between_hosts import tunnel_mtu
from reading_room.dataplane.rules.encryption import disagreement
from reading_room.dataplane.rules.pair_proof import scratch_vpc
from reading_room.dataplane.rules.uplink import Outside, UplinkConfig
from reading_room.dataplane.rules.uplink_plan import UplinkStray, plan_uplink
from reading_room.dataplane.spec import (
    FlowEvent,
    ListenerLabel,
    NetworkReport,
    NetworkSpec,
    PrefixList,
    Problem,
    Underlay,
)

_log = logging.getLogger(__name__)

PINS = "pins"
"""The subject of problems with the namespaces' pins."""
UPLINK = "uplink"
"""The subject of problems with the uplink namespace."""
UNDERLAY = "underlay"
"""The subject of problems with the network between hosts."""


@dataclass(frozen=True, slots=True)
class LastTurn:
    """A turn without a problem. Its report stays true until something changes."""

    spec: NetworkSpec
    present: frozenset[str]
    report: NetworkReport


def _open_named(what: str, path: Path) -> int:
    """Open the network namespace that the uplink or the underlay is in; raise an ``OSError`` that names it."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        message = f"the {what} leads to the network namespace {path}, which cannot be opened: {error.strerror}"
        raise OSError(error.errno, message) from error


class LinuxNetworkDriver:
    """``NetworkDriver`` with network namespaces, nftables and connection tracking."""

    def __init__(
        self,
        runtime_dir: Path,
        outside: Outside | None = None,
        beyond: Path | None = None,
        *,
        underlay: Path | Encryption | None = None,
        pairs: PairProofs | None = None,
        segmentation: bool = False,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """Take over what an earlier agent left under ``runtime_dir``.

        ``runtime_dir`` lies on a tmpfs of the holder's mount namespace; this driver made everything pinned there.
        ``outside`` is what VPCs reach through their internet gateways. If it is a veth pair, ``beyond`` is the file of
        the network namespace that the pair leads to. ``underlay`` says how packets to other hosts are encrypted, or is
        the file of the network namespace that carries them as they are, whose firewall rules then belong to this
        driver. ``pairs`` proves enforcement between hosts; without it, VPCs on several hosts need no proof. With
        ``segmentation`` new links keep their
        segmentation offloads: they are faster, and flow logs count fewer packets than were sent. ``pause`` waits so
        many seconds between two looks of a cut at connections whose handshake has not ended. Raises ``OSError``,
        ``SettingError`` or ``LibraryMissingError`` if this machine cannot enforce a network at all.
        """
        away = None if beyond is None else _open_named("uplink", beyond)
        below = _open_named("underlay", underlay) if isinstance(underlay, Path) else underlay
        self._flows = FlowCollector(runtime_dir / "flows")
        try:
            self._kernel = Kernel(
                runtime_dir, self._flows, outside, away, underlay=below, segmentation=segmentation, pause=pause
            )
            for vpc_id, router in self._kernel.routers.items():
                self._flows.resume(vpc_id, router.descriptor)
        except BaseException:
            self._flows.close()
            raise
        self._keepers = {
            vpc_id: VpcKeeper(vpc_id, self._kernel, self._flows, adopted=True) for vpc_id in self._kernel.routers
        }
        self._prefix_lists: tuple[PrefixList, ...] = ()
        self._underlay: Underlay | None = None
        self._last: LastTurn | None = None
        self._pairs = pairs

    def realize(self, spec: NetworkSpec, namespaces: Mapping[str, int]) -> NetworkReport:
        """Realize the network (see ``NetworkDriver``).

        The report's ``interfaces`` are all that have a wire now, including those of a VPC with a problem: an interface
        that is missing there is gone. Its ``vpcs`` are exactly as the spec says; only their containers may start. A
        problem with a flow log is reported once and does not remove its VPC from the report.
        """
        present = frozenset(namespaces)
        now = time.monotonic()
        problems = self._repair_pins()
        changed = {vpc_id for vpc_id, router in self._kernel.routers.items() if router.changed(now)}
        uplink_changed = self._kernel.uplink is not None and self._kernel.uplink.changed(now)
        problems += self._flows.problems()
        last = self._last
        quiet = last is not None and present == last.present and not (changed or uplink_changed or problems)
        quiet = quiet and not self._kernel.underlay_lost() and not (self._pairs is not None and self._pairs.due())
        if quiet and last is not None and (last.spec is spec or last.spec == spec):
            return last.report
        self._last = None
        proven = self._pairs if spec.underlay is not None else None
        vpcs = spec.vpcs
        if proven is not None and spec.underlay is not None:
            vpcs = (*vpcs, scratch_vpc(spec.underlay))
            namespaces = {**namespaces, pair_proof.CONTAINER: proven.open()}
        wanted = {vpc.vpc_id for vpc in vpcs}
        for vpc_id in [each for each in self._keepers if each not in wanted]:
            problems += self._remove(vpc_id)
        below = self._admit_hosts(spec.underlay)
        problems += below
        if (spec.prefix_lists, spec.underlay) != (self._prefix_lists, self._underlay):
            self._prefix_lists, self._underlay = spec.prefix_lists, spec.underlay
            for keeper in self._keepers.values():
                keeper.forget_compiled()
        uplink_failure = self._prepare_uplink() if any(vpc.internet_gateway for vpc in spec.vpcs) else ""
        turn = Turn(spec.prefix_lists, namespaces, frozenset(namespaces), uplink_failure, spec.underlay)
        standing: list[str] = []
        for vpc in vpcs:
            found = self._keeper(vpc.vpc_id).realize(vpc, turn, changed=vpc.vpc_id in changed)
            problems += found
            if not any(problem.about == vpc.vpc_id for problem in found):
                standing.append(vpc.vpc_id)
        if uplink_failure:
            problems.append(Problem(UPLINK, uplink_failure))
        else:
            unasked = uplink_changed and last is not None and spec == last.spec
            problems += self._realize_uplink(unasked=unasked)
        if proven is not None:
            problems += self._prove(spec, proven, standing, below)
        keepers = (keeper for vpc_id, keeper in self._keepers.items() if vpc_id != pair_proof.VPC_ID)
        interfaces = sorted({interface for keeper in keepers for interface in keeper.interfaces})
        report = NetworkReport(tuple(standing), tuple(interfaces), tuple(problems))
        if not problems:
            self._last = LastTurn(spec, present, report)
        return report

    def _admit_hosts(self, underlay: Underlay | None) -> list[Problem]:
        """Let exactly the known hosts reach the underlay, and encrypt what it carries."""
        try:
            below = self._kernel.underlay if underlay is None else self._kernel.open_underlay()
            if below is None:
                nothing = "there are other hosts, but no underlay is set up"
                return [] if underlay is None else [Problem(UNDERLAY, nothing)]
            below.admit(underlay)
            if underlay is None:
                return []
            if message := disagreement(underlay, encrypted=isinstance(below, EncryptedUnderlay)):
                return [Problem(UNDERLAY, message)]
            if isinstance(below, EncryptedUnderlay):
                below.arrange(underlay)
        except FAILURES as error:
            return [Problem(UNDERLAY, explain(error))]
        return []

    def _prove(
        self, spec: NetworkSpec, pairs: PairProofs, standing: list[str], below: Sequence[Problem]
    ) -> list[Problem]:
        """Go on with the proofs between hosts. Remove from ``standing`` the VPCs that wait for one, and say why.

        ``below`` are the problems of the underlay, which keep every proof from passing.
        """
        assert spec.underlay is not None
        others = [each.host for each in spec.underlay.others]
        if below or pair_proof.VPC_ID not in standing:
            pairs.forget()
            why = below[0].message if below else "the scratch VPC of the proof cannot be realized"
            unproven = dict.fromkeys(others, why)
        else:
            try:
                self._kernel.remember_checksums(pair_proof.VPC_ID)
                pairs.turn(spec.underlay, self._kernel.carrier(), tunnel_mtu(spec.underlay))
                if pairs.suspects_checksums:
                    _log.warning("another host answers pings and nothing else: checksums are computed from now on")
                    self._kernel.compute_checksums()
                    pairs.suspects_checksums = False
                unproven = pairs.unproven()
            except FAILURES as error:
                unproven = dict.fromkeys(others, explain(error))
        problems = []
        for vpc in spec.vpcs:
            shared = {placement.host for placement in vpc.placements} | {vpc.gateway_host}
            waiting = [host for host in others if host in shared and host in unproven]
            problems += [
                Problem(vpc.vpc_id, f"enforcement between this host and {host} is not proven: {unproven[host]}")
                for host in waiting
            ]
            if waiting and vpc.vpc_id in standing:
                standing.remove(vpc.vpc_id)
        if pair_proof.VPC_ID in standing:
            standing.remove(pair_proof.VPC_ID)
        return problems

    def renew_lease(self, seconds: int) -> tuple[Problem, ...]:
        """Let the packets of every VPC pass for so many seconds from now on, if there are other hosts; 0 for no longer.

        A VPC whose rules were just created has no lease. Call this after every ``realize`` and before a lease ends.
        """
        try:
            self._kernel.renew(seconds)
        except FAILURES as error:
            return (Problem(UNDERLAY, f"the lease of this host cannot be renewed: {explain(error)}"),)
        return ()

    def _keeper(self, vpc_id: str) -> VpcKeeper:
        """Return the VPC's keeper, a new one if there is none yet."""
        keeper = self._keepers.get(vpc_id)
        if keeper is None:
            keeper = self._keepers[vpc_id] = VpcKeeper(vpc_id, self._kernel, self._flows, adopted=False)
        return keeper

    def _remove(self, vpc_id: str) -> list[Problem]:
        """Remove a VPC and then its keeper. After a problem the keeper stays and tries again at the next turn."""
        problems = self._keepers[vpc_id].remove()
        if not problems:
            del self._keepers[vpc_id]
        return problems

    def _repair_pins(self) -> list[Problem]:
        try:
            for what in self._kernel.pins_lost():
                _log.warning("%s: repaired", what)
        except OSError as error:
            return [Problem(PINS, f"the pins of namespaces cannot be read: {error}")]
        return []

    def _prepare_uplink(self) -> str:
        """Make sure that the uplink namespace exists and has rules before a wire is connected to it.

        Return why that failed, or empty text.
        """
        try:
            uplink = self._kernel.open_uplink()
            if uplink.ruleset is None and not uplink.has_table():
                self._carry_out_uplink(UplinkConfig((), self._kernel.outside), unasked=False)
        except FAILURES as error:
            return explain(error)
        return ""

    def _realize_uplink(self, *, unasked: bool) -> list[Problem]:
        """Give the wires their routes and rules, or remove the uplink namespace if no VPC needs it any more.

        ``unasked`` says that somebody else changed the namespace, so that every step is logged.
        """
        wires = [keeper.wire for keeper in self._keepers.values() if keeper.wire is not None]
        try:
            if wires:
                ordered = tuple(sorted(wires, key=lambda wire: wire.device))
                self._carry_out_uplink(UplinkConfig(ordered, self._kernel.outside), unasked=unasked)
            else:
                self._kernel.remove_uplink()
        except FAILURES as error:
            return [Problem(UPLINK, explain(error))]
        return []

    def _carry_out_uplink(self, config: UplinkConfig, *, unasked: bool) -> None:
        """Realize the uplink's configuration in two passes: first remove strays, then look again and do the rest."""
        uplink = self._kernel.open_uplink()
        for strays_only in (True, False):
            for step in list(plan_uplink(config, uplink.observe())):
                if isinstance(step, UplinkStray) or not strays_only:
                    if unasked:
                        _log.warning("uplink: somebody else changed it; %s: %s", type(step).__name__, step.reason)
                    uplink.apply(step)

    def listeners(self) -> Mapping[ListenerLabel, socket.socket]:
        """Return the sockets that listen inside the VPCs now; this driver keeps owning them."""
        routers = (each for vpc_id, each in self._kernel.routers.items() if vpc_id != pair_proof.VPC_ID)
        return {label: opened for router in routers for label, opened in router.listeners.items()}

    def flows(self) -> Sequence[FlowEvent]:
        """Return the flow events gathered since the last call, oldest first."""
        return self._flows.drain()

    def flows_told(self) -> Callable[[], None]:
        """Return a function to call once the server has what ``flows`` returned so far."""
        return self._flows.forgetting()

    def drops(self) -> dict[str, int]:
        """Return the packets that VPCs with flow logs dropped since this process began, by reason."""
        return self._flows.drops()

    def close(self) -> None:
        """Close descriptors and end threads; namespaces, links and rules stay as they are."""
        self._flows.close()
        self._kernel.close()
        if self._pairs is not None:
            self._pairs.close()

    def remove_everything(self) -> tuple[Problem, ...]:
        """Remove every VPC of this host before an orderly end; return what could not be removed."""
        self._last = None
        problems = [problem for vpc_id in list(self._keepers) for problem in self._remove(vpc_id)]
        problems += self._realize_uplink(unasked=False)
        try:
            self._kernel.remove_underlay()
        except FAILURES as error:
            problems.append(Problem(UNDERLAY, explain(error)))
        return tuple(problems)
