"""The first start after a restore: jobs that were running get their whole time again."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from reading_room.jobs.restored import MARK, begin_again
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
