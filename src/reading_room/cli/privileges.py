"""How ``serve`` gives up the privileges that it does not need.

As root it takes its own user id, in a view of the files where it still finds its code. If the agent runs as the same
user, ``serve`` gets its own namespaces. In both cases Landlock leaves it only its files and its ports.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

import reading_room
from reading_room import landlock
from reading_room.agent.errors import PathNotVisible
from reading_room.agent.view import enter_private_mounts, make_traversable
from reading_room.cli import guard, own_namespaces
from reading_room.cli.claiming import no_such_user
from reading_room.cli.folder import StartError
from reading_room.containers import seccomp
from reading_room.containers.calls import AGENT, LINK, SERVE
from reading_room.containers.errors import ProgramMissing
from reading_room.settings import Settings

PR_SET_DUMPABLE = 4
SCRATCH = "scratch"
"""The folder for temporary files, in the data folder."""


def server_code_paths() -> list[Path]:
    """Return the folders that our Python processes read: Python's prefixes and this package."""
    found = {Path(sys.prefix), Path(sys.base_prefix), Path(reading_room.__file__).resolve().parents[1]}
    return sorted(path.resolve() for path in found)


def drop_privileges(settings: Settings, root_key: bytes) -> Callable[[], None]:
    """Become a process that can only use the data folder, the listen addresses and the agent's socket.

    ``root_key`` is for the guard, which stays outside and seals a given certificate. Returns a function that tells
    systemd that ``serve`` is ready, if systemd started it. Raises ``StartError``.
    """
    ready: Callable[[], None] = partial(guard.notifier(), "READY=1")
    given: set[Path] = set()
    if os.geteuid() == 0:
        _take_own_user_id(settings)
    elif settings.installation.folder.stat().st_uid == os.geteuid():
        ready = own_namespaces.enter(
            settings, sorted({*server_code_paths(), Path(sys.prefix), Path(sys.base_prefix)}), root_key
        )
    elif settings.tls_cert:
        # The agent runs as another user, as in a systemd unit, and only this process reads a new certificate.
        files = (Path(settings.tls_cert), Path(settings.tls_key))
        given = {folder for file in files for folder in (file.absolute().parent, file.resolve().parent)}
    refuse_privileges()
    os.umask(0o077)
    _keep_only_its_own(settings, given)
    _filtered(partial(seccomp.only, SERVE))
    return ready


def become_user_of_serve(settings: Settings) -> None:
    """As root, become the user of ``serve`` permanently, to write files that are its own. Raises ``StartError``."""
    if os.geteuid() == 0:
        _take_own_user_id(settings)


def confine_link(settings: Settings, authority: Path, ports: Collection[int]) -> None:
    """Become a process that can only use the agent's socket, and connect to these TCP ports.

    It may write in the folder ``authority``. Raises ``StartError``.
    """
    become_user_of_serve(settings)
    refuse_privileges()
    os.umask(0o077)
    try:
        authority.mkdir(mode=0o700, exist_ok=True)
        landlock.restrict_to(
            landlock.Allowed(
                read=[*own_namespaces.SYSTEM_FILES, Path("/proc/self").resolve()],
                run=[*own_namespaces.SYSTEM_FOLDERS, *server_code_paths()],
                write=[authority, *own_namespaces.DEVICES],
                ports=(),
                remote_ports=sorted(ports),
            )
        )
    except OSError as error:
        raise StartError(f"the link cannot give up its privileges: {error}") from error
    _filtered(partial(seccomp.only, LINK))


def refuse_fatal_calls() -> None:
    """Refuse this process and its children the system calls that serve to attack kernels; namespaces stay allowed.

    No program that they start gains privileges from now on. Raises ``StartError``.
    """
    refuse_privileges()
    _filtered(partial(seccomp.without_fatal, AGENT))


def _filtered(made: Callable[[], Callable[[], None]]) -> None:
    try:
        made()()
    except (ProgramMissing, OSError, RuntimeError) as error:
        raise StartError(f"no system call filter: {error}") from error


def refuse_privileges() -> None:
    """Permanently keep everything that this process starts from gaining privileges. Raises ``StartError``."""
    try:
        landlock.refuse_new_privileges()
    except OSError as error:
        raise StartError(str(error.strerror)) from error


def become_user(user: int, group: int) -> None:
    """As root, become a user with one group permanently. Raises ``OSError``."""
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)


def _take_own_user_id(settings: Settings) -> None:
    """As root, become ``settings.service_uid`` permanently.

    Raises ``StartError`` if that fails, for example in a container that maps too few ids.
    """
    try:
        enter_private_mounts()
        # The agent's socket is in the installation's folder.
        seen = [*server_code_paths(), settings.installation.folder]
        seen += [settings.agent_socket.parent] if settings.agent else []
        make_traversable(seen, writable=settings.written_folders)
        become_user(settings.service_uid, settings.service_uid)
    except (OSError, PathNotVisible) as error:
        raise no_such_user(settings, error) from error


def _keep_only_its_own(settings: Settings, given: Collection[Path]) -> None:
    from reading_room.console.listen_address import console_address
    from reading_room.hosts.listen_addresses import hosts_address, listen_addresses
    from reading_room.metrics.listen_address import metrics_address

    database = own_namespaces.database_address(settings)
    try:
        scratch = settings.data / SCRATCH
        scratch.mkdir(mode=0o700, exist_ok=True)
        # SQLite sorts and vacuums there, as it may write nowhere else. It is loaded later, and then reads this.
        os.environ |= {"TMPDIR": str(scratch), "SQLITE_TMPDIR": str(scratch)}
        ports = [
            listen_address.port
            for listen_address in (
                *listen_addresses(settings),
                console_address(settings),
                metrics_address(settings),
                hosts_address(settings),
            )
            if listen_address is not None
        ]
        # The start of the process, which the metrics have, counts from the start of the machine.
        booted = [Path("/proc/stat")] if settings.metrics_port else []
        landlock.restrict_to(
            landlock.Allowed(
                read=[*own_namespaces.SYSTEM_FILES, Path("/proc/self").resolve(), *booted, *given, *database.files],
                run=[*own_namespaces.SYSTEM_FOLDERS, *server_code_paths()],
                write=[*settings.written_folders, *own_namespaces.DEVICES],
                ports=ports,
                # The database, and the S3 service that has the bytes of objects, if they are elsewhere.
                remote_ports=[*database.ports, *([] if settings.objects_port is None else [settings.objects_port])],
            )
        )
    except OSError as error:
        raise StartError(f"serve cannot give up its privileges: {error}") from error


def keep_out_of_core_dumps() -> None:
    """Prevent core dumps of this process and its children, whose memory holds keys and tokens.

    Children inherit the limit, and it cannot be raised again without privileges. A program to which the kernel pipes
    core dumps is not bound by it, but gets none of a process that is not dumpable. Other processes of the same user
    cannot read such a process either. Raises ``StartError``.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise StartError("the kernel refuses to keep a process out of core dumps")
