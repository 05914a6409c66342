"""The folder of an installation's privileged state, outside the data folder, which its server must not modify.

The server owns the data folder, so nothing in there must decide where root reads and writes. The folder's name depends
only on the data folder's device and inode. The folder also holds the agent's socket and the lock.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERVICE, FIRST, COUNT = 60_578, 60_579, 600
"""The user ids of root's first installation. Debian and systemd do not use them, and they are among the 65,536 that
container platforms map."""
_FURTHER = range(2_000_300_000, 2_147_000_000, 1_000)
"""The first ids of further installations: above the ranges that systemd uses for containers and SSSD for domain users,
below the range of systemd's foreign UIDs ("Users, Groups, UIDs and GIDs on systemd Systems"; sssd-ldap(5))."""
RECORD_LIMIT = 65_536
ROOTS_STATE = Path("/var/lib/reading-room-state")
"""Root's folder for the privileged state of all installations."""
RESTORING = "restoring"
"""The folder in a data folder that has what is being restored from a backup. With it, the product does not start."""

JOINED = "host"
"""The folder in a data folder that has the key and the certificate of a host that has joined an installation."""


@dataclass(frozen=True, slots=True)
class UserIds:
    """The user ids of an installation of root: one for the server, and ``count`` from ``first`` on for containers."""

    service: int
    first: int
    count: int

    def overlaps(self, other: UserIds) -> bool:
        """Return whether two installations share an id."""
        mine, theirs = self._spans(), other._spans()
        return any(one.start < two.stop and two.start < one.stop for one in mine for two in theirs)

    def _spans(self) -> tuple[range, range]:
        return range(self.service, self.service + 1), range(self.first, self.first + self.count)


ROOT_KEY = "root.key"
"""The file with the installation's root key, readable only by its owner, unless the settings name another file."""


@dataclass(frozen=True, slots=True)
class Installation:
    """The folder of one installation, which may not exist."""

    folder: Path

    @property
    def agent(self) -> Path:
        """The agent's own folder: the holder's record, and those of containers."""
        return self.folder / "agent"

    @property
    def socket(self) -> Path:
        """The agent's socket. Its folder has nothing secret, so that the server can be given access to it."""
        return self.folder / "server" / "agent.sock"

    @property
    def lock(self) -> Path:
        """The lock file that protects the data folder."""
        return self.folder / "lock"

    @property
    def root_key(self) -> Path:
        """The file with the key that unseals the secrets of the data folder."""
        return self.folder / ROOT_KEY

    @property
    def record(self) -> Path:
        """The file that describes the data folder."""
        return self.folder / "installation.json"

    @property
    def ids(self) -> Path:
        """The file with the installation's user ids, if it is root's."""
        return self.folder / "user-ids.json"


def installation(data: Path, state: Path) -> Installation:
    """Return the installation of a data folder. Raises ``OSError`` if there is no such folder."""
    found = data.stat()
    return Installation(state / f"{found.st_dev:x}-{found.st_ino:x}")


def on_any_device(inode: int, state: Path) -> list[Installation]:
    """Return the installations of data folders with this inode, on any device."""
    return [Installation(folder) for folder in sorted(state.glob(f"*-{inode:x}"))]


def recorded_ids(place: Installation) -> UserIds | None:
    """Return the ids recorded for an installation of root, or ``None`` if there is no readable record.

    Earlier versions recorded only the server's id; their containers use the ids of the first installation.
    """
    stored = _members(place.ids)
    if stored is None and not place.ids.exists():
        record = _members(place.record)
        stored = None if record is None else {"service": record.get("owner"), "first": FIRST, "count": COUNT}
    found = [stored.get(name) for name in ("service", "first", "count")] if stored is not None else []
    numbers = [number for number in found if type(number) is int and 0 < number < 1 << 31]
    return UserIds(*numbers) if len(numbers) == 3 else None


def others(state: Path, own: Installation | None) -> Iterator[tuple[str, UserIds]]:
    """Yield the data folder and ids of every other installation in root's folder whose data folder may still exist."""
    for path in sorted(state.glob("*/installation.json")):
        place = Installation(path.parent)
        if own is None or place.folder.name != own.folder.name:
            ids = recorded_ids(place)
            data = _data(place)
            if ids is not None and data is not None:
                yield data, ids


def free_ids(state: Path, own: Installation | None, count: int) -> UserIds | None:
    """Return ids that no other installation has, with ``count`` for containers, or ``None`` if there are none left.

    Ids that are not mapped in this user namespace are not used.
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
    """Return whether ``free_ids`` assigns this id to servers."""
    return user == SERVICE or user in _FURTHER


def _data(place: Installation) -> str | None:
    """Return the data folder in a record, or ``None`` if it was certainly deleted; its disk may just be unmounted."""
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
        return data  # No permission to look at it.
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
    """Return the ranges of user ids in this user namespace, each as the first id and one past the last."""
    lines = Path("/proc/self/uid_map").read_text().splitlines()
    return [(int(first), int(first) + int(count)) for first, _, count in (line.split() for line in lines)]


def default_state(data: Path, own: Path) -> Path:
    """Return the default of ``state``: root's folder if root runs the product on the data folder, for any user."""
    try:
        known = installation(data, ROOTS_STATE).record.exists()
    except OSError:
        known = False  # The folder does not exist yet, or cannot be accessed.
    if known or os.geteuid() == 0:
        return ROOTS_STATE
    try:
        return own.expanduser()
    except RuntimeError:
        return ROOTS_STATE  # This user has no home directory.
