"""Incoming bodies: decode ``aws-chunked`` and verify every signature and checksum, in bounded memory.

An ``UploadBody`` is drained once. The event loop only collects bytes. Worker threads decode, digest and write batches
of about 1 MiB while the next batch arrives. The consumer must discard what it got unless ``drain`` returns.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from reading_room.aws.receive import announced_bytes
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
from reading_room.s3.checksums import ALGORITHMS, Digests, encode, is_well_formed
from reading_room.s3.errors import InvalidArgument, InvalidRequest, NotImplementedHeader

BATCH = 1 << 20
"""Bytes that are handed to a worker thread at once."""
QUICK = 16 * 1024
"""Bytes of a body that are decoded and consumed on the event loop, because a thread would take longer."""
LEAST_CHUNK = 8192
"""Bytes that every chunk but the last must have."""
_LINE_LIMIT = 4096
_MOST_TRAILERS = 16
_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()

UNSIGNED = "UNSIGNED-PAYLOAD"
STREAMING_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAMING_SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
STREAMING_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


class ClientGone(Exception):
    """The client closed its connection before its body was complete, so nobody waits for an answer."""


@dataclass(slots=True)
class ChunkSigner:
    """Verifies the chain of signatures of a signed stream. Each signature covers the one before it."""

    signing_key: bytes
    amz_date: str
    scope: str
    previous: str
    """The seed: the signature of the request's headers."""

    def check_chunk(self, signature: str, sha256: str) -> None:
        """Verify the next chunk by the hexadecimal SHA-256 of its data. Raises ``ChunkSignatureDoesNotMatch``."""
        self._check(signature, "AWS4-HMAC-SHA256-PAYLOAD", (_EMPTY_SHA256, sha256))

    def check_trailer(self, signature: str, trailer: bytes) -> None:
        """Verify the trailer, given as ``name:value`` lines each ended by a line feed."""
        self._check(signature, "AWS4-HMAC-SHA256-TRAILER", (hashlib.sha256(trailer).hexdigest(),))

    def _check(self, signature: str, algorithm: str, hashes: Sequence[str]) -> None:
        text = "\n".join((algorithm, self.amz_date, self.scope, self.previous, *hashes))
        expected = hmac.new(self.signing_key, text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise ChunkSignatureDoesNotMatch
        self.previous = expected


class ChunkDecoder:
    """Decodes ``aws-chunked`` from pieces of any size. ``signer`` is ``None`` for unsigned streams."""

    def __init__(self, signer: ChunkSigner | None, with_trailer: bool) -> None:
        self._signer = signer
        self._with_trailer = with_trailer
        self._line = bytearray()
        self._left = 0
        self._size = LEAST_CHUNK
        """The size of the chunk before."""
        self._chunks = 0
        self._state = "header"
        self._signature = ""
        self._sha256 = hashlib.sha256()
        self._trailer: dict[str, str] = {}
        self._trailer_signature: str | None = None

    def feed(self, raw: bytes) -> Iterator[bytes]:
        """Yield the data in the next raw bytes.

        Raises ``InvalidChunk``, ``InvalidChunkSize``, ``MalformedTrailer`` and ``ChunkSignatureDoesNotMatch``.
        """
        position, end = 0, len(raw)
        while position < end:
            if self._state == "data":
                piece = raw[position : position + self._left]
                position += len(piece)
                self._left -= len(piece)
                if self._signer is not None:
                    self._sha256.update(piece)
                if not self._left:
                    self._state = "after data"
                yield piece
                continue
            if self._state == "end":
                raise InvalidChunk("bytes follow the end")
            newline = raw.find(b"\n", position)
            stop = end if newline < 0 else newline + 1
            self._line += raw[position:stop]
            position = stop
            if len(self._line) > _LINE_LIMIT:
                raise InvalidChunk("a line is too long")
            if newline >= 0:
                line = bytes(self._line)
                self._line.clear()
                self._take_line(line)

    def finish(self) -> Mapping[str, str]:
        """Return the trailer, names in lower case, once all bytes were fed. Raises ``IncompleteBody``."""
        # Some clients omit the empty line after the last chunk or the trailer.
        if self._state not in ("trailer", "end") or self._line:
            raise IncompleteBody
        if self._signer is not None and self._with_trailer:
            if self._trailer_signature is None:
                raise ChunkSignatureDoesNotMatch
            lines = "".join(f"{name}:{value}\n" for name, value in self._trailer.items())
            self._signer.check_trailer(self._trailer_signature, lines.encode())
        return self._trailer

    def _take_line(self, line: bytes) -> None:
        if not line.endswith(b"\r\n"):
            raise InvalidChunk("a line does not end in CRLF")
        try:
            text = line[:-2].decode("ascii")
        except UnicodeDecodeError:
            raise InvalidChunk("a line is not ASCII") from None
        if self._state == "header":
            self._take_header(text)
        elif self._state == "after data":
            if text:
                raise InvalidChunk("a chunk is longer than its size says")
            self._end_chunk()
            self._state = "header"
        elif not text:
            self._state = "end"
        else:
            self._take_trailer(text)

    def _take_header(self, text: str) -> None:
        size, _, extension = text.partition(";")
        name, _, value = extension.partition("=")
        if not size or len(size) > 16 or not all(c in "0123456789abcdefABCDEF" for c in size):
            raise InvalidChunk("a chunk has no size in hexadecimal")
        self._chunks += 1
        if self._signer is not None and name != "chunk-signature":
            raise ChunkSignatureDoesNotMatch
        self._signature = value
        self._left = int(size, 16)
        if self._left:
            if self._size < LEAST_CHUNK:
                raise InvalidChunkSize(self._chunks, self._size, LEAST_CHUNK)
            self._size = self._left
            self._state = "data"
        else:
            self._end_chunk()
            self._state = "trailer"

    def _end_chunk(self) -> None:
        if self._signer is not None:
            self._signer.check_chunk(self._signature, self._sha256.hexdigest())
            self._sha256 = hashlib.sha256()

    def _take_trailer(self, text: str) -> None:
        name, colon, value = text.partition(":")
        name = name.lower()
        # Nothing may follow the signature, which would not cover it. A name that occurs twice would be ambiguous.
        done = self._trailer_signature is not None or len(self._trailer) >= _MOST_TRAILERS
        if not colon or not self._with_trailer or name in self._trailer or done:
            raise MalformedTrailer
        if name == "x-amz-trailer-signature":
            self._trailer_signature = value.strip()
        else:
            self._trailer[name] = value.strip()


@dataclass(frozen=True, slots=True)
class Expectation:
    """The properties of a body that the request's headers declare."""

    length: int | None
    """Bytes after decoding; ``None`` if only the end of the body shows its length."""
    sha256: str | None = None
    """The signed hash in hexadecimal; ``None`` if the payload is unsigned or a stream."""
    md5: str | None = None
    """Content-MD5, base64."""
    checksums: Mapping[str, str] = field(default_factory=dict)
    """Algorithm → base64, from ``x-amz-checksum-*`` headers."""
    trailer: str | None = None
    """The algorithm of the checksum in the trailer."""
    chunked: str | None = None
    """One of the ``STREAMING-…`` words, or ``None`` for a plain body."""

    @classmethod
    def of(cls, headers: Mapping[str, str], payload_hash: str) -> Expectation:
        """Read the headers (lower-case names). ``payload_hash`` is the one that the signature covers.

        Raises S3's errors for contradictory, malformed and unsupported headers.
        """
        chunked = payload_hash if payload_hash.startswith("STREAMING-") else None
        if chunked and chunked not in (STREAMING_SIGNED, STREAMING_SIGNED_TRAILER, STREAMING_UNSIGNED_TRAILER):
            raise NotImplementedHeader("x-amz-content-sha256")
        length = headers.get("x-amz-decoded-content-length" if chunked else "content-length")
        if length is None:
            if headers.get("transfer-encoding") or chunked:
                raise MissingContentLength
            length = "0"
        size = announced_bytes(length)
        if size is None:
            raise InvalidArgument("Content-Length", length, "The content length is not a number.")
        md5 = headers.get("content-md5")
        if md5 is not None and not is_well_formed("MD5", md5):
            raise InvalidDigest(md5)
        return cls(
            length=size,
            sha256=None if chunked or payload_hash == UNSIGNED else payload_hash,
            md5=md5,
            checksums=_checksum_headers(headers),
            trailer=_trailer_algorithm(headers) if chunked and chunked.endswith("-TRAILER") else None,
            chunked=chunked,
        )

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The checksum algorithms that must be computed to verify the body."""
        return (*self.checksums, *((self.trailer,) if self.trailer else ()))


def _checksum_headers(headers: Mapping[str, str]) -> dict[str, str]:
    found = {a: headers[n] for a in ALGORITHMS if (n := f"x-amz-checksum-{a.lower()}") in headers}
    if len(found) > 1:
        raise InvalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
    for algorithm, value in found.items():
        if not is_well_formed(algorithm, value):
            raise InvalidRequest(f"Value for x-amz-checksum-{algorithm.lower()} header is invalid.")
    return found


def _trailer_algorithm(headers: Mapping[str, str]) -> str | None:
    if "x-amz-trailer" not in headers:
        # A stream of a kind that has trailers must not have one if it announces none.
        return None
    name = headers["x-amz-trailer"].strip().lower()
    for algorithm in ALGORITHMS:
        if name == f"x-amz-checksum-{algorithm.lower()}":
            return algorithm
    raise InvalidRequest("The value specified in the x-amz-trailer header is not supported")


Receive = Callable[[], AsyncIterator[bytes]]


class UploadBody:
    """The body of one request, with its declared properties. It can be read once."""

    def __init__(
        self,
        receive: Receive,
        expectation: Expectation,
        executor: Executor,
        signer: ChunkSigner | None = None,
    ) -> None:
        self.expectation = expectation
        self._receive = receive
        self._executor = executor
        self._most = 0
        self._decoder: ChunkDecoder | None = None
        if expectation.chunked:
            signed = expectation.chunked != STREAMING_UNSIGNED_TRAILER
            if signed and signer is None:
                raise ChunkSignatureDoesNotMatch
            self._decoder = ChunkDecoder(signer if signed else None, expectation.trailer is not None)

    async def drain(self, consume: Callable[[bytes], object], limit: int, algorithms: Sequence[str] = ()) -> Digests:
        """Read the body, call ``consume`` with the decoded bytes in a worker thread, and return the verified digests.

        A body of at most ``QUICK`` bytes is consumed on the event loop, so ``consume`` must not block for so few.
        ``algorithms`` are computed besides those that the request names. Raises ``EntityTooLarge`` above ``limit``
        bytes, ``ClientGone``, ``IncompleteBody``, ``BadDigest`` and the other errors of bodies.
        """
        self._most = limit if self.expectation.length is None else self.expectation.length
        if self._most > limit:
            raise EntityTooLarge(limit)
        digests = Digests((*self.expectation.algorithms, *algorithms))
        loop = asyncio.get_running_loop()
        taking: asyncio.Future[list[bytes]] | None = None
        summing: asyncio.Future[None] | None = None
        batch: list[bytes] = []
        gathered = 0
        try:
            async for raw in self._receive():
                batch.append(raw)
                gathered += len(raw)
                if gathered < BATCH:
                    continue
                # At most three batches are in progress: one arrives, one is decoded and written, and one is hashed by
                # MD5, which takes longer than all the rest.
                if taking is not None:
                    pieces = await taking
                    if summing is not None:
                        await summing
                    summing = loop.run_in_executor(self._executor, _sum_md5, digests, pieces)
                taking = loop.run_in_executor(self._executor, self._take, batch, digests, consume)
                batch, gathered = [], 0
            rest = await taking if taking is not None else []
            if summing is not None:
                await summing
            if taking is None and gathered <= QUICK:
                self._finish(rest, batch, digests, consume)
            else:
                taking = loop.run_in_executor(self._executor, self._finish, rest, batch, digests, consume)
                await taking
        finally:
            # The caller may discard what was written. No thread must still be writing then.
            running = [future for future in (taking, summing) if future is not None and not future.done()]
            if running:
                await asyncio.wait(running)
        return digests

    async def read(self, limit: int) -> bytes:
        """Return a small body, verified. Raises the errors of ``drain``."""
        if not self.expectation.length and not self.expectation.chunked:
            # Most requests have no body, which is not worth a thread.
            return self.nothing()
        pieces: list[bytes] = []
        await self.drain(pieces.append, limit)
        return b"".join(pieces)

    def nothing(self) -> bytes:
        """Return the body of a request that has none, verified. Raises ``IncompleteBody`` and ``BadDigest``."""
        if self._decoder is not None:
            raise IncompleteBody
        self._verify(Digests(self.expectation.algorithms), {})
        return b""

    def _take(self, batch: list[bytes], digests: Digests, consume: Callable[[bytes], object]) -> list[bytes]:
        """Decode a batch, update all digests but MD5, and consume it. Return the decoded pieces."""
        raw = batch[0] if len(batch) == 1 else b"".join(batch)
        pieces: list[bytes] = []
        for piece in self._decoder.feed(raw) if self._decoder else (raw,):
            digests.update_all_but_md5(piece)
            if digests.size > self._most:
                raise IncompleteBody if self.expectation.length is not None else EntityTooLarge(self._most)
            consume(piece)
            pieces.append(piece)
        return pieces

    def _finish(
        self, rest: list[bytes], batch: list[bytes], digests: Digests, consume: Callable[[bytes], object]
    ) -> list[bytes]:
        """Add the pieces that MD5 still lacks, take the last batch, and verify the whole body."""
        _sum_md5(digests, rest)
        if batch:
            _sum_md5(digests, self._take(batch, digests, consume))
        self._verify(digests, self._decoder.finish() if self._decoder else {})
        return []

    def _verify(self, digests: Digests, trailer: Mapping[str, str]) -> None:
        expected = self.expectation
        if expected.length not in (None, digests.size):
            raise IncompleteBody
        if expected.sha256 is not None and not hmac.compare_digest(expected.sha256, digests.sha256):
            raise XAmzContentSHA256Mismatch(expected.sha256, digests.sha256)
        if expected.md5 is not None and (md5 := encode(digests.digest("MD5"))) != expected.md5:
            raise BadDigest("MD5", {"ExpectedDigest": expected.md5, "CalculatedDigest": md5})
        checksums = dict(expected.checksums)
        if expected.trailer:
            name = f"x-amz-checksum-{expected.trailer.lower()}"
            if trailer.keys() != {name}:
                raise MalformedTrailer
            checksums[expected.trailer] = trailer[name]
        for algorithm, value in checksums.items():
            if encode(digests.digest(algorithm)) != value:
                raise BadDigest(algorithm)


def _sum_md5(digests: Digests, pieces: list[bytes]) -> None:
    for piece in pieces:
        digests.update_md5(piece)
