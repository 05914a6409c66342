"""``reading-room retention``: how long everything is kept, by which setting, and how much of it there is.

Reads the data folder, whether or not the product is running.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from reading_room.cli.opened_database import open_to_read
from reading_room.cli.options import DataOption, command, read_settings
from reading_room.cli.screen import fail
from reading_room.cli.screen import output as console
from reading_room.flowlogs.stored import flow_records_by_account
from reading_room.jobs.tables import CallUsageRow, JobRow, JobUsageRow, PartRow
from reading_room.logs.tables import LogGroup, LogStream
from reading_room.settings import Settings
from reading_room.trail.chain import BOOKS, files_of

FOR_EVER = "for ever"


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of what is kept. ``setting`` is what changes how long, ``oldest`` the day of the oldest one."""

    what: str
    long: str
    setting: str
    there: str
    oldest: dt.date | None = None


def retention(data: DataOption = None) -> None:
    """Show how long jobs, outputs, logs, flow records, the trail and usage are kept, and how much there is."""
    settings = read_settings(data)
    database = open_to_read(settings)
    try:
        with database.reading() as session:
            found = [*_of_jobs(session, settings), *_of_logs(session, settings), _trail(settings), _usage(session)]
    except OperationalError as error:
        up = command(settings, "up")
        raise fail(f"{settings.data} cannot be read ({error.orig}): start this version once with `{up}`") from None
    finally:
        database.close()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("what", "kept", "changed by", "there are", "oldest"):
        table.add_column(column)
    for each in found:
        table.add_row(each.what, each.long, each.setting, each.there, "" if each.oldest is None else f"{each.oldest}")
    console.print(table)
    purge = command(settings, "jobs", "purge", "--older-than", "30d")
    console.print(
        "Settings hold for what is there already, within a quarter of an hour after a start with them. "
        f"`{purge}` erases older jobs at once, with their outputs, logs and records.",
        soft_wrap=True,
    )


def _of_jobs(session: Session, settings: Settings) -> Iterator[Kept]:
    ended = JobRow.ended_at.is_not(None)
    count, oldest = session.execute(select(func.count(), func.min(JobRow.ended_at)).where(ended)).one()
    # A training's record belongs to its model.
    yield Kept(
        "records of ended jobs",
        _days(settings.job_days, "after the end"),
        "READING_ROOM_JOB_DAYS",
        f"{count:,}",
        None if oldest is None else oldest.date(),
    )
    yield Kept("outputs of jobs", "until they are deleted", "aws s3 rm, jobs purge", "in the buckets of the jobs")
    parts = session.scalar(select(func.count()).select_from(PartRow)) or 0
    yield Kept("parts of outputs", "until the job ends", "", f"{parts:,}")


def _of_logs(session: Session, settings: Settings) -> Iterator[Kept]:
    policies = session.scalar(select(func.count()).where(LogGroup.retention_days.is_not(None))) or 0
    size, oldest = session.execute(
        select(func.coalesce(func.sum(LogStream.stored_bytes), 0), func.min(LogStream.first_event_at))
    ).one()
    long = _days(settings.log_days, f"except in {policies:,} with a policy" if policies else "")
    day = None if oldest is None else dt.datetime.fromtimestamp(oldest / 1000, dt.UTC).date()
    change = "READING_ROOM_LOG_DAYS, aws logs put-retention-policy"
    yield Kept("log events", long, change, f"{int(size):,} bytes", day)
    records = sum(flow_records_by_account(session).values())
    yield Kept("flow records in log groups", "as the log events of their group", "", f"{records:,} bytes")
    yield Kept("flow records in buckets", "until they are deleted", "aws s3 rm", "in the buckets of the flow logs")


def _trail(settings: Settings) -> Kept:
    files = [each for book in BOOKS for each in files_of(settings.data / "trail", book)]
    size = sum(path.stat().st_size for _, path in files)
    return Kept(
        "trail",
        _days(settings.trail_days, f"and at most {settings.trail_bytes:,} bytes a book"),
        "READING_ROOM_TRAIL_DAYS, _TRAIL_BYTES",
        f"{size:,} bytes",
        min((day for day, _ in files), default=None),
    )


def _usage(session: Session) -> Kept:
    rows = sum(session.scalar(select(func.count()).select_from(table)) or 0 for table in (JobUsageRow, CallUsageRow))
    return Kept("usage", FOR_EVER, "", f"{rows:,} rows")


def _days(days: int, more: str) -> str:
    long = f"{days:,} days" if days else FOR_EVER
    return f"{long} {more}".strip() if days or more.startswith("except") else long
