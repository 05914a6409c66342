"""Texts in other languages with the labels of their English translations: projection through parallel texts.

The English engines label the English side: entities, noun phrases and the shares of sentiment. Words are aligned by
their vectors in the middle of the whole, untrained encoder: two words are linked if each is the other's nearest. A
span becomes the run of words that are nearest to its words. A text of which one entity finds no place is left out, so
that nothing teaches that a name is none. What comes from here was never seen by a human annotator.

Sources: NTREX-128, news in all languages (CC BY-SA 4.0); PUD, where the English entities are human ones (CC BY-SA 3.0);
subtitles of XED (CC BY 4.0), for sentiment only.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from bench.quality.running import lists, members
from models import language_corpora
from models.corpora import UNER_PUD
from models.language_tables import NTREX
from models.multilingual_corpora import ALL, NAMES, PUD_TREES, Span, Text, folded
from models.multilingual_opinions import XED
from reading_room.analysis.engine import load_engine
from reading_room.analysis.engines.multilingual_pieces import FIRST_MARK, LAST_MARK, PADDING, WINDOW_PIECES, cut
from reading_room.analysis.engines.sentiment_model import MEMBERS

NEWS = {
    "es": ("spa", "spa-MX"),
    "fr": ("fra", "fra-CA"),
    "it": ("ita",),
    "de": ("deu",),
    "pt": ("por-BR",),
    "ar": ("arb",),
    "hi": ("hin",),
    "ja": ("jpn",),
    "ko": ("kor",),
    "zh": ("zho-CN", "zho-TW"),
}
"""NTREX's translations."""

SUBTITLES = {"es": "es", "fr": "fr", "it": "it", "de": "de", "pt": "pt_br", "ar": "ar", "zh": "zh_cn"}
MOST_SUBTITLES = 2_000
LEAST_SCORE = 0.5
"""A text whose English entities include one with a lower score has no entities here."""

MIDDLE = 7
"""Of the encoder's twelve layers, the one whose vectors align words."""

HUMAN = ("es", "fr")
"""Languages of PUD without human entities of their own, and without a test on PUD."""

WITH_ENTITIES = frozenset(("es", "fr", "it", "ar"))
"""Languages without entities of their own, or with few. Chinese, in single characters, is aligned too badly."""

WITH_PHRASES = frozenset(("ar", "hi"))
"""Languages without trees that may be trained on."""

_MARK = re.compile(r"[\W_]+")
_FUNCTION = re.compile(r"[^\W\d_]{1,4}['’]?")


@dataclass(frozen=True)
class Pair:
    """An English text and its translation; ``entities``: the English ones if humans labelled them."""

    english: str
    other: str
    language: str
    source: str
    entities: list[Span] | None = None


def pairs(language: str) -> Iterator[Pair]:
    """Yield all parallel texts of a language."""
    fold = folded if language == "zh" else str
    english = NTREX.read("NTREX-128/newstest2019-src.eng.txt").splitlines()
    for name in NEWS[language]:
        lines = NTREX.read(f"NTREX-128/newstest2019-ref.{name}.txt").splitlines()
        yield from (Pair(one, fold(two), language, "news") for one, two in zip(english, lines, strict=True))
    if language in SUBTITLES:
        rows = XED.read(f"subtitle-retrieval/students/pairs-{SUBTITLES[language]}.txt").splitlines()
        found = [row.split("\t")[4:6] for row in rows if row.count("\t") == 5]
        kept = sorted({(one.strip("- "), two.strip("- ")) for one, two in found if len(one) > 8 and len(two) > 3})
        for one, two in random.Random(0).sample(kept, min(len(kept), MOST_SUBTITLES)):
            yield Pair(one, fold(two), language, "subtitles")
    if language in HUMAN:
        corpus, file = PUD_TREES[language]
        human = dict(_human_english())
        for block in corpus.read(file).split("\n\n"):
            comments = dict(re.findall(r"^# (text|text_en) = (.*)$", block, re.MULTILINE))
            one = comments.get("text_en", "").strip()
            if one in human:
                yield Pair(one, comments["text"].strip(), language, "encyclopedia", human[one])


