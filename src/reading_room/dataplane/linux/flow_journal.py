"""What was counted of flows and is not yet in the server's hands, in files that outlive a crash of the agent.

Counting takes the numbers out of the kernel: its counters start again at zero. So every count is written down here
before anything else is done, in a segment, and a segment is deleted when the server has all of it. The folder lies in
memory beside the pinned namespaces, and ends with them. Whose address was whose is kept likewise, so that the next
agent counts what went on in between for the interfaces that there were.
"""

from __future__ import annotations

import dataclasses
import json
import marshal
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reading_room.dataplane.rules.flow_places import Places
from reading_room.dataplane.spec import Interface

Count = tuple[Any, ...]
"""A key of ``flow_counts.Key``, then packets, bytes, start, end and flags."""

MOST_BYTES = 256 << 20
"""All segments together; beyond it the oldest go, as the oldest events do where no server takes them."""


class Journal:
    """The segments and places under a folder, which is made. Not thread-safe. Every method may raise ``OSError``."""

    def __init__(self, folder: Path, most: int = MOST_BYTES) -> None:
        """Begin a segment of this process's own after those that are there; ``most`` bytes are kept of all."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._most = most
        self._earlier = self._segments()
        self._number = max(self._earlier, default=0) + 1
        self._file = self._open()

    def close(self) -> None:
        """Close the segment; it stays. Twice is no error."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def earlier(self) -> Iterator[Count]:
        """Yield what processes before this one wrote down; the end of a batch that was cut off is left out."""
        for number in self._earlier:
            with open(self._path(number), "rb") as file:
                while True:
                    try:
                        batch = marshal.load(file)  # nosec B302 # the agent's own private file
                    except (EOFError, ValueError, TypeError):
                        break
                    yield from batch

    def write(self, counts: Sequence[Count]) -> None:
        """Write a batch down."""
        data = memoryview(marshal.dumps(list(counts)))
        while data:
            data = data[os.write(self._file, data) :]

    def turn_over(self) -> int:
        """Begin a new segment; return the number of the last one before it."""
        ended = self._number
        os.close(self._file)
        self._number += 1
        self._file = self._open()
        numbers = self._segments()
        sizes = {number: self._path(number).stat().st_size for number in numbers}
        while sum(sizes.values()) > self._most and len(sizes) > 1:
            oldest = min(sizes)
            del sizes[oldest]
            self._path(oldest).unlink(missing_ok=True)
        return ended

    def forget(self, last: int) -> None:
        """Delete the segments up to a number, those of earlier processes included."""
        for number in self._segments():
            if number <= last:
                self._path(number).unlink(missing_ok=True)

    def keep_places(self, vpc_id: str, places: Places) -> None:
        """Write down whose address is whose in a VPC that is watched, as far as flow logs need it."""
        document = {
            "interfaces": _written(places.interfaces),
            "devices": _written(places.devices),
            "gateways": _written(places.gateways),
            "takers": _written(places.takers),
            "silent": sorted(places.silent),
        }
        new = self._folder / f"{vpc_id}.new"
        new.write_text(json.dumps(document))
        new.replace(self._folder / f"{vpc_id}.places")

    def places(self, vpc_id: str) -> Places | None:
        """Return what an earlier process wrote down of a VPC; ``None`` where none watched it."""
        try:
            document = json.loads((self._folder / f"{vpc_id}.places").read_text())
            return Places(
                interfaces=_read(document["interfaces"]),
                devices={int(index): interface for index, interface in _read(document["devices"]).items()},
                silent=frozenset(document["silent"]),
                gateways=_read(document["gateways"]),
                # An agent of an earlier version knew of none.
                takers={int(mark): interface for mark, interface in _read(document.get("takers", {})).items()},
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def forget_places(self, vpc_id: str) -> None:
        """Forget a VPC that is watched no more."""
        (self._folder / f"{vpc_id}.places").unlink(missing_ok=True)

    def _segments(self) -> list[int]:
        return sorted(int(path.stem) for path in self._folder.glob("*.counts"))

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.counts"

    def _open(self) -> int:
        return os.open(self._path(self._number), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _written(interfaces: Mapping[Any, Interface]) -> dict[str, Any]:
    return {str(key): dataclasses.asdict(each) for key, each in interfaces.items() if each.logged}


def _read(written: Mapping[str, Mapping[str, Any]]) -> dict[str, Interface]:
    found = {}
    for key, each in written.items():
        values: dict[str, Any] = dict(each)
        values |= {name: tuple(value) for name, value in each.items() if isinstance(value, list)}
        found[key] = Interface(**values)
    return found
