"""Commands that follow a training find its story by the model's ARN."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.cli.reading import Account, NoTrainingError
from reading_room.cli.running import Endpoint
from reading_room.cli.training_story import STORY_SECONDS, find_training
from reading_room.jobs.job_log import JobLog
from reading_room.jobs.stories import Stories
from tests.worlds.models import REGION, ModelWorld, classifier_request

pytestmark = pytest.mark.costs(0.3, reason="it starts the whole product, and the controller runs jobs")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ModelWorld]:
    """A product in process, whose loops do not run."""
    world = ModelWorld(tmp_path)
    yield world
    world.close()


def reader(world: ModelWorld) -> Account:
    """Return an account as the command line has it, with clients of this world."""
    account = Account(Endpoint("http://127.0.0.1", Path("/"), "", "", REGION))
    account.comprehend, account.logs = world.client, world.client_of("reader", service="logs")
    return account


def test_the_story_of_a_training_is_found_even_if_it_was_submitted_a_moment_ago(world: ModelWorld) -> None:
    arn = world.client.create_document_classifier(**classifier_request())["DocumentClassifierArn"]
    paused: list[float] = []

    def pause(seconds: float) -> None:
        """Copy the stories to their log streams, as a loop of the product does."""
        paused.append(seconds)
        Stories(world.database, JobLog(region=REGION, clock=world.clock)).turn()

    properties, job = find_training(reader(world), arn, pause)
    assert properties["DocumentClassifierArn"] == arn
    assert job == world.started().job.job_id
    assert len(paused) == 1


def test_a_training_without_a_story_is_reported_after_a_while(world: ModelWorld) -> None:
    arn = world.client.create_document_classifier(**classifier_request())["DocumentClassifierArn"]
    paused: list[float] = []
    with pytest.raises(NoTrainingError, match="its streams may have been deleted"):
        find_training(reader(world), arn, paused.append)
    assert sum(paused) == pytest.approx(STORY_SECONDS)
