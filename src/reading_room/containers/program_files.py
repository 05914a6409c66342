"""The files of the program in containers, kept as they were when a container was started.

An upgrade replaces the installed files while containers run, and a worker still imports modules and reads weights when
it has its job. So the agent gives containers copies of the package ``analysis`` and of the weights, in its own folder.
A copy consists of hard links where possible, because installers replace files by others of the same name and leave the
old ones unchanged. A copy is deleted at a later start of the agent, once no container of it is left.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

import reading_room
from reading_room.analysis.trained import WEIGHTS, path_of

_log = logging.getLogger(__name__)

FOLDER = "programs"
"""The folder of the copies in the agent's folder."""
_UNFINISHED = ".new-"


def installed_programs() -> list[Path]:
    """Return the installed folders of the program and of the weights, if these are installed."""
    weights = path_of(WEIGHTS)
    return [Path(next(iter(reading_room.__path__))) / "analysis", *([] if weights is None else [weights])]


def keep_program(folder: Path, program: Path, *, linking_only: bool = False) -> Path | None:
    """Return a copy of a program in ``folder``, which is created if missing; an existing copy is used again.

    With ``linking_only``, no file is really copied. Returns ``None`` if there can be no copy; containers then use the
    installed files.
    """
    new = folder / f"{_UNFINISHED}{secrets.token_hex(8)}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for left in folder.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(left)
        place = folder / _state_of(program)
        if not place.is_dir():
            shutil.copytree(program, new, copy_function=os.link if linking_only else _copy)
            new.rename(place)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(new, ignore_errors=True)
        level = logging.INFO if linking_only else logging.WARNING
        reason = f"{error.args[0][0][2]}, and more" if isinstance(error, shutil.Error) else str(error)
        _log.log(level, "there is no copy of %s, so do not replace it while jobs run: %s", program, reason)
        return None
    return place


def forget_programs(folder: Path, needed: Collection[str]) -> None:
    """Delete the copies that no container needs."""
    if folder.is_dir():
        for place in folder.iterdir():
            if place.name not in needed:
                shutil.rmtree(place, ignore_errors=True)


def _copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # Another file system, or files of another user.
        shutil.copy2(source, target)


def _state_of(program: Path) -> str:
    """Return a name for the state of all files of a program."""
    digest = hashlib.sha256(b"1")
    for path in sorted(_files(program)):
        found = path.stat()
        line = f"{path.relative_to(program)}\0{found.st_size}\0{found.st_mtime_ns}\0{found.st_ino}\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()[:32]


def _files(program: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(program):
        yield from (Path(folder, name) for name in names)
