"""Documents made to hurt: each is refused with AWS's error, or taken and decided with few steps."""

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
"""Characters of a policy document in a request, whatever it is for."""
ALICE = Principal("user", "111122223333", "arn:aws:iam::111122223333:user/alice", "AIDAEXAMPLEUSER000001")


class Counted(str):
    """A text that counts how often it is searched, and how many characters the searches pass over at most."""

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
def test_a_hostile_document_is_refused_with_a_message_that_an_answer_can_carry(path: Path, use: PolicyUse) -> None:
    with pytest.raises(PolicyDocumentError) as refusal:
        parse(path.read_text(encoding="utf-8"), use)
    message = str(refusal.value)
    assert message.isprintable()
    assert message.encode()


def test_the_corpus_is_there() -> None:
    assert len(CORPUS) >= 45


@pytest.mark.parametrize("star", ["*", "**", "*?", "?*"])
def test_each_piece_of_a_pattern_is_looked_for_once(star: str) -> None:
    value = Counted("a" * 5_000)
    pattern = Template.parse(f"{star}a" * 2_000 + "b")
    assert not pattern.matches(value, {})
    assert value.searches <= 2_000 * len(star)
    pattern = Template.parse(f"{star}a" * 2_000 + "*b*")
    assert not pattern.matches(value, {})
    assert value.passed <= len(value)


def test_the_expression_of_a_pattern_never_goes_back_over_what_it_passed() -> None:
    """Every repetition is in an atomic group, but for one before the end."""
    tokens = tokenize("*a?b*c*d?*e", wildcards=True, variables=False)
    pattern = expression(tokens).pattern
    assert re.sub(r"\(\?>\.\*\?[a-z.]+\)", "", pattern) == ".*e"


def test_a_text_of_many_beginnings_of_variables_is_read_once() -> None:
    """The expression's parts exclude each other, so no character is read for more than one beginning."""
    for text in ("${a" * 40_000, "${ " * 40_000, "${a,'" * 25_000, "${a,'b'" * 18_000, "$" * REQUEST_LIMIT):
        assert "".join(token.value for token in tokenize(text, wildcards=False, variables=True)) == text  # type: ignore[union-attr]


def _decides(text: str, use: PolicyUse, resource: str) -> str:
    kind: PolicyKind = "endpoint" if use == "endpoint" else "identity"
    request = Request(ALICE, "s3:GetObject", (resource,), "111122223333", {"aws:userid": ("a" * 1_000,)})
    return decide(request, [AttachedPolicy(kind, parse(text, use), "hostile")]).outcome


def _filled(build: Any, limit: int) -> str:
    """Return the longest document of a kind that fits into a limit. ``build`` makes one of a number of pieces."""
    empty, one = len(build(0)), len(build(1))
    return str(build((limit - empty) // max(1, one - empty)))


def test_a_document_of_nothing_but_stars_at_the_limit_is_decided() -> None:
    def build(number: int) -> str:
        resource = "arn:aws:s3:::" + "*a" * number + "*b"
        return json.dumps({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": resource}})

    assert _decides(_filled(build, REQUEST_LIMIT), "inline", "arn:aws:s3:::" + "a" * 1_024) == "implicitDeny"


@pytest.mark.costs(1.5, reason="thousands of patterns are tried on a long value")
def test_a_document_of_thousands_of_patterns_at_the_limit_is_decided() -> None:
    def build(number: int) -> str:
        conditions = {"StringNotLike": {"aws:userid": ["*a*b*c"] * number}}
        entry = {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": conditions}
        return json.dumps({"Statement": entry})

    assert _decides(_filled(build, REQUEST_LIMIT), "inline", "arn:aws:s3:::b/a") == "explicitDeny"


def test_an_endpoint_policy_at_its_limit_is_taken_and_one_above_it_is_not() -> None:
    def build(number: int) -> str:
        entry = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::" + "?" * number}
        return json.dumps({"Statement": entry})

    text = _filled(build, ENDPOINT_POLICY_LIMIT)
    assert len(text) == ENDPOINT_POLICY_LIMIT
    assert _decides(text, "endpoint", "arn:aws:s3:::b/a") == "implicitDeny"
    with pytest.raises(PolicyDocumentError, match="20481 characters"):
        parse(text + " ", "endpoint")


def test_thousands_of_actions_in_a_trust_policy_are_read() -> None:
    actions = ["sts:*a*A*"] * 9_000
    entry = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": actions}
    assert len(parse(json.dumps({"Statement": entry}), "trust").statements[0].actions) == 9_000


def test_values_of_a_request_that_are_no_numbers_dates_addresses_or_bytes_match_nothing() -> None:
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


def test_asking_for_ever_new_actions_keeps_no_more_than_a_few_answers() -> None:
    policy = parse('{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}', "inline")
    for number in range(2_000):
        policy.covering(f"s3:Operation{number}")
    assert len(policy._by_action) <= 512
