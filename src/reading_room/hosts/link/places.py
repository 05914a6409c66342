"""The addresses of ``serve`` processes that a link knows: the one that it joined at, and those that it learned of."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reading_room.codec import DocumentError, read_file, write_file
from reading_room.hosts.link.documents import parse_place

MOST = 16
"""The most addresses that are kept; the oldest is forgotten first, but never the one that the host joined at."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Kept:
    places: tuple[str, ...]


class Places:
    """The known addresses, ``HOST:PORT``, the most recently used ones first. They are kept in a file."""

    def __init__(self, joined_at: str, file: Path) -> None:
        """Read what was kept. A file that cannot be read counts as empty."""
        self._joined_at = joined_at
        self._file = file
        self._learned: tuple[str, ...] = ()
        try:
            kept = read_file(_Kept, file).places[:MOST]
            for place in kept:
                parse_place(place)
            self._learned = kept
        except FileNotFoundError:
            pass
        except (OSError, DocumentError) as error:
            _log.warning("%s cannot be read, so only the serve at %s is known: %s", file, joined_at, error)

    def all(self) -> Sequence[str]:
        """Return the addresses in the order in which to try them."""
        return list(dict.fromkeys((*self._learned, self._joined_at)))

    def learn(self, places: Iterable[str]) -> None:
        """Put these addresses first, and keep them."""
        learned = tuple(dict.fromkeys((*places, *self._learned)))[:MOST]
        if learned == self._learned:
            return
        self._learned = learned
        try:
            write_file(self._file, _Kept(learned))
        except OSError as error:
            _log.warning("%s cannot be written, so a restart forgets the other serve processes: %s", self._file, error)
