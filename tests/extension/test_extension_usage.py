"""GetUsage and ``reading-room usage``: what accounts used in a month."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reading_room.cli import commands
from reading_room.jobs.job import Consumed, OutputSeen
from reading_room.jobs.tables import JobRow
from reading_room.jobs.usage import add_job, month_of
from tests.worlds.extension import ACCOUNT, OTHER_ACCOUNT, ExtensionWorld, refusal

pytestmark = pytest.mark.costs(0.4, reason="the whole product is made, with a network, a bucket and a role")


def job_with(world: ExtensionWorld, characters: int, units: int) -> str:
    """Return the id of a job whose result was counted."""
    job = str(world.client("comprehend").start_entities_detection_job(**world.request())["JobId"])
    with world.database.transaction() as session:
        seen = OutputSeen(2, 0, stopped=False, consumed=Consumed(characters, units))
        add_job(session, session.get_one(JobRow, job), seen, world.now)
    return job


def printed(world: ExtensionWorld, *arguments: str) -> str:
    """Return what ``reading-room usage`` prints about the world's data folder."""
    result = CliRunner().invoke(commands.app, ["usage", "--data", str(world.folder), *arguments])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def rows(text: str) -> list[list[str]]:
    """Return the rows of CSV."""
    return list(csv.reader(io.StringIO(text)))


def test_jobs_and_calls_of_the_own_account_are_told(world: ExtensionWorld) -> None:
    jobs = sorted([job_with(world, 350, 7), job_with(world, 100, 6)])
    comprehend = world.client("comprehend")
    comprehend.batch_detect_entities(TextList=["x" * 400, "y"], LanguageCode="en")
    comprehend.detect_entities(Text="y", LanguageCode="en")
    answer = world.room().get_usage(IncludeJobs=True)
    assert answer["Month"] == month_of(world.now)
    assert [(each["Kind"], each["Times"], each["Characters"], each["Units"]) for each in answer["Usage"]] == [
        ("entities", 2, 450, 13),
        ("BatchDetectEntities", 1, 401, 7),
        ("DetectEntities", 1, 1, 3),
    ]
    assert [each["JobId"] for each in answer["Jobs"]] == jobs
    first = world.room().get_usage(IncludeJobs=True, MaxResults=1)
    second = world.room().get_usage(IncludeJobs=True, MaxResults=1, NextToken=first["NextToken"])
    assert [each["JobId"] for each in (*first["Jobs"], *second["Jobs"])] == jobs
    assert "NextToken" not in second
    assert world.room().get_usage(Month="2020-01")["Usage"] == []
    stranger = world.user("stranger", account=OTHER_ACCOUNT)
    assert refusal(world.room(stranger).get_usage)[0] == "AccessDeniedException"
    assert refusal(world.room().get_usage, Month="2026-13")[0] == "ValidationException"


def test_the_command_prints_every_account_also_calls_of_the_last_seconds(world: ExtensionWorld) -> None:
    job = job_with(world, 350, 7)
    call = world.client("comprehend").detect_entities
    call(Text="y" * 301, LanguageCode="en")
    world.product.meter.fold()
    call(Text="y", LanguageCode="en")
    month = month_of(world.now)
    assert rows(printed(world, "--csv", "--month", month))[1:] == [
        [month, ACCOUNT, "DetectEntities", "2", "2", "302", "7", "0", "0"],
        [month, ACCOUNT, "entities", "1", "2", "350", "7", "0", "0"],
    ]
    header, row = rows(printed(world, "--csv", "--jobs", "--month", month))
    assert dict(zip(header, row, strict=True))["job_id"] == job
    table = printed(world, "--month", month)
    assert all(word in table for word in (ACCOUNT, "DetectEntities", "350", "14"))
    assert rows(printed(world, "--csv", "--month", "2020-01"))[1:] == []
    world.product.meter.fold()
    assert world.room().get_usage()["Usage"][1]["Times"] == 2


def test_a_month_is_a_year_and_a_month(tmp_path: Path) -> None:
    result = CliRunner().invoke(commands.app, ["usage", "--data", str(tmp_path), "--month", "November"])
    assert (result.exit_code, "such as 2026-11" in result.stderr) == (1, True)
