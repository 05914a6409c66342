"""Telephone numbers: what looks like one, judged by the numbering plans that the library phonenumbers has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import phonenumbers

from reading_room.analysis.engines.pii.finding import Finding
from reading_room.analysis.engines.pii.further_words import PHONE_REGIONS
from reading_room.analysis.engines.pii.labels import Labels

_CANDIDATE = re.compile(r"(?:\+ ?|00)?\(?[0-9](?:[-. \u00a0/]{0,2}\(?[0-9]\)?){6,16}")
_GERMAN_CANDIDATE = re.compile(r"(?:\+ ?|00)?\(?[0-9](?:(?: / |[-. \u00a0/]{0,2})\(?[0-9]\)?){6,16}")
"""As people write an area code in German: "030 / 123456"."""
_EXTENSION = re.compile(r",?\s?(?:ext\.?|extension|extensión|x)\s?[0-9]{1,6}(?![0-9A-Za-z])", re.IGNORECASE)
_DATE = re.compile(
    r"[0-9]{1,2}([-./])[0-9]{1,2}\1(?:19|20)?[0-9]{2}(?![0-9]|[-./][0-9])|(?:19|"
    r"20)[0-9]{2}([-./])[0-9]{1,2}\2[0-9]{1,2}(?![0-9]|[-./][0-9])"
)
_REGIONS: Mapping[str, Sequence[str]] = {
    "en": ("US", "GB"),
    "es": ("ES", "MX", "AR", "CO", "US"),
    **PHONE_REGIONS,
}
_OWN_FORMS = {
    "es": re.compile(r"[67][0-9]{8}"),
    "de": re.compile(r"0[1-9][0-9]{1,4}(?: / |[ /-])[0-9][0-9 -]{4,11}"),
}
"""Forms of one language that need no word: a mobile number of Spain without groups, a German area code and number."""
_MOST_CUTS = 4


def phones(text: str, labels: Labels, language: str) -> Iterator[Finding]:
    """Yield the telephone numbers of a text, with their extensions."""
    for match in (_GERMAN_CANDIDATE if language == "de" else _CANDIDATE).finditer(text):
        begin, end = match.span()
        if text[begin] == "(" and text.find(")", begin, end) < 0:
            begin += 1
        before = text[begin - 1 : begin]
        if before.isalnum() or before in ("_", ".", "-", "/", "#", "$", "€", "£", "@"):
            continue
        for _ in range(_MOST_CUTS):
            if text[end - 1] == "(":
                end -= 1
            after = text[end : end + 2]
            if not (
                after[:1].isalnum() or after[:1] == "_" or (after[:1] in ("-", ".", "/", ",") and after[1:].isdigit())
            ):
                alone = text[begin - 1 : begin] in ("", "\n") and after[:1] in ("", "\n")
                score = _score(text[begin:end], labels.near(begin, end), language, alone=alone)
                if score:
                    extension = _EXTENSION.match(text, end)
                    yield Finding(begin, extension.end() if extension else end, "PHONE", score)
                    break
            # Perhaps the last digits after a blank are something else.
            shorter = text.rfind(" ", begin, end)
            if shorter <= begin or not (text[begin] in "+(" or labels.near(begin, end) == "PHONE"):
                break
            end = shorter


def _score(candidate: str, label: str | None, language: str, *, alone: bool) -> float:
    """Return how likely this is a telephone number, 0 for no. ``alone``: nothing else is in its line."""
    digits = sum(each.isdigit() for each in candidate)
    if digits < 7 or digits > 15 or (label not in (None, "PHONE")) or _DATE.match(candidate):
        return 0.0
    parts = len(re.findall(r"[0-9]+", candidate))
    international = candidate[0] == "+" or (candidate[:2] == "00" and digits >= 10)
    # Without a word for it, only a form that other numbers do not have: "+", brackets, or groups.
    own = _OWN_FORMS.get(language)
    national = own is not None and own.fullmatch(candidate) is not None
    if label is None and not (international or parts > 2 or candidate[0] == "(" or alone or national):
        return 0.0
    regions: Sequence[str | None] = _REGIONS[language]
    if international:
        candidate = "+" + candidate[2:] if candidate[:2] == "00" else candidate
        regions = (None,)
    for region in regions:
        try:
            number = phonenumbers.parse(candidate, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return 0.98 if label or international else 0.9 if parts > 1 else 0.6
        if (label or international) and phonenumbers.is_possible_number(number):
            return 0.85
    # A local number without its area code, or one that is only an example.
    return 0.7 if label == "PHONE" else 0.0
