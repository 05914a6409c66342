"""Jobs of several containers: their gain against that of a bare pool of processes, their cost, and a killed worker.

Containers and processes do the same work in the same run, one after the other: one process, one container, two
processes, two containers, two containers with one killed. The archives of all three jobs must have the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.jobs import corpus, library, until_over
from bench.report import Row, median, record
from reading_room.analysis.kinds import CONTAINER_BYTES
from reading_room.cli import reading
from reading_room.cli.agent_config import runtime_folder
from reading_room.comprehend.tags import CONTAINERS_TAG
from reading_room.containers.processes import worker_of
from reading_room.containers.record import Folder
from reading_room.jobs.places import location_of
from reading_room.jobs.record import container_id
from reading_room.settings import Settings

ROUNDS = int(os.environ.get("BENCH_LARGE_ROUNDS", "1"))
DOCUMENTS = int(os.environ.get("BENCH_DOCUMENTS", "6000"))
TINY_ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
CONTAINERS = 2
PART_BYTES = CONTAINER_BYTES["entities"] // 2

POOL = """
import json, multiprocessing, sys
from reading_room.analysis.engine import load_engine, one_thread

def begin(name):
    global engine
    one_thread()
    engine = load_engine(name)

def analysed(lines):
    return "".join(json.dumps(result) + "\\n" for result in engine.analyse(lines))

def pieces(path, most):
    lines, size = [], 0
    with open(path) as documents:
        for line in documents:
            lines.append(line.rstrip("\\n"))
            size += len(line)
            if size >= most:
                yield lines
                lines, size = [], 0
    if lines:
        yield lines

if __name__ == "__main__":
    processes, name, source, target, most = int(sys.argv[1]), *sys.argv[2:5], int(sys.argv[5])
    with open(target, "w") as out:
        if processes == 1:
            begin(name)
            out.writelines(map(analysed, pieces(source, most)))
        else:
            with multiprocessing.get_context("spawn").Pool(processes, begin, (name,)) as pool:
                out.writelines(pool.imap(analysed, pieces(source, most)))
