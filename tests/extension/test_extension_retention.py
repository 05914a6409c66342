"""``reading-room retention``: how long everything is kept, and how much of it there is."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reading_room.cli import commands, screen
from reading_room.jobs.tables import JobRow
from tests.worlds.extension import ExtensionWorld

pytestmark = pytest.mark.costs(0.4, reason="the whole product is made, with a network, a bucket and a role")


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print on a terminal that is wide enough for each line of the table."""
    monkeypatch.setattr(screen.output, "width", 300)


def printed(folder: Path) -> dict[str, str]:
    """Return the lines of the command, by what they are about, with single spaces."""
    result = CliRunner().invoke(commands.app, ["retention", "--data", str(folder)])
    assert result.exit_code == 0, result.stderr
    lines = (" ".join(line.split()) for line in result.stdout.splitlines())
    found = {}
    for line in lines:
        for what in ("records of ended jobs", "log events", "flow records in log groups", "trail", "parts of outputs"):
            if line.startswith(what):
                found[what] = line.removeprefix(what).strip()
    return found


def test_it_tells_of_each_kind_how_long_by_what_and_how_much(
    world: ExtensionWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = str(world.client("comprehend").start_entities_detection_job(**world.request())["JobId"])
    with world.database.transaction() as session:
        session.get_one(JobRow, job).ended_at = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    logs = world.client("logs")
    for group in ("kept", "limited"):
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="s")
    logs.put_retention_policy(logGroupName="limited", retentionInDays=7)
    now = int(world.now.timestamp() * 1000)
    logs.put_log_events(logGroupName="kept", logStreamName="s", logEvents=[{"timestamp": now, "message": "12345"}])
    (world.folder / "trail").mkdir(exist_ok=True)
    # The trail itself deletes what is older than its days.
    yesterday = world.now.date() - dt.timedelta(days=1)
    (world.folder / "trail" / f"data-{yesterday}.jsonl").write_text("x" * 1_000)

    change = "READING_ROOM_LOG_DAYS, aws logs put-retention-policy"
    found = printed(world.folder)
    assert found["records of ended jobs"] == "for ever READING_ROOM_JOB_DAYS 1 2026-03-02"
    assert found["parts of outputs"] == "until the job ends 0"
    assert found["log events"] == f"for ever except in 1 with a policy {change} 31 bytes {world.now.date()}"
    assert found["flow records in log groups"].endswith(" 0 bytes")
    assert found["trail"].startswith("90 days and at most 20,000,000,000 bytes a book READING_ROOM_TRAIL_DAYS")
    assert found["trail"].endswith(f" {yesterday}")

    for name in ("JOB", "LOG", "TRAIL"):
        monkeypatch.setenv(f"READING_ROOM_{name}_DAYS", "30")
    found = printed(world.folder)
    assert found["records of ended jobs"].startswith("30 days after the end ")
    assert found["log events"].startswith("30 days except in 1 with a policy ")
    assert found["trail"].startswith("30 days and at most ")


def test_a_folder_without_a_database_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(commands.app, ["retention", "--data", str(tmp_path)])
    assert (result.exit_code, f"{tmp_path}/db.sqlite cannot be read" in result.stderr) == (1, True)
