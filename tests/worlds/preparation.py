"""A real control plane without hosts: EC2, roles, jobs and their controller. The tests act as the hosts."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from reading_room.agent.spec import HostReport
from reading_room.analysis.job_file import Ready
from reading_room.aws.call import Call
from reading_room.aws.dispatch import Dispatcher
from reading_room.aws.operations import OperationTable
from reading_room.comprehend.network.preparation import NetworkPreparation
from reading_room.containers.spec import ContainerSpec, ContainerState
from reading_room.iam import inline_policies, roles
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.ids import job_id
from reading_room.jobs.controller import JobController
from reading_room.jobs.desired import containers
from reading_room.jobs.job import job_status
from reading_room.jobs.memory import MemoryOutputStore, MemoryStories
from reading_room.jobs.places import output_location
from reading_room.jobs.ports import JobNetwork, NetworkNeed
from reading_room.jobs.record import job_of, story
from reading_room.jobs.submission import NewJob, submit
from reading_room.jobs.tables import JobContainerRow, JobRow
from reading_room.settings import Settings
from reading_room.vpc.addressing import dhcp_options, prefix_lists, subnets
from reading_room.vpc.addressing.operations.dhcp_options import DhcpOptionsOperations
from reading_room.vpc.addressing.operations.subnets import SubnetOperations
from reading_room.vpc.endpoints import endpoints
from reading_room.vpc.groups import security_groups
from reading_room.vpc.groups.operations import SecurityGroupOperations
from reading_room.vpc.interfaces import network_interfaces
from reading_room.vpc.interfaces.operations import NetworkInterfaceOperations
from reading_room.vpc.tables import NetworkInterface, RouteTable, Subnet, Vpc
from reading_room.vpc.vpcs import service_network, vpcs
from reading_room.vpc.vpcs.operations import VpcOperations
from reading_room.vpc.zones import zones_of
from tests.worlds import databases

ACCOUNT = "111122223333"
REGION = "us-east-1"
KIND = "entities-detection-job"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Reader"
NINE = (
    "DescribeVpcs",
    "DescribeSubnets",
    "DescribeSecurityGroups",
    "DescribeDhcpOptions",
    "CreateNetworkInterface",
    "CreateNetworkInterfacePermission",
    "DescribeNetworkInterfaces",
    "DeleteNetworkInterfacePermission",
    "DeleteNetworkInterface",
)
TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "comprehend.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


def document(*statements: dict[str, Any]) -> str:
    """Return a policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def actions(names: Sequence[str], resource: str = "*") -> dict[str, Any]:
    """Return a statement that allows EC2 actions."""
    return {"Effect": "Allow", "Action": [f"ec2:{name}" for name in names], "Resource": resource}


class Killed(BaseException):
    """Ends a turn as a signal would; nothing may catch it."""


class MortalDispatcher(Dispatcher):
    """A dispatcher that records its calls. A test can end the process at any of them."""

    def __init__(self, table: OperationTable, authorizer: PolicyAuthorizer) -> None:
        super().__init__(table=table, authorizer=authorizer)
        self.calls: list[Call] = []
        self._left = 0
        self._after = False

    def kill_at(self, step: int, *, after: bool) -> None:
        """Have the ``step``-th call from now end the process, before or after it took effect."""
        self._left, self._after = step, after

    def invoke(self, call: Call) -> Mapping[str, Any]:
        """Run a call as every dispatcher does, unless the process ends first."""
        self.calls.append(call)
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Killed
        answer = super().invoke(call)
        if self._left == 0:
            raise Killed
        return answer