def _human_english() -> Iterator[tuple[str, list[Span]]]:
    for text, words, marks in language_corpora.iob(UNER_PUD.read("en_pud-ud-test.iob2")):
        yield text, language_corpora.spans(language_corpora.places(text, words), marks)


Words = tuple[list[tuple[int, int]], NDArray[np.float32]]
"""The places of a text's words and their vectors."""


class Aligner:
    """Aligns the words of translations by the vectors of an encoder, which maps ids and mask to vectors."""

    def __init__(self, tokenizer: Tokenizer, vectors: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        self._tokenizer, self._vectors = tokenizer, vectors
        self._known: dict[tuple[str, str], Words] = {}

    def words(self, texts: Sequence[tuple[str, str]]) -> list[Words]:
        """Return the words of each ``(text, language)`` and their vectors of length 1."""
        new = sorted(set(texts) - self._known.keys(), key=lambda each: len(each[0]))
        for start in range(0, len(new), 16):
            self._known.update(zip(new[start : start + 16], self._read(new[start : start + 16]), strict=True))
        found = [self._known[each] for each in texts]
        if not found:
            return []
        middle = np.concatenate([rows for _, rows in found]).mean(0)
        return [(units, _unit(rows - middle)) for units, rows in found]

    def _read(self, texts: Sequence[tuple[str, str]]) -> Iterator[Words]:
        found = [cut(self._tokenizer, text, language) for text, language in texts]
        most = min(WINDOW_PIECES, max(len(each.ids) for each in found))
        ids = torch.full((len(found), most + 2), PADDING)
        for row, each in enumerate(found):
            own = [FIRST_MARK, *each.ids[:most], LAST_MARK]
            ids[row, : len(own)] = torch.tensor(own)
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            states = self._vectors(ids, (ids != PADDING).long()).float().numpy()
        for row, each in enumerate(found):
            firsts = [first for first in each.firsts if first < most]
            ends = [*firsts[1:], min(len(each.ids), most)]
            rows = [states[row, 1 + first : 1 + end].mean(0) for first, end in zip(firsts, ends, strict=True)]
            yield each.units[: len(firsts)], np.array(rows, dtype=np.float32).reshape(-1, states.shape[-1])


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = rows / np.maximum(np.sqrt((rows * rows).sum(1, keepdims=True)), 1e-6)
    return scaled


class Links:
    """The alignment of one pair of texts."""

    def __init__(self, pair: Pair, english: Words, other: Words) -> None:
        self._english, self._other = english[0], other[0]
        self._text = pair.other
        alike = other[1] @ english[1].T
        self._nearest = alike.argmax(1)
        back = alike.argmax(0)
        self._mutual = back[self._nearest] == np.arange(len(self._nearest))

    def span(self, begin: int, end: int, *, name: bool) -> tuple[int, int] | None:
        """Return where an English span lies in the other text, or ``None`` if that is not clear."""
        inside = {number for number, (first, last) in enumerate(self._english) if first < end and last > begin}
        own = [int(nearest) in inside for nearest in self._nearest]
        anchors = [
            number for number, (mine, mutual) in enumerate(zip(own, self._mutual, strict=True)) if mine and mutual
        ]
        if not anchors:
            return None
        first, last = anchors[0], anchors[-1]
        strangers = sum(not own[number] and bool(self._mutual[number]) for number in range(first, last + 1))
        gaps = sum(not mine for mine in own[first : last + 1])
        if strangers or gaps > max(1, (last + 1 - first) // 2):
            return None
        while first > 0 and own[first - 1]:
            first -= 1
        while last + 1 < len(own) and own[last + 1]:
            last += 1
        while first < last and self._loose(first, name):
            first += 1
        while last > first and self._loose(last, name):
            last -= 1
        if self._loose(first, name) and first == last:
            return None
        return self._other[first][0], self._other[last][1]

    def _loose(self, number: int, name: bool) -> bool:
        """Whether a word cannot begin or end a span: a mark, or a short word in lower case at the edge of a name."""
        begin, end = self._other[number]
        word = self._text[begin:end]
        return bool(_MARK.fullmatch(word)) or (name and word.islower() and bool(_FUNCTION.fullmatch(word)))


def projected(language: str, aligner: Aligner) -> list[Text]:
    """Return the labelled texts of a language."""
    found = list(pairs(language))
    english = sorted({pair.english for pair in found})
    labels = dict(zip(english, _labelled(english, language), strict=True))
    alignable = language in WITH_ENTITIES | WITH_PHRASES
    aligned = [pair for pair in found if alignable and pair.source != "subtitles"]
    words = aligner.words([(pair.english, "en") for pair in aligned])
    others = aligner.words([(pair.other, language) for pair in aligned])
    links = {id(pair): Links(pair, *both) for pair, *both in zip(aligned, words, others, strict=True)}
    texts = []
    for pair in found:
        own = labels[pair.english]
        text = Text(pair.other, language, shares=own.shares)
        if id(pair) in links:
            text = _carried(pair, own, links[id(pair)])
        texts.append(text)
    return texts


def _carried(pair: Pair, own: Text, links: Links) -> Text:
    carried = Text(pair.other, pair.language, shares=own.shares)
    entities = own.entities if pair.entities is None else pair.entities
    if pair.language in WITH_ENTITIES and entities is not None:
        spans = [
            (*place, kind)
            for begin, end, kind in entities
            if (place := links.span(begin, end, name=kind in NAMES)) is not None
        ]
        if len(spans) == len(entities) and not _overlap([(begin, end) for begin, end, _ in spans]):
            marked = ALL if pair.entities is None else NAMES
            carried = replace(carried, entities=spans, annotated=marked)
    if pair.language in WITH_PHRASES and own.phrases:
        found = [links.span(begin, end, name=False) for begin, end in own.phrases]
        phrases = sorted({place for place in found if place})
        if len(phrases) >= 0.8 * len(own.phrases) and not _overlap(phrases):
            carried = replace(carried, phrases=phrases)
    return carried


def _overlap(spans: Sequence[tuple[int, int]]) -> bool:
    ordered = sorted(spans)
    return any(one[1] > two[0] for one, two in pairwise(ordered))


_CACHE: dict[str, Text] = {}


def _labelled(texts: Sequence[str], language: str) -> list[Text]:
    """Return English texts with the labels of the English engines; ``entities`` is ``None`` where they are unsure."""
    new = [text for text in texts if text not in _CACHE]
    entities = lists(load_engine("entities-en"), new)
    signs = members(load_engine("sentiment-en"), new)
    for text, named, sign in zip(new, entities, signs, strict=True):
        sure = all(each["Score"] >= LEAST_SCORE for each in named)
        spans = [(each["BeginOffset"], each["EndOffset"], each["Type"]) for each in named]
        shares = tuple(float(sign["SentimentScore"][name]) for name in MEMBERS)
        _CACHE[text] = Text(text, "en", spans if sure else None, ALL, shares=shares)  # type: ignore[arg-type]
    found = [_CACHE[text] for text in texts]
    if language not in WITH_PHRASES:
        return found
    nouns = lists(load_engine("key-phrases-en"), texts)
    return [
        replace(text, phrases=[(each["BeginOffset"], each["EndOffset"]) for each in own])
        for text, own in zip(found, nouns, strict=True)
    ]


def write(place: Path, aligner: Aligner) -> None:
    """Label the texts of all languages, which takes minutes, and keep them in a file."""
    found = [text for language in NEWS for text in projected(language, aligner)]
    rows = [{**asdict(text), "annotated": sorted(text.annotated)} for text in found]
    place.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")


def read(place: Path) -> list[Text]:
    """Return the texts that ``write`` kept."""
    return [_restored(row) for row in json.loads(place.read_text(encoding="utf-8"))]


def _restored(row: dict[str, Any]) -> Text:
    spans = {name: row[name] and [tuple(each) for each in row[name]] for name in ("entities", "phrases")}
    return Text(
        row["text"], row["language"], annotated=frozenset(row["annotated"]), shares=tuple(row["shares"]), **spans
    )
