"""The first start after a restore: jobs that were running get their whole time again."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from pathlib import Path

import pytest

from reading_room.jobs.restored import MARK, begin_again
from tests.worlds import postgresql
from tests.worlds.jobs import World


def test_jobs_that_were_running_begin_again_once(world: World, tmp_path: Path) -> None:
    running = world.submit()
    world.turn()
    waiting = world.submit()
    later = world.now + dt.timedelta(days=30)
    assert begin_again(world.database, tmp_path, later) == 0
    (tmp_path / MARK).touch()
    assert begin_again(world.database, tmp_path, later) == 1
    assert begin_again(world.database, tmp_path, later) == 0
    assert world.row(running).admitted_at == later
    assert world.row(waiting).admitted_at is None
    world.now = later
    world.turn()
    # Its container is still wanted: the host, which has none, starts it.
    assert {spec.job.job_id for spec in world.wanted()} >= {running}
    assert world.status(running) == "IN_PROGRESS"
    assert "restored from a backup" in world.story(running)


@pytest.mark.costs(1, reason="PostgreSQL's server copies a database twice")
def test_jobs_in_a_database_that_was_restored_from_a_dump_begin_again_once(tmp_path: Path) -> None:
    """A dump has the comment on a table, as a copy of the database has, and nothing else of where it was made."""
    with postgresql.filled() as name:
        with closing(postgresql.connected(name)) as database:
            world = World(None, database=database)
            running = world.submit()
            world.turn()
            later = world.now + dt.timedelta(days=30)
            assert [begin_again(database, tmp_path, later) for _ in range(2)] == [0, 0]
        copied = postgresql.server().new(name)
        with closing(postgresql.connected(copied)) as database:
            assert [begin_again(database, tmp_path, later) for _ in range(2)] == [1, 0]
            assert World(None, database=database).row(running).admitted_at == later
        postgresql.server().drop(copied)
