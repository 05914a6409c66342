"""The blob store in a bucket of an S3 service, such as another Reading Room.

A blob is one object there, ``PREFIXobjects/XX/ID``, with the bytes that a file of the blob has (``files.py``): content,
then checksums or tags, which verify every read. So blobs can be copied between a folder and a bucket by any program.

Bodies stream in both directions. Up to ``PART`` bytes of a body wait in an unlinked file, and then go to the service
while the next ones arrive: as a single PutObject, or as the parts of a multipart upload. A blob is durable once the
service has answered, and exists then as a whole or not at all. A service that cannot be reached raises ``StorageAway``.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from reading_room.client import connect
from reading_room.s3.backends.place import Bucket
from reading_room.s3.backends.sums import SummedBlob, SummedWriter
from reading_room.s3.blobs import DamagedBlob, StorageAway
from reading_room.s3.object_cipher import DataKey
from reading_room.shortage import Threads

logger = logging.getLogger(__name__)

PART = 8 * 1024 * 1024
"""Bytes of a part of a multipart upload; S3 allows 10,000 parts of at least 5 MiB."""
WHOLE = 1024 * 1024
"""A blob of at most this size is read with one request, together with its checksums."""
CONNECTIONS = 32
ATTEMPTS = 3
CONNECT_SECONDS, READ_SECONDS = 3.0, 20.0
REST_SECONDS = 1.0
"""How long nothing is sent to a service that could not be reached, so that requests fail at once meanwhile."""
LABEL = "store"
"""The object that says which database the blobs belong to."""
LABEL_BYTES = 64
GOOD_SECONDS = 10.0
"""How long a call that succeeded says that the service can be used."""
_NAME = re.compile(r"[0-9a-f]{2}/([0-9a-f]{32})")
_BUSY = frozenset({"SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "RequestTimeTooSkewed"})
_MISSING = frozenset({"NoSuchKey", "NoSuchUpload", "404"})
_SHORT = frozenset({"InvalidRange", "416"})
_UNKNOWN = frozenset({"NotImplemented", "MethodNotAllowed", "501", "405"})
_EXPECTED = _MISSING | _SHORT | _UNKNOWN


class Answered(Exception):
    """The service answered that an object, a range of it, or an operation does not exist."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RemoteBlobWriter(SummedWriter):
    """A blob being written. It goes to the service once it is no longer small."""

    def __init__(self, store: RemoteBlobStore, key: DataKey | None) -> None:
        super().__init__(store.new_blob_id(), key)
        self._store = store
        self._key = store.key(self.blob_id)
        self._staged: IO[bytes] | None = None
        self._size = 0
        """Bytes of the staged part."""
        self._upload: str | None = None
        self._parts: list[dict[str, Any]] = []
        self._sending: Future[None] | None = None
        self._sealed = False

    def _append(self, data: bytes | bytearray) -> None:
        if self._staged is None:
            self._staged, self._size = self._store.staging(), 0
        view = memoryview(data)
        while view:
            view = view[os.write(self._staged.fileno(), view) :]
        self._size += len(data)
        if self._size >= PART:
            self._send()

    def _send(self) -> None:
        """Send the staged part while the next one is written, once the part before has arrived."""
        self._sent()
        if self._upload is None:
            self._upload = self._store.call("CreateMultipartUpload", Key=self._key)["UploadId"]
        staged, self._staged = self._staged, None
        assert staged is not None
        self._sending = self._store.threads.submit(self._send_part, staged, len(self._parts) + 1, self._upload)

    def _send_part(self, staged: IO[bytes], number: int, upload: str) -> None:
        with staged:
            staged.seek(0)
            answer = self._store.call("UploadPart", Key=self._key, UploadId=upload, PartNumber=number, Body=staged)
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})

    def _sent(self) -> None:
        """Wait for the part that is being sent. Raises what sending it raised."""
        if self._sending is not None:
            sending, self._sending = self._sending, None
            sending.result()

    def seal(self) -> None:
        """Send the rest and the checksums, and wait for the service's answer. Raises ``StorageAway``."""
        if self._taken:
            return
        self._finish()
        self._sealed = True
        if self._upload is None:
            staged, self._staged = self._staged, None
            assert staged is not None
            with staged:
                staged.seek(0)
                self._store.call("PutObject", Key=self._key, Body=staged)
            return
        if self._staged is not None:
            self._send()
        self._sent()
        parts = {"Parts": self._parts}
        self._store.call("CompleteMultipartUpload", Key=self._key, UploadId=self._upload, MultipartUpload=parts)
        self._upload = None

    def discard(self) -> None:
        """Delete what the service has of the blob. Raises ``StorageAway``; a later sweep deletes it then."""
        if self._sending is not None:
            with suppress(Exception):
                self._sent()
        if self._staged is not None:
            self._staged.close()
            self._staged = None
        # A request whose answer was lost may have been carried out.
        if self._sealed and not self._taken:
            self._store.delete([self.blob_id])
        if self._upload is not None:
            self._store.abort(self._key, self._upload)


