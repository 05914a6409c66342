"""Filter patterns: terms, and selectors in JSON (CloudWatch Logs User Guide, "Filter pattern syntax").

Supported: terms (``ERROR``), phrases (``"not found"``), any-of (``?A ?B``), exclusion (``-noise``), JSON selectors
(``{ $.action = "REJECT" && $.bytes > 40 }``) and fields (``[a, b = 1]``). Regular expressions (``%x%``) are not.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from reading_room.logs.errors import InvalidFilterPattern
from reading_room.logs.space_patterns import parse_space_pattern

_TERM = re.compile(r'([?-]?)(?:"((?:[^"\\]|\\.)*)"|([A-Za-z0-9_]+))(?=\s|$)')
_JSON_TOKEN = re.compile(
    r"""\s*(?:
        (?P<sign>&&|\|\||!=|<=|>=|[=<>()])
      | (?P<path>\$(?:\.[A-Za-z0-9_-]+|\[\d+\]|\.\["[^"]+"\])+)
      | "(?P<text>(?:[^"\\]|\\.)*)"
      | (?P<word>NOT\ EXISTS|IS\ NULL|IS\ TRUE|IS\ FALSE|[A-Za-z0-9_.*+-]+)
    )""",
    re.VERBOSE,
)
_ABSENT = object()
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class FilterPattern:
    """A parsed pattern."""

    matches: Callable[[str], bool]
    """Whether an event's message matches."""


def parse_filter_pattern(text: str) -> FilterPattern:
    """Parse a pattern; an empty one matches everything. Raises ``InvalidFilterPattern``."""
    stripped = text.strip()
    if not stripped:
        return FilterPattern(lambda message: True)
    if stripped.startswith("{"):
        if not stripped.endswith("}"):
            raise InvalidFilterPattern("a JSON selector must end with }")
        test = _Selector(stripped[1:-1]).parse()
        return FilterPattern(lambda message: _select(test, message))
    if stripped.startswith("["):
        if not stripped.endswith("]"):
            raise InvalidFilterPattern("a space-delimited pattern must end with ]")
        return FilterPattern(parse_space_pattern(stripped[1:-1]))
    if "%" in stripped and '"' not in stripped:
        raise InvalidFilterPattern("regular expressions are not supported")
    return _terms(stripped)


def _terms(text: str) -> FilterPattern:
    needed: list[str] = []
    excluded: list[str] = []
    alternatives: list[str] = []
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None:
            raise InvalidFilterPattern(f"terms need double quotes, except of letters, digits and _: {text!r}")
        term = re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3]
        {"": needed, "-": excluded, "?": alternatives}[match[1]].append(term)
        position = match.end()
        while position < len(text) and text[position].isspace():
            position += 1
    if needed or excluded:
        # AWS ignores any-of terms in combination with others.
        alternatives = []

    def matches(message: str) -> bool:
        return (
            all(term in message for term in needed)
            and not any(term in message for term in excluded)
            and (not alternatives or any(term in message for term in alternatives))
        )

    return FilterPattern(matches)


def _select(test: Callable[[Any], bool], message: str) -> bool:
    try:
        return test(json.loads(message))
    except (ValueError, RecursionError):
        return False  # A message that is not JSON has no fields.


class _Selector:
    """A recursive descent parser for an ``or`` of an ``and`` of comparisons."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._depth = 0
        self._token: tuple[str, str] | None = None
        self._advance()

    def parse(self) -> Callable[[Any], bool]:
        test = self._either()
        if self._token is not None:
            self._fail(f"unexpected {self._token[1]!r}")
        return test

    def _advance(self) -> None:
        if not self._text[self._position :].strip():
            self._token = None
            return
        match = _JSON_TOKEN.match(self._text, self._position)
        if match is None:
            self._fail(f"cannot read {self._text[self._position :].strip()!r}")
        self._position = match.end()
        assert match.lastgroup is not None
        self._token = (match.lastgroup, match[match.lastgroup])

    def _fail(self, fault: str) -> NoReturn:
        raise InvalidFilterPattern(fault)

    def _take(self, *signs: str) -> str | None:
        if self._token is not None and self._token[0] == "sign" and self._token[1] in signs:
            sign = self._token[1]
            self._advance()
            return sign
        return None

    def _either(self) -> Callable[[Any], bool]:
        tests = [self._both()]
        while self._take("||"):
            tests.append(self._both())
        return lambda document: any(test(document) for test in tests)

    def _both(self) -> Callable[[Any], bool]:
        tests = [self._single()]
        while self._take("&&"):
            tests.append(self._single())
        return lambda document: all(test(document) for test in tests)

    def _single(self) -> Callable[[Any], bool]:
        if self._take("("):
            self._depth += 1
            if self._depth > _DEEPEST:
                self._fail("too many parentheses")
            test = self._either()
            if not self._take(")"):
                self._fail("a parenthesis is not closed")
            return test
        if self._token is None or self._token[0] != "path":
            self._fail("a comparison begins with a field such as $.name")
        path = _path(self._token[1])
        self._advance()
        if self._token is not None and self._token[0] == "word" and self._token[1] in _STATES:
            state = _STATES[self._token[1]]
            self._advance()
            return lambda document: state(_find(document, path))
        sign = self._take("=", "!=", "<", "<=", ">", ">=")
        if sign is None or self._token is None or self._token[0] not in ("text", "word"):
            self._fail("a comparison is a field, an operator and a value")
        kind, value = self._token
        self._advance()
        compare = _comparison(sign, value, quoted=kind == "text")
        return lambda document: compare(_find(document, path))


_STATES: dict[str, Callable[[Any], bool]] = {
    "NOT EXISTS": lambda value: value is _ABSENT,
    "IS NULL": lambda value: value is None,
    "IS TRUE": lambda value: value is True,
    "IS FALSE": lambda value: value is False,
}


def _path(text: str) -> list[str | int]:
    steps: list[str | int] = []
    for name, index, quoted in re.findall(r'\.([A-Za-z0-9_-]+)|\[(\d+)\]|\.\["([^"]+)"\]', text):
        steps.append(int(index) if index else name or quoted)
    return steps


def _find(document: Any, path: list[str | int]) -> Any:
    for step in path:
        if isinstance(step, int):
            if not isinstance(document, list) or step >= len(document):
                return _ABSENT
            document = document[step]
        elif isinstance(document, dict) and step in document:
            document = document[step]
        else:
            return _ABSENT
    return document


def _comparison(sign: str, value: str, *, quoted: bool) -> Callable[[Any], bool]:
    text = re.sub(r"\\(.)", r"\1", value) if quoted else value
    number = None if quoted else _number(value)
    if sign not in ("=", "!="):
        if number is None:
            raise InvalidFilterPattern(f"{sign} needs a number, not {value!r}")
        limit = number
        return lambda given: _is_number(given) and _ORDERS[sign](given, limit)
    # Only the star is a wildcard here, not square brackets.
    glob = re.compile(fnmatch.translate(re.sub(r"([\[?])", r"[\1]", text)))

    def equal(given: Any) -> bool:
        if _is_number(given):
            return number is not None and given == number
        if isinstance(given, bool):
            return text == ("true" if given else "false")
        return isinstance(given, str) and glob.fullmatch(given) is not None

    if sign == "=":
        return equal
    return lambda given: given is not _ABSENT and not equal(given)


_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
