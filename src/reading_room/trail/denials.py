"""Denials as documents for the operator: the decision, and why the closest statements did not match."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from reading_room.iam.policy.evaluate import Decision
from reading_room.iam.policy.explain import StatementExplanation, explain

MOST_STATEMENTS = 20
"""Statements recorded per denial: a policy can have hundreds that are equally close."""


def document_of(request_id: str, at: str, decision: Decision) -> dict[str, Any]:
    """Return a denial as JSON values; ``at`` is its time in ISO 8601."""
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


def _statements(statements: Iterable[StatementExplanation]) -> list[dict[str, Any]]:
    return [
        {
            "policy": f"{statement.kind} policy {statement.policy}",
            "statement": statement.statement,
            "effect": statement.effect,
            "document": dict(statement.document),
            "mismatches": [str(mismatch) for mismatch in statement.mismatches],
            "conditions": [asdict(condition) for condition in statement.conditions],
        }
        for statement in list(statements)[:MOST_STATEMENTS]
    ]
