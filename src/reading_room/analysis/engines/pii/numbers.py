"""Numbers that consist of digits alone: cards, and numbers of banks, taxes, insurances and health services.

What a number is follows from its check digit or its groups, and from the words around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reading_room.analysis.engines.pii import checks
from reading_room.analysis.engines.pii.finding import Finding
from reading_room.analysis.engines.pii.labels import OTHER, Labels

_UNIT = re.compile(r"[0-9]+(?:-[0-9]+)*+")
_MOST_DIGITS, _MOST_UNITS = 19, 6

_CARD_GROUPS = ((4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 1))

_NINE = {
    "SSN": (checks.social_security, 0.97),
    "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER": (checks.taxpayer, 0.97),
    "BANK_ROUTING": (checks.routing, 0.99),
    "CA_SOCIAL_INSURANCE_NUMBER": (checks.canadian_insurance, 0.98),
}
_TEN = {
    "UK_NATIONAL_HEALTH_SERVICE_NUMBER": (checks.health_service, 0.99),
    "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER": (checks.taxpayer_reference, 0.98),
    "CA_HEALTH_NUMBER": (checks.canadian_health, 0.97),
}
_TWELVE = {"IN_AADHAAR": (checks.aadhaar, 0.99)}
_BY_LABEL = {9: _NINE, 10: _TEN, 12: _TWELVE}


def numbers(text: str, labels: Labels) -> Iterator[Finding]:
    """Yield the numbers of a text. Each is all the digits between blanks, or some such neighbours ("4111 1111 …")."""
    units = [match.span() for match in _UNIT.finditer(text) if _stands_alone(text, *match.span())]
    at = 0
    while at < len(units):
        last = at
        digits = _digits(text, units[at])
        while last + 1 < len(units) and last + 1 - at < _MOST_UNITS and len(digits) <= _MOST_DIGITS:
            begin = units[last + 1][0]
            if begin - units[last][1] != 1 or text[begin - 1] not in " \u00a0":
                break
            last += 1
            digits += _digits(text, units[last])
        for end in range(last, at - 1, -1):
            found = _number(text, units[at][0], units[end][1], labels)
            if found is not None:
                yield found
                at = end
                break
        at += 1


def _stands_alone(text: str, begin: int, end: int) -> bool:
    before, after = text[begin - 1 : begin], text[end : end + 2]
    if before.isalnum() or (before in ("_", "-", ".", "/", "@") and before):
        return False
    if after[:1].isalnum() or (after[:1] in ("_", "/", "@") and after):
        return False
    # A decimal point or comma, and not the end of a sentence.
    return not (after[:1] in (".", ",", "-", ":") and after[1:].isdigit())


def _digits(text: str, unit: tuple[int, int]) -> str:
    # Longer ones are nothing that is known here: one more digit than the longest says so.
    return text[unit[0] : min(unit[1], unit[0] + 40)].replace("-", "")[: _MOST_DIGITS + 1]


def _number(text: str, begin: int, end: int, labels: Labels) -> Finding | None:
    if end - begin > 30:
        return None
    groups = [len(each) for each in re.split(r"[- \u00a0]", text[begin:end])]
    digits = "".join(each for each in text[begin:end] if each.isdecimal())
    length = len(digits)
    if length < 9 or length > _MOST_DIGITS or not digits.isascii():
        return None
    label = labels.near(begin, end)
    if length >= 13 and checks.card(digits) and (len(groups) == 1 or tuple(groups) in _CARD_GROUPS):
        if label in (OTHER, "PHONE", "INTERNATIONAL_BANK_ACCOUNT_NUMBER") and len(groups) == 1:
            return None
        return Finding(begin, end, "CREDIT_DEBIT_NUMBER", 0.99 if len(groups) > 1 or label else 0.95)
    rule = _BY_LABEL.get(length, {}).get(label or "")
    if rule is not None and len(groups) <= 4:
        return Finding(begin, end, label or "", rule[1]) if rule[0](digits) else None
    if groups == [3, 2, 4] and label in (None, "DRIVER_ID", "PASSPORT_NUMBER"):
        if checks.taxpayer(digits):
            return Finding(begin, end, "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER", 0.95)
        if checks.social_security(digits):
            return Finding(begin, end, "SSN", 0.95 if "-" in text[begin:end] else 0.8)
    if groups == [4, 4, 4] and label is None and checks.aadhaar(digits):
        return Finding(begin, end, "IN_AADHAAR", 0.9)
    return None
