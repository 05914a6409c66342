"""Start, Describe, List and Stop for every entry of ``analysis/kinds.py``, which has the names of the operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from reading_room.analysis.formats import READER
from reading_room.analysis.kind import JobKind
from reading_room.analysis.kinds import JOB_KINDS
from reading_room.aws.call import Call
from reading_room.aws.operations import (
    BoundOperation,
    OperationFacts,
    PassedRole,
    any_resource,
    no_context,
)
from reading_room.clock import Clock
from reading_room.comprehend.conditions import existing_job, new_job, start_context
from reading_room.comprehend.errors import (
    JobNotFoundException,
    JobNotStoppable,
    ResourceInUseException,
    TooManyJobs,
    TooManyWaiting,
)
from reading_room.comprehend.listings import list_jobs
from reading_room.comprehend.pii_profiles import of_job
from reading_room.comprehend.quotas import Quotas
from reading_room.comprehend.requests import FLYWHEEL, with_model
from reading_room.comprehend.requests import new_job as job_of_request
from reading_room.database.engine import Database
from reading_room.ids import job_id
from reading_room.jobs.errors import JobEnded, TokenReused, TooManyActiveJobs, TooManyWaitingJobs, UnknownJob
from reading_room.jobs.job import job_status
from reading_room.jobs.record import job_of
from reading_room.jobs.submission import find, request_stop, submit
from reading_room.jobs.tables import JobRow

Request = Mapping[str, Any]
Response = Mapping[str, Any]

SERVICE_PRINCIPAL = "comprehend.amazonaws.com"


class JobOperations:
    """The operations on jobs."""

    def __init__(self, database: Database, clock: Clock, quotas: Quotas, topics: str = "embedding") -> None:
        self._database = database
        self._clock = clock
        self._quotas = quotas
        self._topics = topics

    def bound_operations(self) -> Iterator[BoundOperation]:
        """Yield the operations of every kind: four, or three where AWS has no Stop."""
        for kind in JOB_KINDS:
            passed = PassedRole(kind.passes_role, SERVICE_PRINCIPAL)
            start = OperationFacts(
                "comprehend",
                kind.start,
                f"comprehend:{kind.start}",
                new_job(kind),
                start_context,
                passed,
                True,
            )
            yield BoundOperation(start, partial(self._start, kind))
            for name, resources, handler in (
                (kind.describe, existing_job(kind), self._describe),
                (kind.list, any_resource, self._list),
                (kind.stop, existing_job(kind), self._stop),
            ):
                if name is None:
                    continue
                facts = OperationFacts("comprehend", name, f"comprehend:{name}", resources, no_context, None, True)
                yield BoundOperation(facts, partial(handler, kind))

    def _start(self, kind: JobKind, call: Call, request: Request) -> Response:
        self._quotas.count(call.account, kind.start)
        self._quotas.require_room()
        new = job_of_request(call, kind, job_id(), self._topics, extensions=self._quotas.extensions)
        try:
            with self._database.transaction() as session:
                # In this transaction, so that model and profile cannot be deleted in between.
                new = of_job(session, kind.start, with_model(session, call, new))
                row = submit(session, new, self._clock(), quota=self._quotas.jobs)
        except TokenReused as error:
            raise ResourceInUseException(error.token, error.job_id) from error
        except TooManyActiveJobs as error:
            raise TooManyJobs(error.kind, error.quota) from error
        except TooManyWaitingJobs as error:
            raise TooManyWaiting(error.quota) from error
        # The same response as to the first call, even if a repeated token finds a job that has moved on.
        return {"JobId": row.job_id, "JobArn": row.arn, "JobStatus": "SUBMITTED"} | _model_of(kind, row)

    def _describe(self, kind: JobKind, call: Call, request: Request) -> Response:
        self._quotas.count(call.account, kind.describe)
        with self._database.reading() as session:
            try:
                row = find(session, call.account, kind.arn_type, request["JobId"])
            except UnknownJob as error:
                raise JobNotFoundException(error.job_id) from error
        return {kind.properties: properties(kind, row)}

    def _list(self, kind: JobKind, call: Call, request: Request) -> Response:
        self._quotas.count(call.account, kind.list)
        with self._database.reading() as session:
            page = list_jobs(
                session,
                call.account,
                kind,
                request.get("Filter") or {},
                request.get("NextToken"),
                request.get("MaxResults"),
            )
        response: dict[str, Any] = {f"{kind.properties}List": [properties(kind, row) for row in page.items]}
        return response if page.next_token is None else response | {"NextToken": page.next_token}

    def _stop(self, kind: JobKind, call: Call, request: Request) -> Response:
        self._quotas.count(call.account, str(kind.stop))
        try:
            with self._database.transaction() as session:
                row = request_stop(session, call.account, kind.arn_type, request["JobId"], self._clock())
        except UnknownJob as error:
            raise JobNotFoundException(error.job_id) from error
        except JobEnded as error:
            raise JobNotStoppable(error.job_id, error.status) from error
        return {"JobId": row.job_id, "JobStatus": job_status(job_of(row))}


def properties(kind: JobKind, row: JobRow) -> dict[str, Any]:
    """Return a job as Describe and List show it: the given values and defaults, without members that do not apply."""
    job = job_of(row)
    members: dict[str, Any] = {
        "JobId": row.job_id,
        "JobArn": row.arn,
        "JobName": row.name,
        "JobStatus": job_status(job),
        "Message": job.outcome.message if job.outcome is not None and row.ended_at is not None else None,
        "SubmitTime": row.submitted_at,
        "EndTime": row.ended_at,
        "InputDataConfig": {
            "S3Uri": row.input_uri,
            "InputFormat": row.input_format,
            **({READER: reader} if (reader := row.request.get(READER)) else {}),
        },
        "OutputDataConfig": {"S3Uri": row.output_uri},
        "LanguageCode": row.language,
        "DataAccessRoleArn": row.role_arn,
        **{member: row.request.get(member) for member in kind.own},
        FLYWHEEL: row.request.get(FLYWHEEL),
        **_model_of(kind, row),
    }
    if row.subnets is not None and not kind.vpc_tag:
        members["VpcConfig"] = {"SecurityGroupIds": row.security_groups, "Subnets": row.subnets}
    return {name: value for name, value in members.items() if value is not None}


def _model_of(kind: JobKind, row: JobRow) -> dict[str, str]:
    """Return the ARN of the job's custom model under its member's name, or nothing."""
    return {} if kind.model is None or row.model_arn is None else {kind.model.member: row.model_arn}
