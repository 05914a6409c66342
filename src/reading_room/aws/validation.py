"""Validation of parameters by the model's constraints: required members, lengths, patterns, enums and ranges.

All violations are collected in the order of the model. The errors of JSON services, IAM and STS have a sentence for
each; EC2's names only the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from reading_room.aws.call import Call
from reading_room.aws.errors import AwsError, InvalidParameterValue, LogNameTooLong, MissingParameter
from reading_room.aws.models import operation_model
from reading_room.aws.patterns import compiled
from reading_room.aws.spelling import constraint_violations, unknown_operation

_SHOWN = 1024
"""Characters of a value that a message repeats."""
_MANY = 50
"""Most violations in a message."""
_ANY_CASE = frozenset({"Protocol"})
"""Enums whose values may be written in any case: EC2's reachability analysis takes ``TCP`` for ``tcp``."""
_LOG_NAMES = ("logGroupName", "logStreamName")
_MATCHED = 131_072
"""Most characters of a string that a pattern is matched with. A longer string breaks a length constraint anyway."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A value that breaks a constraint. ``value`` is ``None`` for a required member that is missing."""

    path: str
    value: str | None
    constraint: str
    kind: str = ""
    bound: float = 0

    def __str__(self) -> str:
        shown = "null" if self.value is None else f"'{self.value}'"
        return f"Value {shown} at '{self.path}' failed to satisfy constraint: {self.constraint}"

    def without_value(self) -> str:
        """Return the sentence without the value and the values of an enum, as in IAM, and in Logs for patterns."""
        constraint = "Member must satisfy enum value set" if self.kind == "enum" else self.constraint
        return f"Value at '{self.path}' failed to satisfy constraint: {constraint}"


def validate(call: Call) -> None:
    """Return if the parameters of a call satisfy the model.

    Otherwise raise the service's error (``ValidationException``, ``ValidationError``, ``InvalidParameterException``,
    ``MissingParameter``, ``InvalidParameterValue``). Raises the error for an unknown operation if the model lacks it.
    """
    operation = operation_model(call.service, call.operation)
    if operation is None:
        raise unknown_operation(call.service, call.operation)
    shape = operation.input_shape
    if not isinstance(shape, StructureShape):
        return
    violations: list[Violation] = []
    for violation in violations_of(shape, call.parameters):
        violations.append(violation)
        if len(violations) == _MANY:
            break
    if violations:
        raise _error(call.service, violations)


def violations_of(shape: Shape, value: Any, path: str = "") -> Iterator[Violation]:
    """Yield the violations in a value, in the order of the model."""
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, path)
    elif isinstance(shape, ListShape):
        yield from _list(shape, value, path)
    elif isinstance(shape, MapShape):
        yield from _size(shape, len(value), path, value)
        for key, item in value.items():
            yield from violations_of(shape.key, key, f"{path}.key")
            yield from violations_of(shape.value, item, f"{path}.{key}.member")
    else:
        yield from _scalar(shape, value, path)


def _structure(shape: StructureShape, value: Mapping[str, Any], path: str) -> Iterator[Violation]:
    required = set(shape.required_members)
    for name, member in shape.members.items():
        below = name[0].lower() + name[1:]
        below = f"{path}.{below}" if path else below
        given = value.get(name)
        if given is not None:
            yield from violations_of(member, given, below)
        elif name in required:
            yield Violation(below, None, "Member must not be null", "required")


def _list(shape: ListShape, value: list[Any], path: str) -> Iterator[Violation]:
    yield from _size(shape, len(value), path, value)
    member = shape.member
    if isinstance(member, (StructureShape, ListShape, MapShape)):
        for index, item in enumerate(value, 1):
            yield from violations_of(member, item, f"{path}.{index}.member")
        return
    # For an invalid scalar item AWS shows the whole list, with every constraint of the items.
    if any(True for item in value for _ in _scalar(member, item, path)):
        constraints = ", ".join(_constraints(member))
        yield Violation(path, _show(shape, value), f"Member must satisfy constraint: [{constraints}]", "item")


