"""Where backups are kept: what a folder and an archive have in common.

Both hold the manifest, and each content once, under its SHA-256. So what two backups to one folder have in common is
stored once, a content is never overwritten, and the files of the last complete backup stay in place until the next one
is complete.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from reading_room.backup.copying import Copier
from reading_room.backup.manifest import Manifest, Stored


@dataclass(frozen=True, slots=True)
class Content:
    """Where a content is: ``size`` bytes of a descriptor, from ``start`` on."""

    file: int
    start: int
    size: int


class Target(Protocol):
    """A place that a backup is written to. Nothing of it counts before ``finish`` has returned."""

    previous: Mapping[str, Stored]
    """The files of the backup that is there already."""

    def has(self, stored: Stored) -> bool:
        """Return whether the place has a content of the previous backup."""
        ...

    def add(self, copier: Copier, source: int, size: int) -> bytes:
        """Copy the first ``size`` bytes of a descriptor, and return their digest."""
        ...

    def free(self) -> int:
        """Return the bytes that can still be written there."""
        ...

    def finish(self, lines: Iterable[bytes]) -> None:
        """Write the manifest durably, after everything else. Then delete what it does not name."""
        ...


class Backup(Protocol):
    """A complete backup that is read."""

    manifest: Manifest

    def open(self, path: str, stored: Stored) -> AbstractContextManager[Content]:
        """Open the content of a file. Raises ``DamagedBackup`` naming the file if it is missing or truncated."""
        ...


def content_name(digest: bytes) -> str:
    """Return the name of a content in a backup."""
    text = digest.hex()
    return f"content/{text[:2]}/{text}"
