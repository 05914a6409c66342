"""The format of log lines: whatever text an outsider puts into one, it stays one line and cannot control a terminal.

Lines are text for people, or with ``READING_ROOM_LOG_FORMAT=json`` one JSON object each (RFC 8259) for programs. Both
escape text with ``printable``.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

import typer

from reading_room.cli.screen import fail, say
from reading_room.printable import escaped
from reading_room.settings import Settings

FIELDS = (
    *("request_id", "service", "operation", "caller", "status", "code", "duration_seconds", "place", "job_id"),
    *("check",),
)
"""The further members that a JSON line may have: what a record's ``extra`` gives under these names."""

log = logging.getLogger(__name__)


def configure_logging(settings: Settings, process: str) -> None:
    """Log to standard error: time, process, level, module, message."""
    handler = logging.StreamHandler()
    if settings.log_format == "json":
        handler.setFormatter(JsonLines(process))
    else:
        handler.setFormatter(LogLines(f"%(asctime)s {process} %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    # What Python would print about exceptions that nobody caught, and its warnings, must be lines like any other.
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda args: _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = _log_ignored
    logging.captureWarnings(True)
    # The SDK's own debug lines hold signatures and tokens.
    for noisy in ("botocore", "boto3", "urllib3", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def teller(settings: Settings) -> Callable[[str], None]:
    """Return what tells the person who started a process something, in the form of its log if that is JSON."""
    return _log_lines if settings.log_format == "json" else say


def failure(settings: Settings, reason: object) -> typer.Exit:
    """Say why a process ends, in the form of its log, and return the exception to raise."""
    if settings.log_format == "json":
        log.critical("%s", reason)
        return typer.Exit(1)
    return fail(str(reason))


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


class JsonLines(logging.Formatter):
    """Formats each record as one JSON object: ``time`` (UTC), ``process``, ``level``, ``logger``, ``message``.

    ``exception`` has a traceback, with escaped lines, and ``FIELDS`` have their own names.
    """

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        members: dict[str, Any] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "process": self._process,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": escaped(record.getMessage()),
        }
        own = record.__dict__
        for name in FIELDS:
            if name in own:
                value = own[name]
                members[name] = escaped(value) if isinstance(value, str) else value
        if record.exc_info:
            members["exception"] = escaped(self.formatException(record.exc_info), keep="\n")
        if record.stack_info:
            members["stack"] = escaped(record.stack_info, keep="\n")
        return json.dumps(members, ensure_ascii=False, default=lambda value: escaped(str(value)))


def _log_lines(text: str) -> None:
    for line in filter(None, map(str.strip, text.splitlines())):
        log.info("%s", line)


def _log_uncaught(kind: type[BaseException], error: BaseException | None, traceback: Any) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    log.critical("an exception ended this thread", exc_info=None if error is None else (kind, error, traceback))


def _log_ignored(args: sys.UnraisableHookArgs) -> None:
    error = args.exc_value
    found = None if error is None else (type(error), error, args.exc_traceback)
    log.error("an exception was ignored: %s", args.err_msg or f"in {args.object!r}", exc_info=found)


def _behind_a_bar(text: str) -> str:
    return "\n".join(f"  | {escaped(line)}" for line in text.splitlines())
