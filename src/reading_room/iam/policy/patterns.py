"""Patterns in policies: strings with the wildcards ``*`` and ``?`` and variables ``${key}``.

A template is parsed once, with its policy. The values of variables are literal: a star in a user's name is not a
wildcard (AWS IAM User Guide, "IAM policy elements: Variables and tags").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile
from typing import Literal

Context = Mapping[str, Sequence[str]]
"""The values of condition keys; the keys are in lower case."""


@dataclass(frozen=True, slots=True)
class Text:
    """Literal characters."""

    value: str


@dataclass(frozen=True, slots=True)
class Wildcard:
    """``*`` matches any number of characters, ``?`` exactly one."""

    symbol: Literal["*", "?"]


@dataclass(frozen=True, slots=True)
class Variable:
    """``${key}`` or ``${key, 'default'}``; ``key`` in lower case."""

    key: str
    default: str | None
    written: str = field(compare=False)
    """The key as written in the policy."""


Token = Text | Wildcard | Variable

# A key has no dollar sign and no brace, so that a text with many ``${`` is scanned only once.
_VARIABLE = re.compile(r"\$\{(?:(?P<literal>[*?$])|(?P<key>[^}',{$]++)(?:,\s*+'(?P<default>[^']*+)'\s*+)?)\}")
_STAR = Wildcard("*")
_ONE = Wildcard("?")
_WILDCARDS = {"*": _STAR, "?": _ONE}


def tokenize(text: str, *, wildcards: bool, variables: bool) -> tuple[Token, ...]:
    """Split a policy's text into tokens. Without ``variables`` (version 2008-10-17) ``${…}`` is plain text."""
    tokens: list[Token] = []
    position = 0
    for match in _VARIABLE.finditer(text) if variables and "${" in text else ():
        tokens += _plain(text[position : match.start()], wildcards)
        if match["literal"] is not None:
            tokens.append(Text(match["literal"]))
        else:
            key = match["key"].strip()
            tokens.append(Variable(key.lower(), match["default"], key))
        position = match.end()
    tokens += _plain(text[position:], wildcards)
    return tuple(tokens)


def _plain(text: str, wildcards: bool) -> list[Token]:
    if not wildcards:
        return [Text(text)] if text else []
    parts = re.split(r"([*?])", text)
    return [_WILDCARDS.get(part) or Text(part) for part in parts if part]


