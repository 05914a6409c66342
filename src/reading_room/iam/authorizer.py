"""Authorization of calls: the policies that apply, the decision, and the service's own error for a denial.

There are two entry points: ``PolicyAuthorizer.authorize`` for operations of the table (``aws.operations.Authorizer``),
and ``PolicyAuthorizer.decide`` for callers that have the resource's policy (S3, flow log delivery, jobs).
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reading_room.arns import Arn, iam_arn
from reading_room.aws.call import Call, NetworkPath, Principal
from reading_room.aws.operations import ContextValues, OperationFacts
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam.authorization_messages import AuthorizationMessages
from reading_room.iam.bonds import Bonds, denial
from reading_room.iam.endpoint_policy import EndpointPolicy
from reading_room.iam.errors import (
    AccessDenied,
    AccessDeniedException,
    DryRunOperation,
    ServiceUnavailable,
    UnauthorizedOperation,
)
from reading_room.iam.identities import Identities, attached
from reading_room.iam.organization import (
    SHORT_ARN,
    Organization,
    Organizations,
    guards_of,
    limits_of,
    no_organization,
    organization_keys,
)
from reading_room.iam.policy.document import parse
from reading_room.iam.policy.evaluate import AttachedPolicy, Decision, Request, decide
from reading_room.iam.resources import named
from reading_room.iam.session_policies import SessionPolicies
from reading_room.iam.user_sessions import refuse_limited
from reading_room.measures import IGNORED, Measures

__all__ = [
    "AttachedPolicy",
    "Decision",
    "EndpointPolicy",
    "PolicyAuthorizer",
    "principal_context",
    "request_context",
]

logger = logging.getLogger(__name__)

_REPORTED_FIRST = ("explicitDeny", "implicitDeny", "allowed")
_TYPES = {
    "user": "User",
    "session": "AssumedRole",
    "federated": "FederatedUser",
    "root": "Account",
    "anonymous": "Anonymous",
}
_EVERYTHING = attached(
    "identity",
    "inline",
    "of the caller",
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
)
"""Stands for the caller's own policies when only the endpoint's policy is evaluated."""


ResourceTags = Callable[[str], Mapping[str, str]]
"""Returns the tags of the resource with an ARN; the operations supply those of EC2 and IAM resources."""
EndpointPolicies = Callable[[str], EndpointPolicy | None]
"""Returns the policy of the endpoint with an id, or ``None`` if there is no such endpoint."""


Denied = Callable[[str, Decision], None]
"""Takes a request's id and the decision that denied it, for the operator to look up."""


def _keep_no_denials(request_id: str, decision: Decision) -> None:
    """Keep no denials; they are only logged."""


def _no_tags(arn: str) -> Mapping[str, str]:
    """Return no tags."""
    return {}


def _no_endpoints(vpc_endpoint_id: str) -> None:
    """Find no endpoint, so that every request through one is refused."""


def request_context(
    path: NetworkPath,
    *,
    principal: Principal,
    now: dt.datetime,
    region: str,
    user_agent: str = "",
    called_via: Sequence[str] = (),
) -> dict[str, Sequence[str]]:
    """Return the global condition keys of a request.

    ``aws:SourceIp``, ``aws:SourceVpc``, ``aws:SourceVpce`` and ``aws:VpcSourceIp`` come only from the path of the
    accepting socket. Through a VPC endpoint ``aws:SourceIp`` is absent; on every other path the other three are.
    ``called_via`` has the services that make the request on the caller's behalf and with the caller's permissions
    (forward access sessions), the first one first.
    """
    context: dict[str, Sequence[str]] = {
        "aws:SecureTransport": ("true" if path.secure else "false",),
        "aws:CurrentTime": (now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),),
        "aws:EpochTime": (str(int(now.timestamp())),),
        "aws:RequestedRegion": (region,),
        "aws:ViaAWSService": ("true" if called_via else "false",),
    }
    if called_via:
        context["aws:CalledVia"] = tuple(called_via)
        context["aws:CalledViaFirst"] = (called_via[0],)
        context["aws:CalledViaLast"] = (called_via[-1],)
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
    """Return the condition keys that describe the caller; for a session ``aws:PrincipalArn`` is the ARN of its role."""
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
    if principal.source_identity is not None:
        context["aws:SourceIdentity"] = (principal.source_identity,)
    if principal.token_issued_at is not None:
        context["aws:TokenIssueTime"] = (principal.token_issued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),)
        context["aws:MultiFactorAuthPresent"] = ("false",)
    return context


