"""Landlock: a process permanently gives up access to all files, ports and other processes that it does not name.

Rules refer to the files that were opened when the rules were made, so symbolic links that are created later give no
access. System calls are made by number (include/uapi/linux/landlock.h); the numbers are the same on all architectures.
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
"""The file access rights that each version of the kernel's interface added."""
_BIND_TCP, _CONNECT_TCP = 1, 2
_NET_VERSION, _SCOPE_VERSION = 4, 6
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
"""The access rights that apply to files other than folders."""
_READ = _READ_FILE | _READ_DIR
_WRITE = _READ | _WRITE_FILE | _TRUNCATE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _REFER


@dataclass(frozen=True, slots=True)
class Allowed:
    """The access that a process keeps. Missing paths are skipped; each of the others includes all below it.

    ``run`` paths can be read and executed. Below ``write`` paths, files and folders can be read, written, created and
    removed, but no links, devices, sockets or pipes. ``ports`` are the TCP ports that can be bound, and
    ``remote_ports`` those that can be connected to. If ``ports`` is ``None``, TCP is unrestricted.
    """

    read: Sequence[Path] = ()
    run: Sequence[Path] = ()
    write: Sequence[Path] = ()
    ports: Sequence[int] | None = ()
    remote_ports: Sequence[int] = ()


def refuse_new_privileges() -> None:
    """Keep this process and its children from gaining privileges (``no_new_privs``). Raises ``OSError``."""
    if ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the kernel refuses no_new_privs")


def version() -> int:
    """Return the version of the kernel's interface, or 0 if the kernel has no Landlock or it is disabled."""
    try:
        return _call(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EOPNOTSUPP):
            return 0
        raise


def description() -> str:
    """Return a short description of what this kernel can restrict."""
    found = version()
    what = ["files"] * (found > 0) + ["ports"] * (found >= _NET_VERSION)
    what += ["signals and abstract sockets of others"] * (found >= _SCOPE_VERSION)
    return f"version {found}: {', '.join(what)}" if found else "not in this kernel"


def restrict_to(allowed: Allowed) -> int:
    """Give up all other access, in this thread and its children; return the version in force, or 0 without Landlock.

    ``no_new_privs`` must be set. Open files stay open. Raises ``OSError`` if the kernel has Landlock but refuses the
    rules; no access is given up then.
    """
    in_force = version()
    if not in_force:
        return 0
    files = sum(rights for since, rights in _FILES if in_force >= since)
    net = _BIND_TCP | _CONNECT_TCP if allowed.ports is not None and in_force >= _NET_VERSION else 0
    scope = _ABSTRACT_SOCKETS | _SIGNALS if in_force >= _SCOPE_VERSION else 0
    # Older kernels expect a shorter structure.
    attributes = struct.pack("=QQQ", files, net, scope)[: 24 if scope else 16 if net else 8]
    rules = _call(_CREATE_RULESET, attributes, len(attributes), 0)
    try:
        for paths, rights in ((allowed.read, _READ), (allowed.run, _READ | _EXECUTE), (allowed.write, _WRITE)):
            for path in paths:
                _allow(rules, path, rights & files)
        for port in (allowed.ports or ()) if net else ():
            _call(_ADD_RULE, rules, _NET_PORT, struct.pack("=QQ", _BIND_TCP, port), 0)
        for port in allowed.remote_ports if net else ():
            _call(_ADD_RULE, rules, _NET_PORT, struct.pack("=QQ", _CONNECT_TCP, port), 0)
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
