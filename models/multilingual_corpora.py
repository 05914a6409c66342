"""Texts for the multilingual encoder: entities, noun phrases, word classes and sentiment, from free corpora.

A text has the labels of its corpus only. ``Split.test`` is never trained or tuned on; training texts equal to
a test text are left out. KLUE and HiNER publish their development parts in files that the repository's
snapshot holds, but not their training parts: three quarters of KLUE's and four fifths of HiNER's train here, and the
rest is the test. AQMAR's eight development articles train, the twenty test articles test.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial

from bench.quality.corpora import corpora_folder
from models import entity_corpora, language_corpora, sentiment_corpora
from models.corpora import EWT, Corpus
from models.sentiment_corpora import MIXED, NEGATIVE, NEUTRAL, POSITIVE, of_signs, one
from models.treebanks import Tree, noun_phrases, trees
from reading_room.analysis.engines.entity_tags import TYPES

KLUE = Corpus("KLUE-benchmark/KLUE", "3efd98708a40ff49251fddde35453f8fbb11f536", "CC BY-SA 4.0")
HINER = Corpus("cfiltnlp/HiNER", "5e12e796a7a4b7b8880b2e876adb27894501a8e9", "CC BY-SA 4.0")
AQMAR = Corpus("HussamHallak/AQMAR-Arabic-NERC-Dataset", "02afd80a2c645b52e66d00e162cc5d652cbe6ef5", "CC BY-SA 3.0")
EUROPARL = Corpus(
    "ixa-ehu/ner-evaluation-corpus-europarl", "40e84e215a35c7e46c1b169ad88ab55108a8b0de", "free of claims"
)
KIND = Corpus("dhfbk/KIND", "a2ad139171ef7fde0dff0f8ea94d18356340ada9", "CC BY-NC 4.0")
FENEC = Corpus("alicemillour/FENEC", "3a975635d57712096d8ebf859d842042c782837b", "by text: CC BY, CC BY-SA, LGPL-LR")
UD_KOREAN = Corpus("UniversalDependencies/UD_Korean-GSD", "925eec22693d37a922eb546c6a9500844d271d51", "CC BY-SA 4.0")
PUD_ITALIAN = Corpus("UniversalDependencies/UD_Italian-PUD", "71d932aa096368331ba2fd9bc906ec8dd853da8e", "CC BY-SA 3.0")
PUD_ARABIC = Corpus("UniversalDependencies/UD_Arabic-PUD", "be733f45d21f42d506c62930f806ed2182a5ee3d", "CC BY-SA 3.0")
PUD_HINDI = Corpus("UniversalDependencies/UD_Hindi-PUD", "8bc630f73e0737ce5ed9eaa97abf11f172ecc9bd", "CC BY-SA 3.0")
XED = Corpus("Helsinki-NLP/XED", "76666d251f147cf518071bef4f8415dab6b96115", "CC BY 4.0")
NSMC = Corpus("e9t/nsmc", "cc0670e872d4ac27bfe36c87456783004b39ef6c", "CC0")
AR_SARCASM = Corpus("iabufarha/ArSarcasm", "62a114b6082e8ef652203605078de4bb16630380", "MIT")
XLM_T = Corpus("cardiffnlp/xlm-t", "874214d64d96599eb869a033c22ec2cc57d19256", "not stated")
REVIEWS = Corpus(
    "tyqiangz/multilingual-sentiment-datasets", "0f4d140251eda600db2be6ecd8f92dce454be2b7", "Apache-2.0, as stated"
)

NAMES = frozenset(("PERSON", "LOCATION", "ORGANIZATION"))
ALL = frozenset(TYPES)
_PLAIN = {"PER": "PERSON", "PERS": "PERSON", "LOC": "LOCATION", "ORG": "ORGANIZATION"}
_PLAIN |= {"PERSON": "PERSON", "LOCATION": "LOCATION", "ORGANIZATION": "ORGANIZATION"}
_KLUE = {"PS": "PERSON", "LC": "LOCATION", "OG": "ORGANIZATION", "DT": "DATE", "TI": "DATE", "QT": "QUANTITY"}
_KLUE_TYPES = frozenset(_KLUE.values())
_AQMAR_TRAIN = frozenset(
    ("Damascus", "Imam_Hussein_Shrine", "Atom", "Nuclear_Power", "Raul_Gonzales", "Real_Madrid", "Linux", "Solaris")
)
_FENEC = (
    "encyclopedia01-WikiNER",
    "encyclopedia02-wikiner_gold",
    "information01-APIL",
    "information02-Wikinews",
    "information03-LEstRepublicain",
)
_SIGNS = {"positive": POSITIVE, "negative": NEGATIVE, "neutral": NEUTRAL}

Span = tuple[int, int, str]


@dataclass(frozen=True)
class Text:
    """A text with the labels it has; places are code points. ``annotated``: the types that its corpus marks."""

    text: str
    language: str
    entities: list[Span] | None = None
    annotated: frozenset[str] = frozenset()
    phrases: list[tuple[int, int]] | None = None
    classes: list[Span] | None = None
    shares: tuple[float, float, float, float] | None = None
    heads: list[tuple[int, int]] = field(default_factory=list)
    """The head of each noun phrase."""


@dataclass(frozen=True)
class Split:
    """Texts for training and for a test."""

    train: list[Text]
    test: list[Text]


# Entities.


def entities(language: str) -> Split:
    """Return the texts with entities of one language; es, fr and it have only a test."""
    train, test = _ENTITIES[language]()
    known = {each.text for each in test}
    return Split([each for each in train if each.text not in known], test)


def _english() -> tuple[list[Text], list[Text]]:
    found = []
    for number, sentence in enumerate(entity_corpora.training()):
        text, places = sentence.render(number % 2 == 0)
        spans = [(places[first][0], places[end - 1][1], kind) for first, end, kind in sentence.spans]
        found.append(Text(text, "en", spans, frozenset(sentence.annotated)))
    return found, []


def _existing(language: str) -> tuple[list[Text], list[Text]]:
    readers: dict[str, Callable[[], language_corpora.Split]] = {
        "pt": language_corpora.portuguese_entities,
        "de": language_corpora.german_entities,
        "ja": language_corpora.japanese_entities,
        "zh": language_corpora.chinese_entities,
        "zh-TW": partial(language_corpora.chinese_entities, traditional=True),
    }
    read = readers[language]()
    types = ALL if language == "ja" else NAMES
    train, test = (
        [Text(text, language, list(spans), types) for text, spans in part]
        for part in ([*read.train, *read.held_back], read.test)
    )
    return train, test


def _korean() -> tuple[list[Text], list[Text]]:
    found = []
    for block in KLUE.read("klue_benchmark/klue-ner-v1.1/klue-ner-v1.1_dev.tsv").split("\n\n"):
        rows = [line.split("\t") for line in block.split("\n") if "\t" in line and not line.startswith("## ")]
        text = "".join(row[0] for row in rows)
        if text.strip():
            places = [(at, at + 1) for at in range(len(text))]
            found.append(Text(text, "ko", _of_tags(places, [row[1] for row in rows], _KLUE), _KLUE_TYPES))
    return _parted(found, 4)


def _hindi() -> tuple[list[Text], list[Text]]:
    found = [
        Text(text, "hi", _of_tags(places, tags, _PLAIN), NAMES)
        for text, places, tags in _columns(HINER.read("data/collapsed/validation.conll"), "\t")
    ]
    return _parted(found, 5)


def _arabic() -> tuple[list[Text], list[Text]]:
    train: list[Text] = []
    test: list[Text] = []
    for name in AQMAR.names("aqmar/articles"):
        title = name.rpartition("/")[2].removesuffix(".txt")
        for text, places, tags in _columns(AQMAR.read(name).replace("\r", ""), " "):
            found = Text(text, "ar", _of_tags(places, tags, _PLAIN), NAMES)
            (train if title in _AQMAR_TRAIN else test).append(found)
    return train, test


def _europarl(language: str) -> tuple[list[Text], list[Text]]:
    rows = _columns(EUROPARL.read(f"{language}-europarl.test.conll02"), "\t")
    return [], [Text(text, language, _of_tags(places, tags, _PLAIN), NAMES) for text, places, tags in rows]


def _italian() -> tuple[list[Text], list[Text]]:
    rows = _columns(KIND.read("evalita-2023/WN_test.tsv"), "\t")
    return [], [Text(text, "it", _of_tags(places, tags, _PLAIN), NAMES) for text, places, tags in rows]


def _french() -> tuple[list[Text], list[Text]]:
    """FENEC 2.0, encyclopedia and news, line by line: the outermost of nested entities."""
    found = []
    for name in _FENEC:
        text = FENEC.read(f"FENEC_2.0/{name}.txt")
        spans = []
        for line in FENEC.read(f"FENEC_2.0/{name}.ann").splitlines():
            kind, begin, end, *_ = line.split("\t")
            if kind in _PLAIN:
                spans.append((int(begin), int(end), _PLAIN[kind]))
        spans.sort(key=lambda span: (span[0], -span[1]))
        outer: list[Span] = []
        for span in spans:
            if not outer or span[0] >= outer[-1][1]:
                outer.append(span)
        at = 0
        for line in text.split("\n"):
            inside = [(b - at, e - at, kind) for b, e, kind in outer if at <= b and e <= at + len(line)]
            if line.strip():
                found.append(Text(line, "fr", inside, NAMES))
            at += len(line) + 1
    return [], found


_ENTITIES: dict[str, Callable[[], tuple[list[Text], list[Text]]]] = {
    "en": _english,
    **{code: partial(_existing, code) for code in ("pt", "de", "ja", "zh", "zh-TW")},
    "ko": _korean,
    "hi": _hindi,
    "ar": _arabic,
    "es": partial(_europarl, "es"),
    "it": _italian,
    "fr": _french,
}


def europarl(language: str) -> list[Text]:
    """Return the Europarl test of de, es or it: speeches, out of the domain of every training text."""
    return _europarl(language)[1]


def _columns(text: str, separator: str) -> Iterator[tuple[str, list[tuple[int, int]], list[str]]]:
    for block in re.split(r"\n\s*\n", text):
        rows = [line.rstrip().split(separator) for line in block.split("\n") if separator in line.strip()]
        words, tags = [row[0] for row in rows], [row[-1] for row in rows]
        blanks = entity_corpora.guess_blanks(words)
        line, places = "", []
        for word, blank in zip(words, blanks, strict=True):
            places.append((len(line), len(line) + len(word)))
            line += word + (" " if blank else "")
        if line.strip():
            yield line.rstrip(), places, tags


def _of_tags(places: list[tuple[int, int]], tags: list[str], types: dict[str, str]) -> list[Span]:
    found: list[Span] = []
    last = "O"
    for (begin, end), tag in zip(places, tags, strict=True):
        place, _, kind = tag.partition("-")
        going_on = place == "I" and last.partition("-")[2] == kind
        if kind in types and going_on and found:
            found[-1] = (found[-1][0], end, found[-1][2])
        elif kind in types:
            found.append((begin, end, types[kind]))
        last = tag
    return found


def _parted(texts: list[Text], share: int) -> tuple[list[Text], list[Text]]:
    kept = [each for number, each in enumerate(texts) if number % share]
    return kept, [each for number, each in enumerate(texts) if number % share == 0]


# Trees.

_TREEBANKS: dict[str, tuple[Corpus, str, bool]] = {
    "es": (language_corpora.UD_SPANISH, "es_gsd", True),
    "fr": (language_corpora.UD_FRENCH, "fr_gsd", True),
    "de": (language_corpora.UD_GERMAN, "de_gsd", True),
    "zh": (language_corpora.UD_GSD_SIMPLIFIED, "zh_gsdsimp", True),
    "zh-TW": (language_corpora.UD_GSD_TRADITIONAL, "zh_gsd", True),
    "ja": (language_corpora.JAPANESE, "ja_gsd", True),
    "ko": (UD_KOREAN, "ko_gsd", True),
    "it": (PUD_ITALIAN, "it_pud", False),
    "ar": (PUD_ARABIC, "ar_pud", False),
    "hi": (PUD_HINDI, "hi_pud", False),
}


def parsed(language: str) -> Split:
    """Return the texts with noun phrases and word classes of one language; it, ar and hi have only a test."""
    if language == "en":
        files = set(EWT.read("not-to-release/file-lists/files.train").split())
        folder = "not-to-release/sources/"
        paths = sorted(path for path in EWT.names(folder.rstrip("/")) if path.removeprefix(folder) in files)
        known = {each.text for each in trees(EWT.read("en_ewt-ud-test.conllu"))}
        train = [tree for path in paths for tree in trees(EWT.read(path)) if tree.text not in known]
        return Split([_of_tree(tree, "en") for tree in train], [])
    if language == "pt":
        parts = language_corpora.bosque()
        train, test = [*parts["train"], *parts["dev"]], parts["test"]
    else:
        corpus, name, has_train = _TREEBANKS[language]
        train = list(trees(corpus.read(f"{name}-ud-dev.conllu"))) if has_train else []
        test = list(trees(corpus.read(f"{name}-ud-test.conllu")))
    known = {tree.text for tree in test}
    return Split(
        [_of_tree(tree, language) for tree in train if tree.text not in known],
        [_of_tree(tree, language) for tree in test],
    )


def _of_tree(tree: Tree, language: str) -> Text:
    phrases = noun_phrases(tree.words, bare_modifiers=language in ("zh", "zh-TW", "ja"))
    numbers = {word.number: word for word in tree.words}
    heads = []
    for begin, end in phrases:
        inside = [word for word in tree.words if begin <= word.begin and word.end <= end]
        top = [w for w in inside if w.head not in numbers or not begin <= numbers[w.head].begin < end]
        nominal = [w for w in top if w.tag in ("NOUN", "PROPN", "PART", "NUM", "X", "SYM")]
        head = (nominal or top or inside)[0]
        heads.append((head.begin, head.end))
    classes: list[Span] = []
    for word in tree.words:
        if not classes or word.begin >= classes[-1][1]:
            classes.append((word.begin, word.end, "O" if word.tag in ("X", "_") else word.tag))
    return Text(tree.text, language, phrases=phrases, classes=classes, heads=heads)


# Sentiment.


def opinions(language: str) -> Split:
    """Return the texts with a sentiment of one language; hi, ja and zh-TW have only a test or none."""
    test = _opinion_tests(language)
    known = {_plain(each.text) for each in test}
    return Split([each for each in _opinion_texts(language) if _plain(each.text) not in known], test)


def english_opinions() -> list[Text]:
    """Return the texts of ``models/sentiment.py`` and pairs of them, without those of its tests."""
    chance = random.Random(0)
    sources, _ = sentiment_corpora.training_samples(sentiment_corpora.Corpora(corpora_folder()), chance)
    found = [sample for samples in sources.values() for sample in samples if sample.shares]
    found += sentiment_corpora.pairs([*sources["labelled"], *sources["products"]], 600, chance)
    return [Text(sample.text, "en", shares=sample.shares) for sample in found]


_XED = {"ar": "ar", "de": "de", "es": "es", "fr": "fr", "it": "it", "pt": "pt", "zh": "cn"}
_GOOD, _BAD = {"5", "8"}, {"1", "3", "4", "6"}


def _opinion_texts(language: str) -> list[Text]:
    found: list[Text] = []
    if language in _XED:
        for line in XED.read(f"Projections/{_XED[language]}-projections.tsv").splitlines():
            text, _, numbers = line.rpartition("\t")
            emotions = set(re.findall(r"\d", numbers))
            signs = [POSITIVE] * bool(emotions & _GOOD) + [NEGATIVE] * bool(emotions & _BAD)
            if len(signs) == 1 and len(text) > 5:
                found.append(Text(text, language, shares=one(of_signs(signs))))
    if language == "ar":
        rows = csv.DictReader(io.StringIO(AR_SARCASM.read("dataset/ArSarcasm_train.csv")))
        found += [Text(row["tweet"].strip('"'), "ar", shares=one(_SIGNS[row["sentiment"]])) for row in rows]
    if language == "ko":
        found += _films()[0]
    return found


@cache
def _films() -> tuple[list[Text], list[Text]]:
    """Korean comments on films with 1 to 10 points, every twentieth film for the test; the signs in equal numbers."""
    sides: tuple[dict[int, list[Text]], ...] = ({}, {})
    for number, name in enumerate(NSMC.names("raw")[::6]):
        for row in json.loads(NSMC.read(name)):
            points = int(row["rating"])
            sign = NEGATIVE if points <= 4 else POSITIVE if points >= 9 else NEUTRAL if points in (5, 6, 7) else MIXED
            text = " ".join(row["review"].split())
            if sign != MIXED and len(text) > 5:
                sides[number % 20 == 0].setdefault(sign, []).append(Text(text, "ko", shares=one(sign)))
    chance = random.Random(0)
    parts = []
    for side, most in zip(sides, (1_500, 500), strict=True):
        count = min(most, *(len(each) for each in side.values()))
        parts.append([text for each in side.values() for text in chance.sample(each, count)])
    return parts[0], parts[1]


_TWEETS = {"ar": "arabic", "de": "german", "es": "spanish", "fr": "french", "hi": "hindi", "it": "italian"}
_TWEETS |= {"pt": "portuguese"}
_STARS = {"ja": "japanese", "zh": "chinese"}


def _opinion_tests(language: str) -> list[Text]:
    if language in _TWEETS:
        folder = f"data/sentiment/{_TWEETS[language]}"
        signs = [(NEGATIVE, NEUTRAL, POSITIVE)[int(each)] for each in XLM_T.read(f"{folder}/test_labels.txt").split()]
        texts = XLM_T.read(f"{folder}/test_text.txt").rstrip("\n").split("\n")
        return [Text(text, language, shares=one(sign)) for text, sign in zip(texts, signs, strict=True)]
    if language in _STARS:
        rows = csv.reader(io.StringIO(REVIEWS.read(f"data/{_STARS[language]}/test.csv")))
        found = [(row[0], row[1]) for row in rows if len(row) > 1 and row[1] in _SIGNS]
        return [Text(text, language, shares=one(_SIGNS[sign])) for text, sign in found[:1_500]]
    return _films()[1] if language == "ko" else []


def _plain(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())


def drawn(texts: Iterable[Text], most: int, seed: int = 0) -> list[Text]:
    """Return at most so many of the texts, drawn with a seed."""
    listed = list(texts)
    return random.Random(seed).sample(listed, most) if len(listed) > most else listed