class PolicyAuthorizer:
    """Decides by the policies in the database and those of the endpoints that requests come through."""

    def __init__(
        self,
        *,
        database: Database,
        region: str,
        clock: Clock,
        endpoint_policies: EndpointPolicies = _no_endpoints,
        denied: Denied = _keep_no_denials,
        messages: AuthorizationMessages | None = None,
        resource_tags: ResourceTags = _no_tags,
        organization: Organizations = no_organization,
        bonds: Bonds = Bonds(),
        measures: Measures = IGNORED,
    ) -> None:
        """``denied`` receives each denial. With ``messages``, EC2's denials include an encoded message."""
        self._bonds = bonds
        self._measures = measures
        self._resource_tags = resource_tags
        self.organization = organization
        self.denied = denied
        self._messages = messages
        self._database = database
        self._endpoint_policies = endpoint_policies
        self._identities = Identities(database)
        self._session_policies = SessionPolicies(database)
        self._region = region
        self._clock = clock

    def authorize(self, call: Call, facts: OperationFacts) -> None:
        """Return if the call is allowed; raise the service's own access-denied error if not.

        An operation that passes a role also needs ``iam:PassRole`` on the role. The policy of the endpoint that the
        call came through does not apply to that permission, since it filters the calls of one service. It does apply
        to operations that authorize themselves or need no permission. A call with EC2's ``DryRun`` ends here, with
        ``DryRunOperation`` if the call would be allowed.
        """
        refuse_limited(call)
        context = dict(
            request_context(
                call.path,
                principal=call.principal,
                now=self._clock(),
                region=call.region,
                user_agent=call.user_agent,
            )
        )
        # Checked before any policy, and even if no policy applies, so that stolen credentials are of no use.
        if not self._bonds.hold(call.principal, call.path):
            keys = {**context, **self.tags_of(call.principal)}
            self._enforce(denial(call.principal, facts.action, "*", keys), call)
        if facts.authorized:
            resources, tags = self._named(facts.action, facts.resources(call), call.parameters)
            keys = {**context, **tags, **facts.context(call)}
            endpoint = self._endpoint(call.path.vpc_endpoint_id)
            # Decide each resource separately: a condition key of one must neither allow nor deny another.
            decisions = [
                self._decide(
                    call.principal,
                    facts.action,
                    (each,),
                    {**keys, **self._keys_of(call, each), **facts.resource_context(call, each)},
                    call.account,
                    endpoint=endpoint,
                )
                for each in resources
            ]
            # Report an explicit deny before an implicit one, whichever resource it concerns.
            self._enforce(min(decisions, key=lambda decision: _REPORTED_FIRST.index(decision.outcome)), call)
            if facts.passed_role is not None:
                self._authorize_pass_role(call, facts.passed_role.parameter, facts.passed_role.service, context)
        elif call.path.vpc_endpoint_id is not None and not facts.by_handler:
            self._enforce(self._through_endpoint(call, facts, context), call)
        if call.service == "ec2" and call.parameters.get("DryRun"):
            raise DryRunOperation

    def policies_of(self, principal: Principal) -> list[AttachedPolicy]:
        """Return the caller's own policies: its identity policies, its session's, and those that bind its account."""
        policies = self._own_policies_of(principal)
        organization = self.organization()
        if organization is not None:
            policies.extend(limits_of(organization, principal))
        return policies

    def _own_policies_of(self, principal: Principal) -> list[AttachedPolicy]:
        policies = list(self._identities.of(principal).policies)
        policies.extend(self._session_policies.of(principal))
        return policies

    def tags_of(self, principal: Principal) -> ContextValues:
        """Return the tags of a caller as condition keys (``aws:PrincipalTag/…``); session tags take precedence."""
        tags = self._identities.of(principal).tags
        own = {f"aws:PrincipalTag/{key}": (value,) for key, value in principal.session_tags}
        return {**tags, **own} if own else tags

    def completed(self, principal: Principal, context: ContextValues) -> dict[str, Sequence[str]]:
        """Return a request's keys with those of the caller's tags, of the endpoint's owner and of the organization.

        ``context`` must have ``aws:ResourceAccount``.
        """
        full = {**context, **self.tags_of(principal)}
        self._complete(full, principal, self.organization())
        return full

    def _complete(
        self, full: dict[str, Sequence[str]], principal: Principal, organization: Organization | None
    ) -> None:
        for vpc_endpoint_id in full.get("aws:SourceVpce", ()):
            endpoint = self._endpoint_policies(vpc_endpoint_id)
            if endpoint is not None and endpoint.account:
                full["aws:VpceAccount"] = (endpoint.account,)
                vpcs = full.get("aws:SourceVpc", ())
                full["aws:SourceVpcArn"] = tuple(f"arn:aws:ec2:{self._region}:{endpoint.account}:vpc/{v}" for v in vpcs)
        if organization is not None:
            full |= organization_keys(organization, principal, full)

    def _keys_of(self, call: Call, resource: str) -> ContextValues:
        """Return the keys derived from a resource's ARN: its account, and its tags if that is the caller's account."""
        parts = resource.split(":", 5)
        account = parts[4] if len(parts) == 6 else ""
        if account.isdecimal() and account != call.account:
            return {"aws:ResourceAccount": (account,)}
        tags = self._resource_tags(resource) if account and not resource.endswith("/*") else {}
        return {f"aws:ResourceTag/{key}": (value,) for key, value in tags.items()}

    def _endpoint(self, vpc_endpoint_id: str | None) -> AttachedPolicy | None:
        """Return the policy of the endpoint that a request came through. Raises ``ServiceUnavailable`` if gone."""
        if vpc_endpoint_id is None:
            return None
        found = self._endpoint_policies(vpc_endpoint_id)
        if found is None:
            logger.warning("a request came through %s, which does not exist: refused", vpc_endpoint_id)
            raise ServiceUnavailable(vpc_endpoint_id)
        return AttachedPolicy("endpoint", parse(found.text, "endpoint"), f"endpoint {vpc_endpoint_id}", found.gateway)

    def _through_endpoint(self, call: Call, facts: OperationFacts, context: ContextValues) -> Decision:
        """Decide a call by the policy of its endpoint alone. Of these calls, only AssumeRole names a resource."""
        endpoint = self._endpoint(call.path.vpc_endpoint_id)
        assert endpoint is not None
        resource = str(call.parameters.get("RoleArn", "*"))
        full = self.completed(call.principal, {"aws:ResourceAccount": (call.account,), **context})
        return decide(Request(call.principal, facts.action, (resource,), call.account, full), [endpoint, _EVERYTHING])

    def _named(
        self, action: str, resources: Sequence[str], parameters: Mapping[str, Any]
    ) -> tuple[tuple[str, ...], ContextValues]:
        """Return resources with the full ARNs of what calls of IAM and Organizations name, and its condition keys."""
        if resources and resources[0].startswith(SHORT_ARN):
            organization = self.organization()
            return (tuple(resources), {}) if organization is None else organization.named(resources)
        if not any(resource.startswith("arn:aws:iam::") for resource in resources):
            return tuple(resources) or ("*",), {}
        with self._database.reading() as session:
            return named(session, action, resources, parameters)

    def _authorize_pass_role(self, call: Call, parameter: str, service: str, context: ContextValues) -> None:
        role_arn = call.parameters.get(parameter)
        if role_arn is None:
            return
        if parameter == "RoleName":
            # IAM's own operations give a role's name without its path.
            (role_arn,) = self._named("iam:PassRole", (iam_arn(call.account, f"role/{role_arn}"),), {})[0]
        try:
            account = Arn.parse(role_arn).account
        except ValueError:
            account = call.account  # Not an ARN: the operation itself reports that, if the caller may pass any role.
        if account != call.account:
            logger.info(
                "%s %s: denied: %s is of another account",
                call.request_id,
                "iam:PassRole",
                role_arn,
                extra={"request_id": call.request_id},
            )
            raise _denial(call.service, "Cross-account pass role is not allowed.")
        decision = self._decide(
            call.principal,
            "iam:PassRole",
            (role_arn,),
            {**context, **self._named("iam:PassRole", (role_arn,), {})[1], "iam:PassedToService": (service,)},
            call.account,
        )
        self._enforce(decision, call)

    def _enforce(self, decision: Decision, call: Call) -> None:
        if decision.allowed:
            return
        logger.info(
            "%s %s:%s: %s [%s]",
            *(call.request_id, call.service, call.operation, decision.message(), decision.reasons()),
            extra={"request_id": call.request_id, "service": call.service, "operation": call.operation},
        )
        self.denied(call.request_id, decision)
        if call.service == "ec2" and self._messages is not None:
            raise UnauthorizedOperation(decision.message(), self._messages.encode(call.account, decision))
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
        path: NetworkPath | None = None,
        also: Sequence[AttachedPolicy] = (),
        access_list: AttachedPolicy | None = None,
        owner: str | None = None,
    ) -> Decision:
        """Decide one action on one resource.

        ``context`` holds the condition keys of the request (see ``request_context``) and of the service; the keys
        that describe the caller are added here and take precedence. ``resource_policy`` is JSON text. For S3,
        ``access_list`` is the resource's list as a policy, and ``owner`` the account that owns the resource if it is
        not ``resource_account``. Pass ``path``, the network path of the request, if it was not checked before: the
        policy of an endpoint on it, and the bond of the credentials, must allow the request too. ``also`` are further
        policies that apply. Denials are logged.
        """
        keys = {**context, **principal_context(principal)}
        if path is not None and not self._bonds.hold(principal, path):
            decision = denial(principal, action, resource, keys)
        else:
            decision = self._decide(
                principal,
                action,
                (resource,),
                keys,
                resource_account or principal.account,
                resource_policy,
                None if path is None else self._endpoint(path.vpc_endpoint_id),
                also,
                access_list,
                owner,
            )
        if not decision.allowed:
            logger.info("%s [%s]", decision.message(), decision.reasons())
        return decision

    def _decide(
        self,
        principal: Principal,
        action: str,
        resources: tuple[str, ...],
        context: Mapping[str, Sequence[str]],
        resource_account: str,
        resource_policy: str | None = None,
        endpoint: AttachedPolicy | None = None,
        also: Sequence[AttachedPolicy] = (),
        access_list: AttachedPolicy | None = None,
        owner: str | None = None,
    ) -> Decision:
        began = time.perf_counter()
        organization = self.organization()
        policies = [*self._own_policies_of(principal), *also]
        if resource_policy is not None:
            policies.append(attached("resource", "bucket", f"of {resources[0]}", resource_policy))
        policies += [each for each in (access_list, endpoint) if each is not None]
        full = {"aws:ResourceAccount": (resource_account,), **context, **self.tags_of(principal)}
        if organization is not None or "aws:SourceVpce" in full:
            self._complete(full, principal, organization)
        if organization is not None:
            policies.extend(limits_of(organization, principal))
            policies.extend(guards_of(organization, action, full["aws:ResourceAccount"][0]))
        decision = decide(Request(principal, action, resources, resource_account, full, owner), policies)
        self._measures.decision(decision.outcome, time.perf_counter() - began)
        return decision


def _denial(service: str, sentence: str) -> AccessDenied:
    if service == "ec2":
        return UnauthorizedOperation(sentence)
    if service in ("iam", "sts"):
        return AccessDenied(sentence)
    return AccessDeniedException(sentence)
