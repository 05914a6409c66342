"""A job of several containers on this machine: each a process with a loopback address of its own."""

from __future__ import annotations

import dataclasses
import multiprocessing
import secrets
import threading
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import TracebackType
from typing import Any

from reading_room.analysis.cluster.timing import WORKER_TTL_SECONDS
from reading_room.analysis.job_file import ClusterPlace, Done, Failed, JobFile, Location, WorkerMessage
from reading_room.analysis.memory import Folder, MemoryStorage
from reading_room.analysis.program import Program, Work
from reading_room.containers.message_schema import read_message
from tests.worlds.analysis_cluster_container import LOADED, run
from tests.worlds.analysis_cluster_service import Service

FORKS = multiprocessing.get_context("forkserver")
"""Containers are forked from a process that has loaded what all of them need, which takes a second of the processor."""
FORKS.set_forkserver_preload([run.__module__, *LOADED])
OUTPUT = Location("out", "x/output/output.tar.gz")


class Container:
    """A container that was started. ``said`` holds its messages so far."""

    def __init__(self, process: ForkServerProcess, output: Connection) -> None:
        """``output`` is the end of a pipe to which the process writes its messages."""
        self.process = process
        self.said: list[WorkerMessage] = []
        self._listening = threading.Thread(target=self._listen, args=(output,), daemon=True)
        self._listening.start()

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self.process.pid is not None
        return self.process.pid

    def _listen(self, output: Connection) -> None:
        with output, open(output.fileno(), "rb", closefd=False) as lines:
            for line in lines:
                self.said.append(read_message(line))

    def messages(self, seconds: float = 280) -> list[WorkerMessage]:
        """Wait for its end, and return all its messages."""
        self.process.join(seconds)
        assert self.process.exitcode is not None, f"it did not end within {seconds:.0f} s"
        self._listening.join()
        return self.said

    def close(self) -> None:
        """End it, whatever it is doing."""
        self.process.kill()
        self.messages()

    def end(self) -> Done | Failed:
        """Wait for its end, and return its last message."""
        last = self.messages()[-1]
        assert isinstance(last, Done | Failed)
        return last

    def stop(self) -> None:
        """Ask it to finish early."""
        self.process.terminate()

    def children(self) -> list[int]:
        """The processes that it has started; in the first container, the scheduler."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]


class World:
    """A user's objects, the service, and containers. The ``with`` block ends all of them."""

    def __init__(self, folder: Path, service: Service) -> None:
        self.folder = folder
        self.service = service
        self.seconds = 0.0
        """How long a document takes until ``let_go``."""
        self.worker_ttl: float = WORKER_TTL_SECONDS
        """After how many seconds of silence the first container gives up another one."""
        self.user = Folder(folder / "user")
        self.artifacts = Folder(folder / "service")
        self._network = f"127.{secrets.randbelow(250) + 1}.{secrets.randbelow(250) + 1}"
        self.started: list[Container] = []

    def __enter__(self) -> World:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for container in self.started:
            container.close()

    def address(self, member: int) -> str:
        """The address of a container."""
        return f"{self._network}.{member + 1}"

    def job(self, **changes: Any) -> JobFile:
        """Return a job over ``s3://in/doc``, in one container."""
        members: dict[str, Any] = {
            "job_id": "0" * 32,
            "attempt": 1,
            "kind": "entities",
            "region": "us-east-1",
            "language": "en",
            "input": Location("in", "doc"),
            "input_format": "ONE_DOC_PER_LINE",
            "output": OUTPUT,
            "document_limit": 100_000,
            "part_bytes": 500,
        }
        return JobFile(**(members | changes))

    def start(self, job: JobFile, member: int, containers: int) -> Container:
        """Start a container of a job."""
        place = ClusterPlace(member, containers, self.address(member), self.address(0), f"/{member}")
        options = {
            "job": dataclasses.replace(job, cluster=place).to_json(),
            "service": self.service.address,
            "folder": str(self.folder),
            "seconds": self.seconds,
            "worker_ttl": self.worker_ttl,
        }
        lines, output = FORKS.Pipe(duplex=False)
        with output:
            process = FORKS.Process(target=run, args=(options, output))
            process.start()
        container = Container(process, lines)
        self.started.append(container)
        return container

    def start_all(self, job: JobFile, containers: int) -> list[Container]:
        """Start all containers of a job, the first one first."""
        return [self.start(job, member, containers) for member in range(containers)]

    def alone(self, job: JobFile, program: Program) -> bytes:
        """Return the archive that one container makes of the same input."""
        objects = MemoryStorage(dict(self.user.items()), chunk=1 << 16)
        folder = self.folder / f"alone-{secrets.token_hex(4)}"
        folder.mkdir()
        artifacts = MemoryStorage(self.artifacts, chunk=1 << 16)
        program.run(Work(job, objects, folder, lambda: False, lambda _: None, artifacts))
        return objects.objects[OUTPUT.bucket, OUTPUT.key]

    def archive(self) -> bytes:
        """The archive of the job."""
        return self.user[OUTPUT.bucket, OUTPUT.key]

    def objects_left(self) -> list[str]:
        """The keys of the output's bucket beside the archive."""
        return sorted(key for bucket, key in self.user if bucket == OUTPUT.bucket and key != OUTPUT.key)

    def works(self, member: int) -> bool:
        """Whether a container has begun with a document."""
        return (self.folder / f"at-{member}").exists()

    def let_go(self) -> None:
        """Let the held documents finish, and let documents take no time from now on."""
        (self.folder / "go").touch()
