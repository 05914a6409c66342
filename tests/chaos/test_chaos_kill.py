"""``kill -9`` of every process at every phase of a job: it ends, with its result or a reason, and nothing stays.

One product serves all cases, so that what one of them leaves behind is found by the next at the latest.
"""

from __future__ import annotations

import re
from contextlib import ExitStack

import pytest
from product_world import Place, Product, needs_root, settled

from reading_room.cli import reading
from reading_room.jobs.job import TERMINAL, Phase

PHASES = (Phase.QUEUED, Phase.PREPARING, Phase.RUNNING, Phase.STOPPING, Phase.FINISHING, Phase.COMPLETED)
VICTIMS = ("serve", "agent", "holder", "worker", "up", "services", "control", "everything")
QUICK = {
    (Phase.RUNNING, "serve"),
    (Phase.RUNNING, "agent"),
    (Phase.RUNNING, "holder"),
    (Phase.PREPARING, "worker"),
    (Phase.FINISHING, "serve"),
    (Phase.RUNNING, "everything"),
}
DOCUMENTS = {Phase.RUNNING: 800, Phase.STOPPING: 800, Phase.QUEUED: 20}

pytestmark = [needs_root, pytest.mark.timeout(300)]


def case(phase: Phase, victim: str) -> object:
    """Mark a case: the whole matrix is chaos, a few that stand for it belong to every run."""
    mark = pytest.mark.e2e if (phase, victim) in QUICK else pytest.mark.chaos
    return pytest.param(phase, victim, marks=mark, id=f"{victim}-while-{phase.value}")


@pytest.mark.parametrize(("phase", "victim"), [case(phase, victim) for phase in PHASES for victim in VICTIMS])
def test_a_kill_at_any_phase_ends_in_a_result_or_a_reason_and_leaves_nothing(
    product: Product, place: Place, phase: Phase, victim: str
) -> None:
    account = product.await_answer()
    prefix = f"{victim}-{phase.value}/"
    place.put(prefix, DOCUMENTS.get(phase, 5))
    account.s3.put_object(Bucket=place.bucket, Key=f"kept/{prefix}", Body=b"acknowledged")
    blocker = _occupy(product, place) if phase is Phase.QUEUED else None
    job = place.start(prefix)
    if phase is Phase.STOPPING:
        with place.held_at(job, Phase.RUNNING):
            pass
        account.comprehend.stop_entities_detection_job(JobId=job)

    with ExitStack() as hold:
        hold.enter_context(place.held_at(job, phase))
        pids = product.victims(victim)
        assert pids or victim == "worker"
        if product.up is not None and product.up.pid in pids:
            # A new ``up`` writes to the database: it is let go when the old processes are gone.
            product.kill_processes(pids)
            hold.close()
            product.start_again()
        else:
            product.kill_processes(pids)

    account = product.await_answer()
    if blocker is not None:
        account.comprehend.stop_entities_detection_job(JobId=blocker)
        place.wait(blocker)
    properties = place.wait(job)
    outputs = place.outputs(prefix)
    status = properties["JobStatus"]
    if status == "COMPLETED" or (status == "STOPPED" and outputs):
        found = list(reading.results(account, properties))
        assert status == "STOPPED" or len(found) == DOCUMENTS.get(phase, 5)
        assert outputs == [properties["OutputDataConfig"]["S3Uri"].split("/", 3)[3]]
    elif status == "FAILED":
        assert re.match(r"[A-Z_]+: .+", properties["Message"]), properties
        assert outputs == []
    else:
        assert (phase, status) == (Phase.STOPPING, "STOPPED"), properties
    # What kills may cost is another attempt, not the job.
    assert status != "FAILED", f"{properties}\n{place.story(job)}\n{product.tail(80)}"
    assert account.s3.get_object(Bucket=place.bucket, Key=f"kept/{prefix}")["Body"].read() == b"acknowledged"
    settled(product.leftovers)
    assert place.describe(job)["JobStatus"] == status
    assert Phase(status.lower()) in TERMINAL


def _occupy(product: Product, place: Place) -> str:
    """Start a job that takes the only place there is."""
    place.put("blocker/", 20_000)
    job = place.start("blocker/")
    with place.held_at(job, Phase.RUNNING):
        return job
