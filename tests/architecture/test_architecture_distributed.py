"""The page on jobs with several containers agrees with the code: sizes, ports, and the tests that it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reading_room.analysis.job_file import CLUSTER_PORTS, SCHEDULER_PORT, WORKER_PORT
from reading_room.analysis.kinds import CONTAINER_BYTES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "distributed.md").read_text()


@pytest.mark.parametrize("kind", sorted(CONTAINER_BYTES.keys() - {"custom-entities"}))
def test_the_page_has_the_bytes_per_container_of_each_kind(kind: str) -> None:
    assert re.search(rf"^\| `{kind}`[^|]* \| {CONTAINER_BYTES[kind]:,} \|$", PAGE, re.MULTILINE)
    # The page has one row for both.
    assert CONTAINER_BYTES["custom-entities"] == CONTAINER_BYTES["entities"]


def test_the_security_group_rules_on_the_page_have_the_ports_of_the_code() -> None:
    first, last = CLUSTER_PORTS
    assert f"--protocol tcp --port {first}-{last} --source-group" in PAGE
    assert f"IpProtocol=tcp,FromPort={first},ToPort={last}," in PAGE
    assert first <= SCHEDULER_PORT <= last
    assert first <= WORKER_PORT <= last
    picture = (ROOT / "docs" / "distributed.svg").read_text()
    assert set(re.findall(r">:(\d+)<", picture)) == {str(SCHEDULER_PORT), str(WORKER_PORT)}


def test_every_promise_on_the_page_names_an_existing_test() -> None:
    written = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)
    }
    promised = PAGE.split("## What is promised when what dies")[1].split("\n## ")[0]
    rows = [line for line in promised.splitlines() if line.startswith("| ") and not line.startswith("| what dies")]
    assert len(rows) >= 10
    assert [row for row in rows if "`test_" not in row] == []
    assert [name for name in re.findall(r"`(test_\w+)`", PAGE) if name not in written] == []