@lru_cache(maxsize=4096)
def expression(tokens: tuple[Text | Wildcard, ...]) -> re.Pattern[str]:
    """Return the regular expression for a pattern with a ``?``.

    Each piece between two stars matches at its leftmost position without backtracking (an atomic group), so the time
    is at most the product of the lengths for any pattern.
    """
    pieces: list[list[str]] = [[]]
    for token in tokens:
        if isinstance(token, Text):
            pieces[-1].append(re.escape(token.value))
        elif token == _ONE:
            pieces[-1].append(".")
        else:
            pieces.append([])
    texts = ["".join(piece) for piece in pieces]
    if len(texts) == 1:
        pattern = texts[0]
    else:
        middle = "".join(f"(?>.*?{text})" for text in texts[1:-1] if text)
        pattern = f"{texts[0]}{middle}.*{texts[-1]}"
    return re.compile(pattern, re.DOTALL)


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern with wildcards and without variables, prepared for matching."""

    pieces: tuple[str, ...]
    """The pieces between the stars; a single piece has no wildcards."""
    questioned: tuple[Text | Wildcard, ...] | None = None
    """All tokens instead, if there is a ``?``, which needs a regular expression."""

    @classmethod
    def of(cls, tokens: Sequence[Text | Wildcard]) -> Glob:
        """Return the glob of resolved tokens."""
        pieces = [""]
        for token in tokens:
            if isinstance(token, Text):
                pieces[-1] += token.value
            elif token.symbol == "?":
                return cls((), tuple(tokens))
            else:
                pieces.append("")
        return cls(tuple(pieces))

    @property
    def is_literal(self) -> bool:
        """Whether it has no wildcards."""
        return len(self.pieces) == 1

    def matches(self, value: str) -> bool:
        """Return whether ``value`` matches; each piece is searched once, from left to right."""
        if self.questioned is not None:
            return expression(self.questioned).fullmatch(value) is not None
        pieces = self.pieces
        first, last = pieces[0], pieces[-1]
        if len(pieces) == 1:
            return value == first
        if not value.startswith(first):
            return False
        position, end = len(first), len(value) - len(last)
        if end < position or not value.endswith(last):
            return False
        for piece in pieces[1:-1]:
            found = value.find(piece, position, end)
            if found < 0:
                return False
            position = found + len(piece)
        return True


@dataclass(frozen=True, slots=True)
class Template:
    """A pattern with wildcards and variables."""

    tokens: tuple[Token, ...]
    fixed: Glob | None = field(compare=False, repr=False)
    """The prepared pattern, if it has no variables."""

    @classmethod
    def of(cls, tokens: Sequence[Token]) -> Template:
        """Return the template of tokens."""
        plain = [token for token in tokens if not isinstance(token, Variable)]
        return cls(tuple(tokens), Glob.of(plain) if len(plain) == len(tokens) else None)

    @classmethod
    def parse(cls, text: str, *, wildcards: bool = True, variables: bool = False) -> Template:
        """Parse ``text``. Every string is a valid template."""
        return cls.of(tokenize(text, wildcards=wildcards, variables=variables))

    def glob(self, context: Context) -> Glob | None:
        """Substitute the variables. Return ``None`` if one has neither exactly one value nor a default."""
        if self.fixed is not None:
            return self.fixed
        resolved: list[Text | Wildcard] = []
        for token in self.tokens:
            if isinstance(token, Variable):
                values = context.get(token.key, ())
                if len(values) == 1:
                    resolved.append(Text(values[0]))
                elif not values and token.default is not None:
                    resolved.append(Text(token.default))
                else:
                    return None
            else:
                resolved.append(token)
        return Glob.of(resolved)

    def matches(self, value: str, context: Context, ignore_case: bool = False) -> bool:
        """Return whether ``value`` matches. A pattern with a variable without a value matches nothing."""
        glob = self.glob(context)
        if glob is None:
            return False
        if ignore_case:
            tokens = glob.questioned or _between_stars(glob.pieces)
            lowered = [Text(token.value.lower()) if isinstance(token, Text) else token for token in tokens]
            return Glob.of(lowered).matches(value.lower())
        return glob.matches(value)


def _between_stars(pieces: Sequence[str]) -> list[Text | Wildcard]:
    tokens: list[Text | Wildcard] = []
    for number, piece in enumerate(pieces):
        tokens += [_STAR, Text(piece)] if number else [Text(piece)]
    return tokens


@dataclass(frozen=True, slots=True)
class ArnTemplate:
    """An ARN pattern, compared part by part: a star never matches the colon between two parts."""

    parts: tuple[Template, ...] | None
    """Six templates, or ``None`` for ``*`` alone, which matches everything."""
    start: str = field(compare=False, repr=False)
    """The text before the first wildcard or variable, with which every matching ARN begins."""
    undecided: tuple[tuple[int, Template], ...] = field(compare=False, repr=False)
    """The parts that ``start`` does not decide, with their numbers, without those that are ``*``."""
    whole: Glob | None = field(compare=False, repr=False)
    """The ARN as one pattern, if only the last part has wildcards and no part has variables; this is faster."""

    @classmethod
    def parse(cls, text: str, *, variables: bool = False) -> ArnTemplate:
        """Parse ``text``. Raises ``ValueError`` if it is neither ``*`` nor an ARN of six parts."""
        tokens = tokenize(text, wildcards=True, variables=variables)
        if tokens and all(token == _STAR for token in tokens):
            return cls(None, "", (), None)
        parts: list[list[Token]] = [[]]
        for token in tokens:
            if not isinstance(token, Text):
                parts[-1].append(token)
                continue
            pieces = token.value.split(":", 6 - len(parts))
            for number, piece in enumerate(pieces):
                if number:
                    parts.append([])
                if piece:
                    parts[-1].append(Text(piece))
        if len(parts) != 6 or parts[0] != [Text("arn")]:
            raise ValueError(f"not an ARN: {text!r}")
        return cls._of([Template.of(part) for part in parts])

    @classmethod
    def parse_resource(cls, text: str, *, variables: bool) -> ArnTemplate:
        """Parse a ``Resource``, which can have variables in the last part only; elsewhere they are plain text.

        Raises ``ValueError`` if the text is neither ``*`` nor an ARN of six parts.
        """
        *head, last = text.split(":", 5)
        if len(head) != 5:
            return cls.parse(text)
        if head[0] != "arn":
            raise ValueError(f"not an ARN: {text!r}")
        return cls._of([*map(Template.parse, head), Template.parse(last, variables=variables)])

    @classmethod
    def _of(cls, parts: Sequence[Template]) -> ArnTemplate:
        tokens: list[Token] = []
        decided = 0
        for number, part in enumerate(parts):
            tokens += [Text(":"), *part.tokens] if number else part.tokens
            if all(isinstance(token, Text) for token in tokens):
                decided = number + 1
        whole = Template.of(tokens).fixed if decided >= 5 else None
        texts = takewhile(lambda token: isinstance(token, Text), tokens)
        start = "".join(token.value for token in texts if isinstance(token, Text))
        remaining = [(number, part) for number, part in enumerate(parts) if number >= decided]
        undecided = tuple((number, part) for number, part in remaining if part.tokens != (_STAR,))
        return cls(tuple(parts), start, undecided, whole)

    def matches(self, value: str, context: Context) -> bool:
        """Return whether the ARN ``value`` matches. The value ``*`` (a call without resources) matches only ``*``."""
        if self.whole is not None:
            return self.whole.matches(value)
        if self.parts is None:
            return True
        if not value.startswith(self.start):
            return False
        parts = value.split(":", 5)
        if len(parts) != 6:
            return False
        for number, template in self.undecided:
            glob = template.fixed or template.glob(context)
            if glob is None or not glob.matches(parts[number]):
                return False
        return True
