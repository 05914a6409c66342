"""The scheduler's process, as the first container's worker starts and ends it."""

from __future__ import annotations

import dataclasses
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from reading_room.analysis.cluster.identity import Identity
from reading_room.analysis.cluster.scheduler import END, READY
from reading_room.analysis.cluster.timing import WORKER_TTL_SECONDS
from reading_room.analysis.storage import JobFailure

_ENVIRONMENT = ("PATH", "LANG")
_START_SECONDS = 60.0
_END_SECONDS = 3.0


class SchedulerProcess:
    """A process that starts at once and ends with the ``with`` block that uses it."""

    def __init__(self, address: str, identity: Identity, scratch: Path, worker_ttl: float = WORKER_TTL_SECONDS) -> None:
        """Start the process. It listens on ``address``, the container's own, and writes its files to ``scratch``.

        It removes a container from the cluster that sends nothing for ``worker_ttl`` seconds.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "reading_room.analysis.cluster.scheduler"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        )
        settings = {
            "address": address,
            "scratch": str(scratch),
            "identity": dataclasses.asdict(identity),
            "worker_ttl": worker_ttl,
        }
        self._write(json.dumps(settings).encode() + b"\n")

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def wait_ready(self) -> None:
        """Wait until the scheduler listens. Raise ``JobFailure`` (``CLUSTER_LOST``) if it ends or takes too long."""
        assert self._process.stdout is not None
        until = time.monotonic() + _START_SECONDS
        while not select.select([self._process.stdout], [], [], 0.2)[0]:
            if time.monotonic() > until:
                raise JobFailure("CLUSTER_LOST", f"the cluster's scheduler did not start in {_START_SECONDS:.0f} s")
        if self._process.stdout.readline() != READY:
            self._process.wait()
            raise self.lost() or JobFailure("CLUSTER_LOST", "the cluster's scheduler did not start")

    def lost(self, wait: float = 0.0) -> JobFailure | None:
        """Return the failure of a scheduler that has ended or ends within ``wait`` seconds, otherwise ``None``."""
        try:
            code = self._process.wait(wait)
        except subprocess.TimeoutExpired:
            return None
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return JobFailure("CLUSTER_LOST", f"the cluster's scheduler ended {how}")

    def end(self) -> None:
        """Tell the scheduler to end the cluster, and every container in it that the end is intended. Does not wait."""
        self._write(END)

    def wait_ended(self) -> None:
        """Wait for the end of the process, a few seconds at most."""
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            # The process is killed at the end of the block. A container without that message notices the broken
            # connection.
            return

    def _write(self, line: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except BrokenPipeError:
            # The process has ended already; ``lost`` reports that.
            return

    def __enter__(self) -> SchedulerProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue
