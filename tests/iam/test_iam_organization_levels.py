"""Policies of an organization in decisions: every level must allow, and a deny at any level wins."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reading_room.aws.call import ANONYMOUS, Principal
from reading_room.iam.policy.document import parse
from reading_room.iam.policy.evaluate import AttachedPolicy, PolicyKind, Request, decide
from reading_room.iam.policy.explain import explain
from reading_room.iam.principals import root_principal, service_principal

ACCOUNT = "444455556666"
CALLER = Principal("user", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ann", "AIDAEXAMPLE000000001", "ann")
SERVICE = service_principal("logs.amazonaws.com")
ACTIONS = ("s3:GetObject", "s3:PutObject", "sts:AssumeRole")


def organization(kind: PolicyKind, level: str, name: str, *statements: dict[str, Any]) -> AttachedPolicy:
    """Return a policy attached at a level."""
    more = {"Principal": "*"} if kind == "rcp" else {}
    document = {"Version": "2012-10-17", "Statement": [{"Resource": "*", **more, **each} for each in statements]}
    policy = parse(json.dumps(document), kind)
    return AttachedPolicy(kind, policy, f"{name} attached to {level}", level=level)


def allow(*actions: str) -> dict[str, Any]:
    """Return a statement that allows actions."""
    return {"Effect": "Allow", "Action": list(actions)}


def deny(*actions: str) -> dict[str, Any]:
    """Return a statement that denies actions."""
    return {"Effect": "Deny", "Action": list(actions)}


OWN = AttachedPolicy(
    "identity",
    parse(json.dumps({"Version": "2012-10-17", "Statement": {**allow("*"), "Resource": "*"}}), "inline"),
    "own",
)
TREE = st.lists(
    st.lists(st.tuples(st.sets(st.sampled_from(ACTIONS)), st.sets(st.sampled_from(ACTIONS))), min_size=1, max_size=3),
    min_size=1,
    max_size=5,
)
"""From the root to the account: the policies at each level, as the actions that each allows and denies."""


@settings(max_examples=60)
@given(scps=TREE, rcps=TREE, action=st.sampled_from(ACTIONS))
def test_every_level_must_allow_and_no_level_may_deny(scps: Any, rcps: Any, action: str) -> None:
    policies = [OWN]
    trees: tuple[tuple[PolicyKind, Any], ...] = (("scp", scps), ("rcp", rcps))
    for kind, tree in trees:
        for level, attached in enumerate(tree):
            for number, (allowed, denied) in enumerate(attached):
                statements = [allow(*allowed)] * bool(allowed) + [deny(*denied)] * bool(denied)
                # A document has at least one statement; this one says nothing about these actions.
                policies.append(
                    organization(kind, f"{kind} {level}", str(number), *statements, allow("logs:GetLogEvents"))
                )
    levels = [*scps, *rcps]
    denied_anywhere = any(action in denied for level in levels for _, denied in level)
    allowed_everywhere = all(any(action in allowed for allowed, _ in level) for level in levels)
    decision = decide(Request(CALLER, action, ("arn:aws:s3:::papers/a",), ACCOUNT), policies)
    expected = "explicitDeny" if denied_anywhere else "allowed" if allowed_everywhere else "implicitDeny"
    assert decision.outcome == expected
    # The order of the policies does not matter, and the explanation agrees.
    request = Request(CALLER, action, ("arn:aws:s3:::papers/a",), ACCOUNT)
    assert decide(request, policies[::-1]).outcome == expected
    assert explain(request, policies).decision.outcome == expected


def test_the_denial_names_the_kind_in_amazons_words_and_the_policy_in_its_reasons() -> None:
    denied = organization("scp", "r-ab12", "p-12345678 (no-s3)", deny("s3:*"), allow("*"))
    decision = decide(Request(CALLER, "s3:GetObject", ("arn:aws:s3:::papers/a",), ACCOUNT), [OWN, denied])
    assert decision.message().endswith("with an explicit deny in a service control policy")
    assert decision.reasons() == "statement 1 of service control policy p-12345678 (no-s3) attached to r-ab12"
    guarded = organization("rcp", "r-ab12", "p-87654321 (guard)", deny("s3:*"), allow("*"))
    decision = decide(Request(CALLER, "s3:GetObject", ("arn:aws:s3:::papers/a",), ACCOUNT), [OWN, guarded])
    assert decision.message().endswith("with an explicit deny in a resource control policy")


def test_the_first_level_without_an_allow_is_named() -> None:
    levels = [organization("scp", "r-ab12", "all", allow("*")), organization("scp", "ou-ab12", "few", allow("logs:*"))]
    decision = decide(Request(CALLER, "s3:GetObject", ("*",), ACCOUNT), [OWN, *levels])
    assert decision.message().endswith("because no service control policy allows the s3:GetObject action")
    assert decision.reasons() == "no service control policy attached to ou-ab12 allows it"


@pytest.mark.parametrize("caller", [CALLER, root_principal(ACCOUNT), SERVICE, ANONYMOUS])
def test_a_deny_for_resources_binds_everybody(caller: Principal) -> None:
    grant = {**allow("s3:GetObject"), "Resource": "arn:aws:s3:::papers/*", "Principal": "*"}
    more = {"Principal": {"Service": "logs.amazonaws.com"}} if caller.kind == "service" else {}
    bucket = parse(json.dumps({"Version": "2012-10-17", "Statement": {**grant, **more}}), "bucket")
    policies = [AttachedPolicy("resource", bucket, "of the bucket")]
    policies += [OWN] if caller.kind == "user" else []
    request = Request(caller, "s3:GetObject", ("arn:aws:s3:::papers/a",), ACCOUNT)
    assert decide(request, [*policies, organization("rcp", "r-ab12", "all", allow("*"))]).allowed
    guard = organization("rcp", "r-ab12", "guard", deny("s3:*"))
    assert decide(request, [*policies, guard]).outcome == "explicitDeny"


def test_no_service_control_policy_limits_a_service() -> None:
    grant = {
        **allow("s3:PutObject"),
        "Resource": "arn:aws:s3:::papers/*",
        "Principal": {"Service": "logs.amazonaws.com"},
    }
    bucket = AttachedPolicy("resource", parse(json.dumps({"Version": "2012-10-17", "Statement": grant}), "bucket"), "b")
    few = organization("scp", "r-ab12", "few", allow("logs:*"))
    request = Request(SERVICE, "s3:PutObject", ("arn:aws:s3:::papers/a",), ACCOUNT)
    assert decide(request, [bucket, few]).allowed
