"""The writer of the trail's files: items wait in memory briefly, and one thread writes them in batches.

Handing over a record costs the call a few microseconds; the thread turns it into an event. A process that is killed
loses the records of about the last ``Limits.batch_seconds``; a machine that loses power also loses those of the last
``sync_seconds``. The number of waiting items is bounded: if the disk does not keep up, records are lost. They are
counted, logged, and noted in the trail itself as soon as it can be written again.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from reading_room.clock import Clock
from reading_room.database.disk import Floor, free_bytes
from reading_room.full_disk import is_full
from reading_room.trail.books import Book, BookFull
from reading_room.trail.events import as_text, service_event
from reading_room.trail.kept_heads import HeadRecorder, Heads, NoHeads

logger = logging.getLogger(__name__)

_LOG_FULL_EVERY = 60.0
"""Seconds between two log lines about a full book."""

Item = TypeVar("Item")
Count = Callable[[str, Mapping[str, Any], int], None]


def count_nothing(book: str, document: Mapping[str, Any], size: int) -> None:
    """Count no lines."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long items wait to be written, and how many can wait; further items are lost."""

    batch_seconds: float = 0.2
    sync_seconds: float = 1.0
    retry_seconds: float = 1.0
    items: int = 50_000
    bytes: int = 64 << 20
    """Of requests."""
    reserve: int = 1 << 20
    """Bytes of the disk reserved for the records of running calls: with less free, no further call should begin."""


