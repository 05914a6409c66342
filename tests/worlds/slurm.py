"""A slurmrestd with a small Slurm behind it, on a Unix socket of the test: nodes with cores, and jobs on them."""

from __future__ import annotations

import json
import re
import socketserver
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

USER = 4711
"""The user id that this slurmrestd submits as."""


@dataclass
class Job:
    """A job of this Slurm."""

    job_id: int
    name: str
    cores: int
    without: tuple[str, ...] = ()
    script: str = ""
    user: int = USER
    states: list[str] = field(default_factory=lambda: ["PENDING"])
    reason: str = "None"
    node: str = ""
    code: int = 0

    @property
    def lives(self) -> bool:
        return bool({"PENDING", "RUNNING", "SUSPENDED"} & set(self.states))

    @property
    def container(self) -> str:
        return self.name.rpartition(":")[2]

    def described(self) -> dict[str, Any]:
        """Return it as slurmrestd does, with some of the many members that nobody reads."""
        code = {"set": "PENDING" not in self.states, "infinite": False, "number": self.code}
        return {
            "job_id": self.job_id,
            "name": self.name,
            "user_id": self.user,
            "user_name": "reader",
            "job_state": self.states,
            "state_reason": self.reason,
            "nodes": self.node,
            "excluded_nodes": ",".join(self.without),
            "exit_code": {"status": [], "return_code": code, "signal": {"name": ""}},
            "time_limit": {"set": True, "infinite": False, "number": 60},
        }


class FakeSlurm:
    """Starts jobs in order of their ids on the first node with a free core. Every method may be called at any time."""

    def __init__(self, path: Path, nodes: dict[str, int]) -> None:
        self.path = path
        self.nodes = dict(nodes)
        """The cores of each node."""
        self.closed: set[str] = set()
        """The nodes that get nothing new."""
        self.jobs: dict[int, Job] = {}
        self.requests: list[str] = []
        self.error: tuple[int, str] | None = None
        """The error that every request gets."""
        self.refusal: tuple[int, str] | None = None
        """The error that submissions get."""
        self.reason_of_running = "None"
        """The reason of a job that begins."""
        self.lose_answers = False
        """Whether a submission is done, and its answer lost."""
        self.raw: bytes | None = None
        """The answer to every request, whatever it is."""
        self._lock = threading.RLock()
        self._server: socketserver.ThreadingUnixStreamServer | None = None
        self.start()

    def start(self) -> None:
        """Start slurmrestd; its jobs are those of before."""
        slurm = self

        class Handler(_Handler):
            answer = staticmethod(slurm._answer)

        self._server = _Server(str(self.path), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """End slurmrestd."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            self.path.unlink()

    def job_of(self, container: str) -> Job:
        """Return the newest job of a container."""
        return [each for each in self.jobs.values() if each.container == container][-1]

    def living(self) -> list[str]:
        """Return the containers that have a slot or wait for one, in order of their jobs."""
        return [each.container for each in self.jobs.values() if each.lives]

    def end(self, container: str, state: str, code: int = 0) -> None:
        """End the job of a container with a state."""
        job = self.job_of(container)
        job.states, job.code = [state], code

    def forget(self, container: str) -> None:
        """Forget the job of a container, as slurmctld does some minutes after its end."""
        del self.jobs[self.job_of(container).job_id]

    def take(self, node: str, name: str = "somebody's") -> None:
        """Let somebody else take all of a node."""
        job = Job(self._next(), name, self.nodes[node], user=1, states=["RUNNING"], node=node)
        self.jobs[job.job_id] = job

    def give_back(self, node: str) -> None:
        """End what somebody else has on a node."""
        for job in self.jobs.values():
            if job.node == node and job.user != USER:
                job.states = ["COMPLETED"]

    def submit(self, name: str, user: int = USER, cores: int = 1, without: Sequence[str] = (), script: str = "") -> Job:
        """Submit a job."""
        with self._lock:
            job = Job(self._next(), name, cores, tuple(without), script, user)
            self.jobs[job.job_id] = job
            return job

    def _next(self) -> int:
        return max(self.jobs, default=0) + 1

    def _schedule(self) -> None:
        for job in self.jobs.values():
            if job.states == ["PENDING"] and not job.reason.startswith("JobHeld"):
                fits = [node for node in self.nodes if node not in job.without and self._free(node) >= job.cores]
                job.reason = "None" if fits else "Resources"
                if fits:
                    job.node, job.states, job.reason = fits[0], ["RUNNING"], self.reason_of_running

    def _free(self, node: str) -> int:
        if node in self.closed:
            return 0
        used = sum(each.cores for each in self.jobs.values() if each.node == node and "RUNNING" in each.states)
        return self.nodes[node] - used

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
        with self._lock:
            self.requests.append(f"{method} {path}")
            if self.raw is not None:
                return 200, self.raw
            if self.error is not None:
                return _error(*self.error)
            found = self._handle(method, path.removeprefix("/slurm/v0.0.42/"), body)
            self._schedule()
            if self.lose_answers and path.endswith("submit"):
                return None
            return found

    def _handle(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if (method, path) == ("POST", "job/submit"):
            if self.refusal is not None:
                return _error(*self.refusal)
            wanted = json.loads(body)
            job = wanted["job"]
            if unknown := set(job.get("excluded_nodes", ())) - set(self.nodes):
                return _error(2013, f"Invalid node name specified: {unknown}")
            without = job.get("excluded_nodes", ())
            made = self.submit(job["name"], USER, job["cpus_per_task"], without, wanted["script"])
            return _answer(job_id=made.job_id, step_id="batch")
        if (method, path) == ("GET", "jobs/"):
            return _answer(jobs=[each.described() for each in self.jobs.values()])
        number = re.fullmatch(r"job/([0-9]+)", path)
        if number is None or int(number[1]) not in self.jobs:
            return _error(2017, "Invalid job id specified")
        job = self.jobs[int(number[1])]
        if method == "GET":
            return _answer(jobs=[job.described()])
        if not job.lives:
            return _error(2021, "Job/step already completing or completed")
        job.states = ["CANCELLED"]
        return _answer(status=[])


def _answer(**members: Any) -> tuple[int, bytes]:
    return 200, json.dumps({**members, "meta": {}, "errors": [], "warnings": []}).encode()


def _error(number: int, text: str) -> tuple[int, bytes]:
    error = {"error_number": number, "error": text, "description": "It failed", "source": "slurm"}
    return 500, json.dumps({"meta": {}, "errors": [error], "warnings": []}).encode()


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that does not wait for its answer is no error."""


class _Handler(BaseHTTPRequestHandler):
    answer: Callable[[str, str, bytes], tuple[int, bytes] | None]

    def do_GET(self) -> None:
        found = self.answer(self.command, self.path, self.rfile.read(int(self.headers.get("content-length", 0))))
        if found is None:
            self.close_connection = True
            return
        status, body = found
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_DELETE = do_GET

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: object) -> None:
        pass
