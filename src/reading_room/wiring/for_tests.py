"""What is different in a product for tests: ids that a seed gives, and a clock that tests move.

Both continue when ``serve`` is started again on the same folder: the clock is where it was, and no id is given twice.
"""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass
from pathlib import Path

from reading_room import ids
from reading_room.clock import MovableClock
from reading_room.codec import read_file, write_file
from reading_room.settings import Settings

STANDING_AT = dt.datetime(2040, 1, 1, tzinfo=dt.UTC)
"""Where the clock of a seeded product stands. It lies in the future, so that an SDK, which compares the expiration of
credentials with the machine's clock, does not take them for expired."""
_FILE = "for-tests.json"


@dataclass(frozen=True, slots=True)
class _Kept:
    """How often the product has started on the folder, and how many seconds its clock was moved."""

    starts: int
    moved: float


class KeptClock(MovableClock):
    """A movable clock whose moves are kept in the data folder."""

    def __init__(self, settings: Settings) -> None:
        """Also derive ids from the seed in the settings, if there is one. Raises ``OSError`` and ``DocumentError``."""
        self._keeping = threading.Lock()
        self._path = settings.data / _FILE
        found = _read(self._path)
        self._starts = found.starts + 1
        seeded = bool(settings.testing_seed)
        super().__init__(found.moved, STANDING_AT if seeded else None)
        self._keep(self.moved)
        if seeded:
            ids.seed(f"{settings.testing_seed}\0{self._starts}")

    def move(self, seconds: float) -> dt.datetime:
        """Move it forward and return the new time. Raises ``ValueError`` for a move backward, and ``OSError``."""
        with self._keeping:
            if seconds >= 0:
                self._keep(self.moved + seconds)
            return super().move(seconds)

    def _keep(self, moved: float) -> None:
        write_file(self._path, _Kept(self._starts, moved))


def _read(path: Path) -> _Kept:
    """Return what an earlier start kept. Raises ``OSError``, and ``DocumentError`` for a damaged file."""
    try:
        return read_file(_Kept, path)
    except FileNotFoundError:
        return _Kept(0, 0.0)
