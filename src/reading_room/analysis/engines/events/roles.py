"""The arguments of a trigger: which mentions beside it have which role, by voice, by prepositions and by distance."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from reading_room.analysis.engines.events.groups import Groups
from reading_room.analysis.engines.events.parts import Mention, Text, Trigger

SURE, LIKELY, WEAK = 0.9, 0.8, 0.6
"""Scores of roles: ranks of rules, not measured."""

_I = re.IGNORECASE
_PASSIVE = re.compile(r"\b(?:is|are|was|were|be|been|being|get|got)(?: \w+ly)?\s+\Z", _I)
_BY = re.compile(r"\bby\b", _I)
_EFFECTIVE = re.compile(r"\b(?:effective|commenc|beginning|starting|from|since|as of|on)\b", _I)
_UNTIL = re.compile(r"\b(?:until|through|to|till)\s+\Z", _I)
_SINCE = re.compile(r"\b(?:since|from|beginning|commencing(?: as of| on)?|starting)\s+\Z", _I)
_AGENT = re.compile(r"(?:placement|selling) agent", _I)
_BANKING = (
    r"(?:book-?\s?run|underwriter|(?:lead|sole|joint|co-?) ?-?managers?|(?:placement|selling) agent|representative of)"
)
_ACTS = re.compile(
    rf"[^.;]{{0,70}}?\b(?:act(?:s|ed|ing)?|serv(?:es?|ed|ing)|is|are|was|were|as)\b[^.;]{{0,50}}?{_BANKING}", _I
)
_BANKS = re.compile(rf"{_BANKING}s?(?:ers?)?\b[^.;]{{0,20}}(?:led by|including|,|:|are|is|with)\s*\Z", _I)
_PER_SHARE = re.compile(r"\s?(?:per|each|a) (?:\w+ ){0,3}(?:share|unit|ADS|security)|\s?each\b|\s+per\b", _I)
_PROCEEDS = re.compile(r"proceeds|offering|raising|raised|total|aggregate", _I)


_PLACED = re.compile(
    r"\b(?:plants?|mills?|factor(?:y|ies)|facilit(?:y|ies)|operations|businesses|branches|stores|clinics|offices|assets"
    r"|subsidiar(?:y|ies))(?: located| situated)? (?:in|near|at) (?:the )?\Z",
    _I,
)
"""How a sentence says where the part of a company is that is bought. A company's seat says nothing of a deal."""
_BUYS = re.compile(
    r"\s+(?:has |have |had |will )?(?:(?:also )?(?:agreed|committed|undertaken|elected) to )?"
    r"(?:purchas(?:es?|ed)|buys?|bought|subscrib(?:es?|ed)(?: for)?|acquir(?:es?|ed))\s+(?:an? |all |the |up to )?",
    _I,
)
"""What follows somebody who takes shares of an offering, before their number."""
_BOUGHT_BY = re.compile(
    r"\b(?:(?:purchased|bought|subscribed(?: for)?|taken up) by|(?:sold|issued|sale|issuance|placed)\b[^.;]{0,60}\bto)"
    r"\s+(?:the |an? |affiliates of |funds managed by )*\Z",
    _I,
)
_VALUATION = re.compile(
    r"\b(?:valuation of|(?:valu(?:es?|ed|ing)|values) (?:the (?:company|business|group)|it|itself) at"
    r"|market capitali[sz]ation of|(?:pre|post)-money(?: \w+){0,2} of|(?:equity|enterprise) value of)"
    r"\s+(?:about |approximately |around |over |more than |nearly |up to )?\Z",
    _I,
)
"""How a sentence says what the whole company is worth."""
_DASH = re.compile(r"\s?[–—]\s|\s--\s")
_ARTICLES = r"(?:the |its |a |an |certain |all |of |outstanding |shares |stock |in )*"
"""What may stand between a preposition and a name."""


class Role(NamedTuple):
    """A mention in a role, by its number."""

    mention: int
    role: str
    score: float


