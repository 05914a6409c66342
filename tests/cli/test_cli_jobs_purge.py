"""What ``reading-room jobs purge`` accepts."""

from __future__ import annotations

import datetime as dt

import pytest
from typer.testing import CliRunner

from reading_room.cli import commands
from reading_room.cli.jobs_purge import read_age


def refusal(*arguments: str) -> str:
    """Return the message of a refused command."""
    result = CliRunner().invoke(commands.app, ["jobs", "purge", *arguments])
    assert result.exit_code == 1
    assert result.stdout == ""
    return result.stderr


def test_an_age_is_a_number_of_hours_days_or_weeks() -> None:
    ages = [read_age(text) for text in ("12h", "30d", "8w", "0d")]
    assert ages == [dt.timedelta(hours=12), dt.timedelta(days=30), dt.timedelta(weeks=8), dt.timedelta(0)]


@pytest.mark.parametrize("text", ["30", "d", "-1d", "1.5d", "30 d", "3m", "1000000d", "٣d"])
def test_any_other_age_is_refused(text: str) -> None:
    assert "like 12h, 30d or 8w" in refusal(f"--older-than={text}")


def test_either_jobs_or_an_age_must_be_given() -> None:
    assert "but not both" in refusal()
    assert "but not both" in refusal("0" * 32, "--older-than", "30d")
