"""Uploads over a real socket that are not what was signed or said: each is refused, and nothing of it is kept."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.s3.streaming import (
    STREAMING_SIGNED,
    STREAMING_SIGNED_TRAILER,
    STREAMING_UNSIGNED_TRAILER,
    UNSIGNED,
)
from tests.worlds.aws_sockets import Listening, exchange, listening, split
from tests.worlds.s3 import S3World, policy, s3_world, statement
from tests.worlds.s3_signing import Signed, signed

BODY = b"a" * 8192 + b"b" * 8192 + b"c" * 100
CHUNKS = (BODY[:8192], BODY[8192:16384], BODY[16384:])


class Store:
    """A world behind a socket, and the object that must survive."""

    def __init__(self, world: S3World, door: Listening) -> None:
        self.world = world
        self.door = door
        self.port = door.port
        world.s3.create_bucket(Bucket="hostile")
        world.s3.put_object(Bucket="hostile", Key="k", Body=b"old")
        self.files = self._files()

    def put(self, payload_hash: str, length: int | str | None = len(BODY), **headers: str) -> Signed:
        """Return a signed PUT of a stream."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if length is not None:
            sent["x-amz-decoded-content-length"] = str(length)
        return signed(self.world.key, "PUT", "/hostile/k", payload_hash, sent)

    def send(self, head: bytes, body: bytes, *, framed: bool = True) -> tuple[int, bytes]:
        """Send a request whose body has a ``Content-Length``; return status and body of the answer."""
        if framed:
            head = head[:-2] + b"Content-Length: %d\r\n\r\n" % len(body)
        answers = split(exchange(self.port, head, body))
        assert answers, "the connection was closed without an answer"
        return answers[0]

    def refused(self, answer: tuple[int, bytes], *codes: str) -> None:
        """Demand one of these refusals, and that the store is as it was."""
        status, body = answer
        assert any(f"<Code>{code}</Code>".encode() in body for code in codes), body
        assert 400 <= status < 500 or b"<Code>NotImplemented</Code>" in body
        self.unchanged()

    def unchanged(self) -> None:
        """Demand that the object is as it was, and that no file was left."""
        assert self.world.s3.get_object(Bucket="hostile", Key="k")["Body"].read() == b"old"
        assert self._files() == self.files

    def _files(self) -> list[Path]:
        return sorted(path for path in (self.world.folder / "s3").rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Yield the store that all tests here attack."""
    with s3_world(tmp_path_factory.mktemp("hostile")) as world, listening(world.app) as door:
        yield Store(world, door)


def crc32(data: bytes) -> str:
    """Return the CRC32 as S3 spells it."""
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def test_what_is_right_is_taken(store: Store) -> None:
    request = store.put(STREAMING_SIGNED)
    assert store.send(request.head, b"".join(request.chunked(*CHUNKS)))[0] == 200
    request = store.put(STREAMING_SIGNED_TRAILER, x_amz_trailer="x-amz-checksum-crc32")
    trailer = {"x-amz-checksum-crc32": crc32(BODY)}
    assert store.send(request.head, b"".join(request.chunked(*CHUNKS, trailer=trailer)))[0] == 200
    assert store.world.s3.get_object(Bucket="hostile", Key="k")["Body"].read() == BODY
    store.world.s3.put_object(Bucket="hostile", Key="k", Body=b"old")
    store.files = store._files()


def test_a_chunk_must_have_its_own_signature(store: Store) -> None:
    request = store.put(STREAMING_SIGNED)
    a, b, c, end, line = request.chunked(*CHUNKS)
    for wrong in (
        [a, b.replace(b"b" * 9, b"B" * 9), c, end, line],
        [b, a, c, end, line],
        [a, c, end, line],
        [a, a, b, c, end, line],
        [a, b, c, end[:-10] + b"00000000\r\n", line],
        [a.replace(b";chunk-signature=", b";Chunk-Signature="), b, c, end, line],
        [a.split(b";")[0] + b"\r\n" + a.split(b"\r\n", 1)[1], b, c, end, line],
        [a.replace(b"\r\n", b";chunk-signature=" + b"0" * 64 + b"\r\n", 1), b, c, end, line],
    ):
        store.refused(store.send(request.head, b"".join(wrong)), "SignatureDoesNotMatch")


def test_the_seed_of_another_request_signs_nothing(store: Store) -> None:
    one, other = store.put(STREAMING_SIGNED), store.put(STREAMING_SIGNED, x_amz_meta_a="b")
    store.refused(store.send(one.head, b"".join(other.chunked(*CHUNKS))), "SignatureDoesNotMatch")


def test_a_stream_that_ends_early_is_incomplete(store: Store) -> None:
    request = store.put(STREAMING_SIGNED)
    parts = request.chunked(*CHUNKS)
    for count in range(len(parts) - 1):
        store.refused(store.send(request.head, b"".join(parts[:count])), "IncompleteBody")


@pytest.mark.parametrize("cut", [0, 10, 9000, 16600])
def test_a_client_that_goes_away_in_the_middle_leaves_nothing(store: Store, cut: int) -> None:
    request = store.put(STREAMING_SIGNED)
    body = b"".join(request.chunked(*CHUNKS))
    with socket.create_connection(("127.0.0.1", store.port)) as connection:
        connection.sendall(request.head[:-2] + b"Content-Length: %d\r\n\r\n" % len(body) + body[:cut])
    store.door.idle()
    store.unchanged()


@pytest.mark.parametrize("length", [0, 1, len(BODY) - 1, len(BODY) + 1, 2**40, 10**18])
def test_the_length_said_must_be_the_length_sent(store: Store, length: int) -> None:
    request = store.put(STREAMING_SIGNED, length)
    answer = store.send(request.head, b"".join(request.chunked(*CHUNKS)))
    store.refused(answer, "IncompleteBody", "EntityTooLarge")


@pytest.mark.parametrize("length", ["-1", "+5", "1_6", "0x10", "1e3", "", "9" * 30, "16484,16484", "１６"])
def test_a_length_that_is_no_number_is_refused(store: Store, length: str) -> None:
    request = store.put(STREAMING_SIGNED, length.encode().decode("latin-1"))
    answer = store.send(request.head, b"".join(request.chunked(*CHUNKS)))
    store.refused(answer, "InvalidArgument", "MissingContentLength", "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    "raw",
    [
        b"1_0\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n",
        b"+10\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n",
        b"-10\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n",
        b"0x10\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n",
        b"ffffffffffffffff\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n",
        b"1" * 100 + b"\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n",
        b"10;" + b"x=y;" * 100_000 + b"\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n",
        b"\r\n" * 100_000,
        b"10\n" + b"a" * 16 + b"\n0\n\n",
        b"10\r\n" + b"a" * 16 + b"\r\n0\r\n\r\nPUT /hostile/k HTTP/1.1\r\n\r\n",
    ],
    ids=range(10),
)
def test_framing_that_is_wrong_is_refused(store: Store, raw: bytes) -> None:
    request = store.put(STREAMING_UNSIGNED_TRAILER, 16)
    store.refused(store.send(request.head, raw), "IncompleteBody")


def test_many_small_chunks_are_refused_at_the_second(store: Store) -> None:
    request = store.put(STREAMING_UNSIGNED_TRAILER, 100_000)
    status, body = store.send(request.head, b"1\r\na\r\n" * 100_000 + b"0\r\n\r\n")
    store.refused((status, body), "InvalidChunkSizeError")
    assert b"<Chunk>2</Chunk><BadChunkSize>1</BadChunkSize>" in body


def test_a_trailing_checksum_must_be_there_once_and_right(store: Store) -> None:
    request = store.put(STREAMING_UNSIGNED_TRAILER, 5, x_amz_trailer="x-amz-checksum-crc32")
    name, good, bad = b"x-amz-checksum-crc32:", crc32(b"hello").encode(), crc32(b"hallo").encode()
    for trailer, code in (
        (b"", "MalformedTrailerError"),
        (name + bad, "BadDigest"),
        (name + b"????", "BadDigest"),
        (name, "BadDigest"),
        (name + good + b"\r\n" + name + good, "MalformedTrailerError"),
        (name + bad + b"\r\n" + name.upper() + good, "MalformedTrailerError"),
        (name + good + b"\r\nx-amz-checksum-sha1:" + good, "MalformedTrailerError"),
        (b"x-amz-checksum-sha1:" + good, "MalformedTrailerError"),
        (b":" + good, "MalformedTrailerError"),
        (good, "MalformedTrailerError"),
    ):
        end = b"0\r\n" + trailer + (b"\r\n\r\n" if trailer else b"\r\n")
        store.refused(store.send(request.head, b"5\r\nhello\r\n" + end), code)


def test_a_body_must_have_the_hash_that_was_signed(store: Store) -> None:
    request = store.put(hashlib.sha256(b"mine").hexdigest(), None)
    store.refused(store.send(request.head, b"your"), "XAmzContentSHA256Mismatch")


@pytest.mark.parametrize("word", ["", "x", "STREAMING-", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", UNSIGNED.lower()])
def test_a_word_for_the_payload_that_nobody_knows_is_refused(store: Store, word: str) -> None:
    request = store.put(word or "0", None)
    store.refused(store.send(request.head, b"x"), "NotImplemented", "XAmzContentSHA256Mismatch", "InvalidArgument")


def test_the_payloads_word_cannot_be_changed_after_the_signing(store: Store) -> None:
    for signed_word, sent_word in (
        (STREAMING_SIGNED, STREAMING_UNSIGNED_TRAILER),
        (STREAMING_SIGNED, UNSIGNED),
        (hashlib.sha256(b"mine").hexdigest(), UNSIGNED),
        (hashlib.sha256(b"mine").hexdigest(), hashlib.sha256(b"5\r\nyours\r\n0\r\n\r\n").hexdigest()),
    ):
        request = signed(
            store.world.key,
            "PUT",
            "/hostile/k",
            signed_word,
            {"x-amz-decoded-content-length": "5"},
            lambda headers, word=sent_word: headers.update({"X-Amz-Content-SHA256": word}),  # type: ignore[misc]
        )
        store.refused(store.send(request.head, b"5\r\nyours\r\n0\r\n\r\n"), "SignatureDoesNotMatch")


def test_a_bucket_can_demand_that_payloads_are_signed(store: Store) -> None:
    demand: dict[str, Any] = {
        "Principal": "*",
        "Condition": {"StringEquals": {"s3:x-amz-content-sha256": [UNSIGNED, STREAMING_UNSIGNED_TRAILER]}},
    }
    deny = policy(statement("Deny", "s3:PutObject", "arn:aws:s3:::hostile/*", **demand))
    store.world.s3.put_bucket_policy(Bucket="hostile", Policy=deny)
    try:
        for word, body in ((UNSIGNED, b"hello"), (STREAMING_UNSIGNED_TRAILER, b"5\r\nhello\r\n0\r\n\r\n")):
            request = store.put(word, 5)
            store.refused(store.send(request.head, body), "AccessDenied")
    finally:
        store.world.s3.delete_bucket_policy(Bucket="hostile")


def test_a_part_is_refused_as_an_object_is(store: Store) -> None:
    names = {"Bucket": "hostile", "Key": "part"}
    upload = store.world.s3.create_multipart_upload(**names)["UploadId"]
    request = signed(
        store.world.key,
        "PUT",
        f"/hostile/part?partNumber=1&uploadId={upload}",
        STREAMING_SIGNED,
        {"x-amz-decoded-content-length": str(len(BODY))},
    )
    parts = request.chunked(*CHUNKS)
    store.refused(store.send(request.head, b"".join([*parts[:2], *parts[3:]])), "SignatureDoesNotMatch")
    assert "Parts" not in store.world.s3.list_parts(**names, UploadId=upload)
    store.world.s3.abort_multipart_upload(**names, UploadId=upload)


def test_documents_are_streams_too_and_are_verified_before_they_are_read(store: Store) -> None:
    document = json.dumps(json.loads(policy(statement("Deny", "s3:*", "arn:aws:s3:::hostile", Principal="*")))).encode()
    request = signed(store.world.key, "PUT", "/hostile?policy", hashlib.sha256(b"other").hexdigest(), {})
    store.refused(store.send(request.head, document), "XAmzContentSHA256Mismatch")
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        store.world.s3.get_bucket_policy(Bucket="hostile")
