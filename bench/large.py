"""Large jobs, run by hand: a worker's memory over time, and topics over many documents.

``BENCH_LARGE`` names what to run, separated by commas: entities, language, topics-20000, topics-100000.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.jobs import corpus, library
from bench.report import Row, record
from reading_room.cli import reading
from reading_room.cli.demo import TEXTS

MEBIBYTE = 1 << 20
PARTS = (0.10, 0.50, 1.00)
RUNS = ("entities", "language", "topics-20000", "topics-100000")


def main() -> None:
    """Measure and record."""
    wanted = os.environ.get("BENCH_LARGE", ",".join(RUNS)).split(",")
    with tempfile.TemporaryDirectory() as folder, library(Path(folder), 0) as (account, bucket, request):
        rows: list[Row] = []
        for run in wanted:
            match run.split("-"):
                case ["entities"]:
                    rows += _memory(account, bucket, request, "entities", 40, "under 700 MB, within 5 %")
                case ["language"]:
                    rows += _memory(account, bucket, request, "dominant-language", 1024, "200 MB, within 5 %")
                case ["topics", count]:
                    rows += _topics(account, bucket, request, int(count))
                case _:
                    raise SystemExit(f"BENCH_LARGE={run}: expected one of {', '.join(RUNS)}")
    record("Large jobs", rows)


def _memory(
    account: reading.Account, bucket: str, request: dict[str, Any], kind: str, mebibytes: int, bar: str
) -> Iterator[Row]:
    """Run one job over this many MiB, one document per line, and sample its worker's memory."""
    part = ("\n".join(corpus(5 * MEBIBYTE // 2000)) + "\n").encode()
    for number in range(mebibytes // 5):
        account.s3.put_object(Bucket=bucket, Key=f"{kind}/{number:04}.txt", Body=part)
    calls = reading.JobCalls(account, kind)
    began = time.perf_counter()
    job = calls.start(InputDataConfig={"S3Uri": f"s3://{bucket}/{kind}/"}, **request)
    samples = _watched(lambda: calls.describe(job)["JobStatus"])
    took = time.perf_counter() - began
    at = [samples[min(len(samples) - 1, int(len(samples) * share))] for share in PARTS]
    figures = ", ".join(f"{size:.0f} MB at {share:.0%}" for share, size in zip(PARTS, at, strict=True))
    yield Row(
        f"{kind}: a worker's memory over {mebibytes} MiB, one document of 2 KB a line",
        f"{figures}; {max(samples):.0f} MB at most; {took:.0f} s",
        bar,
        f"PSS of the worker, {len(samples)} looks evenly over the job's time",
    )


def _topics(account: reading.Account, bucket: str, request: dict[str, Any], count: int) -> Iterator[Row]:
    text = "\n".join(_short(count)) + "\n"
    prefix = f"topics-{count}"
    parts = text.encode().split(b"\n")[:-1]
    for number in range(0, len(parts), 20_000):
        body = b"\n".join(parts[number : number + 20_000]) + b"\n"
        account.s3.put_object(Bucket=bucket, Key=f"{prefix}/{number:07}.txt", Body=body)
    calls = reading.JobCalls(account, "topics")
    began = time.perf_counter()
    job = calls.start(InputDataConfig={"S3Uri": f"s3://{bucket}/{prefix}/"}, NumberOfTopics=10, **request)
    samples = _watched(lambda: calls.describe(job)["JobStatus"])
    took = time.perf_counter() - began
    yield Row(
        f"topics: {count:,} documents of 1 KB, ten topics",
        f"{took:.0f} s; worker at most {max(samples):.0f} MB",
        "180 s" if count <= 20_000 else "linear or better, 2 GB",
        "once, container not started ahead",
    )


def _watched(status: Callable[[], str]) -> list[float]:
    """Return the worker's memory in MB (10^6) for each second until its job is COMPLETED."""
    samples: list[float] = []
    while (now := status()) != "COMPLETED":
        assert now in ("SUBMITTED", "IN_PROGRESS"), now
        if size := _worker():
            samples.append(size)
        time.sleep(1)
    assert samples, "the job ended before its worker was seen"
    return samples


def _worker() -> float:
    total = 0
    for process in Path("/proc").iterdir():
        try:
            argv = (process / "cmdline").read_bytes().split(b"\0") if process.name.isdigit() else []
            ours = argv and argv[0].startswith(os.fsencode(sys.prefix))
            if ours and b"reading_room.analysis.worker" in argv:
                rollup = (process / "smaps_rollup").read_text()
                total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue
    return total * 1024 / 1e6


def _short(count: int) -> Iterator[str]:
    """Yield documents of about 1 KB from the demo's texts."""
    words = " ".join(path.read_text() for path in sorted(TEXTS.glob("*.txt"))).split()
    chooser = random.Random(7)
    for _ in range(count):
        start = chooser.randrange(len(words) - 300)
        yield " ".join(words[start : start + 300])[:1000]


if __name__ == "__main__":
    main()
