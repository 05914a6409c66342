"""Backups beside `cp -a` while a job runs: the throughput, the effect on the job, and a second backup.

``BENCH_BACKUP_MB`` is the size of the objects in MB, 10,000 by default; ``BENCH_BACKUP_ROUNDS`` the number of rounds.
Each round copies all objects with ``cp -a`` and backs the whole data folder up, each while the same job runs.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.jobs import library
from bench.report import Row, median, record, spread
from reading_room.cli import reading

SIZE = int(os.environ.get("BENCH_BACKUP_MB", "10000")) * 1_000_000
ROUNDS = int(os.environ.get("BENCH_BACKUP_ROUNDS", "3"))
OBJECT = 50_000_000
DOCUMENT = "Marie Curie was born in Warsaw and moved to Paris to study.\n"
BYTES_FOR_A_DOCUMENT = 120_000
"""A job has one document for this many bytes of objects, so that it takes about as long as a backup."""


def main() -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with library(folder, 0) as (account, bucket, request):
            rows = _measured(folder, account, bucket, request)
    record("Backup", rows)


def _measured(folder: Path, account: reading.Account, bucket: str, request: dict[str, Any]) -> list[Row]:
    for number in range(-(-SIZE // OBJECT)):
        account.s3.put_object(Bucket=bucket, Key=f"objects/{number}", Body=os.urandom(min(OBJECT, SIZE)))
    documents = SIZE // BYTES_FOR_A_DOCUMENT
    account.s3.put_object(Bucket=bucket, Key="in/a.txt", Body=(DOCUMENT * documents).encode())
    calls = reading.JobCalls(account, "entities")
    data = account.endpoint.data

    used: dict[str, list[float]] = {"copy": [], "backup": []}
    """Processor seconds of the commands."""

    def run(argv: list[str], of: str) -> None:
        before = _processor_seconds()
        subprocess.run(argv, check=True, stderr=subprocess.DEVNULL)
        used[of].append(_processor_seconds() - before)

    def job_beside(work: Callable[[], None]) -> tuple[float, float]:
        """Run a job and the work beside it; return how long each took."""
        began = time.perf_counter()
        job = calls.start(InputDataConfig={"S3Uri": f"s3://{bucket}/in/", "InputFormat": "ONE_DOC_PER_LINE"}, **request)
        while calls.describe(job)["JobStatus"] == "SUBMITTED":
            time.sleep(0.01)
        started = time.perf_counter()
        work()
        took = time.perf_counter() - started
        found = calls.wait(job)
        assert found["JobStatus"] == "COMPLETED", found
        return time.perf_counter() - began, took

    def copy() -> None:
        run(["cp", "-a", str(data / "objects"), str(folder / "copy")], "copy")

    def copy_and_sync() -> None:
        copy()
        subprocess.run(["sync", "-f", str(folder / "copy")], check=True)

    def back_up() -> None:
        argv = [sys.executable, "-m", "reading_room", "backup", str(folder / "backup"), "--data", str(data)]
        run(argv, "backup")

    times: dict[str, list[float]] = {name: [] for name in ("alone", "beside", "plain", "synced", "first", "second")}
    alone, beside, plain, synced, first, second = times.values()
    job_beside(lambda: None)
    for _ in range(ROUNDS):
        alone.append(job_beside(lambda: None)[0])
        plain.append(job_beside(copy)[1])
        shutil.rmtree(folder / "copy")
        synced.append(job_beside(copy_and_sync)[1])
        shutil.rmtree(folder / "copy")
        slowed, took = job_beside(back_up)
        beside.append(slowed)
        first.append(took)
        second.append(job_beside(back_up)[1])
        shutil.rmtree(folder / "backup")
    size = f"{SIZE / 1e9:g} GB in objects of {OBJECT // 1_000_000} MB, {ROUNDS} rounds, each while a job runs"
    return [
        Row(
            "a backup: throughput against `cp -a`",
            f"{median(plain) / median(first):.2f} ×",
            "0.7 ×",
            f"{size}; whole commands; {SIZE / median(first) / 1e6:.0f} MB/s ({spread(first, 's', 1)}) against "
            f"{SIZE / median(plain) / 1e6:.0f} MB/s ({spread(plain, 's', 1)}); "
            f"{median(used['backup'][::2]):.1f} s of a processor against {median(used['copy']):.1f} s",
        ),
        Row(
            "the same against `cp -a` and `sync -f`",
            f"{median(synced) / median(first):.2f} ×",
            "reported",
            f"a backup is on the disk at its end, and `cp -a` leaves what fits in memory unwritten; "
            f"{spread(synced, 's', 1)}",
        ),
        Row(
            "a job beside a backup: time against the job alone",
            f"{median(beside) / median(alone):.2f} ×",
            "1.15 ×",
            f"entities of {documents:,} documents; {spread(beside, 's', 1)} against {spread(alone, 's', 1)}",
        ),
        Row(
            "a second backup to the same folder: time against the first",
            f"1/{median(first) / median(second):.0f}",
            "1/20",
            f"{spread(second, 's', 1)}, {median(used['backup'][1::2]):.1f} s of a processor, mostly for the start",
        ),
    ]


def _processor_seconds() -> float:
    """Return what the children that have ended used."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime
