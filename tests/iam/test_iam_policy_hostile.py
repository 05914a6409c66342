"""Hostile documents: each is refused with AWS's error, or accepted and decided in few steps."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from reading_room.aws.call import Principal
from reading_room.iam.policy.document import ENDPOINT_POLICY_LIMIT, PolicyDocumentError, PolicyUse, parse
from reading_room.iam.policy.evaluate import AttachedPolicy, PolicyKind, Request, decide
from reading_room.iam.policy.patterns import ArnTemplate, Template, expression, tokenize

CORPUS = sorted((Path(__file__).parent / "data" / "hostile_policies").glob("*.json"))
USES: tuple[PolicyUse, ...] = ("managed", "inline", "session", "trust", "bucket", "endpoint")
REQUEST_LIMIT = 131_072
"""Characters in a policy document in a request, for any use."""
ALICE = Principal("user", "111122223333", "arn:aws:iam::111122223333:user/alice", "AIDAEXAMPLEUSER000001")


class Counted(str):
    """A string that counts its searches, and the most characters that these scan."""

    searches: int
    passed: int

    def __new__(cls, text: str) -> Counted:
        made = super().__new__(cls, text)
        made.searches = made.passed = 0
        return made

    def find(self, *arguments: Any) -> int:
        found = super().find(*arguments)
        self.searches += 1
        self.passed += (len(self) if found < 0 else found) - arguments[1]
        return found


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in CORPUS])
def test_a_hostile_document_is_refused_with_a_serializable_message(path: Path, use: PolicyUse) -> None:
    with pytest.raises(PolicyDocumentError) as refusal:
        parse(path.read_text(encoding="utf-8"), use)
    message = str(refusal.value)
    assert message.isprintable()
    assert message.encode()


def test_the_corpus_exists() -> None:
    assert len(CORPUS) >= 45


@pytest.mark.parametrize("star", ["*", "**", "*?", "?*"])
def test_each_piece_of_a_pattern_is_searched_once(star: str) -> None:
    value = Counted("a" * 5_000)
    pattern = Template.parse(f"{star}a" * 2_000 + "b")
    assert not pattern.matches(value, {})
    assert value.searches <= 2_000 * len(star)
    pattern = Template.parse(f"{star}a" * 2_000 + "*b*")
    assert not pattern.matches(value, {})
    assert value.passed <= len(value)


def test_the_expression_of_a_pattern_does_not_backtrack() -> None:
    """Every repetition is in an atomic group, except for one before the end."""
    tokens = tokenize("*a?b*c*d?*e", wildcards=True, variables=False)
    pattern = expression(tokens).pattern
    assert re.sub(r"\(\?>\.\*\?[a-z.]+\)", "", pattern) == ".*e"


def test_a_text_with_many_variable_prefixes_is_scanned_once() -> None:
    """The expression's parts are mutually exclusive, so no character is scanned for more than one prefix."""
    for text in ("${a" * 40_000, "${ " * 40_000, "${a,'" * 25_000, "${a,'b'" * 18_000, "$" * REQUEST_LIMIT):
        assert "".join(token.value for token in tokenize(text, wildcards=False, variables=True)) == text  # type: ignore[union-attr]


def _decides(text: str, use: PolicyUse, resource: str) -> str:
    kind: PolicyKind = "endpoint" if use == "endpoint" else "identity"
    request = Request(ALICE, "s3:GetObject", (resource,), "111122223333", {"aws:userid": ("a" * 1_000,)})
    return decide(request, [AttachedPolicy(kind, parse(text, use), "hostile")]).outcome


def _filled(build: Any, limit: int) -> str:
    """Return the longest document within a limit. ``build`` returns one with a number of pieces."""
    empty, one = len(build(0)), len(build(1))
    return str(build((limit - empty) // max(1, one - empty)))


def test_a_maximal_document_of_stars_is_decided() -> None:
    def build(number: int) -> str:
        resource = "arn:aws:s3:::" + "*a" * number + "*b"
        return json.dumps({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": resource}})

    assert _decides(_filled(build, REQUEST_LIMIT), "inline", "arn:aws:s3:::" + "a" * 1_024) == "implicitDeny"


@pytest.mark.costs(1.5, reason="thousands of patterns are tried on a long value")
def test_a_maximal_document_of_thousands_of_patterns_is_decided() -> None:
    def build(number: int) -> str:
        conditions = {"StringNotLike": {"aws:userid": ["*a*b*c"] * number}}
        entry = {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": conditions}
        return json.dumps({"Statement": entry})

    assert _decides(_filled(build, REQUEST_LIMIT), "inline", "arn:aws:s3:::b/a") == "explicitDeny"


def test_an_endpoint_policy_is_accepted_up_to_its_limit() -> None:
    def build(number: int) -> str:
        entry = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::" + "?" * number}
        return json.dumps({"Statement": entry})

    text = _filled(build, ENDPOINT_POLICY_LIMIT)
    assert len(text) == ENDPOINT_POLICY_LIMIT
    assert _decides(text, "endpoint", "arn:aws:s3:::b/a") == "implicitDeny"
    with pytest.raises(PolicyDocumentError, match="20481 characters"):
        parse(text + " ", "endpoint")


def test_thousands_of_actions_in_a_trust_policy_are_parsed() -> None:
    actions = ["sts:*a*A*"] * 9_000
    entry = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": actions}
    assert len(parse(json.dumps({"Statement": entry}), "trust").statements[0].actions) == 9_000


def test_malformed_request_values_match_nothing() -> None:
    wanted = {"NumericEquals": "1", "DateEquals": "2025-01-01", "IpAddress": "10.0.0.0/8", "BinaryEquals": "aGk="}
    given = (
        "1_0",
        "\u0661",
        "NaN",
        "1e99999999999999999999",
        "9" * 5_000,
        "\u00e9",
        "0001-01-01T00:00:00+23:59",
        "",
        "\x00",
    )
    for operator, value in wanted.items():
        entry = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {"aws:x": value}}}
        policy = parse(json.dumps({"Version": "2012-10-17", "Statement": entry}), "inline")
        for text in given:
            assert not policy.statements[0].conditions[0].holds({"aws:x": (text,)}), (operator, text)


def test_a_variable_before_the_last_part_of_a_resource_is_plain_text() -> None:
    template = ArnTemplate.parse_resource("arn:aws:iam::${aws:PrincipalAccount}:role/r", variables=True)
    assert not template.matches("arn:aws:iam::111122223333:role/r", {"aws:principalaccount": ("111122223333",)})
    early = ArnTemplate.parse_resource("arn:aws:s3:${a}::b/${a}", variables=True)
    assert not early.matches("arn:aws:s3:x::b/x", {"a": ("x",)})
    assert early.matches("arn:aws:s3:${a}::b/x", {"a": ("x",)})


def test_the_cache_of_actions_is_bounded() -> None:
    policy = parse('{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}', "inline")
    for number in range(2_000):
        policy.covering(f"s3:Operation{number}")
    assert len(policy._by_action) <= 512
