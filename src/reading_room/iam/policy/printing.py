"""Parsed policies as JSON in a normal form: every value in a list, principals sorted, no empty elements.

Parsing the result yields the same policy. ``Id``, which no decision uses, is dropped.
"""

from __future__ import annotations

import json
from typing import Any

from reading_room.iam.policy.document import Policy, Statement
from reading_room.iam.policy.principals import Principals


def print_policy(policy: Policy) -> str:
    """Return the policy as indented JSON text."""
    return json.dumps(to_document(policy), indent=4)


def to_document(policy: Policy) -> dict[str, Any]:
    """Return the policy as JSON values."""
    return {"Version": policy.version, "Statement": [_statement(each) for each in policy.statements]}


def _statement(statement: Statement) -> dict[str, Any]:
    entry: dict[str, Any] = {} if statement.sid is None else {"Sid": statement.sid}
    entry["Effect"] = statement.effect
    if statement.principals is not None:
        entry["NotPrincipal" if statement.principals.inverted else "Principal"] = _principals(statement.principals)
    entry["NotAction" if statement.not_action else "Action"] = list(statement.action_texts)
    if statement.resource_texts:
        entry["NotResource" if statement.not_resource else "Resource"] = list(statement.resource_texts)
    conditions: dict[str, dict[str, list[str]]] = {}
    for condition in statement.conditions:
        conditions.setdefault(condition.operator, {})[condition.key_text] = list(condition.values)
    return entry | ({"Condition": conditions} if conditions else {})


def _principals(principals: Principals) -> str | dict[str, list[str]]:
    if principals.bare_star:
        return "*"
    accounts = [f"arn:aws:iam::{account}:root" for account in sorted(principals.accounts)]
    everyone = ["*"] if principals.everyone else []
    kinds = {
        "AWS": [*everyone, *accounts, *sorted(principals.arns), *sorted(principals.unique_ids)],
        "CanonicalUser": sorted(principals.canonical_users),
        "Service": sorted(principals.services),
        "Federated": sorted(principals.federated),
    }
    return {kind: values for kind, values in kinds.items() if values}
