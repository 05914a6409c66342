"""Mentions in the types of events: names from the entity model, and values, titles and ratios from rules."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reading_room.analysis.engines.events.parts import Mention

_FROM_MODEL = {"PERSON": "PERSON", "ORGANIZATION": "ORGANIZATION", "LOCATION": "LOCATION", "DATE": "DATE"}
RULE = 0.95
"""The score of a mention by a rule: not measured."""

_NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,4}|\d{1,12})(?:\.\d{1,6})?"
_SCALE = r"(?:[ -]?(?:[Tt]housand|[Mm]illion|[Bb]illion|[Tt]rillion|[mM]n|[bB]n|[MBK])\b)?"
_MONEY = re.compile(
    rf"(?:\b(?:US|USD|NT|HK|C|A|CAD|AUD|S) ?)?[$€£¥] ?{_NUMBER}{_SCALE}"
    rf"|\b(?:USD|CAD|EUR|GBP|HKD|CHF|RMB|JPY|INR|AUD) {_NUMBER}{_SCALE}"
    rf"|\b{_NUMBER}{_SCALE} (?:U\.?S\.? |New Taiwan |Canadian |Australian |Hong Kong )?"
    r"(?:[Dd]ollars|[Ee]uros?|pounds|yen|yuan|rupees|francs)\b"
)
_KINDS = (
    "(?:Class|Series) [A-Z]|common|ordinary|preferred|restricted|new|additional|issued|pre-funded|American Depositary"
)
_SHARES = re.compile(
    rf"\b{_NUMBER}(?: (?:million|billion))? (?:(?:{_KINDS}) ){{0,3}}"
    r"(?:shares|units|ADSs?|warrants|rights|securities)\b",
    re.IGNORECASE,
)
_WORDS = "one|two|three|four|five|six|seven|eight|nine|ten|fifteen|twenty|twenty-five|thirty|fifty"
_COUNT = rf"(?:\d{{1,4}}(?:\.\d{{1,3}})?|{_WORDS})"
_RATIO = re.compile(
    rf"\b{_COUNT}[- ](?:for|to)[- ]{_COUNT}\b"
    rf"|\b{_COUNT} ?: ?{_COUNT}\b(?= (?:stock|share|reverse|forward|split|basis))",
    re.IGNORECASE,
)
_STOCK_CODE = re.compile(r"(?<=:)\s?([A-Z][A-Z0-9.]{0,6})(?=[,;)\s])")
_EXCHANGE = re.compile(
    r"(?:nasdaq|nyse|amex|otcqb|otcqx|otc|tsxv?|cse|asx|lse|aim|six|xetra|fse|hkex|sehk|nse|bse|cboe)[a-z ]{0,24}\Z",
    re.IGNORECASE,
)
_HEADS = (
    "Officer|President|Director|Chairman|Chairwoman|Chairperson|Chair|Secretary|Treasurer|Controller|Counsel|Manager|Head"
    "|Partner|Principal|Consultant|Captain"
)
_RANKS = (
    "Chief|Senior|Executive|Vice|Deputy|Assistant|Associate|Interim|Acting|Co|Lead|Independent|Managing|General|Global|Group"
    "|Corporate|Principal|Regional|Non-Executive|Operating|Financial|Operations?|Technology|Marketing|Information|Compliance"
    "|Accounting|Legal|Human|Resources|Product|Revenue|Commercial|Strategy|Investment|Medical|Scientific|People|Strategic"
    "|Administrative|Development|Sales|Business|Board|Founding|Worldwide"
)
_TITLE = re.compile(
    rf"\b(?:(?:{_RANKS})[ -]){{0,5}}(?:{_HEADS})\b"
    r"|\b(?:CEO|CFO|COO|CTO|CIO|CMO|CRO|CSO|EVP|SVP|VP|MD)\b"
    r"|\b(?:board member|member of (?:the|its) board(?: of directors)?)\b",
    re.IGNORECASE,
)
_FACILITY = re.compile(
    r"\b(?:[A-Z][\w&'’.-]{1,30} ){1,4}(?:Plant|Mill|Refinery|Smelter|Shipyard|Factory|Warehouse|Airport|Power Station"
    r"|Wind Farm|Solar Farm|Quarry|Stadium|Hydroelectric Facility)\b"
    r"(?!,? (?:Inc|Corp|Co|Ltd|LLC|LP|plc|Company|Holdings|Partners|Group|Trust|Authority|[A-Z]))"
)
"""A building or works with a name. Words that also end the names of companies, such as Hospital and Hotel, are none."""
_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATED = re.compile(
    rf"\b(?:{_MONTH})\b|\b(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b"
    r"|\b(?:1[89]|20)\d\d\b|\bquarter\b|\bQ[1-4]\b"
)
"""What the date of an event has, and an age or a length of time has not."""
_ABOUT = re.compile(r"(?:on or )?(?:about|around|by|early|late|mid-?)\s+", re.IGNORECASE)
_YEAR = re.compile(r",? ?(?:1[89]|20)\d\d\b")
_FORM = re.compile(r"(?<=\b(?:Inc|Ltd))\.|(?<=\bCorp)\.|,? (?:Inc|Corp|Ltd|L\.P|N\.V)\b\.?|, LLC\b")
"""The end of a company's name that the entity model leaves out."""
_NO_COMPANY = re.compile(
    r"(?:nasdaq|nyse|amex|otc|cboe|tsx|six|sec|finra|nms|fda|cusip|u\.?s\.? securities and exchange"
    r"|new york stock exchange"
    r"|securities and exchange|canadian securities exchange|newmediawire|globe newswire|business wire|prnewswire"
    r"|pr newswire|newsworthy|news direct|inc|corp|llc|ltd|plc|ag|common|ordinary|board|committee|certificate|rule|form"
    r"|act|class|series|exhibit|item|securities act|exchange act)\b[ .,:)A-Za-z]{0,24}\Z"
    r"|.*\b(?:Committees?|Exchange|Court|Board of Directors)\Z",
    re.IGNORECASE,
)
"""What the entity model takes for a company, and takes part in no event: exchanges, authorities, news wires, papers."""
_ALIAS = re.compile(r"\((?:[^()\"“”]{0,40}?)[\"“]([^\"“”()]{2,60})[\"”][^()]{0,60}\)")
"""How filings name a company or a deal for the rest of the text: (the "Company"), ("Nuance" or the "Company")."""
_ALIASES = re.compile(r"[\"“]([^\"“”()]{2,60})[\"”]")
_DESCRIBED = re.compile(r"\b[Tt]he (Company|Registrant|Corporation|Bank|Issuer|Firm)\b|\bThe (Company|Registrant)\b")


