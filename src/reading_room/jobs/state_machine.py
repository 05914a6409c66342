"""What an event does to a job: ``advance(job, event) -> (job, changes)``, pure, with the transitions as one table.

| phase | event → phase |
|---|---|
| queued | Admitted → preparing; StopRequested → stopped |
| preparing | Prepared → running; PreparationFailed, StopRequested, TimedOut → finishing |
| running | StopRequested → stopping; OutputSeen, WorkerFailed, TimedOut → finishing |
| running | ContainerLost → preparing, or → finishing after the last attempt |
| stopping | OutputSeen, WorkerFailed, ContainerLost, StopOverdue, TimedOut → finishing |
| finishing | Released → completed, failed or stopped, as its outcome says |
| stopping, finishing | StopRequested: stays |
| completed, failed, stopped | none |

Any other pair is ``InvalidTransition``, which tells the job's story.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from reading_room.jobs.job import (
    ATTEMPTS,
    AddContainer,
    Admitted,
    AskToStop,
    Change,
    ContainerLost,
    DropContainer,
    Event,
    Job,
    ModelSeen,
    Outcome,
    OutputSeen,
    Phase,
    PlaceContainer,
    PreparationFailed,
    Prepared,
    Released,
    StopOverdue,
    StopRequested,
    TimedOut,
    WorkerFailed,
)

Step = tuple[Job, tuple[Change, ...]]


class InvalidTransition(Exception):
    """An event came that cannot happen in the job's phase."""

    def __init__(self, job: Job, event: Event) -> None:
        story = "\n  ".join(job.story) or "nothing happened before"
        super().__init__(
            f"job {job.job_id} is {job.phase.value} and cannot take {type(event).__name__}; its story:\n  {story}"
        )
        self.job = job
        self.event = event


def advance(job: Job, event: Event) -> Step:
    """Return the job after ``event``, and the changes to write with it. Raises ``InvalidTransition``."""
    transition = TRANSITIONS.get((job.phase, type(event)))
    if transition is None:
        raise InvalidTransition(job, event)
    after, changes = transition(job, event)
    line = f"{job.phase.value} -> {after.phase.value}: {describe(event)}"
    return replace(after, story=(*job.story, line)), changes


def accepts(job: Job, event: type[Any]) -> bool:
    """Say whether an event of this class can happen in the job's phase."""
    return (job.phase, event) in TRANSITIONS


def _admit(job: Job, event: Admitted) -> Step:
    return replace(job, phase=Phase.PREPARING, attempt=1), (AddContainer(1),)


def _run(job: Job, event: Prepared) -> Step:
    return replace(job, phase=Phase.RUNNING), (PlaceContainer(job.attempt, event.interface_id, event.vpc_id),)


def _stop_before_start(job: Job, event: StopRequested) -> Step:
    return replace(job, phase=Phase.STOPPED, stop_requested=True, outcome=Outcome(Phase.STOPPED)), ()


def _finish(job: Job, outcome: Outcome) -> Step:
    return replace(job, phase=Phase.FINISHING, outcome=outcome), (DropContainer(job.attempt),)


def _stop_preparing(job: Job, event: StopRequested) -> Step:
    return _finish(replace(job, stop_requested=True), Outcome(Phase.STOPPED))


def _stop_running(job: Job, event: StopRequested) -> Step:
    return replace(job, phase=Phase.STOPPING, stop_requested=True), (AskToStop(job.attempt),)


def _stop_again(job: Job, event: StopRequested) -> Step:
    # The worker was told already, or the end is decided: the caller sees STOP_REQUESTED until the end is there.
    return replace(job, stop_requested=True), ()


def _fail(job: Job, event: PreparationFailed | WorkerFailed) -> Step:
    return _finish(job, Outcome(Phase.FAILED, event.code, event.text))