class Journal(Generic[Item]):
    """Accepts items from any thread, converts them with ``documents``, and writes them to books of one file per day.

    ``documents`` yields pairs of a book's name and a document; an item on which it raises is logged and noted as lost.
    No thread is started and no file created before the first item.
    """

    def __init__(
        self,
        folder: Path,
        documents: Callable[[Item], Iterable[tuple[str, dict[str, Any]]]],
        clock: Clock,
        days: int,
        most: int = 1 << 40,
        limits: Limits = Limits(),
        most_of: Mapping[str, int] = MappingProxyType({}),
        heads: Heads = NoHeads(),
        count: Count = count_nothing,
    ) -> None:
        """``days`` is how long files are kept. ``most`` is a book's maximum size in bytes; ``most_of`` overrides it.

        ``heads`` stores the digests of the newest lines. ``count`` is called with each line's book, document and size.
        """
        self._count = count
        self._heads = heads
        self._head_recorder = HeadRecorder(heads, limits.retry_seconds)
        self._noted: dict[str, str] = {}
        self._limits = limits
        self._folder = folder
        self._documents = documents
        self._clock = clock
        self._days = days
        self._most = most
        self._most_of = most_of
        self._lock = threading.Lock()
        self._written = threading.Condition(self._lock)
        self._waiting: deque[tuple[Item, int]] = deque()
        self._bytes = 0
        self._lost = 0
        self._handed = 0
        self._done = 0
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None
        self._ended = False
        self._books: dict[str, Book] = {}
        self._left_out = 0
        self._logged_full_at = -_LOG_FULL_EVERY
        self._fault: str | None = None
        """Why the last attempt to write the files failed."""
        self._full_on: dict[str, dt.date] = {}
        """The days on which books were full."""
        self._reserve = Floor(limits.reserve, lambda: free_bytes(folder))

    def refusal(self, book: str) -> str | None:
        """Return why an item that is handed over now might never be written to a book, or ``None``.

        Takes a microsecond, and checks the file system at most ten times a second.
        """
        if (fault := self._fault or self._head_recorder.fault) is not None:
            return fault
        if self._reserve.reached:
            return "the disk is full"
        if book in self._full_on and self._full_on[book] == self._today():
            return f"its book {book} has reached its size for today"
        if len(self._waiting) >= self._limits.items or self._bytes >= self._limits.bytes:
            return "calls come faster than the disk takes their records"
        return None

    def hand_over(self, item: Item, size: int) -> None:
        """Accept an item of about ``size`` bytes. Never blocks and never raises."""
        with self._lock:
            full = len(self._waiting) >= self._limits.items or self._bytes + size > self._limits.bytes
            if self._ended or full:
                self._lost += 1
                return
            self._waiting.append((item, size))
            self._bytes += size
            self._handed += 1
            if self._thread is None:
                self._thread = self._started()
        if not self._wake.is_set():
            self._wake.set()

    def _started(self) -> threading.Thread | None:
        """Start the thread that writes. Without memory for one, the next item tries again."""
        thread = threading.Thread(target=self._run, name="trail", daemon=True)
        try:
            thread.start()
        except (RuntimeError, MemoryError) as error:
            logger.error("the trail cannot be written yet: %s", error or "there is no memory")
            return None
        return thread

    def flush(self, seconds: float = 5.0) -> bool:
        """Wait until all items handed over before are in the files; return whether they are."""
        with self._lock:
            wanted = self._handed
            if self._done >= wanted:
                return True
        self._hurry.set()
        with self._lock:
            return self._written.wait_for(lambda: self._done >= wanted, seconds)

    def close(self) -> None:
        """Write and sync the waiting items, and accept no more."""
        with self._lock:
            self._ended = True
            thread = self._thread
        self._hurry.set()
        self._wake.set()
        if thread is not None:
            thread.join()
        self._head_recorder.close()

    # The thread.

    def _run(self) -> None:
        limits = self._limits
        texts: dict[str, list[str]] = {}
        taken, synced, dirty = 0, time.monotonic(), False
        while True:
            self._wake.wait(max(0.0, synced + limits.sync_seconds - time.monotonic()) if dirty else None)
            self._hurry.wait(limits.batch_seconds)
            self._hurry.clear()
            self._wake.clear()
            try:
                if not texts:
                    texts, taken = self._take()
                self._write(texts)
                dirty, taken = dirty or taken > 0, self._tell(taken)
                if dirty and (self._ended or time.monotonic() - synced >= limits.sync_seconds):
                    self._head_recorder.offer(self._sync())
                    synced, dirty = time.monotonic(), False
            except Exception as error:
                # Not only the disk: without memory, anything here may fail. Nobody else would write the trail.
                if self._fault is None:
                    why = str(error) or type(error).__name__
                    logger.error("the trail in %s cannot be written and will be retried: %s", self._folder, why)
                self._fault = "the disk is full" if is_full(error) else "its files cannot be written"
                if self._ended:
                    logger.error("lost: %d events of the trail", sum(map(len, texts.values())))
                    return
                time.sleep(limits.retry_seconds)
                self._wake.set()
                continue
            if self._fault is not None:
                logger.warning("the trail in %s is written again", self._folder)
                self._fault = None
            with self._lock:
                if self._waiting:
                    # They came while earlier ones could not be written, and nothing else may come.
                    self._wake.set()
                elif self._ended:
                    break
        for book in self._books.values():
            book.close()

    def _tell(self, taken: int) -> int:
        """Wake the callers that wait for the written items; return the new number of taken items, 0."""
        with self._lock:
            self._done += taken
            self._written.notify_all()
        return 0

    def _sync(self) -> dict[str, str]:
        """Flush the books to the disk; return the heads that have changed since. Raises ``OSError``."""
        heads = {name: book.last for name, book in self._books.items()}
        for book in self._books.values():
            book.sync()
        changed = {name: head for name, head in heads.items() if self._noted.get(name) != head}
        self._noted |= changed
        return changed

    def _take(self) -> tuple[dict[str, list[str]], int]:
        """Return the waiting items as lines of text by book, and the number of items."""
        # Made before anything is taken, since without memory this may fail.
        fresh: deque[tuple[Item, int]] = deque()
        texts: dict[str, list[str]] = {}
        with self._lock:
            items, self._waiting = self._waiting, fresh
            self._bytes = 0
            lost, self._lost = self._lost, 0
        for item, _ in items:
            try:
                for book, document in self._documents(item):
                    text = as_text(document)
                    texts.setdefault(book, []).append(text)
                    self._count(book, document, len(text))
            except Exception:
                logger.exception("an event of the trail could not be created")
                lost += 1
        if lost:
            logger.error("lost: %d events of the trail, which could not be written as fast as calls arrived", lost)
            texts.setdefault("management", []).append(as_text(self._lost_event(lost)))
        return texts, len(items)

    def _lost_event(self, lost: int) -> dict[str, Any]:
        return service_event("EventsLost", self._clock(), {"lost": lost})

    def _write(self, texts: dict[str, list[str]]) -> None:
        """Append lines to their books and remove them from ``texts``. Raises ``OSError``; the rest are unwritten."""
        today = self._today()
        for name in list(texts):
            try:
                self._book(name).append(today, texts[name])
            except BookFull as error:
                self._full_on[name] = today
                self._full(error, len(texts[name]))
            del texts[name]

    def _today(self) -> dt.date:
        return self._clock().astimezone(dt.UTC).date()

    def _book(self, name: str) -> Book:
        if name not in self._books:
            self._books[name] = Book(self._folder, name, self._days, self._most_of.get(name, self._most), self._heads)
        return self._books[name]

    def _full(self, error: BookFull, lost: int) -> None:
        self._left_out += lost
        if time.monotonic() > self._logged_full_at + _LOG_FULL_EVERY:
            logger.error("lost: %d events, as %s", self._left_out, error)
            self._logged_full_at, self._left_out = time.monotonic(), 0
