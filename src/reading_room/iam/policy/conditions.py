"""Condition operators: what each compares, and its result for a key that the request does not have.

An absent key makes a positive operator false and a negated one **true** (AWS IAM User Guide, "IAM JSON policy
elements: Condition operators"): ``StringNotEquals`` on ``aws:SourceVpce`` is true of requests not through an endpoint.
"""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal

from reading_room.iam.policy.patterns import ArnTemplate, Context, Template

Test = Callable[[str, Context], bool]
"""Returns whether a request value equals, or is within, a policy value."""
_NUMBER = re.compile(r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?", re.ASCII)


class ConditionError(ValueError):
    """A condition block does not follow the grammar.

    ``in_value`` is the type of a value that cannot be parsed, such as ``date``, or ``None`` for a structural fault.
    """

    def __init__(self, message: str, in_value: str | None = None) -> None:
        super().__init__(message)
        self.in_value = in_value


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key; the values are alternatives."""

    operator: str
    """As written in the policy, for explanations."""
    key: str
    """In lower case."""
    key_text: str = field(compare=False)
    """As written."""
    values: tuple[str, ...]
    """The policy's values as strings."""
    tests: tuple[Test, ...] = field(compare=False, repr=False)
    negated: bool
    if_exists: bool
    quantifier: Literal["ForAllValues", "ForAnyValue"] | None
    null: bool | None
    """For the operator ``Null`` only: whether the key must be absent."""

    def holds(self, context: Context) -> bool:
        """Return whether the condition is true of a request's context (keys in lower case)."""
        values: Sequence[str] = context.get(self.key, ())
        if self.null is not None:
            return self.null is not bool(values)
        if not values:
            if self.if_exists or self.quantifier == "ForAllValues":
                return True
            return self.negated and self.quantifier is None
        if len(values) == 1:
            return self.meets(values[0], context)
        outcomes = (self.meets(value, context) for value in values)
        if self.quantifier == "ForAnyValue":
            return any(outcomes)
        if self.quantifier == "ForAllValues" or self.negated:
            return all(outcomes)
        return any(outcomes)

    def meets(self, value: str, context: Context) -> bool:
        """Return whether one value of the request satisfies the operator."""
        for test in self.tests:
            if test(value, context):
                return not self.negated
        return self.negated


def parse_conditions(block: object, *, variables: bool) -> tuple[Condition, ...]:
    """Parse a ``Condition`` element: ``{operator: {key: value or values}}``.

    Raises ``ConditionError`` naming the invalid operator, key or value.
    """
    if not isinstance(block, dict):
        raise ConditionError("Condition must be an object")
    conditions = []
    for name, keys in block.items():
        if not isinstance(keys, dict):
            raise ConditionError(f"condition operator {name} needs an object of keys")
        for key, values in keys.items():
            conditions.append(_condition(name, key, _scalars(name, key, values), variables))
    return tuple(conditions)


def condition_faults(block: object) -> Iterator[ConditionError]:
    """Yield the faults of a ``Condition`` element, at most one per operator."""
    for part in [{name: keys} for name, keys in block.items()] if isinstance(block, dict) else [block]:
        try:
            parse_conditions(part, variables=False)
        except ConditionError as fault:
            yield fault


def _scalars(name: str, key: str, values: object) -> tuple[str, ...]:
    entries = values if isinstance(values, list) else [values]
    texts = []
    for entry in entries:
        if isinstance(entry, bool):
            texts.append("true" if entry else "false")
        elif isinstance(entry, str | int | float | Decimal):
            texts.append(str(entry))
        else:
            raise ConditionError(f"{name} on {key} has a value that is no string, number or boolean")
    if not texts:
        raise ConditionError(f"{name} on {key} has no value")
    return tuple(texts)


def _condition(name: str, key: str, values: tuple[str, ...], variables: bool) -> Condition:
    quantifier: Literal["ForAllValues", "ForAnyValue"] | None = None
    plain = name
    if name.startswith("ForAllValues:"):
        quantifier, plain = "ForAllValues", name.removeprefix("ForAllValues:")
    elif name.startswith("ForAnyValue:"):
        quantifier, plain = "ForAnyValue", name.removeprefix("ForAnyValue:")
    if plain == "Null" and quantifier is None:
        if len(set(values)) != 1 or values[0].lower() not in ("true", "false"):
            raise ConditionError(f"Null on {key} must be true or false")
        return Condition(name, key.lower(), key, values, (), False, False, None, values[0].lower() == "true")
    if_exists = plain.endswith("IfExists")
    plain = plain.removesuffix("IfExists")
    entry = OPERATORS.get(plain)
    if entry is None:
        raise ConditionError(f"unknown condition operator {name}")
    make, negated = entry
    try:
        tests = tuple(make(value, variables) for value in values)
    except ValueError as error:
        kind = "date" if plain.startswith("Date") else "other"
        raise ConditionError(f"{name} on {key} has the value {error}", kind) from error
    return Condition(name, key.lower(), key, values, tests, negated, if_exists, quantifier, None)


def _text(wildcards: bool, ignore_case: bool = False) -> Callable[[str, bool], Test]:
    def make(value: str, variables: bool) -> Test:
        template = Template.parse(value, wildcards=wildcards, variables=variables)
        if template.fixed is not None and not ignore_case:
            matches = template.fixed.matches
            return lambda given, _: matches(given)
        return lambda given, context: template.matches(given, context, ignore_case)

    return make


def _arn(value: str, variables: bool) -> Test:
    try:
        return ArnTemplate.parse(value, variables=variables).matches
    except ValueError:
        # AWS accepts such a pattern; with fewer than six parts it matches no ARN.
        return lambda given, context: False


def _number(compare: Callable[[Decimal, Decimal], bool]) -> Callable[[str, bool], Test]:
    def make(value: str, _: bool) -> Test:
        limit = _decimal(value)

        def test(given: str, _: Context) -> bool:
            try:
                return compare(_decimal(given), limit)
            except ValueError:
                return False

        return test

    return make


def _decimal(text: str) -> Decimal:
    # Decimal() would also accept underscores, digits of other scripts and NaN.
    if _NUMBER.fullmatch(text):
        try:
            return Decimal(text)
        except InvalidOperation:  # The exponent is out of range.
            pass
    raise ValueError(f"{text!r}, which is no number")


def _date(compare: Callable[[float, float], bool]) -> Callable[[str, bool], Test]:
    def make(value: str, _: bool) -> Test:
        limit = _moment(value)

        def test(given: str, _: Context) -> bool:
            try:
                return compare(_moment(given), limit)
            except ValueError:
                return False

        return test

    return make


@lru_cache(maxsize=1024)
def _moment(text: str) -> float:
    """Return an ISO 8601 date, or a number of epoch seconds, as seconds since 1970."""
    try:
        return float(_decimal(text))
    except (ValueError, OverflowError):
        pass
    try:
        moment = dt.datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r}, which is no date") from None


