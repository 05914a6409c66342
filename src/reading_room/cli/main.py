"""The command line: ``reading-room``."""

from __future__ import annotations

import typer

from reading_room.cli import demo, doctor, jobs, network, processes

app = typer.Typer(
    name="reading-room",
    help="Amazon Comprehend jobs inside a VPC that the kernel enforces, on your own machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command("up")(processes.up)
app.command("serve")(processes.serve)
app.command("agent")(processes.agent)
app.command("doctor")(doctor.doctor)
app.command("demo")(demo.demo)
app.add_typer(jobs.app, name="jobs")
app.add_typer(network.app, name="network")


def run() -> None:
    """Entry point of the ``reading-room`` program."""
    app(prog_name="reading-room")


if __name__ == "__main__":
    run()
