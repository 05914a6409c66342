"""Traces of a running product, from the API call to S3, also while the collector is away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reading_room.cli.running import free_port
from reading_room.trace_context import trace_of
from tests.worlds.collector import Got, got, text_of
from tests.worlds.hook import Hook, hook
from tests.worlds.place import Place
from tests.worlds.product import Product, running_product
from tests.worlds.waiting import eventually

pytestmark = pytest.mark.e2e

PHASES = ["queued", "preparing", "running", "finishing"]


@pytest.fixture(scope="module")
def port() -> int:
    """The port of the collector."""
    return free_port()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Product]:
    """A product that sends traces to a collector, which is not there yet. It logs as JSON."""
    sent = f"http://127.0.0.1:{port}"
    with running_product(tmp_path_factory.mktemp("product"), STANDBY="0", LOG_FORMAT="json", TRACES=sent) as found:
        yield found


@pytest.fixture(scope="module")
def place(product: Product) -> Place:
    """A network and data for jobs."""
    return Place(product)


def trace_of_job(collector: Hook, place: Place) -> list[Got]:
    """Run a job over a file with a telling name, and return the whole trace of its call."""
    place.put_text("in/minutes-of-the-board", "Marie Curie was born in Warsaw, and moved to Paris in 1891.\n")
    job = place.start("in/", "entities", JobName="Project-Falcon")
    assert place.wait(job)["JobStatus"] == "COMPLETED"
    return whole_trace(collector, job)


def whole_trace(collector: Hook, job: str) -> list[Got]:
    """Return the spans of a job's trace once the last of them is there."""

    def look() -> list[Got] | None:
        spans = got(collector)
        of_job = [span for span in spans if span.name == "job" and span.attributes["reading_room.job.id"] == job]
        trace = [span for span in spans if of_job and span.trace == of_job[0].trace]
        return trace if {"container", "s3.PutObject"} <= {span.name for span in trace} else None

    return eventually(look, what=f"the trace of {job}")


@pytest.mark.costs(25, reason="a product of its own, and two jobs")
def test_one_trace_leads_from_the_api_call_to_the_output_in_s3(product: Product, place: Place, port: int) -> None:
    """The collector is away during the first job, which ends as usual; its spans are sent when there is one."""
    place.put_text("early/minutes-of-the-board", "Marie Curie was born in Warsaw.\n")
    early = place.start("early/")
    assert place.wait(early)["JobStatus"] == "COMPLETED"
    eventually(lambda: "spans of traces cannot be sent" in product.log.read_text())
    assert "traces" in {line["process"] for line in product.log_lines()}
    with hook(port) as collector:
        collector.status = 200
        assert len({span.trace for span in whole_trace(collector, early)}) == 1
        spans = trace_of_job(collector, place)
        sent = text_of(collector)
    by_id = {span.span: span for span in spans}
    (output,) = (span for span in spans if span.name == "s3.PutObject")
    way = [output]
    while way[-1].parent:
        way.append(by_id[way[-1].parent])
    names = ["s3.PutObject", "container", "running", "job", "comprehend.StartEntitiesDetectionJob"]
    assert [span.name for span in way] == names
    assert trace_of(str(way[-1].attributes["aws.request_id"])) == output.trace
    assert [span.name for span in sorted(spans, key=lambda span: span.began) if span.name in PHASES] == PHASES
    agent, container = (by_name(spans, name) for name in ("agent", "container"))
    assert agent.began <= agent.ended <= container.began <= output.began <= output.ended <= container.ended
    job = by_name(spans, "job")
    assert job.began <= agent.began
    assert container.ended <= job.ended
    assert "ec2.CreateNetworkInterface" in {span.name for span in spans}
    assert [word for word in (b"Warsaw", b"minutes", b"Falcon", place.bucket.encode()) if word in sent] == []


def by_name(spans: list[Got], name: str) -> Got:
    """Return the only span with a name."""
    (found,) = (span for span in spans if span.name == name)
    return found
