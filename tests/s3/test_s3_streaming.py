"""aws-chunked bodies, cut at any place, with their signatures, trailers and checksums."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import zlib
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.aws.errors import AwsError
from reading_room.s3.body_errors import (
    BadDigest,
    ChunkSignatureDoesNotMatch,
    EntityTooLarge,
    IncompleteBody,
    InvalidChunk,
    InvalidChunkSize,
    InvalidDigest,
    MalformedTrailer,
    MissingContentLength,
    XAmzContentSHA256Mismatch,
)
from reading_room.s3.checksums import ALGORITHMS, combined, composite, encode, new_hash
from reading_room.s3.errors import InvalidRequest, NotImplementedHeader
from reading_room.s3.streaming import (
    LEAST_CHUNK,
    STREAMING_SIGNED,
    STREAMING_SIGNED_TRAILER,
    STREAMING_UNSIGNED_TRAILER,
    UNSIGNED,
    ChunkDecoder,
    ChunkSigner,
    Expectation,
    UploadBody,
)

KEY, DATE, SCOPE, SEED = b"k" * 32, "20260101T000000Z", "20260101/us-east-1/s3/aws4_request", "0" * 64


def sign(algorithm: str, previous: str, *hashes: str) -> str:
    """Return the signature that a client would compute."""
    text = "\n".join((algorithm, DATE, SCOPE, previous, *hashes))
    return hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()


def sha256(data: bytes) -> str:
    """Return the hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def signed_stream(chunks: list[bytes], trailer: dict[str, str] | None = None) -> bytes:
    """Encode chunks as a signed stream."""
    out, previous = b"", SEED
    for chunk in [*chunks, b""]:
        previous = sign("AWS4-HMAC-SHA256-PAYLOAD", previous, sha256(b""), sha256(chunk))
        out += f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + (chunk + b"\r\n" if chunk else b"")
    if trailer:
        lines = "".join(f"{name}:{value}\n" for name, value in trailer.items())
        out += "".join(f"{name}:{value}\r\n" for name, value in trailer.items()).encode()
        signature = sign("AWS4-HMAC-SHA256-TRAILER", previous, sha256(lines.encode()))
        out += f"x-amz-trailer-signature:{signature}\r\n".encode()
    return out + b"\r\n"


def unsigned_stream(chunks: list[bytes], trailer: dict[str, str]) -> bytes:
    """Encode chunks as an unsigned stream with a trailer."""
    out = b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks)
    return out + b"0\r\n" + "".join(f"{n}:{v}\r\n" for n, v in trailer.items()).encode() + b"\r\n"


def pieces(raw: bytes, size: int) -> Iterator[bytes]:
    """Cut bytes into pieces."""
    for start in range(0, len(raw), size):
        yield raw[start : start + size]


def signer() -> ChunkSigner:
    """Return a signer whose next signature is that of the first chunk."""
    return ChunkSigner(KEY, DATE, SCOPE, SEED)


def chunk(first: bytes, size: int) -> bytes:
    """Return a chunk that is large enough to precede others."""
    return (first * LEAST_CHUNK)[: LEAST_CHUNK + size]


CHUNKS = st.tuples(
    st.lists(st.builds(chunk, st.binary(min_size=2, max_size=9), st.integers(0, 200)), max_size=3),
    st.lists(st.binary(min_size=1, max_size=200), max_size=1),
).map(lambda found: [*found[0], *found[1]])


@given(CHUNKS, st.integers(1, 9000))
def test_a_signed_stream_is_decoded_however_it_is_cut(chunks: list[bytes], cut: int) -> None:
    decoder = ChunkDecoder(signer(), with_trailer=True)
    raw = signed_stream(chunks, {"x-amz-checksum-crc32": "AAAAAA=="})
    data = b"".join(piece for part in pieces(raw, cut) for piece in decoder.feed(part))
    assert data == b"".join(chunks)
    assert decoder.finish() == {"x-amz-checksum-crc32": "AAAAAA=="}


