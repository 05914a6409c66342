"""The latest denials by caller, so that a failing job can say which policy decided.

The denials are a ring in memory, which only explains and decides nothing. A restart empties it; the log keeps them all.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass

CALLERS = 1024
PER_CALLER = 8


@dataclass(frozen=True, slots=True)
class Denial:
    """One denied permission: the message for the caller, and the statement or the missing allow behind it."""

    at: dt.datetime
    action: str
    resource: str
    text: str


class Denials:
    """Remembers the latest denials of the latest callers. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callers: OrderedDict[str, deque[Denial]] = OrderedDict()

    def add(self, denial: Denial, *callers: str | None) -> None:
        """Remember a denial under each name of its caller: the access key id and the principal ARN."""
        with self._lock:
            for caller in filter(None, callers):
                self._callers.setdefault(caller, deque(maxlen=PER_CALLER)).append(denial)
                self._callers.move_to_end(caller)
            while len(self._callers) > CALLERS:
                self._callers.popitem(last=False)

    def of(self, caller: str) -> tuple[Denial, ...]:
        """Return the denials of an access key id or principal ARN, oldest first."""
        with self._lock:
            return tuple(self._callers.get(caller, ()))

    def recent_denial(self, caller: str) -> str | None:
        """Describe the latest denial of an access key id or principal ARN, or return ``None``."""
        found = self.of(caller)
        return found[-1].text if found else None
