"""How a line of the log is written: whatever an outsider chose in it, it stays one line, and steers no terminal."""

from __future__ import annotations

import logging
from typing import Any

from reading_room.printable import escaped


class LogLines(logging.Formatter):
    """Formats records. What follows a record, a traceback, stands behind a bar, so that no line of it can be forged."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # logging's name
        """Return the line without what follows it."""
        record.message = escaped(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # logging's name
        """Return a traceback."""
        return _behind_a_bar(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # logging's name
        """Return where a record was made."""
        return _behind_a_bar(super().formatStack(stack_info))


def _behind_a_bar(text: str) -> str:
    return "\n".join(f"  | {escaped(line)}" for line in text.splitlines())
