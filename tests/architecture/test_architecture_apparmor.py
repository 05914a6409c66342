"""The AppArmor profiles: the parser accepts them, and they agree with the systemd units."""

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
"""The kernel features that the profiles expect; without this file the parser uses those of the running kernel."""

needs_parser = pytest.mark.skipif(
    PARSER is None or not FEATURES.exists(), reason="AppArmor 4's parser is missing: install the package apparmor"
)


def parse(profile: Path) -> subprocess.CompletedProcess[str]:
    """Parse a profile with warnings as errors, without loading or writing anything."""
    assert PARSER is not None
    options = ["--skip-kernel-load", "--skip-cache", "--features-file", str(FEATURES), "--Werror", str(profile)]
    return subprocess.run([PARSER, *options], capture_output=True, text=True, check=False)


@needs_parser
@pytest.mark.costs(1, reason="the parser builds an automaton for each profile")
@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.name)
def test_the_parser_accepts_each_profile(profile: Path) -> None:
    run = parse(profile)
    assert run.returncode == 0, run.stderr


@needs_parser
def test_the_parser_rejects_a_profile_with_an_error(tmp_path: Path) -> None:
    faulty = tmp_path / "faulty"
    faulty.write_text(PROFILES[0].read_text().replace("rw,", "rwz,"))
    assert parse(faulty).returncode != 0


def test_serve_cannot_execute_map_or_link_the_files_that_it_writes() -> None:
    text = (ROOT / "packaging" / "apparmor" / "reading-room-serve").read_text()
    rules = re.findall(r"^  (@\{reading_room_data\}\S*|@\{reading_room_state\}\S*) (\w+),$", text, re.MULTILINE)
    assert len(rules) == 8
    assert {mode for _, modes in rules for mode in modes} == set("rwk")


def test_profiles_and_units_have_the_same_folders_and_capabilities() -> None:
    for profile in PROFILES:
        folders = dict(re.findall(r"^@\{(\w+)\} = (\S+)$", profile.read_text(), re.MULTILINE))
        unit = (UNITS / f"{profile.name}.service").read_text()
        assert f"--data {folders['reading_room_data']}\n" in unit
        assert f"READING_ROOM_STATE={folders['reading_room_state']}" in unit
    named = re.findall(r"^  capability (\w+),$", (PROFILES[0]).read_text(), re.MULTILINE)
    kept = re.findall(r"CAP_(\w+)", (UNITS / "reading-room-agent.service").read_text())
    assert sorted(named) == sorted(each.lower() for each in kept)
