"""A folder after years: its start, and lists and descriptions of jobs, with many old jobs and objects.

``BENCH_YEARS_JOBS`` and ``BENCH_YEARS_OBJECTS`` say how many. The rows are written directly, by the product's own code
and by SQL, while the product is stopped.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.jobs import corpus
from bench.processor import used
from bench.report import Row, median, record, spread
from reading_room.cli import reading
from reading_room.cli.running import free_port, started

JOBS = int(os.environ.get("BENCH_YEARS_JOBS", "100000"))
OBJECTS = int(os.environ.get("BENCH_YEARS_OBJECTS", "1000000"))
STARTS, CALLS = 5, 60
RUNNING = 4
RUNNING_AT_START = 100
KIND = "dominant-language"


def main() -> None:
    """Measure and record."""
    os.environ |= {"READING_ROOM_STANDBY": "0", "READING_ROOM_CONTAINERS_PER_JOB": "1"}
    with tempfile.TemporaryDirectory() as folder:
        record("After years", _measured(Path(folder)))


def _measured(folder: Path) -> list[Row]:
    data, log = folder / "data", folder / "log"
    empty: list[tuple[float, float]] = []
    with started(data, free_port(), log) as endpoint:
        account = reading.Account(endpoint)
        account.s3.create_bucket(Bucket="years")
        account.s3.put_object(Bucket="years", Key="in/one.txt", Body=b"The cat sleeps.")
        account.s3.put_object(Bucket="years", Key="long/texts.txt", Body="\n".join(corpus(20_000)).encode())
        network = reading.build_network(account)
        request: dict[str, Any] = {
            "OutputDataConfig": {"S3Uri": "s3://years/out"},
            "DataAccessRoleArn": reading.make_reader_role(account, "years", "years"),
            "VpcConfig": network.config(),
        }
        calls = reading.JobCalls(account, KIND)
        calls.wait(calls.start(InputDataConfig={"S3Uri": "s3://years/in/"}, **request))
    for _ in range(STARTS):
        empty.append(_start(data, log))
    _seed("jobs", str(data), str(JOBS))
    _seed("copies", str(data), "years", "in/one.txt", str(OBJECTS))
    full = [_start(data, log) for _ in range(STARTS)]
    (data / "objects" / "swept").unlink()
    after_a_crash = _start(data, log)
    how = f"{JOBS:,} ended jobs, {OBJECTS:,} small objects; `up` until its line `ready`, {STARTS} starts each"
    with started(data, free_port(), log) as endpoint:
        account = reading.Account(endpoint)
        idle = _calls(account)
        calls = reading.JobCalls(account, KIND)
        jobs = [calls.start(InputDataConfig={"S3Uri": "s3://years/long/"}, **request) for _ in range(RUNNING)]
        while any(calls.describe(job)["JobStatus"] == "SUBMITTED" for job in jobs):
            time.sleep(0.05)
        busy = _calls(account)
        for job in jobs:
            calls.stop(job)
    # Last, because these jobs begin again at each later start.
    _seed("running", str(data), str(RUNNING_AT_START))
    os.environ["READING_ROOM_JOBS_AT_ONCE"] = str(RUNNING_AT_START)
    with_running = _start(data, log)
    return [
        Row("start of `up`, empty folder", _shown(empty), "reported", how),
        Row("start of `up`, full folder", _shown(full), "3 s", how),
        Row("the same after a crash", _shown([after_a_crash]), "reported", "once; the sweep runs in the background"),
        Row(
            f"the same with {RUNNING_AT_START} running jobs",
            _shown([with_running]),
            "3 s",
            "once; their containers are gone, and are started again in the background",
        ),
        *(
            Row(
                f"{name}: p95, and while {RUNNING} jobs run",
                f"{_p95(idle[name]):.1f} ms, {_p95(busy[name]):.1f} ms",
                "50 ms",
                f"{CALLS} calls by boto3, one client; medians {median(idle[name]):.1f}, {median(busy[name]):.1f} ms",
            )
            for name in idle
        ),
    ]


def _start(data: Path, log: Path) -> tuple[float, float]:
    """Return the seconds until ready, and the processor time of all processes until then."""
    began = time.perf_counter()
    with started(data, free_port(), log):
        return time.perf_counter() - began, sum(used(data).values())


def _shown(starts: list[tuple[float, float]]) -> str:
    processor = median([seconds for _, seconds in starts])
    return f"{spread([seconds for seconds, _ in starts], 's', 1)}, {processor:.2f} s of the processor's"


def _seed(*arguments: str) -> None:
    """Write rows as the server's user, in a process of its own. SQLite's temporary files go to the data folder."""
    environment = os.environ | {"SQLITE_TMPDIR": arguments[1]}
    subprocess.run([sys.executable, "-m", "bench.console_seed", *arguments], check=True, env=environment)


def _p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


def _calls(account: reading.Account) -> dict[str, list[float]]:
    """Return the milliseconds of each call, by what it is."""
    client = account.comprehend
    listed: Any = client.list_dominant_language_detection_jobs
    first = listed()
    middle = first["DominantLanguageDetectionJobPropertiesList"][-1]
    job, at, name = middle["JobId"], middle["SubmitTime"], middle["JobName"]

    def filtered(**criterion: Any) -> Callable[[], Any]:
        return lambda: listed(Filter=criterion)

    calls: dict[str, Callable[[], Any]] = {
        "Describe": lambda: client.describe_dominant_language_detection_job(JobId=job),
        "List": listed,
        "List, next page": lambda: listed(NextToken=first["NextToken"]),
        "List by JobName": filtered(JobName=name),
        "List by SubmitTimeBefore": filtered(SubmitTimeBefore=at),
        "List by SubmitTimeAfter": filtered(SubmitTimeAfter=at),
        **{
            f"List by JobStatus {status}": filtered(JobStatus=status)
            for status in ("SUBMITTED", "IN_PROGRESS", "COMPLETED", "FAILED", "STOP_REQUESTED", "STOPPED")
        },
    }
    found = {}
    for what, call in calls.items():
        call()
        times = []
        for _ in range(CALLS):
            began = time.perf_counter()
            call()
            times.append((time.perf_counter() - began) * 1000)
        found[what] = times
    return found


if __name__ == "__main__":
    main()
