"""What ``doctor`` says of a machine that lacks something, in a view of the files where it is hidden."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reading_room.cli.doctor import disk_finding
from reading_room.cli.running import free_port
from reading_room.settings import Settings

pytestmark = pytest.mark.network


def diagnosed(*hidden: str) -> dict[str, dict[str, str]]:
    """Return the findings by their names, with these files replaced by an empty one."""
    mounts = "".join(f"mount --bind /dev/null {path} && " for path in hidden)
    spaces = ["/usr/bin/unshare", "-m", *(["-r"] if os.geteuid() else [])]
    doctor = f"{sys.executable} -m reading_room doctor --json"
    run = subprocess.run(
        [*spaces, "sh", "-c", mounts + doctor], capture_output=True, text=True, timeout=90, check=False
    )
    findings = {finding["what"]: finding for finding in json.loads(run.stdout)}
    missing = any(finding["state"] == "missing" for finding in findings.values())
    assert run.returncode == (1 if missing else 0), run.stderr
    return findings


def test_a_missing_program_is_named_with_the_package_that_brings_it() -> None:
    found = diagnosed("/usr/bin/bwrap")
    assert found["bwrap"]["state"] == "missing"
    assert found["bwrap"]["mend"].endswith("apt-get install --no-install-recommends bubblewrap")
    assert "enforcement" not in found, "nothing is tried that cannot work"


def test_a_disk_below_its_floor_is_named_with_the_setting(tmp_path: Path) -> None:
    assert disk_finding(Settings(data=tmp_path / "not" / "yet", storage_free=1)).state == "ok"
    finding = disk_finding(Settings(data=tmp_path, storage_free=1 << 60))
    assert finding.state == "missing"
    assert "READING_ROOM_STORAGE_FREE" in finding.mend


def test_user_namespaces_are_not_blamed_for_a_missing_program() -> None:
    found = diagnosed("/usr/bin/unshare")
    assert found["user namespaces"]["says"] == "cannot be tried without unshare"
    assert found["unshare"]["mend"].endswith("util-linux")


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
    assert "the agent ended before it was ready; `reading-room doctor` says what it lacks" in run.stderr
    assert "install the Debian package bubblewrap" in run.stderr
