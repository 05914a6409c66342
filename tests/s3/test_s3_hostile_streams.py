"""Uploads over a real socket that differ from what was signed or declared: each is refused and leaves nothing."""

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
    """A world behind a socket, with an object that must not change."""

    def __init__(self, world: S3World, listener: Listening) -> None:
        self.world = world
        self.listener = listener
        self.port = listener.port
        world.s3.create_bucket(Bucket="hostile")
        world.s3.put_object(Bucket="hostile", Key="k", Body=b"old")
        self.files = self._files()

    def put(self, payload_hash: str, length: int | str | None = len(BODY), **headers: str) -> Signed:
        """Return a signed PUT request for a stream."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if length is not None:
            sent["x-amz-decoded-content-length"] = str(length)
        return signed(self.world.key, "PUT", "/hostile/k", payload_hash, sent)

    def send(self, head: bytes, body: bytes, *, with_length: bool = True) -> tuple[int, bytes]:
        """Send a request, by default with a ``Content-Length``; return the status and body of the answer."""
        if with_length:
            head = head[:-2] + b"Content-Length: %d\r\n\r\n" % len(body)
        answers = split(exchange(self.port, head, body))
        assert answers, "the connection was closed without an answer"
        return answers[0]

    def assert_refused(self, answer: tuple[int, bytes], *codes: str) -> None:
        """Assert that the answer is one of these errors and that the store has not changed."""
        status, body = answer
        assert any(f"<Code>{code}</Code>".encode() in body for code in codes), body
        assert 400 <= status < 500 or b"<Code>NotImplemented</Code>" in body
        self.assert_unchanged()

    def assert_unchanged(self) -> None:
        """Assert that the object has not changed and that no file was left behind."""
        assert self.world.s3.get_object(Bucket="hostile", Key="k")["Body"].read() == b"old"
        assert self._files() == self.files

    def _files(self) -> list[Path]:
        return sorted(path for path in (self.world.folder / "s3").rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Yield the store that all tests of this module attack."""
    with s3_world(tmp_path_factory.mktemp("hostile")) as world, listening(world.app) as listener:
        yield Store(world, listener)


def crc32(data: bytes) -> str:
    """Return the CRC32 as S3 encodes it."""
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def test_valid_uploads_are_accepted(store: Store) -> None:
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
        store.assert_refused(store.send(request.head, b"".join(wrong)), "SignatureDoesNotMatch")


def test_chunks_signed_for_another_request_are_refused(store: Store) -> None:
    one, other = store.put(STREAMING_SIGNED), store.put(STREAMING_SIGNED, x_amz_meta_a="b")
    store.assert_refused(store.send(one.head, b"".join(other.chunked(*CHUNKS))), "SignatureDoesNotMatch")


def test_a_stream_that_ends_early_is_incomplete(store: Store) -> None:
    request = store.put(STREAMING_SIGNED)
    parts = request.chunked(*CHUNKS)
    for count in range(len(parts) - 1):
        store.assert_refused(store.send(request.head, b"".join(parts[:count])), "IncompleteBody")


@pytest.mark.parametrize("cut", [0, 10, 9000, 16600])
def test_a_client_that_disconnects_midway_leaves_nothing(store: Store, cut: int) -> None:
    request = store.put(STREAMING_SIGNED)
    body = b"".join(request.chunked(*CHUNKS))
    with socket.create_connection(("127.0.0.1", store.port)) as connection:
        connection.sendall(request.head[:-2] + b"Content-Length: %d\r\n\r\n" % len(body) + body[:cut])
    store.listener.idle()
    store.assert_unchanged()


@pytest.mark.parametrize("length", [0, 1, len(BODY) - 1, len(BODY) + 1, 2**40, 10**18])
def test_the_declared_length_must_be_the_length_sent(store: Store, length: int) -> None:
    request = store.put(STREAMING_SIGNED, length)
    answer = store.send(request.head, b"".join(request.chunked(*CHUNKS)))
    store.assert_refused(answer, "IncompleteBody", "EntityTooLarge")


