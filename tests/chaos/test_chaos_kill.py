"""``kill -9`` of every process at every phase of a job: it ends, with its result or a reason, and nothing is left.

One product serves all cases, so that a later case finds what an earlier one left behind.
"""

from __future__ import annotations

import re
from contextlib import nullcontext
from enum import StrEnum

import pytest

from reading_room.cli import reading
from reading_room.jobs.job import TERMINAL, Phase
from tests.worlds.place import Place
from tests.worlds.product import Product
from tests.worlds.waiting import settled


class Moment(StrEnum):
    """The moment of the kill."""

    QUEUED = "queued"
    PREPARING = "preparing"
    PLACED = "placed"
    """Running according to its phase, while its container is only being claimed and gets the job."""
    WORKING = "working"
    """Running, with some of its work done."""
    STOPPING = "stopping"
    FINISHING = "finishing"
    OVER = "over"

    @property
    def phase(self) -> Phase:
        """The phase of the job at this moment."""
        if self in (Moment.PLACED, Moment.WORKING):
            return Phase.RUNNING
        return Phase.COMPLETED if self is Moment.OVER else Phase(self.value)


VICTIMS = ("serve", "agent", "holder", "worker", "up", "services", "control", "everything")
QUICK = {
    (Moment.PLACED, "agent"),
    (Moment.WORKING, "worker"),
    (Moment.FINISHING, "serve"),
    (Moment.WORKING, "everything"),
}
FEW = 5
DOCUMENTS = {Moment.WORKING: 1000, Moment.STOPPING: 1000}


def case(moment: Moment, victim: str) -> object:
    """Mark a case: the whole matrix belongs to chaos, a few representative cases to every run."""
    mark = pytest.mark.e2e if (moment, victim) in QUICK else pytest.mark.chaos
    return pytest.param(moment, victim, marks=mark, id=f"{victim}-while-{moment.value}")


@pytest.mark.costs(11, reason="the product is killed and restarted, and the job is repeated")
@pytest.mark.parametrize(("moment", "victim"), [case(moment, victim) for moment in Moment for victim in VICTIMS])
def test_a_kill_at_any_moment_ends_in_a_result_or_a_reason_and_leaves_nothing(
    product: Product, place: Place, moment: Moment, victim: str
) -> None:
    account = product.await_answer()
    prefix = f"{victim}-{moment.value}/"
    documents = DOCUMENTS.get(moment, FEW)
    place.put(prefix, documents)
    account.s3.put_object(Bucket=place.bucket, Key=f"kept/{prefix}", Body=b"acknowledged")
    blocker = _occupy(product, place) if moment is Moment.QUEUED else None
    job = place.start(prefix, "entities")
    with place.holding(job, worked=0.3) if moment in (Moment.WORKING, Moment.STOPPING) else nullcontext():
        if moment is Moment.STOPPING:
            # The request has no effect while the worker is frozen; a worker that is still alive afterwards acts on it.
            place.stop(job)
        pids = place.kill_at(job, moment.phase, victim)
    assert pids or victim == "worker"
    account = product.await_answer()
    if blocker is not None:
        account.comprehend.stop_entities_detection_job(JobId=blocker)
        place.wait(blocker)
    properties = place.wait(job)
    outputs = place.outputs(prefix)
    status = properties["JobStatus"]
    if status == "COMPLETED" or (status == "STOPPED" and outputs):
        found = list(reading.results(account, properties))
        assert status == "STOPPED" or len(found) == documents
        assert outputs == [properties["OutputDataConfig"]["S3Uri"].split("/", 3)[3]]
    elif status == "FAILED":
        assert re.match(r"[A-Z_]+: .+", properties["Message"]), properties
        assert outputs == []
    else:
        assert (moment, status) == (Moment.STOPPING, "STOPPED"), properties
    # Kills may cost another attempt, but not the job.
    assert status != "FAILED", f"{properties}\n{place.story(job)}\n{product.tail(80)}"
    assert account.s3.get_object(Bucket=place.bucket, Key=f"kept/{prefix}")["Body"].read() == b"acknowledged"
    settled(product.leftovers)
    assert place.describe(job)["JobStatus"] == status
    assert Phase(status.lower()) in TERMINAL


def _occupy(product: Product, place: Place) -> str:
    """Start a job that takes the only place there is."""
    place.put("blocker/", 20_000)
    job = place.start("blocker/", "entities")
    with place.held_at(job, Phase.RUNNING):
        return job
