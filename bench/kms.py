"""Encrypt and Decrypt of 1 KB by the API, each call beside a bare one of the same client."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.report import Row, median, record
from reading_room.cli.running import Endpoint, free_port, started
from reading_room.client import connect

CALLS = 600
BAR = "5 ms"
CONTEXT = {"shelf": "poetry"}


def main() -> None:
    """Measure and record."""
    os.environ["READING_ROOM_STANDBY"] = "0"
    with (
        tempfile.TemporaryDirectory() as folder,
        started(Path(folder) / "data", free_port(), Path(folder) / "log") as endpoint,
    ):
        record("Keys", list(_rows(endpoint)))


def _rows(endpoint: Endpoint) -> Iterator[Row]:
    kms, sts = _client("kms", endpoint), _client("sts", endpoint)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    text = os.urandom(1024)
    blob = kms.encrypt(KeyId=key, Plaintext=text, EncryptionContext=CONTEXT)["CiphertextBlob"]
    for name, call in (
        ("Encrypt", lambda: kms.encrypt(KeyId=key, Plaintext=text, EncryptionContext=CONTEXT)),
        ("Decrypt", lambda: kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)),
        ("GenerateDataKey", lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT)),
    ):
        ours, bare = _paired(call, sts.get_caller_identity)
        how = (
            f"boto3 in another process, one connection for each service, {CALLS} calls in turn with as many of "
            "GetCallerIdentity; the client's own work is included"
        )
        yield Row(f"{name} of 1 KB, p50" if name != "GenerateDataKey" else f"{name}, p50", f"{ours:.2f} ms", BAR, how)
        yield Row(f"{name}, against GetCallerIdentity", f"{ours / bare:.2f} ×", "reported", f"{bare:.2f} ms, in turn")


def _client(service: str, endpoint: Endpoint) -> Any:
    return connect(
        service,
        endpoint.url,
        access_key_id=endpoint.access_key_id,
        secret_access_key=endpoint.secret_access_key,
        region=endpoint.region,
    )


def _paired(one: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Return the medians of two calls in milliseconds."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(CALLS):
        for call, found in zip((one, other), times, strict=True):
            began = time.perf_counter()
            call()
            if number >= 20:
                found.append(time.perf_counter() - began)
    return median(times[0]) * 1000, median(times[1]) * 1000


if __name__ == "__main__":
    main()
