"""What the agent knows of a worker's words. The worker is not trusted, and neither is the process that read them."""

from __future__ import annotations

import dataclasses
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path

from reading_room.analysis.job_file import TEXT_LIMIT, Done, Failed, Progress, Ready, WorkerMessage
from reading_room.containers.errors import ReaderFailed
from reading_room.containers.reader import MESSAGES, TAIL, Reader, Said
from reading_room.printable import escaped

_log = logging.getLogger(__name__)

READS_AT_ONCE = 40
"""All that a worker may say is read in so many steps."""


@dataclass(slots=True)
class WorkerWords:
    """Follows a growing file of messages from where it stopped the last time, and shows the end of the diagnostics.

    A worker says ``Ready``, then any number of times ``Progress``, then at most once ``Done`` or ``Failed``. ``fault``
    is what it said that is no message or had no place there; then ``messages`` ends with a ``Failed`` that says so.
    """

    path: Path
    diagnostics_path: Path
    reader: Reader
    messages: list[WorkerMessage] = field(default_factory=list)
    fault: str = ""
    behind: bool = False
    """Whether something is there that nobody could read yet."""
    _offset: int = 0

    def read(self) -> tuple[WorkerMessage, ...]:
        """Return every message so far, of several reports of progress only the last. The file may be missing yet."""
        for _ in range(READS_AT_ONCE):
            said = None if self.fault else self._ask(MESSAGES, self.path, self._offset)
            if said is None:
                break
            self._offset += said.taken
            for message in said.messages:
                self._take(message)
            if said.fault:
                self._fail(said.fault)
            if not said.taken:
                break
        return tuple(self.messages)

    def ready(self) -> bool:
        """Return whether the worker has said that its engine is loaded."""
        return bool(self.read()) and isinstance(self.messages[0], Ready)

    def diagnostics(self) -> str:
        """Return the end of the worker's standard error, escaped."""
        said = self._ask(TAIL, self.diagnostics_path, 0)
        return "" if said is None else escaped(said.text, keep="\n\t").strip()[-TEXT_LIMIT:]

    def _ask(self, what: bytes, path: Path, offset: int) -> Said | None:
        try:
            # Asked several times a turn of every container: most have said nothing new.
            if os.stat(path, follow_symlinks=False).st_size <= offset:
                return None
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            said = self.reader.read(what, descriptor, offset)
        except ReaderFailed as error:
            _log.error("%s", error)
            self.behind = True
            return None
        else:
            self.behind = False
            return said
        finally:
            os.close(descriptor)

    def _take(self, message: WorkerMessage) -> None:
        last = self.messages[-1] if self.messages else None
        if isinstance(last, Done | Failed):
            self._fail("it spoke on after its last word")
        elif isinstance(message, Ready) != (last is None):
            self._fail("it did not say once, at first, that it was ready")
        else:
            if isinstance(message, Failed):
                message = dataclasses.replace(message, message=escaped(message.message, keep="\n\t")[:TEXT_LIMIT])
            if isinstance(message, Progress) and isinstance(last, Progress):
                self.messages.pop()
            self.messages.append(message)

    def _fail(self, fault: str) -> None:
        if self.fault:
            return
        self.fault = escaped(fault)[:200]
        said = f"The worker wrote what is no message of a worker ({self.fault}), so its container was ended."
        self.messages.append(Failed("INTERNAL_ERROR", said))
