"""Redacting personal data in a text, and the check that nothing of it is left.

Besides the places that an engine found, every other place with the same string is redacted: with other blanks or a line
break between its words, in capitals, and a number with other separators or without its country code. The check looks
for the strings in another way, so that a fault of one is found by the other.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MASK, REPLACE = "MASK", "REPLACE_WITH_PII_ENTITY_TYPE"
ALL = "ALL"
DEFAULT_CHARACTER = "*"

NUMBER_DIGITS = 4
"""A string with so many digits is a number, which may be written with other separators."""
NATIONAL_DIGITS = 9
"""The last digits of a telephone number that are compared, if it has more: what comes before may be left out."""
_GAP = 3
"""Characters that may separate two words of a name, or two groups of a number."""

_TOKEN = re.compile(r"[^\W_]+")
_LABEL = re.compile(r"\[[A-Z_]{3,}\]")
_BLANKS = re.compile(r"\s+")
_NOT_BLANK = re.compile(r"\S")
_BETWEEN = rf"[\W_]{{0,{_GAP}}}"
_NOT_AFTER, _NOT_BEFORE = r"(?<![^\W_])", r"(?![^\W_])"
_STRING_LENGTH = 300
"""A longer string has no other spellings."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """What a job redacts: ``types``, or every type if that is ``None``, and how."""

    types: frozenset[str] | None
    replace: bool = False
    character: str = DEFAULT_CHARACTER

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Redaction:
        """Return what a request's RedactionConfig asks for."""
        types = frozenset(config["PiiEntityTypes"])
        return cls(
            None if ALL in types else types,
            config.get("MaskMode") == REPLACE,
            config.get("MaskCharacter") or DEFAULT_CHARACTER,
        )


@dataclass(frozen=True, slots=True)
class Redacted:
    """A redacted text, how many strings are still in it, and whether the name of its file has one of them.

    ``places`` have begin, end and type of each place of the original text that was replaced, in order. ``strings`` are
    those that were found, with their types.
    """

    text: str
    left: int
    named: bool
    places: tuple[tuple[int, int, str], ...] = ()
    strings: Mapping[str, str] = field(default_factory=dict)


def redacted(text: str, entities: Iterable[Mapping[str, Any]], redaction: Redaction, name: str = "") -> Redacted:
    """Redact a text. ``entities`` are findings with offsets in code points; ``name`` is that of the text's file."""
    places = [
        (int(each["BeginOffset"]), int(each["EndOffset"]), str(each["Type"]))
        for each in entities
        if redaction.types is None or each["Type"] in redaction.types
    ]
    strings = {text[begin:end]: kind for begin, end, kind in places}
    if not strings:
        return Redacted(text, 0, named=False)
    finder = _Finder(strings)
    replaced = tuple(_merged([*places, *finder.places(text)]))
    written = _rewritten(text, replaced, redaction)
    named = next(finder.places(name), None) is not None
    return Redacted(written, left_in(written, strings), named, replaced, strings)


def left_in(written: str, strings: Mapping[str, str]) -> int:
    """Return how many of the found strings, with their types, a redacted text still has."""
    # The labels are not of the text: somebody's name may be Name.
    bare = _LABEL.sub("\0", written)
    spaced = _BLANKS.sub(" ", bare)
    folded = spaced.casefold()
    digits = "".join(filter(str.isalnum, folded))
    return sum(_is_left(string, kind, spaced, folded, digits) for string, kind in strings.items())


def _is_left(string: str, kind: str, spaced: str, folded: str, digits: str) -> bool:
    shown = " ".join(string.split())
    if not _TOKEN.search(shown):
        return False
    if _is_one_word(shown):
        return any(_stands_in(form, spaced) for form in _cases(shown))
    return _stands_in(shown.casefold(), folded) or (_is_number(shown) and _is_spelled_in(shown, kind, folded, digits))


def _is_spelled_in(string: str, kind: str, folded: str, digits: str) -> bool:
    """Return whether a number is in a text with other separators."""
    number = _number(string, kind)
    if number not in digits:
        return False
    # A telephone number may have its country code or not; any other number is whole.
    before = "" if _is_long_phone(string, kind) else _NOT_AFTER
    return re.search(before + _BETWEEN.join(map(re.escape, number)) + _NOT_BEFORE, folded) is not None


def _stands_in(string: str, text: str) -> bool:
    """Return whether a string is in a text as words of its own."""
    at = text.find(string)
    while at >= 0:
        end = at + len(string)
        before = at == 0 or not (string[0].isalnum() and text[at - 1].isalnum())
        after = end == len(text) or not (string[-1].isalnum() and text[end].isalnum())
        if before and after:
            return True
        at = text.find(string, at + 1)
    return False


