"""Standard tools, installed apart from the product, and a folder of files with difficult names."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

WANTED = Path(__file__).with_name("s3_tools.txt")
INSTALLED = Path(__file__).parents[2] / f".venv-tools-{sys.version_info[0]}.{sys.version_info[1]}"
NAMES = (
    "a b/c+d.txt",
    "ünï/100%.txt",
    "x&y=z.txt",
    "'quotes\".txt",
    "deep/er/and/deeper/~tilde",
    "-dash",
    "#hash;semi,comma",
)
BIG = 20 * 1000 * 1000


def install(wanted: Path = WANTED, installed: Path = INSTALLED) -> Path:
    """Return the folder of the tools' programs, installed now if necessary; skip the test if that is impossible."""
    stamp = installed / "installed.txt"
    with only_here(installed):
        if not stamp.exists() or stamp.read_text() != wanted.read_text():
            venv.create(installed, with_pip=True, clear=True)
            pip = [str(installed / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            done = subprocess.run([*pip, "-r", str(wanted)], capture_output=True, text=True, timeout=600)
            if done.returncode != 0:
                pytest.skip(f"the tools of {wanted.name} cannot be installed here: {done.stderr.strip()[-300:]}")
            stamp.write_text(wanted.read_text())
    return installed / "bin"


@contextmanager
def only_here(folder: Path) -> Iterator[None]:
    """Make a folder, and lock it against other processes meanwhile, because tests run side by side."""
    folder.mkdir(exist_ok=True)
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def make_tree(folder: Path) -> Path:
    """Write files with odd names, an empty one and a big one."""
    for name in NAMES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"This is {name}.\n")
    (folder / "empty").touch()
    (folder / "big.bin").write_bytes(os.urandom(BIG))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder by its path in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Tool:
    """A program with the administrator's key in its environment, and no other place to find a key."""

    def __init__(self, argv: list[str], environment: dict[str, str]) -> None:
        self._argv = argv
        self._environment = environment

    def __call__(self, *arguments: str | Path, fails: bool = False) -> str:
        """Run it and return its output; it must succeed, or fail if ``fails``."""
        done = subprocess.run(
            [*self._argv, *map(str, arguments)],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr
