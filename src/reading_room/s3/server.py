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
from dataclasses import replace
from typing import Any, TypeVar

from botocore.model import OperationModel

from reading_room.aws.call import ANONYMOUS, IncomingRequest
from reading_room.aws.call_record import Gate, Recorder, forget, let_in
from reading_room.aws.errors import AwsError
from reading_room.aws.protocols import rest_xml
from reading_room.aws.receive import Receive, Scope, Send, Standing, standing_of
from reading_room.aws.refusals import Refusals
from reading_room.aws.sigv2 import is_presigned, lacks_parameters, verify_presigned
from reading_room.aws.sigv4 import CredentialSource, Verified, has_signature, verify
from reading_room.aws.spelling import throttled
from reading_room.aws.throttling import Throttle
from reading_room.clock import Clock, system_clock
from reading_room.full_disk import is_full
from reading_room.s3.actions import identify
from reading_room.s3.addressing import Address, locate
from reading_room.s3.authorization import S3Authorization
from reading_room.s3.backends.backend import Backend, S3Request, S3Response
from reading_room.s3.backends.blobs import DamagedBlob
from reading_room.s3.body_errors import EntityTooLarge, MaxMessageLengthExceeded
from reading_room.s3.cors import Asked, granted, preflight
from reading_room.s3.decisions import Decisions
from reading_room.s3.errors import (
    AccessDenied,
    InternalError,
    InvalidRequest,
    NoSuchKey,
    PermanentRedirect,
)
from reading_room.s3.post_form import Form, FormUpload, is_form, read_form
from reading_room.s3.post_policy import PostPolicy, verify_form
from reading_room.s3.requests import (
    RequestBody,
    error_response,
    header_map,
    query_map,
    read_head,
    send_response,
    with_query_headers,
)
from reading_room.s3.steps import (
    Asking,
    Decided,
    Record,
    about_body,
    failure_of,
    is_unsigned,
    parts_of,
    tls_version_of,
    upload_body,
)
from reading_room.s3.streaming import ClientGone, UploadBody
from reading_room.s3.trail_record import record_of

log = logging.getLogger(__name__)

