"""Condition operators: what each considers equal, and its result for absent and multivalued keys."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from reading_room.iam.policy.conditions import OPERATORS, Condition, ConditionError, parse_conditions

KEY = "aws:Anything"


def condition(operator: str, values: object, variables: bool = True) -> Condition:
    """Return one condition on the key."""
    (only,) = parse_conditions({operator: {KEY: values}}, variables=variables)
    return only


def holds(operator: str, values: object, *given: str, **context: str) -> bool:
    """Return whether an operator is true of the key's values in a request; ``context`` has other keys."""
    others = {f"aws:{name}": (value,) for name, value in context.items()}
    return condition(operator, values).holds({"aws:anything": given, **others})


@pytest.mark.parametrize(
    ("operator", "value", "equal", "other"),
    [
        ("StringEquals", "Ann", "Ann", "ann"),
        ("StringEquals", "a*", "a*", "ab"),
        ("StringEquals", True, "true", "True"),
        ("StringEquals", False, "false", "true"),
        ("StringEquals", 7, "7", "7.0"),
        ("StringEquals", Decimal("1.50"), "1.50", "1.5"),
        ("StringEqualsIgnoreCase", "Ann", "aNN", "anne"),
        ("StringEqualsIgnoreCase", "a?*", "A?*", "abc"),
        ("StringLike", "a*c?", "abbcd", "abc"),
        ("StringLike", "*", "", None),
        ("StringLike", "a?c*e*", "abcdefg", "abdefg"),
        ("StringLike", "*a*b", "xaxb", "xbxa"),
        ("StringLike", "ab*bc", "abbc", "abc"),
        ("StringLike", "Ann", "Ann", "ann"),
        ("ArnEquals", "arn:aws:s3:::b*", "arn:aws:s3:::b/a:b", "arn:aws:s3:x::b"),
        ("ArnLike", "arn:aws:iam::*:role/?", "arn:aws:iam::1:role/a", "arn:aws:iam::1:role/ab"),
        ("ArnLike", "arn:*:s3:::b", "arn:aws:s3:::b", "arn:aws:x:s3:::b"),
        ("ArnLike", "*", "anything", None),
        ("NumericEquals", "10", "1e1", "10.1"),
        ("NumericEquals", 5, "5.0", "five"),
        ("NumericLessThan", "10", "9.99", "10"),
        ("NumericLessThanEquals", "10", "10.0", "10.01"),
        ("NumericGreaterThan", "10", "10.01", "10"),
        ("NumericGreaterThanEquals", "10", "10", "9.99"),
        ("NumericEquals", "-.5", "-0.5", ".5"),
        ("NumericEquals", "5", "5", "5_0"),
        ("NumericEquals", "5", "+5", "NaN"),
        ("DateEquals", "2026-01-01T00:00:00Z", "1767225600", "1767225601"),
        ("DateEquals", "2026-01-01", "2026-01-01T02:00:00+02:00", "2026-01-02"),
        ("DateLessThan", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z"),
        ("DateLessThanEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "2026-01-01T00:00:00Z"),
        ("DateGreaterThanEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z"),
        ("DateEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "soon"),
        ("Bool", "True", "tRUE", "false"),
        ("Bool", False, "false", "no"),
        ("BinaryEquals", "YWI=", "YWI=", "YWM="),
        ("BinaryEquals", "YWI=", "YWI=", "YWI"),
        ("IpAddress", "10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
        ("IpAddress", "10.0.0.7/8", "10.1.2.3", "10.0.0.0/8"),
        ("IpAddress", "192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("IpAddress", "2001:db8::/32", "2001:db8::1", "2001:db9::1"),
        ("IpAddress", "0.0.0.0/0", "1.2.3.4", "::1"),
    ],
)
def test_an_operator_and_its_opposite(operator: str, value: object, equal: str, other: str | None) -> None:
    opposite = {
        "IpAddress": "NotIpAddress",
        **{f"{kind}{how}": f"{kind}Not{how}" for kind in ("String", "Arn") for how in ("Equals", "Like")},
        "StringEqualsIgnoreCase": "StringNotEqualsIgnoreCase",
        "NumericEquals": "NumericNotEquals",
        "DateEquals": "DateNotEquals",
    }.get(operator)
    assert holds(operator, value, equal)
    assert opposite is None or not holds(opposite, value, equal)
    if other is not None:
        assert not holds(operator, value, other)
        assert opposite is None or holds(opposite, value, other)


NEGATED = [name for name in OPERATORS if "Not" in name]
WRITABLE = {
    "Numeric": "5",
    "Date": "2026-01-01",
    "Bool": "true",
    "Binary": "YWI=",
    "Ip": "10.0.0.1",
    "NotIp": "10.0.0.1",
    "Arn": "arn:aws:s3:::b",
}


def some_value(operator: str) -> str:
    """Return a value that is valid for an operator."""
    return next((value for kind, value in WRITABLE.items() if operator.startswith(kind)), "x")


@pytest.mark.parametrize("operator", OPERATORS)
def test_an_absent_key_makes_only_a_negated_operator_true(operator: str) -> None:
    value = some_value(operator)
    assert holds(operator, value) is (operator in NEGATED)
    assert holds(f"{operator}IfExists", value)
    assert holds(f"ForAllValues:{operator}", value)
    assert not holds(f"ForAnyValue:{operator}", value)
    assert holds(f"ForAnyValue:{operator}IfExists", value)


@pytest.mark.parametrize(
    ("operator", "values", "given", "expected"),
    [
        ("StringEquals", ["a", "b"], ("b",), True),
        ("StringNotEquals", ["a", "b"], ("b",), False),
        ("StringNotEquals", ["a", "b"], ("c",), True),
        ("StringEquals", "a", ("a", "x"), True),
        ("StringEquals", "a", ("x", "y"), False),
        ("StringNotEquals", "a", ("a", "x"), False),
        ("StringNotEquals", "a", ("x", "y"), True),
        ("ForAnyValue:StringEquals", "a", ("a", "x"), True),
        ("ForAnyValue:StringEquals", "a", ("x", "y"), False),
        ("ForAnyValue:StringNotEquals", "a", ("a", "x"), True),
        ("ForAnyValue:StringNotEquals", "a", ("a", "a"), False),
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "b"), True),
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "x"), False),
        ("ForAllValues:StringNotEquals", "a", ("x", "y"), True),
        ("ForAllValues:StringNotEquals", "a", ("a", "y"), False),
        ("StringEqualsIfExists", "a", ("x",), False),
        ("ForAllValues:StringEqualsIfExists", "a", ("a", "x"), False),
    ],
)
def test_a_quantifier_decides_how_many_values_must_match(
    operator: str, values: object, given: tuple[str, ...], expected: bool
) -> None:
    assert holds(operator, values, *given) is expected


def test_null_tests_for_the_presence_of_a_key() -> None:
    for value in ("true", True, ["TRUE", "TRUE"]):
        assert holds("Null", value)
        assert not holds("Null", value, "x")
    assert holds("Null", "false", "x")
    assert not holds("Null", False)


def test_the_value_of_a_variable_is_literal() -> None:
    assert holds("StringEquals", "${aws:name}/x", "ann/x", name="ann")
    assert not holds("StringLike", "${aws:name}", "ann", name="*")
    assert not holds("StringEquals", "${aws:absent}", "")
    assert holds("StringEquals", "${aws:absent, 'nobody'}", "nobody")
    assert not holds("StringEquals", "${aws:name, 'nobody'}", "nobody", name="ann")
    assert holds("StringLike", "${*}${?}${$}", "*?$")
    assert holds("StringEqualsIgnoreCase", "${aws:Name}", "ANN", name="ann")
    assert holds("ArnLike", "arn:aws:iam::1:user/${aws:name}", "arn:aws:iam::1:user/ann", name="ann")
    plain = condition("StringEquals", "${aws:name}", variables=False)
    assert plain.holds({"aws:anything": ("${aws:name}",)})
    assert not plain.holds({"aws:anything": ("ann",), "aws:name": ("ann",)})
    many = {"aws:anything": ("ann",), "aws:name": ("ann", "bob")}
    assert not condition("StringEquals", "${aws:name}").holds(many)


def test_a_pattern_that_is_not_an_arn_matches_nothing() -> None:
    assert not holds("ArnLike", "role/*", "role/x")
    assert holds("ArnNotLike", "role/*", "role/x")


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("x", "Condition must be an object"),
        ({"StringEquals": "x"}, "condition operator StringEquals needs an object of keys"),
        ({"StringEquals": {KEY: []}}, "StringEquals on aws:Anything has no value"),
        (
            {"StringEquals": {KEY: None}},
            "StringEquals on aws:Anything has a value that is no string, number or boolean",
        ),
        ({"StringEquals": {KEY: ["x", {}]}}, "StringEquals on aws:Anything has a value that is no string"),
        ({"StringEqual": {KEY: "x"}}, "unknown condition operator StringEqual"),
        ({"ForSomeValues:StringEquals": {KEY: "x"}}, "unknown condition operator ForSomeValues:StringEquals"),
        ({"ForAnyValue:Null": {KEY: "true"}}, "unknown condition operator ForAnyValue:Null"),
        ({"NullIfExists": {KEY: "true"}}, "unknown condition operator NullIfExists"),
        ({"Null": {KEY: "x"}}, "Null on aws:Anything must be true or false"),
        ({"Null": {KEY: ["true", "false"]}}, "Null on aws:Anything must be true or false"),
        ({"NumericEquals": {KEY: "many"}}, "NumericEquals on aws:Anything has the value 'many', which is no number"),
        ({"NumericEquals": {KEY: "1e99999999999999999999"}}, "which is no number"),
        ({"DateEquals": {KEY: "soon"}}, "DateEquals on aws:Anything has the value 'soon', which is no date"),
        ({"Bool": {KEY: "yes"}}, "Bool on aws:Anything has the value 'yes', which is neither true nor false"),
        ({"BinaryEquals": {KEY: "YWI"}}, "BinaryEquals on aws:Anything has the value"),
        ({"IpAddress": {KEY: "10.0.0.0/33"}}, "IpAddress on aws:Anything has the value"),
    ],
)
def test_an_invalid_condition_block_is_reported(block: Any, message: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse_conditions(block, variables=True)
    assert message in str(caught.value)


def test_a_condition_keeps_its_text_and_compares_keys_in_lower_case() -> None:
    one, two = parse_conditions({"StringLike": {"aws:X": "a"}, "ForAnyValue:Bool": {"aws:Y": True}}, variables=True)
    assert (one.operator, one.key, one.key_text, one.values) == ("StringLike", "aws:x", "aws:X", ("a",))
    assert (two.operator, two.quantifier, two.values, two.if_exists) == (
        "ForAnyValue:Bool",
        "ForAnyValue",
        ("true",),
        False,
    )
    assert parse_conditions({"StringLike": {"AWS:x": "a"}}, variables=True) == (one,)
