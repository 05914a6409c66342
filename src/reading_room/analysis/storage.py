"""The interface between a job and the storage of its documents, and the error that ends a job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reading_room.analysis.job_file import Location


class JobFailure(Exception):
    """The job cannot continue. Its owner reads ``code`` and ``message``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class ObjectGone(JobFailure):
    """An object was deleted or replaced after the input was listed."""


@dataclass(frozen=True, slots=True)
class InputObject:
    """An object of the input. ``etag`` is empty if it is unknown.

    ``folder`` is how many characters of the key come before the name that result lines carry. By default that name is
    the last segment of the key.
    """

    key: str
    size: int
    etag: str = ""
    folder: int | None = None

    @property
    def file(self) -> str:
        """The name that result lines carry."""
        return self.key.rsplit("/", 1)[-1] if self.folder is None else self.key[self.folder :]


class Storage(Protocol):
    """A job's input and output. Every method raises ``JobFailure`` if the job cannot continue."""

    def list_input(self, location: Location) -> Iterator[InputObject]:
        """Yield every object whose key begins with the prefix; folder markers are left out."""
        ...

    def read(
        self, bucket: str, key: str, begin: int = 0, end: int | None = None, etag: str = "", *, exact: bool = True
    ) -> Iterator[bytes]:
        """Yield the content of an object in pieces, or its bytes from ``begin`` to before ``end``.

        ``etag`` is that of the listed content, which may be an earlier version by now. Raise ``ObjectGone`` if there is
        no such object, or if it has other content by now and the listed one cannot be read; unless ``exact``, the other
        content is read then.
        """
        ...

    def probe_output(self, location: Location) -> None:
        """Check before any work whether the output can be written, and leave nothing behind."""
        ...

    def write(self, location: Location, path: Path) -> None:
        """Store a file. It becomes visible complete or not at all."""
        ...

    def delete(self, bucket: str, keys: Sequence[str]) -> None:
        """Remove objects that are no longer needed. An object that cannot be removed stays; that is not a failure."""
        ...
