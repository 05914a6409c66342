"""User ids for a product that root runs in a test, which no other such product on this machine has.

With the same user ids, the end of one product would end the processes of the other.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reading_room.cli.folder import StartError
from reading_room.installation import COUNT, SERVICE, UserIds

_RANGE = range(100_000, 1_100_000, 1_000)
_TRIES = 100


def claim(name: str) -> socket.socket | None:
    """Claim a name among the tests on this machine until the socket is closed; return ``None`` if somebody has it."""
    claimed = socket.socket(socket.AF_UNIX)
    try:
        claimed.bind(f"\0reading-room tests: {name}")
    except OSError:
        claimed.close()
        return None
    return claimed


@contextmanager
def claimed_ids() -> Iterator[UserIds]:
    """Claim user ids for the length of the block. Raises ``StartError`` if there are none left."""
    for service in _candidates():
        if (claimed := claim(f"user ids {service}")) is not None:
            with claimed:
                yield UserIds(service, service + 1, COUNT)
                return
    raise StartError(
        "no user ids are left for another product: set READING_ROOM_SERVICE_UID and READING_ROOM_CONTAINER_UID_FIRST"
    )


def _candidates() -> Sequence[int]:
    """Return the first ids of sets that this user namespace maps."""
    lines = (line.split() for line in Path("/proc/self/uid_map").read_text().splitlines())
    mapped = [range(int(first), int(first) + int(count)) for first, _, count in lines]
    some = [secrets.choice(_RANGE) for _ in range(_TRIES)]
    return [service for service in (*some, SERVICE) if any(service in m and service + COUNT in m for m in mapped)]
