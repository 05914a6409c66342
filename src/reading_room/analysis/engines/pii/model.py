"""What an entity model finds, as personal data: persons are names, places addresses, and in English dates dates."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reading_room.analysis.engines.pii.finding import Finding
from reading_room.analysis.engines.pii.people import TITLES, WORD

_TYPES = {"PERSON": "NAME", "LOCATION": "ADDRESS", "DATE": "DATE_TIME"}
Curves = Mapping[str, tuple[float, float]]
CURVES: Curves = {"NAME": (1.692, 2.968), "ADDRESS": (1.0, -1.0), "DATE_TIME": (1.0, -1.0)}
"""Slope and intercept from the log odds of an entity's score to those of being right here.

That of names is fitted (``models/pii_scores.py``). The synthetic texts have no places without a street and few dates
that only the model finds, so the others are lowered by one, by judgement.
"""

FURTHER_CURVES: Curves = {"NAME": (1.824, -0.119), "ADDRESS": (1.0, -1.0)}
"""Those of the multilingual model, for all languages but English."""
_LEAST_PLACE = 0.6
"""The least score of a place of that model, which takes other words for places more often than the English one."""
_DATED = re.compile(
    r"(?<![0-9])(?:1[5-9]|20)[0-9]{2}(?![0-9])|[0-9][/:.-][0-9]|[0-9](?:st|nd|rd|th)\b|[0-9] ?[ap]\.?m\b|"
    r"january|february|march|april|june|july|august|september|october|november|december|"
    r"\bmay [0-9]|[0-9] may\b|(?:mon|tues|wednes|thurs|fri|satur|sun)day",
    re.IGNORECASE,
)
"""What a date has, and a length of time has not."""
_SALUTATIONS = {
    "en": "Lord Judge Justice President",
    "es": "Estimado Estimada Querido Querida",
    "fr": "Cher Chère Bonjour",
    "de": "Lieber Liebe Hallo",
    "it": "Egregio Egregia Gentile Caro Cara",
    "pt": "Caro Cara Prezado Prezada Exmo Exma",
}
"""Words before a name that an entity model takes for a part of it, beside titles."""
_TITLES = {
    language: re.compile(rf"(?:(?:{'|'.join(map(re.escape, sorted(titles, reverse=True)))})(?![^\W_])\.?\s*)+")
    for language, titles in {kind: (*TITLES[kind], *_SALUTATIONS[kind].split()) for kind in TITLES}.items()
}
_INITIAL_AFTER = re.compile(rf" [A-Z]\.(?: {WORD})?")
_INITIAL_BEFORE = re.compile(rf"(?<![^\W_]){WORD} [A-Z]\. \Z")
_REST = re.compile(r"(?:[^\W\d_]|-(?=[^\W\d_])){0,40}")
_FIRST_HALF = re.compile(rf"(?<![^\W_]){WORD}-\Z")
"""What stands before "Pierre" in "Jean-Pierre"."""
_CODE = re.compile(r"[A-Z]{2,5}")


def personal(
    text: str,
    entities: Iterable[Mapping[str, Any]],
    language: str = "en",
    sure: Iterable[Finding] = (),
    curves: Curves | None = None,
) -> Iterator[Finding]:
    """Yield the findings that entities of a text are, with scores of their own, by default by the language's curves.

    ``sure`` are findings by rules: a place that overlaps a name among them is none.
    """
    used = curves or (CURVES if language == "en" else FURTHER_CURVES)
    known = [finding for finding in sure if finding.type == "NAME"]
    for entity in entities:
        kind = _TYPES.get(entity["Type"])
        begin, end = entity["BeginOffset"], entity["EndOffset"]
        if kind is None or kind not in used:
            continue
        if language != "en" and kind == "ADDRESS" and entity["Score"] < _LEAST_PLACE:
            continue
        if kind == "ADDRESS" and any(each.begin < end and begin < each.end for each in known):
            continue
        if kind == "NAME":
            begin, end = _name(text, begin, end, language)
        if begin >= end or not any(each.isalnum() for each in text[begin:end]):
            continue
        if kind == "DATE_TIME" and not _DATED.search(text, begin, end):
            continue
        yield Finding(begin, end, kind, scored(used[kind], entity["Score"]))


def _name(text: str, begin: int, end: int, language: str) -> tuple[int, int]:
    """Return a name's place without title and genitive, with its initials; an empty place for a code in capitals."""
    title = _TITLES[language].match(text, begin, end)
    begin = title.end() if title is not None else begin
    if language == "en" and text.endswith(("'s", "’s"), begin, end):
        end -= 2
    if _CODE.fullmatch(text, begin, end):
        return begin, begin
    while begin < end and not text[begin].isalnum():
        begin += 1
    if language != "en" and (half := _FIRST_HALF.search(text, max(0, begin - 30), begin)) is not None:
        begin = half.start()
    end = max(end, _REST.match(text, end).end()) if text[end - 1].isalnum() or text[end - 1] == "-" else end  # type: ignore[union-attr]
    after = _INITIAL_AFTER.match(text, end)
    before = _INITIAL_BEFORE.search(text, max(0, begin - 30), begin)
    return before.start() if before is not None else begin, after.end() if after is not None else end


def scored(curve: tuple[float, float], score: float) -> float:
    """Return how likely a finding is right, from the score of its entity."""
    slope, intercept = curve
    kept = min(max(score, 1e-4), 1 - 1e-4)
    return 1 / (1 + math.exp(-(slope * math.log(kept / (1 - kept)) + intercept)))
