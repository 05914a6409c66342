"""The state machine: every pair of phase and event, and random sequences of events."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.jobs.job import (
    ATTEMPTS,
    TERMINAL,
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
    job_status,
)
from reading_room.jobs.state_machine import TRANSITIONS, InvalidTransition, accepts, advance, describe

ADMITTED, RELEASED, STOP, LOST = Admitted(), Released(), StopRequested(), ContainerLost("its host is gone")
PREPARED = Prepared((Placement(0, "eni-1", "vpc-1", "subnet-1 at 10.0.1.5", "local"),))
DONE, DONE_EARLY = OutputSeen(3, 0, False), OutputSeen(1, 0, True)
DENIED = WorkerFailed("NO_READ_ACCESS_TO_INPUT", "denied")
UNPREPARED = PreparationFailed("SUBNET_NOT_FOUND", "subnet-9 does not exist")
TIMED_OUT, OVERDUE = TimedOut(60), StopOverdue(60)
ADDED = MemberPrepared(Placement(1, "eni-2", "vpc-1", "subnet-1 at 10.0.1.6", "local"))
EVENTS: tuple[Event, ...] = (
    ADMITTED,
    PREPARED,
    Reduced(1, "the role may not read its output"),
    ADDED,
    MemberLost(1, "its host is gone"),
    MemberLeft(1),
    UNPREPARED,
    STOP,
    DONE,
    DONE_EARLY,
    DENIED,
    LOST,
    TIMED_OUT,
    OVERDUE,
    RELEASED,
)


def after(*events: Event) -> Job:
    job = Job("j1")
    for event in events:
        job, _ = advance(job, event)
    return job


RUNNING = (ADMITTED, PREPARED)
STOPPING = (*RUNNING, STOP)


@pytest.mark.parametrize(
    ("events", "phase", "status"),
    [
        ((), Phase.QUEUED, "SUBMITTED"),
        ((STOP,), Phase.STOPPED, "STOPPED"),
        ((ADMITTED,), Phase.PREPARING, "IN_PROGRESS"),
        ((ADMITTED, UNPREPARED), Phase.FINISHING, "IN_PROGRESS"),
        ((ADMITTED, UNPREPARED, RELEASED), Phase.FAILED, "FAILED"),
        ((UNPREPARED,), Phase.FINISHING, "IN_PROGRESS"),
        ((UNPREPARED, RELEASED), Phase.FAILED, "FAILED"),
        ((ADMITTED, STOP), Phase.FINISHING, "STOP_REQUESTED"),
        ((ADMITTED, STOP, RELEASED), Phase.STOPPED, "STOPPED"),
        (RUNNING, Phase.RUNNING, "IN_PROGRESS"),
        ((*RUNNING, DONE), Phase.FINISHING, "IN_PROGRESS"),
        ((*RUNNING, DONE, RELEASED), Phase.COMPLETED, "COMPLETED"),
        ((*RUNNING, DENIED, RELEASED), Phase.FAILED, "FAILED"),
        ((*RUNNING, TIMED_OUT, RELEASED), Phase.FAILED, "FAILED"),
        ((*RUNNING, LOST), Phase.PREPARING, "IN_PROGRESS"),
        ((*RUNNING, DONE_EARLY), Phase.PREPARING, "IN_PROGRESS"),
        (STOPPING, Phase.STOPPING, "STOP_REQUESTED"),
        ((*STOPPING, STOP), Phase.STOPPING, "STOP_REQUESTED"),
        ((*STOPPING, DONE_EARLY), Phase.FINISHING, "STOP_REQUESTED"),
        ((*STOPPING, DONE_EARLY, RELEASED), Phase.STOPPED, "STOPPED"),
        ((*STOPPING, DONE, RELEASED), Phase.COMPLETED, "COMPLETED"),
        ((*STOPPING, LOST, RELEASED), Phase.STOPPED, "STOPPED"),
        ((*STOPPING, DENIED, RELEASED), Phase.STOPPED, "STOPPED"),
        ((*STOPPING, OVERDUE, RELEASED), Phase.STOPPED, "STOPPED"),
        ((*STOPPING, TIMED_OUT, RELEASED), Phase.FAILED, "FAILED"),
        ((*RUNNING, DONE, STOP), Phase.FINISHING, "STOP_REQUESTED"),
        ((*RUNNING, DONE, STOP, RELEASED), Phase.COMPLETED, "COMPLETED"),
    ],
)
def test_events_lead_to_a_phase_and_the_status_that_clients_see(
    events: tuple[Event, ...], phase: Phase, status: str
) -> None:
    job = after(*events)
    assert (job.phase, job_status(job)) == (phase, status)


@pytest.mark.parametrize(
    ("before", "event", "changes"),
    [
        ((), ADMITTED, (AddContainer(1),)),
        ((), STOP, ()),
        ((ADMITTED,), PREPARED, (PlaceContainer(1, 0, "eni-1", "vpc-1", "local"),)),
        ((ADMITTED,), UNPREPARED, (DropContainer(1),)),
        ((ADMITTED,), STOP, (DropContainer(1),)),
        (RUNNING, STOP, (AskToStop(1),)),
        (RUNNING, DONE, (DropContainer(1),)),
        (RUNNING, LOST, (DropContainer(1), AddContainer(2))),
        (STOPPING, DONE_EARLY, (DropContainer(1),)),
        ((*RUNNING, DONE), RELEASED, ()),
    ],
)
def test_each_event_asks_for_exactly_its_changes(
    before: tuple[Event, ...], event: Event, changes: tuple[Change, ...]
) -> None:
    assert advance(after(*before), event)[1] == changes


def test_a_container_lost_too_often_fails_the_job_and_says_why() -> None:
    attempts: tuple[Event, ...] = (PREPARED, LOST) * ATTEMPTS
    job = after(ADMITTED, *attempts)
    assert job.phase is Phase.FINISHING
    assert job.outcome is not None
    text = "The container was lost 3 times, the last time because its host is gone."
    assert job.outcome.message == f"INTERNAL_ERROR: {text}"


def test_a_failure_keeps_its_code_and_text() -> None:
    job = after(*RUNNING, DENIED, RELEASED)
    assert job.outcome == Outcome(Phase.FAILED, "NO_READ_ACCESS_TO_INPUT", "denied")
    assert job.outcome.message == "NO_READ_ACCESS_TO_INPUT: denied"


def test_a_completed_job_says_how_many_of_its_documents_failed() -> None:
    said = {
        (each.documents, each.errors): after(*RUNNING, *stop, each, RELEASED).outcome
        for each in (OutputSeen(7, 2, False), OutputSeen(1, 1, False), OutputSeen(7, 0, False))
        for stop in ((), (STOP,))
    }
    assert {counts: outcome and outcome.message for counts, outcome in said.items()} == {
        (7, 2): "completed, 2 of 7 documents failed",
        (1, 1): "completed, 1 of 1 document failed",
        (7, 0): None,
    }
    stopped = after(*RUNNING, STOP, OutputSeen(7, 2, True), RELEASED).outcome
    assert stopped == Outcome(Phase.STOPPED), "what it did not get to is no failure of a document"


def test_every_pair_that_the_table_lacks_is_refused_with_the_story() -> None:
    stories = {
        Phase.QUEUED: (),
        Phase.PREPARING: (ADMITTED,),
        Phase.RUNNING: RUNNING,
        Phase.STOPPING: STOPPING,
        Phase.FINISHING: (*RUNNING, DONE),
        Phase.COMPLETED: (*RUNNING, DONE, RELEASED),
        Phase.FAILED: (*RUNNING, DENIED, RELEASED),
        Phase.STOPPED: (STOP,),
    }
    assert set(stories) == set(Phase)
    for phase, story in stories.items():
        for event in EVENTS:
            job = after(*story)
            if accepts(job, event):
                assert (phase, type(event)) in TRANSITIONS
                continue
            with pytest.raises(InvalidTransition) as raised:
                advance(job, event)
            assert type(event).__name__ in str(raised.value)
            for line in job.story:
                assert line in str(raised.value)


def test_the_table_knows_every_event() -> None:
    assert {event for _, event in TRANSITIONS} == set(get_args(Event)) == {type(e) for e in EVENTS}


@given(st.lists(st.sampled_from(EVENTS), max_size=30))
def test_no_sequence_of_events_loses_a_job_or_leaves_a_container(events: list[Event]) -> None:
    job = Job("j1")
    wanted: set[int] = set()
    added: list[int] = []
    for event in events:
        before = job
        try:
            job, changes = advance(job, event)
        except InvalidTransition:
            assert job is before
            continue
        assert before.phase not in TERMINAL, "a terminal job moved"
        for change in changes:
            match change:
                case AddContainer(attempt=n):
                    assert n not in added
                    added.append(n)
                    wanted.add(n)
                case DropContainer(attempt=n):
                    assert n in wanted
                    wanted.discard(n)
                case PlaceContainer(attempt=n) | AskToStop(attempt=n):
                    assert n in wanted
        assert job.attempt <= ATTEMPTS
        assert len(wanted) <= 1
        assert bool(wanted) == (job.phase in {Phase.PREPARING, Phase.RUNNING, Phase.STOPPING})
        assert (job.outcome is None) == (job.phase not in TERMINAL | {Phase.FINISHING})
        assert job.stop_requested or job.phase is not Phase.STOPPED


@given(st.lists(st.sampled_from(EVENTS), max_size=20))
def test_from_anywhere_the_job_can_still_end(events: list[Event]) -> None:
    job = Job("j1")
    for event in events:
        if accepts(job, event):
            job, _ = advance(job, event)
    for event in (ADMITTED, TIMED_OUT, RELEASED):
        if accepts(job, event):
            job, _ = advance(job, event)
    assert job.phase in TERMINAL


PLACES = (
    Placement(0, "eni-1", "vpc-1", "subnet-1 at 10.0.1.5", "local"),
    Placement(1, "eni-2", "vpc-1", "subnet-2 at 10.0.2.5", "local"),
)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (ADMITTED, "admitted"),
        (Admitted(2, "for 5 MB"), "admitted; for 5 MB"),
        (PREPARED, "network interface eni-1 ready in subnet-1 at 10.0.1.5"),
        (
            Prepared(PLACES),
            "network interfaces of 2 containers ready: eni-1 in subnet-1 at 10.0.1.5, eni-2 in subnet-2 at 10.0.2.5",
        ),
        (Reduced(1, "why"), "it runs in one container"),
        (Reduced(2, "why"), "it runs in 2 containers"),
        (UNPREPARED, "SUBNET_NOT_FOUND: subnet-9 does not exist"),
        (DENIED, "NO_READ_ACCESS_TO_INPUT: denied"),
        (STOP, "stop requested"),
        (DONE, "results written: 3 documents, 0 errors"),
        (DONE_EARLY, "results written: 1 documents, 0 errors, ended early as asked"),
        (OutputSeen(3, 1, False, warning="beware"), "results written: 3 documents, 1 errors; beware"),
        (OutputSeen(9, 0, False, model=ModelSeen(7, "", "", "")), "model written: trained on 9 documents, 7 bytes"),
        (
            OutputSeen(9, 0, False, model=ModelSeen(7, "", "", "few")),
            "model written: trained on 9 documents, 7 bytes; few",
        ),
        (LOST, "container lost: its host is gone"),
        (ADDED, "member 1 is added: network interface eni-2 ready in subnet-1 at 10.0.1.6"),
        (MemberLost(1, "gone"), "member 1 lost: gone; its work goes to the others"),
        (MemberLeft(1), "member 1 left: no work was left for it"),
        (TIMED_OUT, "not done after 60 seconds"),
        (OVERDUE, "not stopped 60 seconds after being asked to"),
        (RELEASED, "interface and container gone"),
    ],
)
def test_the_story_has_the_text_of_each_event(event: Event, expected: str) -> None:
    assert describe(event) == expected


def test_the_story_has_each_step_and_its_event() -> None:
    assert after(*RUNNING, LOST).story == (
        "queued -> preparing: admitted",
        "preparing -> running: network interface eni-1 ready in subnet-1 at 10.0.1.5",
        "running -> preparing: container lost: its host is gone",
    )


def test_a_job_that_takes_too_long_fails_with_the_limit() -> None:
    for events in ((ADMITTED,), RUNNING, STOPPING):
        job = after(*events, TIMED_OUT)
        text = "The job was not done after 60 seconds, the limit set by READING_ROOM_JOB_SECONDS."
        assert job.outcome == Outcome(Phase.FAILED, "INTERNAL_ERROR", text)


def test_a_stop_is_kept_until_the_end_whatever_phase_it_comes_in() -> None:
    for events in ((), (ADMITTED,), RUNNING, STOPPING, (*RUNNING, DONE)):
        assert after(*events, STOP).stop_requested
        assert after(*events).stop_requested is (events is STOPPING)


def test_a_member_is_one_of_the_jobs_others_and_an_added_one_is_not_of_the_first() -> None:
    job = after(Admitted(2), Prepared(PLACES))
    assert [accepts(job, MemberLost(member, "gone")) for member in range(3)] == [False, True, False]
    assert [accepts(job, MemberLeft(member)) for member in range(3)] == [False, True, False]
    assert not accepts(job, ADDED)
    job, _ = advance(job, MemberLost(1, "gone"))
    assert job.members == (0, 2)
    added = MemberPrepared(Placement(2, "eni-3", "vpc-1", "subnet-1 at 10.0.1.7", "local"))
    assert advance(job, added)[1] == (PlaceContainer(1, 2, "eni-3", "vpc-1", "local"),)


@pytest.mark.parametrize(("containers", "accepted"), [(0, False), (1, True), (2, True), (3, False), (4, False)])
def test_a_job_is_reduced_to_fewer_containers_than_it_has(containers: int, accepted: bool) -> None:
    assert accepts(after(Admitted(3)), Reduced(containers, "why")) is accepted
