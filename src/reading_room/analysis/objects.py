"""S3 as the worker uses it, and its errors as failures of a job."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from reading_room.analysis.job_file import NO_READ_ACCESS, NO_WRITE_ACCESS, Location, no_model_access
from reading_room.analysis.s3.client import S3Client
from reading_room.analysis.s3.credentials import KeySource, NoCredentials
from reading_room.analysis.s3.patience import Patience
from reading_room.analysis.s3.refusal import Refusal
from reading_room.analysis.s3.wire import Answer, NoAnswer, Wire
from reading_room.analysis.storage import InputObject, JobFailure, ObjectGone

USER_AGENT = "reading-room-worker"

READ_SIZE = 1 << 20
"""Reading a large body in pieces is twice as fast as reading it whole."""

WHOLE_BYTES = 8 << 20
"""An output up to this size is one request; a larger one is uploaded in parts of this size, that of AWS's SDKs."""

MOST_DELETED = 1000
"""Objects that one DeleteObjects request may name."""

_GONE = {"ServiceUnavailable", "503"}
"""What S3 answers to a request that came through an endpoint that has just been deleted.

With a ``Reason``, our own S3 answers this when it cannot record the request in the trail.
"""

_CHANGED = {"PreconditionFailed", "412", "NoSuchKey"}
"""What S3 answers if an object has no longer the content that was listed."""

