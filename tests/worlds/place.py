"""What a job needs, in one product that tests may kill."""

from __future__ import annotations

import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from reading_room.cli import reading
from reading_room.containers.processes import ProcessHandle, start_time, worker_of
from reading_room.jobs.job import Phase
from tests.worlds.product import Product
from tests.worlds.waiting import eventually


class Place:
    """A bucket, a private network and a role in one product: what a job needs. Survives the product's restarts."""

    def __init__(self, product: Product, cidr: str = "10.0.0.0/16") -> None:
        self.product = product
        account = product.account()
        self.bucket = f"place-{secrets.token_hex(4)}"
        account.s3.create_bucket(Bucket=self.bucket)
        self.network = reading.build_network(account, cidr)
        self.role = reading.make_reader_role(account, self.bucket, self.bucket)

    def put(self, prefix: str, documents: int, words: int = 12) -> None:
        """Store a file of so many documents, one per line, some tens of milliseconds of work each 100."""
        text = "Marie Curie was born in Warsaw and moved to Paris to study. " * max(1, words // 12)
        body = "\n".join([text] * documents).encode()
        self.product.account().s3.put_object(Bucket=self.bucket, Key=f"{prefix}a.txt", Body=body)

    def start(self, prefix: str, **more: Any) -> str:
        """Start an entities job over a prefix."""
        request: dict[str, Any] = {
            "InputDataConfig": {"S3Uri": f"s3://{self.bucket}/{prefix}"},
            "OutputDataConfig": {"S3Uri": f"s3://{self.bucket}/results/{prefix}"},
            "DataAccessRoleArn": self.role,
            "VpcConfig": self.network.config(),
        }
        return reading.JobCalls(self.product.account(), "entities").start(**(request | more))

    def describe(self, job: str) -> dict[str, Any]:
        """Return the job's properties."""
        return reading.JobCalls(self.product.account(), "entities").describe(job)

    def wait(self, job: str, seconds: float = 90) -> dict[str, Any]:
        """Wait for a job's end, also while the product is not there to be asked."""
        account = self.product.await_answer()
        calls = reading.JobCalls(account, "entities")

        def over() -> dict[str, Any] | None:
            try:
                properties = calls.describe(job)
            except (EndpointConnectionError, ConnectionClosedError):
                return None
            return properties if properties["JobStatus"] in reading.OVER else None

        try:
            found = eventually(over, seconds, f"the end of job {job}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.story(job)}\n{self.product.tail()}") from None
        assert found is not None
        return found

    def story(self, job: str) -> str:
        """Return the events of a job, a line each."""
        with self.product.database() as database:
            rows = database.execute("SELECT at, event, text FROM job_events WHERE job_id = ? ORDER BY sequence", (job,))
            return "\n".join(" ".join(map(str, row)) for row in rows)

    def outputs(self, prefix: str) -> list[str]:
        """Return the keys of what jobs over a prefix wrote."""
        found = self.product.account().s3.list_objects_v2(Bucket=self.bucket, Prefix=f"results/{prefix}")
        return [entry["Key"] for entry in found.get("Contents", [])]

    @contextmanager
    def running(self, documents: int = 20_000, **more: Any) -> Iterator[tuple[str, int]]:
        """Run a long job for the length of the block: its id, and its worker's process. Afterwards it is stopped."""
        prefix = f"running-{secrets.token_hex(4)}/"
        self.put(prefix, documents)
        job = self.start(prefix, **more)
        try:
            worker = eventually(lambda: self.worker(job), 60, f"a worker of {job}")
            assert worker is not None
            yield job, worker
        finally:
            account = self.product.account()
            if self.describe(job)["JobStatus"] not in reading.OVER:
                account.comprehend.stop_entities_detection_job(JobId=job)
            self.wait(job)

    def worker(self, job: str) -> int | None:
        """Return the process that works on an entities job, once it has its first document done."""
        with self.product.database() as database:
            query = "SELECT documents, ended_at FROM jobs WHERE job_id = ?"
            documents, ended = database.execute(query, (job,)).fetchone()
        # Clients for a Describe take so long to make on a busy machine that a job could be over after two looks.
        assert ended is None, f"it is over: {self.describe(job)}\n{self.product.tail()}"
        return self.process(job) if documents else None

    def training(self, arn: str) -> str:
        """Return the id of the job that trains a model."""
        with self.product.database() as database:
            return str(database.execute("SELECT job_id FROM jobs WHERE arn = ?", (arn,)).fetchone()[0])

    def process(self, job: str, attempt: int | None = None) -> int | None:
        """Return the process that was handed a job or a training, in this attempt or in whichever there is."""
        with self.product.database() as database:
            query = "SELECT container_id FROM job_containers WHERE job_id = ? AND attempt = coalesce(?, attempt)"
            wanted = {row[0] for row in database.execute(query, (job, attempt))}
        for record in self.product.records().values():
            if record is None or record.container_id not in wanted or record.phase != "running":
                continue
            if start_time(record.pid) is not None:
                return worker_of(record.pid)
        return None

    @contextmanager
    def stopping(self, job: str, ask: Callable[[], object]) -> Iterator[None]:
        """Ask for a running job's end, and let nothing come of it for the length of the block.

        Its process is frozen before it is asked, or it would be gone some milliseconds later. A kill ends it all the
        same; if it lives at the end of the block, it does then what it was asked.
        """
        worker = eventually(lambda: self.process(job), 60, f"a worker of {job}")
        assert worker is not None
        handle = ProcessHandle.open(worker)
        assert handle is not None, f"the worker of {job} is gone:\n{self.story(job)}"
        with closing(handle):
            handle.signal(signal.SIGSTOP)
            try:
                ask()
                yield
            finally:
                handle.signal(signal.SIGCONT)

    def credentials_path(self, job: str) -> str:
        """Return the path of a running job's credentials, which only its own container is told."""
        with self.product.database() as database:
            query = "SELECT credentials_path FROM job_containers WHERE job_id = ? AND wanted"
            return str(database.execute(query, (job,)).fetchone()[0])

    def kill_at(self, job: str, phase: Phase, victim: str) -> list[int]:
        """End a victim's processes while the job is kept in a phase, with the product running again at the end.

        Return the processes' ids. ``await_answer`` of the product waits for it.
        """
        with ExitStack() as hold:
            hold.enter_context(self.held_at(job, phase))
            pids = self.product.victims(victim)
            if self.product.up is not None and self.product.up.pid in pids:
                # A new ``up`` writes to the database, so that is let go first.
                self.product.kill_processes(pids)
                hold.close()
                self.product.start()
            else:
                self.product.kill_processes(pids)
        return pids

    @contextmanager
    def held_at(self, job: str, phase: Phase, seconds: float = 60) -> Iterator[None]:
        """Wait until the job is in a phase, and keep it there: nobody can write to the database meanwhile."""
        query = "SELECT phase FROM jobs WHERE job_id = ?"
        with self.product.database() as database:
            deadline = time.monotonic() + seconds
            while True:
                if database.execute(query, (job,)).fetchone()[0] == phase.value:
                    database.execute("BEGIN IMMEDIATE")
                    now = database.execute(query, (job,)).fetchone()[0]
                    if now == phase.value:
                        break
                    database.execute("ROLLBACK")
                assert time.monotonic() < deadline, f"{job} was never {phase.value}:\n{self.story(job)}"
                time.sleep(0.0005)
            try:
                yield
            finally:
                database.execute("ROLLBACK")
