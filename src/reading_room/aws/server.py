"""The ASGI application of the AWS APIs: the steps of a call, in their order.

On the event loop: receive, identify, prove if the address is busy. In a thread: authenticate, find the operation,
admit, parse, dispatch (validate, authorize, handle), serialize, log and record. Requests for S3 are passed on with
their bodies unread.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any

from reading_room.aws import receive as wire
from reading_room.aws.admission import Admission
from reading_room.aws.authentication import Authentication
from reading_room.aws.call import IncomingRequest, Reply, SignedRequest
from reading_room.aws.call_log import log_call, log_unfinished
from reading_room.aws.call_record import Gate, Recorder, forget, let_in
from reading_room.aws.call_threads import CallThreads
from reading_room.aws.dispatch import Dispatcher
from reading_room.aws.error_replies import closing, with_request_id
from reading_room.aws.errors import AwsError, RequestTimeout
from reading_room.aws.identify import (
    Service,
    UnknownService,
    identify,
    name_of,
    service_at,
    service_of_form,
    unknown_service,
    with_operation,
)
from reading_room.aws.lifespan import answer_lifespan
from reading_room.aws.models import SERVED, ServedService
from reading_room.aws.outcome import Outcome, Stage, failed
from reading_room.aws.parse import parse, serialize
from reading_room.aws.probes import Probes
from reading_room.aws.proofs import Proofs
from reading_room.aws.refusals import Refusals
from reading_room.aws.sigv4 import CredentialSource
from reading_room.aws.spelling import too_large
from reading_room.aws.throttling import Throttle
from reading_room.aws.trail_record import record_of
from reading_room.clock import Clock, system_clock
from reading_room.measures import IGNORED, Measures


class AwsApplication:
    """Serves every API on one address: ``dispatcher`` handles calls, ``s3`` the requests that are for S3.

    Handlers are synchronous. Calls that wait for the same thing run in at most ``threads`` threads. The body of a
    request must arrive within ``body_seconds``.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        credentials: CredentialSource,
        s3: wire.AsgiApplication,
        *,
        region: str,
        clock: Clock = system_clock,
        machine_clock: Clock | None = None,
        threads: int = 16,
        body_seconds: float = wire.BODY_SECONDS,
        throttle: Throttle | None = None,
        trail: Recorder = forget,
        refusals: Refusals | None = None,
        probes: Probes | None = None,
        gate: Gate = let_in,
        measures: Measures = IGNORED,
        trace_of: Callable[[str], str | None] | None = None,
    ) -> None:
        """``trace_of`` returns the trace that a request begins, by the request's id, or ``None`` for one not traced."""
        self._dispatcher = dispatcher
        self._s3 = s3
        self._region = region
        self._clock = clock
        self._threads = CallThreads(threads)
        self._body_seconds = body_seconds
        self._trail = trail
        self._measures = measures
        self._trace_of = trace_of
        self._refusals = refusals or Refusals()
        self._probes = probes or Probes()
        self._admission = Admission(throttle or Throttle(), gate)
        self._authentication = Authentication(credentials, dispatcher.table, machine_clock or clock, region)
        self._proofs = Proofs(self._refusals, self._authentication, self.answer)

    def close(self) -> None:
        """Finish the calls that run and take no more."""
        self._threads.close()
        self._refusals.close()
        self._probes.close()

    async def __call__(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        """Serve one connection's request, as ASGI has it."""
        if scope["type"] == "lifespan":
            await answer_lifespan(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _serve(self, scope: wire.Scope, receive: wire.Receive, send: wire.Send) -> None:
        """Take a request through the steps that need no thread."""
        scope[wire.PATH_KEY] = wire.network_path(scope)
        headers, only = wire.read_headers(scope), scope.get(wire.ONLY_KEY)
        if only is None and await self._probes.serve(scope, headers, send):
            return
        service = service_at(only, identify(scope["method"], scope["query_string"].decode("latin-1"), headers))
        if service is SERVED["s3"]:
            await self._s3(scope, receive, send)
            return
        request, standing = wire.read_head(scope, headers, self._clock()), wire.standing_of(scope)
        try:
            if standing.awaits_body and isinstance(service, ServedService):
                await self._proofs.of_head(request, service, standing)
            body = await wire.read_body(receive, headers, seconds=self._body_seconds)
        except wire.Disconnected:
            if self._refusals.should_record(request.path, name_of(service), "RequestUnfinished"):
                log_unfinished(request)
            return
        except wire.BodyTooLarge:
            reply = self._refuse_unread(request, service, too_large(name_of(service), wire.BODY_LIMIT))
        except wire.BodyTooSlow:
            reply = self._refuse_unread(request, service, RequestTimeout(self._body_seconds))
        else:
            outcome = await self._complete(request, body, service)
            reply = outcome.reply
            if outcome.account is not None:
                standing.proves(outcome.account)
        await wire.send_reply(send, reply, head=request.method == "HEAD")

    async def _complete(self, request: IncomingRequest, body: bytes, service: Service) -> Outcome:
        """Answer a request whose body is here, in a thread. That of a busy address must first prove its caller."""
        proof: SignedRequest | None = None
        if self._refusals.is_busy(request.path) and not isinstance(service, UnknownService):
            found = await self._proofs.of_busy(request, body, service)
            if isinstance(found, Outcome):
                return found
            proof = found
        whole = dataclasses.replace(request, body=body)
        threads = self._threads.of(whole)
        return await asyncio.get_running_loop().run_in_executor(threads, self.answer, whole, service, proof)

    def answer(
        self, request: IncomingRequest, service: Service, proof: SignedRequest | Exception | None = None
    ) -> Outcome:
        """Take a complete request through the steps of a call. Never raises.

        ``proof`` is the result of an earlier authentication of the request.
        """
        began = time.perf_counter()
        stage: Stage = request
        output: Mapping[str, Any] | None = None
        try:
            if isinstance(proof, Exception):
                raise proof
            service = service_of_form(request) if service is None else service
            if isinstance(service, UnknownService):
                raise unknown_service(request, service)
            stage = signed = proof or self._authentication.authenticate(request, service)
            stage = named = with_operation(signed, service)
            self._admission.admit(named)
            try:
                stage = call = parse(named, self._region)
                if self._trace_of is not None:
                    stage = call = dataclasses.replace(call, trace=self._trace_of(call.request_id))
                output = self._dispatcher.invoke(call)
            except AwsError:
                self._admission.count_refusal(named)
                raise
            reply = with_request_id(serialize(named, output), request)
            outcome = Outcome(request, service, stage, reply, output)
        except Exception as error:
            outcome = failed(request, service, stage, error, output)
        seconds = time.perf_counter() - began
        self._measure(outcome, seconds)
        if outcome.error is None or outcome.account is not None or self._should_record(outcome):
            log_call(outcome, began)
            self._trail(record_of(outcome, self._clock(), self._region, seconds))
        return outcome

    def _measure(self, outcome: Outcome, seconds: float) -> None:
        # Names that only the client knows would make a series each.
        service = outcome.service.name if isinstance(outcome.service, ServedService) else "other"
        self._measures.call(service, outcome.operation or "other", outcome.reply.status, seconds)

    def _refuse_unread(self, request: IncomingRequest, service: Service, error: AwsError) -> Reply:
        """Refuse a request whose body was not read to its end."""
        outcome = failed(request, service, request, error)
        if self._should_record(outcome):
            self._trail(record_of(outcome, self._clock(), self._region))
        return closing(outcome.reply)

    def _should_record(self, outcome: Outcome) -> bool:
        """Say whether the log and the trail get a refusal; else it was counted."""
        return self._refusals.should_record(outcome.request.path, name_of(outcome.service), outcome.code)
