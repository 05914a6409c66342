"""From a call to the policies that bear on it, to a decision; from a denial to the error that the service answers.

Two ways in: ``PolicyAuthorizer.authorize`` for operations of the table (``aws.operations.Authorizer``), and
``PolicyAuthorizer.decide`` for those who know their resource's policies themselves (S3, flow log delivery, jobs).
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence

from reading_room.arns import Arn
from reading_room.aws.call import Call, NetworkPath, Principal
from reading_room.aws.operations import ContextValues, OperationFacts
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam.errors import AccessDenied, AccessDeniedException, DryRunOperation, UnauthorizedOperation
from reading_room.iam.identities import Identities, attached
from reading_room.iam.policy.evaluate import AttachedPolicy, Decision, Request, decide
from reading_room.iam.principals import entity_named
from reading_room.iam.tags import tags_of

__all__ = ["AttachedPolicy", "Decision", "PolicyAuthorizer", "principal_context", "request_context"]

logger = logging.getLogger(__name__)

_TOLD_FIRST = ("explicitDeny", "implicitDeny", "allowed")
_TYPES = {"user": "User", "session": "AssumedRole", "root": "Account", "anonymous": "Anonymous"}


def request_context(
    path: NetworkPath,
    *,
    principal: Principal,
    now: dt.datetime,
    region: str,
    user_agent: str = "",
) -> dict[str, Sequence[str]]:
    """Return the global condition keys of a request.

    ``aws:SourceIp``, ``aws:SourceVpc``, ``aws:SourceVpce`` and ``aws:VpcSourceIp`` come from the accepting socket's
    path only; through a VPC endpoint ``aws:SourceIp`` is absent, on every other path the other three are.
    """
    context: dict[str, Sequence[str]] = {
        "aws:SecureTransport": ("true" if path.secure else "false",),
        "aws:CurrentTime": (now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),),
        "aws:EpochTime": (str(int(now.timestamp())),),
        "aws:RequestedRegion": (region,),
        "aws:ViaAWSService": ("false",),
    }
    if user_agent:
        context["aws:UserAgent"] = (user_agent,)
    for key, value in (
        ("aws:SourceIp", path.source_ip),
        ("aws:SourceVpc", path.vpc_id),
        ("aws:SourceVpce", path.vpc_endpoint_id),
        ("aws:VpcSourceIp", path.vpc_source_ip),
    ):
        if value is not None:
            context[key] = (value,)
    return {**context, **principal_context(principal)}


def principal_context(principal: Principal) -> dict[str, Sequence[str]]:
    """Return the condition keys that say who calls; for a session ``aws:PrincipalArn`` is its role's ARN."""
    if principal.kind == "service":
        return {
            "aws:PrincipalIsAWSService": ("true",),
            "aws:PrincipalServiceName": (principal.service_name or "",),
        }
    context: dict[str, Sequence[str]] = {
        "aws:PrincipalAccount": (principal.account,),
        "aws:PrincipalType": (_TYPES[principal.kind],),
        "aws:userid": (principal.user_id,),
    }
    if principal.kind == "anonymous":
        return context
    context["aws:PrincipalArn"] = (principal.role_arn or principal.arn,)
    context["aws:PrincipalIsAWSService"] = ("false",)
    if principal.user_name is not None:
        context["aws:username"] = (principal.user_name,)
    if principal.kind == "session" and principal.token_issued_at is not None:
        context["aws:TokenIssueTime"] = (principal.token_issued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),)
        context["aws:MultiFactorAuthPresent"] = ("false",)
    return context


