"""A job that is asked to stop, in every phase, with in-memory ports."""

from __future__ import annotations

import pytest

from reading_room.analysis.job_file import Done
from reading_room.jobs.controller import STOP_SECONDS
from reading_room.jobs.errors import JobEnded, PreparationError
from tests.jobs.test_jobs_controller import run_to_container, settle
from tests.worlds.jobs import DONE, World


def test_stopping_a_running_job_asks_its_worker_and_keeps_what_it_wrote(world: World) -> None:
    job = run_to_container(world)
    assert world.ask_to_stop(job) == "STOP_REQUESTED"
    (spec,) = world.wanted()
    assert spec.stop
    world.write_output(job)
    early = Done(DONE.documents, DONE.errors, DONE.size, DONE.sha256, stopped=True)
    world.host_says(world.state(early, phase="exited", exit_code=0))
    world.turn()
    assert world.status(job) == "STOP_REQUESTED"
    settle(world)
    assert world.status(job) == "STOPPED"
    assert world.message(job) is None
    assert world.ask_to_stop(job) == "STOPPED"


def test_a_job_that_beats_its_stop_is_completed(world: World) -> None:
    job = run_to_container(world)
    world.ask_to_stop(job)
    world.write_output(job)
    world.host_says(world.state(DONE, phase="exited", exit_code=0))
    world.turn()
    settle(world)
    assert world.status(job) == "COMPLETED"


def test_a_worker_that_ignores_the_stop_is_ended(world: World) -> None:
    job = run_to_container(world)
    world.ask_to_stop(job)
    world.pass_seconds(STOP_SECONDS + 1)
    world.turn()
    settle(world)
    assert world.status(job) == "STOPPED"


def test_stopping_a_job_whose_container_has_not_started_does_not_wait(world: World) -> None:
    job = run_to_container(world)
    world.host_says()
    world.turn()
    assert world.ask_to_stop(job) == "STOP_REQUESTED"
    world.turn()
    settle(world)
    assert world.status(job) == "STOPPED"


def test_stopping_a_waiting_job_ends_it_at_once(world: World) -> None:
    job = world.submit()
    assert world.ask_to_stop(job) == "STOPPED"
    world.turn(2)
    assert world.wanted() == ()


def test_a_finished_job_cannot_be_stopped(world: World) -> None:
    job = world.submit()
    world.network.refusals[job] = PreparationError("SUBNET_NOT_FOUND", "gone")
    world.turn(3)
    with pytest.raises(JobEnded):
        world.ask_to_stop(job)
