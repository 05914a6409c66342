"""Mentions of the same thing in one group: by equal words, by a name's short form, and by a pronoun's agreement.

No available corpus says which mentions belong together, so these rules are not measured. A group score is therefore the
rank of a rule and not a probability: 1 for the first mention of a group and for equal words, 0.9 for a short form. For
a pronoun it is one over the number of things that it could stand for by number, gender and distance, at least 0.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reading_room.analysis.engines.mention_types import MANY
from reading_room.analysis.engines.mentions import Mention

REACH_SENTENCES = 3
"""A pronoun stands for something in its own sentence or the two before it."""

SHORT_FORM = 0.9

_UNGROUPED = frozenset(("DATE", "QUANTITY"))
"""Two mentions of the number seven are not the same thing."""


@dataclass(slots=True)
class Group:
    """Mentions of the same thing, by number, with a score each."""

    members: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    type: str = "OTHER"
    gender: str = ""
    """The gender of a person, once a mention shows it."""

    def add(self, member: int, score: float, mention: Mention) -> None:
        """Add a mention."""
        self.members.append(member)
        self.scores.append(score)
        if mention.gender in ("m", "f"):
            self.gender = mention.gender

    def descriptive(self, mentions: Sequence[Mention]) -> list[int]:
        """Return a list of the index of the best name: names before nouns before pronouns, then the longest."""
        ranks = {"name": 2, "noun": 1, "pronoun": 0}
        best = max(
            range(len(self.members)),
            key=lambda place: (
                ranks[mentions[self.members[place]].kind],
                len(mentions[self.members[place]].text) if mentions[self.members[place]].kind != "pronoun" else 0,
                -place,
            ),
        )
        return [best]


def grouped(mentions: Sequence[Mention]) -> list[Group]:
    """Return the groups in the order of their first mention. ``mentions`` are in order of appearance."""
    groups: list[Group] = []
    by_words: dict[tuple[str, object], Group] = {}
    names: list[tuple[Mention, Group]] = []
    # What a pronoun may stand for: the mention, its group and the number of its sentence.
    standing: list[tuple[Mention, Group, int]] = []
    sentences: dict[tuple[int, int], int] = {}
    for number, mention in enumerate(mentions):
        sentence = sentences.setdefault(mention.sentence, len(sentences))
        group, score = None, 1.0
        if mention.kind == "pronoun" and mention.person == 3:
            group, score = _antecedent(mention, sentence, standing)
        elif mention.type not in _UNGROUPED:
            group = by_words.get(_words(mention))
            if group is None and mention.kind == "name":
                group = next((of for name, of in reversed(names) if _short_form(mention, name)), None)
                score = SHORT_FORM if group else 1.0
        if group is None:
            group, score = Group(type=mention.type), 1.0
            groups.append(group)
        group.add(number, score, mention)
        if mention.kind != "pronoun" or mention.person < 3:
            by_words.setdefault(_words(mention), group)
        if mention.kind == "name":
            names.append((mention, group))
        if mention.person == 3 and mention.type not in (*_UNGROUPED, "PERSONAL_TITLE"):
            standing.append((mention, group, sentence))
    return groups


def _words(mention: Mention) -> tuple[str, object]:
    """Return a key that is equal for mentions with the same words; "I", "me" and "my" are the same."""
    if mention.kind == "pronoun":
        return "pronoun", (mention.person, mention.plural)
    return mention.kind, mention.text.casefold()


def _short_form(short: Mention, name: Mention) -> bool:
    """Whether one name is the other's last or first word, or its initials."""
    few, many = sorted((short.text.casefold().split(), name.text.casefold().split()), key=len)
    if short.label != name.label or len(few) != 1 or len(many) < 2:
        return False
    if few[0] == many[-1] or few[0] == many[0]:
        return short.label in ("PERSON", "ORG")
    return short.label == "ORG" and few[0].replace(".", "") == "".join(word[0] for word in many if word != "of")


def _antecedent(
    pronoun: Mention, sentence: int, standing: Sequence[tuple[Mention, Group, int]]
) -> tuple[Group | None, float]:
    near = None
    candidates: list[Group] = []
    for mention, group, place in reversed(standing):
        if sentence - place >= REACH_SENTENCES:
            break
        if _agree(pronoun, mention, group) and all(group is not other for other in candidates):
            candidates.append(group)
            near = near or group
    return near, max(0.5, 1 / len(candidates)) if candidates else 1.0


def _agree(pronoun: Mention, mention: Mention, group: Group) -> bool:
    if mention.kind == "pronoun" and mention.text.casefold() != pronoun.text.casefold() and mention.gender == "n":
        # "it" and "its" agree; a lone "it" does not name what "they" stands for.
        return pronoun.gender == "n"
    if pronoun.gender == "n":
        return mention.gender == "n" and not mention.plural
    if pronoun.gender in ("m", "f"):
        return mention.type == "PERSON" and group.gender in (pronoun.gender, "") and not mention.plural
    return mention.plural or mention.text.casefold() in MANY or mention.type == "ORGANIZATION"