"""
"""A script for two cores without a service, with the same engine, parts and threads."""


def main() -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [*_large(Path(folder)), _tiny(Path(folder))]
    record("Jobs of several containers", rows)


def in_containers(count: int) -> dict[str, Any]:
    """Return the parameters of a request that make its job run in this many containers."""
    return {"Tags": [{"Key": CONTAINERS_TAG, "Value": str(count)}]}


@dataclass(slots=True)
class _Times:
    """Seconds of whole processes, and of jobs from submission to COMPLETED, one value per round."""

    process: list[float] = field(default_factory=list)
    pool: list[float] = field(default_factory=list)
    container: list[float] = field(default_factory=list)
    containers: list[float] = field(default_factory=list)
    killed: list[float] = field(default_factory=list)

    def gains(self) -> list[float]:
        """Return the gain of two containers as a fraction of that of two processes, for each round."""
        rounds = zip(self.process, self.pool, self.container, self.containers, strict=True)
        return [(container / containers) / (process / pool) for process, pool, container, containers in rounds]


def _large(folder: Path) -> Iterator[Row]:
    text = "\n".join(corpus(DOCUMENTS)) + "\n"
    (folder / "documents.txt").write_text(text)
    (folder / "pool.py").write_text(POOL)
    times = _Times()
    with library(folder, 0) as (account, bucket, request):
        reading.open_to_itself(account, request["VpcConfig"]["SecurityGroupIds"][0])
        account.s3.put_object(Bucket=bucket, Key="big/documents.txt", Body=text.encode())
        run = _Jobs(account, {"InputDataConfig": {"S3Uri": f"s3://{bucket}/big/"}, **request})
        for _ in range(ROUNDS):
            times.process.append(_bare(folder, 1))
            times.container.append(run.timed(1))
            times.pool.append(_bare(folder, CONTAINERS))
            times.containers.append(run.timed(CONTAINERS))
            times.killed.append(run.timed(CONTAINERS, kill_at=len(text) // PART_BYTES // 2))
        assert len(run.archives) == 1, "the archives of the jobs are not the same bytes"
    how = f"{ROUNDS} rounds of one run, each of the four once; whole processes, same engine, parts; not started ahead"
    one, two = median(times.container), median(times.containers)
    alone, pool = median(times.process), median(times.pool)
    against = median([job / bare for job, bare in zip(times.containers, times.pool, strict=True)])
    worse = median([killed / whole for killed, whole in zip(times.killed, times.containers, strict=True)])
    what = f"entities: {DOCUMENTS:,} documents of 2 KB"
    yield Row(
        f"{what}: gain of two containers over one, as part of a bare pool's gain of two processes over one",
        f"{median(times.gains()):.2f} (containers {one:.1f} s to {two:.1f} s, processes {alone:.1f} s to {pool:.1f} s)",
        "0.9",
        how,
    )
    yield Row(f"{what}: two containers against the pool of two", f"{against:.2f} ×", "1.25 ×", how)
    yield Row(
        f"{what}: the second container's worker killed (-9) half way",
        f"{worse:.2f} × the undisturbed ({median(times.killed):.1f} s)",
        "1.6 ×",
        f"killed when half of the parts were written; {ROUNDS} times, each after an undisturbed job; same bytes",
    )


class _Jobs:
    """Entities jobs over the same input."""

    def __init__(self, account: reading.Account, request: dict[str, Any]) -> None:
        self._account = account
        self._calls = reading.JobCalls(account, "entities")
        self._request = request
        self.archives: set[str] = set()
        """The SHA-256 of the output."""

    def timed(self, containers: int, kill_at: int | None = None) -> float:
        """Run a job and return its seconds; after ``kill_at`` parts a worker is killed."""
        began = time.perf_counter()
        job = self._calls.start(**self._request, **in_containers(containers))
        if kill_at is not None:
            place = location_of(self._calls.describe(job)["OutputDataConfig"]["S3Uri"])
            parts = place.key.removesuffix("output.tar.gz") + "parts/"
            while self._account.s3.list_objects_v2(Bucket=place.bucket, Prefix=parts)["KeyCount"] < max(kill_at, 1):
                assert self._calls.describe(job)["JobStatus"] not in reading.OVER, "over before half of it was done"
                time.sleep(0.1)
            os.kill(_worker(self._account.endpoint.data, container_id(job, 1, 1)), signal.SIGKILL)
        until_over(self._calls, job, 0.1)
        took = time.perf_counter() - began
        place = location_of(self._calls.describe(job)["OutputDataConfig"]["S3Uri"])
        body = self._account.s3.get_object(Bucket=place.bucket, Key=place.key)["Body"]
        self.archives.add(hashlib.sha256(body.read()).hexdigest())
        return took


def _worker(data: Path, container: str) -> int:
    """Return the host's process id of a container's worker. Raises ``LookupError``."""
    for folder in Folder.all(runtime_folder(Settings.from_environment(data=data)) / "containers"):
        found = folder.read()
        if found is not None and found.container_id == container and (pid := worker_of(found.pid)) is not None:
            return pid
    raise LookupError(f"no worker runs in {container}")


def _bare(folder: Path, processes: int) -> float:
    began = time.perf_counter()
    given = ["entities-en", str(folder / "documents.txt"), str(folder / "bare.jsonl"), str(PART_BYTES)]
    subprocess.run([sys.executable, str(folder / "pool.py"), str(processes), *given], check=True)
    return time.perf_counter() - began


def _tiny(folder: Path) -> Row:
    times: dict[int, list[float]] = {1: [], CONTAINERS: []}
    with library(folder, 1) as (account, bucket, request):
        reading.open_to_itself(account, request["VpcConfig"]["SecurityGroupIds"][0])
        calls = reading.JobCalls(account, "entities")
        for number, text in enumerate(("Paris is in France.", "Angela Merkel.", "3 May 2021.")):
            account.s3.put_object(Bucket=bucket, Key=f"in/{number}.txt", Body=text.encode())
        where = {"S3Uri": f"s3://{bucket}/in/", "InputFormat": "ONE_DOC_PER_FILE"}
        for _ in range(TINY_ROUNDS + 1):
            for containers, found in times.items():
                time.sleep(2.5)  # Time to start the next container ahead.
                began = time.perf_counter()
                until_over(calls, calls.start(InputDataConfig=where, **request, **in_containers(containers)), 0.005)
                found.append(time.perf_counter() - began)
    one, two = (median(found[1:]) for found in times.values())
    return Row(
        "three tiny documents forced to two containers: what that adds, submit to COMPLETED",
        f"{two - one:.2f} s ({two:.2f} s against {one:.2f} s)",
        "6 s",
        f"medians of {TINY_ROUNDS} each, taking turns, polled every 5 ms, one container of two started ahead",
    )


if __name__ == "__main__":
    main()
