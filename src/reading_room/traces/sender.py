"""Sending spans to a collector by OTLP over HTTP, with OpenTelemetry's SDK. Only the process that sends imports it.

What the SDK does is decided here, by arguments; the process has removed the variables of the environment that the SDK
would read (``settings.py``). It follows no redirect and uses no proxy.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags, set_span_in_context

from reading_room.traces.span import Span
from reading_room.traces.spool import Sent, batches, count, read
from reading_room.versions import VERSION

log = logging.getLogger(__name__)

SEND_SECONDS = 5.0
"""How long one request to the collector may take, repetitions included."""
AT_ONCE = 512
"""Spans in one request."""
_LATER = frozenset({408, 429, 502, 503, 504})
"""HTTP statuses after which the same spans may be accepted later; without any answer they may be, too."""
_ATTRIBUTES = {
    "service": "rpc.service",
    "operation": "rpc.method",
    "request_id": "aws.request_id",
    "status": "http.response.status_code",
    "code": "error.type",
    "account": "cloud.account.id",
    "job_id": "reading_room.job.id",
    "kind": "reading_room.job.kind",
    "outcome": "reading_room.job.outcome",
    "attempt": "reading_room.job.attempt",
    "member": "reading_room.container.member",
}
"""OpenTelemetry's names of the fields, and our own where it has none."""


class Sender:
    """Sends what is in the spool at each turn. Logs the first of consecutive failures, and the recovery."""

    def __init__(self, folder: Path, url: str, seconds: float = SEND_SECONDS) -> None:
        """``url`` is the address of the collector, without the path for traces; a request may take ``seconds``."""
        self._folder = folder
        parts = urlsplit(url)
        self._name = f"{parts.scheme}://{parts.netloc}"
        self._sent = Sent()
        self._failing: bool | None = None
        self._answers: list[int] = []
        """The statuses of the answers to the requests for one batch."""
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.hooks["response"].append(self._note)
        self._exporter = OTLPSpanExporter(
            endpoint=f"{url.rstrip('/')}/v1/traces",
            certificate_file=ssl.get_default_verify_paths().cafile,
            headers={},
            timeout=seconds,
            compression=Compression.Gzip,
            session=self._session,
            meter_provider=NoOpMeterProvider(),
        )
        # It would log every failure, and we only the first one.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._maker = _Maker()

    def turn(self) -> None:
        """Send the waiting spans, the oldest first, until there are no more or the collector does not take them."""
        for path in batches(self._folder):
            try:
                spans, bad = read(path)
            except OSError as error:
                log.warning("%s cannot be read and is dropped: %s", path.name, error)
                spans, bad = [], 0
            sent, refused = 0, bad
            for start in range(0, len(spans), AT_ONCE):
                some = spans[start : start + AT_ONCE]
                taken = self._send(some)
                if taken is None:
                    # The whole file is sent again: a collector that gets a span twice recognises it by its id.
                    return
                sent, refused = sent + len(some) * taken, refused + len(some) * (not taken)
            path.unlink(missing_ok=True)
            self._sent = Sent(self._sent.sent + sent, self._sent.refused + refused)
            count(self._folder, self._sent)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _send(self, spans: Sequence[Span]) -> bool | None:
        """Return whether the collector took the spans; ``None`` if it might take them later."""
        self._answers.clear()
        result = self._exporter.export([self._maker.make(span) for span in spans])
        status = self._answers[-1] if self._answers else None
        # The SDK takes a redirect, which it does not follow, for a success.
        if result is SpanExportResult.SUCCESS and status is not None and status < 300:
            if self._failing is not False:
                log.info("spans of traces are sent to %s", self._name)
            self._failing = False
            return True
        later = status is None or status in _LATER
        if not self._failing:
            why = "it does not answer" if status is None else f"its answer is {status}"
            what = "wait" if later else "are dropped"
            log.warning("spans of traces cannot be sent to %s and %s: %s", self._name, what, why)
        self._failing = True
        return None if later else False

    def _note(self, response: requests.Response, *_: Any, **__: Any) -> None:
        self._answers.append(response.status_code)


class _Given(IdGenerator):
    """Gives the SDK the ids that spans have already."""

    trace = span = 0

    def generate_trace_id(self) -> int:
        return self.trace

    def generate_span_id(self) -> int:
        return self.span


class _Ended(SpanProcessor):
    """Keeps the span that ended last."""

    span: ReadableSpan | None = None

    def on_end(self, span: ReadableSpan) -> None:
        self.span = span


class _Maker:
    """Makes the SDK's spans of ours."""

    def __init__(self) -> None:
        self._ids, self._ended = _Given(), _Ended()
        provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource({"service.name": "reading-room", "service.version": VERSION}),
            shutdown_on_exit=False,
            id_generator=self._ids,
            span_limits=SpanLimits(),
            meter_provider=NoOpMeterProvider(),
        )
        provider.add_span_processor(self._ended)
        self._tracer = provider.get_tracer("reading_room", VERSION)

    def make(self, span: Span) -> ReadableSpan:
        """Return the SDK's span."""
        self._ids.trace, self._ids.span = int(span.trace, 16), int(span.span, 16)
        context = set_span_in_context(NonRecordingSpan(_parent(span)))
        is_call = span.what == "call"
        made = self._tracer.start_span(
            f"{span.service}.{span.operation}" if is_call else span.what,
            context=context,
            kind=SpanKind.SERVER if is_call else SpanKind.INTERNAL,
            attributes=dict(_attributes(span)),
            start_time=span.began,
        )
        if span.outcome == "failed" or (span.status or 0) >= 500:
            made.set_status(StatusCode.ERROR)
        made.end(end_time=span.ended)
        assert self._ended.span is not None, "the SDK ends spans at once"
        return self._ended.span


def _parent(span: Span) -> SpanContext:
    if span.parent is None:
        return SpanContext(0, 0, is_remote=False)
    return SpanContext(int(span.trace, 16), int(span.parent, 16), is_remote=True, trace_flags=TraceFlags(1))


def _attributes(span: Span) -> Iterator[tuple[str, str | int]]:
    if span.what == "call":
        yield "rpc.system", "aws-api"
    elif span.what != "job":
        yield "reading_room.job.phase", span.what
    for field, name in _ATTRIBUTES.items():
        value = getattr(span, field)
        if value is not None:
            yield name, value
