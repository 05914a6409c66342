"""Pressure for a minute: it is shown, every acknowledged job ends with the undisturbed bytes, nothing is restarted.

``CHAOS_PRESSURE_SECONDS`` is how long each lasts, ``CHAOS_TINY_JOBS`` how many tiny jobs run beside a large one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from reading_room.cli.running import free_port
from reading_room.trail.chain import BOOKS, FOLDER, verify
from tests.worlds.cluster import SMALL_PARTS, Hall
from tests.worlds.conditions import Conditions
from tests.worlds.pressure import PRESSURES, SHOWN, SHOWN_AFTER
from tests.worlds.product import product_under_pressure
from tests.worlds.waiting import eventually, settled

SECONDS = float(os.environ.get("CHAOS_PRESSURE_SECONDS", "60"))
TINY_JOBS = int(os.environ.get("CHAOS_TINY_JOBS", "1000"))
CLIENTS = 8
DOCUMENTS, LARGE = 20_000, 400_000
KIND = "dominant-language"
CONTAINERS = 2
REMEMBERED = frozenset({"clock", "running"})
"""The checks that warn for five minutes."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """A place in a product of its own, with the input of a job of some seconds, and flow logs."""
    with product_under_pressure(
        tmp_path_factory.mktemp("product"),
        STANDBY="0",
        LOG_LEVEL="debug",
        METRICS_PORT=str(free_port()),
        **SMALL_PARTS,
    ) as product:
        place = Hall(product)
        place.put("in/", DOCUMENTS)
        yield place


@pytest.fixture(scope="module")
def undisturbed(place: Hall) -> str:
    """The digest of the job's results without pressure."""
    return digest(place, place.start("in/", KIND))


def digest(place: Hall, job: str) -> str:
    """Wait for a job and return the digest of its results."""
    ended = place.wait(job)
    assert ended["JobStatus"] == "COMPLETED", place.story(job)
    return hashlib.sha256(repr(place.results(ended)).encode()).hexdigest()


def call(place: Hall) -> None:
    """Make a call that must be recorded, whatever becomes of it."""
    with suppress(BotoCoreError, ClientError):
        place.account.client("ec2", attempts=1).describe_vpcs()


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("which", PRESSURES)
def test_pressure_is_shown_and_when_it_ends_every_job_ends_as_usual_and_nothing_is_left(
    place: Hall, undisturbed: str, which: str
) -> None:
    product = place.product
    before = [product.child(role) for role in ("serve", "agent")]
    job = place.start_many("in/", CONTAINERS, KIND)
    eventually(lambda: place.members(job), 60, "a container at work")
    conditions = Conditions(product, int(product.settings["METRICS_PORT"]))
    shown = frozenset(check for check in SHOWN.get(which, ()) if SHOWN_AFTER.get(check, 0) < SECONDS)
    with ThreadPoolExecutor(1) as caller, PRESSURES[which](product):
        caller.submit(call, place)
        conditions.look_for(SECONDS)
    # What stood still says so afterwards.
    eventually(lambda: conditions.gone(frozenset()), 60, "an answer")
    if shown:
        assert shown & conditions.ready, conditions
        assert shown & conditions.metrics, conditions
        # The log is a file that serve may not write either while its disk is full.
        assert shown & conditions.log or which == "the disk is full", conditions.log
    assert digest(place, job) == undisturbed
    # Jobs that are started afterwards end as well.
    assert digest(place, place.start_many("in/", CONTAINERS, KIND)) == undisturbed
    assert [product.child(role) for role in ("serve", "agent")] == before
    eventually(lambda: conditions.gone(shown - REMEMBERED), 120, f"the end of {shown}")
    settled(product.leftovers, 60)
    for book in BOOKS:
        verify(product.data / FOLDER, book)


@pytest.mark.chaos
@pytest.mark.timeout(300)
def test_the_flow_records_of_all_jobs_under_pressure_add_up(place: Hall) -> None:
    """What one container sent another one received: every packet of each connection is in both records."""
    with place.product.database() as database:
        jobs = [job for (job,) in database.execute("SELECT job_id FROM jobs")]
    addresses = {interface: address for job in jobs for interface, address in place.addresses_told(job).items()}
    # They are delivered when their minute is over.
    settled(lambda: {" ".join(ends): two for ends, two in place.unequal_flows(addresses).items()}, 150)
    assert place.flows_between(addresses)


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_a_thousand_tiny_jobs_run_while_a_large_one_runs(place: Hall, undisturbed: str) -> None:
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
