"""Metrics and JSON logs: small calls with both on against the same calls with both off, and one scrape of many jobs.

Two products run side by side and get the same calls in alternation, so that both meet the same load of the machine. The
one with metrics is scraped meanwhile.
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
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from sqlalchemy import insert

from bench.report import Row, median, record
from reading_room.cli.running import Endpoint, free_port, started
from reading_room.client import connect
from reading_room.database.engine import Database
from reading_room.jobs.tables import JobRow
from reading_room.metrics.job_metrics import JobMetrics

ROUNDS = int(os.environ.get("BENCH_METRICS_ROUNDS", "21"))
CALLS = int(os.environ.get("BENCH_METRICS_CALLS", "100"))
"""Calls of each kind to each product in a round."""
SCRAPE_SECONDS = 5.0
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
        stack.enter_context(_scraped(port))
        rows = [*_compare(ends)]
    record("Metrics and JSON logs", [*rows, *_scrapes()])


@contextmanager
def _product(folder: Path, settings: Mapping[str, str]) -> Iterator[Endpoint]:
    folder.mkdir()
    os.environ.update(settings)
    try:
        with started(folder / "data", free_port(), folder / "log", folder / "state") as endpoint:
            yield endpoint
    finally:
        for name in settings:
            os.environ.pop(name, None)


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


def _compare(ends: Mapping[str, Endpoint]) -> Iterator[Row]:
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
            f"{name} with metrics and JSON logs: time against the same without them",
            f"{median(ratios):.3f} × (middle half {low:.3f} to {high:.3f})",
            "1.03 ×",
            f"median of {ROUNDS} rounds' ratios of medians, {CALLS} alternating calls by boto3 to each of two "
            f"products; {times['on'] * 1000:.2f} against {times['off'] * 1000:.2f} ms; scraped every "
            f"{SCRAPE_SECONDS:.0f} s; the servers' processor time {used['on'] / used['off']:.3f} ×",
        )


def _calls(endpoint: Endpoint) -> dict[str, Callable[[], object]]:
    ec2, s3 = _client("ec2", endpoint), _client("s3", endpoint)
    s3.create_bucket(Bucket="bench")
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
