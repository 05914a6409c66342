"""``reading-room pii profile``: the recall profiles of the account, which jobs name and synchronous calls use."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from reading_room.analysis.recall_profile import LIMIT
from reading_room.cli.options import DataOption, PortOption, read_settings
from reading_room.cli.own_api import own_api
from reading_room.cli.screen import fail, output, plain, say

app = typer.Typer(
    help="Store the profiles that calibrate writes, list and delete them, and set the default.", no_args_is_help=True
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the profile.")]
_REFUSALS = (
    "InvalidPiiProfileException",
    "PiiProfileNotFoundException",
    "PiiProfileInUseException",
    "LimitExceededException",
)
"""Errors whose messages are written for whoever types the command."""


@app.command("put")
def put(
    name: NameArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `pii calibrate` wrote.")],
    data: DataOption = None,
    port: PortOption = None,
) -> None:
    """Store a profile under a name, in place of an earlier one with that name."""
    try:
        with file.open("rb") as stream:
            content = stream.read(LIMIT + 1).decode("utf-8")
    except OSError as error:
        raise fail(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise fail(f"{file} is no recall profile: it is not UTF-8") from error
    if len(content) > LIMIT:
        raise fail(f"{file} is no recall profile: it has more than {LIMIT:,} bytes")
    with own_api(read_settings(data, port), _REFUSALS) as room:
        stored = room.put_pii_profile(Name=name, Content=content)["PiiProfile"]
    say(f"stored {stored['Name']}: {_bound(stored)}. Jobs name it in the tag reading-room:pii-profile")


@app.command("list")
def every(data: DataOption = None, port: PortOption = None) -> None:
    """List the profiles."""
    with own_api(read_settings(data, port), _REFUSALS) as room:
        found = room.list_pii_profiles()["PiiProfiles"]
    if not found:
        output.print("There are no recall profiles: `pii calibrate` makes one, and `pii profile put` stores it.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("name", "language", "recall", "types", "sample", "of", "default", ""):
        table.add_column(column)
    for each in found:
        table.add_row(
            *(plain(each["Name"]), each["LanguageCode"], f"{each['Recall']:g}", str(len(each["Types"]))),
            *(f"{each['SampleDocuments']:,} documents", _day(each), "yes" if each["Default"] else ""),
            "stale" if each["Stale"] else "",
        )
    output.print(table)


@app.command("show")
def show(name: NameArgument, data: DataOption = None, port: PortOption = None) -> None:
    """Show what a profile promises, and its thresholds."""
    with own_api(read_settings(data, port), _REFUSALS) as room:
        found = room.describe_pii_profile(Name=name)["PiiProfile"]
    table = Table("type", "threshold", "documents", box=None, padding=(0, 2, 0, 0))
    for each in found["Types"]:
        table.add_row(each["Type"], f"{each['Threshold']:.3f}", f"{each['Documents']:,}")
    output.print(f"{plain(found['Name'])}: {_bound(found)}", soft_wrap=True)
    output.print(f"engine {found['Engine']}, sample {found['SampleSHA256']}", soft_wrap=True)
    if found["Default"]:
        output.print(f"It is the default for calls in {found['LanguageCode']}.")
    if found["Stale"]:
        output.print("[yellow]It is stale[/]: the engine is another one now, so it has no effect. Calibrate again.")
    output.print(table)


@app.command("delete")
def delete(name: NameArgument, data: DataOption = None, port: PortOption = None) -> None:
    """Delete a profile. Jobs that were submitted with it keep it."""
    with own_api(read_settings(data, port), _REFUSALS) as room:
        room.delete_pii_profile(Name=name)
    say(f"deleted {name}")


@app.command("default")
def default(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Name of the profile.", show_default=False)] = None,
    clear: Annotated[str | None, typer.Option(help="Have no default for this language.", metavar="LANGUAGE")] = None,
    data: DataOption = None,
    port: PortOption = None,
) -> None:
    """Make a profile the default of DetectPiiEntities and ContainsPiiEntities for its language, or have none."""
    if (name is None) == (clear is None):
        raise fail("give the name of a profile, or --clear and a language")
    with own_api(read_settings(data, port), _REFUSALS) as room:
        if clear is not None:
            room.clear_default_pii_profile(LanguageCode=clear)
            say(f"no default for {clear}: calls return everything that is found")
        else:
            found = room.set_default_pii_profile(Name=name)["PiiProfile"]
            say(f"{name} is the default for calls in {found['LanguageCode']}")


def _bound(profile: dict[str, Any]) -> str:
    return (
        f"a recall of at least {profile['Recall']:g} for {len(profile['Types'])} types in {profile['LanguageCode']}, "
        f"with probability {profile['Confidence']:g}, from {profile['SampleDocuments']:,} documents of {_day(profile)}"
    )


def _day(profile: dict[str, Any]) -> str:
    return f"{profile['CreatedAt'].astimezone(dt.UTC):%Y-%m-%d}"
