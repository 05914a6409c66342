"""The controller with in-memory ports, from a submitted job to its end."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from reading_room.analysis.job_file import Failed, Progress, Ready
from reading_room.clock import ClockSteps
from reading_room.containers.spec import ContainerState
from reading_room.dataplane.spec import Problem
from reading_room.jobs.controller import CONFIRMATION_SECONDS
from reading_room.jobs.errors import PreparationError, TokenReused, UnknownJob
from reading_room.jobs.needs import move_times
from reading_room.jobs.reports import REST_SECONDS
from reading_room.jobs.submission import find
from reading_room.jobs.tables import JobRow
from reading_room.settings import Settings
from tests.worlds.jobs import ACCOUNT, DONE, KIND, World
from tests.worlds.waiting import eventually


def run_to_container(world: World) -> str:
    job = world.submit()
    world.turn()
    assert len(world.wanted()) == 1
    return job


def settle(world: World) -> None:
    """Make the host confirm that everything dropped is gone."""
    world.host_says()
    world.turn(3)


def test_a_job_goes_from_submitted_to_completed(world: World) -> None:
    job = world.submit()
    assert world.status(job) == "SUBMITTED"
    world.turn()
    assert world.status(job) == "IN_PROGRESS"
    (spec,) = world.wanted()
    assert spec.job.job_id == job
    assert spec.job.attempt == 1
    assert spec.interface_id in world.network.attached_ids
    assert spec.job.output.key == f"out/{ACCOUNT}-NER-{job}/output/output.tar.gz"
    world.write_output(job)
    world.host_says(world.state(Ready(), DONE, phase="exited", exit_code=0))
    world.turn()
    assert world.wanted() == ()
    assert world.network.interfaces == {}
    assert world.network.attached_ids == set()
    settle(world)
    assert world.status(job) == "COMPLETED"
    assert world.row(job).documents == 3
    assert world.row(job).ended_at == world.now
    assert world.container_rows() == 0


def test_while_no_job_can_start_waiting_jobs_have_the_reason_and_running_ones_continue(world: World) -> None:
    running = run_to_container(world)
    world.held = "the disk is full"
    waiting = [world.submit(), world.submit()]
    world.write_output(running)
    world.host_says(world.state(Ready(), DONE, phase="exited", exit_code=0))
    world.turn(3)
    settle(world)
    assert world.status(running) == "COMPLETED"
    for job in waiting:
        assert world.status(job) == "SUBMITTED"
        assert world.story(job).count("no job can start now: the disk is full") == 1
    world.held = None
    world.turn()
    assert [world.status(job) for job in waiting] == ["IN_PROGRESS"] * 2


def test_a_job_that_is_being_prepared_waits_too(world: World) -> None:
    job = world.submit()
    locked: Any = OperationalError("BEGIN", {}, Exception("database is locked"))
    world.network.refusals[job] = locked
    world.turn()
    world.network.refusals.clear()
    world.held = "the disk is full"
    world.turn()
    assert world.wanted() == ()
    assert "no job can start now" in world.story(job)
    world.held = None
    world.turn()
    assert len(world.wanted()) == 1


def test_a_job_is_not_over_before_its_interface_is_gone(world: World) -> None:
    job = run_to_container(world)
    (spec,) = world.wanted()
    world.write_output(job)
    state = world.state(DONE, phase="exited", exit_code=0)
    world.host_says(state)
    world.turn(3)
    assert world.status(job) == "IN_PROGRESS"
    world.host_says(interfaces=(spec.interface_id,))
    world.turn(2)
    assert world.status(job) == "IN_PROGRESS"
    world.host_says(interfaces=())
    world.turn(2)
    assert world.status(job) == "COMPLETED"


def test_a_host_that_never_confirms_holds_a_job_up_for_five_seconds(world: World) -> None:
    job = run_to_container(world)
    (spec,) = world.wanted()
    world.write_output(job)
    world.host_says(world.state(DONE, phase="exited", exit_code=0), interfaces=(spec.interface_id,))
    world.turn(2)
    world.pass_seconds(4)
    world.turn(2)
    assert world.status(job) == "IN_PROGRESS"
    world.pass_seconds(1)
    world.turn(2)
    assert world.status(job) == "COMPLETED"


def test_a_worker_that_reports_a_missing_output_fails_its_job(world: World) -> None:
    job = run_to_container(world)
    world.host_says(world.state(DONE, phase="exited", exit_code=0))
    world.turn()
    settle(world)
    assert world.status(job) == "FAILED"
    assert "the object is missing" in str(world.message(job))
    assert str(world.message(job)).startswith("INTERNAL_ERROR: ")


@pytest.mark.parametrize("content", [b"another archive", b"aN archive"])
def test_an_output_of_another_size_or_checksum_fails_the_job(world: World, content: bytes) -> None:
    job = run_to_container(world)
    world.write_output(job, content)
    world.host_says(world.state(DONE, phase="exited", exit_code=0))
    world.turn()
    settle(world)
    assert world.status(job) == "FAILED"
    assert f"has {len(content)} bytes" in str(world.message(job))


def test_the_worker_s_progress_is_stored(world: World) -> None:
    job = run_to_container(world)
    world.host_says(world.state(Ready(), Progress(17)))
    world.turn()
    assert world.row(job).documents == 17
    assert world.status(job) == "IN_PROGRESS"


def test_a_denied_read_names_the_statement_that_decided(world: World) -> None:
    job = run_to_container(world)
    world.denial = 'statement "OnlyReports" of endpoint vpce-1 does not allow s3:ListBucket'
    world.host_says(world.state(Failed("NO_READ_ACCESS_TO_INPUT", "s3:ListBucket on s3://papers/in/: Access Denied")))
    world.turn()
    settle(world)
    assert world.message(job) == (
        "NO_READ_ACCESS_TO_INPUT: The provided data access role does not have proper access to the input data. "
        "s3:ListBucket on s3://papers/in/: Access Denied "
        '(statement "OnlyReports" of endpoint vpce-1 does not allow s3:ListBucket)'
    )
    assert world.requested == [f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/Comprehend-{job}"]


def test_a_worker_without_connection_fails_with_the_missing_route(world: World) -> None:
    job = run_to_container(world)
    world.network.reason = "rtb-1 has no route to pl-1"
    world.host_says(world.state(Failed("NO_ROUTE_TO_STORAGE", "no connection to S3")))
    world.turn()
    settle(world)
    assert world.message(job) == "NO_ROUTE_TO_STORAGE: no connection to S3 (rtb-1 has no route to pl-1)"


@pytest.mark.parametrize("code", ["NO_ROUTE_TO_STORAGE", "ROLE_NOT_ASSUMABLE"])
def test_a_worker_that_got_no_answer_is_retried_and_its_last_failure_is_reported(world: World, code: str) -> None:
    job = run_to_container(world)
    for _ in range(3):
        world.host_says(world.state(Failed(code, "nobody answered")))
        world.turn()
        settle(world)
    assert world.story(job).count("its worker lost touch with the service: nobody answered") == 2
    assert world.message(job) == f"{code}: nobody answered"


def test_what_a_worker_writes_is_bounded_and_cannot_steer_a_terminal(world: World) -> None:
    job = run_to_container(world)
    world.host_says(world.state(Failed("COMPLETED", "\x1b[2J" + "x" * 900_000)))
    world.turn()
    settle(world)
    message = str(world.message(job))
    assert message.startswith("INTERNAL_ERROR: COMPLETED: \\x1b[2Jxxx")
    assert len(message) < 2100


def test_a_crash_fails_the_job_with_the_worker_s_last_words(world: World) -> None:
    job = run_to_container(world)
    (spec,) = world.wanted()
    world.host_says(ContainerState(spec.container_id, "exited", 139, (Ready(),), "Segmentation fault\n"))
    world.turn()
    settle(world)
    assert world.message(job) == (
        "INTERNAL_ERROR: The worker crashed with exit code 139. It last wrote: Segmentation fault"
    )


@pytest.mark.parametrize(("phase", "exit_code"), [("lost", None), ("exited", 137), ("exited", 143), ("exited", 0)])
def test_a_lost_container_is_followed_by_another_attempt(world: World, phase: str, exit_code: int | None) -> None:
    job = run_to_container(world)
    (first,) = world.wanted()
    world.host_says(world.state(Ready(), phase=phase, exit_code=exit_code))
    world.turn(2)
    assert world.status(job) == "IN_PROGRESS"
    (second,) = world.wanted()
    assert second.job.attempt == 2
    assert second.container_id != first.container_id
    assert second.interface_id != first.interface_id
    assert second.credentials_path != first.credentials_path
    world.write_output(job)
    world.host_says(world.state(DONE, phase="exited", exit_code=0))
    world.turn()
    settle(world)
    assert world.status(job) == "COMPLETED"


def test_the_third_loss_fails_the_job(world: World) -> None:
    job = run_to_container(world)
    for _ in range(3):
        world.host_says(world.state(Ready(), phase="lost"))
        world.turn(2)
    settle(world)
    assert world.status(job) == "FAILED"
    assert str(world.message(job)).startswith("INTERNAL_ERROR: The container was lost 3 times")
    assert world.network.interfaces == {}


def test_a_container_that_could_not_be_started_is_followed_by_another_one_after_a_rest(world: World) -> None:
    """As while the host lacks memory: without rests, the job would have failed in its first second."""
    job = run_to_container(world)
    for attempt, rest in REST_SECONDS.items():
        world.host_says(world.state(phase="lost"))
        world.turn(2)
        world.pass_seconds(rest - 0.1)
        world.turn(2)
        assert world.row(job).attempt == attempt
        world.pass_seconds(0.1)
        world.turn(2)
        assert world.row(job).attempt == attempt + 1
    assert world.story(job).count("another one will be started in") == 2


def test_a_preparation_that_fails_leaves_nothing_and_says_why(world: World) -> None:
    job = world.submit()
    world.network.refusals[job] = PreparationError("SUBNET_NOT_FOUND", "Subnet subnet-1 does not exist.")
    world.turn(3)
    assert world.status(job) == "FAILED"
    assert world.message(job) == "SUBNET_NOT_FOUND: Subnet subnet-1 does not exist."
    assert world.container_rows() == 0
    assert world.wanted() == ()


def test_a_fault_of_the_service_while_preparing_fails_only_that_job(world: World) -> None:
    bad, good = world.submit(), world.submit()
    world.network.refusals[bad] = RuntimeError("a bug")  # type: ignore[assignment]
    world.turn(3)
    assert world.status(bad) == "FAILED"
    assert "RuntimeError: a bug" in str(world.message(bad))
    assert world.status(good) == "IN_PROGRESS"


def test_jobs_beyond_the_limit_wait_their_turn_oldest_first(tmp_path: Path) -> None:
    world = World(tmp_path, Settings(jobs_at_once=1))
    first = world.submit()
    world.pass_seconds(1)
    second = world.submit()
    world.turn(3)
    assert (world.status(first), world.status(second)) == ("IN_PROGRESS", "SUBMITTED")
    world.write_output(first)
    world.host_says(world.state(DONE, phase="exited", exit_code=0))
    world.turn()
    settle(world)
    assert (world.status(first), world.status(second)) == ("COMPLETED", "IN_PROGRESS")


def test_a_job_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    world = World(tmp_path, Settings(job_seconds=60))
    job = run_to_container(world)
    world.pass_seconds(61)
    world.turn()
    assert world.wanted() == ()
    settle(world)
    assert "not done after 60 seconds" in str(world.message(job))


@pytest.mark.parametrize("jump", [-86_400.0, -3600.0, 3600.0, 86_400.0])
def test_a_clock_that_is_set_neither_ends_a_job_nor_extends_its_time(tmp_path: Path, jump: float) -> None:
    world = World(tmp_path, Settings(job_seconds=600))
    elapsed = [0.0]
    kept = tmp_path / "clock-ahead"
    start = world.now.timestamp()

    def restart() -> None:
        world.clock_steps = ClockSteps(kept, lambda: world.now.timestamp(), lambda: elapsed[0] + start)
        world.restart()

    def pass_seconds(seconds: float) -> None:
        elapsed[0] += seconds
        world.pass_seconds(seconds)

    restart()
    job = run_to_container(world)
    pass_seconds(300)
    world.pass_seconds(jump)
    world.turn()
    pass_seconds(100)
    # The clock is set once more while nothing runs.
    world.pass_seconds(jump)
    restart()
    pass_seconds(199)
    world.turn()
    assert world.status(job) == "IN_PROGRESS"
    pass_seconds(2)
    world.turn()
    assert world.wanted() == ()
    # Nor does the end of the job wait for the old time to come again.
    world.pass_seconds(jump)
    world.turn()
    pass_seconds(CONFIRMATION_SECONDS)
    world.turn(3)
    assert "not done after 600 seconds" in str(world.message(job))


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0])
def test_a_clock_that_is_set_in_the_middle_of_a_turn_ends_no_job(tmp_path: Path, jump: float) -> None:
    world = World(tmp_path, Settings(job_seconds=600))
    start, jumps, elapsed = world.now.timestamp(), [0.0, jump, jump], [0.0]

    def wall() -> float:
        shown = world.now.timestamp()
        world.pass_seconds(jumps.pop(0) if jumps else 0.0)
        return shown

    world.clock_steps = ClockSteps(None, wall, lambda: start + elapsed[0])
    world.restart()
    job = run_to_container(world)
    for _ in range(3):
        world.pass_seconds(1)
        elapsed[0] += 1
        world.turn()
    assert world.status(job) == "IN_PROGRESS"
    world.pass_seconds(600)
    elapsed[0] += 600
    world.turn()
    assert world.wanted() == ()


def test_a_time_between_two_steps_back_is_not_taken_for_one_before_them(world: World) -> None:
    """As when a clock is set back by a day, a job is admitted, and the clock is corrected by a second."""
    job, second = run_to_container(world), dt.timedelta(seconds=1)
    with world.database.transaction() as session:
        row = session.get_one(JobRow, job)
        row.admitted_at, row.running_at = world.now + second, world.now + 86_000 * second
        move_times(session, -86_401 * second, world.now)
        assert (row.admitted_at, row.running_at) == (world.now, world.now - 401 * second)


def test_a_repeated_token_returns_the_same_job(world: World) -> None:
    assert world.submit("token-1") == world.submit("token-1")
    with pytest.raises(TokenReused):
        world.submit("token-1", name="another")


def test_a_job_of_another_account_or_kind_is_unknown(world: World) -> None:
    job = world.submit()
    with world.database.reading() as session:
        assert find(session, ACCOUNT, KIND, job).job_id == job
        for account, kind in (("444455556666", KIND), (ACCOUNT, "topics-detection-job")):
            with pytest.raises(UnknownJob):
                find(session, account, kind, job)


def test_unfinished_uploads_of_the_output_are_aborted(world: World) -> None:
    job = run_to_container(world)
    output = world.wanted()[0].job.output
    world.store.uploads.add((output.bucket, output.key))
    world.host_says(world.state(Failed("INTERNAL_ERROR", "broken")))
    world.turn()
    settle(world)
    assert world.status(job) == "FAILED"
    assert world.store.uploads == set()


def test_a_host_s_problem_is_noted_once(world: World) -> None:
    job = run_to_container(world)
    problem = Problem("enforcement", "the kernel has no nftables: install them")
    for _ in range(3):
        world.host_says(problems=(problem,))
        world.turn()
    assert world.story(job).count("the kernel has no nftables") == 1
    assert world.status(job) == "IN_PROGRESS"


def test_the_story_reaches_the_log_in_order_and_once(world: World) -> None:
    job = run_to_container(world)
    world.controller._stories.turn()
    world.write_output(job)
    world.host_says(world.state(DONE, phase="exited", exit_code=0))
    world.turn()
    settle(world)
    world.controller._stories.turn()
    world.controller._stories.turn()
    names = [text.split(":")[0] for _, text in world.stories.written[job]]
    assert names == ["Submitted", "Admitted", "Prepared", "OutputSeen", "Released"]


def test_reports_and_submissions_wake_the_loop(world: World) -> None:
    world.controller.start()
    try:
        job = world.submit()
        eventually(lambda: len(world.wanted()) == 1)
        world.write_output(job)
        world.host_says(world.state(DONE, phase="exited", exit_code=0))
        eventually(lambda: world.wanted() == ())
        world.host_says()
        eventually(lambda: world.status(job) == "COMPLETED")
        eventually(lambda: len(world.stories.written.get(job, ())) == 5)
    finally:
        assert world.controller.stop()


STEPS = st.lists(
    st.sampled_from(["turn", "restart", "stop", "lost", "done", "failed", "crash", "wait", "clean"]), max_size=25
)


@pytest.mark.costs(4.5, reason="each of forty examples is a job's whole story in a database of its own")
@given(STEPS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_order_of_accidents_loses_a_job_or_leaks_an_interface(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    world = World(tmp_path_factory.mktemp("story"))
    job = world.submit()
    terminal: str | None = None
    for step in [*steps, "turn", "done", "clean"]:
        wanted = world.wanted()
        match step:
            case "turn":
                world.turn()
            case "restart":
                world.restart()
            case "wait":
                world.pass_seconds(10)
                world.turn()
            case "clean":
                world.host_says()
                world.turn(3)
            case "stop":
                if world.status(job) in ("SUBMITTED", "IN_PROGRESS"):
                    world.ask_to_stop(job)
            case "done" if wanted:
                world.write_output(job)
                world.host_says(world.state(DONE, phase="exited", exit_code=0))
                world.turn()
            case "failed" if wanted:
                world.host_says(world.state(Failed("INPUT_NOT_FOUND", "nothing there")))
                world.turn()
            case "lost" if wanted:
                world.host_says(world.state(phase="lost"))
                world.turn()
            case "crash" if wanted:
                world.host_says(world.state(phase="exited", exit_code=3))
                world.turn()
        if terminal is not None:
            assert world.status(job) == terminal
        if world.status(job) in ("COMPLETED", "FAILED", "STOPPED"):
            terminal = world.status(job)
            assert world.container_rows() == 0
            assert world.network.interfaces == {}
    for _ in range(4):
        if world.wanted():
            world.write_output(job)
            world.host_says(world.state(DONE, phase="exited", exit_code=0))
        world.pass_seconds(10)
        world.turn(3)
    assert world.status(job) in ("COMPLETED", "FAILED", "STOPPED")
    assert world.network.interfaces == {}
    assert world.network.attached_ids == set()
    world.database.close()
