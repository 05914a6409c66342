"""Many tiny jobs submitted at once: their rates and processor time, other calls meanwhile, and the memory."""

from __future__ import annotations

import multiprocessing
import os
import resource
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Literal

from bench.jobs import library
from bench.processor import Group, counted, used
from bench.report import Row, median, record
from reading_room.cli import reading
from reading_room.cli.running import Endpoint

JOBS = int(os.environ.get("BENCH_MANY_JOBS", "1000"))
CLIENTS = 8
KIND = "dominant-language"
TEXT = "Le chat dort.\nThe cat sleeps.\nDie Katze schläft.\n"
DESCRIBE_SECONDS = 0.1
PATIENCE_SECONDS = 3600.0


def main() -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory() as folder, counted() as group:
        record("Many jobs", _measured(Path(folder), group))


def _measured(folder: Path, group: Group) -> list[Row]:
    with library(folder, 1) as (account, bucket, request):
        account.s3.put_object(Bucket=bucket, Key="in/three.txt", Body=TEXT.encode())
        request["InputDataConfig"] = {"S3Uri": f"s3://{bucket}/in/", "InputFormat": "ONE_DOC_PER_LINE"}
        calls = reading.JobCalls(account, KIND)
        calls.wait(calls.start(**request))
        data = account.endpoint.data
        everything, here, before = group.seconds(), time.process_time(), used(data)
        began = time.perf_counter()
        jobs = _submit(account, request)
        accepted = time.perf_counter() - began
        context = multiprocessing.get_context("spawn")
        over, answers = context.Event(), context.SimpleQueue()
        describer = context.Process(target=_describe, args=(account.endpoint, jobs[-1], over, answers))
        describer.start()
        states = _wait(account, began)
        done = time.perf_counter() - began
        over.set()
        times: list[float] = answers.get()
        describer.join()
        memory = _peak(str(data))
        after = used(data)
        clients = time.process_time() - here + _children()
        parts = {name: after[name] - before[name] for name in after}
        everything = group.seconds() - everything - clients
    wrong = sorted({states.get(job, "missing") for job in jobs} - {"COMPLETED"})
    return [
        Row(
            f"{JOBS:,} tiny jobs submitted at once, all accepted",
            f"{accepted:.1f} s",
            "20 s",
            f"{KIND}, {CLIENTS} clients in one other process, {len(TEXT)} bytes of input each",
        ),
        Row(
            "the same, all done",
            f"{done:.0f} s ({JOBS / done:.1f} a second), {'; '.join(wrong) or 'every one COMPLETED'}",
            "200 s, none failed",
            "from the first submission; each in a container behind an interface of its own",
        ),
        Row(
            "the same: processor time of a job",
            f"{1000 * everything / JOBS:.0f} ms",
            f"{200 * (os.cpu_count() or 1)} ms on {os.cpu_count()} processors",
            "; ".join(f"{name} {1000 * seconds / JOBS:.0f}" for name, seconds in sorted(parts.items()))
            + f"; containers and fronts {1000 * (everything - sum(parts.values())) / JOBS:.0f}; without the clients",
        ),
        Row(
            "Describe meanwhile, median",
            f"{median(times) * 1000:.1f} ms (95 of 100 under {sorted(times)[int(len(times) * 0.95)] * 1000:.1f} ms)",
            "20 ms",
            f"{len(times):,} calls {DESCRIBE_SECONDS:g} s apart, boto3 in a process of its own",
        ),
        Row("serve, most memory until then", f"{memory:.0f} MB", "300 MB", "resident (VmHWM), the whole run"),
    ]


def _submit(account: reading.Account, request: dict[str, Any]) -> list[str]:
    clients = [reading.JobCalls(reading.Account(account.endpoint), KIND) for _ in range(CLIENTS)]

    def submit(number: int) -> list[str]:
        return [clients[number].start(**request) for _ in range(number, JOBS, CLIENTS)]

    with ThreadPoolExecutor(CLIENTS) as pool:
        return [job for jobs in pool.map(submit, range(CLIENTS)) for job in jobs]


def _describe(endpoint: Endpoint, job: str, over: Event, answers: Any) -> None:
    calls = reading.JobCalls(reading.Account(endpoint), KIND)
    calls.describe(job)
    times = []
    while True:
        began = time.perf_counter()
        calls.describe(job)
        times.append(time.perf_counter() - began)
        if over.wait(DESCRIBE_SECONDS):
            break
    answers.put(times)


def _wait(account: reading.Account, began: float) -> dict[str, str]:
    """Wait until no job waits or runs; return the state of each."""
    list_some = account.comprehend.list_dominant_language_detection_jobs
    member: Literal["DominantLanguageDetectionJobPropertiesList"] = "DominantLanguageDetectionJobPropertiesList"
    while time.perf_counter() - began < PATIENCE_SECONDS:
        if not any(
            list_some(Filter={"JobStatus": state}, MaxResults=1)[member] for state in ("SUBMITTED", "IN_PROGRESS")
        ):
            break
        time.sleep(0.5)
    pages = account.comprehend.get_paginator("list_dominant_language_detection_jobs").paginate()
    return {str(job["JobId"]): str(job["JobStatus"]) for page in pages for job in page[member]}


def _children() -> float:
    """Return the processor time of the processes that this one has started and that have ended: the describer's."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def _peak(data: str) -> float:
    """Return the peak memory of a data folder's ``serve``, in MB (10^6)."""
    for process in Path("/proc").iterdir():
        try:
            argv = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if process.name.isdigit() and "serve" in argv and data in argv:
                status = (process / "status").read_text()
                peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
                return int(peak.split()[1]) * 1024 / 1e6
        except OSError:
            continue
    raise RuntimeError(f"no serve of {data} runs")


if __name__ == "__main__":
    main()
