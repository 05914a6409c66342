"""Endpoint policies that let in other accounts, which an attacker with their own keys could use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.iam.policy.document import PolicyDocumentError, parse
from reading_room.iam.policy.open_endpoint import openings

CASES = Path(__file__).parent / "data" / "iam_cases.json"
MINE, OTHER = "111122223333", "444455556666"
ALLOW: dict[str, Any] = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
MY_BUCKET = ["arn:aws:s3:::my-papers", "arn:aws:s3:::my-papers/*"]


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def let_in(*statements: dict[str, Any]) -> list[str]:
    return [opening.who for opening in openings(policy(*statements), MINE)]


def equals(key: str, *values: str, operator: str = "StringEquals") -> dict[str, Any]:
    return {operator: {key: list(values)}}


@pytest.mark.parametrize(
    "statement",
    [
        {},
        {"Principal": {"AWS": "*"}},
        {"Action": "s3:GetObject"},
        {"Action": ["s3:Get*", "s3:Put*"]},
        {"Resource": "arn:aws:s3:::*"},
        {"Resource": "arn:aws:s3:::my-*/*"},
        {"Condition": equals("aws:SourceVpc", "vpc-1")},
        {"Condition": equals("aws:PrincipalTag/team", "red")},
        {"Condition": equals("aws:username", "alice")},
        {"Condition": equals("aws:PrincipalAccount", MINE, operator="StringNotEquals")},
        {"Condition": equals("aws:PrincipalAccount", "${aws:ResourceAccount}")},
        {"Condition": equals("aws:PrincipalArn", "arn:aws:iam::*:user/*", operator="ArnLike")},
        {"Condition": {"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-1/*"}}},
        {"Resource": "arn:aws:s3:::${aws:PrincipalTag/bucket}/*"},
        {"Action": "logs:PutLogEvents", "Resource": "arn:aws:logs:*:*:*"},
    ],
)
def test_a_policy_that_any_account_can_use_is_open_to_every_account(statement: dict[str, Any]) -> None:
    assert let_in({**ALLOW, **statement}) == ["every account"]


@pytest.mark.parametrize(
    "statement",
    [
        {"Condition": equals("aws:PrincipalAccount", MINE)},
        {"Condition": equals("aws:principalaccount", MINE)},
        {"Condition": equals("aws:PrincipalArn", f"arn:aws:iam::{MINE}:role/*", operator="ArnLike")},
        {"Condition": equals("aws:PrincipalOrgID", "o-1")},
        {"Condition": equals("aws:ResourceAccount", MINE)},
        {"Principal": {"AWS": MINE}},
        {"Principal": {"AWS": f"arn:aws:iam::{MINE}:role/Reader"}},
        {"Resource": MY_BUCKET},
        {"Action": "logs:*", "Resource": f"arn:aws:logs:*:{MINE}:*"},
        {"Condition": {"Bool": {"aws:PrincipalIsAWSService": "true"}}},
        {"Effect": "Deny"},
    ],
)
def test_a_policy_that_pins_the_account_or_names_the_buckets_is_closed(statement: dict[str, Any]) -> None:
    assert let_in({**ALLOW, **statement}) == []


def test_a_named_account_or_role_is_reported() -> None:
    assert let_in({**ALLOW, "Principal": {"AWS": [MINE, OTHER]}}) == [f"account {OTHER}"]
    assert let_in({**ALLOW, "Condition": equals("aws:PrincipalAccount", MINE, OTHER)}) == [f"account {OTHER}"]
    named = {**ALLOW, "Principal": {"AWS": f"arn:aws:iam::{OTHER}:role/partner/Reader"}}
    assert let_in(named) == [f"account {OTHER}"]
    pattern = equals("aws:PrincipalArn", "arn:aws:iam::*:role/admin", operator="ArnLike")
    assert let_in({**ALLOW, "Condition": pattern}) == ["every account that has role/admin"]
    unsigned = {**ALLOW, "Condition": equals("aws:PrincipalAccount", "anonymous")}
    assert let_in(unsigned) == ["anonymous callers"]


def test_a_named_session_belongs_to_its_role() -> None:
    session = {**ALLOW, "Principal": {"AWS": f"arn:aws:sts::{OTHER}:assumed-role/Reader/one"}}
    for role, expected in (("Reader", [f"account {OTHER}"]), ("Writer", [])):
        pinned = equals("aws:PrincipalArn", f"arn:aws:iam::{OTHER}:role/{role}")
        assert let_in({**session, "Condition": pinned}) == expected


def test_not_resource_is_open_to_every_account() -> None:
    statement = {name: value for name, value in ALLOW.items() if name != "Resource"}
    assert let_in({**statement, "NotResource": MY_BUCKET}) == ["every account"]
    mine = equals("aws:ResourceAccount", MINE)
    assert let_in({**statement, "NotResource": MY_BUCKET, "Condition": mine}) == []


def test_not_action_is_checked_with_other_actions() -> None:
    statement = {name: value for name, value in ALLOW.items() if name != "Action"}
    assert let_in({**statement, "NotAction": "s3:PutObject"}) == ["every account"]
    assert let_in({**statement, "NotAction": "s3:*"}) == []


def test_a_policy_that_cannot_be_checked_in_full_counts_as_open() -> None:
    """The resource becomes a list, which makes the text longer than a policy can be."""
    closed = {**ALLOW, "Condition": equals("aws:PrincipalAccount", MINE)}
    text = json.dumps({"Version": "2012-10-17", "Statement": [closed]}, separators=(",", ":"))
    full = text.replace('"Resource":"*"', f'"Resource":"arn:aws:s3:::{"b" * (20_480 - len(text) - 12)}"')
    too_long = ["others (it is too long to be checked in full)"]
    assert [opening.who for opening in openings(full, MINE)] == too_long
    assert [opening.who for opening in openings(full.replace("bb", "b", 1), MINE)] == too_long
    assert openings(full.replace("bbb", "b", 1), MINE) == ()


@pytest.mark.parametrize(
    ("condition", "closed"),
    [
        (equals("aws:PrincipalAccount", MINE, operator="StringNotEquals"), True),
        (equals("aws:ResourceAccount", MINE, operator="StringNotEqualsIfExists"), True),
        (
            {
                "StringNotEquals": {"aws:PrincipalAccount": MINE},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
            True,
        ),
        (equals("aws:PrincipalTag/team", "red", operator="StringNotEquals"), False),
        (equals("aws:PrincipalAccount", OTHER), False),
    ],
)
def test_a_deny_that_strangers_cannot_avoid_closes_the_policy(condition: dict[str, Any], closed: bool) -> None:
    deny = {**ALLOW, "Effect": "Deny", "Condition": condition}
    assert (let_in(ALLOW, deny) == []) is closed


def test_a_deny_of_some_actions_leaves_the_others_open() -> None:
    deny = {**ALLOW, "Effect": "Deny", "Condition": equals("aws:PrincipalAccount", MINE, operator="StringNotEquals")}
    assert let_in({**ALLOW, "Action": "s3:*"}, {**deny, "Action": "s3:PutObject"}) == ["every account"]
    assert let_in({**ALLOW, "Action": "s3:*"}, {**deny, "Action": "s3:*"}) == []
    but_s3 = {name: value for name, value in deny.items() if name != "Action"} | {"NotAction": "s3:*"}
    assert let_in({**ALLOW, "Action": "s3:*"}, but_s3) == ["every account"]


def test_the_open_statement_is_named_in_the_warning() -> None:
    closed = {**ALLOW, "Resource": MY_BUCKET}
    found = openings(policy(closed, ALLOW, {**ALLOW, "Sid": "Wide"}), MINE)
    assert [opening.statement for opening in found] == ["statement 2", "statement 'Wide'"]
    warning = found[0].warning("vpce-0123456789abcdef0")
    assert warning.startswith("the policy of vpce-0123456789abcdef0 (statement 2) lets in requests from every account")


@pytest.mark.parametrize("name", ["seed-s3-endpoint-allow", "endpoint-default-gateway", "endpoint-merged"])
def test_the_guides_own_policies_are_open(name: str) -> None:
    text = json.dumps(json.loads(CASES.read_text())["policies"][name]["document"])
    assert [opening.who for opening in openings(text, MINE)] == ["every account"]


@given(st.lists(st.sampled_from([MINE, OTHER, "777788889999"]), min_size=1, max_size=3, unique=True))
def test_exactly_the_other_accounts_are_reported(accounts: list[str]) -> None:
    assert bool(let_in({**ALLOW, "Condition": equals("aws:PrincipalAccount", *accounts)})) is (set(accounts) != {MINE})


WORDS = ["*", "s3:*", "s3:Put*", "arn:aws:s3:::a/*", "arn:aws:s3:::*", f"arn:aws:iam::{MINE}:root", MINE, OTHER]
WORDS += ["${aws:username}"]
TEXTS = st.one_of(st.sampled_from(WORDS), st.lists(st.sampled_from(WORDS), min_size=1, max_size=3))
CONDITIONS = st.dictionaries(
    st.sampled_from(
        ["StringEquals", "StringNotLike", "ArnLike", "Null", "Bool", "ForAnyValue:StringLike", "IpAddress"]
    ),
    st.dictionaries(
        st.sampled_from(
            ["aws:PrincipalAccount", "aws:PrincipalArn", "aws:ResourceAccount", "aws:SourceIp", "s3:prefix"]
        ),
        st.one_of(TEXTS, st.booleans(), st.sampled_from(["true", "10.0.0.0/8"])),
        min_size=1,
        max_size=2,
    ),
    max_size=2,
)
STATEMENTS = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"])},
    optional={
        "Sid": st.sampled_from(["a", "b"]),
        "Principal": st.one_of(st.just("*"), st.fixed_dictionaries({"AWS": TEXTS})),
        "NotPrincipal": st.fixed_dictionaries({"AWS": TEXTS}),
        "Action": TEXTS,
        "NotAction": TEXTS,
        "Resource": TEXTS,
        "NotResource": TEXTS,
        "Condition": CONDITIONS,
    },
)


@given(st.lists(STATEMENTS, min_size=1, max_size=4))
def test_every_valid_endpoint_policy_is_checked_and_a_deny_of_all_closes_it(
    statements: list[dict[str, Any]],
) -> None:
    try:
        parse(policy(*statements), "endpoint")
    except PolicyDocumentError:
        return
    found = openings(policy(*statements), MINE)
    assert len(found) <= len(statements)
    assert openings(policy(*statements, {**ALLOW, "Effect": "Deny"}), MINE) == ()


def test_a_policy_of_maximum_length_is_checked() -> None:
    names = [f"s3:Get{'x' * 400}{number}" for number in range(45)]
    long = policy({**ALLOW, "Action": names, "Condition": equals("aws:PrincipalAccount", MINE)})
    assert 18_000 < len(long) < 20_480
    assert openings(long, MINE) == ()
    many = [f"arn:aws:s3:::bucket-{number}-*" for number in range(100)]
    wide = policy({**ALLOW, "Action": names[:25], "Resource": many, "Condition": equals("aws:PrincipalAccount", MINE)})
    assert [opening.who for opening in openings(wide, MINE)] == ["others (it is too long to be checked in full)"]
