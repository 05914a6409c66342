"""Leader: the time from ``kill -9`` of the ``serve`` that leads until the next one moves a job that waits.

Two ``serve`` share a database in PostgreSQL, and are killed in turn.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bench.report import Row, record, spread
from tests.worlds.place import Place
from tests.worlds.two_servers import Patient, TwoServers, two_servers

ROUNDS = int(os.environ.get("BENCH_LEADER_ROUNDS", "10"))
LOOK_SECONDS = 0.02


def main() -> None:
    """Measure and record."""
    leads: list[float] = []
    moves: list[float] = []
    with tempfile.TemporaryDirectory() as folder, two_servers(Path(folder)) as two:
        accounts = [
            Patient(replace(two.first.endpoint(), url=f"http://127.0.0.1:{port}"))
            for port in (two.first.port, two.port)
        ]
        place = Place(two.first)
        place.put("in/", 3)
        for number in range(ROUNDS):
            killed, other = number % 2, 1 - number % 2
            place.account = accounts[other]
            began = time.perf_counter()
            _kill(two, killed)
            job = place.start("in/")
            while not two.leads((two.first.port, two.port)[other]):
                time.sleep(LOOK_SECONDS)
            leads.append(time.perf_counter() - began)
            while place.describe(job)["JobStatus"] == "SUBMITTED":
                time.sleep(LOOK_SECONDS)
            moves.append(time.perf_counter() - began)
            while place.describe(job)["JobStatus"] != "COMPLETED":
                time.sleep(LOOK_SECONDS)
            if killed:
                two.start_second()
            else:
                two.resume_first()
    how = f"{ROUNDS} times, two processes in turn; a job is started after the kill"
    record(
        "Leader",
        [
            Row("Leader killed, until another process leads", spread(leads, "s", 1.0), "reported", how),
            Row("Leader killed, until the next job moves", spread(moves, "s", 1.0), "at most 5 s", how),
        ],
    )


def _kill(two: TwoServers, which: int) -> None:
    if which == 0:
        two.kill_first()
    else:
        two.kill_second()
