"""The Debian package: the same files give the same bytes, and its parts agree with the product."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer.main

from reading_room.analysis.kinds import CONTAINER_BYTES
from reading_room.cli.commands import app
from reading_room.settings import variables
from tests.worlds.pages import ROOT

deb: Any = importlib.import_module("deb")
man_pages: Any = importlib.import_module("man_pages")
PACKAGING = ROOT / "packaging"
EPOCH = 1_790_000_000


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed here")
@pytest.mark.costs(0.5, reason="dpkg-deb packs twice")
def test_a_package_of_the_same_files_has_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever packs them, when, and with whatever umask."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(EPOCH))
    made = []
    for time, mode in ((1_000_000_000, 0o600), (EPOCH + 1_000_000, 0o664)):
        stage = tmp_path / str(time)
        deb.write(
            stage / "DEBIAN" / "control", "Package: a\nVersion: 1\nArchitecture: all\nMaintainer: b\nDescription: c\n"
        )
        deb.write(stage / "usr" / "file", "text", mode=mode)
        (stage / "usr" / "link").symlink_to("file")
        os.utime(stage / "usr" / "file", (time, time))
        made.append(deb.pack(stage, tmp_path / f"{time}.deb").read_bytes())
    assert made[0] == made[1]


def test_the_package_has_the_version_of_the_product_s_wheel() -> None:
    weights = Path("reading_room_weights-1.0-py3-none-any.whl")
    assert deb.version_of([weights, Path("reading_room-0.2-py3-none-any.whl")]) == "0.2"
    with pytest.raises(deb.BuildError, match="one wheel of the product is needed"):
        deb.version_of([weights])


def test_nothing_is_left_of_where_packages_were_installed_from(tmp_path: Path) -> None:
    told = {"a.py": "", "__pycache__/a.pyc": "", "bin/a": "", "a-1.dist-info/direct_url.json": "file:///home/me/a.whl"}
    rows = [
        "a.py,sha256=x,1",
        "__pycache__/a.pyc,,",
        "../../bin/a,sha256=x,1",
        "a-1.dist-info/direct_url.json,sha256=x,1",
    ]
    for name, text in (told | {"a-1.dist-info/RECORD": "\n".join(rows) + "\n"}).items():
        deb.write(tmp_path / name, text)
    deb.clean(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["RECORD", "a.py"]
    assert (tmp_path / "a-1.dist-info" / "RECORD").read_text() == "a.py,sha256=x,1\n"


def test_the_manual_has_every_command_option_and_setting() -> None:
    def commands(command: Any, path: str) -> list[str]:
        children = getattr(command, "commands", {})
        return [each for name, child in children.items() for each in commands(child, f"{path} {name}")] or [path]

    text = man_pages.commands_page("1").replace("\\-", "-")
    found = re.findall(r"^\.SS (reading-room(?: [a-z-]+)+)", text, re.MULTILINE)
    assert found == commands(typer.main.get_command(app), "reading-room")
    assert r"\fB--console-port\fR \fIVALUE\fR" in text
    assert "--lifeline" not in text, "hidden options are not for users"
    page = man_pages.settings_page("1")
    assert re.findall(r"^\\fB(READING_ROOM_.+)\\fR$", page, re.MULTILINE) == list(variables(CONTAINER_BYTES))
    assert "object at 0x" not in page, "it would differ between builds"


def test_text_cannot_become_a_request_of_the_manual() -> None:
    assert man_pages.roff(".so /etc/passwd") == r"\&.so /etc/passwd"
    assert man_pages.roff("a\n'b\\n `c-d`") == r"a 'b\en \fBc\-d\fR"


def test_the_folders_are_those_of_the_units() -> None:
    lines = (PACKAGING / "debian" / "tmpfiles.conf").read_text().splitlines()
    unit = (PACKAGING / "systemd" / "reading-room-serve.service").read_text()
    data, state = (line.split()[1] for line in lines if line[0] != "#")
    assert f"--data {data}\n" in unit
    assert f"READING_ROOM_STATE={state} " in unit


@pytest.mark.parametrize("name", deb.SCRIPTS)
def test_a_shell_can_read_the_maintainer_scripts(name: str) -> None:
    subprocess.run(["/bin/sh", "-n", str(PACKAGING / "debian" / name)], check=True)


def test_every_override_of_lintian_is_explained() -> None:
    """A comment precedes each group of overrides."""
    groups = (PACKAGING / "debian" / "lintian-overrides").read_text().strip().split("\n\n")
    assert [group for group in groups if not group.startswith("# ")] == []
