"""From a call to the policies that bear on it, to a decision; from a denial to the error that the service answers.

Two ways in: ``PolicyAuthorizer.authorize`` for operations of the table (``aws.operations.Authorizer``), and
``PolicyAuthorizer.decide`` for those who know their resource's policies themselves (S3, flow log delivery, jobs).
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from collections.abc import Mapping, Sequence

from sqlalchemy import select

from reading_room.arns import Arn
from reading_room.aws.call import Call, NetworkPath, Principal
from reading_room.aws.operations import ContextValues, OperationFacts
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam.errors import AccessDenied, AccessDeniedException, DryRunOperation, UnauthorizedOperation
from reading_room.iam.policy.document import PolicyDocumentError, PolicyUse, parse
from reading_room.iam.policy.evaluate import AttachedPolicy, Decision, PolicyKind, Request, decide
from reading_room.iam.tables import InlinePolicy, Role, User

__all__ = ["AttachedPolicy", "Decision", "PolicyAuthorizer", "principal_context", "request_context"]

logger = logging.getLogger(__name__)

_DENY_ALL = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Sid": "Unreadable", "Effect": "Deny", "Action": "*", "Resource": "*"}}
)
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


def attached(kind: PolicyKind, use: PolicyUse, name: str, text: str) -> AttachedPolicy:
    """Return a stored policy for a decision. One that cannot be read denies everything."""
    try:
        return AttachedPolicy(kind, parse(text, use), name)
    except PolicyDocumentError as error:
        logger.error("the stored %s policy %s cannot be read and denies everything: %s", kind, name, error)
        return AttachedPolicy(kind, parse(_DENY_ALL, "inline"), name)


class IdentityPolicies:
    """The inline policies of users and roles, read once and kept until a policy is written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._generation = 0
        self._kept: dict[str, tuple[AttachedPolicy, ...]] = {}
        database.on_commit(self._committed)

    def of(self, principal: Principal) -> tuple[AttachedPolicy, ...]:
        """Return the identity policies of a user, or of a session's role. Other callers have none."""
        if principal.kind not in ("user", "session"):
            return ()
        owner = principal.user_id.partition(":")[0]
        with self._lock:
            kept = self._kept.get(owner)
            generation = self._generation
        if kept is not None:
            return kept
        with self._database.reading() as session:
            rows = session.scalars(select(InlinePolicy).filter_by(owner_id=owner).order_by(InlinePolicy.name)).all()
            found = tuple(attached("identity", "inline", repr(row.name), row.document) for row in rows)
        with self._lock:
            # What was read before a commit that came between may be old, and is not kept.
            if self._generation == generation:
                self._kept[owner] = found
        return found

    def _committed(self, tables: frozenset[str]) -> None:
        if InlinePolicy.__tablename__ in tables:
            with self._lock:
                self._generation += 1
                self._kept.clear()


class PolicyAuthorizer:
    """Decides by the policies in the database."""

    def __init__(self, database: Database, region: str, clock: Clock) -> None:
        self._database = database
        self._identity = IdentityPolicies(database)
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
            resources = tuple(map(self._with_path, facts.resources(call))) or ("*",)
            decision = self._decide(
                call.principal, facts.action, resources, {**context, **facts.context(call)}, call.account
            )
            self._enforce(decision, call)
            if facts.passed_role is not None:
                self._authorize_pass_role(call, facts.passed_role.parameter, facts.passed_role.service, context)
        if call.service == "ec2" and call.parameters.get("DryRun"):
            raise DryRunOperation

    def policies_of(self, principal: Principal) -> list[AttachedPolicy]:
        """Return the policies that a caller brings itself: its identity policies and those of its session."""
        policies = list(self._identity.of(principal))
        if principal.session_policy is not None:
            policies.append(attached("session", "session", "of the session", principal.session_policy))
        return policies

    def _with_path(self, resource: str) -> str:
        """Return the whole ARN of a user or role that an IAM call names without its path.

        A policy may allow or deny by path, and the call's parameters hold only the name.
        """
        head, _, name = resource.partition("/")
        if not head.endswith((":role", ":user")) or not head.startswith("arn:aws:iam::") or "/" in name:
            return resource
        account, key = head.split(":")[4], name.lower()
        with self._database.reading() as session:
            row: Role | User | None
            if head.endswith(":role"):
                row = session.scalar(select(Role).filter_by(account=account, name_key=key))
            else:
                row = session.scalar(select(User).filter_by(account=account, name_key=key))
            return resource if row is None else row.arn

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
            {**context, "iam:PassedToService": (service,)},
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
        full = {"aws:ResourceAccount": (resource_account,), **context}
        return decide(Request(principal, action, resources, resource_account, full), policies)


def _denial(service: str, sentence: str) -> AccessDenied:
    if service == "ec2":
        return UnauthorizedOperation(sentence)
    if service in ("iam", "sts"):
        return AccessDenied(sentence)
    return AccessDeniedException(sentence)
