"""Dates, times and ages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reading_room.analysis.engines.pii import further_words
from reading_room.analysis.engines.pii.finding import Finding

_MONTHS = {
    "en": "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sept sep oct nov dec",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre",
    **further_words.MONTHS,
}
_DAYS = {
    "en": "monday tuesday wednesday thursday friday saturday sunday",
    "es": "lunes martes miércoles jueves viernes sábado domingo",
    **further_words.DAYS,
}
_DAY_BEFORE = {
    "en": re.compile(r"(?<![0-9.,/-])(?:[0-9]{1,2}(?:st|nd|rd|th)?|first)(?:\s+day)?(?:\s+of)?[\s,-]{1,2}$"),
    "es": re.compile(r"(?<![0-9.,/-])(?:[0-9]{1,2}|primero)\s+(?:de\s+)?$"),
    **further_words.DAY_BEFORE,
}
_REST_AFTER = {
    "en": re.compile(
        r"\.?(?:[\s-](?:the\s)?[0-9]{1,2}(?:st|nd|rd|th)?(?![0-9A-Za-z:]|[.,/-][0-9]))?"
        r"(?:(?:,\s?|\s|-|\sof\s)(?:1[5-9]|20)[0-9]{2}(?![0-9A-Za-z]))?"
    ),
    "es": re.compile(r"(?:\s(?:del?|de el año)?\s?(?:1[5-9]|20)[0-9]{2}(?![0-9A-Za-z]))?"),
    **further_words.REST_AFTER,
}
_NUMERIC = re.compile(
    r"[0-9]{4}([-/.])[0-9]{1,2}\1[0-9]{1,2}(?![0-9]|[-/.][0-9])"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?(?![0-9]))?"
    r"|[0-9]{1,2}([-/.])[0-9]{1,2}\2(?:[0-9]{4}|[0-9]{2})(?![0-9A-Za-z]|[-/.][0-9])"
    r"|[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?![0-9:])(?:\s?[aApP]\.?\s?[mM](?![A-Za-z])\.?|\s?h(?:rs|"
    r"oras)?(?![A-Za-z])\.?)?"
    r"|[0-9]{1,2}\s?[aApP]\.?[mM](?![A-Za-z])\.?"
    r"|(?:1[5-9]|20)[0-9]{2}s?(?![0-9A-Za-z_]|[-/.,:][0-9])"
)
_YEAR_BEFORE = {
    "en": re.compile(
        r"\b(?:in|since|from|until|till|by|of|during|year|between|before|after|summer|winter|spring|autumn|fall|"
        r"early|late|and|to|"
        r"mid|around|circa|about|end|beginning|class|born|–|-)[\s(-]$",
        re.IGNORECASE,
    ),
    "es": re.compile(
        r"\b(?:en|desde|hasta|de|del|año|durante|entre|y|a|antes de|después de|hacia|verano|nacido|nacida)[\s(-]$", re.I
    ),
    **further_words.YEAR_BEFORE,
}
_AGE_AFTER = re.compile(
    r"-(?:years?|yrs?|months?)-olds?|[ -]?y(?:ears?|rs?)(?=[ -](?:olds?|of[ -]age)\b)|[ ]?y/?o\b|[ ](?:years|"
    r"yrs)(?=,? of age)"
    r"|[ ](?:años|meses)(?= de edad| de vida|\b)",
    re.IGNORECASE,
)
_AGE_BEFORE = re.compile(
    r"\b(?:aged?|ages|age is|age of|age was|age|turned|turning|turns|edad|edad de|edad es|cumplió|cumple|cumplí|"
    r"cumplirá)"
    r"[\s:=(]{1,3}(?:about |of |is |de |es )?$",
    re.IGNORECASE,
)

_CAPITAL_DAYS = ("en", "de")
"""The languages in which the days of the week are always capitalized."""


class Times:
    """Finds dates, times and ages of a language."""

    def __init__(self, language: str) -> None:
        languages = ("es", "en") if language == "es" else (language,)
        self._months = [(word, each) for each in languages for word in _MONTHS[each].split()]
        self._days = [word for each in languages for word in _DAYS[each].split()]
        self._languages = languages
        self._age_after = further_words.AGE_AFTER.get(language, _AGE_AFTER)
        self._age_before = further_words.AGE_BEFORE.get(language, _AGE_BEFORE)

    def find(self, text: str, lower: str) -> Iterator[Finding]:
        """Yield them. ``lower`` is the text in lower case, character by character."""
        for word, language in self._months:
            at = lower.find(word)
            while at >= 0:
                yield from self._month(text, lower, at, at + len(word), language)
                at = lower.find(word, at + len(word))
        for word in self._days:
            at = lower.find(word)
            while at >= 0:
                end = at + len(word)
                if _alone(lower, at, end) and (text[at].isupper() or self._languages[0] not in _CAPITAL_DAYS):
                    yield Finding(at, end, "DATE_TIME", 0.8)
                at = lower.find(word, end)
        for match in _NUMERIC.finditer(text):
            yield from self._numeric(text, match)
        yield from self._ages(text)

    def _month(self, text: str, lower: str, at: int, end: int, language: str) -> Iterator[Finding]:
        if not _alone(lower, at, end):
            return
        before = _DAY_BEFORE[language].search(lower, max(0, at - 20), at)
        after = _REST_AFTER[language].match(lower, end)
        until = after.end() if after is not None else end
        begin = before.start() if before is not None else at
        if begin == at and until <= end + 1:
            if (
                language != "en"
                or not text[at].isupper()
                or end - at < 4
                or lower[at:end] in ("march", "may", "august")
            ):
                return
            yield Finding(at, end, "DATE_TIME", 0.7)
            return
        if lower[until - 1] == "." and until == end + 1:
            until = end
        yield Finding(begin, until, "DATE_TIME", 0.97)

    def _numeric(self, text: str, match: re.Match[str]) -> Iterator[Finding]:
        begin, end = match.span()
        before = text[begin - 1 : begin]
        if (
            before.isalnum()
            or before in ("_", "/", "$", "€", "£", "#", "@")
            or (before in ("-", ".", ",", ":") and text[begin - 2 : begin - 1].isdigit())
        ):
            return
        value = match[0]
        parts = [int(each) for each in re.findall("[0-9]+", value)]
        if match[1]:
            if 1 <= parts[1] <= 12 and 1 <= parts[2] <= 31 and 1000 <= parts[0] <= 2100:
                yield Finding(begin, end, "DATE_TIME", 0.98)
        elif match[2]:
            low, high = sorted(parts[:2])
            if 1 <= low <= 12 and 1 <= high <= 31 and (match[2] != "." or len(value) >= 8):
                yield Finding(begin, end, "DATE_TIME", 0.95)
        elif ":" in value:
            if parts[0] < 25 and parts[1] < 60:
                yield Finding(begin, end, "DATE_TIME", 0.9)
        elif value[-1] in "mM.":
            if 1 <= parts[0] <= 12:
                yield Finding(begin, end, "DATE_TIME", 0.93)
        elif any(_YEAR_BEFORE[each].search(text, max(0, begin - 12), begin) for each in self._languages):
            yield Finding(begin, end, "DATE_TIME", 0.85)

    def _ages(self, text: str) -> Iterator[Finding]:
        for match in _SHORT.finditer(text):
            begin, end = match.span()
            if int(match[0]) > 120 or text[begin - 1 : begin].isalnum():
                continue
            after = self._age_after.match(text, end)
            if after is not None:
                certain = (
                    "-" in after[0]
                    or after[0][-1:] in "oO"
                    or "old" in text[end : end + 14]
                    or "edad" in text[end : end + 14]
                    or " alt" in text[end : end + 14]
                )
                yield Finding(begin, after.end(), "AGE", 0.95 if certain else 0.6)
            elif not text[end : end + 1].isalnum() and self._age_before.search(text, max(0, begin - 20), begin):
                yield Finding(begin, end, "AGE", 0.9)


_SHORT = re.compile(r"[0-9]{1,3}(?![0-9]|[.,/:][0-9])")


def _alone(lower: str, begin: int, end: int) -> bool:
    return not (lower[begin - 1 : begin].isalpha() or lower[end : end + 1].isalnum())
