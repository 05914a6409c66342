"""Explanations of decisions: every statement that was evaluated, and why it did or did not match.

The evaluation itself stops at the deciding statement. This evaluates all statements again, so it is for explaining
denials afterwards, never for the path of a request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from reading_room.aws.call import Principal
from reading_room.iam.policy.conditions import Condition
from reading_room.iam.policy.document import Statement
from reading_room.iam.policy.evaluate import (
    AttachedPolicy,
    Decision,
    PolicyKind,
    Request,
    applicable,
    context_of,
    covers_resource,
    decide,
    grant_of,
)
from reading_room.iam.policy.patterns import Context

Element = Literal["Principal", "Action", "Resource", "Condition"]


@dataclass(frozen=True, slots=True)
class ConditionExplanation:
    """One condition of a statement, and whether the request met it."""

    operator: str
    """As written."""
    key: str
    """In lower case."""
    wanted: tuple[str, ...]
    actual: tuple[str, ...]
    """The request's values; empty if the request does not have the key."""
    holds: bool


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An element of a statement that the request does not meet."""

    element: Element
    written: str
    """The element's name as written in the policy, for example ``NotAction``."""
    wanted: tuple[str, ...]
    actual: tuple[str, ...]
    operator: str | None = None
    key: str | None = None

    def __str__(self) -> str:
        wanted = ", ".join(self.wanted) or "nothing"
        if self.key is None:
            return f"{self.written} is {wanted}, the request's is {', '.join(self.actual)}"
        actual = ", ".join(self.actual) if self.actual else "absent"
        return f"Condition {self.operator} on {self.key} wants {wanted}, the request's is {actual}"


@dataclass(frozen=True, slots=True)
class StatementExplanation:
    """One statement, and whether it matches the request."""

    kind: PolicyKind
    policy: str
    statement: str
    sid: str | None
    effect: Literal["Allow", "Deny"]
    resource: str
    matched: bool
    mismatches: tuple[Mismatch, ...]
    """The elements that did not match, in order; empty if the statement matched."""
    conditions: tuple[ConditionExplanation, ...]
    document: Mapping[str, Any]
    """The statement as written, as JSON values."""

    def __str__(self) -> str:
        head = f"{self.effect} by {self.statement} of {self.kind} policy {self.policy}"
        return f"{head}: " + ("it matches" if self.matched else "; ".join(map(str, self.mismatches)))


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, and every statement of the applicable policies, in order."""

    decision: Decision
    statements: tuple[StatementExplanation, ...]

    @property
    def deciding(self) -> tuple[StatementExplanation, ...]:
        """Return the statements that decided; an implicit deny has none."""
        kinds = set(self.decision.by)
        effect = {"explicitDeny": "Deny", "allowed": "Allow"}.get(self.decision.outcome)
        return tuple(s for s in self.statements if s.matched and s.effect == effect and s.kind in kinds)

    @property
    def closest(self) -> tuple[StatementExplanation, ...]:
        """Return the statements that came closest to the missing allow.

        Only policies of the kinds without an allow are considered. A statement that covers the action is closer than
        one that does not; then the one with fewer mismatches is closer.
        """
        if self.decision.outcome != "implicitDeny":
            return ()
        able = [s for s in self.statements if s.effect == "Allow" and s.kind in self.decision.by and not s.matched]
        least = min(map(_distance, able), default=None)
        return tuple(statement for statement in able if _distance(statement) == least)

    def lines(self) -> list[str]:
        """Return the explanation as lines of plain text."""
        decision = self.decision
        lines = [
            f"{decision.outcome}: {decision.principal_arn} {decision.action} on {decision.resource}",
            f"because: {decision.reasons()}",
        ]
        lines += [f"decided: {statement}" for statement in self.deciding]
        lines += [f"closest: {statement}" for statement in self.closest]
        return lines

    def to_document(self) -> dict[str, Any]:
        """Return the explanation as JSON values."""
        decision = self.decision
        return {
            "outcome": decision.outcome,
            "by": list(decision.by),
            "because": [str(reason) for reason in decision.because],
            "principal": decision.principal_arn,
            "action": decision.action,
            "resource": decision.resource,
            "statements": [
                {**asdict(statement), "document": dict(statement.document)} for statement in self.statements
            ],
        }


def explain(request: Request, policies: Sequence[AttachedPolicy]) -> Explanation:
    """Decide a request again, and report for each statement whether it matched and which elements did not.

    The statements are evaluated on the resource that decided.
    """
    decision = decide(request, policies)
    context = context_of(request)
    statements = tuple(
        _explained(attached, statement, request, decision.resource, context)
        for attached in applicable(request, policies)
        for statement in attached.policy.statements
    )
    return Explanation(decision, statements)


def _distance(statement: StatementExplanation) -> tuple[bool, int]:
    return any(mismatch.element == "Action" for mismatch in statement.mismatches), len(statement.mismatches)


def _explained(
    attached: AttachedPolicy, statement: Statement, request: Request, resource: str, context: Context
) -> StatementExplanation:
    conditions = tuple(_explained_condition(condition, context) for condition in statement.conditions)
    mismatches = []
    if statement.principals is not None and grant_of(attached, statement, request.principal) is None:
        mismatches.append(_mismatch(statement, "Principal", _identities(request.principal)))
    if not statement.covers(request.action.lower()):
        mismatches.append(_mismatch(statement, "Action", (request.action,)))
    if not covers_resource(statement, resource, context):
        mismatches.append(_mismatch(statement, "Resource", (resource,)))
    mismatches += [
        Mismatch("Condition", "Condition", each.wanted, each.actual, each.operator, each.key)
        for each in conditions
        if not each.holds
    ]
    return StatementExplanation(
        kind=attached.kind,
        policy=attached.name,
        statement=statement.name,
        sid=statement.sid,
        effect=statement.effect,
        resource=resource,
        matched=not mismatches,
        mismatches=tuple(mismatches),
        conditions=conditions,
        document=statement.document,
    )


def _explained_condition(condition: Condition, context: Context) -> ConditionExplanation:
    actual = tuple(context.get(condition.key, ()))
    return ConditionExplanation(condition.operator, condition.key, condition.values, actual, condition.holds(context))


def _mismatch(statement: Statement, element: Element, actual: tuple[str, ...]) -> Mismatch:
    written = f"Not{element}" if f"Not{element}" in statement.document else element
    return Mismatch(element, written, tuple(_texts(statement.document[written])), actual)


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [f"{kind} {text}" for kind, entry in value.items() for text in _texts(entry)]
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _identities(caller: Principal) -> tuple[str, ...]:
    return tuple(text for text in (caller.arn, caller.role_arn, caller.issuer_arn) if text)
