"""A collector of OpenTelemetry traces that keeps what it gets, and spans as tests compare them."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from reading_room.traces.span import Span
from reading_room.traces.spool import batches, read
from tests.worlds.hook import Hook


@dataclass(frozen=True, slots=True)
class Got:
    """A span that the collector got."""

    trace: str
    span: str
    parent: str
    name: str
    began: int
    ended: int
    failed: bool
    attributes: dict[str, Any]


def got(collector: Hook) -> list[Got]:
    """Return the spans that a collector got, in order."""
    return [span for body in collector.came for span in _spans(body)]


def text_of(collector: Hook) -> bytes:
    """Return everything that a collector got, decompressed."""
    return b"\n".join(map(gzip.decompress, collector.came))


def _spans(body: bytes) -> Iterable[Got]:
    request = ExportTraceServiceRequest.FromString(gzip.decompress(body))
    for resource in request.resource_spans:
        names = {each.key: each.value.string_value for each in resource.resource.attributes}
        assert names["service.name"] == "reading-room"
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Got(
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    span.name,
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    span.status.code == 2,
                    {each.key: each.value.string_value or each.value.int_value for each in span.attributes},
                )


def waiting(folder: Path) -> list[Span]:
    """Return the spans that wait to be sent, in order; every line must be one."""
    found = []
    for path in batches(folder):
        spans, bad = read(path)
        assert bad == 0
        found += spans
    return found
