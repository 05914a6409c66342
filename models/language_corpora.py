"""Sentences with entities or noun phrases in languages other than English, split so that public test parts stay apart.

Entities have the types that a corpus annotates: persons, places and organizations everywhere, and Comprehend's other
types in Japanese. Noun phrases are derived from trees (``treebanks``). If a treebank's training part is
not available, its development part is used, with an eighth of it held out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import spacy
from spacy.tokens import DocBin, Span

from models.corpora import Corpus
from models.sequence_training import Phrase, Sentence
from models.treebanks import Tree, Word, noun_phrases, trees

UNER_BOSQUE = Corpus("UniversalNER/UNER_Portuguese-Bosque", "f2c2ad67aed900385fbe5d655af41f439c9b3333", "CC BY-SA 4.0")
UD_BOSQUE = Corpus(
    "UniversalDependencies/UD_Portuguese-Bosque", "5de7ac34028ff6d1718031a4b0ae895717ed8dbe", "CC BY-SA 4.0"
)
UNER_GSD_SIMPLIFIED = Corpus(
    "UniversalNER/UNER_Chinese-GSDSIMP", "1f0307599dece7b83f4cba90ce9b63ef37a7b162", "CC BY-SA 4.0"
)
UNER_GSD_TRADITIONAL = Corpus(
    "UniversalNER/UNER_Chinese-GSD", "2a0c196d7a54d41119fd069874e976a58f0d7dad", "CC BY-SA 4.0"
)
UD_GSD_SIMPLIFIED = Corpus(
    "UniversalDependencies/UD_Chinese-GSDSimp", "eb3aed31ebb170897405ee5cd1db83a1a0b11864", "CC BY-SA 4.0"
)
UD_GSD_TRADITIONAL = Corpus(
    "UniversalDependencies/UD_Chinese-GSD", "200dbe8acf60ff0d194f2d30bf925c410eee762a", "CC BY-SA 4.0"
)
JAPANESE = Corpus("megagonlabs/UD_Japanese-GSD", "4dd49a8f2c51cc7edb6a217f06900342ef6ce2c6", "CC BY-SA 4.0")
JAPANESE_NAMES = Corpus(
    "stockmarkteam/ner-wikipedia-dataset", "5e525c2132c0e87cce890b8b92639a0cf357c1f3", "CC BY-SA 3.0"
)
GERMEVAL = Corpus("davidsbatista/NER-datasets", "db7ff3ca4ba1df39907f8bdc036a556fed5ecde7", "CC BY 4.0")

TYPES = {"PER": "PERSON", "LOC": "LOCATION", "ORG": "ORGANIZATION"}

_JAPANESE_TYPES = {
    "PERSON": "PERSON",
    **dict.fromkeys(("GPE", "LOC", "FAC"), "LOCATION"),
    "ORG": "ORGANIZATION",
    "PRODUCT": "COMMERCIAL_ITEM",
    "EVENT": "EVENT",
    **dict.fromkeys(("DATE", "TIME"), "DATE"),
    **dict.fromkeys(("CARDINAL", "ORDINAL", "MONEY", "PERCENT", "QUANTITY"), "QUANTITY"),
    "WORK_OF_ART": "TITLE",
    **dict.fromkeys(("NORP", "LANGUAGE", "LAW", "MOVEMENT"), "OTHER"),
}

_NAME_LETTERS = {
    "人名": "p",
    **dict.fromkeys(("法人名", "政治的組織名", "その他の組織名"), "o"),
    **dict.fromkeys(("地名", "施設名"), "l"),
    "製品名": "c",
    "イベント名": "e",
}

HELD_BACK = 8
"""One sentence in this many is held out if a corpus has no separate part for that."""


@dataclass(frozen=True)
class Split:
    """Sentences for training, for fitting scores, and for measuring; the last are a public test part."""

    train: Sequence[Sentence]
    held_back: Sequence[Sentence]
    test: Sequence[Sentence]


def portuguese_entities() -> Split:
    """UNER's labels on Bosque, on the written text of the treebank (UNER's own text splits "do" into "de o")."""
    written = {_key(word.form for word in tree.words): tree for part in bosque().values() for tree in part}
    parts = []
    for part in ("train", "dev", "test"):
        found: list[Sentence] = []
        for _, words, marks in iob(UNER_BOSQUE.read(f"pt_bosque-ud-{part}.iob2")):
            tree = written[_key(words)]
            found.append((tree.text, spans([(word.begin, word.end) for word in tree.words], marks)))
        parts.append(found)
    return Split(*_without_test_texts(parts))


def chinese_entities(*, traditional: bool = False) -> Split:
    """UNER's labels on GSD, in simplified or traditional characters: the same sentences."""
    corpus, name = (UNER_GSD_TRADITIONAL, "zh_gsd") if traditional else (UNER_GSD_SIMPLIFIED, "zh_gsdsimp")
    parts = []
    for part in ("train", "dev", "test"):
        found: list[Sentence] = []
        for text, words, marks in iob(corpus.read(f"{name}-ud-{part}.iob2")):
            found.append((text, spans(places(text, words), marks)))
        parts.append(found)
    return Split(*_without_test_texts(parts))


def german_entities() -> Split:
    """GermEval 2014, outer entities, none derived or partial; tokens joined by spaces; trained on its dev part."""
    train, held_back = _cut(_germeval("dev"))
    return Split(*_without_test_texts([train, held_back, _germeval("test")]))


