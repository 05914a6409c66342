"""The ASGI application of S3: the steps of an S3 request, in their order.

Locate, identify, authenticate, parse, authorize, act, reply; ``call.py`` has the values that the steps return. Where a
connection came from is in ``scope["reading_room.path"]``, which only the server or the listener writes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from reading_room.aws.call import IncomingRequest
from reading_room.aws.call_record import Gate, Recorder, forget, let_in
from reading_room.aws.protocols import rest_xml
from reading_room.aws.receive import Receive, Scope, Send, Standing, standing_of
from reading_room.aws.refusals import Refusals
from reading_room.aws.sigv4 import CredentialSource, Verified
from reading_room.aws.spelling import throttled
from reading_room.aws.throttling import Throttle
from reading_room.clock import Clock, system_clock
from reading_room.measures import IGNORED, Measures
from reading_room.s3.actions import identify
from reading_room.s3.addressing import HostNames
from reading_room.s3.authentication import Authentication
from reading_room.s3.authorization import S3Authorization
from reading_room.s3.backend import Backend, S3Response
from reading_room.s3.call import (
    AuthenticatedRequest,
    AuthorizedRequest,
    IdentifiedRequest,
    Outcome,
    PreflightRequest,
    Stage,
    stopping_at,
)
from reading_room.s3.call_log import log_call, log_fault, log_unfinished
from reading_room.s3.control import identify_control, is_control
from reading_room.s3.cross_origin import answer_preflight, with_cors_headers
from reading_room.s3.decisions import GUARDED_HEADERS, Decisions
from reading_room.s3.errors import AccessDenied, NoSuchKey
from reading_room.s3.parse import parts_of, read_document, upload_of
from reading_room.s3.post_form import form_of, is_form
from reading_room.s3.reply import deliver, outcome_of
from reading_room.s3.requests import (
    RequestBody,
    header_map,
    is_unsigned,
    query_map,
    read_head,
    tls_version_of,
    with_query_headers,
)
from reading_room.s3.streaming import UploadBody
from reading_room.s3.trail_record import record_of
from reading_room.s3.version_errors import NoSuchVersion
from reading_room.shortage import Threads

_READING = frozenset({"GET", "HEAD"})
_BODILESS = frozenset({"GET", "HEAD", "DELETE"})
_QUICK = 64 * 1024
"""Bytes of a document that may be parsed on the event loop."""
THREADS = 16
Result = TypeVar("Result")


class S3Application:
    """Serves S3. With ``vpc_only`` every request must come through the listener of a VPC.

    ``machine_clock`` is the one by which clients sign, if it is not ``clock``.
    ``base_hosts`` are the host names at which S3 is served here, without port, besides AWS's own.
    """

    def __init__(
        self,
        backend: Backend,
        credentials: CredentialSource,
        authorization: S3Authorization,
        *,
        region: str,
        clock: Clock = system_clock,
        machine_clock: Clock | None = None,
        base_hosts: Collection[str] = ("127.0.0.1", "localhost", "s3.localhost"),
        vpc_only: bool = False,
        throttle: Throttle | None = None,
        trail: Recorder = forget,
        refusals: Refusals | None = None,
        gate: Gate = let_in,
        measures: Measures = IGNORED,
    ) -> None:
        self._measures = measures
        self._backend = backend
        self._hosts = HostNames(region, frozenset(base_hosts))
        self._authentication = Authentication(credentials, machine_clock or clock, region)
        self._decisions = Decisions(backend, authorization)
        self._clock = clock
        self._vpc_only = vpc_only
        self._throttle = throttle or Throttle()
        self._gate = gate
        self._refusals = refusals or Refusals()
        self._trail = trail
        self._threads = Threads(THREADS, "s3-decide")

    def close(self) -> None:
        """Finish the decisions that run and take no more."""
        self._threads.shutdown(wait=True)
        self._refusals.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI has it."""
        if scope["type"] != "http":
            raise ValueError(f"S3 does not serve {scope['type']}")
        began = time.perf_counter()
        incoming, body = None, None
        try:
            incoming = read_head(scope, self._clock, self._vpc_only)
            body = RequestBody(receive, header_map(incoming))
            outcome = Outcome(incoming.request_id, *await self._answer(incoming, body, scope))
        except Exception as error:
            outcome = outcome_of(error, incoming)
        recorded = self._is_recorded(incoming, outcome)
        response = outcome.response
        if response is None:
            if recorded:
                log_unfinished(outcome)
            return
        if recorded:
            log_fault(outcome)
        _report(standing_of(scope), outcome.verified)
        if recorded and incoming is not None and incoming.header("origin") is not None:
            response = await self._run(with_cors_headers, response, incoming, self._hosts, self._backend)
        try:
            code = await deliver(outcome, response, body, send, receive, head=scope["method"] == "HEAD")
            operation = "other" if outcome.identified is None else outcome.identified.operation
            self._measures.s3_request(operation, response.status, time.perf_counter() - began)
            if recorded:
                log_call(outcome, response.status, code, began)
        finally:
            if not isinstance(response.body, bytes):
                response.body.close()
            if recorded and incoming is not None:
                ended_at, region, tls_version = self._clock(), self._hosts.region, tls_version_of(scope)
                seconds = time.perf_counter() - began
                self._trail(record_of(incoming, outcome, response, ended_at, region, tls_version, seconds))

    def _is_recorded(self, incoming: IncomingRequest | None, outcome: Outcome) -> bool:
        """Say whether the log and the trail get a request. Of refused requests without a caller they get only some."""
        if incoming is None or outcome.verified is not None or outcome.was_allowed:
            return True
        code = AccessDenied.code if outcome.code == "-" else outcome.code
        return self._refusals.should_record(incoming.path, "s3", code)

    async def _answer(self, incoming: IncomingRequest, body: RequestBody, scope: Scope) -> tuple[Stage, S3Response]:
        """Take a request through the steps. Return its last stage and the response."""
        standing, busy = standing_of(scope), self._refusals.is_busy(incoming.path)
        if busy and is_unsigned(incoming) and not await self._may_be_open(incoming):
            raise throttled("s3")
        query = query_map(incoming)
        headers = with_query_headers(header_map(incoming), query)
        address = self._hosts.locate(incoming, headers)
        if incoming.method == "OPTIONS":
            preflight = PreflightRequest(address, headers)
            with stopping_at(preflight):
                return preflight, await self._run(answer_preflight, preflight, self._backend)
        form, effective = None, incoming
        control = is_control(incoming.raw_path, headers, address)
        if not control and is_form(incoming.method, address, headers) and not query:
            form = await form_of(incoming, headers, body.chunks())
            headers, address = form.headers(headers), replace(address, key=form.key)
            effective = form.as_put(incoming, headers)
        if control:
            model, address = identify_control(incoming.method, incoming.raw_path)
        else:
            model = identify(effective.method, address, query, headers)
        request = IdentifiedRequest(effective, model, address, query, headers, tls_version_of(scope), form)
        with stopping_at(request):
            authorized, upload = await self._authorize(request, body, standing, busy=busy)
        with stopping_at(authorized):
            if model.has_streaming_input:
                standing.streams()
            response = await self._act(authorized, upload)
            return authorized, response if form is None else form.answer(response, address, incoming)

    async def _authorize(
        self, request: IdentifiedRequest, body: RequestBody, standing: Standing, *, busy: bool
    ) -> tuple[AuthorizedRequest, UploadBody]:
        """Authenticate, parse and authorize a request. Return it with its body."""
        if (request.model.has_streaming_input or _is_bodiless(request, body)) and request.form is None and not busy:
            # All parameters are in the head. A single visit to a thread makes small requests faster.
            authorized, upload = await self._run(self._authorize_head, request, body)
            _report(standing, authorized.verified)
            return authorized, upload
        authenticated = await self._authenticate_apart(request, busy=busy)
        _report(standing, authenticated.verified)
        with stopping_at(authenticated):
            upload = upload_of(authenticated, body, self._threads)
            parameters = await self._parse(request, upload)
            authorize = self._decisions.authorize
            if busy and authenticated.verified is None:
                return await self._refusals.prove("s3", authorize, authenticated, parameters), upload
            return await self._run(authorize, authenticated, parameters), upload

    def _authorize_head(self, request: IdentifiedRequest, body: RequestBody) -> tuple[AuthorizedRequest, UploadBody]:
        """Authenticate, parse and authorize a request whose parameters are all in its head."""
        authenticated = self._authenticate(request)
        with stopping_at(authenticated):
            upload = upload_of(authenticated, body, self._threads)
            document = None if request.model.has_streaming_input else upload.nothing()
            parameters = rest_xml.parse(request.model, parts_of(request, document))
            return self._decisions.authorize(authenticated, parameters), upload

    async def _authenticate_apart(self, request: IdentifiedRequest, *, busy: bool) -> AuthenticatedRequest:
        """Authenticate a request before it is parsed. From a busy address, anonymous requests may only read."""
        if not busy:
            return await self._run(self._authenticate, request)
        authenticated = await self._refusals.prove("s3", self._authenticate, request)
        if authenticated.verified is None and request.incoming.method not in _READING:
            with stopping_at(authenticated):
                raise throttled("s3")
        return authenticated

    def _authenticate(self, request: IdentifiedRequest) -> AuthenticatedRequest:
        """Verify who makes a request, and count it."""
        authenticated = self._authentication.authenticate(request)
        with stopping_at(authenticated):
            self._admit(authenticated)
        return authenticated

    def _admit(self, authenticated: AuthenticatedRequest) -> None:
        """Count a request against the rates. Anonymous callers are distinguished by their addresses."""
        request, verified = authenticated.request, authenticated.verified
        path = request.incoming.path
        source = path.source_ip or f"{path.vpc_id} {path.vpc_source_ip}"
        caller = verified.principal.arn if verified else f"anonymous {source}"
        account = verified.principal.account if verified else source
        self._throttle.admit("s3", request.operation, caller, account, request.address.bucket)
        self._gate("s3", request.operation, verified.principal.account if verified else "")

    async def _parse(self, request: IdentifiedRequest, upload: UploadBody) -> Mapping[str, Any]:
        document = await read_document(request.model, upload)
        parts = parts_of(request, document)
        if document is not None and len(document) > _QUICK:
            return await self._run(rest_xml.parse, request.model, parts)
        return rest_xml.parse(request.model, parts)

    async def _act(self, authorized: AuthorizedRequest, upload: UploadBody) -> S3Response:
        """Let the backend carry out a request."""
        try:
            response = await self._backend.send(authorized.to_backend(upload))
        except (NoSuchKey, NoSuchVersion):
            await self._run(self._decisions.authorize_absence, authorized)
            raise
        if not GUARDED_HEADERS.isdisjoint(name for name, _ in response.headers):
            return await self._run(self._decisions.with_readable_headers, authorized, response)
        return response

    async def _may_be_open(self, incoming: IncomingRequest) -> bool:
        """Say whether an unsigned request might be allowed to read, as the policies of a few buckets allow.

        This must be cheap, because every request of a flood comes here.
        """
        if incoming.method not in _READING:
            return False
        bucket = self._hosts.locate(incoming, header_map(incoming)).bucket
        known = self._backend.known_open_buckets()
        return bucket in (await self._run(self._backend.open_buckets) if known is None else known)

    async def _run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)


def _is_bodiless(request: IdentifiedRequest, body: RequestBody) -> bool:
    """Say whether a request has no body and needs none; one with POST or PUT may lack a document that it needs."""
    return body.is_absent and request.incoming.method in _BODILESS


def _report(standing: Standing, verified: Verified | None) -> None:
    """Report the account that a signature proves to the listener of a request."""
    if verified is not None:
        standing.proves(verified.principal.account)