_DENIED = {"AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "ExpiredToken"}


@dataclass(frozen=True, slots=True)
class Blame:
    """How failures of a storage are reported: for each, a code and the beginning of its sentence.

    ``missing`` is the code for an object or bucket that does not exist, ``damaged`` for an object whose bytes are lost,
    and ``stranger`` for a session without credentials; ``whose`` describes the credentials that are missing.
    """

    unread: tuple[str, str] = ("NO_READ_ACCESS_TO_INPUT", NO_READ_ACCESS)
    unwritten: tuple[str, str] = ("NO_WRITE_ACCESS_TO_OUTPUT", f"{NO_WRITE_ACCESS}.")
    missing: str = "INPUT_NOT_FOUND"
    damaged: str = "INTERNAL_ERROR"
    stranger: str = "ROLE_NOT_ASSUMABLE"
    whose: str = "of the data access role"


def model_blame(bucket: str) -> Blame:
    """Return how failures in the service's own bucket are reported, with the statement that endpoint policies need."""
    denied = ("NO_ACCESS_TO_MODEL_BUCKET", no_model_access(bucket))
    return Blame(
        denied, denied, "MODEL_NOT_FOUND", "MODEL_TAMPERED", "NO_CREDENTIALS_FOR_MODEL", "for the model's bucket"
    )


class S3Storage:
    """A job's input and output, or its model's artifact, over whatever route the VPC offers.

    While the service cannot answer for now, requests wait, unless ``stopping`` returns true (``s3/patience.py``). Raise
    ``JobFailure`` (``ROLE_NOT_ASSUMABLE``) if the session gets no credentials.
    """

    def __init__(
        self,
        wire: Wire,
        keys: KeySource,
        region: str,
        blame: Blame = Blame(),
        stopping: Callable[[], bool] = lambda: False,
        traceparent: str = "",
        endpoint: str | None = None,
    ) -> None:
        """``traceparent`` is the header with which requests say which trace they belong to; empty for none.

        ``endpoint`` is a URL that is used instead of AWS's host names.
        """
        headers = {"user-agent": USER_AGENT, **({"traceparent": traceparent} if traceparent else {})}
        self._blame = blame
        self._s3 = S3Client(wire, keys, region, Patience(stopping), headers, endpoint)
        try:
            keys.keys()
        except NoCredentials as error:
            raise self._stranger(error) from error

    def list_input(self, location: Location) -> Iterator[InputObject]:
        """Yield every object whose key begins with the prefix; folder markers are left out.

        Raises ``JobFailure``: ``NO_READ_ACCESS_TO_INPUT``, ``INPUT_NOT_FOUND`` (no such bucket) or
        ``NO_ROUTE_TO_STORAGE``.
        """
        with self._reading(location, "s3:ListBucket"):
            for entry in self._s3.list_objects(location.bucket, location.key):
                if not (entry.size == 0 and entry.key.endswith("/")):
                    yield InputObject(entry.key, entry.size, entry.etag)

    def read(
        self, bucket: str, key: str, begin: int = 0, end: int | None = None, etag: str = "", *, exact: bool = True
    ) -> Iterator[bytes]:
        """Yield the content of an object in pieces, or its bytes from ``begin`` to before ``end``.

        ``etag`` is that of the listed content. If the object has other content by now, the version with the listed one
        is read, which takes a bucket that keeps versions, and a role that may list and read them; unless ``exact``, the
        other content is read if there is no such version.

        A connection that breaks is opened again once, for the rest: S3 may find damage when half of its answer has
        been sent, and can say so only in a new answer.

        Raise ``JobFailure`` as ``list_input`` does, and ``ObjectGone`` if the object is gone, or the content that is to
        be read.
        """
        with self._reading(Location(bucket, key), "s3:GetObject"):
            answer = self._get_listed(bucket, key, begin, end, etag, exact)
            position = begin
            try:
                while chunk := answer.read(READ_SIZE):
                    position += len(chunk)
                    yield chunk
            except NoAnswer:
                answer = self._get_listed(bucket, key, position, end, answer.headers.get("etag", etag), exact=True)
                while chunk := answer.read(READ_SIZE):
                    yield chunk
            finally:
                answer.close()

    def _get_listed(self, bucket: str, key: str, begin: int, end: int | None, etag: str, exact: bool) -> Answer:
        which: dict[str, str] = {}
        if begin or end is not None:
            which["range"] = f"bytes={begin}-{'' if end is None else end - 1}"
        if not etag:
            return self._s3.get_object(bucket, key, which)
        try:
            return self._s3.get_object(bucket, key, {**which, "if-match": etag})
        except Refusal as error:
            if error.code not in _CHANGED:
                raise
            earlier = self._get_version(bucket, key, etag, which)
            if earlier is not None:
                return earlier
            if exact or error.code == "NoSuchKey":
                raise
        return self._s3.get_object(bucket, key, which)

    def _get_version(self, bucket: str, key: str, etag: str, which: Mapping[str, str]) -> Answer | None:
        """Return the version of an object with an ETag, ``None`` if there is none or the role may not read it."""
        try:
            version = self._s3.find_version(bucket, key, etag)
            return None if version is None else self._s3.get_object(bucket, key, which, version)
        except Refusal:
            return None

    def probe_output(self, location: Location) -> None:
        """Check before any work whether the output can be written, and leave nothing behind.

        It begins a multipart upload, which needs ``s3:PutObject``, and aborts it. Raise ``JobFailure``:
        ``NO_WRITE_ACCESS_TO_OUTPUT``, ``NO_ROOM_FOR_OUTPUT`` or ``NO_ROUTE_TO_STORAGE``. If the role is not allowed to
        abort the upload, the service removes it later.
        """
        with self._writing(location):
            upload = self._s3.create_upload(location.bucket, location.key)
            self._abort(location, upload)

    def _abort(self, location: Location, upload: str) -> None:
        try:
            self._s3.abort_upload(location.bucket, location.key, upload)
        except Refusal as error:
            if error.code not in _DENIED:
                raise

    def write(self, location: Location, path: Path) -> None:
        """Upload a file; it becomes visible complete or not at all. Raise ``JobFailure`` as ``probe_output`` does."""
        with self._writing(location):
            if path.stat().st_size <= WHOLE_BYTES:
                self._s3.put_object(location.bucket, location.key, path.read_bytes())
            else:
                self._write_parts(location, path)

    def _write_parts(self, location: Location, path: Path) -> None:
        bucket, key = location.bucket, location.key
        upload = self._s3.create_upload(bucket, key)
        try:
            parts: list[tuple[str, str]] = []
            with path.open("rb") as file:
                while piece := file.read(WHOLE_BYTES):
                    parts.append(self._s3.upload_part(bucket, key, upload, len(parts) + 1, piece))
            self._s3.complete_upload(bucket, key, upload, parts)
        except BaseException:
            # The service removes an upload that cannot be aborted later, as it does one of a job that was killed.
            with suppress(Refusal, NoAnswer, NoCredentials):
                self._s3.abort_upload(bucket, key, upload)
            raise

    def delete(self, bucket: str, keys: Sequence[str]) -> None:
        """Remove objects that are no longer needed, a thousand in each request.

        The job's result does not depend on this, and the service removes what is left, so neither a role that is not
        allowed to delete nor a lost route is a failure.
        """
        for start in range(0, len(keys), MOST_DELETED):
            with suppress(Refusal, NoAnswer, NoCredentials):
                self._s3.delete_objects(bucket, keys[start : start + MOST_DELETED])

    @contextmanager
    def _reading(self, location: Location, action: str) -> Iterator[None]:
        uri = f"s3://{location.bucket}/{location.key}"
        try:
            yield
        except Refusal as error:
            code, text = error.code, error.message
            if code in _DENIED:
                refusal, sentence = self._blame.unread
                raise JobFailure(refusal, f"{sentence} {action} on {uri}: {text}") from error
            if code in ("PreconditionFailed", "412"):
                raise ObjectGone(self._blame.missing, f"{uri} was changed while the job read it") from error
            if code == "NoSuchKey":
                raise ObjectGone(self._blame.missing, f"{uri}: {text}") from error
            if code in ("NoSuchBucket", "404"):
                raise JobFailure(self._blame.missing, f"{uri}: {text}") from error
            if code in _GONE:
                raise _away(error, uri, f"{action} on {uri}") from error
            if error.reason:
                # Our own S3 answers this for an object whose stored bytes have changed.
                raise JobFailure(self._blame.damaged, f"{uri} cannot be read. {error.reason}") from error
            raise JobFailure("INTERNAL_ERROR", f"{action} on {uri} answered {code}: {text}") from error
        except (NoAnswer, NoCredentials) as error:
            raise self._unreachable(error, uri) from error

    @contextmanager
    def _writing(self, location: Location) -> Iterator[None]:
        uri = f"s3://{location.bucket}/{location.key}"
        try:
            yield
        except Refusal as error:
            raise self._not_written(error, uri) from error
        except (NoAnswer, NoCredentials) as error:
            raise self._unreachable(error, uri) from error

    def _not_written(self, error: Refusal, uri: str) -> JobFailure:
        code, text = error.code, error.message
        refusal, sentence = self._blame.unwritten
        if code in _DENIED:
            return JobFailure(refusal, f"{sentence} s3:PutObject on {uri}: {text}")
        if code in ("NoSuchBucket", "404"):
            return JobFailure(refusal, f"{sentence} {uri}: {text}")
        if code in _GONE:
            return _away(error, uri, f"writing {uri}")
        if code == "InsufficientCapacity":
            return JobFailure("NO_ROOM_FOR_OUTPUT", f"writing {uri}: {text}")
        return JobFailure("INTERNAL_ERROR", f"writing {uri} answered {code}: {text}")

    def _stranger(self, error: NoCredentials) -> JobFailure:
        return JobFailure(self._blame.stranger, f"no credentials {self._blame.whose}: {error}")

    def _unreachable(self, error: NoAnswer | NoCredentials, uri: str) -> JobFailure:
        if isinstance(error, NoCredentials):
            return self._stranger(error)
        if error.name_unknown:
            return JobFailure("NO_ROUTE_TO_STORAGE", f"DNS resolves no name of S3 for {uri}: {error}")
        return _no_route(uri, error)


def _no_route(uri: str, why: object) -> JobFailure:
    return JobFailure("NO_ROUTE_TO_STORAGE", f"no connection to S3 for {uri}: {why}")


def _away(error: Refusal, uri: str, doing: str) -> JobFailure:
    """Return the failure for a request that S3 could not serve: its endpoint is gone, or a ``Reason`` is given."""
    return JobFailure("INTERNAL_ERROR", f"{doing}: {error.message}") if error.reason else _no_route(uri, error.message)
