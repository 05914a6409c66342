"""Rates that count the calls of every ``serve`` process of a database: each tells the others what it has admitted.

The processes tell each other with notifications, a few milliseconds after the calls. So a burst that arrives at all of
them at once may be admitted beyond the rate, and is then owed.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from reading_room.aws.throttling import Buckets, Rate
from reading_room.database.engine import Database
from reading_room.database.wakeups import MOST_TOLD
from reading_room.reconcile import Loop

log = logging.getLogger(__name__)

SETTLE_SECONDS = 0.02
"""How long calls are gathered before the others are told."""
MOST_ENTRY = 1_000
"""Bytes that one bucket takes in a notification; one with a longer name is not told of."""

_Bucket = tuple[int, Rate, tuple[str, ...]]


class SharedRates:
    """Shares ``buckets`` with the other processes, of which each has the same ones in the same order."""

    def __init__(self, database: Database, buckets: Sequence[Buckets]) -> None:
        self._database = database
        self._buckets = buckets
        self._lock = threading.Lock()
        self._untold: dict[_Bucket, int] = {}
        self.loop = Loop("rates", self.turn, every=60.0, settle=SETTLE_SECONDS)
        for number, each in enumerate(buckets):
            each.taken = partial(self._took, number)
        database.on_told(self._hear)

    def _took(self, number: int, rate: Rate, key: tuple[str, ...], cost: int) -> None:
        with self._lock:
            bucket = (number, rate, key)
            self._untold[bucket] = self._untold.get(bucket, 0) + cost
        self.loop.wake()

    def turn(self) -> None:
        """Tell the others of the calls since the last turn."""
        with self._lock:
            untold, self._untold = self._untold, {}
        texts: list[list[str]] = [[]]
        size = 0
        for (number, rate, key), calls in untold.items():
            entry = json.dumps([number, rate.burst, rate.per_second, key, calls], separators=(",", ":"))
            if len(entry) > MOST_ENTRY:
                continue
            if size + len(entry) + 3 > MOST_TOLD:
                texts.append([])
                size = 0
            texts[-1].append(entry)
            size += len(entry) + 1
        try:
            for entries in filter(None, texts):
                self._database.tell(f"[{','.join(entries)}]")
        except SQLAlchemyError as error:
            log.warning("the other processes could not be told of the calls here: %s", error)

    def _hear(self, text: str) -> None:
        try:
            for number, burst, per_second, key, calls in json.loads(text):
                rate = Rate(float(burst), float(per_second))
                self._buckets[number].charge(rate, tuple(map(str, key)), int(calls))
        except (ValueError, TypeError, IndexError, RecursionError) as error:
            log.warning("what another process told of its calls cannot be read: %s", error)
