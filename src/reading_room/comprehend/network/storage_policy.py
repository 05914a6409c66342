"""Checking before a job starts whether policies allow its requests to S3 (``storage_steps``).

The checks use S3's own authorization, with the worker's sessions and the network path of its packets. The first object
below a prefix stands for all of them. The worker itself reports missing buckets and objects. If an endpoint's policy
allows other accounts, the job runs and its owner is warned. If its containers are denied to share results, the job
runs in one container.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from reading_room.arns import bucket_arn
from reading_room.aws.call import NetworkPath, Principal
from reading_room.comprehend.network.storage_steps import Step, part_statement, part_steps_of, steps_of
from reading_room.dataplane.rules.verdicts import Verdict
from reading_room.iam.policy.evaluate import Decision
from reading_room.iam.policy.open_endpoint import openings
from reading_room.ids import request_id
from reading_room.jobs.errors import PreparationError
from reading_room.jobs.outcomes import with_reason
from reading_room.jobs.record import session_arn, session_name
from reading_room.jobs.tables import JobRow
from reading_room.s3.actions import Requirement
from reading_room.s3.authorization import Caller, S3Authorization, Signing, s3_context
from reading_room.s3.backend import Backend
from reading_room.vpc.tables import VpcEndpoint

USER_AGENT = "Boto3"
TLS_VERSION = "1.3"


@dataclass(frozen=True, slots=True)
class StoragePolicies:
    """S3's authorization, and the backend that knows the buckets."""

    authorization: S3Authorization
    backend: Backend


def check(
    policies: StoragePolicies,
    job: JobRow,
    role: Principal,
    service: Principal | None,
    way: NetworkPath,
    now: dt.datetime,
) -> None:
    """Raise ``PreparationError`` if a policy denies a request of the job's worker.

    The error is the same as the worker's own failure would be. ``role`` is any session of the data access role;
    ``service`` is the service's own session for the model of a job that has one.
    """
    worker = _worker(job, role)
    for step in steps_of(job):
        asking = service if step.as_service else worker
        assert asking is not None
        refusal = _refusal(policies, asking, way, now, step)
        if refusal is not None:
            raise PreparationError(step.code, refusal)


def refused_parts(
    policies: StoragePolicies, job: JobRow, attempt: int, role: Principal, way: NetworkPath, now: dt.datetime
) -> str | None:
    """Return why the containers of an attempt are not allowed to share their results, and what to allow.

    Returns ``None`` if they are allowed to.
    """
    worker = _worker(job, role)
    for step in part_steps_of(job, attempt):
        refusal = _refusal(policies, worker, way, now, step)
        if refusal is not None:
            return (
                f"its containers are not allowed to share results: {refusal.rstrip('.')}. To run it in several, add "
                f"{part_statement(job)} to the policies of {job.role_arn}, and allow the same in all other policies"
            )
    return None


def warnings(session: Session, vpc_endpoint_id: str, account: str) -> tuple[str, ...]:
    """Return a warning for each opening of an endpoint's policy to other accounts; none if there is no endpoint."""
    row = session.get(VpcEndpoint, vpc_endpoint_id)
    if row is None:
        return ()
    return tuple(opening.warning(vpc_endpoint_id) for opening in openings(row.policy, account))


def path_to_storage(verdict: Verdict, vpc_id: str) -> NetworkPath:
    """Return the network path that S3 will see for requests that reach it as the verdict says."""
    if verdict.delivered_to.startswith("vpce-"):
        return NetworkPath(
            secure=True, vpc_id=vpc_id, vpc_endpoint_id=verdict.delivered_to, vpc_source_ip=verdict.source
        )
    return NetworkPath(secure=True, source_ip=verdict.source)


def _worker(job: JobRow, role: Principal) -> Principal:
    """Return the worker's own session of the data access role."""
    user = role.user_id.partition(":")[0]
    return replace(role, arn=session_arn(job.role_arn, job.job_id), user_id=f"{user}:{session_name(job.job_id)}")


def _refusal(
    policies: StoragePolicies, worker: Principal, way: NetworkPath, now: dt.datetime, step: Step
) -> str | None:
    """Return why S3 would refuse a step, or ``None``."""
    place = step.place
    if policies.backend.bucket(place.bucket) is None:
        return None
    key = policies.backend.first_key(place.bucket, place.key) if step.first else place.key
    if key is None:
        return None
    caller, requirement = _question(policies, worker, way, now, step, key)
    refused = policies.authorization.refusals(caller, {key: (requirement,)})
    for error in refused.values():
        text = f"{step.sentence} {step.action} on s3://{place.bucket}/{key}: {error.message}"
        return with_reason(text, policies.authorization.recent_denial(worker.arn) or "")
    return None


def _question(
    policies: StoragePolicies, worker: Principal, way: NetworkPath, now: dt.datetime, step: Step, key: str
) -> tuple[Caller, Requirement]:
    """Return the caller and the requirement of a step; ``key`` is the object's key, or the prefix to list."""
    listing = step.action == "s3:ListBucket"
    resource = bucket_arn(step.place.bucket, None if listing else key)
    caller = policies.authorization.caller(
        worker,
        way,
        access_key_id=None,
        request_id=request_id(),
        now=now,
        user_agent=USER_AGENT,
        context=s3_context(
            {"prefix": key} if listing else {}, {}, Signing("AWS4-HMAC-SHA256", presigned=False), now, TLS_VERSION
        ),
    )
    return caller, Requirement(step.action, resource, step.place.bucket)


@dataclass(frozen=True, slots=True)
class StepDecision:
    """S3's decision about a step, and whether the bucket or object exists.

    ``exists`` is ``None`` if the step is denied: a caller without access must not learn what exists.
    """

    step: Step
    decision: Decision
    exists: bool | None


def step_decisions(
    policies: StoragePolicies,
    job: JobRow,
    role: Principal,
    service: Principal | None,
    way: NetworkPath,
    now: dt.datetime,
    attempt: int | None = None,
) -> Iterator[StepDecision]:
    """Yield S3's decision about each step of the worker of a job that need not exist yet, without recording it.

    The arguments are those of ``check``. With ``attempt``, the steps are those with which several containers share
    their results. Steps on the first object of a listing are skipped if the listing was refused or is empty.
    """
    worker = _worker(job, role)
    unlisted = set()
    for step in steps_of(job) if attempt is None else part_steps_of(job, attempt):
        place = step.place
        asking = service if step.as_service else worker
        if asking is None or (step.first and (place.bucket, place.key) in unlisted):
            continue
        key = policies.backend.first_key(place.bucket, place.key) if step.first else place.key
        if key is None:
            continue
        decision = policies.authorization.decision(*_question(policies, asking, way, now, step, key))
        exists = None
        if decision.allowed:
            exists = policies.backend.bucket(place.bucket) is not None
            if step.action == "s3:ListBucket":
                exists = exists and policies.backend.first_key(place.bucket, place.key) is not None
        if step.action == "s3:ListBucket" and not exists:
            unlisted.add((place.bucket, place.key))
        yield StepDecision(step, decision, exists)
