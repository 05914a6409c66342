"""What the documents promise: every failure of a job is explained."""

from __future__ import annotations

from pathlib import Path

from reading_room.comprehend.network import failures
from reading_room.jobs.outcomes import WORKER_CODES

ROOT = Path(__file__).resolve().parents[2]


def test_every_code_of_a_failed_job_is_in_the_troubleshooting_page() -> None:
    text = (ROOT / "docs" / "troubleshooting.md").read_text()
    codes = WORKER_CODES | set(failures._CODES.values()) | set(failures._CALL_CODES.values())
    assert sorted(code for code in codes if f"`{code}`" not in text) == []
