"""Log lines that strangers and joined hosts cause, of which only some are written in a second."""

from __future__ import annotations

import logging
import time

MOST = 10
"""The most lines a second."""


class FewLines:
    """Writes warnings to a log, and leaves out those beyond ``MOST`` a second."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._second = 0
        self._count = 0

    def warn(self, text: str) -> None:
        """Write a line, unless there were too many in this second."""
        second = int(time.monotonic())
        self._count = self._count + 1 if second == self._second else 1
        self._second = second
        if self._count <= MOST:
            self._log.warning("%s", text)
