"""``up``, ``serve`` and ``agent``: the commands that run the product's processes."""

from __future__ import annotations

import gc
import os
import resource
from typing import Annotated

import typer

from reading_room.agent.errors import AgentError
from reading_room.cli.claiming import check_folder, claim, refuse_joined
from reading_room.cli.folder import StartError, check_listen_addresses, only_one, take_certificate
from reading_room.cli.lifeline import watch_lifeline
from reading_room.cli.log_lines import configure_logging, failure, teller
from reading_room.cli.options import (
    CertificateOption,
    ConsolePortOption,
    DataOption,
    DescriptorOption,
    HostOption,
    KeyOption,
    PortOption,
    ReadyFileOption,
    TlsPortOption,
    UpPortOption,
    read_settings,
)
from reading_room.cli.privileges import keep_out_of_core_dumps, refuse_fatal_calls


def up(
    data: DataOption = None,
    port: UpPortOption = None,
    host: HostOption = None,
    tls_port: TlsPortOption = None,
    tls_cert: CertificateOption = None,
    tls_key: KeyOption = None,
    console_port: ConsolePortOption = None,
    ready_file: ReadyFileOption = None,
    lifeline: DescriptorOption = None,
) -> None:
    """Run the product: the APIs, the web console, the agent and the holder, until SIGTERM or Ctrl-C."""
    from reading_room.cli.free_ports import chosen_ports
    from reading_room.cli.holder_starter import HolderStarter
    from reading_room.cli.ready_file import ReadyFile
    from reading_room.cli.root_key import given_root_key, read_root_key
    from reading_room.cli.supervisor import Supervisor

    settings = read_settings(data, port, host, tls_port, tls_cert, tls_key, console_port)
    configure_logging(settings, "up")
    keep_out_of_core_dumps()
    try:
        # An ordinary user's holder gets further user ids from a program that gains privileges.
        starter = None if os.geteuid() == 0 else HolderStarter()
        refuse_fatal_calls()
        watch_lifeline(lifeline)
        ready = None if ready_file is None else ReadyFile(ready_file)
        console_open = console_port is None and "READING_ROOM_CONSOLE_PORT" not in os.environ
        with chosen_ports(settings, console=console_open) as settings:
            check_listen_addresses(settings)
            refuse_joined(settings)
            check_folder(settings)
            key = given_root_key(settings)
            with only_one(claim(settings), settings.data) as lock:
                if ready is not None:
                    ready.prepare()
                key = key or read_root_key(settings, making=True)
                take_certificate(settings, key)
                code = Supervisor(settings, teller(settings), lock, key, ready, starter).run()
    except (StartError, AgentError) as error:
        raise failure(settings, error) from None
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
    from reading_room.cli.root_key import root_key_of_serve, source_of, wrong_key_message
    from reading_room.cli.traces import check_packages
    from reading_room.s3.backends.place import PlaceError, read_bucket

    settings = read_settings(data, port, host, tls_port, tls_cert, tls_key, console_port)
    configure_logging(settings, "serve")
    try:
        check_packages(settings)
        check_listen_addresses(settings)
        refuse_joined(settings)
        check_folder(settings)
        # The process that holds the folder's lock, ``up`` or the holder, may be of an earlier version.
        claim(settings, joining=True)
        key = root_key_of_serve(settings, root_key)
        take_certificate(settings, key)
        source = source_of(settings)
        bucket = read_bucket(settings)
        tell = drop_privileges(settings, key)
        keep_out_of_core_dumps()
    except (StartError, PlaceError) as error:
        raise failure(settings, error) from None
    watch_lifeline(lifeline)
    raise_descriptor_limit()

    # Of the time to load all this, the collector would take a sixth, and modules are no garbage.
    gc.disable()
    from reading_room.database.migrate import SchemaError
    from reading_room.database.sealed import WrongRootKey
    from reading_room.sealing import SealBroken, Sealer
    from reading_room.versions import VersionsError
    from reading_room.wiring.running import ServerError
    from reading_room.wiring.server import run_server

    gc.enable()

    def working() -> None:
        if ready is not None:
            os.write(ready, b"working\n")

    def announce() -> None:
        tell()
        if ready is not None:
            os.write(ready, b"ready\n")

    try:
        run_server(settings, Sealer(key), working, announce, bucket)
    except WrongRootKey as error:
        raise failure(settings, wrong_key_message(settings, source, error)) from None
    except (ServerError, SchemaError, SealBroken, VersionsError) as error:
        raise failure(settings, error) from None


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
        refuse_fatal_calls()
    except StartError as error:
        raise failure(settings, error) from None
    if prove:
        raise typer.Exit(prove_only())
    if join:
        from reading_room.cli import units

        try:
            units.join(settings)
        except StartError as error:
            raise failure(settings, error) from None
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
    """Raise this process's limit of open descriptors to its maximum: every connection and namespace takes one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
