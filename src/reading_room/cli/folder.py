"""The data folder: who owns it, and who may use it now."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reading_room.containers.processes import start_time
from reading_room.settings import Settings

INHERITED_SECONDS = 15.0
"""How long the children of an ``up`` that was killed may take to end."""


class StartError(Exception):
    """The product cannot start; the message says what is in the way and what to change."""


def prepare_folder(settings: Settings) -> None:
    """Make the data folder (0700). Raises ``StartError`` when it cannot be made or written.

    Nothing in it is touched: it may be that of a product that runs.
    """
    folder = settings.data
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_foreign(folder)
        os.chmod(folder, 0o700)
        probe = folder / f".write-probe-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise _not_writable(folder, error) from error


def _refuse_foreign(folder: Path) -> None:
    """Raise ``StartError`` for a folder that is plainly for something else: it would be closed to everybody else."""
    ours = any((folder / name).exists() for name in ("lock", "db.sqlite"))
    if ours or not any(folder.iterdir()):
        return
    shared = folder.stat().st_mode & (stat.S_ISVTX | stat.S_IWOTH)
    if shared or folder.parent == Path("/") or folder == Path.home():
        raise StartError(
            f"{folder} holds other things and is no data folder: choose a folder of its own with --data, "
            f"for example {folder / 'reading-room'}"
        )


def hand_over(settings: Settings) -> None:
    """As root, give the folder and the server's files to the user that ``serve`` drops to; the agent's stay root's.

    For the one who holds the folder's lock only. Raises ``StartError``.
    """
    if os.geteuid() != 0:
        return
    try:
        _hand_over(settings.data, settings.service_uid)
    except OSError as error:
        if error.errno == errno.EINVAL:  # The kernel's answer for an id that this user namespace does not map.
            raise no_such_user(settings, error) from error
        raise _not_writable(settings.data, error) from error


def no_such_user(settings: Settings, error: Exception) -> StartError:
    """Return the error for a user id that ``serve`` is to drop to and cannot."""
    return StartError(
        f"serve cannot drop to user id {settings.service_uid} ({error}): "
        "set READING_ROOM_SERVICE_UID to one that exists here, or start as an ordinary user"
    )


def _not_writable(folder: Path, error: OSError) -> StartError:
    return StartError(
        f"the data folder {folder} cannot be written ({error.strerror}): "
        "give it to this user, or choose another with --data"
    )


def _hand_over(folder: Path, uid: int) -> None:
    """Give the folder and the server's files to the user of ``serve``; the agent's own stay root's."""
    for parent, folders, files in os.walk(folder):
        os.chown(parent, uid, uid)
        if Path(parent) == folder and "agent" in folders:
            folders.remove("agent")
        for name in files:
            os.chown(Path(parent) / name, uid, uid, follow_symlinks=False)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(pid: str) -> bool:
    return pid.isdigit() and start_time(int(pid)) is not None


@contextmanager
def only_one(folder: Path) -> Iterator[int]:
    """Hold the folder's lock, and yield its descriptor. Raises ``StartError`` when another ``up`` has it.

    The children of ``up`` inherit the descriptor, so one that was killed holds the folder until they have ended, which
    is waited for: never do two agents, or two servers, work on one folder.
    """
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + INHERITED_SECONDS
        while not _locked(descriptor):
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            if _alive(holder) or time.monotonic() > deadline:
                raise StartError(
                    f"the data folder {folder} is in use by process {holder or '(unknown)'}: "
                    "stop that one, or choose another folder with --data"
                )
            time.sleep(0.05)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def check_doors(settings: Settings) -> None:
    """Raise ``StartError`` when APIs or console may not be served as the settings say, or an address is taken."""
    # Only ``up`` looks at the doors; the agent, which has none, then holds no cryptography.
    from reading_room.console.door import OPTION, console_door
    from reading_room.hosts.doors import DoorError, bound, doors, take_in

    try:
        for door in doors(settings):
            bound(door).close()
        if (console := console_door(settings)) is not None:
            bound(console, f"{OPTION}; {OPTION} 0 is no console").close()
        if settings.tls_cert:
            take_in(settings)
    except DoorError as error:
        raise StartError(str(error)) from error
