"""The alert rules and the dashboard: every metric that they name is exported, and every alert tells what to do."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.metrics.test_metrics_page import LABELS, PageWorld, exercise

FOLDER = Path(__file__).resolve().parents[2] / "packaging" / "monitoring"
ALERTS = (FOLDER / "reading-room-alerts.yml").read_text()
DASHBOARD = json.loads((FOLDER / "grafana-dashboard.json").read_text())
NAMED = re.compile(r"\b(?:reading_room|process)_[a-z0-9_]+\b")
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
BY = re.compile(r"by \(([^)]*)\)")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all samples that there can be."""
    world = PageWorld(tmp_path_factory.mktemp("page"))
    exercise(world)
    families = list(text_string_to_metric_families(world.text()))
    world.close()
    return {family.name + suffix for family in families for suffix in SUFFIXES[family.type]}


def expressions() -> list[str]:
    """Return every expression of the dashboard."""
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]


def test_every_metric_of_the_alerts_is_exported(exported: set[str]) -> None:
    named = set(NAMED.findall(ALERTS)) - {"reading_room"}
    assert len(named) > 10
    assert named <= exported


def test_every_metric_of_the_dashboard_is_exported_and_nearly_all_are_shown(exported: set[str]) -> None:
    named = {name for expression in expressions() for name in NAMED.findall(expression)}
    assert named <= exported
    shown = {re.sub("_(total|bucket)$", "", name) for name in named}
    own = {re.sub("_(total|bucket|count|sum)$", "", name) for name in exported if name.startswith("reading_room")}
    assert own - shown == {
        *("reading_room_build_info", "reading_room_storage_floor_bytes", "reading_room_agent_connected"),
        *("reading_room_host_memory_bytes", "reading_room_synchronous_documents", "reading_room_leads"),
    }


@pytest.mark.parametrize("text", [ALERTS, "\n".join(expressions())], ids=["alerts", "dashboard"])
def test_expressions_sum_by_labels_that_exist(text: str) -> None:
    labels = {label.strip() for found in BY.findall(text) for label in found.split(",")}
    assert labels <= LABELS | {"instance"}


def test_every_alert_says_how_urgent_it_is_and_what_to_do() -> None:
    alerts = ALERTS.split("      - alert: ")[1:]
    assert len(alerts) >= 12
    for alert in alerts:
        name, _, rest = alert.partition("\n")
        assert re.search(r"severity: (page|ticket)\b", rest), name
        description = re.sub(r"\s+", " ", rest.partition("description: >-")[2]).strip()
        assert len(description) > 120, name
        assert description.endswith("."), name


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Debian's package promtool is not installed")
def test_promtool_accepts_the_alerts_and_the_configuration() -> None:
    argv = ["promtool", "check", "config", "--lint=all", "--lint-fatal", str(FOLDER / "prometheus.yml")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{ALERTS.count('- alert: ')} rules found" in done.stdout


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
