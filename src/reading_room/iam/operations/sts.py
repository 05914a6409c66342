"""STS operations: who am I, and may I be somebody else for a while."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reading_room.arns import Arn
from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam import role_sessions
from reading_room.iam.authorizer import PolicyAuthorizer, request_context
from reading_room.iam.errors import (
    AccessDenied,
    DurationTooLong,
    InvalidRoleArn,
    PackedPolicyTooLarge,
    UnsupportedParameter,
)
from reading_room.iam.inline_policies import check_document

if TYPE_CHECKING:
    from mypy_boto3_sts import type_defs as t

logger = logging.getLogger(__name__)

SESSION_POLICY_LIMIT = 2048
"""Characters of a session policy."""
CHAINED_SECONDS = 3600
"""Longest life of a session that a session assumed."""
_UNSUPPORTED = (
    "PolicyArns", "Tags", "TransitiveTagKeys", "SerialNumber", "TokenCode", "SourceIdentity", "ProvidedContexts",
    "MinimumSessionTokenSize",
)  # fmt: skip


class StsOperations:
    """AssumeRole and GetCallerIdentity."""

    def __init__(self, database: Database, authorizer: PolicyAuthorizer, clock: Clock) -> None:
        self._database = database
        self._authorizer = authorizer
        self._clock = clock

    @operation("sts", "GetCallerIdentity", authorized=False)
    def get_caller_identity(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """GetCallerIdentity: needs no permission, and no policy can deny it."""
        return {
            "UserId": call.principal.user_id,
            "Account": call.principal.account,
            "Arn": call.principal.arn,
        }

    # Both sides decide: the trust policy and the caller's own. So the operation authorizes itself.
    @operation("sts", "AssumeRole", authorized=False)
    def assume_role(self, call: Call, request: t.AssumeRoleRequestTypeDef) -> Mapping[str, Any]:
        """AssumeRole. A role that does not exist and one that does not trust the caller get the same answer."""
        for parameter in _UNSUPPORTED:
            if parameter in call.parameters:
                raise UnsupportedParameter(parameter)
        role_arn = request["RoleArn"]
        try:
            arn = Arn.parse(role_arn)
        except ValueError:
            raise InvalidRoleArn(role_arn) from None
        if arn.service != "iam" or not arn.resource.startswith("role/"):
            raise InvalidRoleArn(role_arn)
        if call.principal.kind == "root":
            raise AccessDenied("Roles may not be assumed by root accounts.")
        policy = request.get("Policy")
        if policy is not None:
            check_document(policy, "session")
            if len(policy) > SESSION_POLICY_LIMIT:
                raise PackedPolicyTooLarge(len(policy) * 100 // SESSION_POLICY_LIMIT)
        return self._assume(call, request, policy)

    def _assume(self, call: Call, request: t.AssumeRoleRequestTypeDef, policy: str | None) -> Mapping[str, Any]:
        role_arn, session_name = request["RoleArn"], request["RoleSessionName"]
        now = self._clock()
        context = request_context(
            call.path, principal=call.principal, now=now, region=call.region, user_agent=call.user_agent
        )
        context.update(self._authorizer.tags_of(call.principal))
        context["sts:RoleSessionName"] = (session_name,)
        if "ExternalId" in request:
            context["sts:ExternalId"] = (request["ExternalId"],)
        # Read before the transaction: the policies have their own way to the database.
        own_policies = self._authorizer.policies_of(call.principal)
        with self._database.transaction() as session:
            role = role_sessions.role_by_arn(session, role_arn)
            if role is None:
                logger.info("%s sts:AssumeRole: %s does not exist", call.request_id, role_arn)
                raise _denied(call, role_arn)
            decision = role_sessions.decide_trust(role, call.principal, context, own_policies)
            if not decision.allowed:
                logger.info("%s %s [%s]", call.request_id, decision.message(), decision.story())
                raise _denied(call, role_arn)
            chained = call.principal.kind == "session"
            seconds = request.get("DurationSeconds", 3600)
            if seconds > (CHAINED_SECONDS if chained else role.max_session_duration):
                raise DurationTooLong(chained)
            principal, credentials = role_sessions.issue(
                session, role, session_name=session_name, seconds=seconds, now=now, policy=policy
            )
        answer: dict[str, Any] = {
            "Credentials": {
                "AccessKeyId": credentials.access_key_id,
                "SecretAccessKey": credentials.secret_access_key,
                "SessionToken": credentials.session_token,
                "Expiration": credentials.expires_at,
            },
            "AssumedRoleUser": {"AssumedRoleId": principal.user_id, "Arn": principal.arn},
        }
        if policy is not None:
            answer["PackedPolicySize"] = max(1, len(policy) * 100 // SESSION_POLICY_LIMIT)
        return answer


def _denied(call: Call, role_arn: str) -> AccessDenied:
    return AccessDenied(
        f"User: {call.principal.arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
    )
