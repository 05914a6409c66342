"""Texts for the multilingual encoder: entities, noun phrases and word classes, from free corpora.

A text has the labels of its corpus only. ``Split.test`` is never trained or tuned on; training texts equal to
a test text are left out. ``multilingual_opinions`` has the texts with a sentiment, and ``parallel`` those with
projected labels. KLUE and HiNER publish their development parts in files that the repository's
snapshot holds, but not their training parts: three quarters of KLUE's and four fifths of HiNER's train here, and the
rest is the test. AQMAR's eight development articles train, the twenty test articles test.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial

from models import entity_corpora, language_corpora
from models.corpora import EWT, Corpus
from models.manifest import WEIGHTS
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
UD_FRENCH = Corpus("UniversalDependencies/UD_French-GSD", "830e2782304af08b3cc1c9250475343e04274d81", "CC BY-SA 4.0")
UD_GERMAN = Corpus("UniversalDependencies/UD_German-GSD", "297fcf350481058d0737a27f0f8fd03b2eadd67a", "CC BY-SA 4.0")
UD_SPANISH = Corpus("UniversalDependencies/UD_Spanish-GSD", "57c045644664e5c1e169263cc4e3b95e40c078ba", "CC BY-SA 4.0")
CONLL_2002 = Corpus("mrm8488/NER_conll2002_dataset", "4c60c3ac9f375cdbcc289761d3e3c6b221608008", "research use")
UNER_PUD_CHINESE = Corpus("UniversalNER/UNER_Chinese-PUD", "647ba53747e1aa1818541965db99a0196440b7d2", "CC BY-SA 3.0")
UNER_PUD_GERMAN = Corpus("UniversalNER/UNER_German-PUD", "47eb039b6d80079b280ba70efe4136413fb7af9c", "CC BY-SA 3.0")
UNER_PUD_PORTUGUESE = Corpus(
    "UniversalNER/UNER_Portuguese-PUD", "cda2cf86b68d45e896aab97ceca5e91d43a86db7", "CC BY-SA 3.0"
)
PUD_SPANISH = Corpus("UniversalDependencies/UD_Spanish-PUD", "818a82b8628c9cbec78750c7e83ccba34b9ce22b", "CC BY-SA 3.0")
PUD_FRENCH = Corpus("UniversalDependencies/UD_French-PUD", "c245786cfb3020d43bcfc96215ae531a1b07bcbc", "CC BY-SA 3.0")
PUD_GERMAN = Corpus("UniversalDependencies/UD_German-PUD", "ff80846ae60a0a70fc4d6251ef73e6a483a620ee", "CC BY-SA 3.0")
PUD_PORTUGUESE = Corpus(
    "UniversalDependencies/UD_Portuguese-PUD", "be08a756d76bd79bf5d4a492dfdc28b46b33e76e", "CC BY-SA 3.0"
)
UD_KOREAN = Corpus("UniversalDependencies/UD_Korean-GSD", "925eec22693d37a922eb546c6a9500844d271d51", "CC BY-SA 4.0")
PUD_ITALIAN = Corpus("UniversalDependencies/UD_Italian-PUD", "71d932aa096368331ba2fd9bc906ec8dd853da8e", "CC BY-SA 3.0")
PUD_ARABIC = Corpus("UniversalDependencies/UD_Arabic-PUD", "be733f45d21f42d506c62930f806ed2182a5ee3d", "CC BY-SA 3.0")
PUD_HINDI = Corpus("UniversalDependencies/UD_Hindi-PUD", "8bc630f73e0737ce5ed9eaa97abf11f172ecc9bd", "CC BY-SA 3.0")

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

_FENEC_TRAIN = (
    "multi01-UDFrenchGSD",
    "poetry01-Baudelaire",
    "poetry02-Rimbaud",
    "prose01-Voltaire",
    "prose02-Zola",
    "prose03-Giono",
    "spoken01-Rhapsodie",
    "spoken02-Rhapsodie",
    "spoken03-Rhapsodie",
)
"""Texts of other genres than the test's, in the public domain or under CC BY-SA."""

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
    """Return the texts with entities of one language; es and it have only a test."""
    train, test = _ENTITIES[language]()
    known = {each.text for each in test}
    return Split([each for each in [*train, *_encyclopedia(language)] if each.text not in known], test)


def entity_test(language: str) -> list[Text]:
    """Return the test alone, for which less has to be fetched."""
    return _ENTITIES[language]()[1]


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


def _encyclopedia(language: str) -> list[Text]:
    """UNER's labels on PUD, a thousand sentences: de, pt, and zh in simplified characters."""
    if language == "zh":
        rows = language_corpora.iob(UNER_PUD_CHINESE.read("zh_pud-ud-test.iob2"))
        placed = ((folded(text), language_corpora.places(text, words), marks) for text, words, marks in rows)
    elif language in ("de", "pt"):
        corpus = {"de": UNER_PUD_GERMAN, "pt": UNER_PUD_PORTUGUESE}[language]
        treebank, name = PUD_TREES[language]
        written = {"".join(word.form for word in tree.words): tree for tree in trees(treebank.read(name))}
        rows = language_corpora.iob(corpus.read(f"{language}_pud-ud-test.iob2"))
        known = ((written.get("".join(words)), marks) for _, words, marks in rows)
        # The two cut some words differently.
        same = ((tree, marks) for tree, marks in known if tree and len(tree.words) == len(marks))
        placed = ((tree.text, [(word.begin, word.end) for word in tree.words], marks) for tree, marks in same)
    else:
        return []
    return [Text(text, language, language_corpora.spans(at, marks), NAMES) for text, at, marks in placed]


