"""``kill -9`` while a flywheel turns: each iteration ends with its metrics, and the active model is as before."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from reading_room.jobs.job import Phase
from tests.worlds.place import Place
from tests.worlds.product import Product
from tests.worlds.waiting import eventually, settled
from tests.worlds.wheel import Wheel, get, rows

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]

VICTIMS = ("serve", "everything")
MOMENTS = (
    ("training", Phase.PREPARING),
    ("training", Phase.RUNNING),
    ("training", Phase.FINISHING),
    ("training", Phase.COMPLETED),
    ("evaluation", Phase.RUNNING),
    ("evaluation", Phase.FINISHING),
)
"""The job of the iteration and its phase. A training that is completed has no evaluation yet."""


@pytest.fixture(scope="module")
def wheel(product: Product, place: Place) -> Wheel:
    """A flywheel with an active model; all cases turn it."""
    product.await_answer()
    place.put_text("rows.csv", rows(10))
    place.put_text("test.csv", rows(3, first=1000))
    made = Wheel(place)
    assert made.settled()["Status"] == "ACTIVE"
    assert made.dataset("rows", "rows.csv")["Status"] == "COMPLETED"
    assert made.dataset("test", "test.csv", DatasetType="TEST")["Status"] == "COMPLETED"
    first = made.iterate()
    assert first["Status"] == "COMPLETED", first
    made.client.update_flywheel(FlywheelArn=made.arn, ActiveModelArn=first["TrainedModelArn"])
    return made


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize(("which", "phase"), MOMENTS, ids=[f"{which}-{phase.value}" for which, phase in MOMENTS])
def test_a_kill_in_an_iteration_costs_neither_the_iteration_nor_the_active_model(
    product: Product, place: Place, wheel: Wheel, which: str, phase: Phase, victim: str
) -> None:
    product.await_answer()
    active = wheel.settled()["ActiveModelArn"]
    identifier = wheel.start()
    trained = wheel.iteration(identifier)["TrainedModelArn"]
    place.kill_at(_job(place, wheel, identifier, trained if which == "training" else None), phase, victim)
    product.await_answer()
    shown = wheel.ended(identifier)
    assert shown["Status"] == "COMPLETED", f"{shown}\n{product.tail(80)}"
    assert (shown["EvaluatedModelArn"], shown["TrainedModelArn"]) == (active, trained)
    metrics = json.loads(get(place, f"{shown['EvaluationManifestS3Prefix']}metrics.json"))
    assert metrics["TrainedModel"]["Metrics"] == shown["TrainedModelMetrics"]
    assert metrics["EvaluatedModel"]["Metrics"] == shown["EvaluatedModelMetrics"]
    model = wheel.client.describe_document_classifier(DocumentClassifierArn=trained)["DocumentClassifierProperties"]
    assert re.match("TRAINED", model["Status"])
    now = wheel.settled()
    assert (now["Status"], now["ActiveModelArn"]) == ("ACTIVE", active)
    assert now["LatestFlywheelIteration"] == identifier
    settled(product.leftovers)


def test_a_switch_that_was_answered_is_kept_and_its_endpoint_follows(
    product: Product, place: Place, wheel: Wheel
) -> None:
    product.await_answer()
    made = wheel.client.create_endpoint(EndpointName="following", FlywheelArn=wheel.arn, DesiredInferenceUnits=10)
    arn = made["EndpointArn"]
    _serving(wheel, arn)
    trained = wheel.iterate()["TrainedModelArn"]
    wheel.client.update_flywheel(FlywheelArn=wheel.arn, ActiveModelArn=trained)
    product.kill("serve")
    product.await_answer()
    assert wheel.settled()["ActiveModelArn"] == trained
    assert _serving(wheel, arn)["ModelArn"] == trained
    wheel.client.delete_endpoint(EndpointArn=arn)


def _serving(wheel: Wheel, arn: str) -> dict[str, Any]:
    """Return an endpoint once it is in service."""

    def look() -> dict[str, Any] | None:
        found = dict(wheel.client.describe_endpoint(EndpointArn=arn)["EndpointProperties"])
        return found if found["Status"] == "IN_SERVICE" else None

    shown = eventually(look, 120, arn)
    assert shown is not None
    return shown


def _job(place: Place, wheel: Wheel, identifier: str, trained: str | None) -> str:
    """Return the job that trains a model, or the one that evaluates it, as soon as there is one."""
    arn = trained or f"{wheel.arn}/iteration/{identifier}"

    def look() -> str | None:
        with place.product.database() as database:
            row = database.execute("SELECT job_id FROM jobs WHERE arn = ?", (arn,)).fetchone()
        return None if row is None else str(row[0])

    job = eventually(look, 240, f"the job of {arn}", passing=True)
    assert job is not None
    return job
