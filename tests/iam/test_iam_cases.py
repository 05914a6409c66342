"""The decision table in the repository: the outcome of each case and the kinds of policies that decided."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reading_room.aws.call import ANONYMOUS, Principal
from reading_room.iam.policy.document import PolicyUse, parse
from reading_room.iam.policy.evaluate import AttachedPolicy, Request, decide

TABLE: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "iam_cases.json").read_text())

USES: dict[str, PolicyUse] = {
    "identity": "inline",
    "boundary": "inline",
    "session": "session",
    "scp": "inline",
    "rcp": "bucket",
    "resource": "bucket",
    "endpoint": "endpoint",
    "trust": "trust",
}


def policy_of(entry: dict[str, Any]) -> AttachedPolicy:
    document = TABLE["policies"][entry["ref"]]["document"] if "ref" in entry else entry["document"]
    return AttachedPolicy(
        kind=entry["type"],
        policy=parse(json.dumps(document), USES[entry["type"]]),
        name=entry.get("ref", "inline"),
        gateway_endpoint=entry.get("endpoint_type", "gateway") == "gateway",
    )


def principal_of(entry: dict[str, Any], context: dict[str, Any]) -> Principal:
    if entry["type"] == "anonymous":
        return ANONYMOUS
    if entry["type"] == "service":
        name = entry["service"]
        return Principal("service", "", name, name, service_name=name)
    return Principal(
        kind=entry["type"],
        account=entry["account"],
        arn=entry["arn"],
        user_id=context.get("aws:userid", "AIDAEXAMPLEUSER000001"),
        role_arn=entry.get("role_arn"),
    )


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in TABLE["cases"]])
def test_requests_are_decided_as_in_the_table(case: dict[str, Any]) -> None:
    request = case["request"]
    context = {
        key: tuple(value) if isinstance(value, list) else (str(value),) for key, value in request["context"].items()
    }
    decision = decide(
        Request(
            principal=principal_of(request["principal"], request["context"]),
            action=request["action"],
            resources=tuple(request["resources"]),
            resource_account=request["resource_account"],
            context=context,
        ),
        [policy_of(entry) for entry in case["policies"]],
    )
    assert decision.outcome == case["expect"]["decision"], f"{case['title']}: {decision.reasons()}"
    assert list(decision.by) == case["expect"]["by"], case["title"]
