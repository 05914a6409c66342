"""The ASGI application of the AWS APIs: the ordered steps of a call, and nothing else.

Receive, identify, authenticate, parse, validate and authorize and handle (``dispatch.py``), serialize, record. What
is S3's passes on untouched, its body unread. A listener that speaks for one service takes every request for that
service's: one for another fails there as at AWS, by its signature's scope or its operation.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import time
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from botocore.model import OperationModel

from reading_room.aws import receive as wire
from reading_room.aws.call import ANONYMOUS, Call, IncomingRequest, Reply, SignedRequest
from reading_room.aws.call_record import CallRecord, Gate, Recorder, forget, keeps_answer, let_in
from reading_room.aws.call_threads import CallThreads
from reading_room.aws.dispatch import Dispatcher
from reading_room.aws.errors import (
    AwsError,
    InvalidAction,
    RequestTimeout,
    Throttled,
    UnknownOperation,
    UnknownOperationException,
)
from reading_room.aws.identify import UnknownService, identify, service_of_version
from reading_room.aws.models import SERVED, ServedService, operation_model, service_model
from reading_room.aws.probes import Probes
from reading_room.aws.protocols import ec2, forms, query
from reading_room.aws.protocols import json as json_protocol
from reading_room.aws.refusals import Refusals
from reading_room.aws.sigv4 import CredentialSource, has_signature, prove_head, verify
from reading_room.aws.spelling import internal_failure, throttled, too_large, unavailable, unknown_operation
from reading_room.aws.throttling import Throttle
from reading_room.clock import Clock, system_clock
from reading_room.full_disk import is_full
from reading_room.ids import request_id as new_request_id

log = logging.getLogger(__name__)

_QUICK = 4096
"""Bytes of a form that are read where it arrives."""
NO_ROOM = "The disk of this installation has no room for what the call writes."
_PROTOCOLS: Mapping[str, ModuleType] = {"json": json_protocol, "query": query, "ec2": ec2}


class AwsApplication:
    """Serves every API on one address: ``dispatcher`` handles calls, ``s3`` the requests that are S3's.

    Handlers are synchronous; those of calls that wait for the same run in at most ``threads`` threads. A request's body
    must be here within ``body_seconds``.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        credentials: CredentialSource,
        s3: wire.AsgiApplication,
        *,
        region: str,
        clock: Clock = system_clock,
        threads: int = 16,
        body_seconds: float = wire.BODY_SECONDS,
        throttle: Throttle | None = None,
        trail: Recorder = forget,
        refusals: Refusals | None = None,
        probes: Probes | None = None,
        gate: Gate = let_in,
    ) -> None:
        self._gate = gate
        self._refusals = refusals or Refusals()
        self._probes = probes or Probes()
        self._dispatcher = dispatcher
        self._trail = trail
        self._credentials = credentials
        self._s3 = s3
        self._region = region
        self._clock = clock
        self._body_seconds = body_seconds
        self._throttle = throttle or Throttle()
        self._threads = CallThreads(threads)

    def close(self) -> None:
        """Finish the calls that run and take no more."""
        self._threads.close()
        self._refusals.close()
        self._probes.close()

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        """Serve one connection's request, as ASGI has it."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        scope[wire.PATH_KEY] = path = wire.network_path(scope)
        headers = wire.read_headers(scope)
        query_string = scope["query_string"].decode("latin-1")
        only = scope.get(wire.ONLY_KEY)
        if only is None and not any(name == "authorization" for name, _ in headers):
            page = await self._probes.answer(scope["method"], scope["path"])
            if page is not None:
                await wire.send_reply(send, page, head=scope["method"] == "HEAD")
                return
        service = _served(only, identify(scope["method"], query_string, headers))
        if isinstance(service, ServedService) and service.name == "s3":
            await self._s3(scope, receive, send)
            return
        request = IncomingRequest(
            method=scope["method"],
            raw_path=scope.get("raw_path", scope["path"].encode()).decode("latin-1").partition("?")[0],
            query_string=query_string,
            headers=headers,
            body=b"",
            path=path,
            request_id=new_request_id(),
            received_at=self._clock(),
        )
        standing = wire.standing_of(scope)
        try:
            if standing.awaits_body and isinstance(service, ServedService):
                await self._look_at_head(request, service, standing)
            body = await wire.read_body(receive, headers, seconds=self._body_seconds)
        except wire.Disconnected:
            if self._refusals.writes(path, _name(service), "RequestUnfinished"):
                log.info("request %s: the connection ended before its body was complete", request.request_id)
            return
        except wire.BodyTooLarge:
            reply = self._unread(request, service, too_large(_name(service), wire.BODY_LIMIT))
        except wire.BodyTooSlow:
            reply = self._unread(request, service, RequestTimeout(self._body_seconds))
        else:
            reply, account = await self._complete(request, body, service)
            if account is not None:
                standing.proves(account)
        await wire.send_reply(send, reply, head=request.method == "HEAD")

    async def _look_at_head(self, request: IncomingRequest, service: ServedService, standing: wire.Standing) -> None:
        """Tell the listener what is proven before the body is here, so that it knows whom to go on waiting for."""
        if not has_signature(request):
            return
        try:
            proof = await self._refusals.prove(
                service.name, prove_head, request, service, self._credentials, self._clock(), self._region
            )
        except Throttled:
            return  # It has proven nothing so far, and may do so when its body is here.
        if proof is not None and proof.complete:
            standing.proves(proof.account)
        elif proof is not None:
            standing.names_key(proof.access_key_id)

    async def _complete(
        self, request: IncomingRequest, body: bytes, service: ServedService | UnknownService | None
    ) -> tuple[Reply, str | None]:
        """Answer a request whose body is here; return the account of its caller, too."""
        whole = dataclasses.replace(request, body=body)
        loop = asyncio.get_running_loop()
        if not self._refusals.busy(request.path) or isinstance(service, UnknownService):
            return await loop.run_in_executor(self._threads.of(whole), self._answer, whole, service)
        if service is None or not (has_signature(request) or self._needs_none(request, service)):
            # Nothing can come of what a body says that nobody signed: it is asked at most in whose words to refuse.
            if service is None and len(body) <= _QUICK:
                with contextlib.suppress(AwsError):
                    service = _told_by_form(whole)
            return self._answer(request, service, throttled(_name(service)))
        try:
            proof = await self._refusals.prove(service.name, self._proof, whole, service)
        except Throttled as error:
            return self._answer(request, service, error)
        if isinstance(proof, SignedRequest):
            return await loop.run_in_executor(self._threads.of(whole), self._answer, whole, service, proof)
        return proof

    def _proof(self, request: IncomingRequest, service: ServedService) -> SignedRequest | tuple[Reply, str | None]:
        """Return a request with whom it proves, or what is answered to one that proves nobody."""
        try:
            return self._authenticate(request, service)
        except Exception as error:
            return self._answer(request, service, error)

    def answer(self, request: IncomingRequest, service: ServedService | UnknownService | None) -> Reply:
        """Answer a complete request: the steps of a call in their order. Never raises."""
        return self._answer(request, service)[0]

    def _answer(
        self,
        request: IncomingRequest,
        service: ServedService | UnknownService | None,
        proof: SignedRequest | Exception | None = None,
    ) -> tuple[Reply, str | None]:
        """Answer as ``answer`` does, and return the account of the caller, ``None`` for nobody's.

        ``proof`` is what was found out about the signature before.
        """
        began = time.perf_counter()
        name, code, caller = "-", "-", "-"
        signed: SignedRequest | None = None
        call: Call | None = None
        output: Mapping[str, Any] | None = None
        failure: AwsError | None = None
        fault: Exception | None = None
        try:
            if isinstance(proof, Exception):
                raise proof
            service = _told_by_form(request) if service is None else service
            if isinstance(service, UnknownService):
                raise _unknown_service(request, service)
            signed = proof or self._authenticate(request, service)
            caller = signed.principal.arn
            operation = _operation(request, service)
            name = operation.name
            if signed.access_key_id is not None:
                self._throttle.admit(service.name, name, caller, signed.principal.account)
            self._gate(service.name, name, signed.principal.account)
            try:
                call = self._call(signed, service, operation)
                output = self._dispatcher.invoke(call)
            except AwsError:
                if signed.access_key_id is None:
                    # Only what was refused counts: who brings a good secret is not kept out by others who guess.
                    source = request.path.source_ip or request.path.vpc_source_ip or ""
                    self._throttle.admit_unsigned(service.name, source)
                raise
            reply = _PROTOCOLS[service.protocol].serialize(operation, output, request.request_id)
        except AwsError as error:
            code, failure = error.code, error
            if isinstance(error, UnknownOperation) and name == "-":
                # What nobody implements is worth knowing; repr, as the client chose the text.
                name = repr(error.operation)[:80]
            reply = _refuse(request, service, error)
        except Exception as error:
            called = service.name if service is not None else ""
            if is_full(error):
                log.error("request %s found no room on the disk: %s", request.request_id, error)
                failure = unavailable(called, NO_ROOM)
            else:
                fault = error
                failure = internal_failure(called, request.request_id)
            code = failure.code
            reply = _refuse(request, service, failure)
        identified = signed is not None and signed.access_key_id is not None
        reply = _identified(reply, request)
        account = signed.principal.account if signed is not None and identified else None
        if failure is not None and not identified and not self._refusals.writes(request.path, _name(service), code):
            return reply, account
        if fault is not None:
            log.error("request %s failed", request.request_id, exc_info=fault)
        log.info(
            "request=%s service=%s operation=%s caller=%s status=%d code=%s ms=%.1f",
            request.request_id,
            service.name if service is not None else "-",
            name,
            caller,
            reply.status,
            code,
            (time.perf_counter() - began) * 1000,
        )
        self._record(request, service, name, signed, call, output, failure)
        return reply, account

    def _unread(
        self, request: IncomingRequest, service: ServedService | UnknownService | None, error: AwsError
    ) -> Reply:
        """Refuse a request whose body was not read to its end."""
        if self._refusals.writes(request.path, _name(service), error.code):
            self._record(request, service, "-", None, None, None, error)
        return _closing(_refuse(request, service, error))

    def _record(
        self,
        request: IncomingRequest,
        service: ServedService | UnknownService | None,
        name: str,
        signed: SignedRequest | None,
        call: Call | None,
        output: Mapping[str, Any] | None,
        failure: AwsError | None,
    ) -> None:
        if isinstance(failure, UnknownOperation):
            name = (failure.operation or "-")[:80]
        elif name == "-" and isinstance(service, ServedService):
            name = _claimed(request, service)
        self._trail(
            CallRecord(
                service=service.name if service is not None else "-",
                operation=name,
                request_id=request.request_id,
                ended_at=self._clock(),
                region=self._region,
                path=request.path,
                principal=signed.principal if signed is not None else None,
                access_key_id=signed.access_key_id if signed is not None else None,
                user_agent=request.header("user-agent") or "",
                parameters=call.parameters if call is not None else None,
                output=output if keeps_answer(name) else None,
                error=failure,
                host=request.header("host"),
                size=len(request.body),
            )
        )

    def _authenticate(self, request: IncomingRequest, service: ServedService) -> SignedRequest:
        if not has_signature(request) and self._needs_none(request, service):
            return SignedRequest(request, ANONYMOUS, None)
        verified = verify(request, service, self._credentials, self._clock(), self._region)
        return SignedRequest(request, verified.principal, verified.access_key_id)

    def _needs_none(self, request: IncomingRequest, service: ServedService) -> bool:
        """Say whether a request is for an operation that asks for no signature; a target in its head says which."""
        # Asked of our own table, not of the model: what is not here answers as if it had to be signed.
        bound = self._dispatcher.table.find(service.name, _claimed(request, service))
        return bound is not None and bound.facts.unsigned

    def _call(self, signed: SignedRequest, service: ServedService, operation: OperationModel) -> Call:
        request = signed.request
        return Call(
            service=service.name,
            operation=operation.name,
            parameters=_PROTOCOLS[service.protocol].parse(operation, request),
            principal=signed.principal,
            account=signed.principal.account,
            region=self._region,
            path=request.path,
            request_id=request.request_id,
            access_key_id=signed.access_key_id,
            user_agent=request.header("user-agent") or "",
        )


def _served(only: str | None, told: ServedService | UnknownService | None) -> ServedService | UnknownService | None:
    """Return whose request it is at a listener that speaks for ``only``, by what its head told."""
    if only in (None, "api"):
        is_s3 = isinstance(told, ServedService) and told.name == "s3"
        return UnknownService("s3", "query") if only == "api" and is_s3 else told
    return SERVED[only]


def _name(service: ServedService | UnknownService | None) -> str:
    """Return the name of a service that there is; what a client made up is none."""
    return service.name if isinstance(service, ServedService) else ""


def _told_by_form(request: IncomingRequest) -> ServedService | UnknownService:
    """Return the service that a form says. Raises ``MalformedQueryString``."""
    return service_of_version(forms.read(request).get("Version"))


def _unknown_service(request: IncomingRequest, service: UnknownService) -> UnknownOperation:
    if service.style == "json":
        return UnknownOperationException(service.name, request.header("x-amz-target"))
    return InvalidAction(service.name, forms.read(request).get("Action"))


def _operation(request: IncomingRequest, service: ServedService) -> OperationModel:
    name = _PROTOCOLS[service.protocol].operation_name(request, service)
    operation = operation_model(service.name, name)
    if operation is None:
        raise unknown_operation(service.name, name)
    return operation


def _claimed(request: IncomingRequest, service: ServedService) -> str:
    """Return the operation that a request names which proved nobody, or could not be read."""
    try:
        return str(_PROTOCOLS[service.protocol].operation_name(request, service))[:80]
    except AwsError:
        return "-"


def _refuse(request: IncomingRequest, service: ServedService | UnknownService | None, error: AwsError) -> Reply:
    return _identified(refusal(service, error, request.request_id), request)


def refusal(service: ServedService | UnknownService | None, error: AwsError, request_id: str) -> Reply:
    """Say an error as the client of that service (not S3), or of one that does not exist here, can read it."""
    if isinstance(service, ServedService):
        protocol, model = _PROTOCOLS[service.protocol], service_model(service.name)
    elif isinstance(service, UnknownService) and service.style == "json":
        protocol, model = json_protocol, service_model("logs")
    else:
        protocol, model = query, service_model("sts")
    reply: Reply = protocol.serialize_error(model, error, request_id)
    return reply


def _identified(reply: Reply, request: IncomingRequest) -> Reply:
    if any(name == "x-amzn-requestid" for name, _ in reply.headers):
        return reply
    return dataclasses.replace(reply, headers=(*reply.headers, ("x-amzn-requestid", request.request_id)))


def _closing(reply: Reply) -> Reply:
    """End the connection: what is left of a body that was not read would be taken for the next request."""
    return dataclasses.replace(reply, headers=(*reply.headers, ("connection", "close")))


async def _lifespan(receive: wire.Receive, send: wire.Send) -> None:
    while True:
        message: Mapping[str, Any] = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
