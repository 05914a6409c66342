"""The resources that a job needs, in a product that tests may kill."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Any

from reading_room.cli import reading
from reading_room.containers.processes import start_time
from reading_room.jobs.job import Phase
from tests.worlds.own_account import OwnAccount, stop_job
from tests.worlds.processes import frozen, has_spoken, let_work, worker_below
from tests.worlds.product import Product
from tests.worlds.waiting import eventually

LIGHT = "dominant-language"
"""The kind of jobs whose engine loads in a third of the time of others. Few tests depend on what a job finds."""


class Place:
    """A bucket, a private network and a role in one account, as a job needs them. Survives restarts of the product."""

    def __init__(
        self,
        product: Product,
        cidr: str = "10.0.0.0/16",
        account: reading.Account | None = None,
        with_endpoint: bool = True,
    ) -> None:
        """Make a place in an account, by default the first administrator's."""
        self.product = product
        self.account = account or product.account()
        self.ec2 = self.account.ec2
        self.bucket = f"place-{secrets.token_hex(4)}"
        self.account.s3.create_bucket(Bucket=self.bucket)
        self.network = reading.build_network(self.account, cidr, with_endpoint)
        self.role = reading.make_reader_role(self.account, self.bucket, self.bucket)
        self.flows = f"/flows/{self.bucket}"
        """The log group of the network's flow logs, if they are delivered."""

    def log_flows(self) -> None:
        """Deliver the network's flow logs to a log group of this place."""
        reading.log_flows(self.account, self.network.vpc, self.flows, f"{self.bucket}-flows")

    @property
    def endpoint(self) -> str:
        """The network's gateway endpoint."""
        assert self.network.endpoint is not None
        return self.network.endpoint

    def allow(self, *actions: str) -> None:
        """Give the endpoint a policy with these actions."""
        self.ec2.modify_vpc_endpoint(VpcEndpointId=self.endpoint, PolicyDocument=reading.endpoint_policy(actions))

    # Jobs

    def put(self, prefix: str, documents: int, words: int = 12) -> None:
        """Store a file with this many documents, one per line, each of them a millisecond of work for entities."""
        text = "Marie Curie was born in Warsaw and moved to Paris to study. " * max(1, words // 12)
        self.put_text(f"{prefix}a.txt", "\n".join([text] * documents))

    def put_text(self, key: str, content: str | bytes) -> None:
        """Store an object unchanged."""
        body = content.encode() if isinstance(content, str) else content
        self.account.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def start(self, prefix: str, kind: str = LIGHT, **more: Any) -> str:
        """Start a job of a kind over a prefix; given members replace the usual ones, and ``None`` leaves one out."""
        request: dict[str, Any] = {
            "InputDataConfig": {"S3Uri": f"s3://{self.bucket}/{prefix}"},
            "OutputDataConfig": {"S3Uri": f"s3://{self.bucket}/results/{prefix}"},
            "DataAccessRoleArn": self.role,
            "VpcConfig": self.network.config(),
        }
        request = {name: value for name, value in (request | more).items() if value is not None}
        return reading.JobCalls(self.account, kind).start(**request)

    def describe(self, job: str) -> dict[str, Any]:
        """Return the properties of a job of any kind."""
        found = reading.find_job(self.account, job)
        assert found is not None, f"no job {job}"
        return found

    def stop(self, job: str) -> None:
        """Stop a job of any kind; leave it alone if it is over."""
        with self.product.database() as database:
            (arn,) = database.execute("SELECT arn FROM jobs WHERE job_id = ?", (job,)).fetchone()
        stop_job(self.account, arn, job)

    def phase(self, job: str) -> str:
        """Return the phase of a job, without a call to the product."""
        with self.product.database() as database:
            return str(database.execute("SELECT phase FROM jobs WHERE job_id = ?", (job,)).fetchone()[0])

    def over(self, job: str) -> bool:
        """Return whether a job has ended."""
        return self.phase(job).upper() in reading.OVER

    def wait(self, job: str, seconds: float = 360) -> dict[str, Any]:
        """Wait for the end of a job of any kind, even while the product does not answer."""
        try:
            eventually(lambda: self.over(job), seconds, f"the end of job {job}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.story(job)}\n{self.product.tail()}") from None
        self.product.await_answer()
        return self.describe(job)

    def run(self, prefix: str, kind: str = LIGHT, **more: Any) -> dict[str, Any]:
        """Run a job of a kind over a prefix to its end; return its properties."""
        return self.wait(self.start(prefix, kind, **more))

    def results(self, properties: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the result lines of a finished job."""
        return list(reading.results(self.account, properties))

    def story(self, job: str) -> str:
        """Return the events of a job, one per line."""
        with self.product.database() as database:
            rows = database.execute("SELECT at, event, text FROM job_events WHERE job_id = ? ORDER BY sequence", (job,))
            return "\n".join(" ".join(map(str, row)) for row in rows)

    def outputs(self, prefix: str) -> list[str]:
        """Return the keys of the objects that jobs over a prefix wrote."""
        found = self.account.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"results/{prefix}")
        return [entry["Key"] for entry in found.get("Contents", [])]

    @contextmanager
    def running(self, documents: int = 30_000, kind: str = LIGHT, **more: Any) -> Iterator[tuple[str, int]]:
        """Hold a job in its container for the length of the block, and yield its id and its process. Then stop it."""
        prefix = f"running-{secrets.token_hex(4)}/"
        self.put(prefix, documents)
        with self.held(prefix, kind, **more) as (job, worker):
            try:
                yield job, worker
            finally:
                self.stop(job)
        self.wait(job)

    @contextmanager
    def held(
        self, prefix: str, kind: str = "entities", at_work: bool = False, **more: Any
    ) -> Iterator[tuple[str, int]]:
        """Start a job over a prefix, hold it for the length of the block, and yield its id and process; then resume it.

        The process is frozen as soon as it has a connection, or, with ``at_work``, has finished documents. Otherwise
        the job would be over before the test looked at it, and would use the machine meanwhile. If a job is over
        anyway, another one is started.
        """
        while True:
            job = self.start(prefix, kind, **more)
            if at_work:
                eventually(partial(self.worker, job), what=f"a document of {job}", passing=True)
            worker = self._speaks(job)
            if worker is not None:
                with frozen(worker):
                    if start_time(worker) is not None:
                        yield job, worker
                        return
            assert self.wait(job)["JobStatus"] == "COMPLETED", self.story(job)

    @contextmanager
    def holding(self, job: str, attempt: int | None = None, worked: float = 0.0) -> Iterator[int]:
        """Hold a job or a training for the length of the block, as soon as its process has a connection.

        Or once it has then used this many seconds of a processor, so that its progress does not depend on other load.
        """
        worker = self._speaks(job, attempt)
        assert worker is not None, f"{job} is over already:\n{self.story(job)}\n{self.product.tail()}"
        with frozen(worker):
            let_work(worker, worked)
            assert start_time(worker) is not None, f"{job} is over already:\n{self.story(job)}\n{self.product.tail()}"
            yield worker

    def _speaks(self, job: str, attempt: int | None = None) -> int | None:
        """Wait until the process of a job has a connection; return it, or ``None`` if the job is over."""

        def look() -> tuple[int | None] | None:
            worker = self.process(job, attempt)
            if worker is not None and has_spoken(worker):
                return (worker,)
            return (None,) if self.over(job) else None

        found = eventually(look, what=f"a worker of {job}", passing=True)
        assert found is not None
        return found[0]

    def worker(self, job: str) -> int | None:
        """Return the process that works on an entities job, once its first document is done."""
        with self.product.database() as database:
            query = "SELECT documents, ended_at FROM jobs WHERE job_id = ?"
            documents, ended = database.execute(query, (job,)).fetchone()
        assert ended is None, f"it is over: {self.describe(job)}\n{self.product.tail()}"
        return self.process(job) if documents else None

    def progress(self, job: str) -> tuple[int, int]:
        """Return how many documents of a job are finished, and the total, if known."""
        with self.product.database() as database:
            query = "SELECT documents, documents_of FROM jobs WHERE job_id = ?"
            done, of = database.execute(query, (job,)).fetchone()
        return int(done), int(of)

    def training(self, arn: str) -> str:
        """Return the id of the job that trains a model."""
        with self.product.database() as database:
            return str(database.execute("SELECT job_id FROM jobs WHERE arn = ?", (arn,)).fetchone()[0])

    def process(self, job: str, attempt: int | None = None) -> int | None:
        """Return the process that got a job or a training, in this attempt or in any."""
        with self.product.database() as database:
            query = "SELECT container_id FROM job_containers WHERE job_id = ? AND attempt = coalesce(?, attempt)"
            wanted = {row[0] for row in database.execute(query, (job, attempt))}
        for record in self.product.records().values():
            if record is None or record.container_id not in wanted or record.phase != "running":
                continue
            if start_time(record.pid) is not None:
                return worker_below(record.pid)
        return None

    def interfaces(self) -> list[str]:
        """Return the interfaces that exist in the network."""
        found = self.ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [self.network.vpc]}])
        return [entry["NetworkInterfaceId"] for entry in found["NetworkInterfaces"]]

    def take(self, address: str) -> str:
        """Make an interface with an address of the network, so that no job gets the address; return its id."""
        subnets = self.ec2.describe_subnets(SubnetIds=list(self.network.subnets))["Subnets"]
        inside = (each for each in subnets if ip_address(address) in ip_network(each["CidrBlock"]))
        made = self.ec2.create_network_interface(SubnetId=next(inside)["SubnetId"], PrivateIpAddress=address)
        return made["NetworkInterface"]["NetworkInterfaceId"]

    def interface_of(self, job: str) -> dict[str, Any]:
        """Return the interface of a running job."""
        (found,) = self.interfaces_of(job)
        return found

    def interfaces_of(self, job: str) -> list[dict[str, Any]]:
        """Return the present interfaces of a job."""
        found = self.ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [self.network.vpc]}])
        return [dict(each) for each in found["NetworkInterfaces"] if job in each["Description"]]

    def leftovers(self) -> dict[str, Any]:
        """Return what is left over: of the place's account, if it has one of its own."""
        number = self.account.number if isinstance(self.account, OwnAccount) else None
        return self.product.leftovers(number)

    def credentials_path(self, job: str) -> str:
        """Return the path of a running job's credentials, which only its own container knows."""
        with self.product.database() as database:
            query = "SELECT credentials_path FROM job_containers WHERE job_id = ? AND wanted"
            return str(database.execute(query, (job,)).fetchone()[0])

    def kill_at(self, job: str, phase: Phase, victim: str) -> list[int]:
        """Kill a victim's processes while the job is held in a phase; the product runs again at the end.

        Return the process ids. ``await_answer`` of the product waits for it.
        """
        with ExitStack() as hold:
            hold.enter_context(self.held_at(job, phase))
            pids = self.product.victims(victim)
            if self.product.up is not None and self.product.up.pid in pids:
                # A new ``up`` writes to the database, so that is released first.
                self.product.kill_processes(pids)
                hold.close()
                self.product.start()
            else:
                self.product.kill_processes(pids)
        return pids

    @contextmanager
    def held_at(self, job: str, phase: Phase, seconds: float = 60) -> Iterator[None]:
        """Wait until the job is in a phase, and hold it there: nobody can write to the database in the meantime."""
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
