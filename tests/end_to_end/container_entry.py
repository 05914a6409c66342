"""Running a program inside a job's container, as the job itself could."""

from __future__ import annotations

import subprocess
import sys


def start_in_container(worker: int, program: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a Python program in a container's user, mount and network namespaces."""
    spaces = ["/usr/bin/nsenter", "--preserve-credentials", "-U", "-m", "-n", "-t", str(worker), "--"]
    return subprocess.Popen(
        [*spaces, sys.executable, "-I", "-c", program, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin"},
    )


def run_in_container(worker: int, program: str, *arguments: str, seconds: float = 60) -> str:
    """Run a Python program in a container's namespaces and return what it prints."""
    process = start_in_container(worker, program, *arguments)
    out, err = process.communicate(timeout=seconds)
    assert process.returncode == 0, err
    return out
