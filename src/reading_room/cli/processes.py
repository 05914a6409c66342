"""``up``, ``serve`` and ``agent``: the commands that are processes."""

from __future__ import annotations

import logging
import os
import resource
import shlex
import shutil
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from reading_room.agent.errors import AgentError
from reading_room.cli.claiming import claim, look
from reading_room.cli.folder import StartError, check_listen_addresses, only_one, take_certificate
from reading_room.cli.log_lines import LogLines
from reading_room.cli.privileges import keep_out_of_core_dumps, refuse_what_only_attackers_call
from reading_room.cli.screen import errors
from reading_room.printable import escaped
from reading_room.settings import SettingError, Settings

WORKING_SECONDS = 3600.0
"""How long a start may take that writes the database anew."""
DataOption = Annotated[
    # Whether it can be used is said by ``prepare_folder``, with what to change.
    Path | None,
    typer.Option("--data", readable=False, help="Folder of the database, the objects and the keys."),
]
PortOption = Annotated[int | None, typer.Option("--port", help="Port of the AWS APIs.")]
HostOption = Annotated[str | None, typer.Option("--host", help="Address of the AWS APIs.")]
ConsolePortOption = Annotated[
    int | None, typer.Option("--console-port", help="Port of the web console; 0 is no console.")
]
TlsPortOption = Annotated[int | None, typer.Option("--tls-port", help="Port of the AWS APIs by HTTPS, on loopback.")]
CertificateOption = Annotated[
    str | None, typer.Option("--tls-cert", help="File of the certificate for HTTPS (PEM); without it our own is made.")
]
KeyOption = Annotated[str | None, typer.Option("--tls-key", help="File of that certificate's key (PEM), mode 0600.")]
DescriptorOption = Annotated[int | None, typer.Option(hidden=True)]


def read_settings(
    data: Path | None = None,
    port: int | None = None,
    host: str | None = None,
    tls_port: int | None = None,
    tls_cert: str | None = None,
    tls_key: str | None = None,
    console_port: int | None = None,
) -> Settings:
    """Read the settings, or end the program with what is wrong with one."""
    try:
        return Settings.from_environment(
            data=data,
            port=port,
            host=host,
            tls_port=tls_port,
            tls_cert=tls_cert,
            tls_key=tls_key,
            console_port=console_port,
        )
    except SettingError as error:
        raise fail(str(error)) from None


def command(settings: Settings, *words: str) -> str:
    """Return a command for a hint, ``reading-room jobs watch JOB``, with the data folder and the port in use.

    What the environment says already is left out: it says so to the next command, too.
    """
    usual = Settings.from_environment()
    given = (
        ("--data", shlex.quote(str(settings.data)) if settings.data != usual.data else ""),
        ("--port", str(settings.port) if settings.port != usual.port and _takes_port(words) else ""),
    )
    return " ".join([_this_program(), *words, *(f"{name} {value}" for name, value in given if value)])


def _this_program() -> str:
    """Return what to type for this program: its name where the shell finds it, else where it is."""
    program = Path(sys.executable).with_name("reading-room")
    if shutil.which(program.name) is not None or not program.exists():
        return program.name
    return os.path.relpath(program) if program.is_relative_to(Path.cwd()) else str(program)


def _takes_port(words: Sequence[str]) -> bool:
    return words[0] in ("up", "serve", "console", "doctor", "jobs")


def print_line(line: str) -> None:
    """Print a line for programs as well as people, by one write: other processes write to the same terminal.

    ``print`` writes the end of a line by itself where Python is told not to buffer, as make tells it.
    """
    print(f"{line}\n", end="", flush=True)


def fail(message: str) -> typer.Exit:
    """Print an error and return the exit that goes with it."""
    # A message quotes names, policies and documents: nothing in it is markup.
    errors.print("[bold red]reading-room:[/] ", end="")
    errors.print(escaped(message, keep="\n"), soft_wrap=True, markup=False)
    return typer.Exit(1)


