"""Values that only the word before them tells: "PIN: 4417", "my password is …", "driver's license D123-4567-8901"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reading_room.analysis.engines.pii.checks import COUNTRIES
from reading_room.analysis.engines.pii.finding import Finding
from reading_room.analysis.engines.pii.further_words import FILLED
from reading_room.analysis.engines.pii.labels import Labels

_FILLED = re.compile(
    r"""(?:[\s:=,\#("'’“<>\[–-]|
    (?:numbers?|nums?|no\.|no\b(?=\s*:)|nr\.?|code|id|is|was|are|as|to|be|for|of|in|with|the|this|that|
    your|my|his|her|their|our|
    a|it|on|at|date|card|accounts?|bank|new|old|current|set|reset|changed|updated|ending|ends|following|login|file|
    now|bearing|issued|valid|used|before|antes|anterior|plate|licen[cs]e|checking|savings|name|screen|temporary|
    n[º°o]\.?|n\.[º°]|núm\.?|número|numero|código|es|son|era|de|del|la|el|mi|su|tu|para|en|con|cuenta|tarjeta|bancaria|
    corriente|nueva|nuevo|fecha|terminad[ao]|acaba|temporal|actual|acceso)(?=[\s:=,\#("'’“<>\[–-]))*+""",
    re.VERBOSE | re.IGNORECASE,
)
_REACH = 70
_END = r"(?![A-Za-z0-9_])"

_VALUES: dict[str, tuple[re.Pattern[str], float]] = {
    "PIN": (re.compile(r"[0-9]{4,8}(?![0-9A-Za-z_]|[-./,:][0-9])"), 0.95),
    "CREDIT_DEBIT_CVV": (re.compile(r"[0-9]{3,4}(?![0-9A-Za-z_]|[-./,:][0-9])"), 0.97),
    "CREDIT_DEBIT_EXPIRY": (
        re.compile(r"(?:0?[1-9]|1[0-2])\s?[/-]\s?(?:20[0-9]{2}|[0-9]{2})(?![0-9A-Za-z_]|[-./][0-9])"),
        0.95,
    ),
    "BANK_ACCOUNT_NUMBER": (re.compile(r"[0-9]{4}(?:[ -]?[0-9]){0,16}+(?![0-9A-Za-z_]|[./,:][0-9])"), 0.9),
    "PASSPORT_NUMBER": (re.compile(r"(?:[A-Z]{1,3}[0-9]{5,9}|[0-9]{6,9}[A-Z]?)" + _END + "(?!-[0-9])"), 0.95),
    "DRIVER_ID": (re.compile(r"(?=[A-Z0-9-]{0,8}[0-9])[A-Z0-9]{1,20}(?:[ -][0-9][A-Z0-9]{0,15}){0,4}+" + _END), 0.92),
    "LICENSE_PLATE": (
        re.compile(r"(?=[A-Z -]{0,5}[0-9])(?=[0-9 -]{0,5}[A-Z])[A-Z0-9]{1,4}(?:[ -]?[A-Z0-9]{1,4}){1,2}" + _END),
        0.9,
    ),
    "SWIFT_CODE": (re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?" + _END), 0.97),
    "IN_VOTER_NUMBER": (re.compile(r"[A-Z]{3}[0-9]{7}" + _END), 0.97),
    "SSN": (re.compile(r"[0-9]{4}(?![0-9A-Za-z_]|[-./,:][0-9])"), 0.8),
    "USERNAME": (re.compile(r"@?[A-Za-z0-9][A-Za-z0-9_.-]{1,38}[A-Za-z0-9_]" + _END + r"(?!@)"), 0.85),
    "PASSWORD": (re.compile(r"\S{4,64}+"), 0.9),
}
"""What a value looks like by its label, and the score that a match has."""
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "<": ">", "(": ")", "[": "]", "`": "`"}
_PLAIN_WORD = re.compile(r"[A-Za-zÀ-ÿ'’-]+[.,;:!?)]*")
_LAST_FOUR = re.compile(r"last (?:four|4)|ending|ends|últimos|terminad|acaba")


_FURTHER = {
    language: re.compile(rf"(?:[\s:=,\#(\"'’“<>\[–-]|(?:{words})(?=[\s:=,\#(\"'’“<>\[–-]))*+")
    for language, words in FILLED.items()
}
"""What may stand between a label and its value, by language."""


def values(text: str, lower: str, labels: Labels, language: str) -> Iterator[Finding]:
    """Yield the value after each label that needs one and has one within reach."""
    between_them = _FURTHER.get(language, _FILLED)
    for place, label in enumerate(labels.all):
        rule = _VALUES.get(label.type)
        if rule is None:
            continue
        limit = min(label.end + _REACH, len(text))
        following = labels.all[place + 1] if place + 1 < len(labels.all) else None
        # "the password for my account is …" is still a password.
        passed = label.type in ("PASSWORD", "USERNAME") and following and following.type == "BANK_ACCOUNT_NUMBER"
        if following is not None and following.type != label.type and following.type in _VALUES:
            limit = limit if passed else min(limit, following.begin)
        filled = between_them.match(text, label.end, limit)
        begin = filled.end() if filled is not None else label.end
        if begin >= limit or begin == label.end:
            continue
        between = text[label.end : begin]
        if "\n\n" in between or (begin and text[begin - 1].isalnum()):
            continue
        match = rule[0].match(text, begin)
        found = None
        if match is not None:
            found = _checked(text, lower, label.type, begin, match.end(), between, rule[1])
        if found is None and label.type == "BANK_ACCOUNT_NUMBER":
            # An account of a bank has a number, any other has a user.
            match = _VALUES["USERNAME"][0].match(text, begin)
            user = _username(match[0], begin, match.end(), "", 0.7) if match is not None else None
            found = user if user is not None and not user.begin < user.end <= begin + 2 else None
        if found is not None:
            yield found


def _checked(text: str, lower: str, kind: str, begin: int, end: int, between: str, score: float) -> Finding | None:
    value = text[begin:end]
    if kind == "SSN" and not _LAST_FOUR.search(lower, max(0, begin - 40), begin):
        return None
    if kind == "BANK_ACCOUNT_NUMBER":
        digits = sum(each.isdigit() for each in value)
        if digits < 6 and not _LAST_FOUR.search(lower, max(0, begin - 40), begin):
            return None
        if digits > 17:
            return None
    if kind == "SWIFT_CODE" and not _country(value):
        return None
    if kind == "DRIVER_ID" and sum(each.isdigit() for each in value) < 3:
        return None
    if kind == "PASSWORD":
        return _password(text, begin, end, between, score)
    if kind == "USERNAME":
        return _username(value, begin, end, between, score)
    return Finding(begin, end, kind, score)


def _country(code: str) -> bool:
    return code[4:6] in COUNTRIES


def _password(text: str, begin: int, end: int, between: str, score: float) -> Finding | None:
    """A password is a quoted value, one after a colon or an equals sign, or a word that is not an ordinary one."""
    opened = text[begin - 1 : begin]
    closing = _QUOTES.get(opened)
    if closing is not None and (at := text.find(closing, begin, end)) > begin:
        end = at
        return Finding(begin, end, "PASSWORD", score)
    while end > begin and text[end - 1] in ".,;)\"'":
        end -= 1
    value = text[begin:end]
    if len(value) < 4:
        return None
    mixed = any(each.isdigit() for each in value) or any(not each.isalnum() and each not in "-'’.," for each in value)
    if mixed:
        return Finding(begin, end, "PASSWORD", score)
    marked = ":" in between or "=" in between
    if marked and (_PLAIN_WORD.fullmatch(value) is None or not text[end : end + 2].strip()):
        return Finding(begin, end, "PASSWORD", 0.7)
    return None


def _username(value: str, begin: int, end: int, between: str, score: float) -> Finding | None:
    mixed = value[:1] == "@" or any(not each.isalpha() for each in value) or any(each.isupper() for each in value[1:])
    if mixed:
        return Finding(begin, end, "USERNAME", score)
    if ":" in between or "=" in between or between[-1:] in ("'", '"', "“"):
        return Finding(begin, end, "USERNAME", score - 0.1)
    return None
