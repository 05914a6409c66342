"""The state machine of jobs: the pure function ``advance(job, event) -> (job, changes)``, with a table of transitions.

| phase | event → phase |
|---|---|
| queued | Admitted → preparing; StopRequested → stopped; PreparationFailed → finishing |
| preparing | Prepared → running; PreparationFailed, StopRequested, TimedOut → finishing |
| preparing | Reduced: stays, with fewer containers |
| running | StopRequested → stopping; OutputSeen, WorkerFailed, TimedOut → finishing |
| running | ContainerLost → preparing, or → finishing after the last attempt |
| running | MemberLost: stays, at most twice with another container; MemberPrepared, MemberLeft: stays |
| stopping | OutputSeen, WorkerFailed, ContainerLost, StopOverdue, TimedOut → finishing |
| stopping | MemberLost, MemberLeft: stays |
| finishing | Released → completed, failed or stopped, as its outcome says |
| stopping, finishing | StopRequested: stays |
| completed, failed, stopped | none |

An event about a container counts only while that container is wanted. Any other pair raises ``InvalidTransition``, with
the job's story in its message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from reading_room.jobs.job import (
    ATTEMPTS,
    REPLACEMENTS,
    AddContainer,
    Admitted,
    AskToStop,
    Change,
    ContainerLost,
    DropContainer,
    Event,
    Job,
    MemberLeft,
    MemberLost,
    MemberPrepared,
    ModelSeen,
    Outcome,
    OutputSeen,
    Phase,
    PlaceContainer,
    Placement,
    PreparationFailed,
    Prepared,
    Reduced,
    Released,
    StopOverdue,
    StopRequested,
    TimedOut,
    WorkerFailed,
)

Step = tuple[Job, tuple[Change, ...]]


class InvalidTransition(Exception):
    """An event is not possible in the job's phase."""

    def __init__(self, job: Job, event: Event) -> None:
        story = "\n  ".join(job.story) or "nothing happened before"
        super().__init__(
            f"job {job.job_id} is {job.phase.value} and cannot accept {type(event).__name__}; its story:\n  {story}"
        )
        self.job = job
        self.event = event


def advance(job: Job, event: Event) -> Step:
    """Return the job after ``event``, and the changes to write with it. Raises ``InvalidTransition``."""
    if not accepts(job, event):
        raise InvalidTransition(job, event)
    after, changes = TRANSITIONS[job.phase, type(event)](job, event)
    line = f"{job.phase.value} -> {after.phase.value}: {describe(event)}"
    return replace(after, story=(*job.story, line)), changes


def accepts(job: Job, event: Event) -> bool:
    """Return whether an event is possible in the job's current state."""
    if (job.phase, type(event)) not in TRANSITIONS:
        return False
    match event:
        case Prepared(placements=placements):
            return tuple(each.member for each in placements) == job.members
        case Reduced(containers=containers):
            return 1 <= containers < len(job.members)
        case MemberLost(member=member) | MemberLeft(member=member):
            return member > 0 and member in job.members
        case MemberPrepared():
            # Prepared placed the containers of the beginning together.
            return event.member >= job.containers and event.member in job.members
        case _:
            return True


def _admit(job: Job, event: Admitted) -> Step:
    return _begin(replace(job, containers=event.containers), 1)


def _begin(job: Job, attempt: int, *changes: Change) -> Step:
    """Begin an attempt, after these changes."""
    begun = replace(job, phase=Phase.PREPARING, attempt=attempt)
    members = tuple(range(begun.width))
    begun = replace(begun, members=members, made=len(members), replacements=0)
    return begun, (*changes, *(AddContainer(attempt, member) for member in members))


def _run(job: Job, event: Prepared) -> Step:
    return replace(job, phase=Phase.RUNNING), tuple(_place(job, each) for each in event.placements)


def _place(job: Job, at: Placement) -> PlaceContainer:
    return PlaceContainer(job.attempt, at.member, at.interface_id, at.vpc_id, at.host)


def _reduce(job: Job, event: Reduced) -> Step:
    kept, rest = job.members[: event.containers], job.members[event.containers :]
    return replace(job, containers=event.containers, members=kept), _drop(job.attempt, rest)


def _drop(attempt: int, members: tuple[int, ...]) -> tuple[DropContainer, ...]:
    return tuple(DropContainer(attempt, member) for member in members)


def _stop_before_start(job: Job, event: StopRequested) -> Step:
    return replace(job, phase=Phase.STOPPED, stop_requested=True, outcome=Outcome(Phase.STOPPED)), ()


def _finish(job: Job, outcome: Outcome) -> Step:
    finishing = replace(job, phase=Phase.FINISHING, outcome=outcome, members=())
    return finishing, _drop(job.attempt, job.members)


def _stop_preparing(job: Job, event: StopRequested) -> Step:
    return _finish(replace(job, stop_requested=True), Outcome(Phase.STOPPED))


def _stop_running(job: Job, event: StopRequested) -> Step:
    return replace(job, phase=Phase.STOPPING, stop_requested=True), (AskToStop(job.attempt),)


def _stop_again(job: Job, event: StopRequested) -> Step:
    # The worker is already stopping, or the end is decided: the caller sees STOP_REQUESTED until the job ends.
    return replace(job, stop_requested=True), ()


def _fail(job: Job, event: PreparationFailed | WorkerFailed) -> Step:
    return _finish(job, Outcome(Phase.FAILED, event.code, event.text))


