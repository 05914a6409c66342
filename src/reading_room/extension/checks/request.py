"""Checks of the request itself, as its operation would, and of the caller's permission to make it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from reading_room.analysis.kinds import JOB_KINDS
from reading_room.aws.call import Call, IncomingRequest
from reading_room.aws.errors import AwsError
from reading_room.aws.models import operation_model
from reading_room.aws.operations import OperationFacts
from reading_room.aws.protocols import json as json_protocol
from reading_room.aws.validation import validate
from reading_room.comprehend.errors import ResourceInUseException, TooManyJobs, TooManyWaiting
from reading_room.comprehend.models import policies
from reading_room.comprehend.models.errors import ResourceLimitExceededException
from reading_room.comprehend.models.lifecycle import refuse_name
from reading_room.comprehend.models.models import CLASSIFIER, RECOGNIZER
from reading_room.comprehend.models.requests import new_classifier, new_recognizer
from reading_room.comprehend.pii_profiles import of_job
from reading_room.comprehend.quotas import Quotas
from reading_room.comprehend.requests import new_job, with_model
from reading_room.extension.checks.check import Check, failed, passed
from reading_room.extension.checks.commands import explain
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.ids import job_id
from reading_room.jobs.errors import TokenReused, TooManyActiveJobs, TooManyWaitingJobs
from reading_room.jobs.submission import JobQuota, NewJob, refuse, row_of
from reading_room.jobs.tables import JobRow

_STARTS = {kind.start: kind for kind in JOB_KINDS}
_CREATES = {CLASSIFIER.create: new_classifier, RECOGNIZER.create: new_recognizer}


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """The job that a request would create, as a row that is not in the database, with its tags."""

    row: JobRow
    tags: Mapping[str, str]
    known: str | None
    """The job that the same client token created before, which the call would return."""


def read(call: Call, operation: str, text: str) -> Call:
    """Return the call to check: the operation with its request, validated against its model.

    Raises the service's own ``AwsError``.
    """
    model = operation_model("comprehend", operation)
    assert model is not None
    incoming = IncomingRequest(
        "POST", "/", "", (), text.encode("utf-8", "surrogatepass"), call.path, call.request_id, dt.datetime.now(dt.UTC)
    )
    parameters: dict[str, Any] = json_protocol.parse(model, incoming)
    checked = replace(call, service="comprehend", operation=operation, parameters=parameters)
    validate(checked)
    return checked


def permission(authorizer: PolicyAuthorizer, checked: Call, facts: OperationFacts) -> Check:
    """Check whether the caller may call the operation."""
    try:
        authorizer.authorize(checked, replace(facts, passed_role=None))
    except AwsError as error:
        resources = ", ".join(facts.resources(checked))
        remedy = f"Add a policy to {checked.principal.arn} that allows {facts.action} on {resources}."
        return failed(error.message, remedy, explain(checked.request_id), checked.principal.arn)
    return passed(f"{checked.principal.arn} may call {facts.action}.", checked.principal.arn)


def chosen(refusal: Check, vpc_id: str) -> Check:
    """Return the refusal of a call that would be allowed with a VPC, with that VPC as the remedy."""
    remedy = (
        f"Choose the VPC {vpc_id} in the VPC settings, with one of its subnets and security groups: your policies "
        "require one."
    )
    return failed(refusal.message, remedy, refusal.command, vpc_id)


def passing(authorizer: PolicyAuthorizer, checked: Call, facts: OperationFacts) -> Check:
    """Check whether the caller may pass the role, given that it may call the operation."""
    assert facts.passed_role is not None
    role = str(checked.parameters[facts.passed_role.parameter])
    try:
        authorizer.authorize(checked, facts)
    except AwsError as error:
        remedy = (
            f"Add a policy to {checked.principal.arn} that allows iam:PassRole on {role}, with the condition "
            f"iam:PassedToService {facts.passed_role.service}."
        )
        return failed(error.message, remedy, explain(checked.request_id), role)
    return passed(f"{checked.principal.arn} may pass {role} to {facts.passed_role.service}.", role)


def planned(session: Session, checked: Call, quotas: Quotas, topics: str, now: dt.datetime) -> PlannedJob:
    """Return the job that a call would create. Raises the service's own ``AwsError``, as the operation would."""
    kind = _STARTS.get(checked.operation)
    if kind is not None:
        new = with_model(session, checked, new_job(checked, kind, job_id(), topics, extensions=quotas.extensions))
        new = of_job(session, kind.start, new)
    else:
        model = _CREATES[checked.operation](checked, job_id())
        refuse_name(session, model)
        if model.policy is not None:
            policies.check(session, model.policy, "ModelPolicy")
        new = model.job
    return PlannedJob(row_of(new, now), new.tags, _known(session, new, quotas.jobs))


def _known(session: Session, new: NewJob, quota: JobQuota) -> str | None:
    try:
        row = refuse(session, new, quota=quota)
    except TokenReused as error:
        raise ResourceInUseException(error.token, error.job_id) from error
    except TooManyActiveJobs as error:
        busy = ResourceLimitExceededException if new.model is not None and new.model.arn == new.arn else TooManyJobs
        raise busy(error.kind, error.quota) from error
    except TooManyWaitingJobs as error:
        raise TooManyWaiting(error.quota) from error
    return None if row is None else row.job_id
