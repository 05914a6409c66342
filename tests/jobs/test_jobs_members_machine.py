"""The state machine with one, two and three containers, explored exhaustively: every event in every state."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest

from reading_room.jobs.job import (
    ATTEMPTS,
    CONTAINERS,
    REPLACEMENTS,
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
from reading_room.jobs.state_machine import InvalidTransition, accepts, advance

Container = tuple[int, int]
"""Attempt and member."""


@dataclass(frozen=True)
class State:
    """A job, and the containers that are wanted and placed after the changes so far."""

    job: Job
    wanted: frozenset[Container] = frozenset()
    placed: frozenset[Container] = frozenset()
    added: int = 0


def placement(member: int) -> Placement:
    return Placement(member, f"eni-{member}", "vpc-1", f"subnet-1 at 10.0.1.{member + 5}", "local")


def events(job: Job, containers: int) -> Iterator[Event]:
    """Return all events that could come at any time, about containers that the job has and one that it lacks."""
    yield Admitted(containers)
    yield Prepared(tuple(placement(member) for member in job.members))
    for fewer in range(1, containers):
        yield Reduced(fewer, "the role may not read its output")
    yield from (PreparationFailed("SUBNET_NOT_FOUND", "gone"), StopRequested(), ContainerLost("its host is gone"))
    yield from (OutputSeen(3, 0, False), OutputSeen(1, 0, True), WorkerFailed("INPUT_NOT_FOUND", "nothing there"))
    yield from (TimedOut(60), StopOverdue(60), Released())
    for member in range(containers + REPLACEMENTS + 1):
        yield MemberLeft(member)
        yield MemberPrepared(placement(member))
        for again in (True, False):
            for killed in (True, False):
                yield MemberLost(member, "killed", replace=again, killed=killed)


def after(state: State, event: Event) -> State:
    """Return the state after an event, and check the invariants of its changes."""
    job, changes = advance(state.job, event)
    wanted, placed, added = set(state.wanted), set(state.placed), state.added
    for change in changes:
        match change:
            case AddContainer(attempt=attempt, member=member):
                assert (attempt, member) not in wanted
                wanted.add((attempt, member))
                added += 1
            case PlaceContainer(attempt=attempt, member=member):
                assert (attempt, member) in wanted
                placed.add((attempt, member))
            case DropContainer(attempt=attempt, member=member):
                wanted.remove((attempt, member))
                placed.discard((attempt, member))
            case AskToStop(attempt=attempt):
                assert (attempt, 0) in placed
    return State(replace(job, story=()), frozenset(wanted), frozenset(placed), added)


def explored(containers: int) -> dict[State, list[tuple[Event, State]]]:
    """Return every reachable state, and the state after each event."""
    start = State(Job("j1"))
    graph: dict[State, list[tuple[Event, State]]] = {}
    queue = deque([start])
    while queue:
        state = queue.popleft()
        if state in graph:
            continue
        graph[state] = []
        for event in events(state.job, containers):
            if accepts(state.job, event):
                reached = after(state, event)
                graph[state].append((event, reached))
                queue.append(reached)
            else:
                with pytest.raises(InvalidTransition):
                    advance(state.job, event)
    return graph


@pytest.fixture(scope="module", params=[1, 2, 3])
def graph(request: pytest.FixtureRequest) -> dict[State, list[tuple[Event, State]]]:
    """All states of a job for which this many containers were planned."""
    return explored(request.param)


Graph = dict[State, list[tuple[Event, State]]]


@pytest.mark.costs(0.4, reason="all states of a job are explored before it")
def test_exactly_the_containers_that_a_job_has_are_wanted(graph: Graph) -> None:
    for state in graph:
        job = state.job
        assert state.wanted == {(job.attempt, member) for member in job.members}
        assert bool(job.members) == (job.phase in {Phase.PREPARING, Phase.RUNNING, Phase.STOPPING})
        assert not job.members or job.members[0] == 0, "the first container is there as long as any is"


def test_no_container_runs_before_every_first_one_of_the_attempt_has_its_interface(graph: Graph) -> None:
    for state in graph:
        if state.job.phase in (Phase.QUEUED, Phase.PREPARING):
            assert not state.placed
        elif state.job.phase in (Phase.RUNNING, Phase.STOPPING):
            waiting = {member for _, member in state.wanted - state.placed}
            assert all(member >= state.job.width for member in waiting), "only one for a lost one may wait"


def test_attempts_and_containers_are_bounded_and_the_last_attempt_has_one(graph: Graph) -> None:
    most = max(state.job.containers for state in graph)
    for state in graph:
        job = state.job
        assert job.attempt <= ATTEMPTS
        assert job.replacements <= REPLACEMENTS
        assert job.made <= most + REPLACEMENTS
        assert job.attempt < ATTEMPTS or job.made == 1
        assert job.phase not in TERMINAL | {Phase.FINISHING} or job.outcome is not None
        assert job.stop_requested or job.phase is not Phase.STOPPED
    assert max(state.added for state in graph) <= (ATTEMPTS - 1) * (most + REPLACEMENTS) + 1


def test_every_state_leads_to_an_end_however_the_events_fall(graph: Graph) -> None:
    """No state is ever reached again, so that every story is finite; and only an end has no event that can follow."""
    forward = {state: {reached for _, reached in edges if reached != state} for state, edges in graph.items()}
    done: set[State] = set()
    for root in forward:
        path = [(root, iter(forward[root]))] if root not in done else []
        on_path = {root}
        while path:
            state, rest = path[-1]
            following = next(rest, None)
            if following is None:
                path.pop()
                on_path.discard(state)
                done.add(state)
            elif following not in done:
                assert following not in on_path, f"{following} comes back to itself"
                on_path.add(following)
                path.append((following, iter(forward[following])))
    for state, following_states in forward.items():
        assert bool(following_states) == (state.job.phase not in TERMINAL)


def test_time_alone_ends_every_job(graph: Graph) -> None:
    for state in graph:
        job = state.job
        for event in (Admitted(), TimedOut(60), Released()):
            if accepts(job, event):
                job, _ = advance(job, event)
        assert job.phase in TERMINAL


def test_what_clients_see_never_goes_back(graph: Graph) -> None:
    order = ["SUBMITTED", "IN_PROGRESS", "STOP_REQUESTED", "STOPPED"]
    for state, edges in graph.items():
        for _, reached in edges:
            before, later = job_status(state.job), job_status(reached.job)
            if later not in ("COMPLETED", "FAILED"):
                assert order.index(before) <= order.index(later)


def test_a_container_that_is_not_the_first_never_ends_an_attempt(graph: Graph) -> None:
    for state, edges in graph.items():
        for event, reached in edges:
            if isinstance(event, MemberLost | MemberLeft | MemberPrepared):
                assert (reached.job.attempt, reached.job.phase) == (state.job.attempt, state.job.phase)
                assert reached.job.outcome == state.job.outcome


# Rules, one by one

RUNNING = Admitted(3), Prepared(tuple(map(placement, range(3))))


def job_after(*happened: Event) -> tuple[Job, tuple[Change, ...]]:
    job = Job("j1")
    changes: tuple[Change, ...] = ()
    for event in happened:
        job, changes = advance(job, event)
    return job, changes


def test_a_lost_member_is_replaced_under_a_number_of_its_own_at_most_twice_in_an_attempt() -> None:
    job, changes = job_after(*RUNNING, MemberLost(1, "gone"))
    assert (job.members, changes) == ((0, 2, 3), (DropContainer(1, 1), AddContainer(1, 3)))
    job, changes = advance(job, MemberLost(3, "gone"))
    assert (job.members, changes) == ((0, 2, 4), (DropContainer(1, 3), AddContainer(1, 4)))
    job, changes = advance(job, MemberLost(2, "gone"))
    assert (job.members, changes) == ((0, 4), (DropContainer(1, 2),))


def test_when_the_one_in_its_place_is_killed_too_there_are_fewer_from_then_on() -> None:
    killed = [MemberLost(member, "SIGKILL", killed=True) for member in range(5)]
    job, _ = job_after(*RUNNING, killed[1])
    assert job.members == (0, 2, 3)
    job, changes = advance(job, killed[3])
    assert (job.members, changes) == ((0, 2), (DropContainer(1, 3),))
    assert advance(job, killed[2])[0].members == (0,)


def test_no_member_follows_one_that_left_or_that_found_the_cluster_broken_or_while_stopping() -> None:
    assert job_after(*RUNNING, MemberLeft(1))[0].members == (0, 2)
    assert job_after(*RUNNING, MemberLost(1, "broken", replace=False))[0].members == (0, 2)
    assert job_after(*RUNNING, StopRequested(), MemberLost(1, "gone"))[0].members == (0, 2)


def test_a_new_attempt_has_as_many_containers_again_and_the_last_one_alone() -> None:
    lost = ContainerLost("its host is gone")
    job, changes = job_after(*RUNNING, MemberLost(1, "gone"), lost)
    dropped = tuple(DropContainer(1, member) for member in (0, 2, 3))
    assert changes == (*dropped, *(AddContainer(2, member) for member in range(3)))
    assert (job.made, job.replacements) == (3, 0)
    job, _ = advance(advance(job, RUNNING[1])[0], lost)
    assert (job.attempt, job.members, job.containers) == (3, (0,), 3)


def test_a_job_that_is_reduced_keeps_its_first_containers_and_stays_reduced() -> None:
    job, changes = job_after(Admitted(3), Reduced(1, "the role may not read its output"))
    assert (job.phase, job.members, changes) == (Phase.PREPARING, (0,), (DropContainer(1, 1), DropContainer(1, 2)))
    job, _ = advance(job, Prepared((placement(0),)))
    job, changes = advance(job, ContainerLost("its host is gone"))
    assert changes == (DropContainer(1, 0), AddContainer(2, 0))


def test_an_attempt_is_prepared_whole_or_not_at_all() -> None:
    job, _ = job_after(Admitted(3))
    for members in ((), (0,), (0, 1), (1, 0, 2), (0, 1, 2, 3)):
        assert not accepts(job, Prepared(tuple(map(placement, members))))
    assert accepts(job, RUNNING[1])


def test_only_the_first_worker_is_stopped() -> None:
    assert job_after(*RUNNING, StopRequested())[1] == (AskToStop(1),)


@pytest.mark.parametrize("containers", [0, -1, CONTAINERS + 1])
def test_an_absurd_number_of_containers_is_no_event(containers: int) -> None:
    with pytest.raises(ValueError, match="expected 1 to 16"):
        Admitted(containers)


def test_the_story_has_each_container() -> None:
    job, _ = job_after(*RUNNING, MemberLost(1, "SIGKILL ended its worker"), MemberPrepared(placement(3)), MemberLeft(2))
    for (_, line), words in zip(
        pairwise(job.story),
        ("3 containers", "member 1 lost: SIGKILL", "member 3 is added", "member 2 left"),
        strict=True,
    ):
        assert words in line