@cache
def _simplified() -> dict[int, str]:
    pairs = (WEIGHTS / "chinese-words" / "fold.txt").read_text(encoding="utf-8").split()
    return {ord(pair[0]): pair[1] for pair in pairs}


def folded(text: str) -> str:
    """Return a Chinese text in simplified characters, one for one, as the engine reads it."""
    return text.translate(_simplified())


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


def _spanish() -> tuple[list[Text], list[Text]]:
    rows = _columns(CONLL_2002.read("esp.testb"), " ")
    return [], [Text(text, "es", _of_tags(places, tags, _PLAIN), NAMES) for text, places, tags in rows]


def _europarl(language: str) -> tuple[list[Text], list[Text]]:
    rows = _columns(EUROPARL.read(f"{language}-europarl.test.conll02"), "\t")
    return [], [Text(text, language, _of_tags(places, tags, _PLAIN), NAMES) for text, places, tags in rows]


def _italian() -> tuple[list[Text], list[Text]]:
    rows = _columns(KIND.read("evalita-2023/WN_test.tsv"), "\t")
    return [], [Text(text, "it", _of_tags(places, tags, _PLAIN), NAMES) for text, places, tags in rows]


def _french() -> tuple[list[Text], list[Text]]:
    """FENEC 2.0: encyclopedia and news are the test, some of the other genres train."""
    return _fenec(_FENEC_TRAIN), _fenec(_FENEC)


def _fenec(names: Iterable[str]) -> list[Text]:
    """Texts line by line, with the outermost of nested entities."""
    found = []
    for name in names:
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
    return found


_ENTITIES: dict[str, Callable[[], tuple[list[Text], list[Text]]]] = {
    "en": _english,
    **{code: partial(_existing, code) for code in ("pt", "de", "ja", "zh", "zh-TW")},
    "ko": _korean,
    "hi": _hindi,
    "ar": _arabic,
    "es": _spanish,
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
    "es": (UD_SPANISH, "es_gsd", True),
    "fr": (UD_FRENCH, "fr_gsd", True),
    "de": (UD_GERMAN, "de_gsd", True),
    "zh": (language_corpora.UD_GSD_SIMPLIFIED, "zh_gsdsimp", True),
    "zh-TW": (language_corpora.UD_GSD_TRADITIONAL, "zh_gsd", True),
    "ja": (language_corpora.JAPANESE, "ja_gsd", True),
    "ko": (UD_KOREAN, "ko_gsd", True),
    "it": (PUD_ITALIAN, "it_pud", False),
    "ar": (PUD_ARABIC, "ar_pud", False),
    "hi": (PUD_HINDI, "hi_pud", False),
}
PUD_TREES = {
    "es": (PUD_SPANISH, "es_pud-ud-test.conllu"),
    "fr": (PUD_FRENCH, "fr_pud-ud-test.conllu"),
    "de": (PUD_GERMAN, "de_pud-ud-test.conllu"),
    "pt": (PUD_PORTUGUESE, "pt_pud-ud-test.conllu"),
}
"""Treebanks of a thousand sentences that train here: other treebanks are the test of these languages."""


def parsed(language: str) -> Split:
    """Return the texts with noun phrases and word classes of one language; it, ar and hi have only a test."""
    train, test = _parsed(language)
    if language in PUD_TREES:
        corpus, name = PUD_TREES[language]
        train += trees(corpus.read(name))
    known = {tree.text for tree in test}
    found = [_of_tree(tree, language) for tree in train if tree.text not in known]
    # English sentences teach, and another module measures.
    return Split(found, [] if language == "en" else [_of_tree(tree, language) for tree in test])


def parsed_test(language: str) -> list[Text]:
    """Return the test alone, for which less has to be fetched."""
    return [_of_tree(tree, language) for tree in _parsed(language)[1]]


def _parsed(language: str) -> tuple[list[Tree], list[Tree]]:
    if language == "en":
        files = set(EWT.read("not-to-release/file-lists/files.train").split())
        folder = "not-to-release/sources/"
        paths = sorted(path for path in EWT.names(folder.rstrip("/")) if path.removeprefix(folder) in files)
        return [tree for path in paths for tree in trees(EWT.read(path))], list(
            trees(EWT.read("en_ewt-ud-test.conllu"))
        )
    if language == "pt":
        parts = language_corpora.bosque()
        return [*parts["train"], *parts["dev"]], parts["test"]
    corpus, name, has_train = _TREEBANKS[language]
    train = list(trees(corpus.read(f"{name}-ud-dev.conllu"))) if has_train else []
    return train, list(trees(corpus.read(f"{name}-ud-test.conllu")))


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


def drawn(texts: Iterable[Text], most: int, seed: int = 0) -> list[Text]:
    """Return at most so many of the texts, drawn with a seed."""
    listed = list(texts)
    return random.Random(seed).sample(listed, most) if len(listed) > most else listed
