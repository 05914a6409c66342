"""Containers of jobs with interfaces, and the credentials address as they see it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from sqlalchemy import update

from reading_room.aws.call import Reply
from reading_room.clock import Clock, system_clock
from reading_room.database.engine import Database
from reading_room.iam.container_credentials import ContainerCredentials
from reading_room.jobs.cluster_identity import Authorities
from reading_room.jobs.part_requests import PartRequests
from reading_room.jobs.record import LOCAL_HOST, container_id
from reading_room.jobs.tables import JobContainerRow, JobRow
from reading_room.vpc.tables import NetworkInterface, Subnet, Vpc
from tests.worlds.parts import ACCOUNT, JOB, NOW, add_job

VPC = "vpc-00000000000000001"


class PartRequestsWorld:
    """One VPC, one job with three containers from 10.0.1.10 on, and the address that they call."""

    def __init__(self, folder: Path | None, network: str = "10.0.1", first: int = 10, containers: int = 3) -> None:
        self.database = Database.open(None if folder is None else folder / "db.sqlite")
        self.database.create_tables()
        self.network = network
        self.first = first
        self.addresses: dict[tuple[str, int, int], str] = {}
        add_job(self.database)
        self.set_containers(JOB, containers)
        with self.database.transaction() as session:
            session.add(Vpc(vpc_id=VPC, account=ACCOUNT, vni=1, created_at=NOW))
            session.flush()
            session.add(
                Subnet(
                    subnet_id="subnet-1",
                    account=ACCOUNT,
                    vpc_id=VPC,
                    cidr=f"{network}.0/24",
                    availability_zone="us-east-1a",
                    availability_zone_id="use1-az1",
                    created_at=NOW,
                )
            )
        for member in range(containers):
            self.add_container(member)
        self.restart()

    def restart(self, clock: Clock = system_clock) -> Authorities:
        """Start again with only the database; return the authority that makes the certificates, with a clock."""
        self.authorities = Authorities(self.database, clock, dt.timedelta(days=1))
        service = PartRequests(self.database, self.authorities, system_clock)
        self.credentials = ContainerCredentials(
            database=self.database, owner_of=lambda *_: None, clock=system_clock, cluster=service
        )
        return self.authorities

    def set_containers(self, job_id: str, containers: int) -> None:
        """Record how many containers were planned."""
        with self.database.transaction() as session:
            session.execute(update(JobRow).where(JobRow.job_id == job_id).values(containers=containers))

    def add_container(self, member: int, attempt: int = 1, job_id: str = JOB) -> str:
        """Add a container with an interface of the next free address; return that address."""
        number = self.first + len(self.addresses)
        address = self.addresses[job_id, attempt, member] = f"{self.network}.{number}"
        identifier = container_id(job_id, attempt, member)
        with self.database.transaction() as session:
            session.add(
                NetworkInterface(
                    interface_id=f"eni-{number:017x}",
                    account=ACCOUNT,
                    vpc_id=VPC,
                    subnet_id="subnet-1",
                    address=address,
                    mac=f"02:00:00:00:00:{number:02x}",
                    requester_id="us",
                    container_id=identifier,
                    created_at=NOW,
                )
            )
            session.flush()
            session.add(
                JobContainerRow(
                    container_id=identifier,
                    job_id=job_id,
                    attempt=attempt,
                    member=member,
                    host=LOCAL_HOST,
                    vpc_id=VPC,
                    interface_id=f"eni-{number:017x}",
                    role_arn=f"arn:aws:iam::{ACCOUNT}:role/Reader",
                    session_name=f"Comprehend-{job_id}",
                    credentials_path=f"/v2/credentials/{identifier}",
                    cluster_path=self.path(member, attempt, job_id),
                    wanted=True,
                    stop=False,
                )
            )
        return address

    def path(self, member: int, attempt: int = 1, job_id: str = JOB) -> str:
        """Return a container's own path."""
        return f"/v2/cluster/{job_id}-{attempt}-{member}"

    def end(self, *members: int, attempt: int = 1) -> None:
        """Want the containers of the job's attempt no more, or some of them."""
        of_attempt = update(JobContainerRow).where(JobContainerRow.job_id == JOB, JobContainerRow.attempt == attempt)
        chosen = of_attempt.where(JobContainerRow.member.in_(members)) if members else of_attempt
        with self.database.transaction() as session:
            session.execute(chosen.values(wanted=False))

    def ask(
        self, method: str, path: str, body: Any = None, member: int = 0, attempt: int = 1, address: str | None = None
    ) -> tuple[int, Any]:
        """Call as a container does; return the status and the document. A body of ``bytes`` is sent unchanged."""
        reply = self.reply(method, path, body, address or self.addresses[JOB, attempt, member])
        return reply.status, json.loads(reply.body)

    def reply(self, method: str, path: str, body: Any, address: str) -> Reply:
        """Call from an address."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.credentials.handle(method, path, VPC, address, content)
