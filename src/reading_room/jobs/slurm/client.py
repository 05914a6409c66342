"""Requests to slurmrestd over its Unix socket.

``serve`` runs no program and connects to no other machine, so it does not use Slurm's own commands.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from reading_room.codec import DocumentError
from reading_room.jobs.slurm.documents import (
    MOST_BYTES,
    SlurmError,
    SlurmJob,
    SlurmRefused,
    read_done,
    read_jobs,
    read_submitted,
)

T = TypeVar("T")
VERSION = "v0.0.42"
"""The data parser of Slurm 24.11, which 25.05 and 25.11 have, too."""
_TIMEOUT_SECONDS = 20.0
"""slurmrestd itself gives up on slurmctld after ten."""
_NO_SUCH_JOB = (2017, 2021)
"""Slurm does not know the id (any more), or the job has ended already (``ESLURM_`` in slurm_errno.h)."""
_AWAY = (-1, 1800, 1801, 1802, 1803, 1804, 1805, 5004)
"""slurmrestd cannot talk to slurmctld, or did not hear its answer. It has no number for a connection that breaks."""

_PIECE_BYTES = 1 << 16


class SlurmClient:
    """One connection per request, with a time limit, from one thread."""

    def __init__(self, path: Path, timeout: float = _TIMEOUT_SECONDS) -> None:
        self._path = path
        self._timeout = timeout

    def jobs(self, prefix: str) -> tuple[SlurmJob, ...]:
        """Return the jobs whose names begin with ``prefix``. Slurm has no such filter. Raises ``SlurmError``."""
        return self._call("GET", "jobs/", lambda document: read_jobs(document, prefix))

    def job(self, job_id: int, name: str) -> SlurmJob | None:
        """Return the job with this id and name; ``None`` if Slurm knows none. Raises ``SlurmError``."""
        try:
            found = self._call("GET", f"job/{job_id}", lambda document: read_jobs(document, name))
        except SlurmRefused as error:
            if error.number in _NO_SUCH_JOB:
                return None
            raise
        return next((each for each in found if (each.job_id, each.name) == (job_id, name)), None)

    def submit(self, request: Mapping[str, Any]) -> int:
        """Submit a job and return its id. Raises ``SlurmError``: then it may have been submitted all the same."""
        return self._call("POST", "job/submit", read_submitted, request)

    def cancel(self, job_id: int) -> None:
        """Cancel a job. Does nothing if it has ended. Raises ``SlurmError``."""
        try:
            self._call("DELETE", f"job/{job_id}", read_done)
        except SlurmRefused as error:
            if error.number not in _NO_SUCH_JOB:
                raise

    def _call(self, method: str, what: str, read: Callable[[bytes], T], request: Mapping[str, Any] | None = None) -> T:
        body = None if request is None else json.dumps(request).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection = _UnixConnection(self._path, self._timeout)
        try:
            connection.request(method, f"/slurm/{VERSION}/{what}", body, headers)
            answer = connection.getresponse()
            document = self._read(answer, time.monotonic() + self._timeout)
        except (OSError, http.client.HTTPException) as error:
            raise SlurmError(f"{self._path} does not answer: {error}") from error
        finally:
            connection.close()
        try:
            # An error of Slurm's is in the document, with status 500.
            return read(document)
        except SlurmRefused as error:
            if error.number in _AWAY:
                raise SlurmError(f"slurmctld does not answer: {error}") from error
            raise
        except DocumentError as error:
            text = f"status {answer.status}" if answer.status != http.client.OK else str(error)
            raise SlurmError(f"{self._path} gives no answer of Slurm {VERSION}: {text}") from error

    def _read(self, answer: http.client.HTTPResponse, end: float) -> bytes:
        document = bytearray()
        while len(document) <= MOST_BYTES and (piece := answer.read1(_PIECE_BYTES)):
            document += piece
            if time.monotonic() > end:
                raise TimeoutError(f"the answer is not complete after {self._timeout:g} s")
        return bytes(document)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
