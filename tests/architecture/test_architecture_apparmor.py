"""The AppArmor profiles: their parser takes them, and they say what the units say."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROFILES = sorted((ROOT / "packaging" / "apparmor").iterdir())
UNITS = ROOT / "packaging" / "systemd"
PARSER = shutil.which("apparmor_parser", path="/usr/sbin:/sbin")
FEATURES = Path("/etc/apparmor.d/abi/4.0")
"""What a kernel can mediate, as the profiles expect it: without the file the parser asks the kernel that runs."""

needs_parser = pytest.mark.skipif(
    PARSER is None or not FEATURES.exists(), reason="there is no parser of AppArmor 4: install the package apparmor"
)


def parse(profile: Path) -> subprocess.CompletedProcess[str]:
    """Have the parser read a profile, where any warning is an error; nothing is loaded or written."""
    assert PARSER is not None
    told = ["--skip-kernel-load", "--skip-cache", "--features-file", str(FEATURES), "--Werror", str(profile)]
    return subprocess.run([PARSER, *told], capture_output=True, text=True, check=False)


@needs_parser
@pytest.mark.costs(1, reason="the parser makes an automaton of each profile")
@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.name)
def test_the_parser_takes_each_profile(profile: Path) -> None:
    run = parse(profile)
    assert run.returncode == 0, run.stderr


@needs_parser
def test_the_parser_would_find_a_fault(tmp_path: Path) -> None:
    faulty = tmp_path / "faulty"
    faulty.write_text(PROFILES[0].read_text().replace("rw,", "rwz,"))
    assert parse(faulty).returncode != 0


def test_what_serve_writes_it_can_neither_execute_nor_map_nor_link() -> None:
    text = (ROOT / "packaging" / "apparmor" / "reading-room-serve").read_text()
    rules = re.findall(r"^  (@\{reading_room_data\}\S*|@\{reading_room_state\}\S*) (\w+),$", text, re.MULTILINE)
    assert len(rules) == 7
    assert {mode for _, modes in rules for mode in modes} == set("rwk")


def test_profiles_and_units_speak_of_the_same_folders_and_rights() -> None:
    for profile in PROFILES:
        folders = dict(re.findall(r"^@\{(\w+)\} = (\S+)$", profile.read_text(), re.MULTILINE))
        unit = (UNITS / f"{profile.name}.service").read_text()
        assert f"--data {folders['reading_room_data']}\n" in unit
        assert f"READING_ROOM_STATE={folders['reading_room_state']}" in unit
    named = re.findall(r"^  capability (\w+),$", (PROFILES[0]).read_text(), re.MULTILINE)
    kept = re.findall(r"CAP_(\w+)", (UNITS / "reading-room-agent.service").read_text())
    assert sorted(named) == sorted(each.lower() for each in kept)
