"""Running a program inside a job's container, as the job itself could."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType


def start_in_container(
    worker: int, program: str, *arguments: str, as_job: bool = False, among_its_processes: bool = False
) -> subprocess.Popen[str]:
    """Start a Python program in a container's user, mount, network and, on request, process namespaces.

    With ``as_job`` it has the job's user id, and so access to its files, but none of the capabilities from entering.
    """
    who = _job_ids(worker) if as_job and os.geteuid() == 0 else ["--preserve-credentials"]
    processes = ["-p"] if among_its_processes else []
    spaces = ["/usr/bin/nsenter", *who, "-U", "-m", "-n", *processes, "-t", str(worker), "--"]
    return subprocess.Popen(
        [*spaces, sys.executable, "-I", "-c", program, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin"},
    )


def run_in_container(
    worker: int,
    program: str,
    *arguments: str,
    seconds: float = 60,
    as_job: bool = False,
    among_its_processes: bool = False,
) -> str:
    """Run a Python program in a container's namespaces and return what it prints."""
    process = start_in_container(worker, program, *arguments, as_job=as_job, among_its_processes=among_its_processes)
    out, err = process.communicate(timeout=seconds)
    assert process.returncode == 0, err
    return out


def _job_ids(worker: int) -> list[str]:
    """Return the options that give a program the user and group ids that the worker has inside."""
    inside = [Path(f"/proc/{worker}/{kind}_map").read_text().split()[0] for kind in ("uid", "gid")]
    return ["-S", inside[0], "-G", inside[1]]


def attempts_program(words: ModuleType, attempts: ModuleType, start: str) -> str:
    """Return a program of two modules, the second of which imports the first by name, followed by its start."""
    first, second = (Path(str(module.__file__)).read_text() for module in (words, attempts))
    return (
        "import sys, types\n"
        "job_attacks = types.ModuleType('job_attacks')\n"
        "for name in ('tests', 'tests.end_to_end', 'tests.end_to_end.job_attacks'):\n"
        "    sys.modules[name] = job_attacks\n"
        f"exec({first!r}, job_attacks.__dict__)\n"
        "attempts = {'__name__': 'attempts'}\n"
        f"exec({second!r}, attempts)\n"
        f"{start}\n"
    )