class _Finder:
    """Finds other places of strings, in time that grows with the text and not with the number of strings."""

    def __init__(self, strings: Mapping[str, str]) -> None:
        self._words: dict[str, str] = {}
        self._numbers: dict[str, str] = {}
        self._phones: dict[str, str] = {}
        self._cased: dict[str, frozenset[str]] = {}
        for string, kind in strings.items():
            tokens = _TOKEN.findall(string)
            if not tokens or len(string) > _STRING_LENGTH:
                continue
            key = " ".join(tokens).casefold()
            self._words[key] = kind
            if _is_one_word(string.strip()):
                self._cased[key] = self._cased.get(key, frozenset()) | _cases(string.strip())
            if _is_number(string):
                (self._phones if _is_long_phone(string, kind) else self._numbers)[_number(string, kind)] = kind
        self._beginnings = frozenset(
            part for words in self._words for part in itertools.accumulate(words.split(), _with)
        )
        # Other separators divide a number elsewhere.
        self._digits = frozenset(number[:end] for number in self._numbers for end in range(1, len(number) + 1))

    def places(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield begin, end and type of each place of a string in a text; places may overlap."""
        tokens = [(found.start(), found.end(), found[0].casefold()) for found in _TOKEN.finditer(text)]
        for first in range(len(tokens)):
            token = tokens[first][2]
            if token in self._beginnings or token in self._digits:
                yield from self._from(text, tokens, first)
            if self._phones and token.isdigit():
                yield from self._phone_to(text, tokens, first)

    def _from(self, text: str, tokens: Sequence[tuple[int, int, str]], first: int) -> Iterator[tuple[int, int, str]]:
        """Yield the places that begin with a token."""
        begin = tokens[first][0]
        words = number = ""
        for begun, end, token in _near(text, tokens, first):
            words = f"{words} {token}" if words else token
            number += token
            if words not in self._beginnings and number not in self._digits:
                return
            if words in self._words and text[begun:end] in self._cased.get(words, (text[begun:end],)):
                yield begin, end, self._words[words]
            if number in self._numbers:
                yield begin, end, self._numbers[number]

    def _phone_to(self, text: str, tokens: Sequence[tuple[int, int, str]], last: int) -> Iterator[tuple[int, int, str]]:
        """Yield the telephone number that ends with a token, with everything that belongs to it before."""
        number = ""
        begin = tokens[last][0]
        kind = None
        for at in range(last, -1, -1):
            start, end, token = tokens[at]
            if not token.isdigit() or (at < last and not _is_gap(text, end, begin)):
                break
            begin, number = start, token + number
            if len(number) > NATIONAL_DIGITS + 6:
                break
            kind = self._phones.get(number[-NATIONAL_DIGITS:], kind)
            if kind is not None:
                yield begin - (text[begin - 1 : begin] in ("+", "(")), tokens[last][1], kind


def _near(text: str, tokens: Sequence[tuple[int, int, str]], first: int) -> Iterator[tuple[int, int, str]]:
    """Yield tokens from one on, as long as little separates them."""
    yield tokens[first]
    for before, token in zip(tokens[first:], tokens[first + 1 :], strict=False):
        if not _is_gap(text, before[1], token[0]):
            return
        yield token


def _is_gap(text: str, begin: int, end: int) -> bool:
    """Return whether what is between two tokens is short; blanks count once, as a line may be indented."""
    return end - begin <= _GAP or len(_BLANKS.sub(" ", text[begin:end])) <= _GAP


def _with(words: str, word: str) -> str:
    return f"{words} {word}"


def _is_number(string: str) -> bool:
    return sum(map(str.isdigit, string)) >= NUMBER_DIGITS


def _is_long_phone(string: str, kind: str) -> bool:
    return kind == "PHONE" and sum(map(str.isdigit, string)) > NATIONAL_DIGITS


def _number(string: str, kind: str) -> str:
    """Return the letters and digits of a number, as they are compared; of a long telephone number the last digits."""
    if _is_long_phone(string, kind):
        return "".join(filter(str.isdigit, string))[-NATIONAL_DIGITS:]
    return "".join(filter(str.isalnum, string)).casefold()


def _is_one_word(string: str) -> bool:
    return string.isalpha()


def _cases(word: str) -> frozenset[str]:
    """Return how a word may be written where it means the same: ``mark`` is not always ``Mark``."""
    return frozenset((word, word.upper(), word.title()))


def _merged(places: Iterable[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Yield places in order; of those that overlap, one that covers all of them, with the type of the first."""
    begin, end, kind = 0, 0, ""
    for start, stop, each in sorted(places, key=lambda place: (place[0], -place[1])):
        if start < end:
            end = max(end, stop)
            continue
        if end > begin:
            yield begin, end, kind
        begin, end, kind = start, stop, each
    if end > begin:
        yield begin, end, kind


def _rewritten(text: str, places: Iterable[tuple[int, int, str]], redaction: Redaction) -> str:
    pieces: list[str] = []
    at = 0
    for begin, end, kind in places:
        pieces.append(text[at:begin])
        pieces.append(f"[{kind}]" if redaction.replace else _masked(text[begin:end], redaction.character))
        at = end
    pieces.append(text[at:])
    return "".join(pieces)


def _masked(text: str, character: str) -> str:
    """Replace each character that is not blank, so that the gaps between words stay."""
    # One of the API's characters, none of which means anything in a replacement.
    return _NOT_BLANK.sub(character, text)