def _size(shape: Shape, size: int, path: str, value: Any) -> Iterator[Violation]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if high is not None and size > high:
        text = f"Member must have length less than or equal to {high}"
        yield Violation(path, _show(shape, value), text, "max", high)
    if low is not None and size < low:
        text = f"Member must have length greater than or equal to {low}"
        yield Violation(path, _show(shape, value), text, "min", low)


def _scalar(shape: Shape, value: Any, path: str) -> Iterator[Violation]:
    kind = shape.type_name
    if kind == "string":
        yield from _size(shape, _length(value), path, value)
        pattern = shape.metadata.get("pattern")
        if pattern is not None and len(value) <= _MATCHED:
            expression = compiled(pattern)
            if expression is not None and not expression.fullmatch(value):
                text = f"Member must satisfy regular expression pattern: {pattern}"
                yield Violation(path, _show(shape, value), text, "pattern")
        allowed = getattr(shape, "enum", None)
        if allowed and value not in allowed and not (shape.name in _ANY_CASE and value.lower() in allowed):
            text = f"Member must satisfy enum value set: [{', '.join(allowed)}]"
            yield Violation(path, _show(shape, value), text, "enum")
    elif kind == "blob":
        yield from _size(shape, len(value), path, value)
    elif kind in ("integer", "long", "float", "double"):
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        if high is not None and value > high:
            text = f"Member must have value less than or equal to {high}"
            yield Violation(path, _show(shape, value), text, "high", high)
        if low is not None and value < low:
            text = f"Member must have value greater than or equal to {low}"
            yield Violation(path, _show(shape, value), text, "low", low)


def _length(value: str) -> int:
    # Java counts UTF-16 units.
    return len(value) if value.isascii() else len(value.encode("utf-16-le", "surrogatepass")) // 2


def _constraints(shape: Shape) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    measured = "value" if shape.type_name in ("integer", "long", "float", "double") else "length"
    if high is not None:
        yield f"Member must have {measured} less than or equal to {high}"
    if low is not None:
        yield f"Member must have {measured} greater than or equal to {low}"
    if shape.metadata.get("pattern") is not None:
        yield f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}"
    if getattr(shape, "enum", None):
        yield f"Member must satisfy enum value set: [{', '.join(shape.metadata['enum'])}]"


def _show(shape: Shape, value: Any) -> str:
    """Return a value for a message, blanks included, and ``***`` for a secret one."""
    if shape.metadata.get("sensitive"):
        return "***"
    if isinstance(shape, ListShape):
        if shape.member.metadata.get("sensitive"):
            return "***"
        text = "[" + ", ".join(_show(shape.member, item) for item in value[:_MANY]) + "]"
    elif isinstance(shape, (StructureShape, MapShape)):
        text = "{...}"
    elif isinstance(value, (bytes, bytearray)):
        text = f"{len(value)} bytes"
    else:
        text = str(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _error(service: str, violations: list[Violation]) -> AwsError:
    if service == "logs" and any(each.kind == "max" and each.path in _LOG_NAMES for each in violations):
        return LogNameTooLong()
    if service == "logs":
        sentences = [each.without_value() if each.kind == "pattern" else str(each) for each in violations]
        return constraint_violations(service, sentences)
    if service == "iam":
        return constraint_violations(service, [violation.without_value() for violation in violations])
    if service != "ec2":
        return constraint_violations(service, [str(violation) for violation in violations])
    missing = next((violation for violation in violations if violation.kind == "required"), None)
    if missing is not None:
        return MissingParameter(missing.path)
    first = violations[0]
    expecting = {
        "low": f"Expecting a value greater than or equal to {first.bound}.",
        "high": f"Expecting a value less than or equal to {first.bound}.",
        "min": f"Expecting at least {first.bound}.",
        "max": f"Expecting at most {first.bound}.",
    }
    return InvalidParameterValue(first.path, first.value or "", expecting.get(first.kind, first.constraint + "."))
