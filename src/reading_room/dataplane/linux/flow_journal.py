"""Counts of flows that the server does not have yet, in files that survive a crash of the agent.

Reading the kernel's counters resets them to zero. So every count is first written here, to a segment, and a segment is
deleted when the server has all of it. The folder is in memory beside the pinned namespaces, and disappears with them.
The owners of addresses are kept in the same way, so that the next agent counts the traffic in between for the
interfaces that existed then.
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
"""The fields of a ``flow_counts.Key``, then packets, bytes, start, end and flags."""

MOST_BYTES = 256 << 20
"""The size of all segments together. Beyond it the oldest are deleted, like the oldest events that no server takes."""


class Journal:
    """The segments and places in a folder. Not thread-safe. Every method may raise ``OSError``."""

    def __init__(self, folder: Path, most: int = MOST_BYTES) -> None:
        """Create the folder if it is missing, and begin a new segment. Keep at most ``most`` bytes of all segments."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._most = most
        self._earlier = self._segments()
        self._number = max(self._earlier, default=0) + 1
        self._file = self._open()

    def close(self) -> None:
        """Close the segment and keep its file. Closing twice is allowed."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def earlier(self) -> Iterator[Count]:
        """Yield the counts that earlier processes wrote, without a batch that was cut off."""
        for number in self._earlier:
            with open(self._path(number), "rb") as file:
                while True:
                    try:
                        batch = marshal.load(file)  # nosec B302 # the agent's own private file
                    except (EOFError, ValueError, TypeError):
                        break
                    yield from batch

    def write(self, counts: Sequence[Count]) -> None:
        """Append a batch to the segment, or nothing."""
        data = memoryview(marshal.dumps(list(counts)))
        before = os.fstat(self._file).st_size
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError:
            # What follows half a batch could not be read.
            os.ftruncate(self._file, before)
            raise

    def turn_over(self) -> int:
        """Begin a new segment and return the number of the previous one."""
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
        """Delete the segments up to a number, including those of earlier processes."""
        for number in self._segments():
            if number <= last:
                self._path(number).unlink(missing_ok=True)

    def keep_places(self, vpc_id: str, places: Places) -> None:
        """Write down the owners of addresses in a watched VPC, as far as flow logs need them."""
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
        """Return the places that an earlier process wrote down for a VPC; ``None`` if none watched it."""
        try:
            document = json.loads((self._folder / f"{vpc_id}.places").read_text())
            return Places(
                interfaces=_read(document["interfaces"]),
                devices={int(index): interface for index, interface in _read(document["devices"]).items()},
                silent=frozenset(document["silent"]),
                gateways=_read(document["gateways"]),
                # Agents of earlier versions did not write takers.
                takers={int(mark): interface for mark, interface in _read(document.get("takers", {})).items()},
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def forget_places(self, vpc_id: str) -> None:
        """Forget the places of a VPC that is no longer watched."""
        (self._folder / f"{vpc_id}.places").unlink(missing_ok=True)

    def _segments(self) -> list[int]:
        return sorted(int(path.stem) for path in self._folder.glob("*.counts"))

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.counts"

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        return os.open(self._path(self._number), flags, 0o600)


def _written(interfaces: Mapping[Any, Interface]) -> dict[str, Any]:
    return {str(key): dataclasses.asdict(each) for key, each in interfaces.items() if each.logged}


def _read(written: Mapping[str, Mapping[str, Any]]) -> dict[str, Interface]:
    found = {}
    for key, each in written.items():
        values: dict[str, Any] = dict(each)
        values |= {name: tuple(value) for name, value in each.items() if isinstance(value, list)}
        found[key] = Interface(**values)
    return found
