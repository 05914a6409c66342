"""Connecting out from inside a running job's container, to prove that it cannot reach the outside.

The process of the job is found in the agent's records, and a small program runs in its user, mount and network
namespaces. Only the user who runs the product can do that: root, or the owner of the user namespace.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reading_room.agent import holder as holders
from reading_room.cli.agent_config import runtime_folder
from reading_room.containers.processes import ProcessHandle, worker_of
from reading_room.containers.record import Folder
from reading_room.settings import Settings

CONNECT_SECONDS = 1.0
FIND_SECONDS = 20.0

_PROGRAM = """
import json, socket, sys
for address, port in json.loads(sys.argv[1]):
    with socket.socket() as attempt:
        attempt.settimeout(float(sys.argv[2]))
        try:
            attempt.connect((address, port))
            says = "connected"
        except OSError as error:
            says = "no answer" if isinstance(error, TimeoutError) else str(error)
    print(json.dumps([address, port, says]), flush=True)
"""


class ProbeError(Exception):
    """The container could not be entered; the message says why."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to connect, and its result."""

    address: str
    port: int
    says: str

    @property
    def connected(self) -> bool:
        """Whether something answered."""
        return self.says == "connected"


def connect_from_job(settings: Settings, container: str, targets: Sequence[tuple[str, int]]) -> list[Attempt]:
    """Try to connect from inside the container whose id begins with ``container`` (``job-<id of the job>-``).

    Raises ``ProbeError`` if no such container runs, or if it cannot be entered.
    """
    runtime = runtime_folder(settings)
    holder = holders.recorded(runtime)
    if holder is None or not holders.alive(holder):
        raise ProbeError(f"no running product on {settings.data}")
    worker = _await_worker(runtime / "containers", container)
    # The container always has its own user namespace; entering it gives the rights to enter the others.
    spaces = ["/usr/bin/nsenter", "--preserve-credentials", "-U", "-m", "-n", "-t", str(worker), "--"]
    program = [sys.executable, "-I", "-c", _PROGRAM, json.dumps(list(targets)), str(CONNECT_SECONDS)]
    argv = holders.enter_argv(holder, [*spaces, *program]) if os.geteuid() else [*spaces, *program]
    limit = 10 + CONNECT_SECONDS * len(targets)
    run = subprocess.run(argv, capture_output=True, text=True, timeout=limit, check=False, env={"PATH": "/usr/bin"})
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    if len(lines) != len(targets):
        raise ProbeError(f"the container of {container} could not be entered: {run.stderr.strip()[-300:]}")
    return [Attempt(*line) for line in lines]


def _await_worker(folders: Path, container: str) -> int:
    deadline = time.monotonic() + FIND_SECONDS
    while time.monotonic() < deadline:
        for folder in Folder.all(folders):
            record = folder.read()
            if record is None or record.phase != "running" or not record.container_id.startswith(container):
                continue
            handle = ProcessHandle.open(record.pid, record.process_started)
            if handle is None:
                continue
            handle.close()
            worker = worker_of(record.pid)
            if worker is not None:
                return worker
        time.sleep(0.02)
    raise ProbeError(f"no container of {container} runs")
