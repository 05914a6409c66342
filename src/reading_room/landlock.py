"""Landlock: a process gives up, for good, every file, port and foreign process that it does not name.

The kernel judges by what was opened when the rules were made, so a link that is put somewhere later leads nowhere.
Calls go to the kernel by number (include/uapi/linux/landlock.h); they are the same on every architecture.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_NO_NEW_PRIVS = 38
"""PR_SET_NO_NEW_PRIVS."""
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH, _NET_PORT = 1, 2
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = 1, 2, 4, 8, 16, 32
_MAKE_DIR, _MAKE_REG = 128, 256
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_FILES = ((1, (1 << 13) - 1), (2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV))
"""What is done with files that each version of the kernel's interface learnt to refuse."""
_BIND_TCP, _CONNECT_TCP = 1, 2
_NET_VERSION, _SCOPE_VERSION = 4, 6
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
"""What can be done with something that is no folder."""
_READ = _READ_FILE | _READ_DIR
_WRITE = _READ | _WRITE_FILE | _TRUNCATE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _REFER


@dataclass(frozen=True, slots=True)
class Kept:
    """What a process keeps. Paths that do not exist are left out; each of the others stands for all below it.

    ``run`` may be read and executed. ``write`` may be read, written, made and removed, as files and folders alone: no
    links, devices, sockets or pipes. ``ports`` are TCP ports that may be bound; none can be connected to. ``None``
    leaves TCP as it is.
    """

    read: Sequence[Path] = ()
    run: Sequence[Path] = ()
    write: Sequence[Path] = ()
    ports: Sequence[int] | None = ()


def refuse_new_privileges() -> None:
    """Let nothing that this process starts gain privileges (``no_new_privs``), for good. Raises ``OSError``."""
    if ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the kernel refuses no_new_privs")


def version() -> int:
    """Return the version of the kernel's interface; 0 where the kernel has none, or was started without it."""
    try:
        return _call(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EOPNOTSUPP):
            return 0
        raise


def says() -> str:
    """Say in a few words what this kernel can refuse."""
    found = version()
    what = ["files"] * (found > 0) + ["ports"] * (found >= _NET_VERSION)
    what += ["signals and abstract sockets of others"] * (found >= _SCOPE_VERSION)
    return f"version {found}: {', '.join(what)}" if found else "not in this kernel"


def keep_only(kept: Kept) -> int:
    """Give up everything else, in this thread and all that it will start; return the version in force, 0 for none.

    ``no_new_privs`` has to be set. What is open already stays so. Raises ``OSError`` where the kernel has Landlock and
    refuses the rules: nothing is given up then.
    """
    in_force = version()
    if not in_force:
        return 0
    files = sum(rights for since, rights in _FILES if in_force >= since)
    net = _BIND_TCP | _CONNECT_TCP if kept.ports is not None and in_force >= _NET_VERSION else 0
    scope = _ABSTRACT_SOCKETS | _SIGNALS if in_force >= _SCOPE_VERSION else 0
    # An older kernel wants a shorter structure.
    attributes = struct.pack("=QQQ", files, net, scope)[: 24 if scope else 16 if net else 8]
    rules = _call(_CREATE_RULESET, attributes, len(attributes), 0)
    try:
        for paths, rights in ((kept.read, _READ), (kept.run, _READ | _EXECUTE), (kept.write, _WRITE)):
            for path in paths:
                _allow(rules, path, rights & files)
        for port in (kept.ports or ()) if net else ():
            _call(_ADD_RULE, rules, _NET_PORT, struct.pack("=QQ", _BIND_TCP, port), 0)
        _call(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)
    return in_force


def _allow(rules: int, path: Path, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            rights &= _OF_FILES
        _call(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", rights, opened), 0)
    finally:
        os.close(opened)


def _call(number: int, *arguments: bytes | int | None) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    given = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = int(libc.syscall(ctypes.c_long(number), *given))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return result
