"""Garbage for the parsers of S3 requests and for the whole application: it causes S3's errors and no others.

``READING_ROOM_HYPOTHESIS=fuzz`` runs many times as many examples. ``data/hostile_streams`` is the corpus of bodies.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reading_room.aws.errors import AwsError
from reading_room.s3.actions import identify, requirements
from reading_room.s3.addressing import KEY_LIMIT, Address, locate, parse_copy_source
from reading_room.s3.streaming import ChunkDecoder, ChunkSigner, Expectation
from tests.worlds.s3 import S3World, s3_world
from tests.worlds.s3_signing import EMPTY, signed

CORPUS = sorted((Path(__file__).parent / "data" / "hostile_streams").iterdir())
SLOW = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
BASES = frozenset({"127.0.0.1", "localhost", "s3.localhost"})
HOSTS = st.one_of(
    st.sampled_from(
        [
            "",
            "s3.amazonaws.com",
            "b.s3.amazonaws.com",
            ".s3.amazonaws.com",
            "[::1]:80",
            "[",
            "::",
            "b.localhost",
            ":80",
            "a" * 300 + ".s3.localhost",
            "s3.us-east-1.amazonaws.com.",
            "%00.s3.localhost",
            "B.S3.LOCALHOST:x",
            "127.1",
        ]
    ),
    st.text("as3.-:[]%0/@", max_size=30),
    st.text(max_size=20),
)
PATHS = st.one_of(
    st.text("/ab%2fE0.;+?\x00\xff", max_size=40), st.text(max_size=30).map(lambda text: "/" + quote(text))
)


@given(HOSTS, PATHS)
def test_any_host_and_path_are_parsed_or_refused(host: str, path: str) -> None:
    try:
        found = locate(host, path, BASES)
    except AwsError:
        return
    assert found.key is None or 0 < len(found.key.encode()) <= KEY_LIMIT
    assert found.bucket is not None or found.key is None


@given(PATHS)
def test_a_key_in_a_path_is_decoded_exactly_once(path: str) -> None:
    try:
        found = locate("localhost", path, BASES)
    except AwsError:
        return
    if found.key is not None:
        assert found == locate("localhost", f"/{quote(found.bucket or '', safe='')}/{quote(found.key, safe='')}", BASES)


@given(st.one_of(PATHS, st.text(max_size=30)))
def test_any_copy_source_is_parsed_or_refused(text: str) -> None:
    try:
        bucket, key, _ = parse_copy_source(text)
    except AwsError:
        return
    assert bucket
    assert key


NAMES = st.one_of(
    st.sampled_from(
        [
            "acl",
            "policy",
            "tagging",
            "uploads",
            "uploadId",
            "partNumber",
            "delete",
            "cors",
            "versionId",
            "list-type",
            "torrent",
            "x-id",
            "select",
            "append",
            "restore",
            "X-Amz-Date",
            "location",
        ]
    ),
    st.text(max_size=10),
)
QUERIES = st.dictionaries(NAMES, st.text(max_size=10), max_size=3)
METHODS = st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "", "get"])
ADDRESSES = st.builds(
    Address,
    st.sampled_from([None, "b"]),
    st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), min_size=1)),
).filter(lambda found: found.bucket is not None or found.key is None)


@given(METHODS, ADDRESSES, QUERIES, st.dictionaries(st.sampled_from(["x-amz-copy-source", "x-amz-acl"]), st.text()))
def test_any_request_line_is_an_operation_with_permissions_or_refused(
    method: str, address: Address, query: dict[str, str], headers: dict[str, str]
) -> None:
    try:
        model = identify(method, address, query, headers)
        needed = requirements(model.name, address, query, headers)
    except AwsError:
        return
    assert needed


PIECES = st.one_of(
    st.sampled_from(
        [
            b"5\r\nhello\r\n",
            b"0\r\n",
            b"\r\n",
            b"5;chunk-signature=",
            b"0" * 64,
            b"x-amz-checksum-crc32:AAAA\r\n",
            b"x-amz-trailer-signature:",
            b";",
            b"2000\r\n" + b"a" * 8192 + b"\r\n",
            b"\n",
            b"\r",
            b"ffffffff\r\n",
        ]
    ),
    st.binary(max_size=12),
)


@given(st.lists(PIECES, max_size=12), st.booleans(), st.booleans(), st.integers(1, 40))
def test_any_bytes_are_decoded_as_chunks_or_refused(
    parts: list[bytes], with_signer: bool, with_trailer: bool, cut: int
) -> None:
    raw = b"".join(parts)
    decoded = decode(raw, with_signer, with_trailer, len(raw) or 1)
    # The result does not depend on where the bytes are cut.
    assert decode(raw, with_signer, with_trailer, cut) == decoded
    # With a signer, unsigned bytes are always refused.
    assert not with_signer or decoded is None


def decode(raw: bytes, with_signer: bool, with_trailer: bool, cut: int) -> tuple[bytes, dict[str, str]] | None:
    """Return the data and the trailer of a stream, or ``None`` if it is refused."""
    signer = ChunkSigner(b"k" * 32, "20260101T000000Z", "20260101/us-east-1/s3/aws4_request", "0" * 64)
    decoder = ChunkDecoder(signer if with_signer else None, with_trailer)
    try:
        data = b"".join(p for start in range(0, len(raw), cut) for p in decoder.feed(raw[start : start + cut]))
        return data, dict(decoder.finish())
    except AwsError:
        return None


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.name)
def test_every_stream_of_the_corpus_is_refused(file: Path) -> None:
    for with_signer in (False, True):
        for cut in (1, 7, 1 << 20):
            assert decode(file.read_bytes(), with_signer, with_trailer=True, cut=cut) is None


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "content-length",
                "x-amz-decoded-content-length",
                "content-md5",
                "x-amz-trailer",
                "x-amz-checksum-crc32",
                "x-amz-checksum-sha256",
                "transfer-encoding",
                "x-amz-sdk-checksum-algorithm",
            ]
        ),
        st.one_of(
            st.sampled_from(["", "5", "-1", "AAAAAA==", "x-amz-checksum-crc32", "chunked", "9" * 19, "9" * 25]),
            st.text(),
        ),
    ),
    st.one_of(
        st.sampled_from(
            [
                "UNSIGNED-PAYLOAD",
                "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
                "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
                EMPTY,
            ]
        ),
        st.text(),
    ),
)
def test_any_headers_of_a_body_are_parsed_or_refused(headers: dict[str, str], payload: str) -> None:
    try:
        expected = Expectation.of(headers, payload)
    except AwsError:
        return
    assert expected.length is None or 0 <= expected.length < 10**19


# The whole application


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3World]:
    """Yield a store with a bucket and an object."""
    with s3_world(tmp_path_factory.mktemp("fuzz"), "memory") as world:
        world.s3.create_bucket(Bucket="fuzz")
        world.s3.put_object(Bucket="fuzz", Key="k", Body=b"hello")
        yield world


HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "x-amz-copy-source",
            "range",
            "if-match",
            "if-modified-since",
            "x-amz-copy-source-range",
            "x-amz-acl",
            "x-amz-tagging",
            "content-md5",
            "x-amz-checksum-crc32",
            "x-amz-meta-a",
            "x-amz-expected-bucket-owner",
            "x-amz-object-attributes",
            "x-amz-decoded-content-length",
            "expect",
            "content-type",
            "x-amz-odd",
        ]
    ),
    st.one_of(
        st.sampled_from(
            [
                "bytes=0-",
                "bytes=5-1",
                "bytes=-0",
                "bytes=" + "9" * 50 + "-",
                "*",
                "fuzz/k",
                "fuzz/k?versionId=x",
                "Fri, 01 Jan 99999 00:00:00 GMT",
                "private",
                "a=b&a=c",
                "100-continue",
                "0",
                "multipart/form-data",
            ]
        ),
        st.text("aZ09-=/%&*\"', ;:é\xff", max_size=20),
    ),
    max_size=3,
)
VALUES = st.one_of(st.sampled_from(["", "0", "-1", "1", "9" * 30, "url", "null", "\0", "é", "%"]), st.text(max_size=8))


@given(
    st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS"]),
    st.sampled_from(["/", "/fuzz", "/fuzz/", "/fuzz/k", "/fuzz/other", "/no-such-bucket", "/..", "/fuzz/%ff"]),
    st.dictionaries(NAMES.filter(lambda name: not name.startswith("X-Amz")), VALUES, max_size=3),
    HEADERS,
    st.one_of(
        st.binary(max_size=30), st.sampled_from([b"<Delete><Object><Key>k</Key></Object></Delete>", b"<a/>", b"{}"])
    ),
)
@SLOW
def test_the_store_never_answers_500_to_signed_garbage(
    store: S3World, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
) -> None:
    text = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in sorted(query.items()))
    latin = {name: " ".join(value.split()) for name, value in headers.items()}
    request = signed(store.key, method, path + ("?" + text if text else ""), "UNSIGNED-PAYLOAD", latin)
    names = dict(line.split(": ", 1) for line in request.head.decode("latin-1").split("\r\n")[1:-2])
    made = AWSRequest(method, f"http://127.0.0.1{path}{'?' + text if text else ''}", headers=names, data=body).prepare()
    made.url = f"http://127.0.0.1{path}{'?' + text if text else ''}"
    response: AWSResponse = store.running.send(made)
    # S3's features that this store lacks are answered with 501, and nothing changes.
    assert response.status_code in range(200, 500) or response.status_code == 501, response.content
