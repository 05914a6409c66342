"""Sentences with entities in Comprehend's types, from free corpora.

A corpus annotates only some of the types. Each sentence records which, so that a recipe can add
the others from a model instead of teaching that they are absent.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from models.corpora import BROAD_TWITTER, CROSSNER, EWT, UNER_EWT, UNER_PUD, WIKIGOLD, WNUT17

TYPES = ("COMMERCIAL_ITEM", "DATE", "EVENT", "LOCATION", "ORGANIZATION", "OTHER", "PERSON", "QUANTITY", "TITLE")

_PLAIN = {"PER": "PERSON", "LOC": "LOCATION", "ORG": "ORGANIZATION"}
_WNUT = {
    "person": "PERSON",
    "location": "LOCATION",
    "corporation": "ORGANIZATION",
    "group": "ORGANIZATION",
    "product": "COMMERCIAL_ITEM",
    "creative-work": "TITLE",
}
_CROSSNER = {
    **dict.fromkeys(("person", "politician", "scientist", "musicalartist", "writer", "researcher"), "PERSON"),
    **dict.fromkeys(("organisation", "politicalparty", "university", "band"), "ORGANIZATION"),
    **dict.fromkeys(("location", "country"), "LOCATION"),
    **dict.fromkeys(("event", "election", "conference"), "EVENT"),
    **dict.fromkeys(("album", "song", "book", "poem", "magazine", "academicjournal"), "TITLE"),
    **dict.fromkeys(("award", "misc"), "OTHER"),
    "product": "COMMERCIAL_ITEM",
}
_CROSSNER_ANNOTATES = {
    "politics": {"EVENT"},
    "science": {"EVENT"},
    "music": {"EVENT", "TITLE"},
    "literature": {"EVENT", "TITLE"},
    "ai": {"EVENT", "COMMERCIAL_ITEM"},
}

Span = tuple[int, int, str]
"""First token, token after the last, type."""


@dataclass
class Sentence:
    """Tokens, the entities among them, the types that its corpus annotates, and whether a space follows each token."""

    tokens: list[str]
    spans: list[Span]
    annotated: frozenset[str]
    source: str
    blanks: list[bool] = field(default_factory=list)
    """Empty if the corpus does not say; then ``render`` guesses."""

    def render(self, detokenised: bool = True) -> tuple[str, list[tuple[int, int]]]:
        """Return the text and each token's position in it, in code points."""
        blanks = self.blanks or (guess_blanks(self.tokens) if detokenised else [True] * len(self.tokens))
        text, places = "", []
        for token, blank in zip(self.tokens, blanks, strict=True):
            places.append((len(text), len(text) + len(token)))
            text += token + (" " if blank else "")
        return text.rstrip(), places


def guess_blanks(tokens: list[str]) -> list[bool]:
    """Return which tokens a space follows in ordinary writing, for corpora that keep only tokens."""
    blanks = [True] * len(tokens)
    open_quote = False
    for index, token in enumerate(tokens):
        glue_left = token in {".", ",", ";", ":", "!", "?", ")", "]", "}", "%", "...", "''", "’", "”"} or (
            re.fullmatch(r"(?i)('|’)(s|m|d|ll|re|ve|t)?|n['’]t", token) is not None
        )
        glue_right = token in {"(", "[", "{", "$", "``", "“", "#", "@", "£", "€"}
        if token == '"':
            glue_left, glue_right = open_quote, not open_quote
            open_quote = not open_quote
        if glue_left and index:
            blanks[index - 1] = False
        if glue_right:
            blanks[index] = False
    return blanks


def training() -> list[Sentence]:
    """Return every training sentence, without those whose words are a sentence of a test part."""
    forbidden = {_words(sentence) for sentence in held_out()}
    found = [*_uner_ewt("dev"), *_wnut("wnut17train.conll"), *_wnut("emerging.dev.conll"), *_broad_twitter("train")]
    found += [*_broad_twitter("dev"), *_wikigold()]
    for domain in _CROSSNER_ANNOTATES:
        found += [*_crossner(domain, "train"), *_crossner(domain, "dev")]
    return [sentence for sentence in found if _words(sentence) not in forbidden]


def held_out() -> list[Sentence]:
    """Return the sentences of the test parts, used only to leave their copies out of the training."""
    found = [
        *_uner(UNER_EWT.read("en_ewt-ud-test.iob2"), "uner_ewt"),
        *_uner(UNER_PUD.read("en_pud-ud-test.iob2"), "pud"),
    ]
    found += [*_wnut("emerging.test.annotated"), *_broad_twitter("test")]
    for domain in _CROSSNER_ANNOTATES:
        found += _crossner(domain, "test")
    return found


def unannotated(limit: int) -> list[Sentence]:
    """Return sentences of EWT's training part, in which a model has to find the entities."""
    files = set(EWT.read("not-to-release/file-lists/files.train").split())
    found: list[Sentence] = []
    forbidden = {_words(sentence) for sentence in held_out()}
    for path in EWT.names("not-to-release/sources"):
        if path.removeprefix("not-to-release/sources/") in files:
            for tokens, blanks in conllu(EWT.read(path)):
                sentence = Sentence([token[0] for token in tokens], [], frozenset(), "ewt", blanks)
                if len(tokens) > 2 and _words(sentence) not in forbidden:
                    found.append(sentence)
    random.Random(0).shuffle(found)
    return found[:limit]


