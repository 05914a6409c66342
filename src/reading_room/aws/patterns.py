"""The models' regular expressions, translated from Java's syntax to Python's.

Java's ``\\p{L}`` and similar properties become ranges of code points. ``\\w``, ``\\d`` and ``\\s`` mean ASCII in Java.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache

_PROPERTY = re.compile(r"\\([pP])\{(\w+)\}")
# A range cannot begin with a class. Java takes the hyphen literally.
_CLASS_THEN_HYPHEN = re.compile(r"(\\[wdsWDS])-(?=[^\]])")
# Java writes a character beyond 16 bits as two surrogates.
_HALVES = re.compile(r"\\u(D[89AB][0-9A-F]{2})\\u(D[C-F][0-9A-F]{2})", re.IGNORECASE)


@cache
def compiled(pattern: str) -> re.Pattern[str] | None:
    """Return a pattern of the models, for ``fullmatch``.

    Return ``None`` if Python cannot express it. A test lists all such patterns, so that none is skipped by accident.
    """
    try:
        return re.compile(_translate(pattern), re.ASCII)
    except (re.error, ValueError):
        return None


def _translate(pattern: str) -> str:
    pattern = _HALVES.sub(_whole, _CLASS_THEN_HYPHEN.sub(r"\1\\-", pattern))
    out, position = "", 0
    for found in _PROPERTY.finditer(pattern):
        out += pattern[position : found.start()]
        position = found.end()
        ranges = _ranges(found[2])
        inside = _inside_class(pattern[: found.start()])
        if inside and found[1] == "P":
            raise ValueError("a negated property within a class")
        out += ranges if inside else f"[{'^' if found[1] == 'P' else ''}{ranges}]"
    return out + pattern[position:]


def _whole(halves: re.Match[str]) -> str:
    high, low = (int(half, 16) for half in halves.groups())
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08X}"


def _inside_class(before: str) -> bool:
    depth, escaped = 0, False
    for character in before:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == "[" and depth == 0:
            depth = 1
        elif character == "]" and depth == 1:
            depth = 0
    return depth == 1


@cache
def _ranges(name: str) -> str:
    if name == "ASCII":
        return "\\x00-\\x7f"
    # Other planes have no characters but those of category C. To look through all takes a tenth of a second.
    planes = [range(sys.maxunicode + 1)] if name.startswith("C") else [range(0x40000), range(0xE0000, 0xF0000)]
    members = [code for plane in planes for code in plane if unicodedata.category(chr(code)).startswith(name)]
    if not members:
        raise ValueError(f"no characters of category {name}")
    out, start = [], members[0]
    for code, following in zip(members, [*members[1:], -1], strict=True):
        if following != code + 1:
            out.append(f"{_point(start)}-{_point(code)}")
            start = following
    return "".join(out)


def _point(code: int) -> str:
    return f"\\U{code:08x}"
