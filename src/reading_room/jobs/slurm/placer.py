"""The driver of placement that asks Slurm for a slot for each container, and answers with the host of the slot.

The rows of containers decide, not Slurm. A container that has been placed stays, whatever Slurm says of its slot; a
slot without a row is cancelled. Only the slots of containers that wait for a host are looked at.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.database.engine import Database
from reading_room.fleet.tables import HostAuthorityRow
from reading_room.jobs.placement import Attempt, Host, MustWait, Placed, usable
from reading_room.jobs.slurm.client import SlurmClient
from reading_room.jobs.slurm.documents import Phase, SlurmError, SlurmJob, SlurmRefused
from reading_room.jobs.slurm.slot import FAILURES, SlotSize, prefix_of, request
from reading_room.jobs.tables import JobContainerRow
from reading_room.reconcile import PeriodicWork

logger = logging.getLogger(__name__)

TURN_SECONDS = 1.0
LIST_SECONDS = 300.0
"""How often all jobs of Slurm are listed, to find slots that nobody knows of, such as one of a killed leader."""
AVOID_SECONDS = 60.0
"""How long a node whose prolog refused a slot gets no other one."""
SETTLE_SECONDS = 1.0
"""How long a slot's script must have run before its container is placed: it fails at once if the prolog says so."""
PROLOG_SECONDS = 180.0
"""How long a node's prolog may take. After a slurmctld was killed, Slurm may wait for one for ever."""
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
"""The pauses in seconds before a slot is asked for again, after it was lost or refused."""


