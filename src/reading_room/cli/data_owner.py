"""Reading the data folder as its owner: its files are the server's, and could lead root anywhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from reading_room.agent.errors import PathNotVisible
from reading_room.agent.view import blocked_ancestor, enter_private_mounts, make_traversable
from reading_room.cli.screen import fail
from reading_room.settings import Settings


def become_owner_of_data(settings: Settings) -> None:
    """As root, become the user who owns the data folder permanently, or end the program.

    Whatever its files lead to, this process then reads nothing that their owner could not read. Nothing changes if root
    owns the folder, or if there is none.
    """
    try:
        owner, group = _owner_of(settings.data)
        if os.geteuid() == 0 and owner:
            # Many of its modules are not needed otherwise.
            from reading_room.cli.privileges import become_user, server_code_paths

            _show_files(settings.data, server_code_paths())
            become_user(owner, group)
    except (OSError, PathNotVisible) as error:
        raise fail(f"{settings.data} cannot be read as its owner: {error}") from None


def as_owner_of_data(settings: Settings, read: Callable[[], bytes]) -> bytes:
    """Return what a function returns: for root, in a child process that becomes the owner of the data folder.

    The child ends the program as it would have ended here. It has printed why.
    """
    if os.geteuid() != 0 or not _owner_of(settings.data)[0]:
        return read()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(settings, read, writing)
    os.close(writing)
    with open(reading, "rb") as answer:
        content = answer.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != 0:
        raise typer.Exit(code)
    return content


def _answer(settings: Settings, read: Callable[[], bytes], writing: int) -> None:
    """Write what the function returns to a pipe, and end this process."""
    code = 1
    try:
        become_owner_of_data(settings)
        with open(writing, "wb") as answer:
            answer.write(read())
        code = 0
    except typer.Exit as end:
        code = end.exit_code or 1
    finally:
        # Nothing that the parent registered for its own end may run here.
        sys.stderr.flush()
        os._exit(code)


def _owner_of(data: Path) -> tuple[int, int]:
    try:
        found = data.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_uid, found.st_gid


def _show_files(data: Path, code: Sequence[Path]) -> None:
    """Let the owner reach the data folder and the files of the program, even in folders of root's own."""
    if any(blocked_ancestor(path) for path in (*code, data)):
        enter_private_mounts()
        make_traversable(code, writable=[data])
