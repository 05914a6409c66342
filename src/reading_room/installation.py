"""Where an installation keeps what its server may not touch: a folder of its own, outside the data folder.

The server owns the data folder, so nothing in there may say where root reads and writes. Which folder it is follows
from the data folder's device and inode alone. The agent's socket and the lock are in it as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


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
        """Where the server finds its agent."""
        return self.folder / "agent.sock"

    @property
    def lock(self) -> Path:
        """The file whose lock says that somebody works on the data folder."""
        return self.folder / "lock"

    @property
    def record(self) -> Path:
        """What is written down about the data folder."""
        return self.folder / "installation.json"


def installation(data: Path, state: Path) -> Installation:
    """Return the installation of a data folder. Raises ``OSError`` when there is no such folder."""
    found = data.stat()
    return Installation(state / f"{found.st_dev:x}-{found.st_ino:x}")


def on_any_device(inode: int, state: Path) -> list[Installation]:
    """Return the installations of data folders that have this inode, whatever their device."""
    return [Installation(folder) for folder in sorted(state.glob(f"*-{inode:x}"))]
