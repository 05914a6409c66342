"""Addresses on networks: e-mail, web, IP and MAC addresses, and handles."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from reading_room.analysis.engines.pii.finding import Finding

_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![^\W_])")
_HANDLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{1,38}[A-Za-z0-9_]")
_MOST_LOCAL = 64
_WEB = re.compile(r"""[^\s<>"'`{}|\\^“”‘’«»]{1,2048}+""")
_SITE = re.compile(
    r"\.(?:com|org|net|edu|gov|io|info|biz|co\.uk|org\.uk|ac\.uk|gov\.uk|uk|es|de|fr|it|pt|eu|us|ca|mx|ar|cl|pe|"
    r"in|au|dev|app|"
    r"me|tv|xyz|online|site)(?![A-Za-z0-9_-]|\.[A-Za-z0-9])(?:[/?#][^\s<>\"'`{}|\\^“”]{0,2000}+)?"
)
_FOUR = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9A-Za-z_]|\.[0-9])(?:/[0-9]{1,2}(?![0-9]))?")
_SIX = re.compile(r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![0-9A-Za-z:])")
_MAC = re.compile(r"[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![0-9A-Za-z_]|[:.-][0-9A-Fa-f])")
# "001b.4411.3ab7", searched from the first dot, because most letters of a text are hexadecimal digits or follow one.
_DOTTED_MAC = re.compile(r"\.(?<=[0-9A-Fa-f]{4}\.)[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?![0-9A-Za-z_]|[:.-][0-9A-Fa-f])")
_VERSION = re.compile(r"(?:version|versión|release|firmware|build|ver|v|section|§|chapter)[\s.:]*$", re.IGNORECASE)
_TRAILING = ".,;:!?'*_~"


def addresses(text: str) -> Iterator[Finding]:
    """Yield the addresses of a text. Each search looks first for the sign without which there is none."""
    if "@" in text:
        yield from _at_signs(text)
    yield from _web(text)
    if text.count(".") >= 3:
        yield from _four(text)
    colons = text.count(":")
    if colons >= 2:
        yield from _six(text)
    if colons >= 5 or text.count("-") >= 5:
        yield from _mac(text, _MAC, 0)
    yield from _mac(text, _DOTTED_MAC, 4)


def _at_signs(text: str) -> Iterator[Finding]:
    at = text.find("@")
    while at >= 0:
        begin = at
        while begin > 0 and at - begin < _MOST_LOCAL and (text[begin - 1].isalnum() or text[begin - 1] in "._%+-'"):
            begin -= 1
        while begin < at and text[begin] in ".'-":
            begin += 1
        match = _DOMAIN.match(text, at + 1)
        if begin < at and match is not None:
            yield Finding(begin, match.end(), "EMAIL", 0.99)
        elif begin == at and not text[at - 1 : at].isalnum():
            handle = _HANDLE.match(text, at + 1)
            if handle is not None and not handle[0].isdigit():
                yield Finding(at, handle.end(), "USERNAME", 0.7)
        at = text.find("@", at + 1)


def _web(text: str) -> Iterator[Finding]:
    at = text.find("://")
    while at >= 0:
        begin = at
        while begin > 0 and at - begin < 12 and (text[begin - 1].isascii() and text[begin - 1].isalpha()):
            begin -= 1
        match = _WEB.match(text, at + 3)
        end = match.end() if match is not None and begin < at else at
        if end > at:
            yield Finding(begin, _without_trailing(text, begin, end), "URL", 0.99)
        at = text.find("://", max(end, at + 3))
    at = text.find("www.")
    while at >= 0:
        match = _WEB.match(text, at + 4)
        end = match.end() if match is not None else at + 4
        if match is not None and not text[at - 1 : at].isalnum():
            yield Finding(at, _without_trailing(text, at, end), "URL", 0.98)
        at = text.find("www.", end)
    if "." in text:
        for match in _SITE.finditer(text):
            begin = match.start()
            while begin > 0 and match.start() - begin < 100 and (text[begin - 1].isalnum() or text[begin - 1] in ".-"):
                begin -= 1
            while begin < match.start() and text[begin] in ".-":
                begin += 1
            name = text[begin : match.start()]
            # "me.In" is a missing blank and no site.
            if len(name) > 1 and name.isascii() and text[begin - 1 : begin] not in ("@", "/", ":", "_"):
                yield Finding(begin, _without_trailing(text, begin, match.end()), "URL", 0.9)


def _without_trailing(text: str, begin: int, end: int) -> int:
    """Return where an address ends without the punctuation marks of the sentence around it."""
    while end > begin:
        last = text[end - 1]
        opening = "(" if last == ")" else "["
        if last in _TRAILING or (last in ")]" and text.count(opening, begin, end) < text.count(last, begin, end)):
            end -= 1
        else:
            break
    return end


def _four(text: str) -> Iterator[Finding]:
    for match in _FOUR.finditer(text):
        begin, end = match.span()
        before = text[begin - 1 : begin]
        if before.isalnum() or before in (".", "_", "-"):
            continue
        numbers = match[0].partition("/")[0].split(".")
        if any(int(each) > 255 or (each[0] == "0" and len(each) > 1) for each in numbers):
            continue
        if not _VERSION.search(text, max(0, begin - 12), begin):
            yield Finding(begin, end, "IP_ADDRESS", 0.97)


def _six(text: str) -> Iterator[Finding]:
    for match in _SIX.finditer(text):
        begin, end = match.span()
        if text[begin - 1 : begin].isalnum() or text[begin - 1 : begin] in ("_", ":", "."):
            continue
        while end > begin and text[end - 1] == ":" and not text.startswith("::", end - 2):
            end -= 1
        try:
            ipaddress.IPv6Address(text[begin:end])
        except ValueError:
            continue
        # "a::b" is C++.
        if any(each.isdigit() for each in text[begin:end]):
            yield Finding(begin, end, "IP_ADDRESS", 0.98)


def _mac(text: str, pattern: re.Pattern[str], missing: int) -> Iterator[Finding]:
    """Yield MAC addresses. A match lacks the first ``missing`` characters of one."""
    for match in pattern.finditer(text):
        begin = match.start() - missing
        before = text[begin - 1 : begin]
        if not before.isalnum() and before not in ("_", ":", "-", "."):
            yield Finding(begin, match.end(), "MAC_ADDRESS", 0.98)
