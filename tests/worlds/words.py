"""Messages of workers, read in this process instead of a separate one."""

from __future__ import annotations

from pathlib import Path

from reading_room.containers.messages import WorkerMessages
from reading_room.containers.reader import Said
from reading_room.containers.reader_process import read_said


class Here:
    """Reads as the reader's process does."""

    def read(self, what: bytes, descriptor: int, offset: int) -> Said:
        return read_said(what, descriptor, offset)

    def close(self) -> None:
        pass


def words(folder: Path) -> WorkerMessages:
    """Return what follows the files ``messages`` and ``diagnostics`` of a folder."""
    return WorkerMessages(folder / "messages", folder / "diagnostics", Here())