class Finder:
    """Finds the arguments of triggers in one text."""

    def __init__(self, text: Text, groups: Groups) -> None:
        self._text = text
        self._groups = groups
        self._number = {mention.begin: number for number, mention in enumerate(text.mentions)}
        self._company = groups.first("ORGANIZATION")

    def roles(self, trigger: Trigger) -> list[Role]:
        """Return the arguments of a trigger, each mention and role once."""
        found = _FORMS[trigger.form](self, trigger)
        best: dict[tuple[int, str], Role] = {}
        for each in found:
            key = (each.mention, each.role)
            if key not in best or best[key].score < each.score:
                best[key] = each
        return list(best.values())

    # What stands beside a trigger

    def _before(self, trigger: Trigger, kind: str, reach: int = 400) -> list[Mention]:
        """Return the mentions of a type before a trigger in its sentence, the nearest first."""
        here = self._text.sentences[self._text.sentence(trigger.begin)]
        near = self._text.within(max(here.begin, trigger.begin - reach), trigger.begin)
        return [each for each in reversed(near) if each.type == kind]

    def _after(self, trigger: Trigger, kind: str, reach: int = 400) -> list[Mention]:
        here = self._text.sentences[self._text.sentence(trigger.begin)]
        near = self._text.within(trigger.end, min(here.end, trigger.end + reach))
        return [each for each in near if each.type == kind]

    def _around(self, trigger: Trigger, kind: str, reach: int = 400) -> list[Mention]:
        """Return the mentions of a type in the sentence, the nearest first."""
        both = [*self._before(trigger, kind, reach), *self._after(trigger, kind, reach)]
        return sorted(both, key=lambda each: _distance(each, trigger))

    def _role(self, mention: Mention, role: str, score: float) -> Role:
        return Role(self._number[mention.begin], role, round(score * mention.score, 6))

    def _between(self, first: int, last: int) -> str:
        return self._text.text[first:last]

    def _subject(self, trigger: Trigger, kind: str = "ORGANIZATION") -> Mention | None:
        """Return who does what a verb says, if the sentence names somebody before it."""
        before = self._before(trigger, kind)
        if before:
            return self._doer(trigger, before)
        return None

    def _doer(self, trigger: Trigger, before: list[Mention]) -> Mention:
        """Return the last mention before a trigger that no preposition makes part of something else."""
        for each in before:
            lead = self._between(max(0, each.begin - 14), each.begin)
            if re.search(r"\b(?:of|at|with|by|from|for|in|to|on|and)\s+(?:the )?\Z", lead, _I) is None:
                return each
        return before[-1]

    def _passive(self, trigger: Trigger) -> bool:
        return _PASSIVE.search(self._between(max(0, trigger.begin - 24), trigger.begin)) is not None

    def _behind(self, trigger: Trigger, words: str, kind: str, reach: int = 160) -> list[Mention]:
        """Return mentions of a type that follow a preposition after the trigger, with those that "and" adds."""
        found: list[Mention] = []
        for each in self._after(trigger, kind, reach):
            lead = self._between(max(trigger.end, each.begin - 30), each.begin)
            begins = re.search(
                rf"\b(?:{words})\s+(?:the |its |a |an |certain |all |of |outstanding |shares |stock |in )*\Z", lead, _I
            )
            listed = found and re.fullmatch(r"[\s,&]*(?:and\s+)?", self._between(found[-1].end, each.begin))
            if begins or listed:
                found.append(each)
            elif found:
                break
        return found

    # Dates and values

    def _dates(self, trigger: Trigger, role: str = "DATE") -> Iterator[Role]:
        for each in self._around(trigger, "DATE")[:1]:
            yield self._role(each, role, LIKELY)

    def _money(self, trigger: Trigger, role: str = "AMOUNT") -> Iterator[Role]:
        for each in self._around(trigger, "MONETARY_VALUE"):
            if not _PER_SHARE.match(self._text.text, each.end):
                yield self._role(each, role, LIKELY)
                return

    # The forms

    def filing(self, trigger: Trigger) -> Iterator[Role]:
        """Bankruptcies: who filed, when, and where."""
        of = self._behind(trigger, "of", "ORGANIZATION", 60)
        who = of[0] if of else next(iter(self._before(trigger, "ORGANIZATION")), None) if not of else None
        if not of:
            who = self._subject(trigger) or next(iter(self._after(trigger, "ORGANIZATION", 80)), None)
        if who is not None:
            yield self._role(who, "FILER", LIKELY)
        yield from self._dates(trigger)
        for each in self._after(trigger, "LOCATION", 250)[:1]:
            yield self._role(each, "PLACE", LIKELY)

    def appointing(self, trigger: Trigger) -> Iterator[Role]:
        """Verbs with which a company gives somebody a position."""
        people = self._before(trigger, "PERSON") if self._passive(trigger) else self._after(trigger, "PERSON")
        if not people:
            people = self._after(trigger, "PERSON") or self._before(trigger, "PERSON")
            people = people[:1]
        yield from self._employees(trigger, people)
        yield from self._position(trigger)
        yield from self._start(trigger)

    def appointment(self, trigger: Trigger) -> Iterator[Role]:
        """Nouns: "the appointment of", "her promotion"."""
        people = self._behind(trigger, "of", "PERSON", 60) or self._before(trigger, "PERSON", 60)[:1]
        if not people and re.search(r"\b(?:his|her)\s+\Z", self._between(max(0, trigger.begin - 5), trigger.begin), _I):
            people = self._before(trigger, "PERSON")[:1] or self._after(trigger, "PERSON", 200)[:1]
        yield from self._employees(trigger, people or self._last_person(trigger))
        yield from self._position(trigger)
        yield from self._start(trigger)

    def joining(self, trigger: Trigger) -> Iterator[Role]:
        """Verbs with which somebody takes a position."""
        before = self._before(trigger, "PERSON")
        people = [self._doer(trigger, before)] if before else self._last_person(trigger)
        if self._text.text[trigger.begin : trigger.begin + 6].lower() == "succee":
            people = [*people, *self._after(trigger, "PERSON", 60)[:1]]
        yield from self._employees(trigger, people)
        yield from self._position(trigger)
        yield from self._start(trigger)

    def serving(self, trigger: Trigger) -> Iterator[Role]:
        """Verbs of holding a position, often with a beginning and an end."""
        before = self._before(trigger, "PERSON")
        yield from self._employees(trigger, [self._doer(trigger, before)] if before else self._last_person(trigger))
        yield from self._position(trigger)
        for each in self._after(trigger, "DATE", 250):
            lead = self._between(max(trigger.end, each.begin - 28), each.begin)
            if _UNTIL.search(lead):
                yield self._role(each, "END_DATE", SURE)
            elif _SINCE.search(lead):
                yield self._role(each, "START_DATE", SURE)

    def leaving(self, trigger: Trigger) -> Iterator[Role]:
        """Verbs and nouns of leaving a position."""
        people = self._behind(trigger, "of", "PERSON", 40) or self._before(trigger, "PERSON")[:1]
        yield from self._employees(trigger, people or self._last_person(trigger))
        yield from self._position(trigger)
        yield from self._dates(trigger, "END_DATE")

    def _employees(self, trigger: Trigger, people: list[Mention]) -> Iterator[Role]:
        first = None
        for each in people:
            if first is not None:
                between = self._between(
                    *sorted((first.end, each.begin)) if first.end <= each.begin else (each.end, first.begin)
                )
                if re.fullmatch(r"[^.;]{0,60}?(?:,|\band\b)[^.;]{0,40}", between) is None:
                    break
            first = each
            yield self._role(each, "EMPLOYEE", SURE)

    def _last_person(self, trigger: Trigger) -> list[Mention]:
        """Return whom a sentence without a name is about: the last person of the sentences before."""
        near = self._text.within(max(0, trigger.begin - 700), trigger.begin)
        return [each for each in reversed(near) if each.type == "PERSON"][:1]

    def _position(self, trigger: Trigger) -> Iterator[Role]:
        titles = self._after(trigger, "PERSON_TITLE", 200) or self._before(trigger, "PERSON_TITLE", 80)[:1]
        last = None
        for each in titles:
            if (
                last is not None
                and re.fullmatch(
                    r"[\s,]*(?:and |as |the |its |interim |both )*[\s,]*", self._between(last.end, each.begin)
                )
                is None
            ):
                break
            last = each
            yield self._role(each, "EMPLOYEE_TITLE", LIKELY)
        begin = last.end if last is not None and last.begin > trigger.end else trigger.end
        here = self._text.sentences[self._text.sentence(trigger.begin)]
        for each in self._text.within(begin, min(here.end, begin + 120)):
            if each.type != "ORGANIZATION":
                continue
            lead = self._between(max(begin - 3, each.begin - 40), each.begin)
            if re.search(r"\b(?:of|at|with|for|from|join|joins|joined|joining)\s+[^.;]{0,25}\Z", lead, _I):
                yield self._role(each, "EMPLOYER", LIKELY)
                return
        subject = self._subject(trigger)
        if subject is not None:
            yield self._role(subject, "EMPLOYER", WEAK)

    def _start(self, trigger: Trigger) -> Iterator[Role]:
        for each in self._around(trigger, "DATE"):
            lead = self._between(max(0, each.begin - 30), each.begin)
            if each.begin > trigger.end and _EFFECTIVE.search(lead):
                yield self._role(each, "START_DATE", SURE)
                return
        yield from self._dates(trigger, "START_DATE")

    def acquiring(self, trigger: Trigger) -> Iterator[Role]:
        """Verbs of buying."""
        after = self._after(trigger, "ORGANIZATION", 220)
        if self._passive(trigger) or re.match(r"\s+by\b", self._text.text[trigger.end : trigger.end + 5]):
            buyers = self._behind(trigger, "by", "ORGANIZATION")
            bought = self._before(trigger, "ORGANIZATION")[:1]
        else:
            subject = self._subject(trigger)
            buyers = [subject] if subject is not None else []
            bought = [each for each in after if not self._seller(trigger, each)][:1]
        yield from self._deal(trigger, buyers, bought or self._after(trigger, "FACILITY", 120)[:1])

    def _seller(self, trigger: Trigger, mention: Mention) -> bool:
        lead = self._between(max(trigger.end, mention.begin - 12), mention.begin)
        return re.search(r"\bfrom\s+(?:the )?\Z", lead, _I) is not None

    def acquisition(self, trigger: Trigger) -> Iterator[Role]:
        """Nouns of buying: "the acquisition of", "acquisition by"."""
        bought = self._behind(trigger, "of", "ORGANIZATION", 200)
        buyers = self._behind(trigger, "by", "ORGANIZATION", 200)
        before = self._before(trigger, "ORGANIZATION")
        if not bought and before and trigger.begin - before[0].end <= 2:
            bought, before = before[:1], before[1:]
        if not buyers and before:
            buyers = [self._doer(trigger, before)]
        yield from self._deal(trigger, buyers, bought or self._behind(trigger, "of", "FACILITY", 120)[:1])

    def selling(self, trigger: Trigger) -> Iterator[Role]:
        """Verbs of selling a business: the buyer follows "to"."""
        buyers = self._behind(trigger, "to", "ORGANIZATION", 320)
        if re.match(r"\s+by\b", self._text.text[trigger.end : trigger.end + 5]) or self._passive(trigger):
            bought = self._before(trigger, "ORGANIZATION")[:1]
        else:
            bought = [each for each in self._after(trigger, "ORGANIZATION", 220) if each not in buyers][:1]
        yield from self._deal(trigger, buyers, bought or self._after(trigger, "FACILITY", 120)[:1])

    def sale(self, trigger: Trigger) -> Iterator[Role]:
        """Nouns of selling."""
        bought = self._behind(trigger, "of", "ORGANIZATION", 160)
        yield from self._deal(trigger, self._behind(trigger, "to", "ORGANIZATION", 320), bought)

    def _deal(self, trigger: Trigger, buyers: list[Mention], bought: list[Mention]) -> Iterator[Role]:
        taken = {self._groups.of[self._number[each.begin]] for each in bought}
        for each in bought:
            yield self._role(each, "INVESTEE", LIKELY)
        for each in buyers:
            if self._groups.of[self._number[each.begin]] not in taken:
                yield self._role(each, "INVESTOR", LIKELY)
        yield from self._money(trigger)
        yield from self._dates(trigger)
        for each in self._after(trigger, "LOCATION", 200):
            if _PLACED.search(self._between(max(trigger.end, each.begin - 60), each.begin)):
                yield self._role(each, "PLACE", LIKELY)
                return

    def investing(self, trigger: Trigger) -> Iterator[Role]:
        """Investments: who gives money to whom."""
        text = self._text.text
        word = text[trigger.begin : trigger.end].lower()
        led = self._behind(trigger, "led by|from|by|with|including|joined by|participation from", "ORGANIZATION", 320)
        into = self._behind(trigger, "in|into|for", "ORGANIZATION", 200)
        before = self._before(trigger, "ORGANIZATION")
        if word.startswith("invest"):
            people = self._before(trigger, "PERSON")[:1] if word.startswith("invested") else []
            givers = [self._doer(trigger, before)] if before else people
            yield from self._deal(trigger, givers, into)
            return
        leads = re.search(
            r"\b(?:led|leads|joined|co-led)\b", self._between(max(0, trigger.begin - 60), trigger.begin), _I
        )
        if leads and before and into:
            yield from self._deal(trigger, [*before[:1], *led], into)
        else:
            yield from self._deal(trigger, led, [self._doer(trigger, before)] if before else into[:1])

    def merging(self, trigger: Trigger) -> Iterator[Role]:
        """Mergers: who takes part, and what comes of it."""
        near = self._around(trigger, "ORGANIZATION", 220)
        new = self._behind(trigger, "form|create|forming|creating|called|named|renamed", "ORGANIZATION", 200)
        seen: set[int] = set()
        for each in near:
            place = self._groups.of[self._number[each.begin]]
            if each not in new and place not in seen and len(seen) < 2:
                seen.add(place)
                yield self._role(each, "PARTICIPANT", LIKELY if trigger.end else WEAK)
        for each in new[:1]:
            yield self._role(each, "NEW_COMPANY", LIKELY)
        yield from self._dates(trigger)

    def split(self, trigger: Trigger) -> Iterator[Role]:
        """Stock splits: whose shares, in which ratio, and when."""
        issuer = self._issuer(trigger)
        if issuer is not None:
            yield self._role(issuer, "COMPANY", LIKELY)
        for each in self._around(trigger, "QUANTITY"):
            if re.search(r"(?:for|to|:)", each.text) and not re.search(r"shares|units", each.text, _I):
                yield self._role(each, "SPLIT_RATIO", SURE)
                break
        for each in self._around(trigger, "DATE"):
            lead = self._between(max(0, each.begin - 40), each.begin)
            if re.search(r"effective|on\s+\Z|split", lead, _I):
                yield self._role(each, "DATE", LIKELY)
                return
        yield from self._dates(trigger)

    def offering(self, trigger: Trigger) -> Iterator[Role]:
        """Offerings of shares: by whom, how many, at which price, and through whom."""
        issuer = self._issuer(trigger)
        if issuer is not None:
            yield self._role(issuer, "OFFEROR", LIKELY)
        yield from self._terms(trigger)
        yield from self._investors(trigger, issuer)

    def _investors(self, trigger: Trigger, issuer: Mention | None) -> Iterator[Role]:
        """Yield who takes shares of an offering: neither the issuer nor a bank that places them."""
        here = self._text.sentences[self._text.sentence(trigger.begin)]
        own = None if issuer is None else self._groups.of[self._number[issuer.begin]]
        for each in self._text.within(here.begin, here.end):
            if each.type not in ("ORGANIZATION", "PERSON") or self._groups.of[self._number[each.begin]] == own:
                continue
            buys = _BUYS.match(self._text.text, each.end)
            shares = buys is not None and self._text.at(buys.end(), buys.end() + 1)
            takes = isinstance(shares, Mention) and shares.type == "QUANTITY"
            lead = self._between(max(here.begin, each.begin - 120), each.begin)
            if (takes or _BOUGHT_BY.search(lead)) and self._bank(each) is None:
                yield self._role(each, "INVESTOR", LIKELY)

    def _issuer(self, trigger: Trigger) -> Mention | None:
        """Return whose shares a sentence is about: its first company that is no adviser, or whom the text is about."""
        given = self._behind(trigger, "for|by", "ORGANIZATION", 80)
        if given:
            return given[0]
        for each in reversed(self._before(trigger, "ORGANIZATION", 1_500)):
            # What stands before a dash is the medium: "Market News – Acme prices its offering".
            if self._bank(each) is None and _DASH.match(self._text.text, each.end) is None:
                return each
        return None if self._company is None else self._text.mentions[self._groups.groups[self._company].members[0]]

    def tender(self, trigger: Trigger) -> Iterator[Role]:
        """Tender offers: who offers to buy whose shares."""
        by = self._behind(trigger, "by|of|from", "ORGANIZATION", 120)
        target = self._behind(trigger, "for|in|acquire|purchase", "ORGANIZATION", 300)
        if not target:
            target = [each for each in self._after(trigger, "ORGANIZATION", 250) if each not in by][-1:]
        subject = self._subject(trigger)
        givers = by[:1] or ([subject] if subject is not None and subject not in target else [])
        for each in givers:
            yield self._role(each, "OFFEROR", LIKELY)
        for each in target[:1]:
            yield self._role(each, "OFFEREE", LIKELY)
        yield from self._terms(trigger)

    def _bank(self, mention: Mention) -> str | None:
        """Return the role of a bank in an offering, from what its sentence says of it."""
        here = self._text.sentences[self._text.sentence(mention.begin)]
        after = self._between(mention.end, min(here.end, mention.end + 160))
        before = self._between(max(here.begin, mention.begin - 60), mention.begin)
        acts = _ACTS.match(after)
        if acts is not None:
            return "SELLING_AGENT" if _AGENT.search(acts[0]) else "UNDERWRITERS"
        named = _BANKS.search(before)
        if named is not None:
            return "SELLING_AGENT" if _AGENT.search(named[0]) else "UNDERWRITERS"
        return None

    def _terms(self, trigger: Trigger) -> Iterator[Role]:
        """Yield the quantities, prices, dates and banks of an offering from the trigger's sentence."""
        text = self._text.text
        here = self._text.sentences[self._text.sentence(trigger.begin)]
        shares = False
        for each in self._text.within(here.begin, here.end):
            lead, tail = self._between(max(here.begin, each.begin - 60), each.begin), text[each.end : each.end + 60]
            if each.type == "QUANTITY" and re.search(r"shares|units|ADS|warrants", each.text, _I) and not shares:
                if re.search(r"option|additional|up to an|over-allot", lead, _I) is None:
                    shares = True
                    yield self._role(each, "SHARE_QUANTITY", SURE)
            elif each.type == "MONETARY_VALUE" and _PER_SHARE.match(text, each.end):
                if re.search(r"exercis[^$]{0,30}\Z|par value\s+(?:of\s+)?\Z", lead, _I) is None:
                    yield self._role(each, "SHARE_PRICE", SURE)
            elif each.type == "MONETARY_VALUE" and _VALUATION.search(lead):
                yield self._role(each, "OFFEROR_TOTAL_VALUE", LIKELY)
            elif each.type == "MONETARY_VALUE" and (_PROCEEDS.search(lead) or _PROCEEDS.search(tail)):
                yield self._role(each, "OFFERING_AMOUNT", LIKELY)
            elif each.type == "DATE" and re.search(r"record date", lead, _I):
                yield self._role(each, "RECORD_DATE", SURE)
            elif each.type == "DATE" and re.search(r"expir", lead, _I):
                yield self._role(each, "EXPIRE_DATE", SURE)
            elif each.type == "DATE" and re.search(r"clos|on or about|began|commence|trading|priced|by\s+\Z", lead, _I):
                yield self._role(each, "OFFERING_DATE", LIKELY)
            elif each.type == "ORGANIZATION" and (role := self._bank(each)) is not None:
                yield self._role(each, role, LIKELY)


def _distance(mention: Mention, trigger: Trigger) -> int:
    return trigger.begin - mention.end if mention.end <= trigger.begin else mention.begin - trigger.end


_FORMS: Mapping[str, Callable[[Finder, Trigger], Iterator[Role]]] = {
    "filing": Finder.filing,
    "appointing": Finder.appointing,
    "appointment": Finder.appointment,
    "joining": Finder.joining,
    "serving": Finder.serving,
    "leaving": Finder.leaving,
    "acquiring": Finder.acquiring,
    "acquisition": Finder.acquisition,
    "selling": Finder.selling,
    "sale": Finder.sale,
    "investing": Finder.investing,
    "merging": Finder.merging,
    "split": Finder.split,
    "offering": Finder.offering,
    "tender": Finder.tender,
}
