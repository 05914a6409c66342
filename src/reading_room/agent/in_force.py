"""A file with what this host has in force, for programs of the machine that is not ours, such as a prolog of Slurm.

A line has the generation of the spec, one says whether the host holds its lease, one has a problem that keeps it from
starting anything, and one each of its living containers. While the agent takes turns, the file's time is renewed.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from pathlib import Path

NAME = "in-force"
"""The file beside the agent's socket, in a folder that only the agent's user writes to, and that others may enter."""
_log = logging.getLogger(__name__)


class InForce:
    """Writes the file. Nobody else needs it, so no turn fails if it cannot be written."""

    def __init__(self, path: Path | None = None) -> None:
        """Without a path nothing is written."""
        self._path = path
        self._written: str | None = None
        self._ended = False

    def tell(self, generation: int, *, leased: bool, problem: str, containers: Collection[str]) -> None:
        """Write the file, or renew its time if it says the same already."""
        if self._path is None:
            return
        self._ended = False
        lines = [f"generation {generation}", f"leased {'yes' if leased else 'no'}"]
        lines += [f"problem {' '.join(problem.split())}"] if problem else []
        lines += [f"container {each}" for each in sorted(containers)]
        text = "".join(f"{line}\n" for line in lines)
        try:
            if text == self._written:
                os.utime(self._path)
                return
            draft = self._path.with_suffix(".new")
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(draft, flags, 0o644), "w") as file:
                os.fchmod(file.fileno(), 0o644)
                file.write(text)
            draft.replace(self._path)
            self._written = text
        except OSError as error:
            if self._written is not None:
                _log.warning("%s cannot be written: %s", self._path, error)
            self._written = None

    def end(self) -> None:
        """Remove the file: nothing is in force any more, or the host shares no VPC with others."""
        if self._path is None or self._ended:
            return
        try:
            self._path.unlink(missing_ok=True)
            self._written, self._ended = None, True
        except OSError as error:
            _log.warning("%s cannot be removed: %s", self._path, error)
