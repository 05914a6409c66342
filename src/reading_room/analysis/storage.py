"""The seam between a job and where its documents are, and the error that ends a job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reading_room.analysis.job_file import Location


class JobFailure(Exception):
    """The job cannot go on; ``code`` and ``message`` are what its owner reads."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class InputObject:
    """An object that belongs to the input. ``etag`` is empty where nobody told it.

    ``folder`` is how many characters of the key come before the name that result lines carry; without it that is the
    last segment of the key.
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
    """A job's input and output. Every method raises ``JobFailure`` when the job cannot go on."""

    def list_input(self, location: Location) -> Iterator[InputObject]:
        """Yield every object whose key begins with the prefix; folder markers are left out."""
        ...

    def read(self, bucket: str, key: str, begin: int = 0, end: int | None = None, etag: str = "") -> Iterator[bytes]:
        """Yield the content of an object in pieces, or its bytes from ``begin`` to before ``end``.

        With an ``etag``, an object that has another one by now is not read.
        """
        ...

    def probe_output(self, location: Location) -> None:
        """Find out before any work whether the output may be written, leaving nothing."""
        ...

    def write(self, location: Location, path: Path) -> None:
        """Store a file whole: it is visible complete or not at all."""
        ...

    def delete(self, bucket: str, keys: Sequence[str]) -> None:
        """Remove objects that nobody needs any more. What cannot be removed stays, and is no failure."""
        ...
