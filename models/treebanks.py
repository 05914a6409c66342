"""Universal Dependencies: sentences with their trees, and the noun phrases that a tree implies.

A key phrase is a noun with the words around it that belong to it: determiner, adjectives, numbers, parts of a
compound or of a name. Prepositional phrases, clauses and coordinated nouns are separate phrases. Pronouns are none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

NOMINAL = frozenset(("NOUN", "PROPN"))
_HEADED = NOMINAL | {"NUM", "SYM", "X", "PART"}
_INNER = frozenset(("det", "amod", "nummod", "compound", "flat", "fixed", "goeswith", "clf"))
_FUNCTIONS = frozenset(("case", "mark", "cc", "discourse", "cop", "aux"))


@dataclass(frozen=True, slots=True)
class Word:
    """A syntactic word. ``begin`` and ``end`` are those of its written token, in code points of the sentence."""

    number: int
    form: str
    tag: str
    head: int
    relation: str
    begin: int
    end: int

    @property
    def kind(self) -> str:
        """The relation without its subtype."""
        return self.relation.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Tree:
    """A sentence: its identifier in the treebank, its text, its words in order."""

    identifier: str
    text: str
    words: tuple[Word, ...]


def trees(conllu: str) -> Iterator[Tree]:
    """Read CoNLL-U. A sentence whose written tokens do not occur in order in its text is left out."""
    for block in conllu.split("\n\n"):
        lines = block.split("\n")
        comments = dict(_comment(line) for line in lines if line.startswith("# ") and " = " in line)
        rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
        words = _placed(comments.get("text", ""), [row for row in rows if "." not in row[0]])
        if words:
            yield Tree(comments.get("sent_id", ""), comments["text"], words)


def _comment(line: str) -> tuple[str, str]:
    key, _, value = line[2:].partition(" = ")
    return key, value.strip()


def _placed(text: str, rows: list[list[str]]) -> tuple[Word, ...]:
    words: list[Word] = []
    at = covered = begin = end = 0
    for row in rows:
        first, _, last = row[0].partition("-")
        if last or int(first) > covered:
            begin = text.find(row[1], at)
            if begin < 0:
                return ()
            at = end = begin + len(row[1])
        if last:
            covered = int(last)
        else:
            words.append(Word(int(first), row[1], row[3], int(row[6]), row[7], begin, end))
    return tuple(words)


def noun_phrases(words: Iterable[Word], *, bare_modifiers: bool = False) -> list[tuple[int, int]]:
    """Return the noun phrases as code points, in order, none inside another.

    ``bare_modifiers``: nouns before a noun without a case marker are part of its phrase, and a
    particle with such nouns is its head (Chinese and Japanese).
    """
    return _Phrases(tuple(words), bare_modifiers).found()


class _Phrases:
    def __init__(self, words: tuple[Word, ...], bare_modifiers: bool) -> None:
        self._words = words
        self._bare_modifiers = bare_modifiers
        self._index = {word.number: at for at, word in enumerate(words)}
        self._children: dict[int, list[Word]] = defaultdict(list)
        for word in words:
            self._children[word.head].append(word)

    def found(self) -> list[tuple[int, int]]:
        phrases = [phrase for head in self._words if self._is_head(head) and (phrase := self._phrase(head))]
        kept: list[tuple[int, int]] = []
        for begin, end in sorted(phrases, key=lambda phrase: (phrase[0], -phrase[1])):
            if not kept or begin >= kept[-1][1]:
                kept.append((begin, end))
        return kept

    def _is_head(self, word: Word) -> bool:
        particle = (
            self._bare_modifiers
            and word.tag == "PART"
            and any(
                child.number < word.number and child.kind in ("compound", "nmod", "amod", "flat")
                for child in self._children[word.number]
            )
        )
        if (word.tag not in NOMINAL and not particle) or word.kind in _FUNCTIONS:
            return False
        above = self._index.get(word.head)
        return not (self._inner(word) and above is not None and self._words[above].tag in _HEADED)

    def _inner(self, word: Word) -> bool:
        if word.kind in _INNER:
            return True
        return (
            self._bare_modifiers
            and word.kind == "nmod"
            and word.number < word.head
            and not any(child.kind == "case" for child in self._children[word.number])
        )

    def _phrase(self, head: Word) -> tuple[int, int] | None:
        members = {head.number}
        open_words = [head]
        while open_words:
            word = open_words.pop()
            for child in self._children[word.number]:
                degree = word is not head and child.kind == "advmod" and child.number < word.number
                if self._inner(child) or degree:
                    members.add(child.number)
                    open_words.append(child)
        first = last = self._index[head.number]
        words = self._words
        while first > 0 and words[first - 1].number in members:
            first -= 1
        while last + 1 < len(words) and words[last + 1].number in members:
            last += 1
        last = self._with_name(head, last)
        # An article that is contracted with a preposition stays outside with it.
        while first < last and first > 0 and words[first - 1].begin == words[first].begin:
            first += 1
        if first > 0 and words[first - 1].begin == words[first].begin:
            return None
        while last > first and words[last].tag == "PUNCT":
            last -= 1
        return words[first].begin, words[last].end

    def _with_name(self, head: Word, last: int) -> int:
        """Extend a phrase by a name in apposition directly behind it, such as a title's holder."""
        words = self._words
        while last + 1 < len(words):
            name = words[last + 1]
            if name.kind != "appos" or name.tag != "PROPN" or name.head != head.number:
                break
            last += 1
            parts = {child.number for child in self._children[name.number] if child.kind in ("flat", "compound")}
            while last + 1 < len(words) and words[last + 1].number in parts:
                last += 1
        return last
