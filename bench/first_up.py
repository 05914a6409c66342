"""The first `up` on an empty data folder: seconds until ready, and the memory of all processes when idle.

To measure an installed package, run it in the repository's folder with that installation's Python.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.report import Row, median, record
from reading_room.cli.running import free_port

READY_AT_MOST, ROUNDS = "5 s", 4
IDLE_SECONDS = 30.0
"""Longer than containers take to start ahead, and the models to be compared."""


def main() -> None:
    """Measure and record."""
    seconds: list[float] = []
    totals: dict[int, list[tuple[float, dict[str, float]]]] = {0: [], 1: []}
    for number in range(ROUNDS):
        # Alternately without containers started ahead, and with the default ones.
        standby = number % 2
        ready, sizes = _first_up(standby)
        seconds.append(ready)
        totals[standby].append((sum(sizes.values()), sizes))
    rows = [
        Row(
            "the first `up` on an empty data folder, until ready",
            f"{median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})",
            READY_AT_MOST,
            f"{ROUNDS} times, each with a new data folder: keys, certificates and database are made",
        )
    ]
    for standby, bar, which in ((0, "250 MB", "no container started ahead"), (1, "400 MB", "the default ones")):
        total, sizes = totals[standby][0]
        parts = ", ".join(f"{name} {size:.0f}" for name, size in sorted(sizes.items(), key=lambda each: -each[1]))
        rows.append(Row(f"idle memory of all processes, {which}", f"{total:.0f} MB", bar, f"PSS: {parts}"))
    record("First up", rows)


def _first_up(standby: int) -> tuple[float, dict[str, float]]:
    """Return the seconds until ready, and the idle memory in MB (10^6) by kind of process."""
    # User ids that no other installation has, by which containers' processes are found.
    first = 1_200_000 + os.getpid() % 500 * 1_000
    with tempfile.TemporaryDirectory() as folder:
        own = {"STATE": f"{folder}/state", "STANDBY": str(standby), "SERVICE_UID": str(first)}
        own |= {"CONTAINER_UID_FIRST": str(first + 1)}
        environment = os.environ | {f"READING_ROOM_{name}": value for name, value in own.items()}
        ports = ["--port", str(free_port()), "--console-port", str(free_port())]
        argv = [sys.executable, "-m", "reading_room", "up", "--data", f"{folder}/data", *ports]
        with Path(folder, "log").open("wb") as log:
            began = time.perf_counter()
            up = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, env=environment, cwd=folder)
        try:
            assert up.stdout is not None
            assert up.stdout.readline().startswith(b"ready "), Path(folder, "log").read_text()
            seconds = time.perf_counter() - began
            time.sleep(IDLE_SECONDS)
            return seconds, _sizes(up.pid, range(first, first + 1_000), folder)
        finally:
            up.send_signal(signal.SIGTERM)
            up.communicate()


def _sizes(up: int, users: range, folder: str) -> dict[str, float]:
    """Return the proportional set size by kind of process: those below ``up``, its containers' and its holder."""
    found: dict[str, float] = {}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if _below(int(process.name), up) or process.stat().st_uid in users or f"{folder}/data" in command:
                rollup = (process / "smaps_rollup").read_text()
                size = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
                kind = _kind(command)
                found[kind] = found.get(kind, 0.0) + size * 1024 / 1e6
        except (OSError, StopIteration):
            continue  # It has ended meanwhile.
    return found


def _below(process: int, above: int) -> bool:
    while process > 1:
        if process == above:
            return True
        process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    return False


def _kind(command: list[str]) -> str:
    if "reading_room.analysis.worker" in command and "bwrap" not in command[0]:
        return command[command.index("--engine") + 1]
    names = {"reading_room.hosts.front.process": "front", "reading_room.containers.reader_process": "reader"}
    names |= {name: name for name in ("serve", "agent", "up")}
    return next((names[word] for word in command if word in names), "holder and launchers")


if __name__ == "__main__":
    main()