def _done(job: Job, event: OutputSeen) -> Step:
    if event.stopped:
        # Nobody asked this worker to stop: its host is going down, so the documents left are for another attempt.
        return _retry(job, ContainerLost("the worker was ended early by its host"))
    return _finish(job, Outcome(Phase.COMPLETED))


def _done_while_stopping(job: Job, event: OutputSeen) -> Step:
    return _finish(job, Outcome(Phase.STOPPED if event.stopped else Phase.COMPLETED))


def _retry(job: Job, event: ContainerLost) -> Step:
    if job.attempt >= ATTEMPTS:
        text = f"The container was lost {ATTEMPTS} times, at last because {event.reason}."
        return _finish(job, Outcome(Phase.FAILED, "INTERNAL_ERROR", text))
    again = job.attempt + 1
    return replace(job, phase=Phase.PREPARING, attempt=again), (
        DropContainer(job.attempt),
        AddContainer(again),
    )


def _stopped(job: Job, event: WorkerFailed | ContainerLost | StopOverdue) -> Step:
    return _finish(job, Outcome(Phase.STOPPED))


def _time_out(job: Job, event: TimedOut) -> Step:
    text = f"The job was not done after {event.seconds} seconds, the limit set by READING_ROOM_JOB_SECONDS."
    return _finish(job, Outcome(Phase.FAILED, "INTERNAL_ERROR", text))


def _end(job: Job, event: Released) -> Step:
    assert job.outcome is not None, f"job {job.job_id} is finishing without an outcome"
    return replace(job, phase=job.outcome.phase), ()


TRANSITIONS: Mapping[tuple[Phase, type[Any]], Callable[[Job, Any], Step]] = {
    (Phase.QUEUED, Admitted): _admit,
    (Phase.QUEUED, StopRequested): _stop_before_start,
    (Phase.PREPARING, Prepared): _run,
    (Phase.PREPARING, PreparationFailed): _fail,
    (Phase.PREPARING, StopRequested): _stop_preparing,
    (Phase.PREPARING, TimedOut): _time_out,
    (Phase.RUNNING, OutputSeen): _done,
    (Phase.RUNNING, WorkerFailed): _fail,
    (Phase.RUNNING, ContainerLost): _retry,
    (Phase.RUNNING, StopRequested): _stop_running,
    (Phase.RUNNING, TimedOut): _time_out,
    (Phase.STOPPING, OutputSeen): _done_while_stopping,
    (Phase.STOPPING, WorkerFailed): _stopped,
    (Phase.STOPPING, ContainerLost): _stopped,
    (Phase.STOPPING, StopOverdue): _stopped,
    (Phase.STOPPING, TimedOut): _time_out,
    (Phase.STOPPING, StopRequested): _stop_again,
    (Phase.FINISHING, Released): _end,
    (Phase.FINISHING, StopRequested): _stop_again,
}


def describe(event: Event) -> str:
    """Return an event as a sentence's part, for the story that people read."""
    match event:
        case Admitted():
            return "admitted"
        case Prepared(interface_id=interface_id, place=place):
            return f"network interface {interface_id} ready in {place}"
        case PreparationFailed(code=code, text=text) | WorkerFailed(code=code, text=text):
            return f"{code}: {text}"
        case StopRequested():
            return "stop requested"
        case OutputSeen(documents=documents, model=ModelSeen(size=size, warning=warning)):
            warned = f"; {warning}" if warning else ""
            return f"model seen: trained on {documents} documents, {size} bytes{warned}"
        case OutputSeen(documents=documents, errors=errors, stopped=stopped, warning=warning):
            early = ", ended early as asked" if stopped else ""
            warned = f"; {warning}" if warning else ""
            return f"output seen: {documents} documents, {errors} errors{early}{warned}"
        case ContainerLost(reason=reason):
            return f"container lost: {reason}"
        case TimedOut(seconds=seconds):
            return f"not done after {seconds} seconds"
        case StopOverdue(seconds=seconds):
            return f"not stopped {seconds} seconds after being asked to"
        case Released():
            return "interface and container gone"
