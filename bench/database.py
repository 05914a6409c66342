"""The effect of load on SQLite's log and on reading calls: current code against former code, in alternating windows.

The former code never resets the log deliberately, and has one set of threads for all calls. The machine may be busy:
only the ratios of a pair are meaningful, not their seconds.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import multiprocessing
import os
import random
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import uvloop
from botocore.config import Config
from sqlalchemy import text

from bench.report import Row, median, record
from reading_room.aws.call import IncomingRequest
from reading_room.client import connect
from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.database.log_length import LENGTH
from reading_room.hosts.http_listener import HttpListener
from reading_room.hosts.realtime import RealtimePool
from reading_room.logs.tables import LogEvent, LogGroup, LogStream
from reading_room.s3.backends.files import file_backend
from reading_room.sealing import Sealer
from reading_room.settings import Settings
from reading_room.wiring.product import Product
from reading_room.wiring.server import SWITCH_SECONDS

ROUNDS = int(os.environ.get("BENCH_DATABASE_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_DATABASE_SECONDS", "8"))
READERS, HOLD = 4, 0.03
"""Threads that read continuously, and how long each holds its snapshot, in seconds."""
DESCRIBING, WRITING = 4, 24
"""Concurrent clients of the product."""
NEVER = 1 << 60


def main() -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory() as name:
        rows = [*_log(Path(name)), *_reads(Path(name))]
    record("Database under load", rows)


# The log.


def _log(folder: Path) -> list[Row]:
    found: dict[int, list[tuple[float, float, float]]] = {NEVER: [], LENGTH: []}
    for number in range(ROUNDS):
        for length in (NEVER, LENGTH) if number % 2 else (LENGTH, NEVER):
            found[length].append(_window(folder / f"{number}-{length}.sqlite", length))
    was, now = found[NEVER], found[LENGTH]
    how = f"{ROUNDS} pairs of {SECONDS:g} s: {READERS} readers that overlap, 2 writers of 8 KB rows; medians of windows"
    ratio = [median([new[i] / old[i] for new, old in zip(now, was, strict=True)]) for i in range(3)]
    sizes = [median([window[0] for window in windows]) for windows in (now, was)]
    return [
        Row(
            "SQLite's log while readers overlap, at its longest",
            f"{ratio[0]:.2f} × ({sizes[0]:.1f} against {sizes[1]:.1f} MB)",
            "reported",
            how,
        ),
        Row("a commit meanwhile", f"{ratio[1]:.2f} ×, its p99 {ratio[2]:.2f} ×", "reported", how),
    ]


def _window(path: Path, length: int) -> tuple[float, float, float]:
    """Return the longest log in MB, and the median and p99 of a commit in seconds."""
    database = Database.open(path)
    database.create_tables()
    database.prepare_log()
    database = Database(database.engine, log_length=length)
    with database.transaction() as session:
        group = LogGroup(account="1", region="r", name="g", created_at=0)
        session.add(group)
        session.flush()
        stream = LogStream(group_id=group.group_id, name="s", created_at=0)
        session.add(stream)
        session.flush()
        stream_id = stream.stream_id
    stop, commits, longest = threading.Event(), [], 0

    def read() -> None:
        while not stop.is_set():
            with database.reading() as session:
                session.execute(text("SELECT count(*) FROM log_groups")).all()
                time.sleep(HOLD * random.uniform(0.5, 1.5))

    def write() -> None:
        while not stop.is_set():
            began = time.perf_counter()
            with database.transaction() as session:
                session.add(LogEvent(stream_id=stream_id, timestamp=0, ingested_at=0, message="x" * 8000))
            commits.append(time.perf_counter() - began)

    threads = [threading.Thread(target=each) for each in (*[read] * READERS, *[write] * 2)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        longest = max(longest, path.with_name(f"{path.name}-wal").stat().st_size)
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    database.close()
    return longest / 1e6, median(commits), _p99(commits)


# Reads during writes.


class OneSet:
    """The former threads of calls: one set for all."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads)

    def of(self, request: IncomingRequest) -> Executor:
        """Return the threads, whatever the call is."""
        return self._threads

    def close(self) -> None:
        """End."""
        self._threads.shutdown()