@given(CHUNKS, st.integers(1, 9000))
def test_an_unsigned_stream_is_decoded_however_it_is_cut(chunks: list[bytes], cut: int) -> None:
    decoder = ChunkDecoder(None, with_trailer=True)
    raw = unsigned_stream(chunks, {"x-amz-checksum-sha1": "x"})
    assert b"".join(p for part in pieces(raw, cut) for p in decoder.feed(part)) == b"".join(chunks)
    assert decoder.finish() == {"x-amz-checksum-sha1": "x"}


@given(CHUNKS, st.data())
def test_no_single_changed_byte_passes_a_signed_stream(chunks: list[bytes], data: st.DataObject) -> None:
    raw = bytearray(signed_stream(chunks, {"x-amz-checksum-crc32": "AAAAAA=="}))
    position = data.draw(st.integers(0, len(raw) - 1))
    raw[position] ^= data.draw(st.integers(1, 255))
    decoder = ChunkDecoder(signer(), with_trailer=True)
    try:
        decoded = b"".join(decoder.feed(bytes(raw)))
        trailer = decoder.finish()
    except AwsError:
        return
    # Only the notation may differ: the case of a size's digit or of a name, or a control character for a space.
    assert decoded == b"".join(chunks)
    assert {name.lower(): value for name, value in trailer.items()} == {"x-amz-checksum-crc32": "AAAAAA=="}


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"5\r\nhello\r\n", IncompleteBody),
        (b"5\r\nhel", IncompleteBody),
        (b"5\r\nhello!\r\n0\r\n\r\n", InvalidChunk),
        (b"zz\r\n", InvalidChunk),
        (b"-5\r\nhello\r\n", InvalidChunk),
        (b"\r\n", InvalidChunk),
        (b"5\nhello\n", InvalidChunk),
        (b"0\r\n\r\nmore", InvalidChunk),
        (b"0\r\nno colon\r\n\r\n", MalformedTrailer),
        (b"0\r\nx-amz-checksum-crc32:a\r\nX-Amz-Checksum-CRC32:b\r\n\r\n", MalformedTrailer),
        (b"0\r\n" + b"".join(b"a%d:b\r\n" % number for number in range(17)), MalformedTrailer),
        (b"1_0\r\n", InvalidChunk),
        (b"+5\r\nhello\r\n0\r\n\r\n", InvalidChunk),
        (b"0x5\r\nhello\r\n0\r\n\r\n", InvalidChunk),
        (b" 5\r\nhello\r\n0\r\n\r\n", InvalidChunk),
        (b"5 \r\nhello\r\n0\r\n\r\n", InvalidChunk),
        ("٥\r\n".encode(), InvalidChunk),
        (b"5;" + b"a=b;" * 2000, InvalidChunk),
        (b"5\r\nhello\r\n2\r\n!!\r\n0\r\n\r\n", InvalidChunkSize),
        (b"5\r\nhello\r\n5\r\n", InvalidChunkSize),
        (b"1" * 5000, InvalidChunk),
        (b"fffffffffffffffff\r\n", InvalidChunk),
        (b"", IncompleteBody),
    ],
)
def test_broken_framing_raises_the_specific_error(raw: bytes, error: type[Exception]) -> None:
    decoder = ChunkDecoder(None, with_trailer=True)

    def decode() -> None:
        list(decoder.feed(raw))
        decoder.finish()

    with pytest.raises(error):
        decode()


def test_a_signed_stream_without_its_signatures_is_refused() -> None:
    with pytest.raises(ChunkSignatureDoesNotMatch):
        list(ChunkDecoder(signer(), with_trailer=False).feed(b"5\r\nhello\r\n0\r\n\r\n"))
    decoder = ChunkDecoder(signer(), with_trailer=True)
    list(decoder.feed(signed_stream([b"x"])))
    with pytest.raises(ChunkSignatureDoesNotMatch):
        decoder.finish()  # the trailer's signature is missing


