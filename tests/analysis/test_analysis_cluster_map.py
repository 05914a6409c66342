"""Topics and trainings with vectors from several containers: byte for byte as from one container."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from reading_room.analysis.cluster.functions import here
from reading_room.analysis.job_file import Done, JobFile, Location, ModelPlace
from reading_room.analysis.training.classifier import ClassifierTraining
from tests.worlds.analysis_cluster import World
from tests.worlds.analysis_cluster_container import BATCH
from tests.worlds.analysis_cluster_service import Service

pytestmark = pytest.mark.timeout(300)

_SUBJECTS = (
    "bread oven flour dough yeast loaf crust bakery rye wheat",
    "engine brake wheel gearbox clutch diesel garage tyre exhaust piston",
    "violin orchestra concert sonata cello symphony conductor melody opera piano",
)
MODEL = ModelPlace(Location("models", "1/model"), "/x")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A job without content."""
    with Service() as service, World(tmp_path, service) as world:
        yield world


def texts(number: int) -> list[str]:
    """Return texts of different lengths on three subjects in turn."""
    found = []
    for one in range(number):
        words = _SUBJECTS[one % 3].split()
        chosen = [words[(one // 3 + step * 3) % 10] for step in range(3 + one % 7)]
        found.append(f"Text {one} is about {', '.join(chosen)} and no more.")
    return found


def by_one_container(world: World, job: JobFile) -> bytes:
    """Return the archive that one container makes, in a process of its own with one thread, as in every container.

    Sums computed by two threads have other last digits.
    """
    assert isinstance(world.start(job, 0, 1).end(), Done)
    return world.archive()


@pytest.mark.costs(16, reason="topics are found twice, once by three processes that load an engine each")
def test_topics_are_the_same_to_the_byte(world: World) -> None:
    # A batch for each container, and one more.
    world.user["in", "doc"] = "\n".join(texts(3 * BATCH + 20)).encode()
    job = world.job(kind="topics", request=json.dumps({"NumberOfTopics": 3}))
    started = world.start_all(job, 3)
    done = started[0].end()
    assert isinstance(done, Done)
    assert done.documents == 3 * BATCH + 20
    assert [member.end() for member in started[1:]] == [Done(0, 0, 0, "")] * 2
    together = world.archive()
    assert by_one_container(world, job) == together


@pytest.mark.costs(10, reason="topics are found twice, once by two processes that load an engine each")
def test_topics_without_vectors_release_the_other_containers(world: World) -> None:
    world.user["in", "doc"] = "\n".join(texts(60)).encode()
    job = world.job(kind="topics", request=json.dumps({"NumberOfTopics": 3, "Engine": "nmf"}))
    first, member = world.start_all(job, 2)
    assert isinstance(first.end(), Done)
    member.end()
    together = world.archive()
    assert by_one_container(world, job) == together


@pytest.mark.costs(11, reason="a model is trained twice, once by two processes that load an engine each")
def test_a_trained_classifier_is_the_same_to_the_byte(world: World) -> None:
    rows = "\n".join(f'subject{one % 3},"{text}"' for one, text in enumerate(texts(1100)))
    world.user["in", "doc"] = rows.encode()
    request = {"InputDataConfig": {"S3Uri": "s3://in/doc"}, "Mode": "MULTI_CLASS", "LanguageCode": "en"}
    job = world.job(
        kind="classifier-training", request=json.dumps(request | {"OutputDataConfig": {"x": 1}}), model=MODEL
    )
    first, member = world.start_all(job, 2)
    assert isinstance(first.end(), Done)
    together = world.artifacts["models", "1/model"]
    assert member.end() == Done(0, 0, 0, "")
    by_one_container(world, job)
    assert world.artifacts["models", "1/model"] == together


@pytest.mark.costs(0.15, reason="a training is loaded, and vectors are made")
def test_a_map_in_one_process_is_a_loop() -> None:
    program = ClassifierTraining()
    batches = [[(f"text {number}", text) for number, text in enumerate(texts(count))] for count in (3, 2)]
    rows = list(here(program)("vectors", batches))
    for mine, batch in zip(rows, batches, strict=True):
        np.testing.assert_array_equal(mine, program.vectors(batch))
