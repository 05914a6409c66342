"""Where an installation keeps what its server may not touch: a folder of its own, outside the data folder.

The server owns the data folder, so nothing in there may say where root reads and writes. Which folder it is follows
from the data folder's device and inode alone. The agent's socket and the lock are in it as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERVICE, FIRST, COUNT = 60_578, 60_579, 600
"""The ids of root's first installation: nobody has them on Debian and with systemd, and they are among the 65,536 that
container platforms map."""
_FURTHER = range(2_000_300_000, 2_147_000_000, 1_000)
"""Where the ids of each further one begin: above what systemd gives to containers and SSSD to users of a domain, below
what systemd gives to foreign files ("Users, Groups, UIDs and GIDs on systemd Systems"; sssd-ldap(5))."""
RECORD_LIMIT = 65_536


@dataclass(frozen=True, slots=True)
class UserIds:
    """The user ids of an installation of root's: that of its server, and ``count`` from ``first`` on for containers."""

    service: int
    first: int
    count: int

    def overlaps(self, other: UserIds) -> bool:
        """Whether two installations would share one."""
        mine, theirs = self._spans(), other._spans()
        return any(one.start < two.stop and two.start < one.stop for one in mine for two in theirs)

    def _spans(self) -> tuple[range, range]:
        return range(self.service, self.service + 1), range(self.first, self.first + self.count)


ROOT_KEY = "root.key"
"""The file of the installation's root key, for its owner alone, unless the settings name another one."""


@dataclass(frozen=True, slots=True)
class Installation:
    """The folder of one installation, whether it exists or not."""

    folder: Path

    @property
    def agent(self) -> Path:
        """The folder of the agent alone: the holder's record, and those of containers."""
        return self.folder / "agent"

    @property
    def socket(self) -> Path:
        """Where the server finds its agent: in a folder that has nothing else, so that the server can be shown it."""
        return self.folder / "server" / "agent.sock"

    @property
    def lock(self) -> Path:
        """The file whose lock says that somebody works on the data folder."""
        return self.folder / "lock"

    @property
    def root_key(self) -> Path:
        """What unseals the secrets of the data folder."""
        return self.folder / ROOT_KEY

    @property
    def record(self) -> Path:
        """What is written down about the data folder."""
        return self.folder / "installation.json"

    @property
    def ids(self) -> Path:
        """The user ids that it has, where it is root's."""
        return self.folder / "user-ids.json"


def installation(data: Path, state: Path) -> Installation:
    """Return the installation of a data folder. Raises ``OSError`` when there is no such folder."""
    found = data.stat()
    return Installation(state / f"{found.st_dev:x}-{found.st_ino:x}")


def on_any_device(inode: int, state: Path) -> list[Installation]:
    """Return the installations of data folders that have this inode, whatever their device."""
    return [Installation(folder) for folder in sorted(state.glob(f"*-{inode:x}"))]


def recorded_ids(place: Installation) -> UserIds | None:
    """Return the ids that root wrote down for an installation, ``None`` where there is none or it cannot be read.

    A version before wrote down the server's alone; its containers have those of the first installation.
    """
    told = _members(place.ids)
    if told is None and not place.ids.exists():
        record = _members(place.record)
        told = None if record is None else {"service": record.get("owner"), "first": FIRST, "count": COUNT}
    found = [told.get(name) for name in ("service", "first", "count")] if told is not None else []
    numbers = [number for number in found if type(number) is int and 0 < number < 1 << 31]
    return UserIds(*numbers) if len(numbers) == 3 else None


def others(state: Path, own: Installation | None) -> Iterator[tuple[str, UserIds]]:
    """Yield data folder and ids of every other installation in root's folder whose data folder may still be there."""
    for path in sorted(state.glob("*/installation.json")):
        place = Installation(path.parent)
        if own is None or place.folder.name != own.folder.name:
            ids = recorded_ids(place)
            data = _data(place)
            if ids is not None and data is not None:
                yield data, ids


def free_ids(state: Path, own: Installation | None, count: int) -> UserIds | None:
    """Return ids that no other installation has, with ``count`` for containers; ``None`` where there are none left.

    In a container not all are mapped.
    """
    taken = [ids for _, ids in others(state, own)]
    mapped = _mapped()
    for start in (SERVICE, *_FURTHER):
        ids = UserIds(start, start + 1, count)
        if not any(low <= start and start + 1 + count <= high for low, high in mapped):
            continue
        if not any(ids.overlaps(each) for each in taken):
            return ids
    return None


def is_own_service(user: int) -> bool:
    """Whether an id is one that ``free_ids`` gives to servers."""
    return user == SERVICE or user in _FURTHER


def _data(place: Installation) -> str | None:
    """Return the data folder of a record; ``None`` if it was deleted, as far as can be seen: a disk may be away."""
    record = _members(place.record) or {}
    data, device, inode = str(record.get("data", "")), record.get("device"), record.get("inode")
    if not data:
        return None
    near = Path(data)
    try:
        while not near.exists() and near != near.parent:
            near = near.parent
        found = near.stat()
    except OSError:
        return data  # It may not be looked at.
    deleted = found.st_dev == device and (str(near) != data or found.st_ino != inode)
    return None if deleted else data


def _members(path: Path) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(RECORD_LIMIT))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _mapped() -> list[tuple[int, int]]:
    """Return the user ids that there are in this user namespace, as first and one behind the last."""
    lines = Path("/proc/self/uid_map").read_text().splitlines()
    return [(int(first), int(first) + int(count)) for first, _, count in (line.split() for line in lines)]
