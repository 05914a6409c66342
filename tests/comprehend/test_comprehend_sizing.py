"""The number of containers of a job, and its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.agent.spec import Capacity
from reading_room.analysis.kind import Kind
from reading_room.analysis.kinds import CONTAINER_BYTES
from reading_room.comprehend.sizing import MOST_PARTS, JobSizing, SizeLimits, size_of
from reading_room.jobs.parts import PARTS_LIMIT
from reading_room.jobs.ports import JobSize
from reading_room.jobs.tables import JobRow, JobTagRow
from reading_room.s3 import buckets
from reading_room.s3.backends.memory import memory_backend
from reading_room.setting_values import kind_variable
from reading_room.settings import Settings
from tests.worlds.preparation import ACCOUNT, REGION, PreparationWorld

GIGABYTE = 1_000_000_000
HOST = Capacity(cores=8, memory_bytes=64 * GIGABYTE, memory_free=64 * GIGABYTE)
LIMITS = SizeLimits(2_000_000)


def test_one_container_for_each_two_megabytes_of_entities() -> None:
    size = size_of(12_000_000, None, HOST, LIMITS)
    assert size == JobSize(6, 1_000_000, "6 containers: 12,000,000 bytes of input, 2,000,000 per container")
    assert size_of(12_000_001, None, HOST, LIMITS).containers == 7
    assert size_of(2_000_000, None, HOST, LIMITS) == JobSize(1, 1_000_000)
    assert size_of(0, None, HOST, LIMITS) == JobSize(1, 1_000_000)


@pytest.mark.parametrize(
    ("capacity", "limits", "containers", "said"),
    [
        (replace(HOST, cores=2), LIMITS, 2, "its host has 2 free cores"),
        (replace(HOST, cores=1), LIMITS, 1, "its host has 1 free core"),
        (replace(HOST, memory_free=7 * GIGABYTE), LIMITS, 3, "7,000,000,000 free bytes of memory, 2,000,000,000 each"),
        (replace(HOST, memory_free=0), LIMITS, 1, "its host has 0 free bytes of memory, 2,000,000,000 each"),
        (HOST, replace(LIMITS, most=1), 1, "READING_ROOM_CONTAINERS_PER_JOB=1"),
        (HOST, replace(LIMITS, most=5), 5, "READING_ROOM_CONTAINERS_PER_JOB=5"),
        (replace(HOST, cores=64), LIMITS, 16, "the maximum is 16"),
        (None, LIMITS, 1, "its host has not reported its capacity yet"),
    ],
)
def test_the_reason_names_what_limits_the_number(
    capacity: Capacity | None, limits: SizeLimits, containers: int, said: str
) -> None:
    size = size_of(100_000_000, None, capacity, limits)
    assert size.containers == containers
    assert size.reason.startswith("1 container:" if containers == 1 else f"{containers} containers:")
    assert size.reason.endswith(said)


@pytest.mark.parametrize("capacity", [HOST, replace(HOST, cores=1, memory_free=0), None])
@pytest.mark.parametrize("requested", [1, 2, 16])
def test_the_tag_decides_whatever_the_size_and_the_cores(capacity: Capacity | None, requested: int) -> None:
    size = size_of(100, requested, capacity, LIMITS)
    assert size.containers == requested
    assert "reading-room:containers" in size.reason


def test_an_input_whose_size_is_not_read_gets_one_container_unless_the_tag_sets_more() -> None:
    alone = size_of(None, None, HOST, LIMITS)
    assert alone.containers == 1
    assert "another account" in alone.reason
    assert size_of(None, 3, HOST, LIMITS).containers == 3


def test_work_that_cannot_be_divided_has_one_container() -> None:
    assert size_of(10 * GIGABYTE, 4, HOST, SizeLimits(0)) == JobSize()


totals = st.one_of(st.none(), st.integers(0, 5 * GIGABYTE))
capacities = st.one_of(
    st.none(), st.builds(Capacity, st.integers(0, 256), st.integers(1, 1 << 42), st.integers(0, 1 << 42))
)
limits = st.builds(SizeLimits, st.integers(1, 50_000_000), st.integers(0, 16), st.integers(64 << 20, 1 << 40))


@given(totals, st.one_of(st.none(), st.integers(1, 16)), capacities, limits)
def test_a_job_has_one_to_sixteen_containers_and_not_too_many_parts(
    total: int | None, requested: int | None, capacity: Capacity | None, given_limits: SizeLimits
) -> None:
    size = size_of(total, requested, capacity, given_limits)
    assert 1 <= size.containers <= 16
    assert (5 * GIGABYTE if total is None else total) / size.part_bytes <= MOST_PARTS
    assert MOST_PARTS * 2 == PARTS_LIMIT


@given(totals, limits, st.lists(st.tuples(st.one_of(st.none(), st.integers(1, 16)), capacities), min_size=2))
def test_the_parts_are_the_same_however_many_containers_there_are(
    total: int | None, given_limits: SizeLimits, requested: list[tuple[int | None, Capacity | None]]
) -> None:
    assert len({size_of(total, each, capacity, given_limits).part_bytes for each, capacity in requested}) == 1


def test_every_kind_of_work_has_a_default_and_a_setting_or_runs_in_one_container() -> None:
    alone = {"recognizer-training", "classifier-evaluation", "recognizer-evaluation"}
    assert set(get_args(Kind)) - set(CONTAINER_BYTES) == alone | {"flywheel-lake", "flywheel-dataset"}
    for kind, usual in CONTAINER_BYTES.items():
        assert SizeLimits.of(Settings(), kind).container_bytes == usual
        chosen = Settings.from_environment({kind_variable("container_input", kind): "5"})
        assert SizeLimits.of(chosen, kind).container_bytes == 5
    assert SizeLimits.of(Settings(), "recognizer-training").container_bytes == 0


# With jobs and objects


@dataclass
class Sizes:
    """A world with buckets, and the sizes of its jobs."""

    world: PreparationWorld
    sizing: JobSizing
    backend: Any

    def put(self, bucket: str, key: str, size: int) -> None:
        """Store an object."""
        self.backend.put(bucket, key, b"x" * size, "text/plain")

    def of(self, job: str, tag: str | None = None, **changed: Any) -> JobSize:
        """Return a job's size after some changes to its row."""
        with self.world.database.transaction() as session:
            row = session.get_one(JobRow, job)
            for name, value in changed.items():
                setattr(row, name, value)
            if tag is not None:
                session.add(JobTagRow(arn=row.arn, key="reading-room:containers", value=tag))
        with self.world.database.reading() as session:
            return self.sizing(session, session.get_one(JobRow, job), HOST)


