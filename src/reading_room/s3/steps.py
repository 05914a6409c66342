"""What the steps of an S3 request hand on to each other."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from botocore.model import OperationModel

from reading_room.arns import bucket_arn
from reading_room.aws.call import IncomingRequest
from reading_room.aws.errors import AwsError
from reading_room.aws.protocols import rest_xml
from reading_room.aws.receive import Scope
from reading_room.aws.sigv4 import UNSIGNED_PAYLOAD, Verified, has_signature, query_pairs
from reading_room.full_disk import is_full
from reading_room.s3.actions import Requirement
from reading_room.s3.addressing import Address
from reading_room.s3.authorization import Caller, Signing
from reading_room.s3.backends.blobs import DamagedBlob
from reading_room.s3.errors import AccessDenied, DamagedObject, InsufficientCapacity, InternalError
from reading_room.s3.post_form import Form
from reading_room.s3.requests import RequestBody
from reading_room.s3.streaming import ChunkSigner, Expectation, UploadBody
from reading_room.s3.trail_record import Facts


@dataclass(slots=True)
class Record:
    """What the log line of a request says."""

    identifier: str = "-"
    operation: str = "-"
    place: str = "-"
    caller: str = "-"
    code: str = "-"
    began: float = field(default_factory=time.perf_counter)
    facts: Facts = field(default_factory=Facts)

    @property
    def was_allowed(self) -> bool:
        """Whether something of it was allowed, or it was a browser's question that had an answer."""
        if self.operation == "PreflightRequest":
            return self.code == "-"
        return self.facts.owner is not None and self.code != AccessDenied.code


@dataclass(frozen=True, slots=True)
class Asking:
    """A request that was identified, and nothing of it believed yet."""

    model: OperationModel
    address: Address
    incoming: IncomingRequest
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Form | None
    tls_version: str | None
    record: Record


@dataclass(frozen=True, slots=True)
class Decided:
    """A request that may happen: who calls, whose the bucket is, and the keys that DeleteObjects may not delete."""

    caller: Caller
    owner: str
    refused: Mapping[str, AwsError]
    parameters: dict[str, Any]


def is_unsigned(incoming: IncomingRequest) -> bool:
    """Say whether nobody signed a request, as far as its head tells.

    A form may be signed by its fields, and a browser that asks whether a page may call has nothing to sign.
    """
    kind = incoming.header("content-type") or ""
    form = incoming.method == "POST" and kind.startswith("multipart/form-data")
    return not (form or incoming.method == "OPTIONS" or has_signature(incoming))


def deletes_nothing(parameters: Mapping[str, Any], refused: Mapping[str, AwsError]) -> bool:
    """Say whether every object is refused that DeleteObjects names: it is answered with 200 all the same."""
    return bool(refused) and all(each.get("Key") in refused for each in parameters["Delete"]["Objects"])


def parts_of(
    address: Address, incoming: IncomingRequest, headers: Mapping[str, str], document: bytes | None
) -> rest_xml.RequestParts:
    """Return what parameters are read from.

    The very same values that authorization sees: a header sent twice must not mean one thing there, another here.
    """
    labels = {name: value for name, value in (("Bucket", address.bucket), ("Key", address.key)) if value}
    return rest_xml.RequestParts(labels, query_pairs(incoming.query_string), tuple(headers.items()), document)


def about_body(model: OperationModel, headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the headers that speak of the body: a completion's checksum speaks of the object that it makes."""
    if model.name != "CompleteMultipartUpload":
        return headers
    return {name: value for name, value in headers.items() if not name.startswith("x-amz-checksum-")}


def upload_body(
    headers: Mapping[str, str], verified: Verified | None, body: RequestBody, threads: Executor
) -> UploadBody:
    """Return the body of a request with what it must turn out to be; ``threads`` take it in."""
    declared = headers.get("x-amz-content-sha256", UNSIGNED_PAYLOAD)
    payload_hash = verified.payload_hash if verified else declared
    if payload_hash == UNSIGNED_PAYLOAD and declared.startswith("STREAMING-"):
        # A presigned URL leaves the payload open; the framing is then what its user says.
        payload_hash = declared
    signer = None
    if verified is not None and verified.signing_key:
        signer = ChunkSigner(verified.signing_key, verified.amz_date, str(verified.scope), verified.signature)
    return UploadBody(body.chunks, Expectation.of(headers, payload_hash), threads, signer)


def location_of(parameters: Mapping[str, Any]) -> str | None:
    """Return the region that a CreateBucket names, for ``s3:LocationConstraint``."""
    found = parameters.get("CreateBucketConfiguration", {}).get("LocationConstraint")
    return str(found) if found else None


def signing_of(verified: Verified | None, *, posted: bool) -> Signing | None:
    """Return how a request was signed, ``None`` for one that was not."""
    if verified is None:
        return None
    if not verified.amz_date:
        return Signing("AWS", verified.presigned, posted=posted)
    signed_at = dt.datetime.fromisoformat(verified.amz_date)
    return Signing("AWS4-HMAC-SHA256", verified.presigned, signed_at, posted)


def deletion_of(bucket: str, entry: Mapping[str, Any]) -> Requirement:
    """Return what a caller has to be allowed for one object that DeleteObjects names."""
    action = "s3:DeleteObjectVersion" if entry.get("VersionId") else "s3:DeleteObject"
    return Requirement(action, bucket_arn(bucket, entry["Key"]), bucket)


def failure_of(error: Exception) -> AwsError:
    """Return what is answered to a request that failed for no fault of its own."""
    if is_full(error):
        return InsufficientCapacity.of_disk(0)
    return DamagedObject() if isinstance(error, DamagedBlob) else InternalError()


def tls_version_of(scope: Scope) -> str | None:
    """Return the TLS version in the form of ``s3:TlsVersion``, where the server says it (ASGI's TLS extension)."""
    number = scope.get("extensions", {}).get("tls", {}).get("tls_version")
    return {0x0303: "1.2", 0x0304: "1.3"}.get(number) if isinstance(number, int) else None
