"""Metrics, JSON logs and traces: small calls with them against the same calls without, and one scrape of many jobs.

Products run side by side and get the same calls in alternation, so that all meet the same load of the machine. The one
with metrics is scraped meanwhile, and a collector takes the spans of the one with traces.
"""

from __future__ import annotations

import datetime as dt
import os
import statistics
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from prometheus_client import CollectorRegistry
from sqlalchemy import insert

from bench.report import Row, median, record
from reading_room.aws.call import NetworkPath, Principal
from reading_room.aws.call_record import CallRecord, S3Details
from reading_room.cli.running import Endpoint, free_port, started
from reading_room.client import connect
from reading_room.database.engine import Database
from reading_room.ids import request_id
from reading_room.jobs.tables import JobRow
from reading_room.metrics.job_metrics import JobMetrics
from reading_room.traces.recorder import Traces
from reading_room.traces.sender import Sender
from reading_room.traces.spool import Spool

ROUNDS = int(os.environ.get("BENCH_METRICS_ROUNDS", "21"))
CALLS = int(os.environ.get("BENCH_METRICS_CALLS", "100"))
"""Calls of each kind to each product in a round."""
SCRAPE_SECONDS = 5.0
SPANS = 20_000
JOBS = 100_000
BODY = b"x" * 1000


def main() -> None:
    """Measure and record."""
    os.environ["READING_ROOM_STANDBY"] = "0"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        ends = {
            "off": stack.enter_context(_product(folder / "off", {})),
            "on": stack.enter_context(
                _product(folder / "on", {"READING_ROOM_METRICS_PORT": str(port), "READING_ROOM_LOG_FORMAT": "json"})
            ),
        }
        with _scraped(port):
            rows = [*_compare(ends, "metrics and JSON logs", "1.03 ×", f"scraped every {SCRAPE_SECONDS:.0f} s; ")]
        collector = stack.enter_context(_collector())
        traced = {"READING_ROOM_TRACES": f"http://127.0.0.1:{collector.server_port}"}
        ends["on"] = stack.enter_context(_product(folder / "traces", traced))
        traces = [*_compare(ends, "traces of every call", "reported", "the sender's process not included; ")]
        traces.append(_spans(collector))
    record("Metrics and JSON logs", [*rows, *_scrapes()])
    record("Traces", traces)


@contextmanager
def _product(folder: Path, settings: Mapping[str, str]) -> Iterator[Endpoint]:
    folder.mkdir()
    with ExitStack() as running:
        os.environ.update(settings)
        try:
            product = started(folder / "data", free_port(), folder / "log", folder / "state")
            endpoint = running.enter_context(product)
        finally:
            for name in settings:
                os.environ.pop(name, None)
        yield endpoint


@contextmanager
def _scraped(port: int) -> Iterator[None]:
    done = threading.Event()

    def scrape() -> None:
        while not done.wait(SCRAPE_SECONDS):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
                page.read()

    thread = threading.Thread(target=scrape, daemon=True)
    thread.start()
    yield
    done.set()
    thread.join()


@contextmanager
def _collector() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Take)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()


