"""Trace contexts: the ids by which the spans of one trace belong together (W3C Trace Context).

The trace of an API call has the id of the request, without its hyphens. The ids of its spans are derived from that id
and from what each span is about. So every process knows them, and knows the same ones after a restart.
"""

from __future__ import annotations

import hashlib
import re

FORM = "00-[0-9a-f]{32}-[0-9a-f]{16}-01"
"""The form of the header ``traceparent`` as it is sent here; its last part means that the trace is recorded."""
CALL, JOB = "call", "job"
"""What the first two spans of a trace are about: the API call that began it, and the job that the call started."""
_PARTS = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-01")
_RANDOM_BITS = 56
"""Bits at the end of a trace's id that are random in every kind of id (W3C Trace Context, level 2)."""


def trace_of(request_id: str) -> str:
    """Return the id of the trace that a request begins: 32 hexadecimal digits."""
    return request_id.replace("-", "")


def request_of(trace: str) -> str:
    """Return the id of the request that began a trace."""
    return "-".join((trace[:8], trace[8:12], trace[12:16], trace[16:20], trace[20:]))


def span_of(trace: str, about: str) -> str:
    """Return the id of the span of a trace about something: 16 hexadecimal digits."""
    return hashlib.sha256(f"{trace} {about}".encode()).hexdigest()[:16]


def traceparent(trace: str, about: str) -> str:
    """Return the value of the header ``traceparent`` in requests that belong to a span."""
    return f"00-{trace}-{span_of(trace, about)}-01"


def read_traceparent(text: str) -> tuple[str, str] | None:
    """Return the ids of trace and span in a ``traceparent``, or ``None`` for any text that is not of ``FORM``."""
    found = _PARTS.fullmatch(text)
    return None if found is None else (found[1], found[2])


def is_sampled(trace: str, share: float) -> bool:
    """Say whether a trace is among the ``share`` of all traces that are recorded, from 0 to 1."""
    return int(trace[-_RANDOM_BITS // 4 :], 16) < share * (1 << _RANDOM_BITS)
