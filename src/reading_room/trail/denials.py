"""What the operator is told of a denial: the decision, and why each statement that came near did not help."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from reading_room.iam.policy.evaluate import Decision
from reading_room.iam.policy.explain import StatementStory, explain

MOST_STATEMENTS = 20
"""Statements that are written down of one denial: a policy may have hundreds that come equally near."""


def document_of(request_id: str, at: str, decision: Decision) -> dict[str, Any]:
    """Return everything about a denial as JSON values; ``at`` is when, in ISO 8601."""
    document: dict[str, Any] = {
        "requestID": request_id,
        "at": at,
        "outcome": decision.outcome,
        "principal": decision.principal_arn,
        "action": decision.action,
        "resource": decision.resource,
        "message": decision.message(),
        "because": [str(reason) for reason in decision.because],
    }
    if decision.evidence is None:
        return document
    request, policies = decision.evidence.request, decision.evidence.policies
    explanation = explain(request, policies)
    return {
        **document,
        "policies": [f"{policy.kind} policy {policy.name}" for policy in policies],
        "deciding": _statements(explanation.deciding),
        "closest": _statements(explanation.closest),
        "context": {key: list(values) for key, values in sorted(request.context.items())},
    }


def _statements(stories: Iterable[StatementStory]) -> list[dict[str, Any]]:
    return [
        {
            "policy": f"{story.kind} policy {story.policy}",
            "statement": story.statement,
            "effect": story.effect,
            "document": dict(story.document),
            "mismatches": [str(mismatch) for mismatch in story.mismatches],
            "conditions": [asdict(condition) for condition in story.conditions],
        }
        for story in list(stories)[:MOST_STATEMENTS]
    ]
