"""Jobs of several containers: real processes, real Dask with TLS, and the same bytes as from one container."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.analysis.job import DocumentProgram
from reading_room.analysis.job_file import Done, Failed, Progress
from reading_room.analysis.memory import CapitalWords
from tests.worlds.analysis_cluster import World
from tests.worlds.analysis_cluster_service import Service
from tests.worlds.waiting import eventually

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.costs(2.5, reason="two or three containers are processes that form a cluster"),
]

FILES = ("doc-a.txt", "doc-b.txt")


@pytest.fixture
def service() -> Iterator[Service]:
    """A service that does not know of a job yet."""
    with Service() as service:
        yield service


@pytest.fixture
def world(tmp_path: Path, service: Service) -> Iterator[World]:
    """Two files of 120 documents, which make 13 parts."""
    with World(tmp_path, service) as world:
        for name in FILES:
            world.user["in", name] = documents("met")
        yield world


def documents(word: str) -> bytes:
    """Return 120 documents with a word that controls when they are finished."""
    return "".join(f"{number} Anna {word} Bo in Rome\n" for number in range(120)).encode()


def lines_of(archive: bytes) -> list[str]:
    """Return the lines of an archive's only member."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        member = opened.extractfile("output")
        assert member is not None
        return member.read().decode().splitlines()


@pytest.mark.parametrize("containers", [2, 3])
def test_the_archive_is_the_same_to_the_byte_as_that_of_one_container(world: World, containers: int) -> None:
    for name in FILES:
        world.user["in", name] = documents("hold")
    job = world.job()
    started = world.start_all(job, containers)
    eventually(lambda: all(world.works(member) for member in range(containers)))
    world.let_go()
    done = started[0].end()
    assert isinstance(done, Done)
    assert (done.documents, done.errors, done.stopped) == (240, 0, False)
    assert done.units == 240 * 3
    assert world.archive() == world.alone(job, DocumentProgram(CapitalWords()))
    assert len(world.archive()) == done.size
    # Each container named the objects of its parts; now they are deleted.
    authors = {part.done["Key"].split("-")[1] for part in world.service.parts if part.done}
    assert authors == {str(member) for member in range(containers)}
    assert world.objects_left() == []
    assert [member.end() for member in started[1:]] == [Done(0, 0, 0, "")] * (containers - 1)


def test_the_first_container_does_everything_if_no_other_joins(world: World) -> None:
    job = world.job()
    done = world.start(job, 0, 2).end()
    assert isinstance(done, Done)
    assert world.archive() == world.alone(job, DocumentProgram(CapitalWords()))


def test_files_that_are_documents_need_no_counting_of_lines(world: World) -> None:
    for number in range(30):
        world.user["in", f"docs/{number:02}"] = f"Document Number {number}".encode()
    job = world.job(input_format="ONE_DOC_PER_FILE", part_bytes=100)
    started = world.start_all(job, 2)
    assert isinstance(started[0].end(), Done)
    assert world.archive() == world.alone(job, DocumentProgram(CapitalWords()))


def test_progress_counts_the_documents_of_unfinished_parts(world: World) -> None:
    world.seconds = 0.05
    first, _ = world.start_all(world.job(part_bytes=3_000), 2)
    eventually(lambda: any(isinstance(each, Progress) and 0 < each.documents < 240 for each in first.said))
    world.let_go()
    reported = [message for message in first.messages() if isinstance(message, Progress)]
    assert reported
    assert {progress.of for progress in reported} == {240}
    # All of it is two parts, one in each container.
    counts = [progress.documents for progress in reported]
    assert counts == sorted(counts)


def test_a_stop_keeps_every_finished_document_in_order(world: World) -> None:
    world.user["in", FILES[1]] = documents("last")
    job = world.job()
    first, member = world.start_all(job, 2)
    # Each of these documents is the last of its part, so what is unfinished now stays unfinished.
    eventually(lambda: world.works(1) and len(world.service.done()) >= 2)
    first.stop()
    done = first.end()
    assert isinstance(done, Done)
    assert done.stopped
    assert member.end() == Done(0, 0, 0, "")
    kept = lines_of(world.archive())
    assert len(kept) == done.documents
    assert 0 < len(kept) < 240
    every = lines_of(world.alone(job, DocumentProgram(CapitalWords())))
    assert kept == [line for line in every if line in set(kept)]
    # Parts that were cut short do not count as finished, but their objects are deleted too.
    assert world.objects_left() == []


def test_a_job_fails_with_the_failure_of_its_documents(world: World) -> None:
    first, _ = world.start_all(world.job(documents_limit=100), 2)
    failed = first.end()
    assert isinstance(failed, Failed)
    assert failed.code == "TOO_MANY_DOCUMENTS"


def test_an_object_that_changes_during_the_job_fails_the_job_and_not_the_cluster(world: World) -> None:
    world.user["in", FILES[0]] = documents("met")[:1_000] + documents("hold")[1_000:]
    first, _ = world.start_all(world.job(), 2)
    eventually(lambda: len(world.service.done()) >= 1)
    world.user["in", FILES[1]] = b"Something Else\n" * 400
    world.let_go()
    failed = first.end()
    assert isinstance(failed, Failed)
    assert failed.code == "INPUT_NOT_FOUND"
    assert "was changed while the job read it" in failed.message


def test_results_have_the_lines_of_their_files(world: World) -> None:
    first, _ = world.start_all(world.job(), 2)
    assert isinstance(first.end(), Done)
    lines = [json.loads(line) for line in lines_of(world.archive())]
    expected = [(name, line) for name in FILES for line in range(120)]
    assert [(line["File"], line["Line"]) for line in lines] == expected
