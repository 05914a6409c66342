"""A cache of values that requests need often, read from the database and valid until one of its tables is written."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from reading_room.database.base import Base
from reading_room.database.engine import Database

Key = TypeVar("Key")
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """A cache of values by key, cleared after each commit that writes one of its tables. Thread-safe."""

    def __init__(self, database: Database, *tables: type[Base]) -> None:
        self._tables = frozenset(table.__tablename__ for table in tables)
        self._lock = threading.Lock()
        self._generation = 0
        self._values: dict[Key, Value] = {}
        database.on_commit(self._committed)

    def get(self, key: Key, read: Callable[[Key], Value | None]) -> Value | None:
        """Return the value of a key, calling ``read`` if it is not cached.

        ``None`` means that there is no value. It is not cached, since unknown keys could fill the memory.
        """
        # Looking into a dictionary needs no lock.
        kept = self._values.get(key)
        if kept is not None:
            return kept
        with self._lock:
            generation = self._generation
        found = read(key)
        if found is not None:
            with self._lock:
                # If a commit came in between, the value may be outdated.
                if self._generation == generation:
                    self._values[key] = found
        return found

    def peek(self, key: Key) -> Value | None:
        """Return the value of a key if it is cached. Never blocks."""
        with self._lock:
            return self._values.get(key)

    def _committed(self, tables: frozenset[str]) -> None:
        if tables & self._tables:
            with self._lock:
                self._generation += 1
                self._values.clear()
