"""The S3 endpoint as an ASGI application: the ordered steps of an S3 request, and nothing else.

Address, identify, authenticate, parse, authorize, act, reply. Where a connection came from is in
``scope["reading_room.path"]``, which only the server or listener writes.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from botocore.model import OperationModel

from reading_room.arns import bucket_arn
from reading_room.aws.call import ANONYMOUS, IncomingRequest
from reading_room.aws.errors import AwsError
from reading_room.aws.protocols import rest_xml
from reading_room.aws.receive import Receive, Scope, Send
from reading_room.aws.sigv2 import is_presigned, verify_presigned
from reading_room.aws.sigv4 import UNSIGNED_PAYLOAD, CredentialSource, Verified, has_signature, query_pairs, verify
from reading_room.clock import Clock, system_clock
from reading_room.s3.actions import Requirement, identify, requirements
from reading_room.s3.addressing import Address, locate, parse_copy_source
from reading_room.s3.authorization import Caller, S3Authorization, Signing, s3_context
from reading_room.s3.backends.backend import Backend, S3Request, S3Response
from reading_room.s3.errors import (
    AccessDenied,
    EntityTooLarge,
    InternalError,
    InvalidRequest,
    MaxMessageLengthExceeded,
    NoSuchKey,
    PermanentRedirect,
)
from reading_room.s3.requests import (
    RequestBody,
    error_response,
    header_map,
    query_map,
    read_head,
    send_response,
)
from reading_room.s3.streaming import ChunkSigner, ClientGone, Expectation, UploadBody

log = logging.getLogger(__name__)

DOCUMENT_LIMIT = 8 * 1024 * 1024
"""Bytes that the XML or JSON body of a request may have."""
_QUICK = 64 * 1024
"""Bytes of a document that may be parsed without a thread of its own."""
THREADS = 16
Result = TypeVar("Result")


@dataclass(slots=True)
class _Record:
    """What the log line of a request says."""

    identifier: str = "-"
    operation: str = "-"
    place: str = "-"
    caller: str = "-"
    code: str = "-"
    began: float = field(default_factory=time.perf_counter)


class S3Application:
    """Serves S3. With ``vpc_only`` it is a VPC's listener: it speaks for S3 only, whatever a request names.

    ``base_hosts`` are the host names, without port, that this endpoint is called by besides AWS's own.
    """

    def __init__(
        self,
        backend: Backend,
        credentials: CredentialSource,
        authorization: S3Authorization,
        *,
        region: str,
        clock: Clock = system_clock,
        base_hosts: Collection[str] = ("127.0.0.1", "localhost", "s3.localhost"),
        vpc_only: bool = False,
    ) -> None:
        self._backend = backend
        self._credentials = credentials
        self._authorization = authorization
        self._region = region
        self._clock = clock
        self._base_hosts = frozenset(base_hosts)
        self._vpc_only = vpc_only
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="s3-decide")

    def close(self) -> None:
        """Finish the decisions that run and take no more."""
        self._threads.shutdown(wait=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI has it."""
        if scope["type"] != "http":
            raise ValueError(f"S3 does not speak {scope['type']}")
        record = _Record()
        incoming, body, response = None, None, None
        try:
            incoming = read_head(scope, self._clock, self._vpc_only)
            record.identifier = incoming.request_id
            body = RequestBody(receive, header_map(incoming))
            response = await self._answer(incoming, body, _tls_version(scope), record)
        except ClientGone:
            log.info("request=%s the client went away before its body was complete", record.identifier)
            return
        except AwsError as error:
            record.code = error.code
            response = error_response(error, incoming, record.identifier)
        except Exception:
            log.exception("request=%s failed", record.identifier)
            record.code = InternalError.code
            response = error_response(InternalError(), incoming, record.identifier)
        try:
            await self._reply(send, receive, scope, response, body, record)
        finally:
            if not isinstance(response.body, bytes):
                response.body.close()

    async def _answer(
        self, incoming: IncomingRequest, body: RequestBody, tls_version: str | None, record: _Record
    ) -> S3Response:
        """The steps of a request in their order."""
        headers, query = header_map(incoming), query_map(incoming)
        address = self._locate(incoming, headers)
        model = identify(incoming.method, address, query, headers)
        record.operation, record.place = model.name, f"{address.bucket or ''}/{address.key or ''}"
        verified = await self._run(self._authenticate, incoming, address)
        record.caller = verified.principal.arn if verified else ANONYMOUS.arn
        upload = self._upload_body(headers, verified, body)
        parameters = await self._parse(model, address, incoming, headers, upload)
        context = s3_context(
            query, headers, _signing(verified), incoming.received_at, tls_version, _location(parameters)
        )
        caller = self._authorization.caller(
            verified.principal if verified else ANONYMOUS,
            incoming.path,
            access_key_id=verified.access_key_id if verified else None,
            request_id=incoming.request_id,
            now=incoming.received_at,
            user_agent=headers.get("user-agent", ""),
            context=context,
        )
        owner, refused = await self._run(self._authorize, caller, model, address, query, headers, parameters)
        request = S3Request(
            model=model,
            bucket=address.bucket,
            key=address.key,
            parameters=parameters,
            principal=caller.principal,
            account=owner,
            now=incoming.received_at,
            incoming=incoming,
            body=upload if model.has_streaming_input else None,
            refused=refused,
        )
        try:
            return await self._backend.send(request)
        except NoSuchKey:
            await self._run(self._authorize_absence, caller, address, parameters)
            raise

    # The steps.

    def _locate(self, incoming: IncomingRequest, headers: Mapping[str, str]) -> Address:
        if "x-amz-target" in headers:
            raise InvalidRequest("This endpoint speaks for S3 only: X-Amz-Target names another service's operation.")
        address = locate(headers.get("host", ""), incoming.raw_path, self._base_hosts)
        if address.region not in (None, self._region):
            endpoint = f"s3.{self._region}.amazonaws.com"
            raise PermanentRedirect(address.bucket or "", endpoint, self._region)
        return address

    def _authenticate(self, incoming: IncomingRequest, address: Address) -> Verified | None:
        """Return the proven caller, or ``None`` for a request that claims none."""
        now = self._clock()
        if is_presigned(incoming) and incoming.header("authorization") is None:
            bucket_in_host = address.bucket if address.virtual else None
            return verify_presigned(incoming, self._credentials, now, bucket_in_host)
        if not has_signature(incoming):
            return None
        return verify(incoming, "s3", self._credentials, now, self._region)

    def _upload_body(self, headers: Mapping[str, str], verified: Verified | None, body: RequestBody) -> UploadBody:
        declared = headers.get("x-amz-content-sha256", UNSIGNED_PAYLOAD)
        payload_hash = verified.payload_hash if verified else declared
        if payload_hash == UNSIGNED_PAYLOAD and declared.startswith("STREAMING-"):
            # A presigned URL leaves the payload open; the framing is then what its user says.
            payload_hash = declared
        signer = None
        if verified is not None and verified.signing_key:
            signer = ChunkSigner(verified.signing_key, verified.amz_date, str(verified.scope), verified.signature)
        expectation = Expectation.of(headers, payload_hash)
        return UploadBody(body.chunks, expectation, self._threads, signer)

    async def _parse(
        self,
        model: OperationModel,
        address: Address,
        incoming: IncomingRequest,
        headers: Mapping[str, str],
        upload: UploadBody,
    ) -> dict[str, Any]:
        document = None
        if not model.has_streaming_input:
            document = await self._document(model, upload)
        labels = {name: value for name, value in (("Bucket", address.bucket), ("Key", address.key)) if value}
        # The very same values that authorization sees: a header sent twice must not mean one thing there, another here.
        parts = rest_xml.RequestParts(labels, query_pairs(incoming.query_string), tuple(headers.items()), document)
        if document is not None and len(document) > _QUICK:
            return await self._run(rest_xml.parse, model, parts)
        return rest_xml.parse(model, parts)

    async def _document(self, model: OperationModel, upload: UploadBody) -> bytes:
        if model.name == "DeleteObjects" and not (upload.expectation.md5 or upload.expectation.algorithms):
            raise InvalidRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
        try:
            return await upload.read(DOCUMENT_LIMIT)
        except EntityTooLarge:
            raise MaxMessageLengthExceeded from None

    def _authorize(
        self,
        caller: Caller,
        model: OperationModel,
        address: Address,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        parameters: Mapping[str, Any],
    ) -> tuple[str, Mapping[str, AwsError]]:
        """Return the bucket's owner and the keys that DeleteObjects may not delete.

        Raises for any other operation that may not happen.
        """
        if model.name == "DeleteObjects":
            assert address.bucket is not None
            needed = {
                entry["Key"]: _deletion(address.bucket, entry)
                for entry in parameters.get("Delete", {}).get("Objects", [])
                if entry.get("Key")
            }
            refused = self._authorization.refusals(caller, needed)
            return self._owner(address, parameters, caller), refused
        needed_here = requirements(model.name, address, query, headers)
        self._authorization.authorize(caller, needed_here, creates=model.name == "CreateBucket")
        return self._owner(address, parameters, caller), {}

    def _owner(self, address: Address, parameters: Mapping[str, Any], caller: Caller) -> str:
        """Return the account that owns the bucket, or would; check what the request expects of it."""
        if "ExpectedSourceBucketOwner" in parameters:
            source, _, _ = parse_copy_source(parameters["CopySource"])
            if self._account_of(source, caller) != parameters["ExpectedSourceBucketOwner"]:
                raise AccessDenied
        owner = self._account_of(address.bucket, caller)
        if parameters.get("ExpectedBucketOwner") not in (None, owner):
            raise AccessDenied
        return owner

    def _account_of(self, bucket: str | None, caller: Caller) -> str:
        facts = self._backend.bucket(bucket) if bucket is not None else None
        return facts.account if facts is not None else caller.principal.account

    def _authorize_absence(self, caller: Caller, address: Address, parameters: Mapping[str, Any]) -> None:
        """Only who may list a bucket learns that a key is not in it."""
        buckets = [address.bucket]
        if "CopySource" in parameters:
            buckets.append(parse_copy_source(parameters["CopySource"])[0])
        needed = [Requirement("s3:ListBucket", bucket_arn(name), name) for name in buckets if name]
        self._authorization.authorize(caller, needed)

    async def _reply(
        self,
        send: Send,
        receive: Receive,
        scope: Scope,
        response: S3Response,
        body: RequestBody | None,
        record: _Record,
    ) -> None:
        try:
            keep = body is None or await body.finish()
            await send_response(send, receive, response, record.identifier, head=scope["method"] == "HEAD", keep=keep)
        except (ClientGone, OSError) as error:
            log.info("request=%s the client did not take the answer: %s", record.identifier, error)
        log.info(
            "request=%s service=s3 operation=%s place=%r caller=%s status=%d code=%s ms=%.1f",
            record.identifier,
            record.operation,
            record.place,
            record.caller,
            response.status,
            record.code,
            (time.perf_counter() - record.began) * 1000,
        )

    async def _run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)


def _deletion(bucket: str, entry: Mapping[str, Any]) -> Requirement:
    action = "s3:DeleteObjectVersion" if entry.get("VersionId") else "s3:DeleteObject"
    return Requirement(action, bucket_arn(bucket, entry["Key"]), bucket)


def _location(parameters: Mapping[str, Any]) -> str | None:
    found = parameters.get("CreateBucketConfiguration", {}).get("LocationConstraint")
    return str(found) if found else None


def _signing(verified: Verified | None) -> Signing | None:
    if verified is None:
        return None
    if not verified.amz_date:
        return Signing("AWS", verified.presigned)
    signed_at = dt.datetime.strptime(verified.amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    return Signing("AWS4-HMAC-SHA256", verified.presigned, signed_at)


def _tls_version(scope: Scope) -> str | None:
    """Return the TLS version in the form of ``s3:TlsVersion``, where the server says it (ASGI's TLS extension)."""
    number = scope.get("extensions", {}).get("tls", {}).get("tls_version")
    return {0x0303: "1.2", 0x0304: "1.3"}.get(number) if isinstance(number, int) else None
