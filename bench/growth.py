"""Growth of times with documents, jobs, interfaces and objects: run by hand, for up to half an hour each.

``BENCH_GROWTH`` names what to run, separated by commas; ``BENCH_GROWTH_SECONDS`` limits each. A size that, judging by
the previous one, would exceed the remaining time is not tried, and the page says so. The figures go to
docs/growth.md, from which ``make docs`` draws.
"""

from __future__ import annotations

import datetime as dt
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.distributed import CONTAINERS, in_containers
from bench.jobs import corpus, library, until_over
from bench.quality.page import replaced
from bench.report import Row, machine, record
from reading_room.cli import reading

PAGE = Path(__file__).parents[1] / "docs" / "growth.md"
SECONDS = float(os.environ.get("BENCH_GROWTH_SECONDS", "1800"))
LINEAR = 1.05
"""The exponent up to which growth counts as linear, because times of a shared machine are not exact."""
CALLERS = 8

Points = list[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Growth:
    """One plot: what is counted and timed, the sizes, and the measurement of a size within a product."""

    counted: str
    timed: str
    sizes: tuple[int, ...]
    measure: Callable[[reading.Account, str, dict[str, Any], int], float]


def main() -> None:
    """Measure and record."""
    wanted = os.environ.get("BENCH_GROWTH", ",".join(GROWTHS)).split(",")
    if unknown := set(wanted) - set(GROWTHS):
        raise SystemExit(f"BENCH_GROWTH: {', '.join(sorted(unknown))}: expected some of {', '.join(GROWTHS)}")
    rows = []
    for name in wanted:
        growth = GROWTHS[name]
        points = _points(growth)
        page = PAGE.read_text()
        PAGE.write_text(replaced(page, name, _section(growth, points)))
        rows.append(_row(growth, points))
    record("Growth", rows)


def _points(growth: Growth) -> Points:
    with tempfile.TemporaryDirectory() as folder, library(Path(folder), 1) as (account, bucket, request):
        reading.open_to_itself(account, request["VpcConfig"]["SecurityGroupIds"][0])
        began = time.monotonic()
        points: Points = []
        for size in growth.sizes:
            left = SECONDS - (time.monotonic() - began)
            if points and points[-1][1] / points[-1][0] * size > left:
                break
            points.append((size, growth.measure(account, bucket, request, size)))
    return points


def exponent(points: Sequence[tuple[int, float]]) -> float:
    """Return the slope of the line that best fits the logarithms: 1 is linear, 2 quadratic."""
    xs = [math.log(size) for size, _ in points]
    ys = [math.log(seconds) for _, seconds in points]
    middle = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - middle[0]) ** 2 for x in xs)
    return sum((x - middle[0]) * (y - middle[1]) for x, y in zip(xs, ys, strict=True)) / spread if spread else 0.0


def _row(growth: Growth, points: Points) -> Row:
    (first, short), (last, long) = points[0], points[-1]
    return Row(
        f"growth with {growth.counted}: {growth.timed}",
        f"exponent {exponent(points):.2f} ({first:,} in {short:.1f} s, {last:,} in {long:.1f} s)",
        f"linear or better (up to {LINEAR})",
        f"{len(points)} sizes, one after the other in one product; docs/growth.md has them all",
    )


def _section(growth: Growth, points: Points) -> str:
    lines = [f"| {growth.counted} | seconds | for each 1,000 |", "|---|---|---|"]
    lines += [f"| {size:,} | {seconds:.1f} | {seconds / size * 1000:.2f} |" for size, seconds in points]
    left_out = [f"{size:,}" for size in growth.sizes[len(points) :]]
    fits = f"it would not fit {SECONDS / 60:.0f} minutes"
    note = f" Not tried, because {fits}: {', '.join(left_out)}." if left_out else ""
    verdict = f"Exponent {exponent(points):.2f}, where 1 is linear.{note}"
    return "\n".join([*lines, "", f"{verdict} Measured on {dt.datetime.now(dt.UTC):%Y-%m-%d}; {machine()}."])


def _documents(account: reading.Account, bucket: str, request: dict[str, Any], size: int) -> float:
    """Time an entities job of two containers over this many documents of 2 KB, 5,000 per object."""
    texts = list(_in_pieces(corpus(size), 5000))
    for number, piece in enumerate(texts):
        account.s3.put_object(Bucket=bucket, Key=f"documents-{size}/{number:04}.txt", Body=_lines(piece))
    calls = reading.JobCalls(account, "entities")
    began = time.perf_counter()
    where = {"S3Uri": f"s3://{bucket}/documents-{size}/"}
    until_over(calls, calls.start(InputDataConfig=where, **request, **in_containers(CONTAINERS)), 0.2)
    return time.perf_counter() - began