@pytest.mark.parametrize("length", ["-1", "+5", "1_6", "0x10", "1e3", "", "9" * 30, "16484,16484", "１６"])
def test_a_length_that_is_not_a_number_is_refused(store: Store, length: str) -> None:
    request = store.put(STREAMING_SIGNED, length.encode().decode("latin-1"))
    answer = store.send(request.head, b"".join(request.chunked(*CHUNKS)))
    store.assert_refused(answer, "InvalidArgument", "MissingContentLength", "SignatureDoesNotMatch")


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
def test_wrong_framing_is_refused(store: Store, raw: bytes) -> None:
    request = store.put(STREAMING_UNSIGNED_TRAILER, 16)
    store.assert_refused(store.send(request.head, raw), "IncompleteBody")


def test_a_flood_of_small_chunks_is_refused_at_the_second(store: Store) -> None:
    request = store.put(STREAMING_UNSIGNED_TRAILER, 100_000)
    status, body = store.send(request.head, b"1\r\na\r\n" * 100_000 + b"0\r\n\r\n")
    store.assert_refused((status, body), "InvalidChunkSizeError")
    assert b"<Chunk>2</Chunk><BadChunkSize>1</BadChunkSize>" in body


def test_a_trailing_checksum_must_occur_once_and_be_correct(store: Store) -> None:
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
        store.assert_refused(store.send(request.head, b"5\r\nhello\r\n" + end), code)


def test_a_body_must_match_the_signed_hash(store: Store) -> None:
    request = store.put(hashlib.sha256(b"mine").hexdigest(), None)
    store.assert_refused(store.send(request.head, b"your"), "XAmzContentSHA256Mismatch")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_a_request_without_the_body_that_it_declares_is_refused(store: Store, method: str) -> None:
    for word, length in ((hashlib.sha256(b"mine").hexdigest(), None), (STREAMING_SIGNED, "0"), (STREAMING_SIGNED, "5")):
        sent = {} if length is None else {"x-amz-decoded-content-length": length}
        request = signed(store.world.key, method, "/hostile/k", word, sent)
        status, body = store.send(request.head, b"", with_length=False)
        assert status == 400
        assert method == "HEAD" or any(code in body for code in (b"XAmzContentSHA256Mismatch", b"IncompleteBody"))
        store.assert_unchanged()


@pytest.mark.parametrize("word", ["", "x", "STREAMING-", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", UNSIGNED.lower()])
def test_an_unknown_payload_hash_keyword_is_refused(store: Store, word: str) -> None:
    request = store.put(word or "0", None)
    store.assert_refused(
        store.send(request.head, b"x"), "NotImplemented", "XAmzContentSHA256Mismatch", "InvalidArgument"
    )


def test_the_payload_hash_cannot_be_changed_after_signing(store: Store) -> None:
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
        store.assert_refused(store.send(request.head, b"5\r\nyours\r\n0\r\n\r\n"), "SignatureDoesNotMatch")


def test_a_bucket_policy_can_require_signed_payloads(store: Store) -> None:
    demand: dict[str, Any] = {
        "Principal": "*",
        "Condition": {"StringEquals": {"s3:x-amz-content-sha256": [UNSIGNED, STREAMING_UNSIGNED_TRAILER]}},
    }
    deny = policy(statement("Deny", "s3:PutObject", "arn:aws:s3:::hostile/*", **demand))
    store.world.s3.put_bucket_policy(Bucket="hostile", Policy=deny)
    try:
        for word, body in ((UNSIGNED, b"hello"), (STREAMING_UNSIGNED_TRAILER, b"5\r\nhello\r\n0\r\n\r\n")):
            request = store.put(word, 5)
            store.assert_refused(store.send(request.head, body), "AccessDenied")
    finally:
        store.world.s3.delete_bucket_policy(Bucket="hostile")


def test_a_tampered_part_is_refused_as_an_object_is(store: Store) -> None:
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
    store.assert_refused(store.send(request.head, b"".join([*parts[:2], *parts[3:]])), "SignatureDoesNotMatch")
    assert "Parts" not in store.world.s3.list_parts(**names, UploadId=upload)
    store.world.s3.abort_multipart_upload(**names, UploadId=upload)


def test_a_document_is_verified_before_it_is_parsed(store: Store) -> None:
    document = json.dumps(json.loads(policy(statement("Deny", "s3:*", "arn:aws:s3:::hostile", Principal="*")))).encode()
    request = signed(store.world.key, "PUT", "/hostile?policy", hashlib.sha256(b"other").hexdigest(), {})
    store.assert_refused(store.send(request.head, document), "XAmzContentSHA256Mismatch")
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        store.world.s3.get_bucket_policy(Bucket="hostile")
