"""Properties of all policies and requests."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reading_room.aws.call import Principal
from reading_room.iam.policy.document import parse
from reading_room.iam.policy.evaluate import AttachedPolicy, Request, decide
from reading_room.iam.policy.patterns import ArnTemplate, Template

ALICE = Principal("user", "111122223333", "arn:aws:iam::111122223333:user/alice", "AIDAEXAMPLEUSER000001")
ACTIONS = ["s3:GetObject", "s3:PutObject", "ec2:DescribeVpcs", "iam:PassRole"]
RESOURCES = ["arn:aws:s3:::corpus/a", "arn:aws:s3:::corpus", "arn:aws:ec2:us-east-1:111122223333:vpc/vpc-1"]
KEYS = {"aws:SourceVpce": ["vpce-1", "vpce-2"], "aws:username": ["alice", "bob"]}

text = st.text(alphabet="ab*?$:/{}.", max_size=12)
plain = st.text(alphabet="ab:/.", max_size=12)


def naive(pattern: str, value: str) -> bool:
    """Match wildcards by exhaustive search."""
    if not pattern:
        return not value
    if pattern[0] == "*":
        return naive(pattern[1:], value) or (bool(value) and naive(pattern, value[1:]))
    return bool(value) and pattern[0] in ("?", value[0]) and naive(pattern[1:], value[1:])


@given(st.text(alphabet="ab*?", max_size=10), st.text(alphabet="ab\n", max_size=10))
def test_the_matcher_agrees_with_a_naive_one(pattern: str, value: str) -> None:
    assert Template.parse(pattern).matches(value, {}) is naive(pattern, value)


def test_a_pattern_of_many_stars_is_fast() -> None:
    assert not Template.parse("*a" * 60 + "b").matches("a" * 5000, {})


@given(text)
def test_a_substituted_value_is_literal(value: str) -> None:
    template = Template.parse("x${aws:username}y", variables=True)
    context = {"aws:username": [value]}
    assert template.matches(f"x{value}y", context)
    assert not template.matches(f"x{value}z", context)
    if "*" in value:
        assert not template.matches(f"x{value.replace('*', 'other')}y", context)


@given(plain, plain)
def test_a_variable_never_moves_the_colons_of_an_arn(head: str, value: str) -> None:
    template = ArnTemplate.parse(f"arn:aws:s3:::{head}${{aws:username}}", variables=True)
    assert template.matches(f"arn:aws:s3:::{head}{value}", {"aws:username": [value]})


@st.composite
def statements(draw: st.DrawFn, effect: str | None = None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "Effect": effect or draw(st.sampled_from(["Allow", "Deny"])),
        draw(st.sampled_from(["Action", "NotAction"])): draw(
            st.lists(st.sampled_from([*ACTIONS, "s3:*", "*"]), min_size=1, max_size=2)
        ),
        draw(st.sampled_from(["Resource", "NotResource"])): draw(
            st.lists(st.sampled_from([*RESOURCES, "*", "arn:aws:s3:::corpus*"]), min_size=1, max_size=2)
        ),
    }
    if draw(st.booleans()):
        key = draw(st.sampled_from(list(KEYS)))
        operator = draw(st.sampled_from(["StringEquals", "StringNotEquals", "StringLikeIfExists", "StringNotLike"]))
        entry["Condition"] = {operator: {key: draw(st.sampled_from(KEYS[key]))}}
    return entry


requests = st.builds(
    Request,
    principal=st.just(ALICE),
    action=st.sampled_from(ACTIONS),
    resources=st.tuples(st.sampled_from(RESOURCES)),
    resource_account=st.sampled_from(["111122223333", "444455556666"]),
    context=st.fixed_dictionaries(
        {}, optional={key: st.sampled_from(values).map(lambda value: (value,)) for key, values in KEYS.items()}
    ),
)


def identity(*entries: dict[str, Any]) -> AttachedPolicy:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(entries)})
    return AttachedPolicy("identity", parse(document, "inline"), "inline")


def resource(*entries: dict[str, Any], principal: Any = "*") -> AttachedPolicy:
    named = [{**entry, "Principal": principal} for entry in entries]
    document = json.dumps({"Version": "2012-10-17", "Statement": named})
    return AttachedPolicy("resource", parse(document, "bucket"), "of the bucket")


ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DENY_ALL = {"Effect": "Deny", "Action": "*", "Resource": "*"}


@given(requests, st.lists(statements(), max_size=3), st.sampled_from([identity, resource]))
def test_a_matching_deny_overrides_every_allow(request: Request, others: list[dict[str, Any]], make: Any) -> None:
    policies = [identity(ALLOW_ALL, *others), resource(ALLOW_ALL), make(DENY_ALL)]
    assert decide(request, policies).outcome == "explicitDeny"


@given(requests, st.lists(statements(), min_size=1, max_size=3), statements(effect="Deny"))
def test_another_deny_never_allows_more(request: Request, entries: list[dict[str, Any]], deny: dict[str, Any]) -> None:
    if decide(request, [identity(*entries, deny)]).allowed:
        assert decide(request, [identity(*entries)]).allowed


@given(requests, st.lists(statements(), min_size=1, max_size=3), statements(effect="Allow"))
def test_another_allow_never_allows_less(
    request: Request, entries: list[dict[str, Any]], allow: dict[str, Any]
) -> None:
    if decide(request, [identity(*entries)]).allowed:
        assert decide(request, [identity(*entries, allow)]).allowed


@given(requests, st.lists(statements(), min_size=1, max_size=3))
def test_an_endpoint_policy_only_limits(request: Request, entries: list[dict[str, Any]]) -> None:
    named = [{**entry, "Principal": "*"} for entry in entries]
    text = json.dumps({"Version": "2012-10-17", "Statement": named})
    endpoint = AttachedPolicy("endpoint", parse(text, "endpoint"), "vpce-1")
    assert not decide(request, [endpoint]).allowed
    if decide(request, [identity(ALLOW_ALL), endpoint]).allowed:
        assert decide(request, [identity(ALLOW_ALL)]).allowed


@given(requests)
def test_no_policies_allow_nothing(request: Request) -> None:
    assert decide(request, []).outcome == "implicitDeny"


@given(requests, st.lists(statements(), max_size=3))
def test_every_decision_has_a_reason(request: Request, entries: list[dict[str, Any]]) -> None:
    decision = decide(request, [identity(*entries)] if entries else [])
    assert decision.because
    assert decision.allowed or decision.message().startswith(f"User: {ALICE.arn} is not authorized to perform: ")
