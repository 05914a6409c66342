"""What the agent writes down about each container, so that the next agent can take it over.

A container has a folder of its own, for the agent alone: ``record.json``, ``messages``, ``diagnostics`` and ``exit``.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reading_room.analysis.kind import EngineName
from reading_room.codec import DocumentError, read_file, write_file
from reading_room.containers.spec import Limits

Phase = Literal["waiting", "claimed", "handing", "running"]
"""``waiting`` for a claim; ``claimed`` by a job that is not handed over; ``handing`` while the job file is written;
``running`` from then on, its exit included."""


@dataclass(slots=True)
class Record:
    """One container. Mutable; ``Folder.write`` makes a change last.

    ``started_at`` and ``handed_at`` are seconds since 1970. ``user`` is the host user id it has, ``None`` for the
    agent's own. ``boot`` names the boot in which ``pid`` and ``process_started`` mean something.
    """

    kind: Literal["job", "realtime"]
    engine: EngineName
    limits: Limits
    boot: str
    phase: Phase = "waiting"
    container_id: str = ""
    pid: int = 0
    process_started: int = 0
    user: int | None = None
    started_ahead: bool = False
    started_at: float = 0.0
    handed_at: float = 0.0
    exit_code: int | None = None
    """Set where the agent decided the exit itself; otherwise the launcher's file says it."""
    control_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Folder:
    """A container's folder."""

    path: Path

    @classmethod
    def create(cls, parent: Path) -> Folder:
        """Make a new, empty folder for the agent alone."""
        path = parent / secrets.token_hex(8)
        path.mkdir(mode=0o700)
        return cls(path)

    @classmethod
    def all(cls, parent: Path) -> Iterator[Folder]:
        """Return the folders that exist."""
        for path in sorted(parent.iterdir()):
            if path.is_dir():
                yield cls(path)

    @property
    def messages(self) -> Path:
        """Return the path of what the worker wrote to its standard output."""
        return self.path / "messages"

    @property
    def diagnostics(self) -> Path:
        """Return the path of the end of what the worker wrote to its standard error."""
        return self.path / "diagnostics"

    @property
    def exit(self) -> Path:
        """Return the path of the exit code."""
        return self.path / "exit"

    def write(self, record: Record) -> None:
        """Replace the record in one step."""
        write_file(self.path / "record.json", record)

    def read(self) -> Record | None:
        """Return the record; ``None`` where a crash came before it was written whole, or it is none."""
        try:
            return read_file(Record, self.path / "record.json")
        except (FileNotFoundError, DocumentError):
            return None

    def create_files(self) -> tuple[int, int, int]:
        """Return descriptors, open for writing, of the files of messages, diagnostics and exit code."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        messages, diagnostics, code = (
            os.open(path, flags, 0o600) for path in (self.messages, self.diagnostics, self.exit)
        )
        return messages, diagnostics, code

    def exit_code(self) -> int | None:
        """Return what the launcher recorded; ``None`` when it recorded nothing."""
        try:
            with self.exit.open("rb") as file:
                text = file.read(16)
        except FileNotFoundError:
            return None
        return int(text) if re.fullmatch(rb"[0-9]{1,3}\n", text) else None

    def remove(self) -> None:
        """Delete the folder with everything in it, if it is there."""
        try:
            shutil.rmtree(self.path)
        except FileNotFoundError:
            pass  # Somebody was quicker; what is left of it, if anything, is found at the next start.
