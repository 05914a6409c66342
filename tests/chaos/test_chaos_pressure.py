"""Pressure for a minute: every acknowledged job ends with the undisturbed bytes, and nothing is restarted.

``CHAOS_PRESSURE_SECONDS`` is how long each lasts, ``CHAOS_TINY_JOBS`` how many tiny jobs run beside a large one.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.worlds.cluster import SMALL_PARTS
from tests.worlds.place import Place
from tests.worlds.pressure import PRESSURES
from tests.worlds.product import product_under_pressure
from tests.worlds.waiting import eventually, settled

SECONDS = float(os.environ.get("CHAOS_PRESSURE_SECONDS", "60"))
TINY_JOBS = int(os.environ.get("CHAOS_TINY_JOBS", "1000"))
CLIENTS = 8
DOCUMENTS, LARGE = 20_000, 400_000
KIND = "dominant-language"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place in a product of its own, with the input of a job of some seconds."""
    with product_under_pressure(
        tmp_path_factory.mktemp("product"), STANDBY="0", LOG_LEVEL="debug", **SMALL_PARTS
    ) as product:
        place = Place(product)
        place.put("in/", DOCUMENTS)
        yield place


@pytest.fixture(scope="module")
def undisturbed(place: Place) -> str:
    """The digest of the job's results without pressure."""
    return digest(place, place.start("in/", KIND))


def digest(place: Place, job: str) -> str:
    """Wait for a job and return the digest of its results."""
    ended = place.wait(job)
    assert ended["JobStatus"] == "COMPLETED", place.story(job)
    return hashlib.sha256(repr(place.results(ended)).encode()).hexdigest()


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("which", PRESSURES)
def test_after_a_minute_of_pressure_every_job_ends_as_usual_and_nothing_is_left(
    place: Place, undisturbed: str, which: str
) -> None:
    product = place.product
    before = [product.child(role) for role in ("serve", "agent")]
    job = place.start("in/", KIND)
    with PRESSURES[which](product):
        time.sleep(SECONDS)
    assert digest(place, job) == undisturbed
    # Jobs that are started afterwards end as well.
    assert digest(place, place.start("in/", KIND)) == undisturbed
    assert [product.child(role) for role in ("serve", "agent")] == before
    settled(product.leftovers, 60)


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_a_thousand_tiny_jobs_run_while_a_large_one_runs(place: Place, undisturbed: str) -> None:
    product = place.product
    before = [product.child(role) for role in ("serve", "agent")]
    place.put("large/", LARGE)
    place.put("tiny/", 1)
    wanted = digest(place, place.start("tiny/", KIND))
    large = place.start("large/", KIND)
    with ThreadPoolExecutor(CLIENTS) as clients:
        tiny = list(clients.map(lambda _: place.start("tiny/", KIND), range(TINY_JOBS)))
    assert not place.over(large)
    eventually(lambda: all(map(place.over, tiny)), 3000, "the end of the tiny jobs")
    assert {digest(place, job) for job in tiny} == {wanted}
    assert place.wait(large, 1800)["JobStatus"] == "COMPLETED", place.story(large)
    assert len(place.results(place.describe(large))) == LARGE
    assert digest(place, place.start("in/", KIND)) == undisturbed
    assert [product.child(role) for role in ("serve", "agent")] == before
    settled(product.leftovers, 60)
