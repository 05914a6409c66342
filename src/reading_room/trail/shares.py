"""The daily share of each account in a book, so that no account can fill it and displace others' events."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

from reading_room.clock import Clock

logger = logging.getLogger(__name__)


class Shares:
    """Counts bytes by book and account since the start of the process or of the UTC day. Thread-safe."""

    def __init__(self, clock: Clock, most: int) -> None:
        """``most`` is the most bytes that an account can add to each book per day."""
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._day = dt.date.min
        self._used: Counter[tuple[str, str]] = Counter()

    def count(self, book: str, document: Mapping[str, Any], size: int) -> None:
        """Count an addition to a book for the caller's account, or for the recipient's if the caller is unknown."""
        account = _account_of(document)
        if not account:
            return
        with self._lock:
            today = self._today()
            if today != self._day:
                self._day = today
                self._used.clear()
            before = self._used[book, account]
            self._used[book, account] = before + size
        if before < self._most <= before + size:
            logger.warning(
                "account %s has added %d bytes to the trail's book %s today: its calls are refused until tomorrow "
                "(READING_ROOM_TRAIL_BYTES_PER_ACCOUNT)",
                account,
                before + size,
                book,
            )

    def used_up(self, book: str, account: str) -> bool:
        """Return whether an account's share of a book is used up for today."""
        if self._used[book, account] < self._most:
            return False
        return self._day == self._today()

    def _today(self) -> dt.date:
        return self._clock().astimezone(dt.UTC).date()


def _account_of(document: Mapping[str, Any]) -> str:
    """Return the account of a document: that in an event, or in the ARN of a denial's caller."""
    if "principal" in document:
        return account_in(str(document["principal"]))
    return str(document.get("userIdentity", {}).get("accountId") or document.get("recipientAccountId") or "")


def account_in(arn: str) -> str:
    """Return the account in a caller's ARN, or ""."""
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 else ""
