"""The parameters of an authenticated request, and the body that some of them come from."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor

from botocore.model import OperationModel

from reading_room.aws.protocols import rest_xml
from reading_room.aws.sigv4 import UNSIGNED_PAYLOAD, Verified, query_pairs
from reading_room.s3.body_errors import EntityTooLarge, MaxMessageLengthExceeded
from reading_room.s3.call import AuthenticatedRequest, IdentifiedRequest
from reading_room.s3.errors import InvalidRequest
from reading_room.s3.post_form import form_upload
from reading_room.s3.requests import RequestBody
from reading_room.s3.streaming import ChunkSigner, Expectation, UploadBody

DOCUMENT_LIMIT = 8 * 1024 * 1024
"""Bytes that the XML or JSON body of a request may have."""


def upload_of(authenticated: AuthenticatedRequest, body: RequestBody, threads: Executor) -> UploadBody:
    """Return the body of a request with its declared properties; ``threads`` decode and digest it.

    Raises the errors of ``Expectation.of``, and those of the policy of a form.
    """
    request = authenticated.request
    if request.form is not None:
        return form_upload(request.form, request.address, request.headers, request.incoming.received_at, threads)
    return _upload(_headers_of_body(request.model, request.headers), authenticated.verified, body, threads)


def _upload(headers: Mapping[str, str], verified: Verified | None, body: RequestBody, threads: Executor) -> UploadBody:
    declared = headers.get("x-amz-content-sha256", UNSIGNED_PAYLOAD)
    payload_hash = verified.payload_hash if verified else declared
    if payload_hash == UNSIGNED_PAYLOAD and declared.startswith("STREAMING-"):
        # A presigned URL does not sign the payload. The client that uses the URL then chooses the framing.
        payload_hash = declared
    signer = None
    if verified is not None and verified.signing_key:
        signer = ChunkSigner(verified.signing_key, verified.amz_date, str(verified.scope), verified.signature)
    return UploadBody(body.chunks, Expectation.of(headers, payload_hash), threads, signer)


def _headers_of_body(model: OperationModel, headers: Mapping[str, str]) -> Mapping[str, str]:
    # The checksum of a CompleteMultipartUpload is that of the object, not that of the request's body.
    if model.name != "CompleteMultipartUpload":
        return headers
    return {name: value for name, value in headers.items() if not name.startswith("x-amz-checksum-")}


async def read_document(model: OperationModel, upload: UploadBody) -> bytes | None:
    """Return the XML or JSON body of a request, ``None`` for an operation whose body streams.

    Raises ``MaxMessageLengthExceeded``, ``InvalidRequest`` if DeleteObjects has no checksum, and the errors of
    ``UploadBody.read``.
    """
    if model.has_streaming_input:
        return None
    if model.name == "DeleteObjects" and not (upload.expectation.md5 or upload.expectation.algorithms):
        raise InvalidRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
    try:
        return await upload.read(DOCUMENT_LIMIT)
    except EntityTooLarge:
        raise MaxMessageLengthExceeded from None


def parts_of(request: IdentifiedRequest, document: bytes | None) -> rest_xml.RequestParts:
    """Return the parts of a request that its parameters are parsed from.

    They are the values that authorization sees, so that a header that was sent twice means the same to both.
    """
    address = request.address
    labels = {name: value for name, value in (("Bucket", address.bucket), ("Key", address.key)) if value}
    pairs = query_pairs(request.incoming.query_string)
    return rest_xml.RequestParts(labels, pairs, tuple(request.headers.items()), document)
