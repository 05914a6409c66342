"""The commands for running the product's processes as separate systemd units: ``holder`` and ``root-key``.

There is no ``up`` then. The holder's unit owns the namespaces and the control groups of the containers;
``agent --join`` and ``serve`` are units beside it, which may be restarted while jobs run. ``root-key`` reads a key for
``serve`` that only root may read, and ends.
"""

from __future__ import annotations

import os
import secrets
import select
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

import reading_room
from reading_room.agent import holder as holders
from reading_room.agent.errors import AgentError
from reading_room.cli.agent_config import runtime_folder
from reading_room.cli.claiming import check_folder, claim, join_installation
from reading_room.cli.folder import StartError, only_one
from reading_room.cli.guard import notify
from reading_room.cli.holder_starter import running_holder
from reading_room.cli.log_lines import configure_logging, failure
from reading_room.cli.options import DataOption, command, read_settings
from reading_room.cli.privileges import keep_out_of_core_dumps, refuse_fatal_calls
from reading_room.cli.root_key import read_root_key, source_of
from reading_room.cli.screen import fail, say
from reading_room.cli.slirp import PROGRAM, Slirp
from reading_room.containers.limits import delegate_controllers
from reading_room.settings import Settings

JOIN_SECONDS = 30.0
"""How long an agent waits for a holder to join."""


def holder(data: DataOption = None) -> None:
    """Own the namespaces and the containers until SIGTERM, for systemd; `agent --join` and `serve` run beside it."""
    settings = read_settings(data)
    configure_logging(settings, "holder")
    keep_out_of_core_dumps()
    try:
        if os.geteuid() == 0:
            refuse_fatal_calls()
        check_folder(settings)
        with only_one(claim(settings), settings.data):
            _hold(settings)
    except (StartError, AgentError) as error:
        raise failure(settings, error) from None


def _hold(settings: Settings) -> None:
    stop_read, stop_write = os.pipe()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os.write(stop_write, b"."))
    slirp = Slirp(stop_read) if settings.uplink == PROGRAM else None
    delegate_controllers()
    runtime = runtime_folder(settings)
    running = running_holder(settings)
    try:
        # Not before here: an ordinary user's holder gets further user ids from a program that gains privileges.
        if os.geteuid() != 0:
            refuse_fatal_calls()
        notify("READY=1")
        while not select.select([stop_read], [], [], 0.2)[0]:
            if not holders.alive(running):
                raise StartError("the process that holds the namespaces has ended: everything has to start over")
            if slirp is not None:
                slirp.tend(running)
    finally:
        if slirp is not None:
            slirp.end()
        holders.end(running, runtime)


def join(settings: Settings, seconds: float = JOIN_SECONDS) -> None:
    """Become an agent inside the namespaces of the running holder. At its end it leaves the containers running.

    Raises ``StartError`` if there is no holder within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while (running := _recorded_holder(settings)) is None or not holders.alive(running):
        if time.monotonic() > deadline:
            start = command(settings, "holder")
            raise StartError(f"no holder runs on {settings.data}: start `{start}` first, or use `up`")
        time.sleep(0.1)
    # The holder, which runs this module too, does without what that loads.
    from reading_room.hosts.joining.errors import JoinError
    from reading_room.hosts.joining.host_folder import HostFolder

    _check_program(running)
    try:
        joined = HostFolder.of(settings.data).joined()
    except JoinError as error:
        raise StartError(str(error)) from error
    argv = holders.enter_argv(
        running, [sys.executable, "-m", "reading_room", "agent", "--leave", "--data", str(settings.data)]
    )
    os.environ["READING_ROOM_STATE"] = str(settings.state)  # Inside, an ordinary user is root.
    if joined is not None:
        os.environ["READING_ROOM_REGION"] = joined.region  # Containers of a job see the same region on every host.
    os.execv(argv[0], argv)  # nosec B606 # no shell is needed


def _check_program(running: holders.Holder) -> None:
    """Raise ``StartError`` if the program is not the one that can be seen in the holder's namespaces.

    In a folder that only its owner may enter, agents show nothing but what they need (``agent/view.py``). If that is
    replaced or moved, the holder still shows the old folders.
    """
    for path in (Path(sys.prefix), Path(next(iter(reading_room.__path__)))):
        try:
            seen: os.stat_result | None = Path(f"/proc/{running.pid}/root{path.resolve()}").stat()
        except OSError:
            seen = None
        if seen is None or not os.path.samestat(seen, path.stat()):
            raise StartError(
                f"the running holder does not see {path}, which was put there after the holder's start, in a folder "
                "that only its owner may enter: restart the holder, which ends jobs that run, or install in a folder "
                "that everybody may enter"
            )


def _recorded_holder(settings: Settings) -> holders.Holder | None:
    """Return the recorded holder, which may be of an earlier version."""
    place = join_installation(settings)
    return None if place is None else holders.recorded(place.agent)


def root_key(
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Also write the key to this file (0600), for LoadCredential= of systemd."),
    ] = None,
    data: DataOption = None,
) -> None:
    """Show where the root key is, which unseals the secrets in the data folder; create it if there is none."""
    from reading_room.sealing import Sealer

    settings = read_settings(data)
    try:
        check_folder(settings)
        if not (settings.data.is_dir() and settings.installation.record.exists()):
            raise StartError(f"{settings.data} is not a data folder yet: start the product first")
        key = read_root_key(settings, making=True)
        if to is not None:
            _write(to, key)
    except StartError as error:
        raise fail(str(error)) from None
    except OSError as error:
        raise fail(f"{to} cannot be written: {error.strerror}") from None
    say(f"root key {Sealer(key).key_id.hex()}: {source_of(settings)}")
    say(f"Keep a copy of it somewhere other than {settings.data}: without it, no access key in there can be used.")


def _write(path: Path, key: bytes) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(f"{key.hex()}\n".encode())
    draft.replace(path)
