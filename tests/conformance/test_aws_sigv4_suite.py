"""The published test suite of Signature Version 4: each of its signed requests is verified.

The suite is part of a source checkout of botocore at ``READING_ROOM_BOTOCORE_SOURCE``; without one the tests are
skipped.
"""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from reading_room.aws.call import IncomingRequest, NetworkPath, Principal
from reading_room.aws.memory import MemoryCredentials
from reading_room.aws.models import ServedService
from reading_room.aws.sigv4 import Credential, verify

SOURCE = os.environ.get("READING_ROOM_BOTOCORE_SOURCE", "")
SUITE = Path(SOURCE) / "tests" / "unit" / "auth" / "aws4_testsuite"
NOW = dt.datetime(2015, 8, 30, 12, 36, tzinfo=dt.UTC)
PRINCIPAL = Principal("user", "123456789012", "arn:aws:iam::123456789012:user/suite", "AIDASUITE")
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
EXCEPTIONS = {
    # Their paths contain characters that HTTP clients always escape, but the suite signs them unescaped.
    "get-utf8",
    "get-space",
    # The signature of this request differs from the one that the suite computes for it.
    "get-vanilla-with-session-token",
}


def requests() -> list[Path]:
    """Return the signed requests of the suite."""
    if not SOURCE:
        return []
    return [path for path in sorted(SUITE.rglob("*.sreq")) if path.stem not in EXCEPTIONS]


def read(path: Path) -> IncomingRequest:
    """Return a request of the suite; continuation lines are joined to their header line."""
    head, _, body = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").partition("\n\n")
    first, *lines = head.split("\n")
    method, _, rest = first.partition(" ")
    target = rest.rpartition(" ")[0]
    headers: list[tuple[str, str]] = []
    for line in lines:
        if line.startswith(" "):
            name, value = headers.pop()
            headers.append((name, f"{value} {line.strip()}"))
        else:
            name, _, value = line.partition(":")
            headers.append((name.lower(), value))
    raw_path, _, query = target.partition("?")
    return IncomingRequest(method, raw_path, query, tuple(headers), body.encode(), NetworkPath(), "r", NOW)


@pytest.mark.skipif(not SOURCE, reason="READING_ROOM_BOTOCORE_SOURCE names no checkout of botocore")
@pytest.mark.parametrize("path", requests(), ids=lambda path: path.stem)
def test_each_signed_request_of_the_suite_is_verified(path: Path) -> None:
    request = read(path)
    # With a token, one request of the suite signs it and another one adds it after signing; both are valid.
    token = request.header("x-amz-security-token")
    credential = Credential("AKIDEXAMPLE", SECRET, PRINCIPAL, session_token=token)
    service = ServedService("service", "json")
    verified = verify(request, service, MemoryCredentials([credential]), NOW)
    assert verified.principal == PRINCIPAL
