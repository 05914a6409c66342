"""The triggers of a text: words that tell an event, if what must stand beside them does."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping

from reading_room.analysis.engines.events import words
from reading_room.analysis.engines.events.parts import Sentence, Text, Trigger


def triggers(text: Text) -> list[Trigger]:
    """Return the triggers of a text in order, without overlap."""
    closed = _closed(text)
    found = [*_phrases(text), *_person_words(text), *_organization_words(text)]
    found = [each for each in found if not closed.covers(each.begin)]
    found += [each for each in _anaphors(text, found) if not closed.covers(each.begin)]
    kept: list[Trigger] = []
    for each in sorted(found, key=lambda one: (one.begin, one.begin - one.end, -one.score)):
        if not kept or each.begin >= kept[-1].end:
            kept.append(each)
    return kept


class _Closed:
    """Ranges in which no trigger begins: names of contracts, titles of items, disclaimers."""

    def __init__(self, ranges: list[tuple[int, int]]) -> None:
        self._begins: list[int] = []
        self._ends: list[int] = []
        for begin, end in sorted(ranges):
            if self._ends and begin <= self._ends[-1]:
                self._ends[-1] = max(end, self._ends[-1])
            else:
                self._begins.append(begin)
                self._ends.append(end)

    def covers(self, place: int) -> bool:
        """Whether a place is in one of the ranges."""
        number = bisect_right(self._begins, place) - 1
        return number >= 0 and place < self._ends[number]


def _closed(text: Text) -> _Closed:
    ranges = [found.span() for found in words.MASKS.finditer(text.text)]
    ranges += [
        (each.begin, each.end) for each in text.sentences if words.DISCLAIMERS.search(text.text, each.begin, each.end)
    ]
    return _Closed(ranges)


def _phrases(text: Text) -> Iterator[Trigger]:
    for kind, form, score, pattern in words.PHRASES:
        for found in pattern.finditer(text.text):
            begin, end = found.span()
            here = _sentence(text, begin)
            if kind == "SECONDARY_OFFERING" and _debt(text, here, begin, end):
                continue
            if (kind == "BANKRUPTCY" and _denied(text, begin)) or _in_name(text, begin, end):
                continue
            yield Trigger(begin, end, kind, form, score)


def _person_words(text: Text) -> Iterator[Trigger]:
    for kind, form, score, pattern in words.PERSON_WORDS:
        for found in pattern.finditer(text.text):
            begin, end = found.span()
            if not _person_near(text, _sentence(text, begin), begin, end) or _in_name(text, begin, end):
                continue
            if form in ("serving", "appointing") and words.ADVISER.match(text.text, end):
                continue
            if form == "joining" and _met(text, end):
                continue
            yield Trigger(begin, end, kind, form, score)


def _person_near(text: Text, here: Sentence, begin: int, end: int) -> bool:
    near = text.within(max(here.begin, begin - 250), min(here.end, end + 250))
    if any(each.type == "PERSON" for each in near):
        return True
    if words.PRONOUN.search(text.text, max(here.begin, begin - 34), begin):
        return True
    titled = any(each.type == "PERSON_TITLE" for each in near)
    return titled and words.WORKER.search(text.text, max(here.begin, begin - 120), min(here.end, end + 120)) is not None


def _met(text: Text, end: int) -> bool:
    """Whether somebody joins a person, as in an interview, and no company."""
    after = text.within(end, end + 6)
    return bool(after) and after[0].type == "PERSON" and text.text[end : after[0].begin].strip() == ""


def _organization_words(text: Text) -> Iterator[Trigger]:
    for kind, form, score, pattern in words.ORGANIZATION_WORDS:
        for found in pattern.finditer(text.text):
            begin, end = found.span()
            if not _in_name(text, begin, end) and _CONDITIONS[form](text, _sentence(text, begin), begin, end):
                yield Trigger(begin, end, kind, form, score)


def _acquired(text: Text, here: Sentence, begin: int, end: int) -> bool:
    """Whether a company, or a part of one, is what a verb buys or sells."""
    if _goods(text, here, begin, end):
        return False
    if text.text[begin:end].lower().startswith("acquir"):
        after = min(here.end, end + 150)
        if any(each.type == "ORGANIZATION" for each in text.within(end, after)):
            return True
        return words.OBJECT.search(text.text, max(here.begin, begin - 5), after) is not None
    return words.OBJECT.search(text.text, end, min(here.end, end + 90)) is not None


def _acquisition(text: Text, here: Sentence, begin: int, end: int) -> bool:
    if _goods(text, here, begin, end):
        return False
    if text.text[begin:end].lower().endswith("s"):
        return words.NAMED_DEALS.search(text.text, max(here.begin, begin - 40), min(here.end, end + 30)) is not None
    return True


def _goods(text: Text, here: Sentence, begin: int, end: int) -> bool:
    return words.NOT_COMPANIES.search(text.text, max(here.begin, begin - 20), min(here.end, end + 40)) is not None


def _sale(text: Text, here: Sentence, begin: int, end: int) -> bool:
    if text.text[begin:end].lower().startswith("divest"):
        return True
    return words.SOLD.match(text.text, end, min(here.end, end + 120)) is not None and not _goods(text, here, begin, end)


def _merged(text: Text, here: Sentence, begin: int, end: int) -> bool:
    named = {each.text for each in text.within(here.begin, here.end) if each.type == "ORGANIZATION"}
    return len(named) > 1 and words.JOINED.search(text.text[end : min(here.end, end + 60)]) is not None


def _insolvent(text: Text, here: Sentence, begin: int, end: int) -> bool:
    near = text.within(max(here.begin, begin - 100), min(here.end, end + 60))
    named = any(each.type == "ORGANIZATION" for each in near)
    return named and not _denied(text, begin) and not re.match(r" (?:issues?|risks?|laws?)", text.text[end : end + 10])


def _invested(text: Text, here: Sentence, begin: int, end: int) -> bool:
    word, after = text.text[begin:end].lower(), text.text[end : end + 6]
    near = text.within(max(here.begin, begin - 80), min(here.end, end + 80))
    money = any(each.type == "MONETARY_VALUE" for each in near)
    if word.startswith("rais"):
        offered = re.search(r"\bofferings?\b", text.text[here.begin : here.end], re.IGNORECASE)
        return money and words.WHOM.search(text.text, here.begin, here.end) is not None and offered is None
    if word.startswith("investment") and any(each.end == begin - 1 and each.type == "MONETARY_VALUE" for each in near):
        return True
    into = any(each.type == "ORGANIZATION" for each in text.within(end, min(here.end, end + 40)))
    if after.startswith(" in ") and into:
        return True
    return money and (word == "invested" or after.startswith((" of", " in", " $", " up", " from")))


_CONDITIONS: Mapping[str, Callable[[Text, Sentence, int, int], bool]] = {
    "acquiring": _acquired,
    "selling": _acquired,
    "acquisition": _acquisition,
    "sale": _sale,
    "merging": _merged,
    "filing": _insolvent,
    "investing": _invested,
}


def _anaphors(text: Text, found: list[Trigger]) -> Iterator[Trigger]:
    """Yield words that stand for an event that the text names elsewhere."""
    named = sorted(found, key=lambda each: each.begin)
    for kinds, form, pattern in words.ANAPHORS:
        stood = [each for each in named if each.type in kinds]
        if not stood:
            continue
        begins = [each.begin for each in stood]
        for match in pattern.finditer(text.text):
            meant = stood[max(bisect_right(begins, match.start()) - 1, 0)]
            yield Trigger(match.start(), match.end(), meant.type, form, words.WEAK, anaphor=True)


def _sentence(text: Text, place: int) -> Sentence:
    return text.sentences[text.sentence(place)]


def _debt(text: Text, here: Sentence, begin: int, end: int) -> bool:
    """Whether what is offered is debt."""
    first, last = max(here.begin, begin - 60), min(here.end, end + 100)
    papers = words.PAPERS.search(text.text, first, last) is not None
    return papers and words.SHARES.search(text.text, first, last) is None


def _denied(text: Text, begin: int) -> bool:
    return (
        re.search(r"\b(?:no|not|without|never)\s+\Z", text.text[max(0, begin - 10) : begin], re.IGNORECASE) is not None
    )


def _in_name(text: Text, begin: int, end: int) -> bool:
    """Whether words are a part of a company's or a person's name, as in "Robot Acquisition Corp."."""
    mention = text.at(begin, end)
    return (
        mention is not None
        and mention.type in ("ORGANIZATION", "PERSON", "LOCATION", "FACILITY")
        and mention.end - mention.begin > end - begin + 2
        and mention.begin <= begin
        and end <= mention.end
    )