def upload(raw: bytes, headers: dict[str, str], payload_hash: str = UNSIGNED, cut: int = 7) -> bytes:
    """Read a body to its end and return its bytes; raise if it cannot be verified."""

    async def receive() -> AsyncIterator[bytes]:
        for piece in pieces(raw, cut):
            yield piece

    async def drain() -> bytes:
        with ThreadPoolExecutor(1) as executor:
            body = UploadBody(receive, Expectation.of(headers, payload_hash), executor, signer())
            return await body.read(1000)

    return asyncio.run(drain())


def crc32(data: bytes) -> str:
    """Return the CRC32 as S3 encodes it."""
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def test_the_hash_and_length_of_a_plain_body_are_verified() -> None:
    assert upload(b"hello", {"content-length": "5"}, sha256(b"hello")) == b"hello"
    with pytest.raises(XAmzContentSHA256Mismatch):
        upload(b"hellO", {"content-length": "5"}, sha256(b"hello"))
    for length in ("4", "6"):
        with pytest.raises(IncompleteBody):
            upload(b"hello", {"content-length": length})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_checksum_header_is_verified(algorithm: str) -> None:
    running = new_hash(algorithm)
    running.update(b"hello")
    name = f"x-amz-checksum-{algorithm.lower()}"
    headers = {"content-length": "5", name: encode(running.digest())}
    assert upload(b"hello", headers) == b"hello"
    with pytest.raises(BadDigest, match=algorithm):
        upload(b"hellO", headers)
    with pytest.raises(InvalidRequest, match="header is invalid"):
        upload(b"hello", {"content-length": "5", name: "????"})


def test_content_md5_is_verified() -> None:
    md5 = base64.b64encode(hashlib.md5(b"hello").digest()).decode()
    assert upload(b"hello", {"content-length": "5", "content-md5": md5}) == b"hello"
    with pytest.raises(BadDigest, match="Content-MD5"):
        upload(b"hellO", {"content-length": "5", "content-md5": md5})
    with pytest.raises(InvalidDigest):
        upload(b"hello", {"content-length": "5", "content-md5": "abc"})


def test_a_trailing_checksum_is_verified() -> None:
    headers = {"x-amz-decoded-content-length": "5", "x-amz-trailer": "x-amz-checksum-crc32"}
    good = unsigned_stream([b"hello"], {"x-amz-checksum-crc32": crc32(b"hello")})
    assert upload(good, headers, STREAMING_UNSIGNED_TRAILER) == b"hello"
    with pytest.raises(BadDigest):
        upload(good.replace(b"hel", b"Hel"), headers, STREAMING_UNSIGNED_TRAILER)
    with pytest.raises(MalformedTrailer):
        upload(unsigned_stream([b"hello"], {}), headers, STREAMING_UNSIGNED_TRAILER)
    with pytest.raises(MalformedTrailer):
        upload(good.replace(b"crc32", b"crc32c"), headers, STREAMING_UNSIGNED_TRAILER)
    both = unsigned_stream([b"hello"], {"x-amz-checksum-crc32": crc32(b"hello"), "x-amz-checksum-sha1": "x"})
    with pytest.raises(MalformedTrailer):
        upload(both, headers, STREAMING_UNSIGNED_TRAILER)
    with pytest.raises(IncompleteBody):
        upload(
            unsigned_stream([b"hell"], {"x-amz-checksum-crc32": crc32(b"hell")}), headers, STREAMING_UNSIGNED_TRAILER
        )


def test_signed_streams_are_verified_with_and_without_a_trailer() -> None:
    length = {"x-amz-decoded-content-length": "5"}
    assert upload(signed_stream([b"hello"]), length, STREAMING_SIGNED) == b"hello"
    with pytest.raises(ChunkSignatureDoesNotMatch):
        upload(signed_stream([b"hello"]).replace(b"llo", b"llO"), length, STREAMING_SIGNED)
    headers = {**length, "x-amz-trailer": "x-amz-checksum-crc32"}
    trailer = {"x-amz-checksum-crc32": crc32(b"hello")}
    assert upload(signed_stream([b"hello"], trailer), headers, STREAMING_SIGNED_TRAILER) == b"hello"


