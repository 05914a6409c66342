"""Spans that ``serve`` wrote for the process that sends them, and the header by which workers name a parent."""

from __future__ import annotations

import re

from reading_room.codec import encode
from reading_room.trace_context import FORM, read_traceparent
from reading_room.traces.spool import read_lines

WORDS = re.compile(rb"[A-Za-z0-9._ -]*")


def trace_spans(data: bytes) -> None:
    """Lines of spans: the same when written and read again, and of short words only. And a ``traceparent``."""
    spans, bad = read_lines(data)
    assert len(spans) + bad <= len(data.splitlines()) + 1
    written = b"\n".join(map(encode, spans))
    assert read_lines(written) == (spans, 0)
    for span in spans:
        for text in (span.operation, span.service, span.code, span.kind):
            assert text is None or (len(text) <= 80 and WORDS.fullmatch(text.encode()))
    text = data.decode("latin-1")
    assert (read_traceparent(text) is not None) == bool(re.fullmatch(FORM, text))
