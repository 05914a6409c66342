"""Recipe of ``weights/english-key-phrases``: how often the engine's phrases are noun phrases of a treebank.

A phrase is right if it is a whole noun phrase of the tree: one of its words, a noun, name, number or symbol, has
its head outside, in a relation that does not make it a modifier of a word to its right; all its other words depend on
words inside. The shares are counted on the development part of UD English EWT (CC BY-SA 4.0), by origin and number of
words.

    READING_ROOM_CORPORA=clones python -m models.english_key_phrases
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from models.corpora import EWT
from models.manifest import WEIGHTS
from reading_room.analysis.engines.english_key_phrases import phrases, score_key
from reading_room.analysis.engines.packaged_pipeline import load_english

_HEAD_CLASSES = frozenset({"NOUN", "PROPN", "NUM", "SYM"})
_MODIFIERS = frozenset({"compound", "amod", "flat", "nummod", "det", "case", "advmod", "goeswith", "fixed"})


@dataclass(frozen=True)
class Word:
    """A word of a tree: its position in the text, and the index of its head, -1 for the root."""

    begin: int
    end: int
    category: str
    head: int
    relation: str


def trees(text: str) -> Iterator[tuple[str, list[Word]]]:
    """Yield the sentences of a CoNLL-U file whose words occur in order in their text."""
    for block in text.split("\n\n"):
        written, rows = "", []
        for line in block.splitlines():
            if line.startswith("# text = "):
                written = line.removeprefix("# text = ")
            elif line and line[0] != "#" and line.split("\t")[0].isdigit():
                rows.append(line.split("\t"))
        words, at = [], 0
        for row in rows:
            at = written.find(row[1], at)
            if at < 0:
                break
            words.append(Word(at, at + len(row[1]), row[3], int(row[6]) - 1, row[7].partition(":")[0]))
            at += len(row[1])
        if rows and len(words) == len(rows):
            yield written, words


def is_noun_phrase(words: list[Word], begin: int, end: int) -> bool:
    """Return whether the words from ``begin`` to ``end``, in code points, are a whole noun phrase of the tree."""
    inside = [index for index, word in enumerate(words) if begin <= word.begin and word.end <= end]
    if not inside or words[inside[0]].begin != begin or words[inside[-1]].end != end:
        return False
    tops = [index for index in inside if words[index].head not in inside]
    if len(tops) != 1:
        return False
    top = words[tops[0]]
    return top.category in _HEAD_CLASSES and top.relation not in _MODIFIERS


def main() -> None:
    nlp = load_english({"tok2vec", "tagger", "parser"})
    right: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    sentences = list(trees(EWT.read("en_ewt-ud-dev.conllu")))
    for (_, words), doc in zip(sentences, nlp.pipe(text for text, _ in sentences), strict=True):
        for first, end, origin in phrases(doc):
            key = score_key(end - first, origin)
            answered[key] += 1
            right[key] += is_noun_phrase(words, doc[first].idx, doc[end - 1].idx + len(doc[end - 1]))
    overall = right.total() / answered.total()
    # Add ten average phrases to each count, so that a rare kind gets no extreme score.
    kinds = [score_key(length, origin) for origin in ("whole", "part", "loose") for length in range(1, 6)]
    scores = {kind: round((right[kind] + 10 * overall) / (answered[kind] + 10), 4) for kind in kinds}
    target = WEIGHTS / "english-key-phrases" / "scores.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
    print(f"{answered.total()} phrases, {overall:.3f} right", {kind: answered[kind] for kind in kinds})


if __name__ == "__main__":
    main()
