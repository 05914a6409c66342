"""The command line: ``reading-room``."""

from __future__ import annotations

import os
import sys

import typer
import typer.rich_utils

from reading_room.cli import demo, doctor, jobs, network, processes
from reading_room.cli.screen import PIPED_COLUMNS

app = typer.Typer(
    name="reading-room",
    help="Amazon Comprehend jobs inside a VPC that the kernel enforces, on your own machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("up")(processes.up)
app.command("serve")(processes.serve)
app.command("agent")(processes.agent)
app.command("doctor")(doctor.doctor)
app.command("demo")(demo.demo)
app.add_typer(jobs.app, name="jobs")
app.add_typer(network.app, name="network")


DEFECT = 70
"""Exit code of a command that met something it has no words for (EX_SOFTWARE of sysexits.h)."""


def run() -> None:
    """Run the ``reading-room`` program. An error that nobody foresaw ends it with a line, not a traceback."""
    debugging = os.environ.get("READING_ROOM_LOG_LEVEL") == "debug"
    if not sys.stdout.isatty():
        # Typer has no other way to say how wide help is where there is no terminal.
        typer.rich_utils.MAX_WIDTH = PIPED_COLUMNS
    try:
        app(prog_name="reading-room")
    except BrokenPipeError:
        # Whoever read the output has gone. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except Exception as error:
        if debugging or sys.argv[1:2] in (["up"], ["serve"], ["agent"]):
            raise  # What is written there is a log.
        hint = "READING_ROOM_LOG_LEVEL=debug shows where"
        processes.fail(f"a defect of this program: {type(error).__name__}: {error} ({hint})")
        raise SystemExit(DEFECT) from None


if __name__ == "__main__":
    run()
