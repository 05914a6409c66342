"""``reading-room host``: let hosts join the installation, list them, change and remove them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any

import typer
from rich.table import Table

from reading_room.cli.host_join import join_installation
from reading_room.cli.host_run import run
from reading_room.cli.options import DataOption, PortOption, command, read_settings
from reading_room.cli.own_api import own_api
from reading_room.cli.screen import errors, fail, plain, print_line
from reading_room.cli.screen import output as console
from reading_room.clock import system_clock

app = typer.Typer(help="Let hosts join the installation; list, change and remove them.", no_args_is_help=True)
app.command("join")(join_installation)
app.command("run")(run)

HostArgument = Annotated[str, typer.Argument(metavar="HOST", help="Name of the host.")]
_DURATION = re.compile(r"([0-9]{1,5})([smh])", re.ASCII)
_REFUSALS = ("HostNotFoundException", "HostRefusedException", "HostsOffException")
"""Errors whose messages are written for the operator."""
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@app.command("token")
def token(
    expires: Annotated[str, typer.Option("--expires", help="How long it works: 90s, 15m, 24h.")] = "15m",
    data: DataOption = None,
    port: PortOption = None,
) -> None:
    """Print a token with which one host may join, once: the argument of `reading-room host join`."""
    settings, seconds = read_settings(data, port), _read_seconds(expires)
    with own_api(settings, _REFUSALS) as room:
        made = room.create_host_token(ExpiresInSeconds=seconds)
    print_line(made["Token"])
    errors.print(
        f"It works once, until {_time(made['ExpiresAt'])}, and is a secret. On the new host:\n  reading-room host join",
        soft_wrap=True,
        markup=False,
    )


@app.command("list")
def every(data: DataOption = None, port: PortOption = None) -> None:
    """List the hosts: state, zone, capacity, address, lease and labels."""
    settings = read_settings(data, port)
    with own_api(settings, _REFUSALS) as room:
        found = room.describe_hosts()["Hosts"]
    if not found:
        token_command = command(settings, "host", "token")
        console.print(f"There is one host, this one. `{token_command}` lets another one join.", markup=False)
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("number", "host", "state", "zone", "cores", "memory", "address", "lease", "version", "labels"):
        table.add_column(column, overflow="fold")
    for each in found:
        labels = " ".join(f"{key}={value}" for key, value in sorted(each["Labels"].items()))
        table.add_row(
            *(str(each["Number"]), plain(each["Host"]), each["State"].lower(), plain(each["Zone"])),
            *(str(each["Cores"]), f"{each['MemoryBytes'] / 1e9:.1f} GB", plain(each["Underlay"]), _lease(each)),
            *(plain(each["Program"]), plain(labels)),
        )
    console.print(table)


@app.command("drain")
def drain(
    host: HostArgument,
    undo: Annotated[bool, typer.Option("--undo", help="Give it new containers again.")] = False,
    data: DataOption = None,
    port: PortOption = None,
) -> None:
    """Keep new containers away from a host. Those that it has continue."""
    with own_api(read_settings(data, port), _REFUSALS) as room:
        room.update_host(Host=host, State="ACTIVE" if undo else "DRAINING")
    console.print(f"{plain(host)} gets {'new containers again' if undo else 'no new containers'}.", soft_wrap=True)


@app.command("remove")
def remove(
    host: HostArgument,
    force: Annotated[
        bool, typer.Option("--force", help="Remove it even if it is active, which ends its containers.")
    ] = False,
    data: DataOption = None,
    port: PortOption = None,
) -> None:
    """Remove a host from the installation. Its certificate is of no use from now on."""
    with own_api(read_settings(data, port), _REFUSALS) as room:
        removed = room.remove_host(Host=host, Force=force)["Removed"]
    says = "is removed" if removed else "is leaving: it is forgotten when its lease has ended"
    console.print(f"{plain(host)} {says}.", soft_wrap=True)


@app.command("label")
def label(
    host: HostArgument,
    labels: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY=VALUE...",
            help="Labels to set; KEY- removes one. zone=, cores= and memory= (bytes) set these values of the host.",
        ),
    ],
    data: DataOption = None,
    port: PortOption = None,
) -> None:
    """Set labels of a host, its zone, or what its containers may use."""
    settings = read_settings(data, port)
    changes = read_changes(labels)
    with own_api(settings, _REFUSALS) as room:
        found = room.update_host(Host=host, **changes)["Host"]
    shown = [f"zone={found['Zone']}", f"cores={found['Cores']}", f"memory={found['MemoryBytes']}"]
    shown += [f"{key}={value}" for key, value in sorted(found["Labels"].items())]
    console.print(plain(f"{host} has {' '.join(shown)}"), soft_wrap=True)


def read_changes(texts: list[str]) -> dict[str, Any]:
    """Return the members of UpdateHost for texts like ``disk=ssd`` and ``disk-``, or end the program."""
    changes: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals and text.endswith("-"):
            changes.setdefault("RemoveLabels", []).append(text[:-1])
        elif not equals:
            raise fail(f"{text} is no label: give KEY=VALUE to set one, or KEY- to remove it")
        elif key == "zone":
            changes["Zone"] = value
        elif key in ("cores", "memory"):
            if not re.fullmatch(r"[0-9]{1,18}", value, re.ASCII):
                raise fail(f"{text}: give a whole number{', in bytes' if key == 'memory' else ''}")
            changes["Cores" if key == "cores" else "MemoryBytes"] = int(value)
        else:
            changes.setdefault("Labels", {})[key] = value
    return changes


@app.command("demo")
def demo() -> None:
    """Show three hosts on this machine: a job on all of them, one killed in the middle, and the same bytes at the end.

    The hosts are network namespaces, each with its own processes and folders. It needs root, and leaves nothing behind.
    """
    from reading_room.cli.host_demo import show

    show()


def _read_seconds(text: str) -> int:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise fail(f"--expires {text}: give a number of seconds, minutes or hours, like 90s, 15m or 24h")
    return int(found[1]) * _SECONDS[found[2]]


def _lease(host: dict[str, Any]) -> str:
    until: dt.datetime | None = host.get("LeaseUntil")
    if until is None:
        return "none"
    return "held" if until > system_clock() else f"ended {_time(until)}"


def _time(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
