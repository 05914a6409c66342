"""The commands that start the product, the first ones after that, on pages and in CI, and those without a product."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from bench.quality.__main__ import TASKS
from bench.quality.corpora import FOLDER_VARIABLE
from tests.worlds.pages import DOCS, ROOT, blocks
from tests.worlds.product import Product
from tests.worlds.shells import PROGRAMS, data_of, product_of, steps_of, wrong_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

OF_MAKE = pytest.mark.skipif(
    PROGRAMS.parent.parent != ROOT, reason="the tests run in an environment that make does not use"
)


@pytest.mark.costs(10, reason="make starts the product, and a job runs")
@OF_MAKE
def test_make_up_and_the_first_calls(tmp_path: Path) -> None:
    """In two terminals, as README, the tutorial and the console's page say."""
    steps = steps_of("start", "README.md", "tutorial.md", "console.md")
    starts = [step for step in steps if step.text == "make up"]
    calls = [step._replace(said=FIRST_CALLS[step.text.split()[-1]]) for step in steps if step not in starts]
    assert (len(starts), len(calls)) == (3, len(FIRST_CALLS))
    with product_of(tmp_path / "start") as product:
        places = {"DATA": str(product.data), "PORT": str(product.port), "CONSOLE_PORT": "0", "PYTHON": sys.executable}
        product.launch_as(["/bin/bash", "-c", f"exec {starts[0].text}"], ROOT, **places)
        product.await_ready(f"http://127.0.0.1:{product.port}")
        before = "mkdir my-texts; echo Marie Curie was born in Warsaw. > my-texts/a.txt"
        wrong = wrong_in(calls, product, tmp_path, before=before, more=data_of(product))
    assert not wrong, "\n\n".join(wrong)


FIRST_CALLS = {
    "10.0.0.0/16": '…"VpcId": "vpc-…',
    "entities,sentiment": "…Marie Curie…PERSON…",
    "get-caller-identity": "…:user/administrator…",
}
"""The last words of their output."""


@pytest.mark.costs(12, reason="three jobs run, and engines for calls start")
def test_how_to_analyse_a_folder_of_texts(product: Product, tmp_path: Path) -> None:
    """The commands print what the page says, and leave nothing."""
    typed = steps_of("folder", "how-to/folder-of-texts.md")
    s3 = product.account().s3
    before = s3.list_buckets()["Buckets"]
    wrong = wrong_in(typed, product, tmp_path, more=data_of(product), ends=False)
    assert not wrong, "\n\n".join(wrong)
    assert s3.list_buckets()["Buckets"] == before


@pytest.mark.costs(12, reason="the page starts two products, and a job runs")
def test_how_to_use_it_in_ci(tmp_path: Path) -> None:
    """The page starts and ends products of its own, with user ids that no other product has."""
    with product_of(tmp_path / "ci") as product:
        # One after another, although a CI machine would have one each: the second must not have the first one's user
        # ids.
        other = int(product.settings["SERVICE_UID"]) + 650
        ids = f"export READING_ROOM_SERVICE_UID={other} READING_ROOM_CONTAINER_UID_FIRST={other + 1}"
        ids += " READING_ROOM_CONTAINER_UID_COUNT=200"
        second = {
            "export READING_ROOM_DATA=$(mktemp -d)/data\n": f"{ids}\nexport READING_ROOM_DATA=$(mktemp -d)/data\n"
        }
        typed = steps_of("ci", "how-to/ci.md")
        assert not (wrong := wrong_in(typed, product, tmp_path, examples=second)), "\n\n".join(wrong)


@pytest.mark.costs(15, reason="the page starts three products, and a job runs")
def test_how_to_test_programs(tmp_path: Path) -> None:
    """The page starts and ends products of its own, one after another."""
    # The plugin is named if this environment was installed before the plugin existed.
    known = {each.name for each in entry_points(group="pytest11")}
    more = {} if "reading_room" in known else {"PYTEST_PLUGINS": "reading_room.testing.plugin"}
    with product_of(tmp_path / "testing") as product:
        more |= {"READING_ROOM_STATE": str(product.state)}
        told = steps_of("testing", "how-to/testing.md")
        assert not (wrong := wrong_in(told, product, tmp_path, more=more)), "\n\n".join(wrong)


@pytest.mark.costs(7, reason="the measuring program starts twice, with all its engines")
@OF_MAKE
@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is not installed here")
def test_quality_without_internet_access(tmp_path: Path) -> None:
    """The commands of "quality.md" say which test sets are missing, leave the page unchanged, and fail."""
    (block,) = [block for block in blocks(DOCS / "quality.md") if block.commands]
    apart = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    environment = os.environ | {"HOME": str(tmp_path), "PYTHON": sys.executable}
    environment.pop(FOLDER_VARIABLE, None)
    page = (DOCS / "quality.md").read_bytes()
    lines = [line.replace(".venv/bin", str(PROGRAMS)) for line in block.text.splitlines()]
    for line, tasks in zip(lines, (TASKS, ["entities"]), strict=True):
        run = subprocess.run(
            [*apart, "/bin/bash", "-c", line], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert run.returncode
        said = [each for each in run.stdout.splitlines() if each.startswith("FAILS ")]
        assert [each.split()[1] for each in said] == [f"{task}:" for task in tasks]
        assert all(f"cannot be fetched into {tmp_path}" in each and FOLDER_VARIABLE in each for each in said), said
        assert "Traceback" not in run.stderr
    assert (DOCS / "quality.md").read_bytes() == page