def test_contradictory_and_unsupported_headers_are_refused() -> None:
    with pytest.raises(MissingContentLength):
        Expectation.of({"transfer-encoding": "chunked"}, UNSIGNED)
    with pytest.raises(MissingContentLength):
        Expectation.of({"content-length": "90"}, STREAMING_SIGNED)
    with pytest.raises(NotImplementedHeader):
        Expectation.of({"x-amz-decoded-content-length": "1"}, "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")
    with pytest.raises(InvalidRequest):
        Expectation.of({"x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-crc32c": "AAAAAA=="}, UNSIGNED)
    headers = {"x-amz-decoded-content-length": "1", "x-amz-trailer": "x-amz-checksum-crc16"}
    with pytest.raises(InvalidRequest):
        Expectation.of(headers, STREAMING_UNSIGNED_TRAILER)
    with pytest.raises(EntityTooLarge):
        upload(b"x" * 1001, {"content-length": "1001"})


def test_a_stream_that_announces_no_trailer_must_not_have_one() -> None:
    length = {"x-amz-decoded-content-length": "5"}
    assert upload(unsigned_stream([b"hello"], {}), length, STREAMING_UNSIGNED_TRAILER) == b"hello"
    with pytest.raises(MalformedTrailer):
        upload(
            unsigned_stream([b"hello"], {"x-amz-checksum-crc32": crc32(b"hello")}), length, STREAMING_UNSIGNED_TRAILER
        )
    trailer = {"x-amz-checksum-crc32": crc32(b"hello")}
    with pytest.raises(MalformedTrailer):
        upload(signed_stream([b"hello"], trailer), length, STREAMING_SIGNED_TRAILER)


def test_a_signed_trailer_must_end_with_its_signature() -> None:
    headers = {"x-amz-decoded-content-length": "5", "x-amz-trailer": "x-amz-checksum-crc32"}
    good = signed_stream([b"hello"], {"x-amz-checksum-crc32": crc32(b"hello")})
    assert upload(good, headers, STREAMING_SIGNED_TRAILER) == b"hello"
    for raw in (
        good[:-2] + b"x-amz-meta-more:1\r\n\r\n",
        good[:-2] + good[good.index(b"x-amz-trailer-signature") :],
        good.replace(b"x-amz-trailer-signature:", b"x-amz-other-signature:"),
    ):
        with pytest.raises((MalformedTrailer, ChunkSignatureDoesNotMatch)):
            upload(raw, headers, STREAMING_SIGNED_TRAILER)


def test_chunks_cannot_be_dropped_repeated_or_reordered() -> None:
    one, two = b"1" * LEAST_CHUNK, b"2" * LEAST_CHUNK
    raw = signed_stream([one, two])
    first = raw.index(b"\r\n2000;") + 2
    second = raw.index(b"\r\n0;") + 2
    a, b, end = raw[:first], raw[first:second], raw[second:]
    decoder = ChunkDecoder(signer(), with_trailer=False)
    assert b"".join(decoder.feed(a + b + end)) == one + two
    for wrong in (b + a + end, a + end, b + end, a + a + b + end, a + b + b + end, end):
        with pytest.raises(ChunkSignatureDoesNotMatch):
            list(ChunkDecoder(signer(), with_trailer=False).feed(wrong))


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=5), st.sampled_from(["CRC32", "CRC32C", "CRC64NVME"]))
def test_the_crc_of_the_whole_is_combined_from_those_of_the_parts(parts: list[bytes], algorithm: str) -> None:
    whole = new_hash(algorithm)
    sums = []
    for part in parts:
        whole.update(part)
        running = new_hash(algorithm)
        running.update(part)
        sums.append((encode(running.digest()), len(part)))
    assert combined(algorithm, sums) == encode(whole.digest())


def test_a_composite_checksum_ends_with_the_number_of_parts() -> None:
    first, second = hashlib.sha256(b"a").digest(), hashlib.sha256(b"b").digest()
    expected = base64.b64encode(hashlib.sha256(first + second).digest()).decode()
    assert composite("SHA256", [encode(first), encode(second)]) == f"{expected}-2"
