"""An answer of S3 that is an error."""

from __future__ import annotations

from reading_room.analysis.s3.document import BadDocument, read_document
from reading_room.analysis.s3.wire import Answer, whole


class Refusal(Exception):
    """S3 answered with an error.

    ``code`` is the status if the answer has no document. ``reason`` is a member of errors of our own S3; empty if there
    is none. ``later`` says that S3 asks to repeat the request.
    """

    def __init__(self, status: int, code: str, message: str, reason: str = "", *, later: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.reason = reason
        self.later = later


def refusal_of(answer: Answer, content: bytes | None = None) -> Refusal:
    """Return the error that an answer has; ``content`` is its body if it is read already. Raise ``NoAnswer``."""
    later = "retry-after" in answer.headers
    try:
        error = read_document(whole(answer) if content is None else content)
    except BadDocument:
        return Refusal(answer.status, str(answer.status), answer.reason, later=later)
    code = error.text("Code") or str(answer.status)
    return Refusal(answer.status, code, error.text("Message"), error.text("Reason"), later=later)
