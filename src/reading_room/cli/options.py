"""Options that several commands share, the settings that they make, and commands to suggest to the user."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from reading_room.cli.screen import fail
from reading_room.setting_values import SettingError
from reading_room.settings import Settings

DataOption = Annotated[
    # ``claiming`` checks whether it can be used, and says what to change.
    Path | None,
    typer.Option("--data", readable=False, help="Folder of the database, the objects and the keys."),
]
PortOption = Annotated[int | None, typer.Option("--port", help="Port of the AWS APIs.")]
HostOption = Annotated[str | None, typer.Option("--host", help="Address of the AWS APIs.")]
ConsolePortOption = Annotated[
    int | None, typer.Option("--console-port", help="Port of the web console; 0 turns it off.")
]
TlsPortOption = Annotated[int | None, typer.Option("--tls-port", help="HTTPS port of the AWS APIs, on loopback.")]
CertificateOption = Annotated[
    str | None, typer.Option("--tls-cert", help="File of the certificate for HTTPS (PEM); by default one is created.")
]
KeyOption = Annotated[str | None, typer.Option("--tls-key", help="File of that certificate's key (PEM), mode 0600.")]
UpPortOption = Annotated[
    int | None,
    typer.Option(
        "--port",
        help="Port of the AWS APIs; with 0, free ports are chosen for them and, unless --console-port is given, for "
        "the web console.",
    ),
]
ReadyFileOption = Annotated[
    Path | None,
    typer.Option(
        "--ready-file",
        help="File (JSON, mode 0600) that tells other programs where the product answers and with which key; it "
        "exists while the product takes calls.",
    ),
]
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
    """Read the settings, or end the program and say which one is wrong."""
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
    """Return a command to suggest, such as ``reading-room jobs watch JOB``, with the data folder and the ports in use.

    Options that the environment sets are left out, because it sets them for the next command too.
    """
    usual = Settings.from_environment()
    given = (
        ("--data", shlex.quote(str(settings.data)) if settings.data != usual.data else ""),
        ("--port", str(settings.port) if settings.port != usual.port and _takes_port(words) else ""),
        (
            "--console-port",
            str(settings.console_port) if settings.console_port != usual.console_port and _takes_console(words) else "",
        ),
    )
    return " ".join([_this_program(), *words, *(f"{name} {value}" for name, value in given if value)])


def _this_program() -> str:
    """Return what to type to run this program: its name if the shell finds it, else its path."""
    program = Path(sys.executable).with_name("reading-room")
    if shutil.which(program.name) is not None or not program.exists():
        return program.name
    return os.path.relpath(program) if program.is_relative_to(Path.cwd()) else str(program)


def _takes_port(words: Sequence[str]) -> bool:
    if words[0] == "host":
        return words[1] not in ("join", "run")
    return words[0] in ("up", "serve", "console", "doctor", "jobs", "events") or tuple(words[:2]) == ("pii", "profile")


def _takes_console(words: Sequence[str]) -> bool:
    return words[0] in ("up", "serve", "console")
