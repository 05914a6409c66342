"""The format of log lines: whatever text an outsider puts into one, it stays one line and cannot control a terminal."""

from __future__ import annotations

import logging
from typing import Any

from reading_room.printable import escaped
from reading_room.settings import Settings


def configure_logging(settings: Settings, process: str) -> None:
    """Log to standard error: time, process, level, module, message."""
    handler = logging.StreamHandler()
    handler.setFormatter(LogLines(f"%(asctime)s {process} %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    # The SDK's own debug lines hold signatures and tokens.
    for noisy in ("botocore", "boto3", "urllib3", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class LogLines(logging.Formatter):
    """Formats records. Further lines, such as a traceback, begin with a bar, so that none passes for a record."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # logging's name
        """Return the record's first line."""
        record.message = escaped(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # logging's name
        """Return a traceback."""
        return _behind_a_bar(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # logging's name
        """Return the stack of the call that made the record."""
        return _behind_a_bar(super().formatStack(stack_info))


def _behind_a_bar(text: str) -> str:
    return "\n".join(f"  | {escaped(line)}" for line in text.splitlines())
