"""A job whose output is a folder: it is COMPLETED only with every object that the worker reported, and no other."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from reading_room.analysis.folder_digest import FolderDigest
from reading_room.analysis.job_file import Done, Failed
from reading_room.jobs.memory import MemoryObject
from reading_room.jobs.places import location_of, parts_of
from tests.worlds.jobs import World

OBJECTS = {"a.txt.out": MemoryObject(3, "a" * 64), "b/c.txt.out": MemoryObject(0, "b" * 64)}


@pytest.fixture
def world() -> World:
    """Jobs in memory."""
    return World(None)


def begun(world: World) -> str:
    """Return a job with a folder whose container runs."""
    job = world.submit(folder=True)
    world.turn(2)
    world.host_says()
    world.turn()
    return job


def wrote(world: World, job: str, objects: Mapping[str, MemoryObject]) -> None:
    """Put objects into the job's folder."""
    place = location_of(world.row(job).output_uri)
    for name, facts in objects.items():
        world.store.objects[place.bucket, f"{place.key}{name}"] = facts


def done(objects: Mapping[str, MemoryObject], stopped: bool = False) -> Done:
    """Return what a worker says that wrote these."""
    digest = FolderDigest()
    for name, facts in objects.items():
        digest.add(name, facts.size, str(facts.sha256))
    return Done(2, 0, digest.size, digest.hexdigest(), stopped)


def end(world: World, *messages: Done | Failed) -> None:
    """Let the container end with these messages."""
    world.host_says(world.state(*messages, phase="exited", exit_code=0))
    world.turn()
    world.host_says(interfaces=())
    world.turn(2)


def test_a_folder_with_exactly_the_reported_objects_completes_the_job(world: World) -> None:
    job = begun(world)
    wrote(world, job, OBJECTS)
    end(world, done(dict(reversed(OBJECTS.items()))))
    assert (world.status(job), world.message(job)) == ("COMPLETED", None)
    assert len(world.store.objects) == 2


@pytest.mark.parametrize(
    "found",
    [
        {"a.txt.out": OBJECTS["a.txt.out"]},
        {**OBJECTS, "c.out": MemoryObject(0, "c" * 64)},
        {**OBJECTS, "a.txt.out": MemoryObject(3, "c" * 64)},
        {**OBJECTS, "a.txt.out": MemoryObject(3, None)},
        {"A.txt.out": OBJECTS["a.txt.out"], "b/c.txt.out": OBJECTS["b/c.txt.out"]},
        {},
    ],
    ids=["missing", "more", "other content", "unknown content", "other name", "nothing"],
)
def test_any_other_folder_fails_the_job_and_is_emptied(world: World, found: dict[str, MemoryObject]) -> None:
    job = begun(world)
    wrote(world, job, found)
    world.store.objects["papers", "out/of/somebody"] = OBJECTS["a.txt.out"]
    end(world, done(OBJECTS))
    assert world.status(job) == "FAILED"
    assert str(world.message(job)).startswith("INTERNAL_ERROR: ")
    assert list(world.store.objects) == [("papers", "out/of/somebody")]


def test_a_failed_job_leaves_no_object_and_no_upload(world: World) -> None:
    job = begun(world)
    wrote(world, job, OBJECTS)
    place = location_of(world.row(job).output_uri)
    world.store.uploads.add((place.bucket, f"{place.key}c.out"))
    end(world, Failed("INPUT_NOT_FOUND", "gone"))
    assert world.status(job) == "FAILED"
    assert (world.store.objects, world.store.uploads) == ({}, set())


def test_a_stopped_job_keeps_its_finished_objects_and_no_upload(world: World) -> None:
    job = begun(world)
    world.ask_to_stop(job)
    wrote(world, job, OBJECTS)
    place = location_of(world.row(job).output_uri)
    world.store.uploads.add((place.bucket, f"{place.key}c.out"))
    end(world, done(OBJECTS, stopped=True))
    assert world.status(job) == "STOPPED"
    assert (len(world.store.objects), world.store.uploads) == (2, set())


def test_another_attempt_begins_with_an_empty_folder(world: World) -> None:
    job = begun(world)
    wrote(world, job, {"old.out": OBJECTS["a.txt.out"]})
    world.host_says(world.state(phase="lost"))
    world.turn(4)
    world.pass_seconds(5)
    world.turn(4)
    assert world.row(job).attempt == 2
    assert world.store.objects == {}
    wrote(world, job, OBJECTS)
    world.host_says()
    world.turn()
    end(world, done(OBJECTS))
    assert world.status(job) == "COMPLETED"


def test_parts_are_beside_the_folder_because_an_input_may_have_any_name(world: World) -> None:
    folder = location_of(world.row(world.submit(folder=True)).output_uri)
    parts = parts_of(folder)
    assert parts.key.endswith("/parts/")
    assert not parts.key.startswith(folder.key)