def _done(job: Job, event: OutputSeen) -> Step:
    if event.stopped:
        # No caller stopped this job: the host is shutting down, so another attempt does the remaining documents.
        return _retry(job, ContainerLost("the worker was ended early by its host"))
    return _finish(job, _completed(event))


def _done_while_stopping(job: Job, event: OutputSeen) -> Step:
    return _finish(job, Outcome(Phase.STOPPED) if event.stopped else _completed(event))


def _completed(event: OutputSeen) -> Outcome:
    if not event.errors or event.model is not None:
        return Outcome(Phase.COMPLETED)
    documents = "document" if event.documents == 1 else "documents"
    return Outcome(Phase.COMPLETED, text=f"completed, {event.errors:,} of {event.documents:,} {documents} failed")


def _retry(job: Job, event: ContainerLost) -> Step:
    if job.attempt >= ATTEMPTS:
        text = f"The container was lost {ATTEMPTS} times, the last time because {event.reason}."
        return _finish(job, Outcome(Phase.FAILED, "INTERNAL_ERROR", text))
    return _begin(job, job.attempt + 1, *_drop(job.attempt, job.members))


def _place_member(job: Job, event: MemberPrepared) -> Step:
    return job, (_place(job, event.placement),)


def _lose_member(job: Job, event: MemberLost) -> Step:
    left, changes = _without(job, event.member)
    if event.killed and event.member >= job.containers:
        # The replacement of a lost container was killed, too: there is not enough memory for this many containers.
        return replace(left, replacements=REPLACEMENTS), changes
    if not event.replace or job.replacements >= REPLACEMENTS:
        return left, changes
    another = job.made
    left = replace(left, members=(*left.members, another), made=another + 1, replacements=job.replacements + 1)
    return left, (*changes, AddContainer(job.attempt, another))


def _let_go(job: Job, event: MemberLost | MemberLeft) -> Step:
    return _without(job, event.member)


def _without(job: Job, member: int) -> Step:
    rest = tuple(each for each in job.members if each != member)
    return replace(job, members=rest), (DropContainer(job.attempt, member),)


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
    (Phase.QUEUED, PreparationFailed): _fail,
    (Phase.PREPARING, Prepared): _run,
    (Phase.PREPARING, Reduced): _reduce,
    (Phase.PREPARING, PreparationFailed): _fail,
    (Phase.PREPARING, StopRequested): _stop_preparing,
    (Phase.PREPARING, TimedOut): _time_out,
    (Phase.RUNNING, OutputSeen): _done,
    (Phase.RUNNING, WorkerFailed): _fail,
    (Phase.RUNNING, ContainerLost): _retry,
    (Phase.RUNNING, MemberLost): _lose_member,
    (Phase.RUNNING, MemberPrepared): _place_member,
    (Phase.RUNNING, MemberLeft): _let_go,
    (Phase.RUNNING, StopRequested): _stop_running,
    (Phase.RUNNING, TimedOut): _time_out,
    (Phase.STOPPING, OutputSeen): _done_while_stopping,
    (Phase.STOPPING, WorkerFailed): _stopped,
    (Phase.STOPPING, ContainerLost): _stopped,
    (Phase.STOPPING, MemberLost): _let_go,
    (Phase.STOPPING, MemberLeft): _let_go,
    (Phase.STOPPING, StopOverdue): _stopped,
    (Phase.STOPPING, TimedOut): _time_out,
    (Phase.STOPPING, StopRequested): _stop_again,
    (Phase.FINISHING, Released): _end,
    (Phase.FINISHING, StopRequested): _stop_again,
}


def describe(event: Event) -> str:
    """Return the text of an event for the story."""
    match event:
        case Admitted(reason=reason):
            return f"admitted; {reason}" if reason else "admitted"
        case Prepared(placements=(only,)):
            return f"network interface {only.interface_id} ready in {only.place}"
        case Prepared(placements=placements):
            ready = ", ".join(f"{each.interface_id} in {each.place}" for each in placements)
            return f"network interfaces of {len(placements)} containers ready: {ready}"
        case Reduced(containers=containers):
            return "it runs in one container" if containers == 1 else f"it runs in {containers} containers"
        case PreparationFailed(code=code, text=text) | WorkerFailed(code=code, text=text):
            return f"{code}: {text}"
        case StopRequested():
            return "stop requested"
        case OutputSeen(documents=documents, model=ModelSeen(size=size, warning=warning)):
            warned = f"; {warning}" if warning else ""
            return f"model written: trained on {documents} documents, {size} bytes{warned}"
        case OutputSeen(documents=documents, errors=errors, stopped=stopped, warning=warning):
            early = ", ended early as asked" if stopped else ""
            warned = f"; {warning}" if warning else ""
            return f"results written: {documents} documents, {errors} errors{early}{warned}"
        case ContainerLost(reason=reason):
            return f"container lost: {reason}"
        case MemberPrepared(placement=at):
            return f"member {at.member} is added: network interface {at.interface_id} ready in {at.place}"
        case MemberLost(member=member, reason=reason):
            return f"member {member} lost: {reason}; its work goes to the others"
        case MemberLeft(member=member):
            return f"member {member} left: no work was left for it"
        case TimedOut(seconds=seconds):
            return f"not done after {seconds} seconds"
        case StopOverdue(seconds=seconds):
            return f"not stopped {seconds} seconds after being asked to"
        case Released():
            return "interface and container gone"
