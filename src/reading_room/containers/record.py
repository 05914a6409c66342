"""The agent's record of each container, which lets the next agent take the container over.

Each container has a folder for the agent alone, with ``record.json``, ``programs``, ``messages``, ``diagnostics`` and
``exit``.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reading_room.analysis.kind import EngineName
from reading_room.codec import DocumentError, read_file, write_file
from reading_room.containers.spec import Limits

Phase = Literal["waiting", "claimed", "handing", "running"]
"""``waiting`` for a claim; ``claimed`` by a job that is not handed over yet; ``handing`` while the job file is written;
``running`` from then on, even after its exit."""


@dataclass(slots=True)
class Record:
    """One container. It is mutable; ``Folder.write`` saves a change.

    ``started_at`` is in seconds since 1970, and ``handed_at``, when it got its job, in seconds of the monotonic clock:
    the wall clock may be set while it runs. ``user`` is its host user id, ``None`` for the agent's own.
    ``boot`` identifies the boot for which ``pid`` and ``process_started`` are valid.
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
    """Set if the agent ended the container; otherwise the launcher's file has the exit code."""
    control_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Folder:
    """A container's folder."""

    path: Path

    @classmethod
    def create(cls, parent: Path) -> Folder:
        """Create a new, empty folder for the agent alone."""
        path = parent / secrets.token_hex(8)
        path.mkdir(mode=0o700)
        return cls(path)

    @classmethod
    def all(cls, parent: Path) -> Iterator[Folder]:
        """Yield the existing folders."""
        for path in sorted(parent.iterdir()):
            if path.is_dir():
                yield cls(path)

    @property
    def messages(self) -> Path:
        """Return the path of the worker's standard output."""
        return self.path / "messages"

    @property
    def diagnostics(self) -> Path:
        """Return the path of the end of the worker's standard error."""
        return self.path / "diagnostics"

    @property
    def exit(self) -> Path:
        """Return the path of the exit code."""
        return self.path / "exit"

    def write(self, record: Record) -> None:
        """Replace the record atomically."""
        write_file(self.path / "record.json", record)

    def read(self) -> Record | None:
        """Return the record; ``None`` if a crash came before it was written, or if it is unreadable."""
        try:
            return read_file(Record, self.path / "record.json")
        except (FileNotFoundError, DocumentError):
            return None

    def write_programs(self, names: Iterable[str]) -> None:
        """Record which copies of the program the container uses. They are not in the record, whose form is fixed."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        with open(os.open(self.path / "programs", flags, 0o600), "w") as file:
            file.write("\n".join(names))

    def read_programs(self) -> list[str]:
        """Return the names of these copies; a container of an earlier version has none."""
        try:
            return (self.path / "programs").read_text().split()
        except (FileNotFoundError, UnicodeDecodeError):
            return []

    def create_files(self, opened: list[int]) -> tuple[int, int, int]:
        """Return descriptors, open for writing, of the files for messages, diagnostics and exit code.

        They are also added to ``opened``, one by one, so that the caller can close them if one cannot be opened.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        for path in (self.messages, self.diagnostics, self.exit):
            opened.append(os.open(path, flags, 0o600))
        messages, diagnostics, code = opened[-3:]
        return messages, diagnostics, code

    def exit_code(self) -> int | None:
        """Return the exit code that the launcher recorded; ``None`` if it recorded none."""
        try:
            with self.exit.open("rb") as file:
                text = file.read(16)
        except FileNotFoundError:
            return None
        return int(text) if re.fullmatch(rb"[0-9]{1,3}\n", text) else None

    def remove(self) -> None:
        """Delete the folder with everything in it, if it exists."""
        try:
            shutil.rmtree(self.path)
        except FileNotFoundError:
            pass  # Another process removed it first; anything that is left is found at the next start.
