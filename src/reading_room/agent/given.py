"""Reading a file that the server wrote: the server owns the folder, so the name may lead anywhere."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from reading_room.agent.errors import AgentError


class GivenRefused(AgentError):
    """The path does not lead to a plain file of the server."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is not read: {reason}")


def read_given(folder: Path, name: str, owner: int, limit: int) -> bytes:
    """Return the content of ``folder/name``, a path of one or more names, that the server wrote.

    One folder after the other is opened by descriptor, and no link below ``folder`` is followed. The file must be a
    plain one that belongs to ``owner`` (a user id in this namespace) and has at most ``limit`` bytes. Raises
    ``FileNotFoundError``, ``GivenRefused`` and ``OSError``.
    """
    *way, last = Path(name).parts
    current = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for each in way:
            below = os.open(each, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current)
            os.close(current)
            current = below
        # Non-blocking, because it might be a pipe by now.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with open(os.open(last, flags, dir_fd=current), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise GivenRefused(folder / name, "it is not a plain file")
            if found.st_uid != owner:
                raise GivenRefused(folder / name, f"it belongs to user id {found.st_uid}, not {owner}")
            content = file.read(limit + 1)
            if len(content) > limit:
                raise GivenRefused(folder / name, f"it has more than {limit:,} bytes")
            return content
    finally:
        os.close(current)
