"""What ends this process is not tried for ever: a note beside the pins says which change of rules is under way.

libnftables ends its process where one of its assertions fails. The kernel's rules stand, and the next agent tries
again; but a change that ends every agent would take all VPCs' changes with it. So after ``ATTEMPTS`` deaths in the
same change its VPC is left as it is, with a problem, until something else is asked for.
"""

from __future__ import annotations

import errno
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ATTEMPTS = 3


class ChangeNotes:
    """Notes of changes under way, one file for each VPC; what is there at the start killed an earlier process."""

    def __init__(self, directory: Path) -> None:
        """Use ``directory``, made if it is missing; it must live as long as the namespaces do."""
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def under_way(self, name: str, transactions: Sequence[str]) -> Iterator[None]:
        """Note a change for the length of the body; raise ``OSError`` (ECANCELED) where it ended too many processes."""
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
        """Forget the note of a VPC that is gone. None is no error."""
        (self._directory / name).unlink(missing_ok=True)

    @staticmethod
    def _read(note: Path) -> tuple[str, int]:
        try:
            change, _, count = note.read_text(encoding="ascii").partition(" ")
            return change, int(count)
        except (FileNotFoundError, ValueError):
            return "", 0
