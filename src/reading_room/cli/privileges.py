"""How ``serve`` stops being root: a user id of its own, in a view of the files where it still finds its code."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from pathlib import Path

import reading_room
from reading_room.agent.errors import PathNotVisible
from reading_room.agent.view import enter_private_mounts, make_traversable
from reading_room.cli.claiming import no_such_user
from reading_room.cli.folder import StartError
from reading_room.settings import Settings

PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38


def server_code_paths() -> list[Path]:
    """Return the folders that a Python process of ours reads: its prefixes and this package."""
    found = {Path(sys.prefix), Path(sys.base_prefix), Path(reading_room.__file__).resolve().parents[1]}
    return sorted(path.resolve() for path in found)


def drop_privileges(settings: Settings) -> None:
    """As root, become ``settings.service_uid`` for good; otherwise only give up gaining privileges.

    Raises ``StartError`` when the user id cannot be taken (inside a container that maps too few ids).
    """
    if os.geteuid() == 0:
        try:
            enter_private_mounts()
            # The agent's socket is in the installation's folder.
            place = settings.installation.folder
            make_traversable([*server_code_paths(), place], writable=[settings.data])
            os.setgroups([])
            os.setresgid(settings.service_uid, settings.service_uid, settings.service_uid)
            os.setresuid(settings.service_uid, settings.service_uid, settings.service_uid)
        except (OSError, PathNotVisible) as error:
            raise no_such_user(settings, error) from error
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise StartError("the kernel refuses no_new_privs")
    os.umask(0o077)


def keep_out_of_core_dumps() -> None:
    """Leave no memory behind when this process or one that it starts crashes: keys and tokens are in it.

    The limit holds for children, too, and cannot be raised again without privileges. A program that the kernel pipes
    core dumps to is not bound by it, but gets none of a process that is not dumpable, which no other process of the
    same user may read either. Raises ``StartError``.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise StartError("the kernel refuses to keep a process out of core dumps")