@dataclass(frozen=True, slots=True)
class _Slot:
    """A slot of a container, as Slurm last described it."""

    job_id: int
    name: str
    without: frozenset[str] | None
    """The nodes that it may not be on, ``None`` if that is not known."""
    phase: Phase = "waiting"
    node: str = ""
    reason: str = ""
    since: float = 0.0
    """Since when it is in this phase, on this node."""
    settled: bool = False
    stuck: bool = False


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A container that waits for a host, and the nodes that its slot may be on; none if there is no such host now."""

    container: str
    nodes: frozenset[str]
    several: bool
    """Whether the container begins together with others of its job."""
    key: str


@dataclass(frozen=True, slots=True)
class _Pause:
    """Why a container has no slot, and until when none is asked for."""

    why: str
    until: float
    seconds: float


class SlurmPlacer(PeriodicWork):
    """A ``Placer``. ``place`` only reads what a loop of its own has learnt from Slurm."""

    only_host = (
        "READING_ROOM_PLACEMENT=slurm places containers on hosts that have joined, and there is none: "
        "`reading-room host token` lets one join"
    )

    def __init__(
        self,
        client: SlurmClient,
        database: Database,
        size: SlotSize,
        user: int,
        clock: Callable[[], float] = time.monotonic,
        settle: float = SETTLE_SECONDS,
        prolog: float = PROLOG_SECONDS,
    ) -> None:
        """``user`` is the user id that slurmrestd submits as; the jobs of others are left alone.

        ``clock`` returns monotonic seconds, ``settle`` is ``SETTLE_SECONDS``, and ``prolog`` is ``PROLOG_SECONDS``.
        """
        super().__init__("slurm", every=TURN_SECONDS)
        self._client = client
        self._database = database
        self._size = size
        self._user = user
        self._clock = clock
        self._settle, self._prolog = settle, prolog
        self._changed: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        """Held for what ``place`` reads and writes. Only a turn writes the rest."""
        self._wanted: tuple[_Wanted, ...] = ()
        self._slots: Mapping[str, _Slot] = {}
        self._pauses: dict[str, _Pause] = {}
        self._fault = ""
        self._listed_at: float | None = None
        self._seen: set[str] = set()
        """The nodes that Slurm has given. It refuses a request that excludes a node that it does not know."""
        self._avoided: dict[str, float] = {}

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` after each turn that has learnt something new."""
        self._changed = changed

    def begin(self) -> None:
        """Forget what this process knew when it led before."""
        with self._lock:
            self._wanted, self._slots, self._fault = (), {}, ""
            self._pauses.clear()
        self._listed_at = None

    # The controller's side

    def place(self, attempts: Sequence[Attempt], hosts: Sequence[Host]) -> Placed:
        """Return the hosts of attempts all of whose slots are held, and why the others wait."""
        with self._lock:
            before = self._wanted
            wanted: list[_Wanted] = []
            found = {attempt.key: self._place(attempt, hosts, wanted) for attempt in attempts}
            self._wanted = tuple(wanted)
            news = self._wanted != before
        if news:
            self.wake()
        return found

    def _place(self, attempt: Attempt, hosts: Sequence[Host], wanted: list[_Wanted]) -> dict[str, Host] | MustWait:
        hosts_now = usable(attempt, hosts)
        several = len(attempt.containers) > 1
        if isinstance(hosts_now, MustWait):
            wanted += (_Wanted(each, frozenset(), several, attempt.key) for each in attempt.containers)
            return hosts_now
        free = dict(attempt.zones or {})
        chosen: dict[str, Host] = {}
        for container in attempt.containers:
            here = [each for each in hosts_now if attempt.zones is None or free[each.zone] > 0] or hosts_now
            by_node = {each.node: each for each in here}
            wanted.append(_Wanted(container, frozenset(by_node), several, attempt.key))
            slot = self._slots.get(container)
            if slot is not None and slot.settled and slot.node in by_node:
                chosen[container] = by_node[slot.node]
                free[by_node[slot.node].zone] = free.get(by_node[slot.node].zone, 0) - 1
        if len(chosen) == len(attempt.containers):
            return chosen
        return MustWait(self._reason(attempt, chosen))

    def _reason(self, attempt: Attempt, chosen: Mapping[str, Host]) -> str:
        if self._fault:
            return f"Slurm gives no slots now: {self._fault}"
        missing = next(each for each in attempt.containers if each not in chosen)
        pause, slot = self._pauses.get(missing), self._slots.get(missing)
        why = "it was asked for one"
        if slot is None and pause is not None:
            why = pause.why
        elif slot is not None and slot.node:
            why = f"it begins on the node {slot.node}"
        elif slot is not None and slot.reason not in ("", "None"):
            why = f"Slurm says {slot.reason}"
        if len(attempt.containers) == 1:
            return f"Slurm has not given it a slot yet: {why}"
        return f"Slurm has given it {len(chosen)} of {len(attempt.containers)} slots: {why}"

    # Slurm's side

    def turn(self) -> None:
        """Ask for the slots that are missing, look at those that are waited for, and cancel the others."""
        with self._lock:
            wanted, before = self._wanted, (self._slots, self._fault, dict(self._pauses))
        due = self._listed_at is None or self._clock() >= self._listed_at + LIST_SECONDS
        if not (due or wanted or self._slots):
            return
        with self._database.reading() as session:
            installation, placed = _installation(session), _containers(session)
        if installation is None:
            return
        fault = ""
        try:
            if due:
                self._list(prefix_of(installation), placed)
            self._cancel_without_row(placed)
            waiting = [each for each in wanted if placed.get(each.container) is False]
            self._ask(prefix_of(installation), waiting)
        except SlurmError as error:
            fault = str(error)
            # What was asked for may have been done, and a slurmctld that comes back may have revived what had ended.
            self._listed_at = None
            if fault != self._fault:
                logger.error("Slurm: %s", fault)
        with self._lock:
            self._fault = fault
            for container in [each for each in self._pauses if placed.get(each) is not False]:
                del self._pauses[container]
            news = before != (self._slots, self._fault, self._pauses)
        if news:
            self._changed()

    def _list(self, prefix: str, placed: Mapping[str, bool]) -> None:
        """Find the slots that Slurm has; adopt those of containers that exist, and cancel the others."""
        adopted: dict[str, _Slot] = {}
        for job in self._client.jobs(prefix):
            container = job.name.removeprefix(prefix)
            if job.user_id != self._user or job.phase == "ended":
                continue
            known = self._slots.get(container)
            if container not in placed or container in adopted or (known and known.job_id != job.job_id):
                logger.warning("Slurm job %d is a slot that nobody needs: it is cancelled", job.job_id)
                self._client.cancel(job.job_id)
                continue
            without = None if job.excluded_nodes else frozenset[str]()
            adopted[container] = self._described(known or _Slot(job.job_id, job.name, without), job)
        # A slot that Slurm does not list has ended; ``_ask`` finds that out if its container waits for it.
        with self._lock:
            self._slots = {**self._slots, **adopted}
        self._listed_at = self._clock()

    def _cancel_without_row(self, placed: Mapping[str, bool]) -> None:
        for container in [each for each in self._slots if each not in placed]:
            self._cancel(container)

    def _ask(self, prefix: str, waiting: Sequence[_Wanted]) -> None:
        """Bring the slots of waiting containers forward, those of the first attempts first.

        Only one job at a time gathers several slots, since two that hold some of theirs could wait for each other.
        """
        gathering: str | None = None
        for each in waiting:
            slot = self._look(each)
            if each.several and each.nodes:
                gathering = gathering or each.key
            theirs = bool(each.nodes) and (not each.several or gathering == each.key)
            if slot is not None and not (theirs and self._fits(slot, each)):
                self._cancel(each.container)
            elif slot is None and theirs:
                self._submit(prefix, each)
            elif slot is None and each.nodes:
                self._say(each.container, _Pause("another job gets its slots first", 0.0, 0.0))

    def _look(self, each: _Wanted) -> _Slot | None:
        """Return the slot of a container as Slurm has it now, ``None`` if it has none any more."""
        slot = self._slots.get(each.container)
        if slot is None:
            return None
        job = self._client.job(slot.job_id, slot.name)
        if job is None or job.phase == "ended":
            self._drop(each.container)
            self._lost(each.container, job)
            return None
        slot = self._described(slot, job)
        if slot.node:
            self._seen.add(slot.node)
        with self._lock:
            self._slots = {**self._slots, each.container: slot}
        return slot

    def _described(self, slot: _Slot, job: SlurmJob) -> _Slot:
        now = self._clock()
        since = slot.since if (slot.phase, slot.node) == (job.phase, job.nodes) else now
        return replace(
            slot,
            phase=job.phase,
            node=job.nodes,
            reason=job.state_reason,
            since=since,
            settled=job.phase == "held" and now >= since + self._settle,
            stuck=job.phase == "waiting" and bool(job.nodes) and now >= since + self._prolog,
        )

    def _lost(self, container: str, job: SlurmJob | None) -> None:
        if job is None:
            # A slurmctld that was killed forgets some jobs, and revives others that had ended.
            self._listed_at = None
            self._pause(container, "Slurm does not know its slot any more, and is asked for another one")
            return
        failure = FAILURES.get(job.returned)
        if failure is not None and job.nodes:
            self._avoided[job.nodes] = self._clock() + AVOID_SECONDS
            self._seen.add(job.nodes)
            self._pause(container, f"the slot on the node {job.nodes} failed, because {failure}")
        else:
            states = " and ".join(job.job_state)
            self._pause(container, f"its slot was lost ({states}), and Slurm is asked for another one")

    def _fits(self, slot: _Slot, each: _Wanted) -> bool:
        """Return whether a slot is, or may still come to be, on a node that the container can use."""
        if slot.node and slot.node not in each.nodes:
            # The next request excludes that node, so it can follow at once.
            why = f"Slurm gave it the node {slot.node}, which is no host that it can use now"
            self._say(each.container, _Pause(why, 0.0, 0.0))
            return False
        if slot.stuck:
            why = f"the prolog of the node {slot.node} does not end, and Slurm is asked for another slot"
            self._pause(each.container, why)
            return False
        if slot.node:
            return True
        return slot.without is not None and not (slot.without - self._avoided_now()) & each.nodes

    def _submit(self, prefix: str, each: _Wanted) -> None:
        pause = self._pauses.get(each.container)
        if pause is not None and self._clock() < pause.until:
            return
        without = frozenset(self._seen - each.nodes) | self._avoided_now()
        name = f"{prefix}{each.container}"
        try:
            job_id = self._client.submit(request(self._size, name, without))
        except SlurmRefused as error:
            # One of the nodes may not exist any more.
            self._seen.clear()
            self._avoided.clear()
            self._pause(each.container, f"Slurm refuses it: {error}")
            return
        with self._lock:
            self._slots = {**self._slots, each.container: _Slot(job_id, name, without)}

    def _avoided_now(self) -> frozenset[str]:
        return frozenset(node for node, until in self._avoided.items() if self._clock() < until)

    def _cancel(self, container: str) -> None:
        slot = self._slots[container]
        # A slurmctld that was killed may have given the id to another job.
        if self._client.job(slot.job_id, slot.name) is None:
            self._listed_at = None
        else:
            self._client.cancel(slot.job_id)
        self._drop(container)

    def _drop(self, container: str) -> None:
        with self._lock:
            self._slots = {each: slot for each, slot in self._slots.items() if each != container}

    def _pause(self, container: str, why: str) -> None:
        last = self._pauses.get(container)
        seconds = _FIRST_PAUSE if last is None else min(max(2 * last.seconds, _FIRST_PAUSE), _LONGEST_PAUSE)
        self._say(container, _Pause(why, self._clock() + seconds, seconds))

    def _say(self, container: str, pause: _Pause) -> None:
        with self._lock:
            self._pauses[container] = pause


def _installation(session: Session) -> str | None:
    """Return what the names of this installation's slots begin with, ``None`` before any host has joined."""
    certificate = session.scalar(select(HostAuthorityRow.certificate))
    return None if certificate is None else hashlib.sha256(certificate.encode()).hexdigest()[:12]


def _containers(session: Session) -> dict[str, bool]:
    """Return whether each container has been placed."""
    rows = session.execute(select(JobContainerRow.container_id, JobContainerRow.interface_id)).all()
    return {container: interface is not None for container, interface in rows}