def conllu(text: str) -> Iterator[tuple[list[tuple[str, str]], list[bool]]]:
    """Yield each sentence of a CoNLL-U file as (form, UPOS) pairs and whether a space follows each word.

    A word range such as "don't" keeps its words, which are written without a space between them.
    """
    tokens: list[tuple[str, str]] = []
    blanks: list[bool] = []
    inside, blank_after = 0, True
    for line in [*text.splitlines(), ""]:
        columns = line.split("\t")
        if not line:
            if tokens:
                yield tokens, blanks
            tokens, blanks, inside = [], [], 0
        elif line[0] != "#" and "." not in columns[0]:
            glued = "SpaceAfter=No" in columns[9]
            if "-" in columns[0]:
                first, last = map(int, columns[0].split("-"))
                inside, blank_after = last - first + 1, not glued
                continue
            tokens.append((columns[1], columns[3]))
            if inside:
                inside -= 1
                blanks.append(blank_after if inside == 0 else False)
            else:
                blanks.append(not glued)


def _words(sentence: Sentence) -> str:
    return "".join(sentence.tokens).lower()


def _uner_ewt(part: str) -> list[Sentence]:
    return _uner(UNER_EWT.read(f"en_ewt-ud-{part}.iob2"), "uner_ewt")


def _uner(text: str, source: str) -> list[Sentence]:
    found = []
    for block in text.split("\n\n"):
        lines = [line.split("\t") for line in block.splitlines() if line and line[0] != "#"]
        raw = next((line[9:] for line in block.splitlines() if line.startswith("# text = ")), "")
        if lines:
            tokens = [line[1] for line in lines]
            spans = _spans([line[2] for line in lines], _PLAIN)
            found.append(
                Sentence(
                    tokens, spans, frozenset(_PLAIN.values()), source, _blanks(tokens, raw) or guess_blanks(tokens)
                )
            )
    return found


def _blanks(tokens: list[str], raw: str) -> list[bool]:
    """Find the tokens in the written sentence; return an empty list if they do not occur in order."""
    blanks, at = [], 0
    for token in tokens:
        if not raw.startswith(token, at):
            return []
        at += len(token)
        blanks.append(raw[at : at + 1].isspace())
        at += len(raw[at:]) - len(raw[at:].lstrip())
    return blanks


def _columns(text: str, separator: str = "\t") -> Iterator[tuple[list[str], list[str]]]:
    tokens: list[str] = []
    tags: list[str] = []
    for line in [*text.splitlines(), ""]:
        word, _, tag = line.strip("\n").rpartition(separator)
        if not line.strip():
            if tokens:
                yield tokens, tags
            tokens, tags = [], []
        elif word.strip():
            tokens.append(word.strip())
            tags.append(tag.strip())


def _wnut(path: str) -> list[Sentence]:
    annotated = frozenset(_WNUT.values())
    return [Sentence(t, _spans(tags, _WNUT), annotated, "wnut17") for t, tags in _columns(WNUT17.read(path))]


def _broad_twitter(part: str) -> list[Sentence]:
    """Tweets; a handle such as @name is not an entity here, though the corpus counts it as one."""
    found = []
    for tokens, tags in _columns(BROAD_TWITTER.read(f"train_dev_test_conll/btc.{part}")):
        kept = list(tags)
        for index in range(len(tokens)):
            if tokens[index].startswith("@") or (index and tokens[index - 1] == "@"):
                kept[index] = "O"
        found.append(Sentence(tokens, _spans(kept, _PLAIN), frozenset(_PLAIN.values()), "broad_twitter"))
    return found


def _wikigold() -> list[Sentence]:
    annotated = frozenset(_PLAIN.values())
    text = WIKIGOLD.read("data/wikigold/CONLL-format/data/wikigold.conll.txt")
    return [
        Sentence(tokens, _spans(tags, _PLAIN), annotated, "wikigold")
        for tokens, tags in _columns(text, " ")
        if tokens != ["-DOCSTART-"]
    ]


def _crossner(domain: str, part: str) -> list[Sentence]:
    annotated = frozenset({"PERSON", "ORGANIZATION", "LOCATION", "OTHER"} | _CROSSNER_ANNOTATES[domain])
    text = CROSSNER.read(f"ner_data/{domain}/{part}.txt")
    return [Sentence(t, _spans(tags, _CROSSNER), annotated, domain) for t, tags in _columns(text)]


def _spans(tags: list[str], types: dict[str, str]) -> list[Span]:
    """Read IOB1 or IOB2 tags; a tag of a type outside ``types`` ends an entity and begins none."""
    spans: list[Span] = []
    for index, tag in enumerate(tags):
        prefix, _, name = tag.partition("-")
        kind = types.get(name)
        if kind is None:
            continue
        before = tags[index - 1].partition("-")[2] if index else ""
        if prefix == "I" and before == name and spans and spans[-1][1] == index:
            spans[-1] = (spans[-1][0], index + 1, kind)
        else:
            spans.append((index, index + 1, kind))
    return spans
