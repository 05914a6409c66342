"""Patterns with wildcards and variables, and ARN patterns: what each matches."""

from __future__ import annotations

import pytest

from reading_room.iam.policy.patterns import ArnTemplate, Template

CONTEXT = {"aws:username": ("ann",), "aws:many": ("a", "b"), "aws:star": ("*",)}


@pytest.mark.parametrize(
    ("text", "meant", "others"),
    [
        ("", [""], ["a"]),
        ("abc", ["abc"], ["ab", "abcd", "ABC", ""]),
        ("*", ["", "a", "a\nb"], []),
        ("a*", ["a", "ab"], ["", "ba"]),
        ("*a", ["a", "ba"], ["", "ab"]),
        ("a*a", ["aa", "aba"], ["a", "ab"]),
        ("ab*b*bc", ["abbbc", "abxbxbc"], ["abbc", "abc"]),
        ("a*bc*d", ["abcd", "axbcxbcd"], ["abd", "acbd"]),
        ("**", ["", "x"], []),
        ("?", ["a", "\n"], ["", "ab"]),
        ("a?c", ["abc", "a?c"], ["ac", "abbc"]),
        ("?*?", ["ab", "abc"], ["", "a"]),
        ("a?*.c*d", ["ab.cd", "abb.cxd"], ["a.cd", "abxcd", "ab.c"]),
        ("*a?c", ["abc", "xxabc"], ["abcx", "ac"]),
        ("a.c", ["a.c"], ["abc"]),
    ],
)
def test_a_pattern_with_wildcards_matches(text: str, meant: list[str], others: list[str]) -> None:
    template = Template.parse(text)
    assert [value for value in meant if not template.matches(value, {})] == []
    assert [value for value in others if template.matches(value, {})] == []
    assert [value for value in meant if not template.matches(value.upper(), {}, ignore_case=True)] == []


def test_without_wildcards_a_star_is_a_star() -> None:
    template = Template.parse("a*?", wildcards=False)
    assert template.matches("a*?", {})
    assert not template.matches("abc", {})


@pytest.mark.parametrize(
    ("text", "value", "matches"),
    [
        ("${aws:username}", "ann", True),
        ("${AWS:UserName}", "ann", True),
        ("${ aws:username }", "ann", True),
        ("home/${aws:username}/*", "home/ann/x", True),
        ("home/${aws:username}/*", "home/bob/x", False),
        ("${aws:star}", "*", True),
        ("${aws:star}", "ann", False),
        ("${aws:many}", "a", False),
        ("${aws:many, 'a'}", "a", False),
        ("${aws:absent}", "", False),
        ("${aws:absent, 'bob'}", "bob", True),
        ("${aws:absent,'bob' }", "bob", True),
        ("${aws:username, 'bob'}", "bob", False),
        ("${aws:absent, ''}", "", True),
        ("${*}${?}${$}", "*?$", True),
        ("${*}", "x", False),
        ("${aws:username", "${aws:username", True),
        ("${}", "${}", True),
        ("$${aws:username}", "$ann", True),
    ],
)
def test_a_variable_is_replaced_with_its_single_value(text: str, value: str, matches: bool) -> None:
    assert Template.parse(text, variables=True).matches(value, CONTEXT) is matches


def test_only_a_pattern_without_variables_is_prepared() -> None:
    assert Template.parse("a*b").fixed is not None
    assert Template.parse("a${aws:username}", variables=True).fixed is None
    assert Template.parse("a${aws:username}").fixed is not None


@pytest.mark.parametrize(("text", "literal"), [("abc", True), ("", True), ("a*", False), ("*", False), ("a?", False)])
def test_a_pattern_without_wildcards_is_literal(text: str, literal: bool) -> None:
    glob = Template.parse(text).fixed
    assert glob is not None
    assert glob.is_literal is literal


@pytest.mark.parametrize(
    ("pattern", "meant", "others"),
    [
        ("*", ["*", "arn:aws:s3:::b", "anything"], []),
        ("**", ["arn:aws:s3:::b"], []),
        ("arn:aws:s3:::b", ["arn:aws:s3:::b"], ["arn:aws:s3:::bb", "arn:aws:s3:::", "arn:aws:s3::1:b", "*"]),
        ("arn:aws:s3:::b/*", ["arn:aws:s3:::b/", "arn:aws:s3:::b/a:b"], ["arn:aws:s3:::b", "arn:aws:s3:x::b/a"]),
        ("arn:aws:iam::*:role/*", ["arn:aws:iam::1:role/a:b"], ["arn:aws:iam:x:1:role/a", "arn:aws:iam::1:user/a"]),
        ("arn:*:iam::1:*", ["arn:aws:iam::1:x"], ["arn:aws:x:iam::1:x", "arn:aws:iam::2:x"]),
        ("arn:aws:iam::?:a?", ["arn:aws:iam::1:ab"], ["arn:aws:iam::12:ab", "arn:aws:iam::1:abc"]),
        ("arn:aws:s3:*:1:*", ["arn:aws:s3:x:1:y", "arn:aws:s3::1:"], ["arn:aws:s3:x", "arn:aws:s3:x:y:1:z", "arn"]),
    ],
)
def test_an_arn_is_compared_part_by_part(pattern: str, meant: list[str], others: list[str]) -> None:
    for template in (ArnTemplate.parse(pattern), ArnTemplate.parse_resource(pattern, variables=True)):
        assert [value for value in meant if not template.matches(value, {})] == []
        assert [value for value in others if template.matches(value, {})] == []


@pytest.mark.parametrize("text", ["", "b", "arn:aws:s3::", "nra:aws:s3:::b", "ar*:aws:s3:::b", "?"])
def test_a_text_that_is_not_an_arn_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an ARN"):
        ArnTemplate.parse(text)
    with pytest.raises(ValueError, match="not an ARN"):
        ArnTemplate.parse_resource(text, variables=True)


def test_a_resource_has_variables_only_in_its_last_part() -> None:
    resource = ArnTemplate.parse_resource("arn:aws:s3:::b/${aws:username}/*", variables=True)
    assert resource.matches("arn:aws:s3:::b/ann/x", CONTEXT)
    assert not resource.matches("arn:aws:s3:::b/bob/x", CONTEXT)
    assert not resource.matches("arn:aws:s3:::b/ann/x", {})
    before = ArnTemplate.parse_resource("arn:aws:iam::${aws:username}:role/x", variables=True)
    assert not before.matches("arn:aws:iam::ann:role/x", CONTEXT)
    anywhere = ArnTemplate.parse("arn:aws:iam::${aws:username}:role/x", variables=True)
    assert anywhere.matches("arn:aws:iam::ann:role/x", CONTEXT)