def _jobs(account: reading.Account, bucket: str, request: dict[str, Any], size: int) -> float:
    """Time this many tiny language jobs, submitted at once, until the last of them is COMPLETED."""
    account.s3.put_object(Bucket=bucket, Key="tiny/a.txt", Body=b"The quick brown fox jumps over the lazy dog.\n")
    calls = reading.JobCalls(account, "dominant-language")
    list_jobs = account.comprehend.list_dominant_language_detection_jobs
    where = {"S3Uri": f"s3://{bucket}/tiny/"}

    def unfinished() -> bool:
        return any(
            list_jobs(Filter={"JobStatus": status}, MaxResults=1)["DominantLanguageDetectionJobPropertiesList"]
            for status in ("SUBMITTED", "IN_PROGRESS")
        )

    began = time.perf_counter()
    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(lambda _: calls.start(InputDataConfig=where, **request), range(size)))
    while unfinished():
        time.sleep(0.5)
    took = time.perf_counter() - began
    failed = list_jobs(Filter={"JobStatus": "FAILED"}, MaxResults=1)["DominantLanguageDetectionJobPropertiesList"]
    assert not failed, failed
    return took


def _interfaces(account: reading.Account, bucket: str, request: dict[str, Any], size: int) -> float:
    """Time making this many interfaces in one group of a separate VPC, and a job of two containers beside them.

    The job's containers start only when the kernel has everything that was requested before.
    """
    network = reading.build_network(account, "10.1.0.0/16")
    reading.open_to_itself(account, network.group)
    subnet = account.ec2.create_subnet(VpcId=network.vpc, CidrBlock="10.1.128.0/17")["Subnet"]["SubnetId"]
    account.s3.put_object(Bucket=bucket, Key="tiny/a.txt", Body=b"Paris is in France.\n")
    calls = reading.JobCalls(account, "entities")

    def make(_: int) -> str:
        made = account.ec2.create_network_interface(SubnetId=subnet, Groups=[network.group])
        return made["NetworkInterface"]["NetworkInterfaceId"]

    began = time.perf_counter()
    with ThreadPoolExecutor(CALLERS) as callers:
        interfaces = list(callers.map(make, range(size)))
    where = {"InputDataConfig": {"S3Uri": f"s3://{bucket}/tiny/"}, "VpcConfig": network.config()}
    until_over(calls, calls.start(**(request | where), **in_containers(CONTAINERS)), 0.05)
    took = time.perf_counter() - began
    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(lambda each: account.ec2.delete_network_interface(NetworkInterfaceId=each), interfaces))
    return took


def _objects(account: reading.Account, bucket: str, request: dict[str, Any], size: int) -> float:
    """Time a language job over this many objects of one short document each."""

    def put(number: int) -> None:
        body = f"Document {number} says that it is rather short.".encode()
        account.s3.put_object(Bucket=bucket, Key=f"objects-{size}/{number:06}.txt", Body=body)

    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(put, range(size)))
    calls = reading.JobCalls(account, "dominant-language")
    began = time.perf_counter()
    where = {"S3Uri": f"s3://{bucket}/objects-{size}/", "InputFormat": "ONE_DOC_PER_FILE"}
    until_over(calls, calls.start(InputDataConfig=where, **request, **in_containers(1)), 0.1)
    return time.perf_counter() - began


def _in_pieces(texts: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), size):
        yield texts[start : start + size]


def _lines(texts: Sequence[str]) -> bytes:
    return ("\n".join(texts) + "\n").encode()


GROWTHS = {
    "documents": Growth(
        "documents",
        "an entities job of two containers, submit to COMPLETED",
        (6_000, 12_000, 30_000, 60_000),
        _documents,
    ),
    "jobs": Growth(
        "jobs",
        "tiny language jobs submitted at once, until the last is COMPLETED",
        (100, 300, 1_000, 3_000, 10_000),
        _jobs,
    ),
    "interfaces": Growth(
        "interfaces",
        "interfaces made in one group, until a job beside them is COMPLETED",
        (300, 1_000, 3_000, 4_900),
        _interfaces,
    ),
    "objects": Growth(
        "objects",
        "a language job over objects of one document, submit to COMPLETED",
        (1_000, 3_000, 10_000, 30_000),
        _objects,
    ),
}


if __name__ == "__main__":
    main()