def japanese_entities() -> Split:
    """The entity layer of the Japanese GSD treebank by Megagon Labs, in Comprehend's types."""
    parts = []
    for part in ("train", "dev", "test"):
        found: list[Sentence] = []
        for sentence in _japanese_sentences(part):
            start = sentence.start_char
            found.append(
                (
                    sentence.text,
                    [
                        (entity.start_char - start, entity.end_char - start, _JAPANESE_TYPES[entity.label_])
                        for entity in sentence.ents
                        if entity.label_ in _JAPANESE_TYPES
                    ],
                )
            )
        parts.append(found)
    return Split(*_without_test_texts(parts))


def japanese_names() -> dict[str, str]:
    """Names from entity labels on sentences of the Japanese Wikipedia, with a letter for their type."""
    rows = json.loads(JAPANESE_NAMES.read("ner.json"))
    entities = (entity for row in rows for entity in row["entities"])
    return {entity["name"]: _NAME_LETTERS[entity["type"]] for entity in entities if len(entity["name"]) > 1}


def phrases(language: str) -> Split:
    """Noun phrases from the treebank of a language: pt, zh, zh-TW or ja."""
    if language == "ja":
        parts = [[_japanese_phrases(sentence) for sentence in _japanese_sentences(part)] for part in _PARTS]
        return Split(*_without_test_texts(parts))
    if language == "pt":
        found = bosque()
        return Split(*_without_test_texts([_phrases(found[part]) for part in _PARTS]))
    corpus, name = _TREEBANKS[language]
    chinese = language.startswith("zh")
    train, held_back = _cut(_phrases(trees(corpus.read(f"{name}-ud-dev.conllu")), chinese))
    test = _phrases(trees(corpus.read(f"{name}-ud-test.conllu")), chinese)
    return Split(*_without_test_texts([train, held_back, test]))


_PARTS = ("train", "dev", "test")

_TREEBANKS = {
    "zh": (UD_GSD_SIMPLIFIED, "zh_gsdsimp"),
    "zh-TW": (UD_GSD_TRADITIONAL, "zh_gsd"),
}


def bosque() -> dict[str, list[Tree]]:
    """Return Bosque's three parts, from its documents and the lists that assign them."""
    folder = "not-to-release/documents"
    found = {
        tree.identifier: tree
        for name in UD_BOSQUE.names(folder)
        if name.endswith(".conllu")
        for tree in trees(UD_BOSQUE.read(name))
    }
    return {
        part: [found[name] for name in UD_BOSQUE.read(f"not-to-release/pt_bosque-ud-{part}.txt").split()]
        for part in _PARTS
    }


def iob(text: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Read UNER's format: the text, the words and the IOB2 tags of each sentence."""
    for block in text.split("\n\n"):
        lines = block.split("\n")
        rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
        if rows:
            (written,) = (line[len("# text = ") :] for line in lines if line.startswith("# text = "))
            yield written.strip(), [row[1] for row in rows], [row[2] for row in rows]


def spans(places: Sequence[tuple[int, int]], marks: Sequence[str]) -> list[Phrase]:
    found: list[Phrase] = []
    going_on = False
    for (begin, end), mark in zip(places, marks, strict=True):
        place, _, kind = mark.partition("-")
        if place == "B" and kind in TYPES:
            found.append((begin, end, TYPES[kind]))
        elif place == "I" and going_on:
            found[-1] = (found[-1][0], max(end, found[-1][1]), found[-1][2])
        going_on = (place == "B" and kind in TYPES) or (place == "I" and going_on)
    return found


def places(text: str, words: Iterable[str]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    at = 0
    for word in words:
        begin = text.index(word, at)
        at = begin + len(word)
        found.append((begin, at))
    return found


def _germeval(part: str) -> list[Sentence]:
    found: list[Sentence] = []
    for block in GERMEVAL.read(f"GermEval2014/NER-de-{part}.tsv").split("\n\n"):
        rows = [line.split("\t") for line in block.split("\n") if line and not line.startswith("#")]
        words = [row[1] for row in rows]
        text = " ".join(words)
        if words:
            found.append((text, spans(places(text, words), [row[2] for row in rows])))
    return found


def _japanese_sentences(part: str) -> Iterator[Span]:
    stored = DocBin().from_bytes(JAPANESE.read_bytes(f"spacy/ja_gsd-ud-{part}.ne.spacy"))
    for doc in stored.get_docs(spacy.blank("xx").vocab):
        yield from doc.sents


def _japanese_phrases(sentence: Span) -> Sentence:
    words = [
        Word(
            token.i - sentence.start + 1,
            token.text,
            token.pos_,
            0 if token.head is token else token.head.i - sentence.start + 1,
            token.dep_,
            token.idx - sentence.start_char,
            token.idx - sentence.start_char + len(token),
        )
        for token in sentence
    ]
    return sentence.text, [(begin, end, "NP") for begin, end in noun_phrases(words, bare_modifiers=True)]


def _phrases(found: Iterable[Tree], bare_modifiers: bool = False) -> list[Sentence]:
    return [
        (tree.text, [(begin, end, "NP") for begin, end in noun_phrases(tree.words, bare_modifiers=bare_modifiers)])
        for tree in found
    ]


def _cut(sentences: Sequence[Sentence]) -> tuple[list[Sentence], list[Sentence]]:
    return (
        [sentence for at, sentence in enumerate(sentences) if at % HELD_BACK],
        [sentence for at, sentence in enumerate(sentences) if at % HELD_BACK == 0],
    )


def _without_test_texts(parts: list[list[Sentence]]) -> list[list[Sentence]]:
    *others, test = parts
    known = {text for text, _ in test}
    return [*([sentence for sentence in part if sentence[0] not in known] for part in others), test]


def _key(words: Iterable[str]) -> str:
    return "".join(words)
