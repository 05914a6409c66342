"""Decisions on requests by the applicable policies, with the statement or missing allow that decided.

The order is AWS's (IAM User Guide, "Policy evaluation logic"): an explicit deny anywhere wins; then the organization's
policies must allow at every level from the root to the account; then every other policy that limits permissions must
allow; then the caller's policies, the resource's policy, or both. The default is a deny.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from reading_room.aws.call import Principal
from reading_room.iam.policy.document import Policy, Statement
from reading_room.iam.policy.patterns import Context
from reading_room.iam.policy.principals import GRANTS, Grant

PolicyKind = Literal[
    "identity", "boundary", "session", "scp", "rcp", "resource", "acl", "endpoint", "trust", "key", "grant"
]
"""``key`` is the policy of a KMS key, without which no identity policy allows anything; ``grant`` is a grant on it."""

_DENY_ORDER: tuple[PolicyKind, ...] = (
    "scp", "rcp", "endpoint", "identity", "boundary", "session", "resource", "acl", "trust", "key", "grant",
)  # fmt: skip
_ORGANIZATION: tuple[PolicyKind, ...] = ("rcp", "scp")
"""The kinds of policies of an organization, which must allow a request at each of their levels."""
_WORDS: Mapping[str, str] = {
    "identity": "identity-based policy",
    "resource": "resource-based policy",
    "acl": "access control list",
    "boundary": "permissions boundary",
    "session": "session policy",
    "scp": "service control policy",
    "rcp": "resource control policy",
    "endpoint": "VPC endpoint policy",
    "trust": "role trust policy",
    "key": "resource-based policy",
    "grant": "grant",
}
_LIMITS: tuple[PolicyKind, ...] = ("boundary", "session")
_NEEDED: tuple[PolicyKind, ...] = ("trust", "key")
"""The policies of resources that must allow a request, even one from their own account."""
# The owner's root user can always repair its bucket's policy (Amazon S3 User Guide, "Bucket policies").
_ROOT_EXEMPT = frozenset({"s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"})


@dataclass(frozen=True, slots=True)
class AttachedPolicy:
    """A policy and its kind for a request. ``name`` identifies it in explanations."""

    kind: PolicyKind
    policy: Policy
    name: str
    gateway_endpoint: bool = True
    """For an endpoint policy: whether the endpoint is a gateway, for which an account means its root user only."""
    level: str = ""
    """For a policy of the organization: the id of the root, unit or account that it is attached to."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request to decide: the principal, the action, the resources and the context."""

    principal: Principal
    action: str
    resources: tuple[str, ...]
    """All ARNs that the call concerns, or ``*`` alone; each of them must be allowed."""
    resource_account: str
    context: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """All condition keys, in any case; a key that is not here is absent."""
    owner: str | None = None
    """The account that owns the resource, if it is not ``resource_account``: that of an object in S3."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The request and policies behind a denial, for explaining it later (``explain.explain``)."""

    request: Request
    policies: tuple[AttachedPolicy, ...]


class Reason(NamedTuple):
    """A reason for a decision: a statement that matched, or a kind of policy without an allow."""

    kind: PolicyKind
    policy: str | None = None
    statement: str | None = None

    def __str__(self) -> str:
        if self.statement is None and self.kind == "acl":
            return f"the {_WORDS[self.kind]} {self.policy} does not allow it"
        if self.statement is None:
            which = f" {self.policy}" if self.policy is not None else ""
            return f"no {_WORDS[self.kind]}{which} allows it"
        return f"{self.statement} of {_WORDS[self.kind]} {self.policy}"


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision on a request."""

    outcome: Literal["allowed", "explicitDeny", "implicitDeny"]
    because: tuple[Reason, ...]
    principal_arn: str
    action: str
    resource: str
    """The denied resource, or the first of the allowed ones."""
    evidence: Evidence | None = field(default=None, compare=False, repr=False)
    """For a denial only."""

    @property
    def allowed(self) -> bool:
        """Whether the request is allowed."""
        return self.outcome == "allowed"

    @property
    def by(self) -> tuple[str, ...]:
        """The kinds of policies that decided, sorted."""
        return tuple(sorted({reason.kind for reason in self.because}))

    def message(self, quote_resource: bool = False) -> str:
        """Return AWS's message for a denial. S3 puts the resource in double quotes."""
        resource = f'"{self.resource}"' if quote_resource else self.resource
        target = "" if self.resource == "*" and not quote_resource else f" on resource: {resource}"
        kind = _WORDS[self.because[0].kind]
        if self.outcome == "explicitDeny":
            article = "an" if kind[0] in "aeiou" else "a"
            tail = f"with an explicit deny in {article} {kind}"
        else:
            tail = f"because no {kind} allows the {self.action} action"
        return f"User: {self.principal_arn} is not authorized to perform: {self.action}{target} {tail}"

    def reasons(self) -> str:
        """Return the reasons in one line, for the log."""
        return "; ".join(str(reason) for reason in self.because)


