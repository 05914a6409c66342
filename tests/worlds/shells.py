"""Pages' blocks typed into shells: which blocks, with which replacements for examples, and their expected output."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from tests.worlds.loaded import loaded_aws, loaded_product
from tests.worlds.pages import Block, blocks, page_of, shell_of
from tests.worlds.product import Product
from tests.worlds.tools import install

PROGRAMS = Path(sys.executable).parent
MARK = "=====next block====="
SHELL_SECONDS = 600.0
"""For a machine under load; alone it takes a tenth of that."""

EXAMPLES = {
    "vpc-0123456789abcdef0": "$VPC",
    "sg-0123456789abcdef0": "$GROUP",
    "eni-0123456789abcdef0": "$ENI",
    "eni-0fedcba9876543210": "$OTHER",
    "vpce-0123456789abcdef0": "$ENDPOINT",
    "pl-0123456789abcdef0": "$LIST",
    "nip-0123456789abcdef0": "$WAY",
    "AKIA0123456789EXAMPLE": "$KEY",
    "0123456789abcdef0123456789abcdef": "$JOB",
    "3f0c2f8e-6a57-4a0e-9d0c-0e9a4ad0c3f1": "$DENIED",
    "JOB_ID": "$JOB",
    "DATA/trail/data-2026-03-01.jsonl": "$READING_ROOM_DATA/trail/data-$(date -u +%F).jsonl",
    "--encoded-message TEXT": "--encoded-message $ENCODED",
}
"""Examples in pages, and the variables that hold the values here, if the test sets them."""
PROMPT = "$ "


class Step(NamedTuple):
    """A block of a page, the text of it that is typed, and the output that the page shows."""

    block: Block
    text: str
    said: str


def steps_of(shell: str, *pages: str) -> list[Step]:
    """Return what a shell types from pages. A block's output is below a prompt in it, or in the next block."""
    return [step for page in pages for step in _steps_of_page(shell, page)]


def _steps_of_page(shell: str, page: str) -> list[Step]:
    found: list[Step] = []
    runs = False
    for block in blocks(page_of(page)):
        if block.commands:
            runs = shell_of(block) == shell
            if runs:
                found += _prompted(block) if block.text.startswith(PROMPT) else [Step(block, block.text, "")]
        elif block.language == "text" and runs:
            found[-1] = found[-1]._replace(said=block.text)
    return found


def _prompted(block: Block) -> list[Step]:
    found: list[Step] = []
    for line in block.text.splitlines():
        if line.startswith(PROMPT):
            found.append(Step(block, line.removeprefix(PROMPT), ""))
        else:
            found[-1] = found[-1]._replace(said=f"{found[-1].said}\n{line}".strip())
    return found


def typed(step: Step, product: Product, scratch: Path, examples: Mapping[str, str]) -> str:
    """Return a block as it is typed here: with this product's address, and the programs and the folder of this test.

    The tutorial waits five seconds for a job, which is not enough on a machine that runs other tests.
    """
    text = step.text
    for theirs, ours in (
        *examples.items(),
        ("/tmp/", f"{scratch}/"),
        ("$PWD/.venv/bin", str(PROGRAMS)),
        (".venv/bin", str(PROGRAMS)),
        ("http://127.0.0.1:4566", f"http://127.0.0.1:{product.port}"),
        ("READING_ROOM_PORT=4566", f"READING_ROOM_PORT={product.port}"),
        ("~/.local/share/reading-room", str(product.data)),
        ("sleep 5\n", "reading-room jobs watch $JOB || true\n"),
    ):
        text = text.replace(theirs, ours)
    return f"python - <<'END OF BLOCK'\n{text}\nEND OF BLOCK" if step.block.language == "python" else text


def occurs(said: str, printed: str) -> bool:
    """Return whether lines occur one after another; ``…`` stands for anything, and blanks match those of a terminal."""
    pattern = ".*?".join(re.escape(part.strip()) for part in said.split("…"))
    return re.search(re.sub(r"(\\\s)+", r"\\s+", pattern), printed, re.DOTALL) is not None


def until_on_record(user: str, operation: str) -> str:
    """Return a command that waits until a user's call can be looked up; pages wait a few seconds instead."""
    look = f"aws cloudtrail lookup-events --lookup-attributes AttributeKey=Username,AttributeValue={user}"
    return f"until {look} | grep -q {operation}; do sleep 0.2; done"


def wrong_in(
    steps: Sequence[Step],
    product: Product,
    scratch: Path,
    *,
    before: str = "",
    examples: Mapping[str, str] = MappingProxyType({}),
    around: Sequence[str] = (),
    more: Mapping[str, str] = MappingProxyType({}),
    ends: bool = True,
) -> list[str]:
    """Type steps into one shell; return those that fail or print something unexpected.

    ``before`` is typed first, ``around`` is a command that runs the shell; both may use ``/tmp/`` as pages do. ``ends``
    says whether a failing command ends the shell, which is wrong for pages that show refusals.
    """
    assert steps
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "READING_ROOM_"))}
    environment |= {f"READING_ROOM_{name}": value for name, value in product.settings.items()}
    # ``around`` may put the shell into another network, where this process's servers cannot be reached.
    folders = [PROGRAMS, install()] if around else [loaded_product(), PROGRAMS, loaded_aws()]
    path = ":".join([*map(str, folders), os.environ["PATH"]])
    environment |= {"PATH": path, "TMPDIR": str(scratch), "COLUMNS": "400", **more}
    script = "\n".join(f"{typed(step, product, scratch, examples)}\necho; echo '{MARK}'" for step in steps)
    run = subprocess.run(
        [
            *around,
            "/bin/bash",
            "-ec" if ends else "-c",
            f"exec 2>&1\n{before.replace('/tmp/', f'{scratch}/')}\n{script}",
        ],
        cwd=scratch,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SHELL_SECONDS,
        check=False,
    )
    *printed, rest = run.stdout.split(f"{MARK}\n")
    wrong = [
        f"{step.block}\n{step.text}\nsaid:\n{step.said}\nprinted:\n{output}"
        for step, output in zip(steps, printed, strict=False)
        if not occurs(step.said, output)
    ]
    if len(printed) < len(steps):
        block, text, _ = steps[len(printed)]
        wrong.append(f"{block} ended the shell with {run.returncode}\n{text}\nprinted:\n{rest}{run.stderr}")
    return wrong


@contextmanager
def product_of(folder: Path, **settings: str) -> Iterator[Product]:
    """Yield a product that is not started; end whatever is left of it."""
    folder.mkdir()
    product = Product(folder, **settings)
    try:
        yield product
    finally:
        product.clear()


def data_of(product: Product) -> dict[str, str]:
    """Return where commands find this product's files and port, instead of their defaults."""
    return {
        "READING_ROOM_DATA": str(product.data),
        "READING_ROOM_STATE": str(product.state),
        "READING_ROOM_PORT": str(product.port),
    }


def by_default(product: Product) -> dict[str, str]:
    """Return the environment that the pages start from, for this product."""
    return data_of(product) | {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{product.port}",
        "AWS_SHARED_CREDENTIALS_FILE": str(product.data / "credentials"),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_PAGER": "",
    }
