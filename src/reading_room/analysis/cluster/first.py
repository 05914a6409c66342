"""The first container of a job of several: it starts the cluster, hands out the work, and writes the result."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from reading_room.analysis.cluster.functions import here
from reading_room.analysis.cluster.identity import Identity, fetch_identity
from reading_room.analysis.cluster.parts_client import PartsClient, PartState
from reading_room.analysis.cluster.results import finished, write_result
from reading_room.analysis.cluster.scheduler_process import SchedulerProcess
from reading_room.analysis.cluster.service_client import ServiceClient
from reading_room.analysis.cluster.tasks import Settled, settle
from reading_room.analysis.cluster.timing import WORKER_TTL_SECONDS
from reading_room.analysis.cutting import Plan
from reading_room.analysis.job_file import Done, Progress
from reading_room.analysis.part_work import Pace, PartResult, plan_of
from reading_room.analysis.program import Program, Work
from reading_room.analysis.s3.credentials import CREDENTIALS_ADDRESS
from reading_room.analysis.storage import JobFailure

if TYPE_CHECKING:
    from reading_room.analysis.cluster.dispatch import Dispatch
    from reading_room.analysis.cluster.node import Node

_JOIN_SECONDS = 60.0
_MOMENT_SECONDS = 1.0


def run_first(
    work: Work, program: Program, address: str = CREDENTIALS_ADDRESS, worker_ttl: float = WORKER_TTL_SECONDS
) -> Done:
    """Do the job of ``work`` together with the other containers as they join, and write its result.

    ``address`` is where the service answers containers. A container that sends nothing for ``worker_ttl`` seconds is
    removed from the cluster. Raise ``JobFailure``: ``CLUSTER_LOST`` if the cluster breaks. The service then knows the
    finished parts, so that another attempt can continue from them.
    """
    place = work.job.cluster
    assert place is not None
    service = ServiceClient(place.path, address)
    identity = fetch_identity(service)
    with SchedulerProcess(place.scheduler, identity, work.scratch, worker_ttl) as scheduler:
        # The scheduler takes a second to start; load the model meanwhile.
        settled = settle(work, program)
        cluster = _Cluster(work, identity, scheduler)
        if settled.engine is None:
            return _run_mapping(settled, cluster)
        return _run_parts(settled, cluster, PartsClient(service))


class _Cluster:
    """The cluster as the first container sees it; it is joined when it is first needed."""

    def __init__(self, work: Work, identity: Identity, scheduler: SchedulerProcess) -> None:
        self._work = work
        self._identity = identity
        self._scheduler = scheduler
        self._node: Node | None = None
        self._ended = False

    def join(self, progress: Callable[[int, int], None] = lambda part, documents: None) -> Dispatch:
        # Dask takes most of a second to import; the scheduler's process imports it at the same time.
        from reading_room.analysis.cluster.dispatch import Dispatch
        from reading_room.analysis.cluster.node import Node

        self._scheduler.wait_ready()
        place = self._work.job.cluster
        assert place is not None
        node = self._node = Node(
            place, self._identity, self._work.scratch, client=True, seconds=_JOIN_SECONDS, progress=progress
        )
        return Dispatch(node, lambda: self._lost(node), self._work.stopping)

    def _lost(self, node: Node) -> JobFailure | None:
        failure = node.lost()
        # The connections of a killed scheduler end a moment before it does, and it is the cause.
        return self._scheduler.lost(0.0 if failure is None else _MOMENT_SECONDS) or failure

    def end(self) -> None:
        """Let the other containers leave the cluster, as intended. Does not wait."""
        if self._ended:
            return
        self._ended = True
        if self._node is not None:
            self._node.let_go()
        self._scheduler.end()

    def wait_ended(self) -> None:
        self._scheduler.wait_ended()


def _run_mapping(settled: Settled, cluster: _Cluster) -> Done:
    """Run a program that needs its whole input at once and shares only its calls of ``Work.map``."""
    program, work = settled.program, settled.work

    def mapped(name: str, items: Sequence[Any]) -> Iterator[Any]:
        yield from cluster.join().mapped(name, items)
        # The program does the rest alone, so the other containers can leave.
        cluster.end()

    done = program.run(dataclasses.replace(work, map=_once(mapped, here(program))))
    cluster.end()
    cluster.wait_ended()
    return done


def _once(
    first: Callable[[str, Sequence[Any]], Iterator[Any]], later: Callable[[str, Sequence[Any]], Iterator[Any]]
) -> Callable[[str, Sequence[Any]], Iterator[Any]]:
    """Return a map that calls ``first`` the first time, and ``later`` from then on."""
    calls = iter([first])
    return lambda name, items: next(calls, later)(name, items)


def _run_parts(settled: Settled, cluster: _Cluster, parts: PartsClient) -> Done:
    work, job = settled.work, settled.work.job
    plan = plan_of(job, work.storage, work.stopping)
    if not plan.complete:
        cluster.end()
        return write_result(settled.work, [], stopped=True, plan=plan)
    states = parts.register(plan)
    if all(state.done is not None for state in states):
        cluster.end()
        return write_result(settled.work, finished(states), stopped=False, plan=plan)
    short, refused, stopped = _analyse(settled, cluster, parts, plan, states)
    cluster.end()
    found = {result.number: result for result in [*short, *finished(parts.states())]}
    missing = [part.number for part in plan.parts if part.number not in found]
    if missing and not stopped:
        raise JobFailure("CLUSTER_LOST", f"part {missing[0]} was taken over by another container, and is not finished")
    stopped = bool(missing) or any(result.stopped for result in found.values())
    done = write_result(settled.work, list(found.values()), stopped, plan)
    work.storage.delete(job.output.bucket, [result.key for result in refused])
    cluster.wait_ended()
    return done


def _analyse(
    settled: Settled, cluster: _Cluster, parts: PartsClient, plan: Plan, states: Sequence[PartState]
) -> tuple[list[PartResult], list[PartResult], bool]:
    """Have the unfinished parts analysed; return those cut short, those refused, and whether the job was stopped."""
    from reading_room.analysis.cluster.dispatch import Counted
    from reading_room.analysis.cluster.finishing import Finishing

    work = settled.work
    counted = Counted()
    for result in finished(states):
        counted.finish(result)
    pace = Pace(work.now)

    def turn() -> None:
        if pace.due():
            work.tell(Progress(counted.documents(), plan.documents or 0))

    dispatch = cluster.join(counted.update)
    open_parts = [part for part, state in zip(plan.parts, states, strict=True) if state.done is None]
    finishing = Finishing(parts, {state.number: state.fence for state in states})
    try:
        short = dispatch.parts(open_parts, finishing, counted, turn)
    finally:
        # Also when the cluster broke, so that finished parts need not be analysed again.
        failure = finishing.close()
    if failure is not None:
        raise failure
    return short, finishing.refused, dispatch.stopped
