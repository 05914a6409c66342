"""Keys that look like paths or like each other, over a real socket: each names a separate object, byte for byte."""

from __future__ import annotations

import http.client
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reading_room.client import connect
from reading_room.s3.streaming import UNSIGNED
from tests.worlds.aws_sockets import exchange, serving, split
from tests.worlds.s3 import S3World, s3_world
from tests.worlds.s3_signing import EMPTY, signed

KEYS = (
    "..",
    "../../etc/passwd",
    "../other-bucket/k",
    "a/../b",
    "b",
    "a/./b",
    "a//b",
    "a/b",
    "a/b/",
    "/a/b",
    "//a/b",
    ".",
    "./",
    "/",
    "//",
    "\0",
    "a\0b",
    "a",
    "A",
    unicodedata.normalize("NFC", "é"),
    unicodedata.normalize("NFD", "é"),
    "ﬁ",
    "fi",
    "%2e%2e",
    "%252e",
    "%",
    "+",
    " ",
    "a b",
    "a+b",
    "a%20b",
    "?",
    "?policy",
    "#",
    "k?tagging",
    "k&x=1",
    "\\..\\..\\windows",
    "con",
    "con.",
    "\r\n",
    "\t",
    "\x7f",
    "\ufeff",
    "\u202e",
    "\ufffe",
    "😀",
    "é" * 512,
    "x" * 1024,
    "incoming/x",
    "objects/00/x",
    "db.sqlite",
)


