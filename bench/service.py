"""The service, idle and with one client: DescribeVpcs per second, memory, and the demo's second run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.report import Row, median, record
from reading_room.cli import reading
from reading_room.cli.running import free_port, started


def main() -> None:
    """Measure and record."""
    rows = [*_service()]
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "reading_room", "demo"], check=True, stdout=subprocess.DEVNULL)
    rows.append(Row("the demo, second run", f"{time.perf_counter() - began:.1f} s", "60 s", "whole process, once"))
    record("Service", rows)


def _service() -> Iterator[Row]:
    os.environ["READING_ROOM_STANDBY"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with started(data, free_port(), Path(folder) / "log") as endpoint:
            account = reading.Account(endpoint)
            rates = []
            for _ in range(7):
                began = time.perf_counter()
                for _ in range(200):
                    account.ec2.describe_vpcs()
                rates.append(200 / (time.perf_counter() - began))
            yield Row(
                "DescribeVpcs over HTTP, one client",
                f"{median(rates):.0f} a second",
                "200 a second",
                "boto3 in another process, 7 × 200 calls; the client's own work is included",
            )
            time.sleep(5)
            found = _memory(str(data))
            ours = sum(found[name] for name in ("serve", "agent"))
            yield Row("memory of serve + agent, idle", f"{ours:.0f} MB", "200 MB", "PSS, containers not counted")
            yield Row(
                "memory of the containers started ahead",
                f"{found['workers']:.0f} MB",
                "reported",
                "PSS of every process in a container, one container per engine",
            )


def _memory(data: str) -> dict[str, float]:
    """Return the proportional set size in MB (10^6) by kind of process."""
    totals = {"serve": 0.0, "agent": 0.0, "workers": 0.0}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            argv = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            rollup = (process / "smaps_rollup").read_text()
        except (OSError, ProcessLookupError):
            continue
        kind = _kind(argv, data)
        if kind:
            size = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
            totals[kind] += int(size.split()[1]) * 1024 / 1e6
    return totals


def _kind(argv: list[str], data: str) -> str:
    if "reading_room.analysis.worker" in argv and "bwrap" not in argv[0]:
        return "workers"
    for name in ("serve", "agent"):
        if name in argv and data in argv:
            return name
    return ""


if __name__ == "__main__":
    main()
