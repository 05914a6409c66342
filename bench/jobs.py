"""Jobs from submission to COMPLETED: tiny ones, cold and started ahead, and a large one against a bare script."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.report import Row, median, record, spread
from reading_room.cli import reading
from reading_room.cli.demo import TEXTS
from reading_room.cli.running import free_port, started

ROUNDS = 10
DOCUMENTS = int(os.environ.get("BENCH_DOCUMENTS", "5000"))
DOCUMENT_BYTES = 2000

BARE = """
import json, sys
from reading_room.analysis.engine import load_engine, one_thread
one_thread()
engine = load_engine(sys.argv[1])
with open(sys.argv[2]) as documents, open(sys.argv[3], "w") as out:
    for result in engine.analyse(line.rstrip("\\n") for line in documents):
        out.write(json.dumps(result) + "\\n")
"""
"""A script without a service, with the same engine, batch sizes and threads."""


def main() -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [*_tiny(Path(folder)), _without_endpoint(Path(folder)), *_large(Path(folder))]
    record("Jobs", rows)


@contextmanager
def library(folder: Path, standby: int) -> Iterator[tuple[reading.Account, str, dict[str, Any]]]:
    """Start a product; yield its account, a bucket, and the common parameters of all jobs' requests.

    Jobs run in one container unless their tag says otherwise: most are compared with one thread of a bare program.
    """
    os.environ["READING_ROOM_STANDBY"] = str(standby)
    os.environ["READING_ROOM_CONTAINERS_PER_JOB"] = "1"
    name = f"library-{standby}-{time.time_ns()}"
    data = folder / name
    with started(data, free_port(), folder / f"{name}.log") as endpoint:
        account = reading.Account(endpoint)
        account.s3.create_bucket(Bucket=name)
        network = reading.build_network(account)
        role = reading.make_reader_role(account, name, name)
        request: dict[str, Any] = {
            "OutputDataConfig": {"S3Uri": f"s3://{name}/out"},
            "DataAccessRoleArn": role,
            "VpcConfig": network.config(),
        }
        yield account, name, request


def _tiny(folder: Path) -> Iterator[Row]:
    for standby, bar in ((0, "0.65 s"), (1, "0.25 s")):
        with library(folder, standby) as (account, bucket, request):
            calls = reading.JobCalls(account, "entities")
            for number, text in enumerate(("Paris is in France.", "Angela Merkel.", "3 May 2021.")):
                account.s3.put_object(Bucket=bucket, Key=f"in/{number}.txt", Body=text.encode())
            times = []
            for _ in range(ROUNDS + 1):
                time.sleep(2.5 if standby else 0.2)  # Time for the next container to be loaded ahead.
                began = time.perf_counter()
                job = calls.start(
                    InputDataConfig={"S3Uri": f"s3://{bucket}/in/", "InputFormat": "ONE_DOC_PER_FILE"}, **request
                )
                until_over(calls, job, 0.005)
                times.append(time.perf_counter() - began)
            what = "three tiny documents, submit to COMPLETED, " + ("started ahead" if standby else "not started ahead")
            yield Row(what, spread(times[1:]), bar, f"{ROUNDS} jobs one after the other, polled every 5 ms")


def _without_endpoint(folder: Path) -> Row:
    with library(folder, 0) as (account, bucket, request):
        calls = reading.JobCalls(account, "entities")
        account.s3.put_object(Bucket=bucket, Key="in/a.txt", Body=b"Paris is in France.")
        vpc = account.ec2.describe_subnets(SubnetIds=request["VpcConfig"]["Subnets"])["Subnets"][0]["VpcId"]
        found = account.ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["VpcEndpoints"]
        endpoints = [endpoint["VpcEndpointId"] for endpoint in found]
        account.ec2.delete_vpc_endpoints(VpcEndpointIds=endpoints)
        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            job = calls.start(InputDataConfig={"S3Uri": f"s3://{bucket}/in/"}, **request)
            while (properties := calls.describe(job))["JobStatus"] not in reading.OVER:
                time.sleep(0.005)
            times.append(time.perf_counter() - began)
            assert properties["JobStatus"] == "FAILED", properties
    what = "a job in a VPC without an endpoint, submit to FAILED with the reason"
    return Row(what, spread(times), "1 s", f"{ROUNDS} jobs one after the other, polled every 5 ms")


def until_over(calls: reading.JobCalls, job: str, pause: float) -> None:
    """Wait until a job is COMPLETED."""
    while True:
        properties = calls.describe(job)
        if properties["JobStatus"] in reading.OVER:
            assert properties["JobStatus"] == "COMPLETED", properties
            return
        time.sleep(pause)


def corpus(count: int) -> list[str]:
    """Return documents of about 2 KB from the demo's texts, one per line."""
    words = " ".join(path.read_text() for path in sorted(TEXTS.glob("*.txt"))).split()
    chooser = random.Random(7)
    documents = []
    for _ in range(count):
        start = chooser.randrange(len(words) - 600)
        documents.append(" ".join(words[start : start + 600])[:DOCUMENT_BYTES])
    return documents


def _large(folder: Path) -> Iterator[Row]:
    rounds = int(os.environ.get("BENCH_LARGE_ROUNDS", "3"))
    yield from against_bare(folder, {"entities": "entities-en"}, DOCUMENTS, rounds, "1.10 ×")


def against_bare(
    folder: Path, engines: dict[str, str], count: int, rounds: int, bar: str, members: Mapping[str, Any] = {}
) -> Iterator[Row]:
    """Yield a row for each kind of job: its time over this many documents against that of its engine in a script.

    ``members`` are further ones of the requests, whose texts are named in the row.
    """
    named = "".join(f", {value}" for value in members.values() if isinstance(value, str))
    text = "\n".join(corpus(count)) + "\n"
    source = folder / "documents.txt"
    source.write_text(text)
    with library(folder, 0) as (account, bucket, request):
        account.s3.put_object(Bucket=bucket, Key="big/documents.txt", Body=text.encode())
        for kind, engine in engines.items():
            calls = reading.JobCalls(account, kind)
            ratios, jobs, bare = [], [], []
            for _ in range(rounds):
                began = time.perf_counter()
                command = [sys.executable, "-c", BARE, engine, str(source), str(folder / "bare.jsonl")]
                subprocess.run(command, check=True)
                bare.append(time.perf_counter() - began)
                began = time.perf_counter()
                source_of = {"InputDataConfig": {"S3Uri": f"s3://{bucket}/big/"}}
                until_over(calls, calls.start(**source_of, **request, **members), 0.2)
                jobs.append(time.perf_counter() - began)
                ratios.append(jobs[-1] / bare[-1])
            yield Row(
                f"{kind}{named}: {count:,} documents of 2 KB, job against the bare engine",
                f"{median(ratios):.2f} × (job {median(jobs):.1f} s, bare {median(bare):.1f} s)",
                bar,
                f"{rounds} interleaved pairs, whole processes, same engine and batch size, container not started ahead",
            )


if __name__ == "__main__":
    main()
