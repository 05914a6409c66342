"""The command line: ``reading-room``.

Each command is imported alone. The privileged process therefore contains no SDK, no database and no policies, and no
command waits for imports that only another one needs, which take over a second. Only a command line that names no
command, such as a call for help, imports the whole program (``commands.py``).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module

import typer

from reading_room.cli import processes
from reading_room.cli.screen import PIPED_COLUMNS, fail, print_version

GROUPS = frozenset({"accounts", "jobs", "network", "access", "database", "host", "pii", "events"})
"""Modules of commands that have subcommands."""
COMMANDS = frozenset({"console", "doctor", "demo", "backup", "restore", "rollback", "usage"})
"""Modules of one command each, a function with the module's name."""
DEFECT = 70
"""The exit code of a command after an unexpected exception (EX_SOFTWARE of sysexits.h)."""


def program(name: str) -> typer.Typer:
    """Return the program for a command line whose first word is ``name``."""
    return _program(name, _process(name))


def _program(name: str, process: Callable[..., None] | None) -> typer.Typer:
    if process is None and name not in GROUPS | COMMANDS:
        from reading_room.cli.commands import app

        return app
    alone = typer.Typer(name="reading-room", add_completion=False, pretty_exceptions_enable=False)
    # With a callback, a program with a single command still expects the command's name.
    alone.callback()(_no_options)
    if name in GROUPS:
        alone.add_typer(import_module(f"reading_room.cli.{name}").app, name=name)
    else:
        alone.command(name)(process or getattr(import_module(f"reading_room.cli.{name}"), name))
    return alone


def run() -> None:
    """Run the ``reading-room`` program. An unexpected error ends it with one line, not a traceback."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name == "--version":
        print_version()
        return
    debugging = os.environ.get("READING_ROOM_LOG_LEVEL") == "debug"
    process = _process(name)
    app = _program(name, process)
    if not sys.stdout.isatty():
        # The width of Typer's help without a terminal. Typer reads it only when it prints help.
        os.environ.setdefault("TERMINAL_WIDTH", str(PIPED_COLUMNS))
    try:
        app(prog_name="reading-room")
    except BrokenPipeError:
        # The reader of the output is gone. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except Exception as error:
        if debugging or process is not None or sys.argv[1:3] == ["host", "run"]:
            raise  # Its standard error is a log.
        hint = "READING_ROOM_LOG_LEVEL=debug shows where"
        fail(f"a bug in this program: {type(error).__name__}: {error} ({hint})")
        raise SystemExit(DEFECT) from None


def _process(name: str) -> Callable[..., None] | None:
    match name:
        case "up":
            return processes.up
        case "serve":
            return processes.serve
        case "agent":
            return processes.agent
        case "holder":
            from reading_room.cli.units import holder

            return holder
        case "root-key":
            from reading_room.cli.units import root_key

            return root_key
        case "trail-head":
            from reading_room.cli.trail_head import trail_head

            return trail_head
        case "traces":
            from reading_room.cli.traces import traces

            return traces
        case "webhooks":
            from reading_room.cli.webhooks import webhooks

            return webhooks
        case "link":
            from reading_room.cli.host_link import link

            return link
        case _:
            return None


def _no_options() -> None:
    """Accept no option before the command."""


if __name__ == "__main__":
    run()
