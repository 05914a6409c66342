"""Calls on the wire: small API calls of one client, and 200 clients at once."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench.report import Row, median, record
from reading_room.cli.running import Endpoint, free_port, started
from reading_room.client import connect

ROUNDS = 7
CALLS = 60
CLIENTS = 200
SECONDS = float(os.environ.get("BENCH_WIRE_SECONDS", "60"))
OBJECT = os.urandom(4096)


def main() -> None:
    """Measure and record."""
    os.environ["READING_ROOM_STANDBY"] = "0"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        endpoint = stack.enter_context(started(folder / "data", free_port(), folder / "log"))
        rows = [*_small_calls(endpoint)]
        rows += asyncio.run(_crowd(endpoint))
    record("The wire", rows)


# One client.


def _small_calls(endpoint: Endpoint) -> Iterator[Row]:
    sts, ec2 = _client("sts", endpoint), _client("ec2", endpoint)
    for name, call in (("GetCallerIdentity", sts.get_caller_identity), ("DescribeVpcs", ec2.describe_vpcs)):
        _timed(call, 20)
        times = _timed(call, 400)
        how = "boto3 in another process, one connection, 400 calls; the client's own work is included"
        yield Row(f"{name}, p50", f"{median(times) * 1000:.2f} ms", "4 ms", how)


def _timed(call: Callable[[], object], count: int) -> list[float]:
    times = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return times


def _client(service: str, endpoint: Endpoint) -> Any:
    return connect(
        service,
        endpoint.url,
        access_key_id=endpoint.access_key_id,
        secret_access_key=endpoint.secret_access_key,
        region=endpoint.region,
    )


# Many clients.


async def _crowd(endpoint: Endpoint) -> list[Row]:
    """Have many clients send requests one by one, each on its own connection."""
    s3 = _client("s3", endpoint)
    s3.create_bucket(Bucket="wire-bench")
    s3.put_object(Bucket="wire-bench", Key="crowd", Body=OBJECT)
    requests = _requests(endpoint)
    deadline = time.perf_counter() + SECONDS
    times: list[float] = []
    statuses: Counter[str] = Counter()
    await asyncio.gather(*(_one(number, endpoint, requests, deadline, times, statuses) for number in range(CLIENTS)))
    errors = sum(count for status, count in statuses.items() if status != "200")
    times.sort()
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    how = (
        f"{len(times) / SECONDS:.0f} requests a second, a quarter each GetCallerIdentity, DescribeVpcs, GET and PUT of "
        "4 KB; every client on a connection of its own, as soon as it has its answer"
    )
    title = f"{CLIENTS} clients at once for {SECONDS:.0f} s"
    return [
        Row(f"{title}: requests that failed", f"{errors} of {len(times)}", "0", f"{how}; {dict(statuses)}"),
        Row(f"{title}: p50", f"{p50 * 1000:.0f} ms", "reported", "as above"),
        Row(f"{title}: p99", f"{p99 * 1000:.0f} ms, {p99 / p50:.1f} × p50", "20 × p50", "as above"),
    ]


async def _one(
    number: int,
    endpoint: Endpoint,
    requests: Sequence[bytes],
    deadline: float,
    times: list[float],
    statuses: Counter[str],
) -> None:
    place = urlsplit(endpoint.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    while time.perf_counter() < deadline:
        number += 1
        began = time.perf_counter()
        writer.write(requests[number % len(requests)])
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError) as error:
            statuses[type(error).__name__] += 1
            reader, writer = await asyncio.open_connection(place.hostname, place.port)
            continue
        statuses[head[9:12].decode()] += 1
        times.append(time.perf_counter() - began)
    writer.close()


def _requests(endpoint: Endpoint) -> list[bytes]:
    """Return requests, signed once (for 15 minutes) in advance, because signing would cost the clients time."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    identity = b"Action=GetCallerIdentity&Version=2011-06-15"
    vpcs = b"Action=DescribeVpcs&Version=2016-11-15"
    place = "/wire-bench/crowd"
    return [
        _signed(endpoint, "sts", "POST", "/", identity, form),
        _signed(endpoint, "s3", "PUT", place, OBJECT, {}),
        _signed(endpoint, "ec2", "POST", "/", vpcs, form),
        _signed(endpoint, "s3", "GET", place, b"", {}),
    ]


def _signed(endpoint: Endpoint, service: str, method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    host = urlsplit(endpoint.url).netloc
    request = AWSRequest(method, endpoint.url + path, headers={**headers, "Host": host}, data=body)
    keys = Credentials(endpoint.access_key_id, endpoint.secret_access_key)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(keys, service, endpoint.region).add_auth(request)
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


if __name__ == "__main__":
    main()