class RemoteBlobReader(SummedBlob):
    """A blob being read from the service. One request serves reads that follow each other."""

    def __init__(self, store: RemoteBlobStore, blob_id: str, size: int, end: int, key: DataKey | None) -> None:
        super().__init__(blob_id, size, key)
        self._store = store
        self._key = store.key(blob_id)
        self._body: Any = None
        self._at = 0
        self._all = size + self._footer_size
        # With the end of a block, so that the last one can be verified.
        self._end = self._all if self._all <= WHOLE else self.block_end(end)
        self._whole: bytes | None = None
        try:
            if self._all <= WHOLE:
                self._whole = self._fetch(0, self._all)
            self.verify(self._bytes(size, self._footer_size))
        except BaseException:
            self.close()
            raise

    def _bytes(self, start: int, length: int) -> bytes:
        if self._whole is not None:
            return self._whole[start : start + length]
        return self._fetch(start, length)

    def _fetch(self, start: int, length: int) -> bytes:
        """Return bytes from the open response if they come next, and else, or if it breaks off, from a new one."""
        for attempt in range(ATTEMPTS):
            try:
                if self._body is None or self._at != start:
                    self._request(start, max(self._end, start + length))
                found = b"".join(self._pieces(length))
                self._at += len(found)
                if len(found) == length:
                    return found
                failure: Exception | None = None
            except (BotoCoreError, HTTPError, OSError) as error:
                if isinstance(error, StorageAway):
                    raise
                failure = error
            self.close()
            if attempt + 1 < ATTEMPTS:
                time.sleep(0.1 * 2**attempt)
        raise self._store.away(f"GetObject breaks off: {failure or 'the response is too short'}")

    def _pieces(self, length: int) -> Iterator[bytes]:
        while length and (piece := self._body.read(length)):
            length -= len(piece)
            yield piece

    def _request(self, start: int, end: int) -> None:
        self.close()
        try:
            answer = self._store.call("GetObject", Key=self._key, Range=f"bytes={start}-{end - 1}")
        except Answered as answered:
            raise DamagedBlob(
                self.blob_id, "is not there" if answered.code in _MISSING else "has another size"
            ) from None
        # A service may answer a range that is the whole object without naming it.
        whole = answer["ContentRange"].rpartition("/")[2] if "ContentRange" in answer else str(answer["ContentLength"])
        self._body, self._at = answer["Body"], start
        if whole != str(self._all) or (start and "ContentRange" not in answer):
            self.close()
            raise DamagedBlob(self.blob_id, "has another size")

    def close(self) -> None:
        """Close the response."""
        if self._body is not None:
            self._body.close()
            self._body = None


