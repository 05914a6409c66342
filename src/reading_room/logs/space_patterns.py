"""Space-delimited filter patterns, for example over flow log records (CloudWatch Logs User Guide).

``[version, account, eni, ..., action = REJECT, status]`` names each field of a message in order, with optional
conditions; ``...`` stands for any number of fields. Fields are separated by spaces; text in square brackets or double
quotes is one field.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence

from reading_room.logs.errors import InvalidFilterPattern

Test = Callable[[str], bool]
_FIELD = re.compile(r'\[([^\]]*)\]|"([^"]*)"|(\S+)')
_NAME = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_-]*)\s*")
_SIGN = re.compile(r"\s*(!=|<=|>=|=|<|>)\s*")
_VALUE = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,&|"]+))\s*')
_ELLIPSIS = None


def parse_space_pattern(inside: str) -> Test:
    """Parse the text between the square brackets. Raises ``InvalidFilterPattern``."""
    tests = [_item(text) for text in _split(inside)]
    if tests.count(_ELLIPSIS) > 1:
        raise InvalidFilterPattern("... is allowed only once")
    if _ELLIPSIS in tests:
        place = tests.index(_ELLIPSIS)
        head = [test for test in tests[:place] if test is not None]
        tail = [test for test in tests[place + 1 :] if test is not None]
        return lambda message: _matches(_fields(message), head, tail)
    exact = [test for test in tests if test is not None]

    def matches(message: str) -> bool:
        fields = _fields(message)
        return len(fields) == len(exact) and _matches(fields, exact, [])

    return matches


def _fields(message: str) -> list[str]:
    return [match[1] or match[2] or match[3] or "" for match in _FIELD.finditer(message)]


def _matches(fields: Sequence[str], head: Sequence[Test], tail: Sequence[Test]) -> bool:
    if len(fields) < len(head) + len(tail):
        return False
    return all(test(text) for test, text in zip(head, fields, strict=False)) and all(
        test(text) for test, text in zip(reversed(tail), reversed(fields), strict=False)
    )


def _split(inside: str) -> list[str]:
    items = re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^,"])+|(?<=,)(?=\s*,|\s*$)', inside)
    if not items or inside.strip().endswith(",") or inside.strip().startswith(","):
        raise InvalidFilterPattern("each field needs a name")
    return [item.strip() for item in items]


def _item(text: str) -> Test | None:
    if text == "...":
        return _ELLIPSIS
    match = _NAME.match(text)
    if match is None:
        raise InvalidFilterPattern(f"a field needs a name: {text!r}")
    name, position = match[1], match.end()
    if position == len(text):
        return lambda field: True
    alternatives: list[list[Test]] = [[]]
    while True:
        position = _condition(text, position, alternatives[-1])
        joint = text[position : position + 2]
        if not joint:
            return lambda field: any(all(test(field) for test in tests) for tests in alternatives)
        if joint not in ("&&", "||"):
            raise InvalidFilterPattern(f"cannot read {text[position:]!r}")
        if joint == "||":
            alternatives.append([])
        again = _NAME.match(text, position + 2)
        if again is None or again[1] != name:
            raise InvalidFilterPattern(f"the conditions of one field must all name it: {text!r}")
        position = again.end()


def _condition(text: str, position: int, tests: list[Test]) -> int:
    sign = _SIGN.match(text, position)
    value = _VALUE.match(text, sign.end()) if sign is not None else None
    if sign is None or value is None:
        raise InvalidFilterPattern(f"a condition is a name, an operator and a value: {text!r}")
    wanted = re.sub(r"\\(.)", r"\1", value[1]) if value[1] is not None else value[2]
    tests.append(_test(sign[1], wanted))
    return value.end()


def _test(sign: str, wanted: str) -> Test:
    if sign in ("=", "!="):
        # Only the star is a wildcard here.
        glob = re.compile(fnmatch.translate(re.sub(r"([\[?])", r"[\1]", wanted)))
        return lambda field: (glob.fullmatch(field) is not None) is (sign == "=")
    limit = _number(wanted)
    if limit is None:
        raise InvalidFilterPattern(f"{sign} needs a number, not {wanted!r}")

    def compare(field: str) -> bool:
        number = _number(field)
        if number is None:
            return False
        if sign.startswith("<"):
            return number < limit or (sign == "<=" and number == limit)
        return number > limit or (sign == ">=" and number == limit)

    return compare


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
