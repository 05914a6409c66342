"""Mentions of the same thing in one group: the same name, a short form of it, an acronym, or a name defined for it.

No available set says which mentions belong together, so a group score is the rank of a rule: 1 for the first mention
and for equal words, 0.95 for a defined name, 0.9 for a short form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from reading_room.analysis.engines.events.mentions import aliases
from reading_room.analysis.engines.events.parts import Mention, Text

DEFINED, SHORT = 0.95, 0.9
_FORMS = re.compile(
    r"(?:,? (?:Inc|Incorporated|Corp|Corporation|Co|Company|Ltd|Limited|LLC|L\.L\.C|L\.P|LP|LLP|plc|PLC|AG|N\.V|S\.A|SE"
    r"|Group|Holdings?|Holding|Trust)\.?)+\Z"
)
"""What a company's name has at its end, and its short form has not."""
_COMPANY = frozenset(("company", "registrant", "corporation", "bank", "issuer", "firm"))
_TITLES = re.compile(r"(?:(?:Mr|Mrs|Ms|Dr|Messrs|General|Prof)\.? )+|(?:,? (?:Jr|Sr|II|III)\.?)+\Z")


@dataclass(slots=True)
class Group:
    """Mentions of the same thing, by their numbers, with a score each."""

    type: str
    members: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Groups:
    """The groups of a text, and the number of each mention's group."""

    groups: list[Group]
    of: list[int]

    def first(self, kind: str) -> int | None:
        """Return the first group of a type."""
        return next((number for number, group in enumerate(self.groups) if group.type == kind), None)


def grouped(text: Text) -> Groups:
    """Return the groups of a text's mentions, in the order of their first mention."""
    groups: list[Group] = []
    of: list[int] = []
    by_name: dict[tuple[str, str], int] = {}
    company: int | None = None
    for number, mention in enumerate(text.mentions):
        keys = _keys(mention)
        place, score = None, 1.0
        for rank, key in enumerate(keys):
            place = by_name.get((mention.type, key))
            if place is not None:
                score = 1.0 if rank == 0 else SHORT
                break
        if place is None and mention.type == "ORGANIZATION" and mention.text.lower() in _COMPANY:
            # "the Company" is whoever the text is about.
            place, score = company, DEFINED
        if place is None:
            place, score = len(groups), 1.0
            groups.append(Group(mention.type))
        groups[place].members.append(number)
        groups[place].scores.append(score)
        of.append(place)
        if mention.type == "ORGANIZATION" and company is None:
            company = place
        for key in keys:
            by_name.setdefault((mention.type, key), place)
        if mention.type in ("ORGANIZATION", "PERSON"):
            for begin, end in aliases(text.text, mention.begin, mention.end):
                name = text.text[begin:end].strip(" ,.")
                by_name[mention.type, name.lower().removeprefix("the ")] = place
    return Groups(groups, of)


def _keys(mention: Mention) -> list[str]:
    """Return the names by which a mention is known, the whole first."""
    name = " ".join(mention.text.split())
    lower = name.lower()
    if mention.type == "PERSON":
        bare = _TITLES.sub("", name)
        words = bare.split()
        return [lower, bare.lower(), *([words[-1].lower()] if words else [])]
    if mention.type == "ORGANIZATION":
        bare = _FORMS.sub("", name)
        words = re.findall(r"[A-Za-z][A-Za-z.&'’-]*", bare)
        keys = [lower, bare.lower()]
        if len(words) > 1 and lower not in _COMPANY:
            keys.append("".join(word[0] for word in words if word[0].isupper()).lower())
            if len(words[0]) > 3 and words[0][0].isupper() and words[0].lower() not in _COMMON:
                keys.append(words[0].lower())
        return list(dict.fromkeys(key for key in keys if len(key) > 1))
    return [lower]


_COMMON = frozenset(
    (
        "american",
        "national",
        "united",
        "first",
        "general",
        "international",
        "global",
        "bank",
        "royal",
        "new",
        "north",
        "south",
        "east",
        "west",
        "group",
        "capital",
        "the",
        "pacific",
        "atlantic",
        "central",
        "federal",
        "standard",
        "advanced",
        "digital",
        "home",
        "health",
    )
)
"""First words of too many companies' names to stand for one of them."""
