"""The auditor's walk is true: its commands print what the page says, in one shell, against a product of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from product_world import Product
from tool_world import aws_folder

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1000)]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "auditor.md"
MARK = "=====next command====="
MISSING = [each for each in ("curl", "pgrep") if shutil.which(each) is None]
"""Programs of the page that a bare system lacks."""


def steps() -> list[tuple[str, list[str]]]:
    """Each command of the page with the lines that it is said to print."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text(), re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def occurs(said: list[str], printed: str) -> bool:
    """Whether the lines occur one after the other, others between them where the page has a line of ``…`` alone.

    Within a line, ``…`` stands for anything; so does the space at which a terminal would break it.
    """
    pattern = ".*?".join(re.escape(part.strip()) for part in "…".join(said).split("…"))
    return re.search(pattern.replace(r"\ ", r"\s+"), printed, re.DOTALL) is not None


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What each command of the page prints."""
    product = Product(tmp_path_factory.mktemp("audit"))
    program = Path(sys.executable).parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
        "PATH": f"{program}:{aws_folder()}:{os.environ['PATH']}",
        "READING_ROOM_DATA": str(product.data),
        "READING_ROOM_PORT": str(product.port),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{product.port}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_PAGER": "",
        "AWS_SHARED_CREDENTIALS_FILE": str(product.data / "credentials"),
    }
    script = "\n".join(f"{command}\necho; echo {MARK}" for command, _ in steps())
    try:
        product.start()
        run = subprocess.run(
            ["/bin/bash", "-c", f"exec 2>&1\n{script}"],
            env=environment | {f"READING_ROOM_{key}": value for key, value in product.settings.items()},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    finally:
        product.clear()
    return run.stdout.split(MARK)[:-1]


@pytest.mark.skipif(bool(MISSING), reason=f"the page uses {', '.join(MISSING)}, which is not installed here")
def test_each_command_of_the_walk_prints_what_the_page_says(outputs: list[str]) -> None:
    told = steps()
    assert len(outputs) == len(told) > 20
    wrong = [
        f"$ {command}\nsaid:\n{chr(10).join(said)}\nprinted:\n{printed}"
        for (command, said), printed in zip(told, outputs, strict=True)
        if not occurs(said, printed)
    ]
    assert not wrong, "\n\n".join(wrong)
