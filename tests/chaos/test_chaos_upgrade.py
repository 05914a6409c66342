"""Another version replaces serve and agent, and their program files, while a job runs. Then it cannot be taken back.

The environment of its own has 29,000 links, so this takes half a minute.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reading_room import versions
from reading_room.cli import reading
from reading_room.upgrades import backups
from tests.worlds.cluster import Hall
from tests.worlds.place import Place
from tests.worlds.processes import slowed
from tests.worlds.units import Units

pytestmark = [pytest.mark.chaos, pytest.mark.e2e, pytest.mark.timeout(600)]

SOURCE = Path(__file__).resolve().parents[2] / "src"
NEWER = "99.0.0"
ROOT = os.geteuid() == 0


@pytest.fixture
def environment() -> Iterator[Path]:
    """A folder with an environment and a source tree of its own, as an installation has; no file is copied."""
    # In a folder that only its owner may enter, the holder would keep showing the replaced one.
    parents = [path for path in map(Path, ("/var/tmp", "/tmp")) if path.stat().st_dev == Path(sys.prefix).stat().st_dev]
    if not parents:
        pytest.skip("every temporary folder is on another file system than the environment")
    folder = Path(tempfile.mkdtemp(dir=parents[0]))
    try:
        folder.chmod(0o755)
        subprocess.run(["cp", "-al", sys.prefix, folder / "venv"], check=True)
        found = (folder / "venv").glob("lib/python*/site-packages/*reading_room*.pth")
        (pth,) = (path for path in found if path.read_text().strip() == str(SOURCE))
        replace(pth, f"{folder / 'src'}\n")
        install(folder)
        yield folder
    finally:
        shutil.rmtree(folder)


def replace(path: Path, text: str) -> None:
    """Replace a file, which may be a hard link, as installers do."""
    path.unlink()
    path.write_text(text)


def install(folder: Path, version: str = versions.VERSION) -> Path:
    """Put the source tree of a version in the place of another one, and return the worker's package."""
    shutil.rmtree(folder / "src", ignore_errors=True)
    subprocess.run(["cp", "-al", SOURCE, folder / "src"], check=True)
    path = folder / "src/reading_room/versions.py"
    replace(path, path.read_text().replace(f'VERSION = "{versions.VERSION}"', f'VERSION = "{version}"'))
    return folder / "src/reading_room/analysis"


def output(place: Place, job: str) -> bytes:
    """Wait for the end of a job and return the bytes of its output."""
    uri = place.wait(job)["OutputDataConfig"]["S3Uri"]
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bytes(place.account.s3.get_object(Bucket=bucket, Key=key)["Body"].read())


@contextmanager
def held(place: Hall, containers: int) -> Iterator[tuple[str, set[int]]]:
    """Hold a job of some containers at work, and yield its id and its workers; then it goes on."""
    if containers == 1:
        with place.held("long/") as (job, worker), slowed(worker):
            yield job, {worker}
        return
    with place.at_work("long/", containers) as (job, members):
        yield job, {member.worker for member in members.values()}


@pytest.mark.parametrize("containers", [1, 2])
def test_a_job_ends_as_ever_while_another_version_takes_over(
    tmp_path: Path, environment: Path, containers: int
) -> None:
    units = Units(tmp_path)
    units.python = str(environment / "venv/bin/python")
    try:
        units.start()
        place = Hall(units)
        place.put("long/", 1_000)
        undisturbed = output(place, place.start("long/", "entities"))

        with held(place, containers) as (job, workers):
            for name in ("serve", "agent"):
                units.stop_unit(name)
            package = install(environment, NEWER)
            shutil.rmtree(package / "engines")  # Not even what the new version has is what the old one needs.
            replace(package / "inputs.py", "raise SystemExit('of another version')\n")
            for name in ("agent", "serve"):
                units.start_unit(name)
            units.await_answer()
            assert {member.worker for member in place.members(job).values()} == workers, units.tail()
            for worker in workers if ROOT else ():
                seen = Path(f"/proc/{worker}/root{package}")
                assert (seen / "inputs.py").read_bytes() == (SOURCE / "reading_room/analysis/inputs.py").read_bytes()
                assert (seen / "engines").is_dir()
        assert output(place, job) == undisturbed
        assert place.attempts(job) == 1, place.story(job)
        assert reading.find_job(place.account, job) is not None

        recorded = versions.read(units.data)
        assert recorded is not None
        assert recorded.program == NEWER
        for folder in (units.data, units.place.folder):
            assert [(each.origin, each.target) for each in backups(folder)] == [(versions.VERSION, NEWER)]
        # The version before is refused by what root keeps, and by the data.
        for name in ("serve", "agent"):
            units.stop_unit(name)
        install(environment)
        for words in (["agent", "--join"], ["serve"]):
            argv = [units.python, "-m", "reading_room", *words, "--data", str(units.data)]
            told = {f"READING_ROOM_{name}": value for name, value in units.settings.items()}
            done = subprocess.run(argv, env=os.environ | told, capture_output=True, text=True, check=False)
            assert done.returncode == 1
            assert f"was opened by version {NEWER}" in done.stderr
            assert f"put back a backup, which `reading-room rollback --data {units.data}` lists" in done.stderr
    finally:
        units.clear()
