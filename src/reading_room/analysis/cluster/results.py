"""Making the result of a job from its finished parts."""

from __future__ import annotations

from collections.abc import Sequence

from reading_room.analysis.cluster.parts_client import PartState
from reading_room.analysis.cutting import Plan
from reading_room.analysis.job_file import Done
from reading_room.analysis.part_work import PartResult, assemble
from reading_room.analysis.program import Work


def finished(states: Sequence[PartState]) -> list[PartResult]:
    """Return the results of the parts that are finished."""
    return [state.done for state in states if state.done is not None]


def write_result(work: Work, results: Sequence[PartResult], stopped: bool, plan: Plan) -> Done:
    """Assemble the results, and delete the objects of the parts. Raise ``JobFailure``."""
    size, sha256, warning = assemble(work.job, work.storage, results, work.scratch, plan)
    work.storage.delete(work.job.output.bucket, [result.key for result in results])
    return Done(
        documents=sum(result.documents for result in results),
        errors=sum(result.errors for result in results),
        size=size,
        sha256=sha256,
        stopped=stopped,
        warning=warning,
        characters=sum(result.characters for result in results),
        units=sum(result.units for result in results),
    )
