"""Traces of a whole product in this process: from the call through controller, agent and container to S3."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.agent.spec import ContainerTimes, HostReport
from reading_room.analysis.job_file import Failed, Location
from reading_room.analysis.objects import S3Storage
from reading_room.aws.receive import PATH_KEY
from reading_room.containers.spec import ContainerSpec, ContainerState
from reading_room.jobs.record import LOCAL_HOST
from reading_room.trace_context import span_of, trace_of, traceparent
from reading_room.traces.recorder import Traces
from reading_room.traces.span import Span
from reading_room.traces.spool import Spool
from tests.worlds.collector import waiting
from tests.worlds.models import ACCOUNT, REGION, ROLE, ModelWorld
from tests.worlds.worker_storage import InProcessWire, keys_of

pytestmark = pytest.mark.costs(0.3, reason="it starts the whole product, and the controller handles jobs")

SECRETS = ("Warsaw", "minutes-of-the-board", "Project Falcon", "papers")
"""A word of a document, and the names of an object, a job and a bucket."""
REQUEST: dict[str, Any] = {
    "JobName": "Project Falcon",
    "LanguageCode": "en",
    "InputDataConfig": {"S3Uri": "s3://papers/in/"},
    "OutputDataConfig": {"S3Uri": "s3://papers/out/"},
    "DataAccessRoleArn": ROLE,
}


class TracedWorld(ModelWorld):
    """A product whose calls are all traced, with a bucket of documents."""

    def __init__(self, folder: Path, share: float = 1.0) -> None:
        super().__init__(folder, share)
        assert self.traces is not None
        self.traces.turn()
        self.folder = folder
        self.owner = self.client_of("owner", service="s3")
        self.owner.create_bucket(Bucket="papers")
        self.owner.put_object(Bucket="papers", Key="in/minutes-of-the-board", Body=b"Marie moved from Warsaw to Paris.")

    def start(self) -> tuple[str, str, ContainerSpec]:
        """Start a job; return its trace, its id and its container."""
        answer = self.client.start_entities_detection_job(**REQUEST)
        return trace_of(answer["ResponseMetadata"]["RequestId"]), answer["JobId"], self.started()

    def worker(self, spec: ContainerSpec, header: str | None = None) -> S3Storage:
        """Return S3 as the worker in a container uses it, with its own header or another."""
        wire = InProcessWire(self.inside, {PATH_KEY: self.path_of(spec)})
        said = spec.job.traceparent if header is None else header
        url = f"http://s3.{REGION}.amazonaws.com"
        return S3Storage(wire, keys_of(self.keys_of(spec)), REGION, traceparent=said, endpoint=url)

    def ends(
        self, spec: ContainerSpec, code: str = "INTERNAL_ERROR", times: tuple[float, ...] = (1.0, 2.0, 4.0)
    ) -> None:
        """Let the agent report that a container has ended with a failure, and then that nothing is left of it."""
        said = Failed(code, "Warsaw is not in Paris: s3://papers/in/minutes-of-the-board")
        self.product.report(
            HostReport(
                LOCAL_HOST,
                1,
                interfaces=(spec.interface_id,),
                containers=(ContainerState(spec.container_id, "exited", 1, (said,)),),
                traced=(ContainerTimes(spec.container_id, *times),),
            )
        )
        self.turn()
        self.product.report(HostReport(LOCAL_HOST, 1))
        self.turn(3)

    def spans(self) -> list[Span]:
        """Return all spans so far."""
        assert self.traces is not None
        self.traces.turn()
        return waiting(self.folder / "traces")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[TracedWorld]:
    world = TracedWorld(tmp_path)
    yield world
    world.close()


def test_one_trace_leads_from_the_call_to_the_workers_requests(world: TracedWorld) -> None:
    trace, job, spec = world.start()
    storage = world.worker(spec)
    assert b"".join(storage.read("papers", "in/minutes-of-the-board")).endswith(b"Paris.")
    storage.probe_output(Location("papers", "out/output.tar.gz"))
    world.ends(spec)
    spans = [span for span in world.spans() if span.trace == trace]
    by_id = {span.span: span for span in spans}
    assert len(by_id) == len(spans)

    def path(span: Span) -> list[str]:
        own = [span.operation or span.what]
        return own if span.parent is None else [*path(by_id[span.parent]), *own]

    paths = [path(span) for span in spans]
    call, running = ["StartEntitiesDetectionJob", "job"], ["StartEntitiesDetectionJob", "job", "running"]
    for each in (
        ["StartEntitiesDetectionJob"],
        call,
        *([*call, phase] for phase in ("queued", "preparing", "running", "finishing")),
        [*running, "agent"],
        *([*running, "container", operation] for operation in ("GetObject", "CreateMultipartUpload")),
        # What the controller did as the data access role, and the credentials that the container fetched.
        [*call, "AssumeRole"],
    ):
        assert each in paths
    assert {span.job_id for span in spans} == {job}
    assert {span.account for span in spans if span.operation != "AssumeRole"} == {ACCOUNT}
    (whole,) = (span for span in spans if span.what == "job")
    assert (whole.outcome, whole.code, whole.kind) == ("failed", "INTERNAL_ERROR", "entities-detection-job")
    assert whole.request_id is not None
    assert trace_of(whole.request_id) == trace
    times = {span.what: (span.began, span.ended) for span in spans}
    assert times["agent"] == (1_000_000_000, 2_000_000_000)
    assert times["container"] == (2_000_000_000, 4_000_000_000)


def test_nothing_of_a_document_and_no_name_is_in_a_span(world: TracedWorld) -> None:
    _, _, spec = world.start()
    storage = world.worker(spec)
    list(storage.read("papers", "in/minutes-of-the-board"))
    for client, call, request in (
        (world.owner, "get_object", {"Bucket": "papers", "Key": "Project Falcon"}),
        (world.owner, "create_bucket", {"Bucket": "Warsaw.papers"}),
        (world.client, "describe_entities_detection_job", {"JobId": "Warsaw"}),
    ):
        with pytest.raises(ClientError):
            getattr(client, call)(**request)
    world.ends(spec, "INVALID_WARSAW")
    assert len(world.spans()) > 10
    written = b"".join(path.read_bytes() for path in (world.folder / "traces").iterdir()).lower()
    assert [word for word in SECRETS if word.lower().encode() in written] == []


@pytest.mark.parametrize("header", ["other", "00-", "unknown", ""])
def test_a_worker_cannot_join_another_trace_or_invent_a_parent(world: TracedWorld, header: str) -> None:
    """Eight bytes of a document in each invented id would leave with the traces."""
    trace, _, spec = world.start()
    other, job, _ = trace_of(_described(world)), spec.job.job_id, None
    given = {
        "other": traceparent(other, "call"),
        "00-": "00-",
        "unknown": f"00-{trace}-{'57617273617761aa'}-01",
        "": "",
    }
    list(world.worker(spec, given[header]).read("papers", "in/minutes-of-the-board"))
    (read,) = (span for span in world.spans() if span.operation == "GetObject")
    assert (read.trace, read.parent, read.job_id) == (trace, span_of(trace, "job"), job)


def _described(world: TracedWorld) -> str:
    """Return the id of the request of another account's user, which has a trace of its own."""
    client = world.client_of("stranger", account="444455556666", service="ec2")
    return str(client.describe_vpcs()["ResponseMetadata"]["RequestId"])