@pytest.fixture
def sizes(tmp_path: Path) -> Iterator[Sizes]:
    """The bucket papers of the account, and a bucket of another account."""
    world = PreparationWorld(tmp_path)
    backend = memory_backend(world.database, REGION, world.clock)
    with world.database.transaction() as session:
        buckets.create(session, "papers", ACCOUNT, REGION, world.now)
        buckets.create(session, "theirs", "444455556666", REGION, world.now)
    settings = Settings(container_input={"entities": 1_000, "classifier-training": 500})
    yield Sizes(world, JobSizing(backend, settings), backend)
    backend.close()
    world.database.close()


def test_a_job_s_size_is_that_of_all_objects_below_its_prefix(sizes: Sizes) -> None:
    for key, size in (("in/a", 900), ("in/b", 1_000), ("in/c/d", 600), ("inner", 50_000), ("i", 50_000)):
        sizes.put("papers", key, size)
    job = sizes.world.submit()
    assert sizes.of(job).containers == 3
    assert "2,500 bytes of input, 1,000 per container" in sizes.of(job).reason
    assert sizes.of(job, input_uri="s3://papers/in/b").containers == 1


def test_a_job_without_input_is_left_to_its_worker(sizes: Sizes) -> None:
    job = sizes.world.submit()
    assert sizes.of(job).containers == 1
    assert sizes.of(job, input_uri="s3://no-such-bucket/in/").containers == 1


def test_the_size_of_another_account_s_bucket_is_not_disclosed(sizes: Sizes) -> None:
    sizes.put("theirs", "in/a", 9_000)
    job = sizes.world.submit()
    size = sizes.of(job, input_uri="s3://theirs/in/")
    assert size.containers == 1
    assert "9,000" not in size.reason


def test_the_tag_of_a_job_is_read(sizes: Sizes) -> None:
    assert sizes.of(sizes.world.submit(), tag="4").containers == 4
    assert sizes.of(sizes.world.submit(), tag="many").containers == 1


def test_a_training_s_size_is_that_of_all_its_data(sizes: Sizes) -> None:
    sizes.put("papers", "rows.csv", 1_200)
    sizes.put("papers", "test.csv", 200)
    job = sizes.world.submit()
    with sizes.world.database.reading() as session:
        arn = session.get_one(JobRow, job).arn
    data = {"InputDataConfig": {"S3Uri": "s3://papers/rows.csv", "TestS3Uri": "s3://papers/test.csv"}}
    assert sizes.of(job, model_arn=arn, analysis="classifier-training", request=data).containers == 3
    assert sizes.of(job, analysis="recognizer-training") == JobSize()
