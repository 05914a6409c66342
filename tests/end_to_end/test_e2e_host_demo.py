"""``reading-room host demo``: three hosts on this machine, one of which is killed in the middle of a job on all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worlds.hosts import wireguard_go
from tests.worlds.waiting import eventually

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="root makes the machines"),
]


def started(folder: Path) -> subprocess.Popen[str]:
    """Start the demo, whose files are then in this folder."""
    wireguard_go()
    return subprocess.Popen(
        [sys.executable, "-m", "reading_room", "host", "demo"],
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def nothing_of(folder: Path) -> bool:
    """Return whether no file is in a folder, and no process was started with one of its paths."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue  # It has ended.
        if int(process.name) != os.getpid() and os.fsencode(folder) in told:
            return False
    return not list(folder.iterdir())


@pytest.mark.costs(15, reason="two hosts are started and ended")
def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    with started(tmp_path) as demo:
        assert demo.stdout is not None
        told = []
        for line in demo.stdout:
            told.append(line)
            if "on b  reading-room host run" in line:
                break
        else:
            pytest.fail("".join(told))
        demo.send_signal(signal.SIGINT)
        demo.communicate()
    eventually(lambda: nothing_of(tmp_path), what="an empty folder, and no process")


@pytest.mark.chaos
@pytest.mark.costs(120, reason="three hosts are started, a lease must end, and a job begins again")
def test_a_job_on_three_hosts_survives_the_loss_of_one(tmp_path: Path) -> None:
    with started(tmp_path) as demo:
        told, _ = demo.communicate()
    assert demo.returncode == 0, told
    assert "bytes as from one container, without the host c" in told
    eventually(lambda: nothing_of(tmp_path), what="an empty folder, and no process")
