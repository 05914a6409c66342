"""A worker's messages, as the agent knows them. Neither the worker nor the process that read them is trusted."""

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
"""The number of steps in which all that a worker may write can be read."""


@dataclass(slots=True)
class WorkerMessages:
    """Follows a growing file of messages from where it last stopped, and returns the end of the diagnostics.

    A worker sends ``Ready``, then any number of ``Progress``, then at most one ``Done`` or ``Failed``. ``fault``
    describes output that is not a message, or a message out of order; ``messages`` then ends with a ``Failed`` for it.
    """

    path: Path
    diagnostics_path: Path
    reader: Reader
    messages: list[WorkerMessage] = field(default_factory=list)
    fault: str = ""
    behind: bool = False
    """Whether there is output that could not be read yet."""
    _offset: int = 0

    def read(self) -> tuple[WorkerMessage, ...]:
        """Return every message so far, but only the last of several reports of progress. The file may not exist yet."""
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
        """Return whether the worker has reported that its engine is loaded."""
        return bool(self.read()) and isinstance(self.messages[0], Ready)

    def diagnostics(self) -> str:
        """Return the end of the worker's standard error, escaped."""
        said = self._ask(TAIL, self.diagnostics_path, 0)
        return "" if said is None else escaped(said.text, keep="\n\t").strip()[-TEXT_LIMIT:]

    def _ask(self, what: bytes, path: Path, offset: int) -> Said | None:
        try:
            # Called several times a turn for every container, and most of them have written nothing new.
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
            self._fail("a message came after its last one")
        elif isinstance(message, Ready) != (last is None):
            self._fail("its first message, and no other, must say that it is ready")
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
        said = f"The worker wrote something that is not a worker's message ({self.fault}), so its container was ended."
        self.messages.append(Failed("INTERNAL_ERROR", said))