class PolicyAuthorizer:
    """Decides by the policies in the database."""

    def __init__(self, database: Database, region: str, clock: Clock) -> None:
        self._database = database
        self._identities = Identities(database)
        self._region = region
        self._clock = clock

    def authorize(self, call: Call, facts: OperationFacts) -> None:
        """Return if the call may happen; raise the service's own access-denied error if not.

        An operation that passes a role needs ``iam:PassRole`` on it too. EC2's ``DryRun`` ends here, with
        ``DryRunOperation`` if the call would be allowed.
        """
        context = dict(
            request_context(
                call.path,
                principal=call.principal,
                now=self._clock(),
                region=call.region,
                user_agent=call.user_agent,
            )
        )
        if facts.authorized:
            resources, tags = self._named(facts.resources(call))
            keys = {**context, **tags, **facts.context(call)}
            # Each resource by itself: a key that only one of them has must neither allow nor deny another.
            decisions = [
                self._decide(
                    call.principal, facts.action, (each,), {**keys, **facts.resource_context(call, each)}, call.account
                )
                for each in resources
            ]
            # A deny is told before a lack, whichever resource it is about.
            self._enforce(min(decisions, key=lambda decision: _TOLD_FIRST.index(decision.outcome)), call)
            if facts.passed_role is not None:
                self._authorize_pass_role(call, facts.passed_role.parameter, facts.passed_role.service, context)
        if call.service == "ec2" and call.parameters.get("DryRun"):
            raise DryRunOperation

    def policies_of(self, principal: Principal) -> list[AttachedPolicy]:
        """Return the policies that a caller brings itself: its identity policies and those of its session."""
        policies = list(self._identities.of(principal).policies)
        if principal.session_policy is not None:
            policies.append(attached("session", "session", "of the session", principal.session_policy))
        return policies

    def tags_of(self, principal: Principal) -> ContextValues:
        """Return the tags of a caller as condition keys (``aws:PrincipalTag/…``)."""
        return self._identities.of(principal).tags

    def _named(self, resources: Sequence[str]) -> tuple[tuple[str, ...], ContextValues]:
        """Return resources with the whole ARNs of users and roles, and the tags of the one that is named.

        An IAM call's parameters hold only a name, and a policy may allow or deny by path and by tag.
        """
        if not any(resource.startswith("arn:aws:iam::") for resource in resources):
            return tuple(resources) or ("*",), {}
        arns, context = [], {}
        with self._database.reading() as session:
            for resource in resources:
                row = entity_named(session, resource)
                arns.append(resource if row is None else row.arn)
                for tag in tags_of(row.tags) if row is not None else ():
                    for family in ("aws:ResourceTag", "iam:ResourceTag"):
                        context[f"{family}/{tag['Key']}"] = (tag["Value"],)
        return tuple(arns), context

    def _authorize_pass_role(self, call: Call, parameter: str, service: str, context: ContextValues) -> None:
        role_arn = call.parameters.get(parameter)
        if role_arn is None:
            return
        try:
            account = Arn.parse(role_arn).account
        except ValueError:
            account = call.account  # No ARN: the operation itself says so, to a caller who may pass anything.
        if account != call.account:
            logger.info("%s %s: denied: %s is of another account", call.request_id, "iam:PassRole", role_arn)
            raise _denial(call.service, "Cross-account pass role is not allowed.")
        decision = self._decide(
            call.principal,
            "iam:PassRole",
            (role_arn,),
            {**context, **self._named((role_arn,))[1], "iam:PassedToService": (service,)},
            call.account,
        )
        self._enforce(decision, call)

    def _enforce(self, decision: Decision, call: Call) -> None:
        if decision.allowed:
            return
        logger.info(
            "%s %s:%s: %s [%s]", call.request_id, call.service, call.operation, decision.message(), decision.story()
        )
        raise _denial(call.service, decision.message())

    def decide(
        self,
        *,
        principal: Principal,
        action: str,
        resource: str,
        context: ContextValues,
        resource_policy: str | None = None,
        resource_account: str | None = None,
        endpoint_policy: str | None = None,
    ) -> Decision:
        """Decide one action on one resource.

        ``context`` holds the condition keys of the request (see ``request_context``) and of the service; the keys
        that say who calls are added here and win. ``resource_policy`` and ``endpoint_policy`` are JSON texts; an
        endpoint policy is given if, and only if, the request came through that gateway endpoint. Denials are logged.
        """
        decision = self._decide(
            principal,
            action,
            (resource,),
            {**context, **principal_context(principal)},
            resource_account or principal.account,
            resource_policy,
            endpoint_policy,
        )
        if not decision.allowed:
            logger.info("%s [%s]", decision.message(), decision.story())
        return decision

    def _decide(
        self,
        principal: Principal,
        action: str,
        resources: tuple[str, ...],
        context: Mapping[str, Sequence[str]],
        resource_account: str,
        resource_policy: str | None = None,
        endpoint_policy: str | None = None,
    ) -> Decision:
        policies = self.policies_of(principal)
        if resource_policy is not None:
            policies.append(attached("resource", "bucket", f"of {resources[0]}", resource_policy))
        if endpoint_policy is not None:
            endpoint = next(iter(context.get("aws:SourceVpce", ())), "of the path")
            policies.append(attached("endpoint", "endpoint", endpoint, endpoint_policy))
        full = {"aws:ResourceAccount": (resource_account,), **context, **self.tags_of(principal)}
        return decide(Request(principal, action, resources, resource_account, full), policies)


def _denial(service: str, sentence: str) -> AccessDenied:
    if service == "ec2":
        return UnauthorizedOperation(sentence)
    if service in ("iam", "sts"):
        return AccessDenied(sentence)
    return AccessDeniedException(sentence)
