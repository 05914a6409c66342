"""The saved open windows, so that a crash loses seconds rather than a minute of flows.

They are in a file beside the database, which is replaced atomically, or in a row if several processes share the
database, because the next leader continues them. They are saved before closed windows are delivered, so a crash in
between causes SKIPDATA records, but never duplicate records.
"""

from __future__ import annotations

import errno
import json
import logging
import os
from dataclasses import astuple
from pathlib import Path
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from reading_room.database.engine import Database
from reading_room.flowlogs.aggregate import FlowSum, KeptWindow
from reading_room.flowlogs.record import FlowKey
from reading_room.flowlogs.tables import OpenWindows

logger = logging.getLogger(__name__)

MOST_FLOWS = 20_000
"""With more open flows than this, saving them is not worthwhile, and none is saved."""
_ONLY = 1


class Keep(Protocol):
    """Where the open windows are saved."""

    def write(self, windows: list[KeptWindow]) -> None:
        """Replace what is saved. Raises ``OSError``."""

    def read(self) -> list[KeptWindow]:
        """Return the windows that the previous process saved; empty if it ended normally."""


class FileKeep:
    """Saves the windows in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, windows: list[KeptWindow]) -> None:
        """Replace the file, or remove it if there is nothing to save, or too much. Raises ``OSError``.

        If the disk is full the file is removed, since what it has may be delivered next, and then again after a crash.
        """
        text = _encoded(windows)
        if text is None:
            self._path.unlink(missing_ok=True)
            return
        new = self._path.with_suffix(".new")
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with open(descriptor, "w") as file:
                file.write(text)
            new.replace(self._path)
        except OSError:
            self._path.unlink(missing_ok=True)
            new.unlink(missing_ok=True)
            raise

    def read(self) -> list[KeptWindow]:
        """Return the windows that the previous process saved; empty if it ended normally."""
        try:
            return _decoded(self._path.read_text(), str(self._path))
        except FileNotFoundError:
            return []


class RowKeep:
    """Saves the windows in a row, for the next leader."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, windows: list[KeptWindow]) -> None:
        """Replace the row, or delete it if there is nothing to save, or too much. Raises ``OSError``."""
        text = _encoded(windows)
        try:
            with self._database.transaction(announced=False) as session:
                row = session.get(OpenWindows, _ONLY)
                if text is not None:
                    session.merge(OpenWindows(one=_ONLY, windows=text))
                elif row is not None:
                    session.delete(row)
        except SQLAlchemyError as error:
            raise OSError(errno.EIO, f"the database does not accept them: {error}") from error

    def read(self) -> list[KeptWindow]:
        """Return the windows that the previous leader saved; empty if it ended normally."""
        with self._database.reading() as session:
            row = session.get(OpenWindows, _ONLY)
            return [] if row is None else _decoded(row.windows, "the row of open windows")


def _encoded(windows: list[KeptWindow]) -> str | None:
    flows = sum(len(window.sums) for window in windows)
    if not flows or flows > MOST_FLOWS:
        return None
    return json.dumps(
        [
            [
                window.flow_log_id,
                window.interface_id,
                window.start,
                [[astuple(key), astuple(each)] for key, each in sums],
            ]
            for window in windows
            if (sums := window.sums)
        ]
    )


def _decoded(text: str, place: str) -> list[KeptWindow]:
    try:
        return [
            KeptWindow(flow_log_id, interface_id, start, [(FlowKey(*key), FlowSum(*each)) for key, each in sums])
            for flow_log_id, interface_id, start, sums in json.loads(text)
        ]
    except (ValueError, TypeError) as error:
        logger.warning("%s cannot be read, so the open flow log windows are lost: %s", place, error)
        return []