def _reads(folder: Path) -> list[Row]:
    context = multiprocessing.get_context("fork")
    with ExitStack() as stack:
        clients = []
        for name in ("was", "now"):
            place, sock = folder / name, socket.create_server(("127.0.0.1", 0))
            place.mkdir()
            server = context.Process(target=_serve, args=(place, sock, name == "was"), daemon=True)
            server.start()
            stack.callback(server.join)
            stack.callback(server.terminate)
            clients.append(_client(place, sock.getsockname()[1], server))
        pairs = [[_describes(client) for client in clients] for _ in range(ROUNDS)]
    how = f"{ROUNDS} pairs of {SECONDS:g} s: {DESCRIBING} clients beside {WRITING} that write; from another process"
    ratio = [median([now[i] / was[i] for was, now in pairs]) for i in range(3)]
    middle = [[median([pair[which][i] for pair in pairs]) * 1e3 for which in (0, 1)] for i in range(3)]
    shown = [f"{now:.0f} against {was:.0f} ms" for was, now in middle]
    return [
        Row("DescribeVpcs beside calls that write", f"{ratio[0]:.2f} × ({shown[0]})", "reported", how),
        Row("the same, its p99", f"{ratio[1]:.2f} × ({shown[1]})", "reported", how),
        Row("CreateTags meanwhile", f"{ratio[2]:.2f} × ({shown[2]})", "reported", how),
    ]


def _serve(folder: Path, sock: socket.socket, as_it_was: bool) -> None:
    logging.basicConfig(level="ERROR", filename=folder / "log", force=True)
    sys.setswitchinterval(SWITCH_SECONDS)
    settings = dataclasses.replace(Settings(), data=folder)
    database = Database.open(folder / "db.sqlite", sealer=Sealer.of_the_moment())
    database.create_tables()
    database.prepare_log()
    backend = file_backend(database, folder / "objects", settings.region, system_clock)
    product = Product(settings=settings, database=database, backend=backend, engines=RealtimePool(lambda: None))
    product.first_start()
    if as_it_was:
        product.app._threads = OneSet(16)  # type: ignore[assignment]

    async def serve() -> None:
        await HttpListener(product.app, sock).start()
        (folder / "ready").touch()
        await asyncio.Event().wait()

    uvloop.run(serve())


def _client(folder: Path, port: int, server: Any) -> tuple[Any, str]:
    while not (folder / "ready").exists():
        assert server.is_alive(), (folder / "log").read_text()
        time.sleep(0.05)
    lines = dict(line.split(" = ") for line in (folder / "credentials").read_text().splitlines() if " = " in line)
    client = connect(
        "ec2",
        f"http://127.0.0.1:{port}",
        access_key_id=lines["aws_access_key_id"],
        secret_access_key=lines["aws_secret_access_key"],
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=DESCRIBING + WRITING),
    )
    return client, client.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


def _describes(where: tuple[Any, str]) -> tuple[float, float, float]:
    """Return the median and the p99 of DescribeVpcs, and the median of CreateTags, in seconds."""
    client, vpc = where
    end = time.monotonic() + SECONDS
    reads: list[float] = []
    writes: list[float] = []

    def again(call: Callable[[int], Any], times: list[float]) -> None:
        number = 0
        while time.monotonic() < end:
            began = time.perf_counter()
            call(number)
            times.append(time.perf_counter() - began)
            number += 1

    def tag(number: int) -> None:
        client.create_tags(Resources=[vpc], Tags=[{"Key": "bench", "Value": str(number)}])

    threads = [
        threading.Thread(target=again, args=(lambda _: client.describe_vpcs(), reads)) for _ in range(DESCRIBING)
    ]
    threads += [threading.Thread(target=again, args=(tag, writes)) for _ in range(WRITING)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return median(reads), _p99(reads), median(writes)


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]