def _boolean(value: str, _: bool) -> Test:
    wanted = value.lower()
    if wanted not in ("true", "false"):
        raise ValueError(f"{value!r}, which is neither true nor false")
    return lambda given, _: given.lower() == wanted


def _binary(value: str, _: bool) -> Test:
    wanted = base64.b64decode(value, validate=True)

    def test(given: str, _: Context) -> bool:
        try:
            return base64.b64decode(given, validate=True) == wanted
        except ValueError:
            return False

    return test


def _address(value: str, _: bool) -> Test:
    network = ipaddress.ip_network(value, strict=False)

    def test(given: str, _: Context) -> bool:
        try:
            return _address_of(given) in network
        except ValueError:
            return False

    return test


@lru_cache(maxsize=1024)
def _address_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(text)


OPERATORS: dict[str, tuple[Callable[[str, bool], Test], bool]] = {
    "StringEquals": (_text(wildcards=False), False),
    "StringNotEquals": (_text(wildcards=False), True),
    "StringEqualsIgnoreCase": (_text(wildcards=False, ignore_case=True), False),
    "StringNotEqualsIgnoreCase": (_text(wildcards=False, ignore_case=True), True),
    "StringLike": (_text(wildcards=True), False),
    "StringNotLike": (_text(wildcards=True), True),
    "ArnEquals": (_arn, False),
    "ArnNotEquals": (_arn, True),
    "ArnLike": (_arn, False),
    "ArnNotLike": (_arn, True),
    "NumericEquals": (_number(operator.eq), False),
    "NumericNotEquals": (_number(operator.eq), True),
    "NumericLessThan": (_number(operator.lt), False),
    "NumericLessThanEquals": (_number(operator.le), False),
    "NumericGreaterThan": (_number(operator.gt), False),
    "NumericGreaterThanEquals": (_number(operator.ge), False),
    "DateEquals": (_date(operator.eq), False),
    "DateNotEquals": (_date(operator.eq), True),
    "DateLessThan": (_date(operator.lt), False),
    "DateLessThanEquals": (_date(operator.le), False),
    "DateGreaterThan": (_date(operator.gt), False),
    "DateGreaterThanEquals": (_date(operator.ge), False),
    "Bool": (_boolean, False),
    "BinaryEquals": (_binary, False),
    "IpAddress": (_address, False),
    "NotIpAddress": (_address, True),
}
"""By operator name: the function that turns a policy value into a test, and whether the operator is negated."""
