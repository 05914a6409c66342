"""Simulated requests: what policies would decide, without a call (SimulatePrincipalPolicy, SimulateCustomPolicy).

``policy.evaluate`` decides, so a simulation and a real call cannot disagree about a policy. Only the context differs: a
simulated request has the condition keys that are given for it, and those that describe its caller. Structures and
messages are those of the IAM API Reference and of recorded responses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from reading_room.aws.call import Principal
from reading_room.iam.policy.context_keys import once, statement_keys
from reading_room.iam.policy.document import Statement, parse
from reading_room.iam.policy.evaluate import AttachedPolicy, PolicyKind, Request, context_of, decide, matching
from reading_room.iam.policy.positions import Span

Outcome = Literal["allowed", "explicitDeny", "implicitDeny"]
SOURCE_TYPES: Mapping[str, str] = {
    "identity": "IAM Policy",
    "boundary": "Permissions Boundary Policy",
    "resource": "Resource Policy",
}
"""What responses call the kinds of policies in a simulation (recorded; the model's enumeration is older)."""
EVERYTHING = parse('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}', "inline")
"""Stands for the caller's own policies when only those of the organization are evaluated."""
_MOST_RESTRICTIVE: tuple[Outcome, ...] = ("explicitDeny", "implicitDeny", "allowed")


@dataclass(frozen=True, slots=True)
class Source:
    """A policy in a simulation, and its name in responses."""

    policy_id: str
    attached: AttachedPolicy
    spans: tuple[Span, ...]
    """The span of each of its statements in the given text."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything about the simulated requests except their actions."""

    caller: Principal
    sources: tuple[Source, ...]
    resources: tuple[str, ...]
    """ARNs, or ``*`` alone if none is given."""
    resource_owner: str
    """The account of resources whose ARN has none."""
    context: Mapping[str, Sequence[str]]
    limits: tuple[AttachedPolicy, ...] | None = None
    """The service control policies of the caller's account; ``None`` if it does not belong to an organization."""


@dataclass(frozen=True, slots=True)
class Match:
    """A statement that contributed to a decision."""

    policy_id: str
    kind: PolicyKind
    span: Span

    def structure(self) -> dict[str, Any]:
        """Return IAM's Statement structure."""
        start, end = self.span
        return {
            "SourcePolicyId": self.policy_id,
            "SourcePolicyType": SOURCE_TYPES[self.kind],
            "StartPosition": {"Line": start.line, "Column": start.column},
            "EndPosition": {"Line": end.line, "Column": end.column},
        }


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one action on one resource."""

    resource: str
    outcome: Outcome
    matches: tuple[Match, ...]
    missing: tuple[str, ...]
    """Condition keys that statements about the action use and the scenario lacks."""
    by_kind: Mapping[str, Outcome]
    """The outcome of each kind of policy by itself."""
    cross_account: bool
    allowed_by_organization: bool | None
    """``None`` if the caller belongs to no organization."""


def simulate(scenario: Scenario, action: str) -> dict[str, Any]:
    """Return IAM's EvaluationResult structure for one action on all of a scenario's resources."""
    results = [_simulated(scenario, action, resource) for resource in scenario.resources]
    answer: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": scenario.resources[0] if len(scenario.resources) == 1 else "*",
        "EvalDecision": _worst(result.outcome for result in results),
        "MatchedStatements": _structures(match for result in results for match in result.matches),
        "MissingContextValues": once(key for result in results for key in result.missing),
    }
    answer |= _boundary_detail(results) | _organization_detail(results)
    if any(result.cross_account for result in results):
        kinds = dict.fromkeys(kind for result in results for kind in result.by_kind)
        answer["EvalDecisionDetails"] = {
            kind: _worst(result.by_kind[kind] for result in results if kind in result.by_kind) for kind in kinds
        }
    if scenario.resources != ("*",):
        answer.setdefault("EvalDecisionDetails", {})
        answer["ResourceSpecificResults"] = [_resource_structure(result) for result in results]
    return answer


def _resource_structure(result: Result) -> dict[str, Any]:
    details = {"EvalDecisionDetails": dict(result.by_kind)} if result.cross_account else {}
    return {
        "EvalResourceName": result.resource,
        "EvalResourceDecision": result.outcome,
        "MatchedStatements": _structures(result.matches),
        "MissingContextValues": list(result.missing),
        **details,
        **_boundary_detail([result]),
    }


def _boundary_detail(results: Sequence[Result]) -> dict[str, Any]:
    kind = SOURCE_TYPES["boundary"]
    if kind not in results[0].by_kind:
        return {}
    allowed = all(result.by_kind[kind] == "allowed" for result in results)
    return {"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": allowed}}


def _organization_detail(results: Sequence[Result]) -> dict[str, Any]:
    if results[0].allowed_by_organization is None:
        return {}
    allowed = all(result.allowed_by_organization for result in results)
    return {"OrganizationsDecisionDetail": {"AllowedByOrganizations": allowed}}


def _structures(matches: Iterable[Match]) -> list[dict[str, Any]]:
    return [match.structure() for match in dict.fromkeys(matches)]


def _worst(outcomes: Iterable[Outcome]) -> Outcome:
    return min(outcomes, key=_MOST_RESTRICTIVE.index)


def _simulated(scenario: Scenario, action: str, resource: str) -> Result:
    parts = resource.split(":", 5)
    owner = parts[4] if len(parts) == 6 and parts[4] else scenario.resource_owner
    request = Request(scenario.caller, action, (resource,), owner, scenario.context)
    policies = [source.attached for source in scenario.sources]
    decision = decide(request, [*policies, *(scenario.limits or ())])
    context = context_of(request)
    by_kind: dict[str, Outcome] = {SOURCE_TYPES[attached.kind]: "implicitDeny" for attached in policies}
    matches = []
    for attached, statement, _ in matching(policies, request, resource, context):
        kind = SOURCE_TYPES[attached.kind]
        effect_outcome: Outcome = "explicitDeny" if statement.effect == "Deny" else "allowed"
        by_kind[kind] = _worst([effect_outcome, by_kind[kind]]) if by_kind[kind] != "implicitDeny" else effect_outcome
        # A deny contributes to a deny, an allow only to an allow that its kind of policy decided.
        if effect_outcome == decision.outcome and (effect_outcome == "explicitDeny" or attached.kind in decision.by):
            matches.append(_match(scenario, attached, statement))
    used_keys = (
        key
        for attached in policies
        for statement in attached.policy.covering(action)
        for key in statement_keys(attached.policy, statement)
    )
    return Result(
        resource=resource,
        outcome=decision.outcome,
        matches=tuple(matches),
        missing=tuple(once(key for key in used_keys if key.lower() not in context)),
        by_kind=by_kind,
        cross_account=scenario.caller.account != owner,
        allowed_by_organization=_allowed_by_organization(scenario, request),
    )


def _allowed_by_organization(scenario: Scenario, request: Request) -> bool | None:
    if scenario.limits is None:
        return None
    everything = AttachedPolicy("identity", EVERYTHING, "of the caller")
    return decide(replace(request, resource_account=request.principal.account), [*scenario.limits, everything]).allowed


def _match(scenario: Scenario, attached: AttachedPolicy, statement: Statement) -> Match:
    source = next(source for source in scenario.sources if source.attached is attached)
    number = next(number for number, each in enumerate(attached.policy.statements) if each is statement)
    return Match(source.policy_id, attached.kind, source.spans[number])
