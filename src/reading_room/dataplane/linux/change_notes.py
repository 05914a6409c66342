"""Notes beside the pins that say which change of rules is under way, so that a deadly change is not tried for ever.

libnftables ends its process when one of its assertions fails. The kernel's rules stay in force, and the next agent
tries again. But a change that ends every agent would also block the changes of all other VPCs. So after ``ATTEMPTS``
deaths in the same change, its VPC is left as it is and reported as a problem until a different change is wanted.
"""

from __future__ import annotations

import errno
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ATTEMPTS = 3


class ChangeNotes:
    """Notes of changes under way, one file per VPC. A note that exists at the start killed an earlier process."""

    def __init__(self, directory: Path) -> None:
        """Use ``directory``, and create it if it is missing. It must exist as long as the namespaces do."""
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def under_way(self, name: str, transactions: Sequence[str]) -> Iterator[None]:
        """Note a change while the body runs; raise ``OSError`` (ECANCELED) if it has ended too many processes."""
        note = self._directory / name
        change = f"{zlib.crc32(''.join(transactions).encode()):08x}"
        before = self._read(note)
        deaths = before[1] if before[0] == change else 0
        if deaths >= ATTEMPTS:
            message = f"the change of the firewall rules of {name} ended {deaths} processes and is not tried again"
            raise OSError(errno.ECANCELED, f"{message}: ask for something else, or report it with the agent's log")
        note.write_text(f"{change} {deaths + 1}", encoding="ascii")
        try:
            yield
        finally:
            note.unlink(missing_ok=True)

    def forget(self, name: str) -> None:
        """Delete the note of a VPC that is gone, if there is one."""
        (self._directory / name).unlink(missing_ok=True)

    @staticmethod
    def _read(note: Path) -> tuple[str, int]:
        try:
            change, _, count = note.read_text(encoding="ascii").partition(" ")
            return change, int(count)
        except (FileNotFoundError, ValueError):
            return "", 0