class RemoteBlobStore:
    """Blobs in a bucket of an S3 service. ``name`` returns names for new blobs; ``scratch`` is for staged parts."""

    def __init__(self, place: Bucket, name: Callable[[], str], scratch: Path) -> None:
        self.bucket = place.bucket
        self.new_blob_id = name
        self.place = place
        self.threads = Threads(CONNECTIONS, "object-store")
        self._scratch = scratch
        self._prefix = f"{place.prefix}objects/"
        self._is_reachable = True
        self._trying = threading.Lock()
        self._resting = 0.0
        self._worked = -GOOD_SECONDS
        self._fault: str | None = None
        self._lock = threading.Lock()
        self._s3 = connect(
            "s3",
            place.endpoint,
            access_key_id=place.access_key_id,
            secret_access_key=place.secret_access_key,
            session_token=place.session_token,
            region=place.region,
            verify=None if place.authority is None else str(self._trusted(place.authority)),
            config=Config(
                signature_version="s3v4",
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                max_pool_connections=CONNECTIONS + 16,
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                # The service compares each body with its SHA-256, which the signature covers. Other checksums would
                # come in a trailer, which not every service takes.
                s3={
                    "addressing_style": "virtual" if place.is_amazons else "path",
                    "payload_signing_enabled": True,
                },
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                proxies={},
            ),
        )

    def _trusted(self, authority: str) -> Path:
        file = self._scratch / "objects-authority.pem"
        file.write_text(authority)
        return file

    def key(self, blob_id: str) -> str:
        """Return the key of a blob."""
        return f"{self._prefix}{blob_id[:2]}/{blob_id}"

    def _blob(self, key: str) -> str | None:
        """Return the blob of a key, ``None`` for objects that somebody else wrote."""
        found = _NAME.fullmatch(key.removeprefix(self._prefix))
        return found[1] if found is not None and key == self.key(found[1]) else None

    def staging(self) -> IO[bytes]:
        """Return a file without a name for a part that is being received."""
        return tempfile.TemporaryFile(dir=self._scratch, buffering=0)

    def call(self, operation: str, **parameters: Any) -> Any:
        """Make one call, and return the answer.

        Raises ``Answered`` for an object or operation that does not exist, and ``StorageAway`` for every other failure.
        """
        with self._attempt():
            try:
                answer = getattr(self._s3, xform_name(operation))(Bucket=self.bucket, **parameters)
            except ClientError as error:
                code, message = (str(error.response.get("Error", {}).get(name, "")) for name in ("Code", "Message"))
                if code in _EXPECTED:
                    raise Answered(code) from None
                status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
                says = f"{operation} is answered with {code} ({message})"
                raise self.away(says, refused=status < 500 and code not in _BUSY) from None
            except (BotoCoreError, HTTPError) as error:
                raise self.away(f"{operation} fails: {error}") from None
        self._worked = time.monotonic()
        if self._fault is not None:
            with self._lock:
                fault, self._fault = self._fault, None
                self._is_reachable = True
            if fault is not None:
                logger.info("%s can be used again", self.place.url)
        return answer

    @contextmanager
    def _attempt(self) -> Iterator[None]:
        """Let one call at a time through to a service that cannot be reached, so that the others fail at once."""
        if self._is_reachable:
            yield
            return
        if time.monotonic() < self._resting or not self._trying.acquire(blocking=False):
            raise StorageAway(self._fault or "")
        try:
            yield
        finally:
            self._trying.release()

    def away(self, says: str, refused: bool = False) -> StorageAway:
        """Note that the service cannot be used, and return the error of the call."""
        says = f"{self.place.url} cannot be used: {' '.join(says.split())[:500]}"
        with self._lock:
            if self._fault is None:
                logger.error("%s", says)
            self._fault = says
            if not refused:
                self._is_reachable = False
                self._resting = time.monotonic() + REST_SECONDS
        return StorageAway(says, refused)

    def fault(self) -> str | None:
        """Return why the service cannot be used, or ``None``. Calls it, unless another call has just succeeded.

        The log has the details, which are not for everybody.
        """
        if self._fault is None and time.monotonic() - self._worked < GOOD_SECONDS:
            return None
        try:
            self.call("ListObjectsV2", Prefix=f"{self.place.prefix}{LABEL}", MaxKeys=1)
        except StorageAway as error:
            return "the S3 service with their bytes " + ("refuses requests" if error.refused else "cannot be reached")
        except Answered:
            return "the S3 service with their bytes cannot list them"
        return None

    def create(self, key: DataKey | None = None) -> RemoteBlobWriter:
        """Begin a new blob."""
        return RemoteBlobWriter(self, key)

    def open(self, blob_id: str, size: int, end: int | None = None, key: DataKey | None = None) -> RemoteBlobReader:
        """Open a sealed blob of ``size`` bytes. Raises ``DamagedBlob`` and ``StorageAway``."""
        return RemoteBlobReader(self, blob_id, size, size if end is None else end, key)

    def delete(self, blob_ids: Iterable[str]) -> None:
        """Remove blobs. Raises ``StorageAway``; the caller repeats all."""
        # DeleteObjects needs a checksum in a header, and services do not agree in which.
        list(self.threads.map(self._delete, blob_ids))

    def _delete(self, blob_id: str) -> None:
        with suppress(Answered):
            self.call("DeleteObject", Key=self.key(blob_id))

    def sealed(self) -> list[str]:
        """Return the ids of all sealed blobs. Raises ``StorageAway``."""
        found: list[str] = []
        token: dict[str, str] = {}
        while True:
            page = self.call("ListObjectsV2", Prefix=self._prefix, **token)
            found += filter(None, (self._blob(entry["Key"]) for entry in page.get("Contents", ())))
            if not page.get("IsTruncated"):
                return found
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def unfinished(self) -> list[str]:
        """Return the ids of blobs with unfinished uploads; none if the service cannot list them."""
        return [blob for key, _ in self._uploads() if (blob := self._blob(key))]

    def _uploads(self) -> Iterator[tuple[str, str]]:
        markers: dict[str, str] = {}
        while True:
            try:
                page = self.call("ListMultipartUploads", Prefix=self._prefix, **markers)
            except Answered:
                return
            yield from ((each["Key"], each["UploadId"]) for each in page.get("Uploads", ()))
            if not page.get("IsTruncated"):
                return
            markers = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    def discard_unfinished(self, blob_ids: Iterable[str]) -> None:
        """Abort the uploads of blobs that no process writes any more. Raises ``StorageAway``."""
        given = {self.key(blob_id) for blob_id in blob_ids}
        for key, upload in list(self._uploads()) if given else []:
            if key in given:
                self.abort(key, upload)

    def abort(self, key: str, upload: str) -> None:
        """Abort an upload; one that does not exist is no error. Raises ``StorageAway``."""
        with suppress(Answered):
            self.call("AbortMultipartUpload", Key=key, UploadId=upload)

    def label(self) -> str | None:
        """Return the text of the store's label, which names the database of its blobs; ``None`` without one."""
        try:
            body = self.call("GetObject", Key=f"{self.place.prefix}{LABEL}")["Body"]
            return str(body.read(LABEL_BYTES), "ascii", "replace")
        except Answered:
            return None

    def set_label(self, text: str) -> None:
        """Write the label. Raises ``StorageAway``."""
        self.call("PutObject", Key=f"{self.place.prefix}{LABEL}", Body=text.encode())

    def probe(self) -> None:
        """Write, read, list and delete an object, as the store does. Raises ``StorageAway``."""
        key = f"{self.place.prefix}probe-{self.new_blob_id()}"
        self.call("PutObject", Key=key, Body=b"probe")
        try:
            if self.call("GetObject", Key=key, Range="bytes=1-3")["Body"].read() != b"rob":
                raise self.away("it returned other bytes than were written", refused=True)
        except Answered as answered:
            raise self.away(f"it does not have what was written ({answered})", refused=True) from None
        self.call("ListObjectsV2", Prefix=key, MaxKeys=1)
        self.call("DeleteObject", Key=key)
        self.abort(key, self.call("CreateMultipartUpload", Key=key)["UploadId"])
        self.unfinished()

    def close(self) -> None:
        """Send nothing more."""
        self.threads.shutdown(wait=True)
        self._s3.close()
