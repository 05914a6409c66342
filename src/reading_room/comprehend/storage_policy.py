"""Whether policies let a job do what it does first: list its input, and begin its output.

Asked of the authorization that S3 itself asks, as the worker's role session and by the way that its packets will take.
Only what is known beforehand is asked: which objects are read shows the listing. A bucket that does not exist is left
to the worker, which says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

from reading_room.analysis.job_file import Location
from reading_room.arns import bucket_arn
from reading_room.aws.call import NetworkPath, Principal
from reading_room.dataplane.verdicts import Verdict
from reading_room.ids import request_id
from reading_room.jobs.endings import ATTESTED, with_reason
from reading_room.jobs.errors import PreparationError
from reading_room.jobs.places import location_of
from reading_room.jobs.record import session_arn, session_name
from reading_room.jobs.tables import JobRow
from reading_room.s3.actions import Requirement
from reading_room.s3.authorization import Caller, S3Authorization, Signing, s3_context
from reading_room.s3.backends.backend import Backend

USER_AGENT = "Boto3"
TLS_VERSION = "1.3"


@dataclass(frozen=True, slots=True)
class StoragePolicies:
    """S3's authorization, and what it needs to know of buckets."""

    authorization: S3Authorization
    backend: Backend


def check(policies: StoragePolicies, job: JobRow, role: Principal, way: NetworkPath, now: dt.datetime) -> None:
    """Return if the worker may list the input and begin the output; a training is left to its own first steps.

    ``role`` is any session of the data access role. Raises ``PreparationError`` as the worker's own failure would be.
    """
    if job.is_training:
        return
    name = session_name(job.job_id)
    user = role.user_id.partition(":")[0]
    worker = replace(role, arn=session_arn(job.role_arn, job.job_id), user_id=f"{user}:{name}")
    source = location_of(job.input_uri)
    listing = Requirement("s3:ListBucket", bucket_arn(source.bucket), source.bucket)
    _ask(policies, worker, way, now, "NO_READ_ACCESS_TO_INPUT", source, listing, {"prefix": source.key})
    output = location_of(job.output_uri)
    writing = Requirement("s3:PutObject", bucket_arn(output.bucket, output.key), output.bucket)
    _ask(policies, worker, way, now, "NO_WRITE_ACCESS_TO_OUTPUT", output, writing, {})


def way_of(verdict: Verdict, vpc_id: str) -> NetworkPath:
    """Return where S3 will see requests come from that reach it as the verdict says."""
    if verdict.delivered_to.startswith("vpce-"):
        return NetworkPath(
            secure=True, vpc_id=vpc_id, vpc_endpoint_id=verdict.delivered_to, vpc_source_ip=verdict.source
        )
    return NetworkPath(secure=True, source_ip=verdict.source)


def _ask(
    policies: StoragePolicies,
    worker: Principal,
    way: NetworkPath,
    now: dt.datetime,
    code: str,
    place: Location,
    requirement: Requirement,
    query: Mapping[str, str],
) -> None:
    if policies.backend.bucket(place.bucket) is None:
        return
    caller: Caller = policies.authorization.caller(
        worker,
        way,
        access_key_id=None,
        request_id=request_id(),
        now=now,
        user_agent=USER_AGENT,
        context=s3_context(query, {}, Signing("AWS4-HMAC-SHA256", presigned=False), now, TLS_VERSION),
    )
    refused = policies.authorization.refusals(caller, {place.key: requirement})
    for error in refused.values():
        sentence = ATTESTED[code].rstrip(".")
        text = f"{sentence}. {requirement.action} on s3://{place.bucket}/{place.key}: {error.message}"
        raise PreparationError(code, with_reason(text, policies.authorization.recent_denial(worker.arn) or ""))
