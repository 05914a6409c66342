"""What the hosts have put into force, of the specs that they were sent.

A report of a generation means that its spec is in force, except for the VPCs that the report names among its problems:
those keep their earlier rules. Nothing is known of a host before its first report to this process.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from reading_room.agent.spec import HostReport, HostSpec


@dataclass(frozen=True, slots=True)
class _Sent:
    generation: int
    vpcs: frozenset[str]


@dataclass(frozen=True, slots=True)
class _InForce:
    generation: int
    failed: frozenset[str]
    """What its problems are about; the ids of VPCs among them."""


class Confirmations:
    """Remembers specs and reports. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: dict[str, list[_Sent]] = defaultdict(list)
        self._in_force: dict[str, _InForce] = {}

    def sent(self, specs: Iterable[HostSpec]) -> None:
        """Remember specs, before they are sent."""
        with self._lock:
            for spec in specs:
                earlier = self._sent[spec.host]
                if not earlier or earlier[-1].generation != spec.generation:
                    vpcs = frozenset(vpc.vpc_id for vpc in spec.network.vpcs)
                    earlier.append(_Sent(spec.generation, vpcs))

    def reported(self, report: HostReport) -> None:
        """Take a report. One that refuses a spec confirms nothing; neither does one of a spec that was not sent."""
        failed = frozenset(problem.about for problem in report.problems)
        with self._lock:
            sent = self._sent[report.host]
            if not report.refused and any(each.generation == report.generation for each in sent):
                self._in_force[report.host] = _InForce(report.generation, failed)
                self._sent[report.host] = [each for each in sent if each.generation >= report.generation]

    def in_force(self, vpc_id: str, generations: Mapping[str, int], hosts: Collection[str]) -> bool:
        """Return whether these hosts have a VPC as the specs of these generations have it, or do not have it at all.

        A host without a generation among ``generations`` was not sent any such spec, and counts as if it had one.
        """
        with self._lock:
            return all(self._has(host, vpc_id, generations[host]) for host in hosts if host in generations)

    def _has(self, host: str, vpc_id: str, generation: int) -> bool:
        now = self._in_force.get(host)
        if now is None or vpc_id in now.failed:
            return False
        if now.generation >= generation:
            return True
        # It is behind. That matters only if it has the VPC: in the spec that is in force, or in one that it may get.
        return all(vpc_id not in each.vpcs for each in self._sent[host])