DOCUMENT_LIMIT = 8 * 1024 * 1024
"""Bytes that the XML or JSON body of a request may have."""
_READING = frozenset({"GET", "HEAD"})
_QUICK = 64 * 1024
"""Bytes of a document that may be parsed without a thread of its own."""
THREADS = 16
Result = TypeVar("Result")


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
        throttle: Throttle | None = None,
        trail: Recorder = forget,
        refusals: Refusals | None = None,
        gate: Gate = let_in,
    ) -> None:
        self._gate = gate
        self._refusals = refusals or Refusals()
        self._trail = trail
        self._backend = backend
        self._credentials = credentials
        self._decisions = Decisions(backend, authorization)
        self._region = region
        self._clock = clock
        self._base_hosts = frozenset(base_hosts)
        self._vpc_only = vpc_only
        self._throttle = throttle or Throttle()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="s3-decide")

    def close(self) -> None:
        """Finish the decisions that run and take no more."""
        self._threads.shutdown(wait=True)
        self._refusals.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI has it."""
        if scope["type"] != "http":
            raise ValueError(f"S3 does not speak {scope['type']}")
        record = Record()
        incoming, body, response = None, None, None
        fault: Exception | None = None
        try:
            incoming = read_head(scope, self._clock, self._vpc_only)
            record.identifier = incoming.request_id
            body = RequestBody(receive, header_map(incoming))
            if is_unsigned(incoming) and self._refusals.busy(incoming.path) and not await self._may_be_open(incoming):
                raise throttled("s3")
            response = await self._answer(incoming, body, scope, record)
        except ClientGone:
            record.code = "RequestUnfinished"
            if self._tells(incoming, record):
                log.info("request=%s the connection ended before its body was complete", record.identifier)
            return
        except AwsError as error:
            record.code, record.facts.error = error.code, error
            response = error_response(error, incoming, record.identifier)
        except Exception as error:
            fault, failure = error, failure_of(error)
            record.code, record.facts.error = failure.code, failure
            response = error_response(failure, incoming, record.identifier)
        told = self._tells(incoming, record)
        if fault is not None and told:
            log.error("request=%s failed: %s", record.identifier, fault, exc_info=None if is_full(fault) else fault)
        _hear(standing_of(scope), record)
        if told and incoming is not None and incoming.header("origin") is not None:
            response = await self._run(self._with_cors, incoming, response)
        try:
            await self._reply(send, receive, scope, response, body, record, told=told)
        finally:
            if not isinstance(response.body, bytes):
                response.body.close()
            if incoming is not None and told:
                self._trail(
                    record_of(
                        incoming,
                        record.facts,
                        response,
                        ended_at=self._clock(),
                        region=self._region,
                        tls_version=tls_version_of(scope),
                    )
                )

    def _tells(self, incoming: IncomingRequest | None, record: Record) -> bool:
        """Say whether a request is written down. One that proves nobody and is refused has to be among few."""
        if incoming is None or record.facts.verified is not None or record.was_allowed:
            return True
        code = AccessDenied.code if record.code == "-" else record.code
        return self._refusals.writes(incoming.path, "s3", code)

    async def _answer(self, incoming: IncomingRequest, body: RequestBody, scope: Scope, record: Record) -> S3Response:
        """The steps of a request in their order."""
        standing, busy = standing_of(scope), self._refusals.busy(incoming.path)
        query = query_map(incoming)
        headers = with_query_headers(header_map(incoming), query)
        address = self._locate(incoming, headers)
        if incoming.method == "OPTIONS":
            record.operation, record.place = "PreflightRequest", address.bucket or ""
            record.facts.operation, record.facts.address = record.operation, address
            return await self._run(self._preflight, address, headers)
        form, asked = None, incoming
        if is_form(incoming.method, address, headers) and not query:
            form = await self._read_form(incoming, headers, body)
            headers, address = form.headers(headers), replace(address, key=form.key)
            incoming = form.as_put(incoming, headers)
        model = identify(incoming.method, address, query, headers)
        record.operation, record.place = model.name, f"{address.bucket or ''}/{address.key or ''}"
        record.facts.operation, record.facts.address = model.name, address
        asking = Asking(model, address, incoming, query, headers, form, tls_version_of(scope), record)
        if model.has_streaming_input and form is None and not busy:
            # Nothing of the body is needed for a decision: one way to a thread and back, which small writes feel.
            decided, upload = await self._run(self._decide_at_once, asking, body)
            _hear(standing, record)
        else:
            verified = await self._admitted_apart(asking, busy=busy)
            _hear(standing, record)
            upload = self._upload_of(asking, verified, body)
            parameters = await self._parse(model, address, incoming, headers, upload)
            if busy and verified is None:
                decided = await self._refusals.prove("s3", self._decisions.decided, asking, verified, parameters)
            else:
                decided = await self._run(self._decisions.decided, asking, verified, parameters)
        if model.has_streaming_input:
            standing.streams()
        caller = decided.caller
        request = S3Request(
            model=model,
            bucket=address.bucket,
            key=address.key,
            parameters=decided.parameters,
            principal=caller.principal,
            account=decided.owner,
            now=incoming.received_at,
            incoming=incoming,
            body=upload if model.has_streaming_input else None,
            refused=decided.refused,
        )
        try:
            response = await self._backend.send(request)
        except NoSuchKey:
            await self._run(self._decisions.authorize_absence, caller, address, decided.parameters)
            raise
        if any(name == "x-amz-tagging-count" for name, _ in response.headers):
            response = await self._run(self._decisions.with_readable_tags, caller, address, response)
        return response if form is None else form.answer(response, address, asked)

    # The steps.

    def _decide_at_once(self, asking: Asking, body: RequestBody) -> tuple[Decided, UploadBody]:
        """Prove, parse and decide a request whose parameters are all in its head."""
        verified = self._admitted(asking)
        upload = self._upload_of(asking, verified, body)
        parts = parts_of(asking.address, asking.incoming, asking.headers, None)
        return self._decisions.decided(asking, verified, rest_xml.parse(asking.model, parts)), upload

    def _admitted(self, asking: Asking) -> Verified | None:
        """Prove the caller and count the request."""
        verified = self._authenticate(asking.incoming, asking.address, asking.form)
        record = asking.record
        record.caller = verified.principal.arn if verified else ANONYMOUS.arn
        record.facts.authenticated, record.facts.verified = True, verified
        self._admit(asking.incoming, asking.model.name, verified, asking.address.bucket)
        self._gate("s3", asking.model.name, verified.principal.account if verified else "")
        return verified

    async def _admitted_apart(self, asking: Asking, *, busy: bool) -> Verified | None:
        """Prove the caller before anything is decided. A busy address has to prove one, but to read an open bucket."""
        if not busy:
            return await self._run(self._admitted, asking)
        verified = await self._refusals.prove("s3", self._admitted, asking)
        if verified is None and asking.incoming.method not in _READING:
            raise throttled("s3")
        return verified

    async def _may_be_open(self, incoming: IncomingRequest) -> bool:
        """Say whether a request without a signature may be allowed to read: few buckets have a policy for that.

        It costs next to nothing, as all the requests of a flood come here.
        """
        if incoming.method not in _READING:
            return False
        bucket = self._locate(incoming, header_map(incoming)).bucket
        known = self._backend.known_open_buckets()
        return bucket in (await self._run(self._backend.open_buckets) if known is None else known)

    def _upload_of(self, asking: Asking, verified: Verified | None, body: RequestBody) -> UploadBody:
        if asking.form is not None:
            return self._form_upload(asking.form, asking.address, asking.headers, asking.incoming.received_at)
        return upload_body(about_body(asking.model, asking.headers), verified, body, self._threads)

    def _locate(self, incoming: IncomingRequest, headers: Mapping[str, str]) -> Address:
        if "x-amz-target" in headers:
            raise InvalidRequest("This endpoint speaks for S3 only: X-Amz-Target names another service's operation.")
        address = locate(headers.get("host", ""), incoming.raw_path, self._base_hosts)
        if address.region not in (None, self._region):
            endpoint = f"s3.{self._region}.amazonaws.com"
            raise PermanentRedirect(address.bucket or "", endpoint, self._region)
        return address

    def _preflight(self, address: Address, headers: Mapping[str, str]) -> S3Response:
        """Answer a browser that asks whether a page may make a call. It proves no caller, and needs none."""
        asked = Asked.in_preflight(headers)
        facts = self._backend.bucket(address.bucket) if address.bucket is not None else None
        return S3Response(200, preflight(facts.cors if facts is not None else None, asked, address.resource_type))

    async def _read_form(self, incoming: IncomingRequest, headers: Mapping[str, str], body: RequestBody) -> Form:
        if has_signature(incoming):
            raise InvalidRequest("A form is signed by its own fields: no Authorization header is allowed.")
        return await read_form(headers["content-type"], body.chunks())

    def _form_upload(self, form: Form, address: Address, headers: Mapping[str, str], now: dt.datetime) -> UploadBody:
        """Check the form against its policy and return the file that it brings."""
        policy = None
        if "policy" in form.fields:
            policy = PostPolicy.parse(form.fields["policy"])
            policy.check({**form.fields, "key": form.key}, address.bucket or "", now)
        return FormUpload(form, headers, policy, self._threads)

    def _authenticate(self, incoming: IncomingRequest, address: Address, form: Form | None) -> Verified | None:
        """Return the proven caller, or ``None`` for a request that claims none."""
        now = self._clock()
        if form is not None:
            return verify_form(form.fields, self._credentials, now, self._region)
        if is_presigned(incoming) and incoming.header("authorization") is None:
            bucket_in_host = address.bucket if address.virtual else None
            return verify_presigned(incoming, self._credentials, now, bucket_in_host)
        if incoming.header("authorization") is None and lacks_parameters(incoming):
            raise AccessDenied(
                "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
            )
        if not has_signature(incoming):
            return None
        return verify(incoming, "s3", self._credentials, now, self._region)

    def _admit(self, incoming: IncomingRequest, operation: str, verified: Verified | None, bucket: str | None) -> None:
        """Count the request. The nameless are told apart by where they come from."""
        source = incoming.path.source_ip or f"{incoming.path.vpc_id} {incoming.path.vpc_source_ip}"
        caller = verified.principal.arn if verified else f"anonymous {source}"
        self._throttle.admit("s3", operation, caller, verified.principal.account if verified else source, bucket)

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
        parts = parts_of(address, incoming, headers, document)
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

    def _with_cors(self, incoming: IncomingRequest, response: S3Response) -> S3Response:
        """Add what lets a browser show the answer to the page that asked, if the bucket's rules do."""
        origin = incoming.header("origin")
        if origin is None or incoming.method == "OPTIONS":
            return response
        try:
            address = self._locate(incoming, header_map(incoming))
        except AwsError:
            return response
        facts = self._backend.bucket(address.bucket) if address.bucket is not None else None
        if facts is None:
            return response
        return replace(response, headers=(*response.headers, *granted(facts.cors, origin, incoming.method)))

    async def _reply(
        self,
        send: Send,
        receive: Receive,
        scope: Scope,
        response: S3Response,
        body: RequestBody | None,
        record: Record,
        *,
        told: bool,
    ) -> None:
        try:
            keep = body is None or await body.finish()
            await send_response(send, receive, response, record.identifier, head=scope["method"] == "HEAD", keep=keep)
        except DamagedBlob as error:
            # Half of the answer is sent: what is left to say is that it ends here, by cutting the connection.
            record.code = InternalError.code
            log.error("request=%s place=%r cut off: %s", record.identifier, record.place, error)
        except (ClientGone, OSError) as error:
            log.info("request=%s the client did not take the answer: %s", record.identifier, error)
        if not told:
            return
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


def _hear(standing: Standing, record: Record) -> None:
    """Let the listener of a request hear who is proven."""
    if record.facts.verified is not None:
        standing.proves(record.facts.verified.principal.account)
