"""Errors that cross the wire. A package's own ``errors.py`` has one subclass per AWS error code it raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal


class AwsError(Exception):
    """An error in AWS's own words: code, message, HTTP status.

    Subclasses set ``code`` and ``status`` and build their message from typed arguments, so that raise sites hold no
    prose. ``extra`` holds further members of the error structure (S3's ``Key``, a batch item's ``Index``).
    """

    code: ClassVar[str] = "InternalFailure"
    status: ClassVar[int] = 400

    def __init__(self, message: str, extra: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.extra: Mapping[str, str] = dict(extra or {})

    @property
    def sender(self) -> Literal["Sender", "Receiver"]:
        """Whose fault it is, in the query protocol's words."""
        return "Sender" if self.status < 500 else "Receiver"
