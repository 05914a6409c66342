"""The seam of storage: one authorized request in, one response out, and the few facts that authorization needs.

A new backend implements ``Backend`` and passes ``tests/api/test_s3_backend_contract.py``. One that forwards to another
S3 needs only the original request, which an ``S3Request`` carries.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.model import OperationModel

from reading_room.aws.call import IncomingRequest, Principal
from reading_room.aws.errors import AwsError
from reading_room.s3.streaming import UploadBody


@dataclass(frozen=True, slots=True)
class BucketFacts:
    """What authorization and the service itself need to know of a bucket."""

    name: str
    account: str
    region: str
    policy: str | None = None
    public_access_block: Mapping[str, bool] | None = None
    """The four switches under their AWS names; ``None`` when the configuration was deleted."""
    cors: Sequence[Mapping[str, Any]] | None = None
    """The rules of CORS under botocore's member names; ``None`` when there are none."""


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What the service itself needs to know of an object. ``sha256`` is of the whole content, in hexadecimal."""

    size: int
    etag: str
    sha256: str
    last_modified: dt.datetime


@dataclass(frozen=True, slots=True)
class S3Request:
    """One identified, authenticated and authorized request.

    ``parameters`` have botocore's member names, ``Body`` left out. ``refused`` has the keys of DeleteObjects that
    policies do not let this caller delete: the backend reports them and leaves them.
    """

    model: OperationModel
    bucket: str | None
    key: str | None
    parameters: Mapping[str, Any]
    principal: Principal
    account: str
    now: dt.datetime
    incoming: IncomingRequest
    body: UploadBody | None = None
    refused: Mapping[str, AwsError] = field(default_factory=dict)

    @property
    def operation(self) -> str:
        """The AWS name of the operation."""
        return self.model.name


class ByteStream(Protocol):
    """Bytes that come in pieces; whoever takes it closes it, read to its end or not."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the pieces, once."""
        ...

    def close(self) -> None:
        """Let go of what the stream holds."""
        ...


@dataclass(frozen=True, slots=True)
class S3Response:
    """A response; ``body`` is bytes, or a stream whose length is in the headers."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | ByteStream = b""


class Backend(Protocol):
    """Where buckets and objects are."""

    async def send(self, request: S3Request) -> S3Response:
        """Carry out a request. Raises ``AwsError``; then nothing was changed."""
        ...

    def bucket(self, name: str) -> BucketFacts | None:
        """Return the facts of a bucket, or ``None``. Blocking; called in worker threads."""
        ...

    def open_buckets(self) -> frozenset[str]:
        """Return the buckets whose policies may allow something to who proves nobody. Blocking."""
        ...

    def known_open_buckets(self) -> frozenset[str] | None:
        """Return the same if it is known at once, ``None`` if it has to be asked. Never blocks."""
        ...

    def object_tags(self, bucket: str, key: str) -> Mapping[str, str]:
        """Return an object's tags, none for an object that is not there. Blocking; asked for every request."""
        ...

    def head(self, bucket: str, key: str) -> ObjectFacts | None:
        """Return the facts of an object, or ``None``. Blocking; may read the object to sum it up."""
        ...

    def first_key(self, bucket: str, prefix: str) -> str | None:
        """Return the first key that begins with a prefix and is no folder marker, or ``None``. Blocking.

        Where a thousand markers come before it, it is not found.
        """
        ...

    def keys_below(self, bucket: str, prefix: str, most: int) -> list[str]:
        """Return the keys that begin with a prefix, in order, the first ``most`` of them. Blocking."""
        ...

    def size_below(self, bucket: str, prefix: str, most: int) -> int:
        """Return the bytes of the objects whose keys begin with a prefix, of the first ``most`` of them. Blocking."""
        ...

    def put(self, bucket: str, key: str, data: bytes, content_type: str) -> None:
        """Store an object for the service itself, durably. Blocking. Raises ``NoSuchBucket``."""
        ...

    def copy(self, bucket: str, key: str, new_key: str) -> None:
        """Copy an object within a bucket for the service itself, durably. Blocking. Raises ``NoSuchKey``."""
        ...

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object for the service itself; one that is not there is no error. Blocking."""
        ...

    def delete_prefix(self, bucket: str, prefix: str) -> int:
        """Delete every object whose key begins with a prefix, for the service itself; return how many. Blocking.

        Unfinished uploads of such keys go too. Raises ``ValueError`` for an empty prefix.
        """
        ...

    def abort_uploads(self, bucket: str, key: str) -> int:
        """Abort every unfinished multipart upload of a key and return how many there were. Blocking."""
        ...