def mentions(text: str, entities: Iterable[Mapping[str, Any]]) -> list[Mention]:
    """Return the mentions of a text, in order and without overlap. ``entities`` are those of the entity model."""
    found = [*_rules(text), *_described(text)]
    taken = sorted(found, key=lambda each: (each.begin, -each.end))
    kept: list[Mention] = []
    for each in taken:
        if not kept or each.begin >= kept[-1].end:
            kept.append(each)
    places = [(each.begin, each.end) for each in kept]
    named = [each for each in _named(text, entities) if not _overlaps(places, each.begin, each.end)]
    return sorted([*kept, *named], key=lambda each: each.begin)


def _rules(text: str) -> Iterator[Mention]:
    for found in _MONEY.finditer(text):
        yield Mention(found.start(), found.end(), "MONETARY_VALUE", RULE, found[0])
    for found in _SHARES.finditer(text):
        yield Mention(found.start(), found.end(), "QUANTITY", RULE, found[0])
    for found in _RATIO.finditer(text):
        yield Mention(found.start(), found.end(), "QUANTITY", RULE, found[0])
    for found in _STOCK_CODE.finditer(text):
        if _EXCHANGE.search(text, max(0, found.start() - 30), found.start() - 1):
            yield Mention(found.start(1), found.end(1), "STOCK_CODE", RULE, found[1])
    for found in _FACILITY.finditer(text):
        begin = found.start() + (4 if found[0].startswith("The ") else 0)
        yield Mention(begin, found.end(), "FACILITY", RULE, text[begin : found.end()])
    for found in _TITLE.finditer(text):
        if found[0][0].isupper() or " " in found[0] or _held(text, found.end()):
            yield Mention(found.start(), found.end(), "PERSON_TITLE", RULE, found[0])


def _held(text: str, end: int) -> bool:
    """Whether a lone word in lower case, such as "president", is somebody's: "president of", "director,"."""
    return text[end : end + 4] in (" of ", " and") or text[end : end + 1] in (",", ".", ";")


def _described(text: str) -> Iterator[Mention]:
    for found in _DESCRIBED.finditer(text):
        number = 1 if found[1] else 2
        yield Mention(found.start(number), found.end(number), "ORGANIZATION", 0.9, found[number])


def _named(text: str, entities: Iterable[Mapping[str, Any]]) -> Iterator[Mention]:
    for entity in entities:
        kind = _FROM_MODEL.get(entity["Type"])
        if kind is not None:
            begin, end = _trimmed(text, entity["BeginOffset"], entity["EndOffset"])
            if kind == "DATE":
                begin, end = _dated(text, begin, end)
            if begin < end and not (kind == "ORGANIZATION" and _NO_COMPANY.match(text[begin:end])):
                yield Mention(begin, end, kind, float(entity["Score"]), text[begin:end])


def _trimmed(text: str, begin: int, end: int) -> tuple[int, int]:
    """Return a name's place without "the" before it, and without a genitive or an opened bracket after it."""
    if text[begin : begin + 4].lower() == "the ":
        begin += 4
    if text.endswith(("'s", "’s"), begin, end):
        end -= 2
    bracket = text.find(" (", begin, end)
    if bracket >= 0:
        return begin, bracket
    form = _FORM.match(text, end)
    return begin, form.end() if form is not None else end


def _dated(text: str, begin: int, end: int) -> tuple[int, int]:
    """Return a date's place without "about" before it and with the year after it; an empty one for a length of time."""
    if _DATED.search(text, begin, end) is None:
        return begin, begin
    about = _ABOUT.match(text, begin, end)
    year = _YEAR.match(text, end)
    return about.end() if about is not None else begin, year.end() if year is not None else end


def _overlaps(places: list[tuple[int, int]], begin: int, end: int) -> bool:
    """Whether a range overlaps one of the places, which are in order and do not overlap each other."""
    number = bisect_left(places, (end, 0)) - 1
    return number >= 0 and places[number][1] > begin


def aliases(text: str, begin: int, end: int) -> list[tuple[int, int]]:
    """Return the places of the names that a bracket after a name defines for it."""
    found = _ALIAS.match(text, end + 1 if text[end : end + 1] == " " else end, min(len(text), end + 160))
    if found is None:
        return []
    return [(each.start(1), each.end(1)) for each in _ALIASES.finditer(text, found.start(), found.end())]
