"""Throughput and latency of the S3 endpoint on this machine, over a loopback socket between two processes.

Medians of interleaved rounds.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import uvicorn
from botocore.config import Config

from bench.report import Row, record
from reading_room.client import connect
from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.iam.bootstrap import first_administrator
from reading_room.iam.credentials import StoredCredentials
from reading_room.s3.authorization import S3Authorization
from reading_room.s3.backends.files import file_backend
from reading_room.s3.server import S3Application

ACCOUNT, REGION = "000000000001", "us-east-1"
LARGE = 64 * 1024 * 1024
ROUNDS = 5
SMALL_CALLS = 200


def serve(folder: Path, listener: socket.socket) -> None:
    """Serve S3 from a folder on a socket."""
    database = Database.open(folder / "db.sqlite")
    database.create_tables()
    first_administrator(database, ACCOUNT, REGION, folder / "credentials", system_clock)
    backend = file_backend(database, folder / "s3", REGION, system_clock)
    authorization = S3Authorization(PolicyAuthorizer(database, REGION, system_clock), backend, REGION)
    app = S3Application(backend, StoredCredentials(database), authorization, region=REGION)
    uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off")).run(sockets=[listener])


def client_of(folder: Path, port: int) -> Any:
    """Return a client once the server is up."""
    credentials = folder / "credentials"
    while not credentials.exists():
        time.sleep(0.05)
    lines = dict(line.split(" = ") for line in credentials.read_text().splitlines() if " = " in line)
    return connect(
        "s3",
        f"http://127.0.0.1:{port}",
        access_key_id=lines["aws_access_key_id"],
        secret_access_key=lines["aws_secret_access_key"],
        config=Config(retries={"total_max_attempts": 5}),
    )


def timed(call: Any) -> float:
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def measure(s3: Any) -> dict[str, float]:
    """Return the medians."""
    data = os.urandom(LARGE)
    small = b"x" * 2048
    s3.create_bucket(Bucket="bench")
    seconds: dict[str, list[float]] = {"put": [], "get": [], "small put": [], "small get": [], "head": []}
    for _ in range(ROUNDS):
        seconds["put"].append(timed(lambda: s3.put_object(Bucket="bench", Key="large", Body=data)))
        body = s3.get_object(Bucket="bench", Key="large")["Body"]
        seconds["get"].append(timed(lambda: [None for _ in body.iter_chunks(1 << 20)]))  # noqa: B023
        for number in range(SMALL_CALLS // ROUNDS):
            place = {"Bucket": "bench", "Key": f"small/{number}"}
            seconds["small put"].append(timed(lambda: s3.put_object(**place, Body=small)))  # noqa: B023
            seconds["small get"].append(timed(lambda: s3.get_object(**place)["Body"].read()))  # noqa: B023
            seconds["head"].append(timed(lambda: s3.head_object(**place)))  # noqa: B023
    median = {name: statistics.median(values) for name, values in seconds.items()}
    megabytes = LARGE / 1e6
    return {
        "put MB/s": round(megabytes / median["put"], 1),
        "get MB/s": round(megabytes / median["get"], 1),
        "put 2 KB ms": round(median["small put"] * 1000, 2),
        "get 2 KB ms": round(median["small get"] * 1000, 2),
        "head ms": round(median["head"] * 1000, 2),
    }


def main() -> None:
    """Run everything and print the result."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        server = multiprocessing.get_context("fork").Process(target=serve, args=(folder, listener), daemon=True)
        server.start()
        try:
            result = measure(client_of(folder, listener.getsockname()[1]))
        finally:
            server.terminate()
            server.join()
    how = "boto3 over http on loopback, server in a process of its own, medians"
    record("S3", [Row(what, f"{figure:g}", "reported", how) for what, figure in result.items()])


if __name__ == "__main__":
    main()
