"""A span, as ``serve`` writes it and the process that sends it reads it: ids, times, and words from closed lists.

It has no field for a key, a name or a text, and the sender refuses a field that does not have the form of its kind. So
neither a fault in ``serve`` nor a name that a client chose puts a document into a trace.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from reading_room.codec import INTEGER_LIMIT, DocumentError

What = Literal["call", "job", "queued", "preparing", "running", "stopping", "finishing", "agent", "container"]
"""What a span is about: a call, a job, a phase of a job, the agent's start of a container, or the container's work."""
Outcome = Literal["completed", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class Span:
    """A span. ``began`` and ``ended`` are nanoseconds since 1970; a field that does not apply is ``None``."""

    trace: str
    span: str
    parent: str | None
    what: What
    began: int
    ended: int
    request_id: str | None = None
    account: str | None = None
    service: str | None = None
    operation: str | None = None
    status: int | None = None
    """The HTTP status of a call."""
    code: str | None = None
    """The error of a call, or the failure of a job."""
    job_id: str | None = None
    kind: str | None = None
    """The kind of a job, as in its ARN."""
    outcome: Outcome | None = None
    attempt: int | None = None
    member: int | None = None
    """The number of a container among those of its attempt."""


_FORMS = {
    name: re.compile(form)
    for name, form in {
        "trace": "(?!0{32})[0-9a-f]{32}",
        "span": "(?!0{16})[0-9a-f]{16}",
        "parent": "(?!0{16})[0-9a-f]{16}",
        "request_id": "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "account": "[0-9]{12}",
        "service": "[a-z0-9-]{1,32}",
        "operation": "[A-Za-z0-9]{1,80}",
        "code": "[A-Za-z0-9._]{1,80}",
        "job_id": "[0-9a-f]{32}",
        "kind": "[a-z-]{1,60}",
    }.items()
}
_MOST = {"began": INTEGER_LIMIT - 1, "ended": INTEGER_LIMIT - 1, "status": 999, "attempt": 99, "member": 99}


def fits(name: str, text: str) -> bool:
    """Return whether a text has the form of a field."""
    return _FORMS[name].fullmatch(text) is not None


def check(span: Span) -> Span:
    """Return the span. Raises ``DocumentError`` for a field that does not have its form."""
    for name in _FORMS:
        text = getattr(span, name)
        if text is not None and not fits(name, text):
            raise DocumentError(f"the field {name} of a span is malformed")
    for name, most in _MOST.items():
        number = getattr(span, name)
        if number is not None and not 0 <= number <= most:
            raise DocumentError(f"the field {name} of a span is not a number from 0 to {most}")
    if span.ended < span.began:
        raise DocumentError("a span ends before it begins")
    return span
