"""Texts of policies that stand for many texts: the wildcards ``*`` and ``?``, and variables ``${key}``.

A template is parsed once, when its policy is. Values put in for variables are literal: a star in a user's name is
no wildcard (AWS IAM User Guide, "IAM policy elements: Variables and tags").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Context = Mapping[str, Sequence[str]]
"""Condition keys in lower case, and their values."""


@dataclass(frozen=True, slots=True)
class Text:
    """Characters that stand for themselves."""

    value: str


@dataclass(frozen=True, slots=True)
class Wildcard:
    """``*``: any characters, also none; ``?``: exactly one."""

    symbol: Literal["*", "?"]


@dataclass(frozen=True, slots=True)
class Variable:
    """``${key}`` or ``${key, 'default'}``; ``key`` in lower case."""

    key: str
    default: str | None


Token = Text | Wildcard | Variable

_VARIABLE = re.compile(r"\$\{(?:(?P<literal>[*?$])|(?P<key>[^}',]+?)\s*(?:,\s*'(?P<default>[^']*)'\s*)?)\}")


def tokenize(text: str, *, wildcards: bool, variables: bool) -> tuple[Token, ...]:
    """Split a policy's text into tokens. Without ``variables`` (version 2008-10-17) ``${…}`` is plain text."""
    tokens: list[Token] = []
    position = 0
    for match in _VARIABLE.finditer(text) if variables else ():
        tokens += _plain(text[position : match.start()], wildcards)
        if match["literal"] is not None:
            tokens.append(Text(match["literal"]))
        else:
            tokens.append(Variable(match["key"].strip().lower(), match["default"]))
        position = match.end()
    tokens += _plain(text[position:], wildcards)
    return tuple(tokens)


def _plain(text: str, wildcards: bool) -> list[Token]:
    if not wildcards:
        return [Text(text)] if text else []
    parts = re.split(r"([*?])", text)
    return [Wildcard(part) if part in ("*", "?") else Text(part) for part in parts if part]  # type: ignore[arg-type]


def resolve(tokens: tuple[Token, ...], context: Context) -> tuple[Text | Wildcard, ...] | None:
    """Put values in for variables. Return ``None`` when one has neither exactly one value nor a default."""
    resolved: list[Text | Wildcard] = []
    for token in tokens:
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
    return tuple(resolved)


@lru_cache(maxsize=4096)
def expression(tokens: tuple[Text | Wildcard, ...], ignore_case: bool = False) -> re.Pattern[str]:
    """Return the regular expression of resolved tokens.

    Each piece between two stars is found at its leftmost place and kept there (an atomic group), so the time is at
    most the product of the lengths, whatever the policy's author wrote.
    """
    pieces: list[list[str]] = [[]]
    for token in tokens:
        if isinstance(token, Text):
            pieces[-1].append(re.escape(token.value))
        elif token.symbol == "?":
            pieces[-1].append(".")
        else:
            pieces.append([])
    texts = ["".join(piece) for piece in pieces]
    if len(texts) == 1:
        pattern = texts[0]
    else:
        middle = "".join(f"(?>.*?{text})" for text in texts[1:-1] if text)
        pattern = f"{texts[0]}{middle}.*{texts[-1]}"
    return re.compile(pattern, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


@dataclass(frozen=True, slots=True)
class Template:
    """One text with wildcards and variables."""

    tokens: tuple[Token, ...]

    @classmethod
    def parse(cls, text: str, *, wildcards: bool = True, variables: bool = False) -> Template:
        """Parse ``text``; every text is a valid template."""
        return cls(tokenize(text, wildcards=wildcards, variables=variables))

    def matches(self, value: str, context: Context, ignore_case: bool = False) -> bool:
        """Say whether ``value`` is one of the texts meant. A variable without a value matches nothing."""
        resolved = resolve(self.tokens, context)
        return resolved is not None and expression(resolved, ignore_case).fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class ArnTemplate:
    """An ARN with wildcards, compared part by part: a star never swallows the colon between two parts.

    ``parts`` has six templates; ``None`` is the text ``*`` alone, which matches everything.
    """

    parts: tuple[Template, ...] | None

    @classmethod
    def parse(cls, text: str, *, variables: bool = False) -> ArnTemplate:
        """Parse ``text``. Raises ``ValueError`` when it is neither ``*`` nor an ARN of six parts."""
        tokens = tokenize(text, wildcards=True, variables=variables)
        if tokens and all(token == Wildcard("*") for token in tokens):
            return cls(None)
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
        return cls(tuple(Template(tuple(part)) for part in parts))

    def matches(self, value: str, context: Context) -> bool:
        """Say whether the ARN ``value`` is meant. ``*`` as a value (a call without resources) needs ``*`` here."""
        if self.parts is None:
            return True
        parts = value.split(":", 5)
        return len(parts) == 6 and all(
            template.matches(part, context) for template, part in zip(self.parts, parts, strict=True)
        )
