"""``reading-room usage``: what each account used in a month, in the units that AWS bills.

Reads the database in the data folder, whether or not the product is running.
"""

from __future__ import annotations

import csv
import re
import sys
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from reading_room.cli.opened_database import open_to_read, server_of
from reading_room.cli.options import DataOption, command, read_settings
from reading_room.cli.screen import fail
from reading_room.cli.screen import output as console
from reading_room.clock import system_clock
from reading_room.comprehend.call_meter import FILE, sums, waiting_lines
from reading_room.jobs import usage as counted
from reading_room.jobs.tables import CallUsageMark
from reading_room.jobs.usage import Usage
from reading_room.settings import Settings

COLUMNS = ("month", "account", "kind", "times", "documents", "characters", "units", "input_bytes", "training_seconds")


def usage(
    month: Annotated[
        str | None, typer.Option("--month", help="Month (UTC), like 2026-11; by default this one.")
    ] = None,
    jobs: Annotated[bool, typer.Option("--jobs", help="A line for each job, not for each kind and operation.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    data: DataOption = None,
) -> None:
    """Show what each account used in a month: units as AWS bills them, by kind of job and by operation, or by job."""
    settings = read_settings(data)
    month = month or counted.month_of(system_clock())
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", month, re.ASCII):
        raise fail(f"--month {month}: give a year and a month, such as 2026-11")
    found = _read(settings, month, jobs)
    if as_csv:
        _write_csv(found, jobs)
    else:
        _print(found, jobs)


def _read(settings: Settings, month: str, jobs: bool) -> list[Usage]:
    database = open_to_read(settings)
    try:
        with database.reading() as session:
            if jobs:
                return counted.by_job(session, month)
            return _with_waiting(session, settings, month, counted.by_kind(session, month))
    except OperationalError as error:
        up = command(settings, "up")
        remedy = f"start this version once with `{up}`"
        raise fail(f"the database in {settings.data} cannot tell the usage ({error.orig}): {remedy}") from None
    finally:
        database.close()


def _with_waiting(session: Session, settings: Settings, month: str, found: list[Usage]) -> list[Usage]:
    """Add the calls of the last seconds, which the database does not have yet."""
    mark = session.get(CallUsageMark, server_of(settings)) or session.get(CallUsageMark, "")
    added = 0 if mark is None else mark.number
    every = {(each.account, each.kind): each for each in found}
    for (account, of_month, kind), calls in sums(waiting_lines(settings.data / FILE, added)).items():
        if of_month == month:
            old = every.get((account, kind), Usage(month, account, kind, 0))
            every[account, kind] = Usage(
                month,
                account,
                kind,
                old.times + calls.times,
                old.documents + calls.documents,
                old.characters + calls.characters,
                old.units + calls.units,
            )
    return sorted(every.values(), key=lambda each: (each.account, each.kind))


def _write_csv(found: list[Usage], jobs: bool) -> None:
    columns = (*COLUMNS[:2], "job_id", *COLUMNS[2:]) if jobs else COLUMNS
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(columns)
    rows.writerows([getattr(each, column) for column in columns] for each in found)


def _print(found: list[Usage], jobs: bool) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0))
    names = ("account", "job" if jobs else "kind", "kind" if jobs else "jobs or calls", *COLUMNS[4:])
    for place, name in enumerate(names):
        left = place < (3 if jobs else 2)
        table.add_column(name.replace("_", " "), justify="left" if left else "right")
    for each in found:
        first = (each.account, str(each.job_id), each.kind) if jobs else (each.account, each.kind, f"{each.times:,}")
        table.add_row(*first, *(f"{getattr(each, column):,}" for column in COLUMNS[4:]))
    if found:
        sum_of = [sum(getattr(each, column) for each in found) for column in COLUMNS[4:]]
        times = "" if jobs else f"{sum(each.times for each in found):,}"
        table.add_row("all", "", times, *(f"{each:,}" for each in sum_of))
    console.print(table)
