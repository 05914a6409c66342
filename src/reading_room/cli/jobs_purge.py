"""``reading-room jobs purge``: erase the traces of jobs that have ended, and say what was kept and why."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from rich.table import Table

from reading_room.analysis.kinds import JOB_KINDS
from reading_room.cli import reading
from reading_room.cli.answers import not_answered, not_running
from reading_room.cli.folder import StartError
from reading_room.cli.options import DataOption, PortOption, read_settings
from reading_room.cli.running import endpoint_of
from reading_room.cli.screen import errors, fail, plain
from reading_room.cli.screen import output as console
from reading_room.clock import system_clock

_AGE = re.compile(r"([0-9]{1,5})([hdw])", re.ASCII)
_UNITS = {"h": dt.timedelta(hours=1), "d": dt.timedelta(days=1), "w": dt.timedelta(weeks=1)}
_REFUSED = ("JobNotFoundException", "ResourceInUseException", "AccessDeniedException")
"""Errors about one job, after which the next one is purged."""


def purge(
    jobs: Annotated[list[str] | None, typer.Argument(metavar="JOB...", help="The ids or ARNs of the jobs.")] = None,
    older_than: Annotated[
        str | None, typer.Option("--older-than", help="Purge every job that ended longer ago: 12h, 30d, 8w.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be erased.")] = False,
    keep_output: Annotated[bool, typer.Option("--keep-output", help="Leave the output objects.")] = False,
    data: DataOption = None,
    port: PortOption = None,
) -> None:
    """Erase the traces of jobs that have ended: output, log stream, story and record. Say what is kept, and why.

    Exits with 1 if a job could not be purged, for example because it is still running.
    """
    settings = read_settings(data, port)
    if bool(jobs) == (older_than is not None):
        raise fail("name the jobs to purge, or an age with --older-than, but not both")
    age = None if older_than is None else read_age(older_than)
    try:
        account = reading.Account(endpoint_of(settings))
        named = list(jobs or ()) if age is None else ended_before(account.patient, system_clock() - age)
        room = account.client("reading-room", attempts=12)
        done = [purge_one(room, job, dry_run, keep_output) for job in named]
    except StartError as error:
        raise fail(str(error)) from None
    except (ClientError, ResponseParserError) as error:
        raise fail(not_answered(error, settings)) from None
    except BotoCoreError as error:
        raise fail(not_running(error, settings)) from None
    many = "1 job" if sum(done) == 1 else f"{sum(done):,} jobs"
    console.print(f"{many} would be purged; nothing was erased." if dry_run else f"{many} purged.")
    if not all(done):
        raise typer.Exit(1)


def read_age(text: str) -> dt.timedelta:
    """Return an age like ``30d``, or end the program."""
    found = _AGE.fullmatch(text)
    if found is None:
        raise fail(f"--older-than {text}: give a number of hours, days or weeks, like 12h, 30d or 8w")
    return int(found[1]) * _UNITS[found[2]]


def ended_before(comprehend: Any, moment: dt.datetime) -> list[str]:
    """Return the ids of a client's jobs of every kind that ended before a moment, the oldest first."""
    found = [(job["EndTime"], job["JobId"]) for job in _submitted_before(comprehend, moment) if "EndTime" in job]
    return [job for ended, job in sorted(found) if ended < moment]


def _submitted_before(comprehend: Any, moment: dt.datetime) -> Iterator[dict[str, Any]]:
    for kind in JOB_KINDS:
        call = getattr(comprehend, xform_name(kind.list))
        more: dict[str, Any] = {}
        while True:
            page = call(Filter={"SubmitTimeBefore": moment}, MaxResults=500, **more)
            yield from page[f"{kind.properties}List"]
            if "NextToken" not in page:
                break
            more = {"NextToken": page["NextToken"]}


def purge_one(room: Any, job: str, dry_run: bool, keep_output: bool) -> bool:
    """Purge one job and print what became of its traces. Return ``False`` if the service refuses."""
    try:
        answer = room.purge_job(JobId=job, DryRun=dry_run, KeepOutput=keep_output)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _REFUSED:
            raise
        errors.print(plain(f"{job}: {error.response['Error']['Message']}"), soft_wrap=True, style="red")
        return False
    console.print(f"[bold]{plain(answer['JobId'])}[/]")
    table = Table(box=None, padding=(0, 2, 0, 2), show_header=False)
    for wraps in (False, False, True):
        table.add_column(no_wrap=not wraps, overflow="fold")
    for trace in answer["Traces"]:
        table.add_row(trace["Trace"], _result(trace, dry_run), plain(trace.get("Reason", "")))
    console.print(table)
    return True


def _result(trace: dict[str, Any], dry_run: bool) -> str:
    if trace["Result"] != "ERASED":
        return "kept" if trace["Result"] == "KEPT" else "none"
    size = f", {trace['Bytes']:,} bytes" if "Bytes" in trace else ""
    return f"{'would erase' if dry_run else 'erased'} {trace['Count']:,}{size}"
