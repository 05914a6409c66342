"""The last attempt of a job of several containers: one container that works without the others and without Dask.

It continues with the parts that earlier attempts did not finish, and reports each finished part, as they did.
"""

from __future__ import annotations

from reading_room.analysis.cluster.parts_client import PartsClient
from reading_room.analysis.cluster.results import finished, write_result
from reading_room.analysis.cluster.service_client import ServiceClient
from reading_room.analysis.cluster.tasks import part_key
from reading_room.analysis.job_file import Done, Progress
from reading_room.analysis.part_work import Pace, plan_of, write_part
from reading_room.analysis.program import DocumentsProgram, Program, Work
from reading_room.analysis.s3.credentials import CREDENTIALS_ADDRESS
from reading_room.analysis.storage import JobFailure


def run_alone(work: Work, program: Program, address: str = CREDENTIALS_ADDRESS) -> Done:
    """Analyse the remaining parts of a job, and write its result.

    ``address`` is where the service answers containers. A program without parts does its whole job here. Raise
    ``JobFailure``.
    """
    place, job = work.job.cluster, work.job
    assert place is not None
    if not isinstance(program, DocumentsProgram):
        return program.run(work)
    engine = program.engine(work)
    plan = plan_of(job, work.storage, work.stopping)
    if not plan.complete:
        return write_result(work, [], stopped=True, plan=plan)
    parts = PartsClient(ServiceClient(place.path, address))
    states = parts.register(plan)
    results = finished(states)
    pace = Pace(work.now)

    def report(documents: int) -> None:
        if pace.due():
            work.tell(Progress(sum(result.documents for result in results) + documents, plan.documents or 0))

    for part, state in zip(plan.parts, states, strict=True):
        if state.done is not None:
            continue
        key = part_key(job, part.number, place.member)
        result = write_part(job, engine, work.storage, part, key, work.scratch, work.stopping, report, work.now)
        results.append(result)
        if result.stopped:
            break
        if not parts.finish(state.fence, result):
            raise JobFailure("CLUSTER_LOST", f"part {part.number} was taken over by another container")
    return write_result(work, results, stopped=any(result.stopped for result in results), plan=plan)
