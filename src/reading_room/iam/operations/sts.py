"""STS operations: the caller's identity, and temporary credentials."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reading_room.arns import Arn
from reading_room.aws.call import Call, Principal
from reading_room.aws.operations import ContextValues, operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam import role_sessions, user_sessions
from reading_room.iam.authorizer import PolicyAuthorizer, request_context
from reading_room.iam.credentials import account_of
from reading_room.iam.errors import (
    AccessDenied,
    DurationTooLong,
    InvalidContextAssertion,
    InvalidRoleArn,
    SourceIdentityIsSet,
    UnknownMultiFactorDevice,
)
from reading_room.iam.policy.evaluate import Decision, Request, decide
from reading_room.iam.tables import Role
from reading_room.iam.tags import tag_context
from reading_room.iam.temporary_keys import (
    TOKEN_LIMIT,
    SessionAttributes,
    SessionCredentials,
    check_managed,
    read_attributes,
    with_inherited_tags,
)

if TYPE_CHECKING:
    from mypy_boto3_sts import type_defs as t

logger = logging.getLogger(__name__)

CHAINED_SECONDS = 3600
"""The longest duration of a session created by role chaining."""


def _refuse_second_factor(request: Mapping[str, Any]) -> None:
    """Raise ``UnknownMultiFactorDevice`` for a call with an MFA code, since users have no MFA devices."""
    if "SerialNumber" in request or "TokenCode" in request:
        raise UnknownMultiFactorDevice


def _federated_user(call: Call) -> Sequence[str]:
    return (f"arn:aws:sts::{call.account}:federated-user/{call.parameters['Name']}",)


class StsOperations:
    """The operations of STS that need no identity provider."""

    def __init__(self, database: Database, authorizer: PolicyAuthorizer, clock: Clock) -> None:
        self._database = database
        self._authorizer = authorizer
        self._clock = clock

    @operation("sts", "GetCallerIdentity", authorized=False)
    def get_caller_identity(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """GetCallerIdentity: requires no permission, and no policy can deny it."""
        return {
            "UserId": call.principal.user_id,
            "Account": call.principal.account,
            "Arn": call.principal.arn,
        }

    @operation("sts", "GetAccessKeyInfo")
    def get_access_key_info(self, call: Call, request: t.GetAccessKeyInfoRequestTypeDef) -> Mapping[str, Any]:
        """GetAccessKeyInfo: the account of any key of this installation, in any state."""
        with self._database.reading() as session:
            return {"Account": account_of(session, request["AccessKeyId"])}

    # Requires no permission, but the caller's own policies can deny it, so it authorizes itself.
    @operation("sts", "GetSessionToken", authorized=False)
    def get_session_token(self, call: Call, request: t.GetSessionTokenRequestTypeDef) -> Mapping[str, Any]:
        """GetSessionToken: temporary credentials for the calling user."""
        user_sessions.refuse_temporary(call)
        _refuse_second_factor(request)
        session_request = Request(call.principal, "sts:GetSessionToken", ("*",), call.account, self._context(call))
        decision = decide(session_request, self._authorizer.policies_of(call.principal))
        if decision.outcome == "explicitDeny":
            self._note(call, decision)
            raise AccessDenied(decision.message())
        _, credentials = self._user_session(call, request, None, SessionAttributes())
        return _credentials(credentials)

    @operation("sts", "GetFederationToken", resources=_federated_user, context=tag_context)
    def get_federation_token(self, call: Call, request: t.GetFederationTokenRequestTypeDef) -> Mapping[str, Any]:
        """GetFederationToken: temporary credentials for a federated user that the calling user vouches for."""
        user_sessions.refuse_temporary(call)
        attributes = read_attributes(request)
        (resource,) = _federated_user(call)
        if attributes.tags:
            decision = self._authorizer.decide(
                principal=call.principal, action="sts:TagSession", resource=resource, context=self._context(call)
            )
            if not decision.allowed:
                self._note(call, decision)
                raise AccessDenied(decision.message())
        principal, credentials = self._user_session(call, request, request["Name"], attributes)
        return {
            **_credentials(credentials),
            "FederatedUser": {"FederatedUserId": principal.user_id, "Arn": principal.arn},
            # Always present here; AssumeRole returns it only for a call with policies or tags.
            "PackedPolicySize": attributes.packed_percent or 0,
        }

    def _user_session(
        self, call: Call, request: Mapping[str, Any], federated_name: str | None, attributes: SessionAttributes
    ) -> tuple[Principal, SessionCredentials]:
        with self._database.transaction() as session:
            check_managed(session, attributes.policy_arns, call.account)
            return user_sessions.issue(
                session,
                call.principal,
                federated_name=federated_name,
                attributes=attributes,
                seconds=request.get("DurationSeconds", user_sessions.DEFAULT_SECONDS),
                now=self._clock(),
                token_size=request.get("MinimumSessionTokenSize", 0),
            )

    # Both the trust policy and the caller's own policies decide, so the operation authorizes itself.
    @operation("sts", "AssumeRole", authorized=False)
    def assume_role(self, call: Call, request: t.AssumeRoleRequestTypeDef) -> Mapping[str, Any]:
        """AssumeRole. The denial is the same for a role that does not exist and one that does not trust the caller."""
        role_arn = request["RoleArn"]
        try:
            arn = Arn.parse(role_arn)
        except ValueError:
            raise InvalidRoleArn(role_arn) from None
        if arn.service != "iam" or not arn.resource.startswith("role/"):
            raise InvalidRoleArn(role_arn)
        caller = call.principal
        if caller.kind == "root":
            raise AccessDenied("Roles may not be assumed by root accounts.")
        _refuse_second_factor(request)
        if "ProvidedContexts" in request:
            raise InvalidContextAssertion
        attributes = with_inherited_tags(read_attributes(request), caller)
        source_identity = request.get("SourceIdentity", caller.source_identity)
        if caller.source_identity not in (None, source_identity):
            raise SourceIdentityIsSet
        # Read before the transaction: reading the policies uses its own database session.
        context = self._assume_context(call, request, attributes, source_identity)
        own_policies, organization = self._authorizer.policies_of(caller), self._authorizer.organization()
        actions = ["sts:AssumeRole"]
        if attributes.tags:
            actions.append("sts:TagSession")
        if source_identity is not None:
            actions.append("sts:SetSourceIdentity")
        with self._database.transaction() as session:
            role = role_sessions.role_by_arn(session, role_arn)
            if role is None:
                logger.info("%s sts:AssumeRole: %s does not exist", call.request_id, role_arn)
                self._note(call, role_sessions.decide_without_role(role_arn, caller, context, own_policies))
                raise _denied(caller, actions[0], role_arn)
            for action in actions:
                decision = role_sessions.decide_trust(role, caller, context, own_policies, action, organization)
                if not decision.allowed:
                    self._note(call, decision)
                    raise _denied(caller, action, role_arn)
            check_managed(session, attributes.policy_arns, role.account)
            principal, credentials = role_sessions.issue(
                session,
                role,
                session_name=request["RoleSessionName"],
                seconds=_seconds(request, role, chained=caller.kind == "session"),
                now=self._clock(),
                attributes=attributes,
                source_identity=source_identity,
                token_size=request.get("MinimumSessionTokenSize", 0),
                bound_to=caller.bound_to,
            )
        answer: dict[str, Any] = {
            **_credentials(credentials),
            "AssumedRoleUser": {"AssumedRoleId": principal.user_id, "Arn": principal.arn},
        }
        if attributes.packed_percent is not None:
            answer["PackedPolicySize"] = attributes.packed_percent
        if source_identity is not None:
            answer["SourceIdentity"] = source_identity
        return answer

    def _note(self, call: Call, decision: Decision) -> None:
        """Log a denial with its reasons for the operator; the caller's message has fewer details."""
        logger.info("%s %s [%s]", call.request_id, decision.message(), decision.reasons())
        self._authorizer.denied(call.request_id, decision)

    def _context(self, call: Call, resource_account: str | None = None) -> ContextValues:
        """Return the condition keys of a call's path, caller and tags; ``resource_account`` is by default its own."""
        context = request_context(
            call.path, principal=call.principal, now=self._clock(), region=call.region, user_agent=call.user_agent
        )
        own = {**context, "aws:ResourceAccount": (resource_account or call.account,)}
        return {**self._authorizer.completed(call.principal, own), **tag_context(call)}

    def _assume_context(
        self,
        call: Call,
        request: t.AssumeRoleRequestTypeDef,
        attributes: SessionAttributes,
        source_identity: str | None,
    ) -> ContextValues:
        account = Arn.parse(request["RoleArn"]).account
        context = {**self._context(call, account), "sts:RoleSessionName": (request["RoleSessionName"],)}
        if "ExternalId" in request:
            context["sts:ExternalId"] = (request["ExternalId"],)
        if source_identity is not None:
            context["sts:SourceIdentity"] = (source_identity,)
        if attributes.transitive_tag_keys:
            context["sts:TransitiveTagKeys"] = attributes.transitive_tag_keys
        return context


def _seconds(request: t.AssumeRoleRequestTypeDef, role: Role, *, chained: bool) -> int:
    """Return a session's duration in seconds. Raises ``DurationTooLong``."""
    seconds = request.get("DurationSeconds", 3600)
    if seconds > (CHAINED_SECONDS if chained else role.max_session_duration):
        raise DurationTooLong(chained)
    return seconds


def _credentials(credentials: SessionCredentials) -> dict[str, Any]:
    """Return the members of a response that all temporary credentials have."""
    size = len(credentials.session_token)
    return {
        "Credentials": {
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "SessionToken": credentials.session_token,
            "Expiration": credentials.expires_at,
        },
        "SessionTokenSize": size,
        "SessionTokenUtilization": size * 100 // TOKEN_LIMIT,
    }


def _denied(caller: Principal, action: str, role_arn: str) -> AccessDenied:
    return AccessDenied(f"User: {caller.arn} is not authorized to perform: {action} on resource: {role_arn}")
