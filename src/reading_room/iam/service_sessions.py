"""Role sessions that services create for themselves, recorded in the trail of the role's account."""

from __future__ import annotations

import time

from reading_room.arns import Arn
from reading_room.aws.call import NetworkPath, Principal
from reading_room.aws.call_record import CallRecord, Recorder
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam.errors import AccessDenied, RoleNotAssumable
from reading_room.iam.organization import Organizations, no_organization
from reading_room.iam.principals import service_principal
from reading_room.iam.role_sessions import SERVICE_SESSION_SECONDS, assume_for_service
from reading_room.iam.temporary_keys import SessionCredentials
from reading_room.ids import request_id


def assume_recorded(
    trail: Recorder,
    database: Database,
    role_arn: str,
    service: str,
    session_name: str,
    clock: Clock,
    *,
    source_arn: str,
    source_account: str,
    policy: str | None = None,
    bound_to: str | None = None,
    job_id: str | None = None,
    organization: Organizations = no_organization,
) -> tuple[Principal, SessionCredentials]:
    """Assume a role as a service, like ``assume_for_service``, and record it as AssumeRole, even if refused.

    ``job_id`` is the job for which it is assumed.
    """
    began = time.perf_counter()

    def record(output: dict[str, object] | None, error: AccessDenied | None) -> None:
        parameters = {"RoleArn": role_arn, "RoleSessionName": session_name, "DurationSeconds": SERVICE_SESSION_SECONDS}
        trail(
            CallRecord(
                service="sts",
                operation="AssumeRole",
                request_id=request_id(),
                ended_at=clock(),
                region=Arn.parse(source_arn).region,
                path=NetworkPath(secure=True),
                principal=service_principal(service),
                access_key_id=None,
                user_agent=service,
                parameters=parameters if policy is None else {**parameters, "Policy": policy},
                output=output,
                error=error,
                seconds=time.perf_counter() - began,
                job_id=job_id,
            )
        )

    try:
        principal, credentials = assume_for_service(
            database,
            role_arn,
            service,
            session_name,
            clock,
            source_arn,
            source_account,
            policy,
            bound_to,
            organization,
        )
    except RoleNotAssumable as error:
        record(None, AccessDenied(str(error)))
        raise
    issued = {"AccessKeyId": credentials.access_key_id, "Expiration": credentials.expires_at}
    user = {"AssumedRoleId": principal.user_id, "Arn": principal.arn}
    record({"Credentials": issued, "AssumedRoleUser": user}, None)
    return principal, credentials