class Served:
    """A world behind a socket, and a client."""

    def __init__(self, world: S3World, port: int) -> None:
        self.world = world
        self.port = port
        self.s3: Any = connect("s3", f"http://127.0.0.1:{port}", **world.key)
        for bucket in ("keys", "other-bucket"):
            self.s3.create_bucket(Bucket=bucket)

    def raw(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """Send a signed request with the path exactly as given; return the status and body of the answer."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        request = signed(self.world.key, method, path, UNSIGNED if body else EMPTY, sent)
        head = request.head[:-2] + b"Content-Length: %d\r\n\r\n" % len(body)
        return split(exchange(self.port, head, body))[0]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Yield a store that is served over HTTP."""
    with s3_world(tmp_path_factory.mktemp("keys")) as world, serving(world.app) as port:
        yield Served(world, port)


def listed(s3: Any) -> list[str]:
    """Return all keys."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="keys")
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def test_each_odd_key_is_a_separate_object(store: Served) -> None:
    before = sorted(path.relative_to(store.world.folder) for path in store.world.folder.rglob("*"))
    for number, key in enumerate(KEYS):
        store.s3.put_object(Bucket="keys", Key=key, Body=f"{number}".encode())
    for number, key in enumerate(KEYS):
        assert store.s3.get_object(Bucket="keys", Key=key)["Body"].read() == f"{number}".encode(), key
    # The SDK requests encoded keys and decodes them. They are listed in byte order.
    assert listed(store.s3) == sorted(KEYS, key=lambda key: key.encode())
    assert "Contents" not in store.s3.list_objects_v2(Bucket="other-bucket")
    # No file is named after a key.
    after = {path.relative_to(store.world.folder) for path in store.world.folder.rglob("*")} - set(before)
    assert all(len(path.name) == 32 and path.parts[:2] == ("s3", "objects") for path in after), after
    for key in KEYS:
        store.s3.copy_object(Bucket="other-bucket", Key=key, CopySource={"Bucket": "keys", "Key": key})
        store.s3.delete_object(Bucket="keys", Key=key)
    assert listed(store.s3) == []
    for number, key in enumerate(KEYS):
        assert store.s3.get_object(Bucket="other-bucket", Key=key)["Body"].read() == f"{number}".encode()
        store.s3.delete_object(Bucket="other-bucket", Key=key)


@given(key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_any_key_is_returned_as_it_was_put(store: Served, key: str) -> None:
    store.s3.put_object(Bucket="keys", Key=key, Body=key.encode())
    assert store.s3.get_object(Bucket="keys", Key=key)["Body"].read() == key.encode()
    assert listed(store.s3) == [key]
    answer = store.s3.delete_objects(Bucket="keys", Delete={"Objects": [{"Key": key}]}) if key.isprintable() else None
    if answer is None:
        store.s3.delete_object(Bucket="keys", Key=key)
    assert listed(store.s3) == []


@pytest.mark.parametrize("key", ["x" * 1025, "é" * 512 + "x", "😀" * 257])
def test_a_key_of_more_than_1024_bytes_is_too_long(store: Served, key: str) -> None:
    with pytest.raises(ClientError) as caught:
        store.s3.put_object(Bucket="keys", Key=key, Body=b"")
    assert caught.value.response["Error"]["Code"] == "KeyTooLongError"
    assert listed(store.s3) == []


@pytest.mark.parametrize("written", ["%ff", "%C3", "%ED%A0%80", "%C0%AE%C0%AE", "a%C0%AFb", "%F8%88%80%80%80"])
def test_a_key_that_is_not_utf_8_is_refused(store: Served, written: str) -> None:
    status, body = store.raw("PUT", f"/keys/{written}", b"x")
    assert status == 400
    assert b"<Code>InvalidURI</Code>" in body
    assert listed(store.s3) == []


@pytest.mark.parametrize("dots", ["../other-bucket/k", "%2e%2e/other-bucket/k", "..%2fother-bucket%2fk"])
def test_dots_in_a_path_do_not_lead_to_another_bucket(store: Served, dots: str) -> None:
    assert store.raw("PUT", f"/keys/{dots}", b"x")[0] == 200
    assert listed(store.s3) == ["../other-bucket/k"]
    store.s3.delete_object(Bucket="keys", Key="../other-bucket/k")


@pytest.mark.parametrize("path", ["//keys/k", "/../keys/k", "/./keys/k", "/%2e%2e/keys/k", "/keys%2fk/x", "/keys%00/k"])
def test_a_path_with_a_misplaced_bucket_names_none(store: Served, path: str) -> None:
    status, body = store.raw("PUT", path, b"x")
    assert status in (400, 404), body
    assert listed(store.s3) == []


def test_a_copy_source_is_decoded_once_and_never_resolved(store: Served) -> None:
    store.s3.put_object(Bucket="keys", Key="secret", Body=b"secret")
    store.s3.put_object(Bucket="keys", Key="a/%2e%2e/secret", Body=b"odd")
    for source, found in (
        ("keys/a/../secret", None),
        ("keys/a/%2e%2e/secret", None),
        ("keys/a/%252e%252e/secret", b"odd"),
        ("other-bucket/../keys/secret", None),
        ("/keys/secret", b"secret"),
        ("keys//secret", None),
    ):
        status, _ = store.raw("PUT", "/other-bucket/copy", x_amz_copy_source=source)
        assert status == (200 if found else 404), source
        if found:
            assert store.s3.get_object(Bucket="other-bucket", Key="copy")["Body"].read() == found
    for key in ("secret", "a/%2e%2e/secret"):
        store.s3.delete_object(Bucket="keys", Key=key)


def test_dots_in_a_key_do_not_bypass_a_policy_on_a_prefix(store: Served, tmp_path: Path) -> None:
    document = (
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::keys/open/*"}}'
    )
    key = store.world.user("narrow", document)
    store.s3.put_object(Bucket="keys", Key="closed/k", Body=b"secret")
    path = "/keys/open/../closed/k"
    request = signed(key, "GET", path, EMPTY, {})
    # The dots are part of the key and are not resolved, so no such object exists.
    status, body = split(exchange(store.port, request.head))[0]
    assert status in (403, 404)
    assert b"secret" not in body
    request = signed(key, "GET", "/keys/closed/k", EMPTY, {})
    assert split(exchange(store.port, request.head))[0][0] == 403
    store.s3.delete_object(Bucket="keys", Key="closed/k")


def test_a_percent_sign_encoded_twice_is_decoded_once(store: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", store.port)
    url = store.s3.generate_presigned_url("put_object", Params={"Bucket": "keys", "Key": "%2F"})
    assert quote("%2F") in url
    connection.request("PUT", url.partition(str(store.port))[2], b"x")
    assert connection.getresponse().status == 200
    connection.close()
    assert listed(store.s3) == ["%2F"]
    store.s3.delete_object(Bucket="keys", Key="%2F")