class _Take(BaseHTTPRequestHandler):
    """Takes spans, and keeps how many bytes they are."""

    taken: ClassVar[list[int]] = []

    def do_POST(self) -> None:
        self.taken.append(len(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def _spans(collector: ThreadingHTTPServer) -> Row:
    """Measure what the recorder, the files and the sender cost for each span, each in this process."""
    with tempfile.TemporaryDirectory() as name:
        database = Database.open(None)
        database.create_tables()
        spool = Spool(Path(name))
        traces, calls = Traces(database, spool, queued=SPANS), [_record() for _ in range(SPANS)]
        sender = Sender(Path(name), f"http://127.0.0.1:{collector.server_port}")
        traces.turn()
        before = sum(_Take.taken)
        times = []

        def take() -> None:
            for call in calls:
                traces.take(call)

        for step in (take, traces.turn, sender.turn):
            began = time.process_time()
            step()
            times.append((time.process_time() - began) / SPANS)
        size = (sum(_Take.taken) - before) / SPANS
        sender.close()
        database.close()
    taking, writing, sending = (each * 1e6 for each in times)
    return Row(
        "processor time of a span: of the call itself, of the loop that writes it, of the process that sends it",
        f"{taking:.1f}, {writing:.0f} and {sending:.0f} µs",
        "reported",
        f"{SPANS:,} spans of S3 requests; {size:.0f} bytes each on the wire",
    )


def _record() -> CallRecord:
    key = "0123456789abcdef" * 2
    principal = Principal("session", "111122223333", "arn", "id", bound_to=None)
    details = S3Details("bucket", key, "111122223333", {}, {"traceparent": f"00-{key}-{key[:16]}-01"})
    return CallRecord(
        service="s3",
        operation="GetObject",
        request_id=request_id(),
        ended_at=dt.datetime.now(dt.UTC),
        region="us-east-1",
        path=NetworkPath(),
        principal=principal,
        access_key_id="AKIA",
        user_agent="",
        s3=details,
        seconds=0.002,
    )


def _compare(ends: Mapping[str, Endpoint], what: str, target: str, conditions: str) -> Iterator[Row]:
    calls = {kind: _calls(endpoint) for kind, endpoint in ends.items()}
    processes = {kind: _serve_of(endpoint) for kind, endpoint in ends.items()}
    for name in calls["off"]:
        ratios, times, used = [], {"on": 0.0, "off": 0.0}, {"on": 0.0, "off": 0.0}
        for number in range(ROUNDS + 1):
            took: dict[str, list[float]] = {"on": [], "off": []}
            before = {kind: _processor(pid) for kind, pid in processes.items()}
            for each in range(CALLS):
                for kind in ("on", "off") if each % 2 else ("off", "on"):
                    began = time.perf_counter()
                    calls[kind][name]()
                    took[kind].append(time.perf_counter() - began)
            if number:  # The first round warms up.
                ratios.append(median(took["on"]) / median(took["off"]))
                for kind, pid in processes.items():
                    times[kind] += median(took[kind]) / ROUNDS
                    used[kind] += _processor(pid) - before[kind]
        low, _, high = statistics.quantiles(ratios, n=4)
        yield Row(
            f"{name} with {what}: time against the same without them",
            f"{median(ratios):.3f} × (middle half {low:.3f} to {high:.3f})",
            target,
            f"median of {ROUNDS} rounds' ratios of medians, {CALLS} alternating calls by boto3 to each of two "
            f"products; {times['on'] * 1000:.2f} against {times['off'] * 1000:.2f} ms; {conditions}"
            f"the servers' processor time {used['on'] / used['off']:.3f} ×",
        )


def _calls(endpoint: Endpoint) -> dict[str, Callable[[], object]]:
    ec2, s3 = _client("ec2", endpoint), _client("s3", endpoint)
    try:
        s3.create_bucket(Bucket="bench")
    except s3.exceptions.BucketAlreadyOwnedByYou:
        pass  # The comparison before this one made it.
    s3.put_object(Bucket="bench", Key="small", Body=BODY)
    return {
        "DescribeVpcs": ec2.describe_vpcs,
        "GET of 1 KB": lambda: s3.get_object(Bucket="bench", Key="small")["Body"].read(),
    }


def _client(service: str, endpoint: Endpoint) -> Any:
    return connect(
        service,
        endpoint.url,
        access_key_id=endpoint.access_key_id,
        secret_access_key=endpoint.secret_access_key,
    )


def _serve_of(endpoint: Endpoint) -> int:
    """Return the process id of a product's server."""
    data = str(endpoint.data).encode()
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0") if folder.name.isdigit() else []
        except OSError:
            continue
        if b"serve" in words and data in words:
            return int(folder.name)
    raise RuntimeError(f"no server of {endpoint.data} was found")


def _processor(pid: int) -> float:
    """Return the processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _scrapes() -> Iterator[Row]:
    """Measure what reading the jobs costs if there are many, waiting or ended."""
    now = dt.datetime.now(dt.UTC)
    for phase in ("queued", "completed"):
        with tempfile.TemporaryDirectory() as name:
            database = Database.open(Path(name) / "db.sqlite")
            database.create_tables()
            with database.engine.begin() as connection:
                connection.execute(insert(JobRow.__table__), [_job(n, phase, now) for n in range(JOBS)])  # type: ignore[arg-type]
            metrics = JobMetrics(CollectorRegistry(), database, lambda: now)
            times = []
            for _ in range(9):
                began = time.perf_counter()
                metrics.read()
                times.append(time.perf_counter() - began)
            database.close()
        yield Row(
            f"reading the metrics of jobs, {JOBS:,} jobs {phase}",
            f"{median(times) * 1000:.1f} ms",
            "reported",
            "9 times, nothing happened between them",
        )


def _job(number: int, phase: str, now: dt.datetime) -> dict[str, Any]:
    identifier = f"{number:032x}"
    return {
        "job_id": identifier,
        "account": f"{number % 10:012d}",
        "region": "us-east-1",
        "kind": "entities-detection-job",
        "arn": f"arn:aws:comprehend:us-east-1:000000000001:entities-detection-job/{identifier}",
        "fingerprint": "",
        "phase": phase,
        "submitted_at": now,
        "role_arn": "",
        "engine": "entities-en",
        "analysis": "entities",
        "input_uri": "",
        "input_format": "ONE_DOC_PER_LINE",
        "output_uri": "",
        "document_limit": 1,
    }


if __name__ == "__main__":
    main()
