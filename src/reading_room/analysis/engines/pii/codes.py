"""Codes of letters and digits with a grammar or a checksum, whatever words are around them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from reading_room.analysis.engines.pii import checks
from reading_room.analysis.engines.pii.finding import Finding
from reading_room.analysis.engines.pii.labels import OTHER, Labels

# Possessive, so that a long word without a digit is read once.
_TOKEN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]*+[0-9][A-Za-z0-9]*+")
_PAN = re.compile(r"[A-Z]{3}[ABCFGHJKLPT][A-Z][0-9]{4}[A-Z]")
_VOTER = re.compile(r"[A-Z]{3}[0-9]{7}")
_VEHICLE = re.compile(r"(?=[^0-9]*[0-9])[A-HJ-NPR-Z0-9]{17}")
_ACCESS_KEY = re.compile(r"(?<![A-Za-z0-9/+_])A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?![A-Za-z0-9/+_])")
_INSURANCE = re.compile(r"[A-Za-z]{2} ?[0-9]{2}[ -]?[0-9]{2}[ -]?[0-9]{2}[ -]?[A-Da-d](?![A-Za-z0-9])")
_IBAN = re.compile(r"[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}+")
_NREGA = re.compile(r"[A-Z]{2}-?[0-9]{2}-[0-9]{3}-[0-9]{3}-[0-9]{3}(?:-[0-9]{3})?/[0-9]{1,6}(?:-[A-Z])?(?![A-Za-z0-9])")
_SECRET = re.compile(r"[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")


def codes(text: str, labels: Labels) -> Iterator[Finding]:
    """Yield the codes of a text, in their order."""
    done = 0
    for match in _TOKEN.finditer(text):
        begin, end = match.span()
        if begin < done:
            continue
        if text[begin].isdigit() and end - begin != 17 and not text[max(0, begin - 3) : begin - 1].isupper():
            continue
        found = _longer(text, begin, labels) or _token(text, begin, end, labels)
        if found is not None:
            done = found.end
            yield found
    if "/" in text and text.count("-") >= 4:
        for match in _NREGA.finditer(text):
            if not text[match.start() - 1 : match.start()].isalnum():
                yield Finding(match.start(), match.end(), "IN_NREGA", 0.97)


def _longer(text: str, begin: int, labels: Labels) -> Finding | None:
    """Return a code that begins here, or with two letters before the blank before here, and may have blanks."""
    head = text[max(0, begin - 3) : begin + 5]
    if text[begin : begin + 2].isalpha():
        if text[begin + 2 : begin + 4].isdigit():
            found = _iban(text, begin)
            if found is not None:
                return found
        start = begin
    elif len(head) > 3 and text[begin].isdigit() and head[2] == " " and head[:2].isalpha() and head[:2].isupper():
        start = begin - 3
    else:
        return None
    if start and text[start - 1].isalnum():
        return None
    match = _INSURANCE.match(text, start)
    if match is not None:
        code = re.sub("[ -]", "", match[0])
        if checks.national_insurance(code.upper()) and (code.isupper() or labels.near(start, match.end()) is not None):
            return Finding(start, match.end(), "UK_NATIONAL_INSURANCE_NUMBER", 0.98)
    return None


def _iban(text: str, begin: int) -> Finding | None:
    length = checks.iban_length(text[begin : begin + 2].upper())
    match = _IBAN.match(text, begin) if length else None
    if match is None:
        return None
    end, count = begin, 0
    while end < match.end() and count < length:
        count += text[end].isalnum()
        end += 1
    code = "".join(each for each in text[begin:end] if each.isalnum()).upper()
    if text[end : end + 1].isalnum() or not checks.iban(code):
        return None
    return Finding(begin, end, "INTERNATIONAL_BANK_ACCOUNT_NUMBER", 0.99)


def _token(text: str, begin: int, end: int, labels: Labels) -> Finding | None:
    rule = _LENGTHS.get(end - begin)
    if rule is None or (begin and text[begin - 1] in "_/+") or text[end : end + 1] == "_":
        return None
    pattern, kind = rule
    if pattern.fullmatch(text, begin, end) is None:
        return None
    return _KINDS[kind](text, begin, end, labels.near(begin, end))


def _account(text: str, begin: int, end: int, label: str | None) -> Finding | None:
    if label == "IN_VOTER_NUMBER" and _VOTER.fullmatch(text, begin, end):
        return Finding(begin, end, "IN_VOTER_NUMBER", 0.97)
    if _PAN.fullmatch(text, begin, end) and label != OTHER:
        return Finding(begin, end, "IN_PERMANENT_ACCOUNT_NUMBER", 0.97)
    return None


def _vehicle(text: str, begin: int, end: int, label: str | None) -> Finding | None:
    right = checks.vehicle(text[begin:end])
    kind = "VEHICLE_IDENTIFICATION_NUMBER"
    if label == kind:
        # European makers, whose numbers begin with S to Z, need no check digit.
        return Finding(begin, end, kind, 0.99 if right else 0.8) if right or "S" <= text[begin] <= "Z" else None
    letters = sum(each.isalpha() for each in text[begin:end])
    if right and letters >= 3 and text[end - 4 : end].isdigit() and label != OTHER:
        return Finding(begin, end, kind, 0.93)
    return None


_LENGTHS = {
    10: (re.compile("[A-Z]{3}[A-Z0-9]{7}"), 10),
    17: (_VEHICLE, 17),
}
_KINDS: dict[int, Callable[[str, int, int, str | None], Finding | None]] = {10: _account, 17: _vehicle}


def keys(text: str, labels: Labels) -> Iterator[Finding]:
    """Yield AWS's keys. A secret one is forty characters of several kinds after a word for it or an access key."""
    places = [label.end for label in labels.all if label.type == "AWS_SECRET_KEY"]
    if any(prefix in text for prefix in ("AKIA", "ASIA", "ABIA", "ACCA")):
        for match in _ACCESS_KEY.finditer(text):
            places.append(match.end())
            yield Finding(match.start(), match.end(), "AWS_ACCESS_KEY", 0.99)
    for place in places:
        for secret in _SECRET.finditer(text, place, place + 120):
            key = secret[0]
            kinds = (
                any(each.isupper() for each in key),
                any(each.islower() for each in key),
                any(map(str.isdigit, key)),
            )
            if all(kinds) and text[secret.start() - 1] not in "/+" and not text[secret.start() - 1].isalnum():
                yield Finding(secret.start(), secret.end(), "AWS_SECRET_KEY", 0.97)
                break