class PreparationWorld:
    """One account with a VPC of one subnet, a group, a gateway endpoint and a role with all nine actions."""

    def __init__(self, folder: Path) -> None:
        self.now = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
        self.database = databases.made(folder / "db.sqlite")
        self.authorizer = PolicyAuthorizer(database=self.database, region=REGION, clock=self.clock)
        ec2 = (self.database, self.clock, self.authorizer)
        self.table = OperationTable(
            VpcOperations(*ec2),
            SubnetOperations(*ec2),
            SecurityGroupOperations(*ec2),
            NetworkInterfaceOperations(*ec2),
            DhcpOptionsOperations(*ec2),
        )
        self.dispatcher = MortalDispatcher(self.table, self.authorizer)
        self.store = MemoryOutputStore()
        self.stories = MemoryStories()
        with self.database.transaction() as session:
            service_network.ensure(session, REGION, now=self.now)
        self.vpc = self.make_vpc("10.0.0.0/16")
        self.subnet = self.make_subnet(self.vpc, "10.0.1.0/24")
        self.group = self.make_group(self.vpc, "jobs")
        self.endpoint = self.make_endpoint(self.vpc)
        with self.database.transaction() as session:
            roles.create(session, ACCOUNT, "Reader", document(TRUST), self.now)
        self.allow(actions(NINE))
        self.restart()

    def restart(self) -> None:
        """Start again with only the database, as after ``kill -9``."""
        self.network = NetworkPreparation(
            database=self.database,
            dispatcher=self.dispatcher,
            authorizer=self.authorizer,
            clock=self.clock,
            region=REGION,
        )
        self.controller = self.controller_on(self.network)

    def controller_on(self, network: JobNetwork) -> JobController:
        """Return a controller that prepares jobs with this network."""
        return JobController(
            database=self.database,
            settings=Settings(),
            clock=self.clock,
            network=network,
            store=self.store,
            denials=lambda session_arn: None,
            storyteller=self.stories,
        )

    def clock(self) -> dt.datetime:
        """Return the world's time."""
        return self.now

    # What the account has

    def make_vpc(self, cidr: str, tenancy: str = "default") -> str:
        """Make a VPC and return its id."""
        with self.database.transaction() as session:
            options = dhcp_options.default_set(session, ACCOUNT, REGION).dhcp_options_id
            return vpcs.create(session, ACCOUNT, cidr, self.now, dhcp_options_id=options, tenancy=tenancy).vpc_id

    def make_subnet(self, vpc_id: str, cidr: str) -> str:
        """Make a subnet and return its id."""
        with self.database.transaction() as session:
            vpc = session.get_one(Vpc, vpc_id)
            return subnets.create(session, vpc, cidr, zones_of(REGION)[0], self.now).subnet_id

    def make_group(self, vpc_id: str, name: str) -> str:
        """Make a group that allows all egress, and return its id."""
        with self.database.transaction() as session:
            return security_groups.create(session, session.get_one(Vpc, vpc_id), name, name, self.now).group_id

    def make_endpoint(self, vpc_id: str) -> str:
        """Make a gateway endpoint for S3 in the main route table, and return its id."""
        with self.database.transaction() as session:
            main = session.scalars(select(RouteTable.route_table_id).where(RouteTable.vpc_id == vpc_id)).one()
            service = prefix_lists.s3_service_name(REGION)
            vpc = session.get_one(Vpc, vpc_id)
            return endpoints.create(session, vpc, REGION, service, [main], None, self.now).vpc_endpoint_id

    def delete_endpoint(self) -> None:
        """Delete the gateway endpoint with its route."""
        with self.database.transaction() as session:
            endpoints.delete_endpoint(session, ACCOUNT, self.endpoint)

    def main_table(self) -> str:
        """Return the VPC's only route table."""
        with self.database.reading() as session:
            query = select(RouteTable.route_table_id).where(RouteTable.vpc_id == self.vpc)
            return session.scalars(query).one()

    def silence_group(self) -> None:
        """Remove the group's egress rules."""
        with self.database.transaction() as session:
            for rule in security_groups.rules_of(session, [self.group])[self.group]:
                session.delete(rule)

    def fill(self, subnet_id: str, leave: int) -> None:
        """Occupy a subnet's addresses except for ``leave`` of them."""
        with self.database.transaction() as session:
            subnet = session.get_one(Subnet, subnet_id)
            from reading_room.vpc.addressing import addresses

            for _ in range(addresses.free_counts(session, [subnet])[subnet_id] - leave):
                network_interfaces.create(session, ACCOUNT, subnet, [self.group], self.now, requester_id=ACCOUNT)

    def allow(self, *statements: dict[str, Any]) -> None:
        """Give the role another policy."""
        with self.database.transaction() as session:
            role = roles.get(session, ACCOUNT, "Reader")
            inline_policies.put(session, "role", role.unique_id, "Reader", "only", document(*statements))

    def trust(self, statement: dict[str, Any]) -> None:
        """Give the role another trust policy."""
        with self.database.transaction() as session:
            roles.update_trust(session, ACCOUNT, "Reader", document(statement))

    # Jobs

    def submit(
        self,
        subnet_ids: Sequence[str] | None = (),
        group_ids: Sequence[str] | None = (),
        role: str = ROLE,
    ) -> str:
        """Submit a job, by default in the world's subnet and group; ``None`` puts it into the service's network."""
        identifier = job_id()
        new = NewJob(
            job_id=identifier,
            account=ACCOUNT,
            region=REGION,
            kind=KIND,
            arn=f"arn:aws:comprehend:{REGION}:{ACCOUNT}:{KIND}/{identifier}",
            role_arn=role,
            engine="entities-en",
            analysis="entities",
            input_uri="s3://papers/in/",
            input_format="ONE_DOC_PER_LINE",
            output_uri=output_location("s3://papers/out", ACCOUNT, "NER", identifier),
            document_limit=1_048_576,
            parameters={},
            language="en",
            subnets=None if subnet_ids is None else subnet_ids or (self.subnet,),
            security_groups=None if group_ids is None else group_ids or (self.group,),
        )
        with self.database.transaction() as session:
            return submit(session, new, self.now).job_id

    def run(self, identifier: str) -> None:
        """Run turns until the job waits for its container, or has failed and was cleaned up."""
        for _ in range(3):
            self.controller.turn()

    def end(self, exit_code: int = 3) -> None:
        """Let every container crash, and the host confirm that it released it."""
        states = tuple(ContainerState(c.container_id, "exited", exit_code, (Ready(),)) for c in self.wanted())
        self.controller.report(HostReport("local", 1, containers=states))
        self.controller.turn()
        self.controller.report(HostReport("local", 2))
        for _ in range(3):
            self.controller.turn()

    def need(self, identifier: str) -> NetworkNeed:
        """Return what the job's container needs."""
        with self.database.reading() as session:
            row = session.get_one(JobRow, identifier)
            container = session.scalars(select(JobContainerRow).where(JobContainerRow.job_id == identifier)).one()
            return NetworkNeed(
                container_id=container.container_id,
                attempt=container.attempt,
                host=container.host,
                job_id=identifier,
                job_arn=row.arn,
                account=ACCOUNT,
                region=REGION,
                role_arn=row.role_arn,
                subnets=None if row.subnets is None else tuple(row.subnets),
                security_groups=None if row.security_groups is None else tuple(row.security_groups),
                interface_id=container.interface_id,
            )

    def wanted(self) -> tuple[ContainerSpec, ...]:
        """Return what the host should run."""
        with self.database.reading() as session:
            return containers(session, "local")

    def interfaces(self) -> list[NetworkInterface]:
        """Return every interface that was made for a job."""
        with self.database.reading() as session:
            query = select(NetworkInterface).where(NetworkInterface.requester_id.endswith(":Comprehend"))
            return list(session.scalars(query))

    def free(self, subnet_id: str) -> int:
        """Return the number of a subnet's interfaces."""
        with self.database.reading() as session:
            query = select(func.count()).select_from(NetworkInterface)
            return int(session.scalar(query.where(NetworkInterface.subnet_id == subnet_id)) or 0)

    def status(self, identifier: str) -> str:
        """Return what clients see."""
        with self.database.reading() as session:
            return job_status(job_of(session.get_one(JobRow, identifier)))

    def message(self, identifier: str) -> str:
        """Return the failure's message."""
        with self.database.reading() as session:
            outcome = job_of(session.get_one(JobRow, identifier)).outcome
            return str(outcome and outcome.message)

    def story(self, identifier: str) -> str:
        """Return what happened to the job."""
        with self.database.reading() as session:
            return "\n".join(story(session, identifier))
