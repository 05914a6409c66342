"""Calls to a model endpoint against the bare model, its units under many clients, and how soon it is there again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from bench.jobs import corpus, library
from bench.programs import artifact_of, trained_classifier
from bench.report import Row, median, record, spread
from reading_room.cli import reading
from reading_room.containers.retries import STEADY_SECONDS

CALLS = int(os.environ.get("BENCH_ENDPOINT_CALLS", "200"))
SECONDS = float(os.environ.get("BENCH_ENDPOINT_SECONDS", "30"))
CLIENTS = 64
ROUNDS = int(os.environ.get("BENCH_ENDPOINT_ROUNDS", "10"))
IDLE = 3.0
"""Seconds without calls after which the model sleeps; no other measurement has such a pause."""
BARE = """
import io, json, sys
from pathlib import Path
from reading_room.analysis.custom.artifact import load_artifact
from reading_room.analysis.custom.classification import CustomClassifier
from reading_room.analysis.custom.classifier_model import KIND, ClassifierModel
from reading_room.analysis.custom.vectors import TextVectors
from reading_room.analysis.engine import one_thread
one_thread()
model = ClassifierModel.from_artifact(load_artifact(io.BytesIO(Path(sys.argv[1]).read_bytes()), KIND))
engine = CustomClassifier(model, TextVectors())
for line in sys.stdin:
    print(json.dumps(next(engine.analyse([json.loads(line)]))), flush=True)
"""
"""The model in a script: a text a line, and its classes a line."""


def main() -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory() as folder:
        record("Model endpoints", list(_rows(Path(folder))))


def _rows(folder: Path) -> Iterator[Row]:
    os.environ["READING_ROOM_ENDPOINTS_IDLE"] = str(IDLE)
    with library(folder, 0) as (account, bucket, request):
        comprehend = account.comprehend
        model = trained_classifier(account, bucket, request)
        began = time.perf_counter()
        made = comprehend.create_endpoint(EndpointName="bench", ModelArn=model, DesiredInferenceUnits=1_000_000)
        endpoint = made["EndpointArn"]
        _until_in_service(comprehend, endpoint)
        created = time.perf_counter() - began
        yield Row("endpoint, from its creation to IN_SERVICE", f"{created:.1f} s", "5 s", "once, polled every 50 ms")
        yield _against_bare(comprehend, endpoint, artifact_of(folder))
        for units in (1, 10):
            yield _throughput(account, endpoint, units)
        comprehend.update_endpoint(EndpointArn=endpoint, DesiredInferenceUnits=1_000_000)
        _until_in_service(comprehend, endpoint)
        yield _woken(comprehend, endpoint, folder)
        yield _killed(comprehend, endpoint, folder)


def _until_in_service(comprehend: Any, endpoint: str) -> None:
    while (found := comprehend.describe_endpoint(EndpointArn=endpoint)["EndpointProperties"])["Status"] != "IN_SERVICE":
        assert found["Status"] != "FAILED", found
        time.sleep(0.05)


def _against_bare(comprehend: Any, endpoint: str, artifact: Path) -> Row:
    texts = [text[:1_000] for text in corpus(CALLS)]
    bare_times, call_times = [], []
    command = [sys.executable, "-c", BARE, str(artifact)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as bare:
        assert bare.stdin is not None
        assert bare.stdout is not None
        for number, text in enumerate(["the first call is not counted", *texts]):
            began = time.perf_counter()
            bare.stdin.write(f"{json.dumps(text)}\n")
            bare.stdin.flush()
            bare.stdout.readline()
            between = time.perf_counter()
            comprehend.classify_document(EndpointArn=endpoint, Text=text)
            if number > 0:
                bare_times.append(between - began)
                call_times.append(time.perf_counter() - between)
        bare.stdin.close()
    ratio = median([call / alone for call, alone in zip(call_times, bare_times, strict=True)])
    more = (median(call_times) - median(bare_times)) * 1000
    return Row(
        "ClassifyDocument through an endpoint, 1 KB, warm, against the bare model in a script",
        f"{ratio:.2f} ×, {more:.1f} ms more ({spread(call_times)}; bare {spread(bare_times)})",
        "1.5 ×, 15 ms",
        f"{CALLS} interleaved pairs of single calls by boto3, one thread each",
    )


def _throughput(account: reading.Account, endpoint: str, units: int) -> Row:
    comprehend = account.comprehend
    comprehend.update_endpoint(EndpointArn=endpoint, DesiredInferenceUnits=units)
    _until_in_service(comprehend, endpoint)
    text, lock = "x" * 20, threading.Lock()
    counted = {"ok": 0, "throttled": 0, "other": 0}
    end = time.perf_counter() + 5 + SECONDS
    begin = end - SECONDS

    def call() -> None:
        own = account.client("comprehend", attempts=1)
        while (now := time.perf_counter()) < end:
            try:
                own.classify_document(EndpointArn=endpoint, Text=text)
                outcome = "ok"
            except ClientError as error:
                outcome = "throttled" if error.response["Error"]["Code"] == "ThrottlingException" else "other"
            if now >= begin:
                with lock:
                    counted[outcome] += 1
            time.sleep(0.05 if outcome == "throttled" else 0)

    threads = [threading.Thread(target=call) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = counted["ok"] * len(text) / SECONDS
    return Row(
        f"throughput of {units} units under {CLIENTS} clients",
        f"{rate:.1f} characters a second; {counted['throttled']:,} calls throttled, {counted['other']} other errors",
        f"{units * 100} ± 5 %",
        f"texts of {len(text)} characters for {SECONDS:.0f} s, from the fifth second on",
    )


def _woken(comprehend: Any, endpoint: str, folder: Path) -> Row:
    times = []
    for _ in range(ROUNDS):
        while _containers(folder):
            time.sleep(0.1)
        times.append(_timed(comprehend, endpoint))
    return Row(
        "the first call to an endpoint that sleeps",
        spread(times),
        "1,000 ms",
        f"{ROUNDS} times, once its container has ended",
    )


def _killed(comprehend: Any, endpoint: str, folder: Path) -> Row:
    times = []
    for _ in range(ROUNDS):
        # One that dies sooner counts as a failed start, and the next one waits.
        serving = time.monotonic() + 2 * STEADY_SECONDS
        while time.monotonic() < serving:
            _timed(comprehend, endpoint)
        for process in _containers(folder):
            os.kill(process, signal.SIGKILL)
        times.append(_timed(comprehend, endpoint))
    return Row(
        "the call after kill -9 of the container",
        spread(times),
        "2,000 ms",
        f"{ROUNDS} times, each after {2 * STEADY_SECONDS:.0f} s of calls",
    )


def _timed(comprehend: Any, endpoint: str) -> float:
    """Return the seconds of a call."""
    began = time.perf_counter()
    comprehend.classify_document(EndpointArn=endpoint, Text="Where is my parcel?")
    return time.perf_counter() - began


def _containers(folder: Path) -> list[int]:
    """Return the processes that answer calls with the model: those of the engine that the product's agent started."""
    parents: dict[int, int] = {}
    workers, agents = [], set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            argv = (path / "cmdline").read_bytes().decode(errors="replace").split("\0")
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # It has ended.
        if "agent" in argv and any(word.startswith(str(folder)) for word in argv):
            agents.add(int(path.name))
        elif argv[1:3] == ["-I", "-m"] and "classification" in argv:
            workers.append(int(path.name))

    def of_agent(process: int) -> bool:
        return process in agents or (process > 1 and of_agent(parents.get(process, 0)))

    return [worker for worker in workers if of_agent(worker)]


if __name__ == "__main__":
    main()
