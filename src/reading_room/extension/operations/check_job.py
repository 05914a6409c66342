"""The preflight of a job: checks of every step of the call and of the job, each with a remedy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.agent.spec import Capacity
from reading_room.aws.call import Call, NetworkPath, Principal
from reading_room.aws.errors import AwsError
from reading_room.aws.operations import OperationFacts, OperationTable, operation
from reading_room.clock import Clock
from reading_room.comprehend.network import storage_policy
from reading_room.comprehend.network.storage_policy import StoragePolicies
from reading_room.comprehend.quotas import Quotas
from reading_room.comprehend.sizing import JobSizing
from reading_room.comprehend.vpc_tag import OPERATIONS, VPC_TAG, known_network
from reading_room.database.engine import Database
from reading_room.extension.checks import network, request, role, storage
from reading_room.extension.checks.check import NAMES, Check, CheckName, Report, failed, passed, skipped
from reading_room.extension.checks.elsewhere import vpc_for_caller, vpc_for_storage
from reading_room.extension.checks.network import Place
from reading_room.extension.checks.request import PlannedJob
from reading_room.extension.own_denials import refuse_denied
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.jobs.credentials import model_session
from reading_room.jobs.ports import JobSize
from reading_room.vpc.addressing import addresses
from reading_room.vpc.tables import Subnet
from reading_room.vpc.vpcs import service_network

_OF_NETWORK: tuple[CheckName, ...] = ("Network", "Addresses", "DNS", "Route", "SecurityGroups")
_OF_STORAGE: tuple[CheckName, ...] = ("Input", "Output", "Model", "BucketPolicy", "EndpointPolicy")


class CheckJobOperations:
    """Checks jobs before they are started."""

    def __init__(
        self,
        *,
        database: Database,
        table: OperationTable,
        authorizer: PolicyAuthorizer,
        clock: Clock,
        policies: StoragePolicies,
        sizing: JobSizing,
        capacity: Callable[[], Capacity | None],
        quotas: Quotas,
        topics: str,
    ) -> None:
        """``table`` has the operations to check; ``capacity`` returns what the host would give a job."""
        self._database = database
        self._table = table
        self._authorizer = authorizer
        self._clock = clock
        self._policies = policies
        self._sizing = sizing
        self._capacity = capacity
        self._quotas = quotas
        self._topics = topics

    @operation(
        "reading-room",
        "CheckJob",
        authorized=False,
        decided_by="the action of the checked operation, such as `comprehend:StartEntitiesDetectionJob`",
    )
    def check_job(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """CheckJob. Nothing is created and S3 and EC2 are not called; only their decisions are evaluated."""
        refuse_denied(self._authorizer, call, self._clock)
        report = Report()
        self._look(report, call, request["Operation"], request["Request"])
        return {"Checks": report.structures()}

    def _look(self, report: Report, call: Call, name: str, text: str) -> None:
        bound = self._table.find("comprehend", name)
        assert bound is not None
        facts = bound.facts
        try:
            checked = request.read(call, name, text)
        except AwsError as error:
            report.add("Request", _invalid(name, error))
            report.skip(NAMES, "The request cannot be parsed, so nothing else was checked.")
            return
        permission = request.permission(self._authorizer, checked, facts)
        if permission.status == "FAILED":
            with self._database.reading() as session:
                vpc_id = vpc_for_caller(session, self._authorizer, checked, facts, self._clock())
            permission = request.chosen(permission, vpc_id) if vpc_id else permission
        if not report.add("Caller", permission):
            report.skip(NAMES, f"Not checked, because the caller is not allowed to call {facts.action}.")
            return
        may_pass = report.add("PassRole", request.passing(self._authorizer, checked, facts))
        now = self._clock()
        with self._database.reading() as session:
            job = self._planned(report, session, checked, now)
            if not may_pass:
                report.skip(NAMES, "Not checked, because the caller is not allowed to pass the role.")
                return
            self._look_at_job(report, session, checked, facts, job, now)

    def _planned(self, report: Report, session: Session, checked: Call, now: dt.datetime) -> PlannedJob | None:
        """Check the operation's own response, and return the job that it would create."""
        try:
            self._quotas.require_room()
            job = request.planned(session, checked, self._quotas, self._topics, now)
        except AwsError as error:
            report.add("Request", _invalid(checked.operation, error))
            return None
        known = "" if job.known is None else f" Its ClientRequestToken is that of {job.known}, which would be returned."
        report.add("Request", passed(f"{checked.operation} would accept the request.{known}"))
        return job

    def _look_at_job(
        self,
        report: Report,
        session: Session,
        checked: Call,
        facts: OperationFacts,
        job: PlannedJob | None,
        now: dt.datetime,
    ) -> None:
        role_arn: str = checked.parameters["DataAccessRoleArn"]
        source = job.row.arn if job is not None else facts.resources(checked)[0]
        assumable, principal = role.assumable(
            session, role_arn, checked.account, source, now, self._authorizer.organization()
        )
        report.add("Role", assumable)
        size = None if job is None else self._sizing.planned(job.row, job.tags, self._capacity())
        place = self._place(report, session, checked, size)
        self._network_actions(report, checked, principal, place, now)
        if job is None:
            report.skip(_OF_STORAGE, "Not checked, because the request is not valid.")
        elif principal is None:
            report.skip(_OF_STORAGE, "Not checked, because the role cannot be assumed.")
        elif isinstance(place, Place) and place.verdict is None:
            report.skip(_OF_STORAGE, "The job would not reach S3: see Route, SecurityGroups and DNS.")
        elif place is None:
            report.skip(_OF_STORAGE, "The job would have no network: see Network and Addresses.")
        else:
            self._storage(report, session, checked, job, principal, place, size, now)
        report.skip(NAMES, "Not checked, because of the FAILED checks.")

    def _place(
        self, report: Report, session: Session, checked: Call, size: JobSize | None
    ) -> Place | NetworkPath | None:
        """Return the job's place in its VPC, or its network path to S3 without a VPC; ``None`` if there is neither."""
        config = known_network(checked.operation, checked.parameters)
        if config:
            subnets: Sequence[str] = config["Subnets"]
            groups: Sequence[str] = config["SecurityGroupIds"]
            return network.check(session, report, checked.account, checked.region, subnets, groups, size)
        without = f"The request has no {_network_member(checked)}"
        report.skip(_OF_NETWORK, f"{without}, so the job runs in the service's own network.")
        report.add("Containers", _containers(size))
        subnet = session.scalar(select(Subnet).where(Subnet.account == service_network.OWNER))
        free = [] if subnet is None else addresses.next_free(session, subnet, 1)
        # At S3's public address, the source address is the sender's own.
        return NetworkPath(secure=True, source_ip=free[0]) if free else None

    def _network_actions(
        self,
        report: Report,
        checked: Call,
        principal: Principal | None,
        place: Place | NetworkPath | None,
        now: dt.datetime,
    ) -> None:
        if not known_network(checked.operation, checked.parameters):
            check = skipped(f"The request has no {_network_member(checked)}, so the role needs no permissions of EC2.")
        elif principal is None:
            check = skipped("The role cannot be assumed.")
        elif not isinstance(place, Place):
            check = skipped("The network cannot be used: see Network and Addresses.")
        else:
            subnet_id = place.interface.subnet_id
            check = role.network_actions(self._table, self._authorizer, checked, principal, subnet_id, now)
        report.add("RoleNetworkActions", check)

    def _storage(
        self,
        report: Report,
        session: Session,
        checked: Call,
        job: PlannedJob,
        principal: Principal,
        place: Place | NetworkPath,
        size: JobSize | None,
        now: dt.datetime,
    ) -> None:
        service, endpoint_id = None, ""
        if isinstance(place, Place):
            assert place.verdict is not None
            path = storage_policy.path_to_storage(place.verdict, place.interface.vpc_id)
            endpoint_id = path.vpc_endpoint_id or ""
            service = model_session(session, job.row, place.interface, now)
        else:
            path = place
        look = storage_policy.step_decisions
        answers = list(look(self._policies, job.row, principal, service, path, now))
        several = size is not None and size.containers > 1
        parts = list(look(self._policies, job.row, principal, None, path, now, attempt=1)) if several else []
        opening = network.endpoint(session, place, checked.account) if isinstance(place, Place) else None
        refused = any(not answer.decision.allowed and not answer.step.as_service for answer in answers)
        other = ""
        if refused:
            other = vpc_for_storage(session, self._policies, job.row, principal, checked.account, checked.region, now)
        storage.check(
            report, self._policies.backend, job.row, checked.account, answers, endpoint_id, parts, opening, other
        )


def _network_member(checked: Call) -> str:
    """Return what names the network in a request."""
    return f"tag {VPC_TAG}" if checked.operation in OPERATIONS else "VpcConfig"


def _containers(size: JobSize | None) -> Check:
    if size is None:
        return skipped("The size of the job is unknown, because the request is not valid.")
    return passed(f"The job has {size.reason or '1 container'}, in the service's own network.")


def _invalid(name: str, error: AwsError) -> Check:
    return failed(f"{name} would return {error.code}: {error.message}", "Change the request as the message says.")
