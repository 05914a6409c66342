"""The options, settings and messages that commands share."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from reading_room.cli.log_lines import LogLines
from reading_room.cli.screen import errors
from reading_room.printable import escaped
from reading_room.settings import SettingError, Settings

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