def test_a_clients_own_header_is_no_parent(world: TracedWorld) -> None:
    world.owner.meta.events.register(
        "before-call.s3", lambda params, **_: params["headers"].update(traceparent=traceparent("a" * 32, "call"))
    )
    world.owner.list_buckets()
    (listed,) = (span for span in world.spans() if span.operation == "ListBuckets")
    assert (listed.trace, listed.parent) == (trace_of(str(listed.request_id)), None)


def test_a_job_that_ends_while_no_server_runs_is_traced_by_the_next_one(world: TracedWorld) -> None:
    trace, _, spec = world.start()
    world.spans()
    world.ends(spec)
    restarted = Traces(world.database, Spool(world.folder / "traces"), 0.0)
    restarted.turn()
    assert [span.trace for span in waiting(world.folder / "traces") if span.what == "job"] == [trace]
    restarted.turn()
    Traces(world.database, Spool(world.folder / "traces"), 0.0).turn()
    assert len([span for span in waiting(world.folder / "traces") if span.what == "job"]) == 1


def test_a_container_is_told_of_once_also_if_it_vanishes_or_the_server_restarts(world: TracedWorld) -> None:
    _, _, spec = world.start()
    (other,) = (ContainerTimes(f"{spec.container_id}-1", 1.0, 2.0),)
    report = HostReport(LOCAL_HOST, 1, traced=(ContainerTimes(spec.container_id, 1.0, 2.0, 3.0), other))
    for traces in (world.traces, Traces(world.database, world.spool)):
        assert traces is not None
        traces.report(report)
        traces.turn()
    assert world.traces is not None
    world.traces.report(HostReport(LOCAL_HOST, 1))
    containers = [span for span in world.spans() if span.what == "container"]
    assert [(span.member, span.began) for span in containers] == [(0, 2_000_000_000), (1, 2_000_000_000)]


def test_a_share_of_calls_is_traced_and_jobs_follow_their_call(tmp_path: Path) -> None:
    world = TracedWorld(tmp_path, share=0.0)
    try:
        _, _, spec = world.start()
        assert spec.job.traceparent == ""
        list(world.worker(spec).read("papers", "in/minutes-of-the-board"))
        world.ends(spec)
        assert world.spans() == []
    finally:
        world.close()


def test_too_many_calls_and_a_full_disk_cost_only_spans(world: TracedWorld, caplog: pytest.LogCaptureFixture) -> None:
    class FullDisk(Spool):
        def write(self, spans: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    assert world.traces is not None
    full = Traces(world.database, FullDisk(world.folder / "full"), queued=3)
    world.product.access._traced = full.take
    for _ in range(5):
        world.owner.list_buckets()
    full.turn()
    full.turn()
    assert full.counts() == {"sent": 0, "queue_full": 2, "no_room": 3, "refused": 0}
    assert caplog.text.count("spans of traces are dropped from now on: No space left on device") == 1
