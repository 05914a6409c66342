"""Every command of ``reading-room``, in one program."""

from __future__ import annotations

from typing import Annotated

import typer

from reading_room.cli import (
    access,
    accounts,
    backup,
    console,
    database,
    demo,
    doctor,
    events,
    host,
    host_link,
    jobs,
    network,
    pii,
    processes,
    restore,
    retention,
    rollback,
    traces,
    trail_head,
    units,
    usage,
    webhooks,
)
from reading_room.cli.screen import print_version

HELP = "Amazon Comprehend jobs inside a VPC that the kernel enforces, on your own machine."

app = typer.Typer(
    name="reading-room", help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


def _say_version(wanted: bool) -> None:
    if wanted:
        print_version()
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Accept no other option before the command."""


app.command("up")(processes.up)
app.command("serve")(processes.serve)
app.command("agent")(processes.agent)
app.command("holder")(units.holder)
app.command("root-key")(units.root_key)
app.command("trail-head")(trail_head.trail_head)
app.command("traces")(traces.traces)
app.command("webhooks")(webhooks.webhooks)
app.command("link")(host_link.link)
app.command("console")(console.console)
app.command("doctor")(doctor.doctor)
app.command("demo")(demo.demo)
app.command("usage")(usage.usage)
app.command("retention")(retention.retention)
app.command("rollback")(rollback.rollback)
app.command("backup")(backup.backup)
app.command("restore")(restore.restore)
app.add_typer(accounts.app, name="accounts")
app.add_typer(jobs.app, name="jobs")
app.add_typer(network.app, name="network")
app.add_typer(access.app, name="access")
app.add_typer(database.app, name="database")
app.add_typer(host.app, name="host")
app.add_typer(pii.app, name="pii")
app.add_typer(events.app, name="events")
# Those who think of all of them.
app.add_typer(host.app, name="hosts", hidden=True)
