"""How jobs run, for callers who may describe the jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from reading_room.analysis.kinds import JOB_KINDS
from reading_room.arns import Arn
from reading_room.aws.call import Call
from reading_room.aws.errors import AwsError
from reading_room.aws.operations import OperationTable, operation
from reading_room.clock import Clock
from reading_room.comprehend.errors import JobNotFoundException, ResourceNotFoundException
from reading_room.comprehend.models.models import MODEL_KINDS
from reading_room.database.engine import Database
from reading_room.extension import job_runs
from reading_room.extension.own_denials import refuse_denied
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.jobs.tables import JobRow

_JOBS = {kind.arn_type: kind for kind in JOB_KINDS}


class JobRunOperations:
    """Describes how jobs run. ``table`` has the operations that describe the jobs themselves."""

    def __init__(
        self, *, database: Database, table: OperationTable, authorizer: PolicyAuthorizer, clock: Clock
    ) -> None:
        self._database = database
        self._table = table
        self._authorizer = authorizer
        self._clock = clock

    @operation(
        "reading-room",
        "DescribeJobRuns",
        authorized=False,
        decided_by="for each job, the action that describes it, such as `comprehend:DescribeEntitiesDetectionJob`",
    )
    def describe_job_runs(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """DescribeJobRuns. Jobs that do not exist, or that the caller may not describe, have an error each."""
        refuse_denied(self._authorizer, call, self._clock)
        identifiers: Sequence[str] = list(dict.fromkeys(request["JobIds"]))
        with_events: bool = request.get("IncludeEvents", False)
        errors: list[dict[str, str]] = []
        with self._database.reading() as session:
            found = job_runs.find(session, call.account, identifiers)
            described: dict[str, JobRow] = {}
            for each in identifiers:
                refusal = self._refusal(call, each, found.get(each))
                if refusal is None:
                    described[each] = found[each]
                else:
                    errors.append({"JobIdentifier": each, "ErrorCode": refusal.code, "ErrorMessage": refusal.message})
            details = job_runs.details_of(session, list(described.values()), with_events)
            now = self._clock()
            runs = [job_runs.structure(each, row, details, with_events, now) for each, row in described.items()]
        return {"JobRuns": runs, "Errors": errors}

    def _refusal(self, call: Call, identifier: str, row: JobRow | None) -> AwsError | None:
        """Return the error of the operation that describes a job, or ``None`` if it would succeed."""
        kind, arn = _named(identifier) if row is None else (row.kind, row.arn)
        if kind is not None:
            try:
                self._authorize(call, kind, arn)
            except AwsError as error:
                return error
        if row is not None:
            return None
        return ResourceNotFoundException() if kind in MODEL_KINDS else JobNotFoundException(identifier)

    def _authorize(self, call: Call, kind: str, arn: str) -> None:
        if kind in MODEL_KINDS:
            name, parameters = MODEL_KINDS[kind].describe, {MODEL_KINDS[kind].arn_member: arn}
        else:
            name, parameters = _JOBS[kind].describe, {"JobId": arn.rpartition("/")[2]}
        bound = self._table.find("comprehend", name)
        assert bound is not None
        describe_call = replace(call, service="comprehend", operation=name, parameters=parameters)
        self._authorizer.authorize(describe_call, bound.facts)


def _named(identifier: str) -> tuple[str | None, str]:
    """Return the kind and ARN of an identifier; the kind is ``None`` for an id or an ARN of another kind."""
    try:
        kind = Arn.parse(identifier).resource.partition("/")[0]
    except ValueError:
        return None, identifier
    return (kind if kind in _JOBS or kind in MODEL_KINDS else None), identifier