def decide(request: Request, policies: Sequence[AttachedPolicy]) -> Decision:
    """Decide a request. Every resource must be allowed; an explicit deny is reported before an implicit one."""
    context = context_of(request)
    first: Decision | None = None
    for resource in request.resources or ("*",):
        decision = _Evaluation(request, resource, context, policies).decide()
        if decision.outcome == "explicitDeny":
            return decision
        if first is None or (first.allowed and not decision.allowed):
            first = decision
    assert first is not None
    return first


def context_of(request: Request) -> dict[str, Sequence[str]]:
    """Return a request's context with its keys in lower case, as conditions expect them."""
    return {key.lower(): values for key, values in request.context.items()}


def applicable(request: Request, policies: Sequence[AttachedPolicy]) -> list[AttachedPolicy]:
    """Return the policies that apply to a request. An account's root user has no identity policies and no boundary."""
    if request.principal.kind == "root":
        return [attached for attached in policies if attached.kind not in ("identity", "boundary")]
    return list(policies)


def grant_of(attached: AttachedPolicy, statement: Statement, caller: Principal) -> Grant | None:
    """Return how a statement's ``Principal`` names the caller, or ``None`` if it does not or is absent."""
    if statement.principals is None:
        return None
    gateway = attached.kind == "endpoint" and attached.gateway_endpoint
    return statement.principals.grant_to(caller, account_means_root=gateway)


def covers_resource(statement: Statement, resource: str, context: Context) -> bool:
    """Return whether ``Resource`` or ``NotResource`` covers a resource; a trust policy without either covers all."""
    if not statement.resources:
        return True
    for pattern in statement.resources:
        if pattern.matches(resource, context):
            return not statement.not_resource
    return statement.not_resource


def matching(
    policies: Sequence[AttachedPolicy], request: Request, resource: str, context: Context
) -> Iterator[tuple[AttachedPolicy, Statement, Grant | None]]:
    """Yield the statements that match a request on one of its resources, and how each names the caller.

    ``context`` is ``context_of(request)``.
    """
    for attached in policies:
        for statement in attached.policy.covering(request.action):
            grant = None
            if statement.principals is not None:
                grant = grant_of(attached, statement, request.principal)
                if grant is None:
                    continue
            if not covers_resource(statement, resource, context):
                continue
            if all(condition.holds(context) for condition in statement.conditions):
                yield attached, statement, grant


