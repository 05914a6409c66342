"""The plots in docs/kinds show the figures in docs/quality.md, and those in docs/growth the ones in docs/growth.md."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import pytest

from tests.worlds.scripts import script

ROOT = Path(__file__).resolve().parents[2]
PAGE = """
<!-- mentions: begin -->
| what | figure | 95 % interval | measured on | floor | aim | |
|---|---|---|---|---|---|---|
| reviews & news | 0.812 | 0.79 to 0.83 | 1,000 mentions | ≥ 0.78 | 0.82 | ok |
| mentions: expected calibration error | 0.040 | 0.030 to 0.050 | 1,000 mentions | ≤ 0.09 | | ok |
| VADER | 0.500 | 0.480 to 0.520 | 1,000 mentions |  |  |  |
<!-- mentions: end -->
"""


@pytest.fixture(scope="module")
def plots() -> ModuleType:
    """The script that draws the plots."""
    return script("plots")


def test_every_plot_is_up_to_date(plots: ModuleType) -> None:
    """`make docs` draws them."""
    for path, drawing in (plots.drawings() | plots.growth_drawings()).items():
        assert path.read_text() == drawing, f"{path.name} is behind its page: run `make docs`"


def test_every_kind_has_a_page_with_its_plot(plots: ModuleType) -> None:
    """Readers of a kind's page can see how good the kind is."""
    for path in plots.drawings():
        assert f"({path.name})" in path.with_suffix(".md").read_text()


def test_figures_are_read_with_their_intervals_and_without_calibration(plots: ModuleType) -> None:
    """One program writes the table, and another one reads it."""
    found = plots.figures(PAGE, "mentions")
    assert [(row.name, row.value, row.low, row.high, row.floor, row.aim) for row in found] == [
        ("reviews & news", 0.812, 0.79, 0.83, 0.78, 0.82),
        ("VADER", 0.5, 0.48, 0.52, None, None),
    ]
    assert plots.figures(PAGE, "topics") == []


def test_the_page_on_growth_shows_each_of_its_plots(plots: ModuleType) -> None:
    page = (ROOT / "docs" / "growth.md").read_text()
    assert [path.name for path in plots.growth_drawings() if f"(growth/{path.name})" not in page] == []


def test_growth_is_read_by_size_and_drawn_with_a_linear_reference(plots: ModuleType) -> None:
    """Ten times the jobs in ten times the seconds are on the dashed line."""
    table = "<!-- jobs: begin -->\n| jobs | seconds |\n|---|---|\n| 1,000 | 90.0 |\n| 100 | 9.0 |\n<!-- jobs: end -->"
    found = plots.points(table, "jobs")
    assert found == [(100, 9.0), (1000, 90.0)]
    lines = ET.fromstring(plots.curve(found, "jobs")).iter("{http://www.w3.org/2000/svg}polyline")
    assert len({line.get("points") for line in lines}) == 1
    assert plots.points(table, "objects") == []
    assert "not measured yet" in plots.curve([], "objects")


def test_a_drawing_is_well_formed_and_labelled(plots: ModuleType) -> None:
    """Names come from a table and may contain characters that XML does not allow."""
    drawing = plots.plot(plots.figures(PAGE, "mentions"))
    texts = [element.text for element in ET.fromstring(drawing).iter("{http://www.w3.org/2000/svg}text")]
    assert "reviews & news" in texts
    assert "0.812" in texts
    assert ET.fromstring(plots.plot([])) is not None
