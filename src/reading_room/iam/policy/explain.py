"""Why a request was decided as it was: every statement that was asked, and what in it stood in the way.

A decision itself stops at what decides. This walks through all statements again and is for denials that somebody
wants explained, never for the path of a request.
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
    bearing,
    context_of,
    decide,
    grant_of,
    speaks_of,
)
from reading_room.iam.policy.patterns import Context

Element = Literal["Principal", "Action", "Resource", "Condition"]


@dataclass(frozen=True, slots=True)
class ConditionStory:
    """One condition of a statement, and how the request met it."""

    operator: str
    """As written."""
    key: str
    """In lower case."""
    wanted: tuple[str, ...]
    actual: tuple[str, ...]
    """The request's values; none when the request does not have the key."""
    holds: bool


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An element of a statement that the request does not meet."""

    element: Element
    written: str
    """The element's name as it stands in the policy, for example ``NotAction``."""
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
class StatementStory:
    """One statement, and whether it is true of the request."""

    kind: PolicyKind
    policy: str
    statement: str
    sid: str | None
    effect: Literal["Allow", "Deny"]
    resource: str
    matched: bool
    mismatches: tuple[Mismatch, ...]
    """What stood in the way, in the order of the elements; none when it matched."""
    conditions: tuple[ConditionStory, ...]
    document: Mapping[str, Any]
    """The statement as written, as JSON values."""

    def __str__(self) -> str:
        head = f"{self.effect} by {self.statement} of {self.kind} policy {self.policy}"
        return f"{head}: " + ("it matches" if self.matched else "; ".join(map(str, self.mismatches)))


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, and every statement of every policy that bore on it, in their order."""

    decision: Decision
    statements: tuple[StatementStory, ...]

    @property
    def deciding(self) -> tuple[StatementStory, ...]:
        """Return the statements that made the decision; of a mere lack there are none."""
        kinds = set(self.decision.by)
        effect = {"explicitDeny": "Deny", "allowed": "Allow"}.get(self.decision.outcome)
        return tuple(s for s in self.statements if s.matched and s.effect == effect and s.kind in kinds)

    @property
    def closest(self) -> tuple[StatementStory, ...]:
        """Return the statements that came closest to giving the allow that was lacking.

        They are of the kinds of policies that lacked it. One that speaks of the action comes closer than one that
        does not, and then one with fewer elements in the way.
        """
        if self.decision.outcome != "implicitDeny":
            return ()
        able = [s for s in self.statements if s.effect == "Allow" and s.kind in self.decision.by and not s.matched]
        least = min(map(_distance, able), default=None)
        return tuple(story for story in able if _distance(story) == least)

    def lines(self) -> list[str]:
        """Return the explanation in plain text, one fact a line."""
        decision = self.decision
        lines = [
            f"{decision.outcome}: {decision.principal_arn} {decision.action} on {decision.resource}",
            f"because: {decision.story()}",
        ]
        lines += [f"decided: {story}" for story in self.deciding]
        lines += [f"closest: {story}" for story in self.closest]
        return lines

    def to_document(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        decision = self.decision
        return {
            "outcome": decision.outcome,
            "by": list(decision.by),
            "because": [str(reason) for reason in decision.because],
            "principal": decision.principal_arn,
            "action": decision.action,
            "resource": decision.resource,
            "statements": [{**asdict(story), "document": dict(story.document)} for story in self.statements],
        }


def explain(request: Request, policies: Sequence[AttachedPolicy]) -> Explanation:
    """Decide a request once more, and say of each statement whether it matched and what stood in its way.

    The statements are told for the resource that decided.
    """
    decision = decide(request, policies)
    context = context_of(request)
    stories = tuple(
        _story(attached, statement, request, decision.resource, context)
        for attached in bearing(request, policies)
        for statement in attached.policy.statements
    )
    return Explanation(decision, stories)


def _distance(story: StatementStory) -> tuple[bool, int]:
    return any(mismatch.element == "Action" for mismatch in story.mismatches), len(story.mismatches)


def _story(
    attached: AttachedPolicy, statement: Statement, request: Request, resource: str, context: Context
) -> StatementStory:
    conditions = tuple(_condition_story(condition, context) for condition in statement.conditions)
    mismatches = []
    if statement.principals is not None and grant_of(attached, statement, request.principal) is None:
        mismatches.append(_mismatch(statement, "Principal", _identities(request.principal)))
    if not statement.covers(request.action.lower()):
        mismatches.append(_mismatch(statement, "Action", (request.action,)))
    if not speaks_of(statement, resource, context):
        mismatches.append(_mismatch(statement, "Resource", (resource,)))
    mismatches += [
        Mismatch("Condition", "Condition", each.wanted, each.actual, each.operator, each.key)
        for each in conditions
        if not each.holds
    ]
    return StatementStory(
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


def _condition_story(condition: Condition, context: Context) -> ConditionStory:
    actual = tuple(context.get(condition.key, ()))
    return ConditionStory(condition.operator, condition.key, condition.values, actual, condition.holds(context))


def _mismatch(statement: Statement, element: Element, actual: tuple[str, ...]) -> Mismatch:
    written = f"Not{element}" if f"Not{element}" in statement.document else element
    return Mismatch(element, written, tuple(_texts(statement.document[written])), actual)


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [f"{kind} {text}" for kind, entry in value.items() for text in _texts(entry)]
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _identities(caller: Principal) -> tuple[str, ...]:
    return tuple(text for text in (caller.arn, caller.role_arn, caller.issuer_arn) if text)
