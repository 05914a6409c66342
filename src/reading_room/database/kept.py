"""What requests need again and again, read once from the database and kept in memory until a table of it is written."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from reading_room.database.base import Base
from reading_room.database.engine import Database

Key = TypeVar("Key")
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """Values by key, all forgotten after each commit that wrote to one of some tables. Thread-safe."""

    def __init__(self, database: Database, *tables: type[Base]) -> None:
        self._tables = frozenset(table.__tablename__ for table in tables)
        self._lock = threading.Lock()
        self._generation = 0
        self._values: dict[Key, Value] = {}
        database.on_commit(self._committed)

    def get(self, key: Key, read: Callable[[Key], Value | None]) -> Value | None:
        """Return the value of a key, by ``read`` where none is kept.

        ``None`` is what there is not, and is not kept: strangers could fill the memory with keys of nothing.
        """
        with self._lock:
            kept, generation = self._values.get(key), self._generation
        if kept is not None:
            return kept
        found = read(key)
        if found is not None:
            with self._lock:
                # What was read before a commit that came between may be old.
                if self._generation == generation:
                    self._values[key] = found
        return found

    def peek(self, key: Key) -> Value | None:
        """Return the value of a key if it is kept. Never waits."""
        with self._lock:
            return self._values.get(key)

    def _committed(self, tables: frozenset[str]) -> None:
        if tables & self._tables:
            with self._lock:
                self._generation += 1
                self._values.clear()
