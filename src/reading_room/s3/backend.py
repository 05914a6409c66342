"""The interface of storage: one authorized request in, one response out, and the few facts that authorization needs.

A new backend implements ``Backend`` and passes ``tests/api/test_s3_backend_contract.py``. A backend that forwards to
another S3 needs only the original request, which is part of ``S3Request``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.model import OperationModel

from reading_room.aws.call import IncomingRequest, Principal
from reading_room.aws.errors import AwsError
from reading_room.s3.lifecycle_rules import Lifecycle
from reading_room.s3.object_access import ObjectAccess
from reading_room.s3.streaming import UploadBody


@dataclass(frozen=True, slots=True)
class BucketFacts:
    """The facts of a bucket that authorization and the service itself need."""

    name: str
    account: str
    region: str
    policy: str | None = None
    public_access_block: Mapping[str, bool] | None = None
    """The four switches under their AWS names; ``None`` if the configuration was deleted."""
    cors: Sequence[Mapping[str, Any]] | None = None
    """The CORS rules under botocore's member names; ``None`` if there are none."""
    versioning: str | None = None
    """``Enabled`` or ``Suspended``; ``None`` if versioning was never set."""
    has_lists: bool = False
    """Whether access control lists count: Object Ownership is not ``BucketOwnerEnforced``."""
    lifecycle: Lifecycle | None = None
    """The enabled lifecycle rules, if there are any."""
    grants: Sequence[Sequence[str]] | None = None
    """The bucket's own list as ``access_lists.stored`` has it; ``None`` if it is private."""


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """The facts of an object that the service itself needs. ``sha256`` is that of the whole content, in hexadecimal."""

    size: int
    etag: str
    sha256: str
    last_modified: dt.datetime


Deletion = tuple[str, str | None]
"""A key and a version id that DeleteObjects names; ``None`` for the current object."""


@dataclass(frozen=True, slots=True)
class S3Request:
    """One identified, authenticated and authorized request.

    ``parameters`` have botocore's member names, without ``Body``. ``refused`` has the keys and version ids of
    DeleteObjects that the caller may not delete: the backend reports them and does not delete them.
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
    refused: Mapping[Deletion, AwsError] = field(default_factory=dict)

    @property
    def operation(self) -> str:
        """The AWS name of the operation."""
        return self.model.name


class ByteStream(Protocol):
    """Bytes in pieces. The receiver must close the stream, whether or not it reads to the end."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the pieces, once."""
        ...

    def close(self) -> None:
        """Release the resources of the stream."""
        ...


@dataclass(frozen=True, slots=True)
class S3Response:
    """A response. ``body`` is bytes, or a stream whose length is in the headers."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | ByteStream = b""


class Backend(Protocol):
    """A place where buckets and objects are stored."""

    async def send(self, request: S3Request) -> S3Response:
        """Carry out a request. Raises ``AwsError``, and has changed nothing in that case."""
        ...

    def bucket(self, name: str) -> BucketFacts | None:
        """Return the facts of a bucket, or ``None``. Blocking; called in worker threads."""
        ...

    def open_buckets(self) -> frozenset[str]:
        """Return the buckets whose policies or access control lists might allow anonymous requests. Blocking."""
        ...

    def known_open_buckets(self) -> frozenset[str] | None:
        """Return ``open_buckets`` if it is known already, else ``None``. Never blocks."""
        ...

    def object_tags(self, bucket: str, key: str, version: str | None = None) -> Mapping[str, str]:
        """Return the tags of a version of a key, or of its current object; none if there is none.

        Blocking; called for every request about an object.
        """
        ...

    def object_access(self, bucket: str, key: str, version: str | None = None) -> ObjectAccess | None:
        """Return the owner and the grants of a version of a key, or of its current object; ``None`` without one.

        Blocking. Called for requests about objects in buckets with access control lists.
        """
        ...

    def head(self, bucket: str, key: str) -> ObjectFacts | None:
        """Return the facts of an object, or ``None``. Blocking; may read the whole object for its SHA-256."""
        ...

    def read(self, bucket: str, key: str) -> Iterator[bytes]:
        """Yield the verified bytes of an object in pieces, for the service itself. Blocking. Raises ``NoSuchKey``."""
        ...

    def first_key(self, bucket: str, prefix: str) -> str | None:
        """Return the first key that begins with a prefix and is not a folder marker, or ``None``. Blocking.

        A key after the first thousand is not found.
        """
        ...

    def keys_below(self, bucket: str, prefix: str, most: int) -> list[str]:
        """Return the first ``most`` keys that begin with a prefix, in order. Blocking."""
        ...

    def objects_below(self, bucket: str, prefix: str) -> Iterator[tuple[str, ObjectFacts]]:
        """Yield the keys that begin with a prefix, in order, each with the facts of its object. Blocking, as ``head``.

        They are read in pages: an object that is written meanwhile may be among them or not.
        """
        ...

    def size_below(self, bucket: str, prefix: str, most: int) -> int:
        """Return the total size of the first ``most`` objects whose keys begin with a prefix. Blocking."""
        ...

    def stored_bytes(self, account: str) -> int:
        """Return the bytes of an account's objects and unfinished uploads, at most a minute old. Blocking."""
        ...

    def put(self, bucket: str, key: str, data: bytes, content_type: str) -> None:
        """Store an object for the service itself, durably. Blocking. Raises ``NoSuchBucket``."""
        ...

    def copy(self, bucket: str, key: str, new_key: str) -> None:
        """Copy an object within a bucket for the service itself, durably. Blocking. Raises ``NoSuchKey``."""
        ...

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object for the service itself. A missing object is no error. Blocking.

        With versioning, this adds a delete marker, as for any client.
        """
        ...

    def sizes_of_keys(self, bucket: str, prefix: str) -> Mapping[str, int]:
        """Return the keys that begin with a prefix, each with the bytes of all its versions. Blocking."""
        ...

    def check_erasure(self, bucket: str, key: str) -> None:
        """Raise ``AccessDenied`` if a lock keeps a version of a key. Blocking."""
        ...

    def erase(self, bucket: str, key: str) -> None:
        """Delete all versions of a key for good, for the service itself. Blocking.

        Raises ``AccessDenied`` if one of them is locked, and deletes none then.
        """
        ...

    def delete_prefix(self, bucket: str, prefix: str) -> int:
        """Delete every object whose key begins with a prefix, for the service itself. Return their number. Blocking.

        With versioning, each gets a delete marker. Unfinished uploads of such keys are aborted, too. Raises
        ``ValueError`` for an empty prefix.
        """
        ...

    def empty(self, bucket: str) -> int:
        """Delete every version and unfinished upload of a bucket, for the service itself. Return how many versions.

        Versions that are locked stay. Blocking.
        """
        ...

    def apply_lifecycles(self) -> int:
        """Carry out what is due by the lifecycle rules of all buckets. Return how many objects and uploads changed.

        Blocking. One process at a time calls this, in one thread.
        """
        ...

    def abort_uploads(self, bucket: str, key: str) -> int:
        """Abort every unfinished multipart upload of a key, or below a key that ends in a slash. Return their number.

        Blocking.
        """
        ...