class _Evaluation:
    """One request on one resource."""

    def __init__(
        self,
        request: Request,
        resource: str,
        context: Context,
        policies: Sequence[AttachedPolicy],
    ) -> None:
        self.request = request
        self.caller = request.principal
        self.resource = resource
        self.context = context
        self.all_policies = policies
        self.policies = applicable(request, policies)
        self.same_account = self.caller.account == (request.owner or request.resource_account)
        self.exempt_root = self.caller.kind == "root" and self.same_account and request.action.lower() in _ROOT_EXEMPT

    def decide(self) -> Decision:
        denies: list[Reason] = []
        allows: dict[PolicyKind, list[tuple[Reason, Grant | None]]] = {}
        for attached, statement, grant in matching(self.policies, self.request, self.resource, self.context):
            reason = Reason(attached.kind, attached.name, statement.name)
            if statement.effect == "Allow":
                allows.setdefault(attached.kind, []).append((reason, grant))
            elif not (self.exempt_root and attached.kind == "resource"):
                denies.append(reason)
        if denies:
            denies.sort(key=lambda reason: _DENY_ORDER.index(reason.kind))
            return self._result("explicitDeny", [reason for reason in denies if reason.kind == denies[0].kind])
        present = {attached.kind for attached in self.policies}
        for kind in _ORGANIZATION:
            if kind in present and (level := self._level_without(kind, allows)) is not None:
                return self._result("implicitDeny", [Reason(kind, f"attached to {level}" if level else None)])
        if "endpoint" in present and "endpoint" not in allows:
            return self._lacking("endpoint")
        if "grant" in allows and (decision := self._by_grant(allows, present)) is not None:
            return decision
        side: PolicyKind = next((kind for kind in _NEEDED if kind in present), "resource")
        of_resource = [*allows.get(side, []), *allows.get("acl", [])]
        grants = {grant for _, grant in of_resource if grant is not None}
        grant = next((candidate for candidate in GRANTS if candidate in grants), None)
        resource_reasons = [reason for reason, _ in of_resource]
        if side in _NEEDED and grant is None:
            return self._lacking(side)
        if self.caller.kind in ("anonymous", "service"):
            return self._result("allowed", resource_reasons) if grant else self._lacking(side)
        return self._two_sides(side, grant, resource_reasons, allows, present)

    def _level_without(
        self, kind: PolicyKind, allows: Mapping[PolicyKind, list[tuple[Reason, Grant | None]]]
    ) -> str | None:
        """Return the first level of the organization at which no policy allows the request; ``None`` if there is none.

        A service principal belongs to no account, so no service control policy limits it.
        """
        if kind == "scp" and self.caller.kind == "service":
            return None
        named = {reason.policy for reason, _ in allows.get(kind, ())}
        of_kind = [attached for attached in self.policies if attached.kind == kind]
        allowed = {attached.level for attached in of_kind if attached.name in named}
        return next((attached.level for attached in of_kind if attached.level not in allowed), None)

    def _two_sides(
        self,
        side: PolicyKind,
        grant: Grant | None,
        resource_reasons: list[Reason],
        allows: Mapping[PolicyKind, list[tuple[Reason, Grant | None]]],
        present: set[PolicyKind],
    ) -> Decision:
        limit = next((kind for kind in _LIMITS if kind in present and kind not in allows), None)
        identity_reasons = [reason for reason, _ in allows.get("identity", [])]
        if self.caller.kind == "root":
            identity_reasons = [Reason("identity", "of the account's root user", "the full access")]
        if not self.same_account:
            missing = [kind for kind, has in (("identity", identity_reasons), (side, grant is not None)) if not has]
            if missing:
                return self._lacking(*missing)  # type: ignore[arg-type]
            return self._lacking(limit) if limit else self._result("allowed", identity_reasons + resource_reasons)
        if grant in ("everyone", "user", "session"):
            # An implicit deny of a boundary or session policy does not limit a grant to the caller itself.
            return self._result("allowed", (identity_reasons if limit is None else []) + resource_reasons)
        if grant == "role":
            return self._lacking(limit) if limit else self._result("allowed", identity_reasons + resource_reasons)
        if identity_reasons:
            return self._lacking(limit) if limit else self._result("allowed", identity_reasons + resource_reasons)
        return self._lacking("identity") if side in _NEEDED else self._lacking("identity", "resource")

    def _by_grant(
        self, allows: Mapping[PolicyKind, list[tuple[Reason, Grant | None]]], present: set[PolicyKind]
    ) -> Decision | None:
        """Return the decision of a grant, or ``None`` if it does not suffice. It needs no other allow.

        It counts in another account too. As a resource's policy does, one to an account delegates to identity policies,
        and one to a role is limited by boundary and session.
        """
        strengths = {grant for _, grant in allows["grant"]}
        reasons = [reason for reason, _ in allows["grant"]]
        if strengths & {"user", "session", "service"}:
            return self._result("allowed", reasons)
        limited = any(kind in present and kind not in allows for kind in _LIMITS)
        if limited or ("role" not in strengths and "identity" not in allows and self.caller.kind != "root"):
            return None
        return self._result("allowed", reasons)

    def _lacking(self, *kinds: PolicyKind) -> Decision:
        reasons = [Reason(kind) for kind in kinds]
        if "resource" in kinds:
            reasons += [Reason("acl", each.name) for each in self.policies if each.kind == "acl"]
        return self._result("implicitDeny", reasons)

    def _result(
        self, outcome: Literal["allowed", "explicitDeny", "implicitDeny"], because: Sequence[Reason]
    ) -> Decision:
        evidence = None if outcome == "allowed" else Evidence(self.request, tuple(self.all_policies))
        return Decision(outcome, tuple(because), self.caller.arn, self.request.action, self.resource, evidence)
