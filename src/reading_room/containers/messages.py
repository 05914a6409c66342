"""Reading what a worker wrote. The worker is not trusted: lengths are bounded, control characters are shown escaped."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

from reading_room.analysis.job_file import (
    MESSAGE_LIMIT,
    Failed,
    Progress,
    Ready,
    WorkerMessage,
    decode_message,
)

TEXT_LIMIT = 4_096
"""Characters of a failure's message, and of the diagnostics that a report carries."""


def escape_controls(text: str) -> str:
    """Return the text with every character that could steer a terminal or a log written as an escape."""
    return "".join(
        character if character in "\n\t" or character.isprintable() else ascii(character)[1:-1] for character in text
    )


@dataclass(slots=True)
class MessageReader:
    """Reads a growing file of messages, one JSON object a line, from where it stopped the last time.

    Of several reports of progress only the last is kept. Lines that are no messages are counted in ``odd``.
    """

    path: Path
    messages: list[WorkerMessage] = field(default_factory=list)
    odd: int = 0
    _offset: int = 0

    def read(self) -> tuple[WorkerMessage, ...]:
        """Return every message so far. The file may be missing yet."""
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return tuple(self.messages)
        if size > self._offset:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                content = file.read(MESSAGE_LIMIT - self._offset)
            whole = content[: content.rfind(b"\n") + 1]
            self._offset += len(whole)
            for line in whole.splitlines():
                self._take(line)
        return tuple(self.messages)

    def ready(self) -> bool:
        """Return whether the worker has said that its engine is loaded."""
        return any(isinstance(message, Ready) for message in self.read())

    def _take(self, line: bytes) -> None:
        try:
            message = decode_message(line.decode())
        except ValueError:
            self.odd += 1
            return
        if isinstance(message, Failed):
            message = dataclasses.replace(
                message,
                code=escape_controls(message.code)[:128],
                message=escape_controls(message.message)[:TEXT_LIMIT],
            )
        if isinstance(message, Progress) and self.messages and isinstance(self.messages[-1], Progress):
            self.messages.pop()
        self.messages.append(message)


def read_diagnostics(path: Path, odd_lines: int) -> str:
    """Return the end of a worker's standard error, escaped, with a line on what it wrote that was no message."""
    try:
        text = path.read_bytes()[-TEXT_LIMIT:].decode(errors="replace")
    except FileNotFoundError:
        text = ""
    if odd_lines:
        text += f"\n({odd_lines} lines on standard output were no messages and were ignored)"
    return escape_controls(text).strip()