def configure_logging(settings: Settings, process: str) -> None:
    """Log to standard error: time, process, level, module, message."""
    handler = logging.StreamHandler()
    handler.setFormatter(LogLines(f"%(asctime)s {process} %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    # The SDK's own debug lines hold signatures and tokens.
    for noisy in ("botocore", "boto3", "urllib3", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def say(message: str) -> None:
    """Print a line for the person who started ``up``: never wrapped, so that it can be copied."""
    errors.print(message, soft_wrap=True, markup=False)


def up(
    data: DataOption = None,
    port: PortOption = None,
    host: HostOption = None,
    tls_port: TlsPortOption = None,
    tls_cert: CertificateOption = None,
    tls_key: KeyOption = None,
    console_port: ConsolePortOption = None,
) -> None:
    """Run the product: the APIs, the web console, the agent and the holder, until SIGTERM or Ctrl-C."""
    from reading_room.cli.root_key import given_root_key, read_root_key
    from reading_room.cli.supervisor import Supervisor

    settings = read_settings(data, port, host, tls_port, tls_cert, tls_key, console_port)
    configure_logging(settings, "up")
    keep_out_of_core_dumps()
    try:
        # An ordinary user's holder is given further user ids by a program that gains privileges.
        if os.geteuid() == 0:
            refuse_what_only_attackers_call()
        check_listen_addresses(settings)
        look(settings)
        key = given_root_key(settings)
        with only_one(claim(settings), settings.data) as lock:
            key = key or read_root_key(settings, making=True)
            take_certificate(settings, key)
            code = Supervisor(settings, say, lock, key).run()
    except (StartError, AgentError) as error:
        raise fail(str(error)) from None
    raise typer.Exit(code)


def serve(
    data: DataOption = None,
    port: PortOption = None,
    host: HostOption = None,
    tls_port: TlsPortOption = None,
    tls_cert: CertificateOption = None,
    tls_key: KeyOption = None,
    console_port: ConsolePortOption = None,
    lifeline: DescriptorOption = None,
    ready: DescriptorOption = None,
    root_key: DescriptorOption = None,
) -> None:
    """Run the unprivileged part alone: the AWS APIs, S3, the web console, the database, the controllers."""
    from reading_room.cli.privileges import drop_privileges
    from reading_room.cli.root_key import of_another_key, serves_root_key, source_of

    settings = read_settings(data, port, host, tls_port, tls_cert, tls_key, console_port)
    configure_logging(settings, "serve")
    try:
        check_listen_addresses(settings)
        look(settings)
        # Whoever keeps others from the folder, ``up`` or the holder, may be of an earlier version.
        claim(settings, joining=True)
        key = serves_root_key(settings, root_key)
        take_certificate(settings, key)
        source = source_of(settings)
        tell = drop_privileges(settings, key)
        keep_out_of_core_dumps()
    except StartError as error:
        raise fail(str(error)) from None
    watch_lifeline(lifeline)
    raise_descriptor_limit()

    from reading_room.database.migrate import SchemaError
    from reading_room.database.sealed import WrongRootKey
    from reading_room.sealing import SealBroken, Sealer
    from reading_room.wiring.server import ServerError, run_server

    def working() -> None:
        if ready is not None:
            os.write(ready, b"working\n")

    def announce() -> None:
        tell()
        if ready is not None:
            os.write(ready, b"ready\n")

    try:
        run_server(settings, Sealer(key), working, announce)
    except WrongRootKey as error:
        raise fail(of_another_key(settings, source, error)) from None
    except (ServerError, SchemaError, SealBroken) as error:
        raise fail(str(error)) from None


def agent(
    data: DataOption = None,
    lifeline: DescriptorOption = None,
    prove: Annotated[bool, typer.Option("--prove", help="Only prove enforcement in a scratch VPC.")] = False,
    join: Annotated[
        bool,
        typer.Option("--join", help="Enter a running `holder`; leave its containers running at the end."),
    ] = False,
    leave: Annotated[bool, typer.Option("--leave", hidden=True)] = False,
) -> None:
    """Run the privileged part alone, inside the holder's namespaces: networks and containers."""
    from reading_room.agent.holder import end, recorded
    from reading_room.agent.main import run
    from reading_room.cli.agent_config import agent_config, prove_only, runtime_folder

    settings = read_settings(data)
    configure_logging(settings, "agent")
    keep_out_of_core_dumps()
    try:
        refuse_what_only_attackers_call()
    except StartError as error:
        raise fail(str(error)) from None
    if prove:
        raise typer.Exit(prove_only())
    if join:
        from reading_room.cli import units

        try:
            units.join(settings)
        except StartError as error:
            raise fail(str(error)) from None
    abandoned = watch_lifeline(lifeline)
    raise_descriptor_limit()
    code = run(agent_config(settings, leave=leave))
    if abandoned.is_set():
        # ``up`` would have ended the holder after this process.
        runtime = runtime_folder(settings)
        holder = recorded(runtime)
        if holder is not None:
            end(holder, runtime)
    raise typer.Exit(code)


def raise_descriptor_limit() -> None:
    """Allow this process as many open descriptors as it may have: each connection, socket and namespace is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def watch_lifeline(descriptor: int | None) -> threading.Event:
    """End this process as SIGTERM would when ``up`` is gone: the other end of the pipe closes with it.

    Returns what tells that this happened.
    """
    gone = threading.Event()
    if descriptor is None:
        return gone
    os.set_inheritable(descriptor, False)

    def watch() -> None:
        os.read(descriptor, 1)
        gone.set()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
    return gone
