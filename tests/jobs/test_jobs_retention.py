"""Records of jobs are deleted some time after the job has ended, a limited number in each turn."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select

from reading_room.jobs.job import Phase
from reading_room.jobs.retention import JobRetention
from reading_room.jobs.tables import JobEventRow, JobRow
from tests.worlds.jobs import World


def ended(world: World, days_ago: float, **changes: object) -> str:
    """Return the id of a job that ended some days ago."""
    job = world.submit()
    with world.database.transaction() as session:
        row = session.get_one(JobRow, job)
        row.phase, row.ended_at = Phase.COMPLETED.value, world.now - dt.timedelta(days=days_ago)
        for name, value in changes.items():
            setattr(row, name, value)
    return job


def jobs(world: World) -> set[str]:
    """Return the ids of the jobs that have a record."""
    with world.database.reading() as session:
        return set(session.scalars(select(JobRow.job_id)))


def test_only_jobs_that_ended_long_ago_are_deleted_and_with_their_stories() -> None:
    world = World(None)
    running, new, _ = world.submit(), ended(world, 29.9), ended(world, 30.1)
    training = ended(world, 99)
    with world.database.transaction() as session:
        row = session.get_one(JobRow, training)
        row.model_arn = row.arn
    user = ended(world, 99, model_arn="arn:aws:comprehend:us-east-1:111122223333:document-classifier/a")
    assert JobRetention(world.database, lambda: world.now, days=0).turn() is False
    assert user in jobs(world)
    assert JobRetention(world.database, lambda: world.now, days=30).turn() is False
    assert jobs(world) == {running, new, training}
    with world.database.reading() as session:
        assert set(session.scalars(select(JobEventRow.job_id))) == {running, new, training}
    world.turn(2)
    assert world.status(running) == "IN_PROGRESS"


def test_a_turn_deletes_a_limited_number() -> None:
    world = World(None)
    oldest, *_ = [ended(world, 40 - number) for number in range(5)]
    retention = JobRetention(world.database, lambda: world.now, days=30, at_once=1, most=2)
    assert (retention.turn(), len(jobs(world)), oldest in jobs(world)) == (True, 3, False)
    assert [(retention.turn(), len(jobs(world))) for _ in range(2)] == [(True, 1), (False, 0)]
