"""The APIs answer requests for names of this installation, refuse all others, and say which setting adds a name."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from reading_room.client import InProcess
from reading_room.hosts.known_names import KnownNames, single_host
from reading_room.settings import Settings

SETTINGS = Settings(host="0.0.0.0", tls_names="rr.lab.example,Other.example")
BUCKETS = {"my.photos.example"}
CERTIFIED = {"given.example", "*.wild.example"}


async def believe(scope: Any, receive: Any, send: Any) -> None:
    """Answer every request that gets through."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"believed"})


APP = KnownNames(believe, SETTINGS, lambda: CERTIFIED, BUCKETS.__contains__)


def ask(*hosts: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Send a GET with these ``Host`` headers and return status, headers and body."""
    received: list[Any] = []

    async def send(message: Any) -> None:
        received.append(message)

    pairs = [(b"host", host.encode("latin-1")) for host in hosts]
    pairs += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": pairs}
    asyncio.run(APP(scope, lambda: None, send))  # type: ignore[arg-type, return-value]
    named = {name.decode(): value.decode() for name, value in received[0]["headers"]}
    return received[0]["status"], named, received[1]["body"]


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST:4566", "s3.localhost:4566", "bucket.s3.localhost", "b.localhost", "localhost.:80"),
        *("127.0.0.1:4566", "127.0.0.2", "[::1]:4566", "10.1.2.3:443", "[2001:db8::1]"),
        *("rr.lab.example:4566", "bucket.rr.lab.example", "other.example"),
        *("given.example", "bucket.given.example", "host.wild.example:4566"),
        *("comprehend.us-east-1.amazonaws.com", "s3.amazonaws.com", "bucket.s3.us-east-1.amazonaws.com:4566"),
        *("bucket.bucket.vpce-0a1b-cd.s3.us-east-1.vpce.amazonaws.com", "my.photos.example"),
    ],
)
def test_names_of_this_installation_are_answered(host: str) -> None:
    assert ask(host)[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:4566", "localhost.evil.example", "127.0.0.1.evil.example", "evillocalhost"),
        *("amazonaws.com.evil.example", "evilamazonaws.com", "evilrr.lab.example", "lab.example", "wild.example"),
        *("", ":4566", "[::1", "[::1]x", "127.1", "0x7f.1", "a b", "local\xf6host", "host.docker.internal"),
    ],
)
def test_any_other_name_is_refused(host: str) -> None:
    status, headers, body = ask(host)
    assert (status, headers["connection"]) == (421, "close")
    assert b"MisdirectedRequest" in body


def test_a_request_with_no_name_or_two_is_refused() -> None:
    assert ask()[0] == 421
    assert ask("localhost", "localhost")[0] == 421
    assert single_host([("host", "A"), ("host", "A")]) is None


def test_a_buckets_own_name_is_answered_only_for_s3() -> None:
    assert ask("my.photos.example")[0] == 200
    assert ask("my.photos.example", x_amz_target="Comprehend_20171127.DetectEntities")[0] == 421


@given(st.text(st.characters(max_codepoint=0xFF), max_size=30))
def test_the_refusal_of_any_name_can_be_read(host: str) -> None:
    status, _, body = ask(host)
    if status != 200:
        assert status == 421
        assert b"Host header" in body or b"READING_ROOM_TLS_NAMES=" in body


@pytest.mark.costs(0.3, reason="clients of four protocols are made")
@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("comprehend", "list_entities_detection_jobs"),
        ("s3", "list_buckets"),
        ("ec2", "describe_vpcs"),
        ("iam", "list_users"),
    ],
)
def test_the_error_for_an_unknown_name_has_the_setting_that_adds_it(service: str, call: str) -> None:
    with InProcess(APP) as running:
        client = running.client(
            service,
            endpoint_url="http://host.docker.internal:4566",
            access_key_id="AKIAEXAMPLE",
            secret_access_key="x",
        )
        with pytest.raises(ClientError) as refused:
            getattr(client, call)()
    error = refused.value.response["Error"]
    assert error["Code"] == "MisdirectedRequest"
    assert "READING_ROOM_TLS_NAMES=host.docker.internal" in error["Message"]
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 421
