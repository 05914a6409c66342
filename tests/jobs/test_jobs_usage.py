"""What jobs use is counted once, when their result is accepted, in the units that are billed."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from reading_room.analysis.billing import Meter, units
from reading_room.analysis.documents import Document, DocumentError
from reading_room.analysis.job_file import Failed
from reading_room.jobs.usage import Calls, Usage, add_calls, by_job, by_kind, of_jobs
from tests.worlds.jobs import ACCOUNT, DONE, World


@pytest.mark.parametrize(("characters", "billed"), [(0, 3), (1, 3), (300, 3), (301, 4), (400, 4), (100_000, 1000)])
def test_a_document_has_a_unit_for_every_hundred_characters_and_at_least_three(characters: int, billed: int) -> None:
    assert units(characters) == billed


def test_a_meter_counts_code_points_and_leaves_out_documents_with_errors() -> None:
    meter = Meter()
    meter.count(Document("a", 0, "é" * 301))
    meter.count(Document("a", 1, "short"))
    meter.count(Document("a", 2, error=DocumentError("UNSUPPORTED_ENCODING", "")))
    assert (meter.characters, meter.units) == (306, 7)


def test_a_job_is_counted_once_in_the_month_in_which_its_result_is_accepted() -> None:
    world = World(None)
    job = world.submit()
    world.now = dt.datetime(2026, 1, 31, 23, 59, 50, tzinfo=dt.UTC)
    world.turn(3)
    world.now = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
    world.write_output(job)
    said = replace(DONE, characters=350, units=10)
    says = world.state(said)
    world.host_says(says)
    world.turn()
    world.restart()
    world.host_says(says, interfaces=())
    world.turn()
    world.host_says(interfaces=())
    world.turn(2)
    assert world.status(job) == "COMPLETED"
    with world.database.reading() as session:
        assert by_kind(session, "2026-01") == []
        assert by_kind(session, "2026-02") == [Usage("2026-02", ACCOUNT, "entities", 1, 3, 350, 10)]
        assert by_job(session, "2026-02", ACCOUNT) == list(of_jobs(session, [job]).values())


def test_a_worker_cannot_make_more_of_its_job_than_the_limits_of_the_job_allow() -> None:
    world = World(None)
    job = world.submit()
    world.turn(3)
    world.write_output(job)
    much = (1 << 53) - 1
    world.host_says(world.state(replace(DONE, documents=much, characters=much, units=much, input_bytes=much)))
    world.turn()
    with world.database.reading() as session:
        (used,) = by_job(session, "2026-01")
    assert (used.documents, used.characters, used.input_bytes) == (1_000_000, 5_000_000_000, 5_000_000_000)
    assert used.units == 3 * 1_000_000 + 50_000_000


def test_a_job_that_fails_uses_nothing() -> None:
    world = World(None)
    job = world.submit()
    world.turn(3)
    world.host_says(world.state(Failed("INPUT_NOT_FOUND", "nothing")))
    world.turn(2)
    assert world.row(job).outcome == "failed"
    with world.database.reading() as session:
        assert by_kind(session, "2026-01") == []


def test_calls_are_added_to_those_of_the_month() -> None:
    world = World(None)
    for times in (1, 2):
        with world.database.transaction() as session:
            add_calls(
                session,
                {
                    (ACCOUNT, "2026-01", "DetectEntities"): Calls(times, times, 100 * times, 3 * times),
                    ("444455556666", "2026-01", "DetectEntities"): Calls(1, 1, 1, 3),
                },
            )
    with world.database.reading() as session:
        assert by_kind(session, "2026-01", ACCOUNT) == [Usage("2026-01", ACCOUNT, "DetectEntities", 3, 3, 300, 9)]
        assert len(by_kind(session, "2026-01")) == 2
