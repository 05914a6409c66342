"""``serve`` of an ordinary user, in its own user, mount and pid namespaces.

The agent runs as the same user, and so do that user's shells and editors. In its namespaces ``serve`` sees only the
program, the data folder and the folder of the agent's socket, and no other process.
"""

from __future__ import annotations

import ctypes
import os
import signal
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from reading_room.agent.errors import PathNotVisible
from reading_room.agent.view import enter_private_mounts, make_folders, mount
from reading_room.cli import guard
from reading_room.cli.folder import StartError
from reading_room.cli.options import command
from reading_room.cli.root_key import hand_over
from reading_room.database.address import Address, AddressError, address_of
from reading_room.settings import Settings

SYSTEM_FOLDERS = tuple(Path("/", name) for name in ("usr", "bin", "sbin", "lib", "lib64"))
SYSTEM_FILES = tuple(
    Path("/etc", name)
    for name in (
        *("ld.so.cache", "localtime", "passwd", "group", "nsswitch.conf"),
        *("hosts", "host.conf", "gai.conf", "resolv.conf", "ssl/openssl.cnf"),
    )
)
"""The files in ``/etc`` that the C library and OpenSSL read; none is secret."""
DEVICES = tuple(Path("/dev", name) for name in ("null", "zero", "random", "urandom"))

_NEW_USERS, _NEW_PIDS = 0x10000000, 0x20000000
_MS_BIND, _MS_REC = 4096, 16384
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 2, 4, 8
_READ_ONLY, _NOSUID, _NODEV, _NOEXEC = 1, 2, 4, 8
"""MOUNT_ATTR_* of linux/mount.h."""
_MOUNT_SETATTR, _AT_FDCWD, _RECURSIVE = 442, -100, 0x8000
_DETACH = 2
_PARENT_DEATH = 1
_CAPABILITIES_VERSION = 0x20080522
_BASE = Path("/tmp")  # nosec B108 # mounted over in our own mount namespace
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class _Shown:
    path: Path
    attributes: int


def database_address(settings: Settings) -> Address:
    """Return where ``serve`` finds its database, with no host for a file in the data folder. Raises ``StartError``."""
    try:
        return address_of(settings.database) if settings.database else Address("", (), (), ())
    except AddressError as error:
        raise StartError(str(error)) from error


def enter(settings: Settings, code: list[Path], root_key: bytes) -> Callable[[], None]:
    """Continue as the first process of new namespaces; the calling process becomes the guard and never returns.

    ``code`` are the folders of the program; ``root_key`` is for the guard, which seals the given certificate. Returns a
    function that tells the guard that this process is ready. Raises ``StartError``.
    """
    shown = list(_shown(settings, code))
    ready_read, ready_write = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, guard.FORWARDED)
    user, group = os.geteuid(), os.getegid()
    try:
        _succeed("unshare", _libc.unshare(_NEW_USERS | _NEW_PIDS))
        for name, content in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            Path("/proc/self", name).write_text(content)
    except OSError as error:
        raise _refused(settings, error) from error
    child = os.fork()
    if child:
        key = hand_over(root_key)
        for descriptor in (ready_read, key):
            os.set_inheritable(descriptor, True)
        os.close(ready_write)
        argv = guard.argv(child, ready_read, key, settings.data, settings.tls_cert, settings.tls_key)
        os.execv(argv[0], argv)  # nosec B606 # no shell is needed
    os.close(ready_read)
    # Without a handler, a signal does not end the first process of a pid namespace.
    for number in guard.FORWARDED:
        signal.signal(number, lambda *_: os._exit(0))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, guard.FORWARDED)
    try:
        _succeed("prctl", _libc.prctl(_PARENT_DEATH, signal.SIGKILL, 0, 0, 0))
        os.setsid()
        # Not before the fork: the guard's view of the files must not change.
        enter_private_mounts()
        _show_only(shown)
        _give_up_capabilities()
    except (OSError, PathNotVisible) as error:
        raise _refused(settings, error) from error

    def ready() -> None:
        os.write(ready_write, b"ready\n")

    return ready


def _shown(settings: Settings, code: list[Path]) -> Iterator[_Shown]:
    folders = (path for path in SYSTEM_FOLDERS if not path.is_symlink())
    for path in (*folders, *code, *SYSTEM_FILES, settings.agent_socket.parent):
        yield _Shown(path, _READ_ONLY | _NOSUID | _NODEV)
    for path in database_address(settings).files:
        yield _Shown(path, _READ_ONLY | _NOSUID | _NODEV | _NOEXEC)
    for path in DEVICES:
        yield _Shown(path, _NOSUID | _NOEXEC)
    for path in settings.written_folders:
        yield _Shown(path, _NOSUID | _NODEV | _NOEXEC)
    state = settings.state.resolve()
    for path in (settings.data, *code):
        if state.is_relative_to(path.resolve()):
            raise StartError(
                f"{settings.state} is in {path}, which serve may read: choose another folder with READING_ROOM_STATE"
            )


def _show_only(shown: list[_Shown]) -> None:
    """Make a root that has only these paths, each where it was, and switch to it."""
    with ExitStack() as opened:
        sources = []
        # Opened before anything is mounted over them. A path in another one's folder comes after that folder.
        for each in sorted(shown, key=lambda each: len(each.path.parts)):
            try:
                source = os.open(each.path, os.O_PATH | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            opened.callback(os.close, source)
            sources.append((each, source))
        mount("tmpfs", _BASE, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755,size=1m")
        for path in SYSTEM_FOLDERS:
            if path.is_symlink():
                Path(f"{_BASE}{path}").symlink_to(os.readlink(path))
        for each, source in sources:
            target = Path(f"{_BASE}{each.path}")
            if stat.S_ISDIR(os.fstat(source).st_mode):
                make_folders(target)
            elif not target.exists():
                make_folders(target.parent)
                target.touch()
            mount(f"/proc/self/fd/{source}", target, None, _MS_BIND | _MS_REC, None)
            _restrict(target, each.attributes)
    proc = _BASE / "proc"
    proc.mkdir()
    mount("proc", proc, "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC, None)
    _restrict(_BASE, _READ_ONLY | _NOSUID | _NODEV, recursive=False)
    os.chdir(_BASE)
    # With both at one path, the old root is mounted on top of the new one, and is then unmounted.
    _succeed("pivot_root", _libc.pivot_root(b".", b"."))
    _succeed("umount2", _libc.umount2(b".", _DETACH))
    os.chdir("/")


def _restrict(target: Path, attributes: int, *, recursive: bool = True) -> None:
    wanted = struct.pack("=QQQQ", attributes, 0, 0, 0)
    number, flags = ctypes.c_long(_MOUNT_SETATTR), _RECURSIVE if recursive else 0
    _succeed(
        "mount_setattr",
        _libc.syscall(number, _AT_FDCWD, os.fsencode(target), flags, wanted, ctypes.c_size_t(len(wanted))),
    )


def _give_up_capabilities() -> None:
    header, nothing = struct.pack("=Ii", _CAPABILITIES_VERSION, 0), bytes(24)
    _succeed("capset", _libc.capset(header, nothing))


def _succeed(call: str, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


def _refused(settings: Settings, error: Exception) -> StartError:
    doctor = command(settings, "doctor")
    return StartError(f"serve cannot have its own namespaces ({error}): `{doctor}` says what the kernel lacks")
