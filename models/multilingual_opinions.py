"""Texts for the multilingual encoder: sentiment, from free corpora. ``Split.test`` is never trained or tuned on.

Most corpora mark emotions. Joy makes a text POSITIVE; anger, disgust, fear or sadness NEGATIVE; both MIXED; no emotion
NEUTRAL. Handles and addresses are written as the tests write them, "@user" and "http". Training texts equal to a test
text but for these are left out.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Iterable, Iterator
from functools import cache

from bench.quality.corpora import corpora_folder
from models import sentiment_corpora
from models.corpora import Corpus
from models.multilingual_corpora import Split, Text
from models.sentiment_corpora import MIXED, NEGATIVE, NEUTRAL, POSITIVE, of_signs, one

XED = Corpus("Helsinki-NLP/XED", "76666d251f147cf518071bef4f8415dab6b96115", "CC BY 4.0")
BRIGHTER = Corpus(
    "emotion-analysis-project/SemEval2025-Task11", "513a7e8bef7ef6370ac416ced97efba338c47c97", "CC BY 4.0"
)
AR_SARCASM = Corpus("iabufarha/ArSarcasm-v2", "eb85513e133cfc67e30aca4968fadbe2594fcb42", "MIT")
NSMC = Corpus("e9t/nsmc", "cc0670e872d4ac27bfe36c87456783004b39ef6c", "CC0")
XLM_T = Corpus("cardiffnlp/xlm-t", "874214d64d96599eb869a033c22ec2cc57d19256", "not stated")
REVIEWS = Corpus(
    "tyqiangz/multilingual-sentiment-datasets", "0f4d140251eda600db2be6ecd8f92dce454be2b7", "Apache-2.0, as stated"
)

_SIGNS = {"positive": POSITIVE, "negative": NEGATIVE, "neutral": NEUTRAL, "POS": POSITIVE, "NEG": NEGATIVE}
_SIGNS |= {"NEU": NEUTRAL}


def opinions(language: str) -> Split:
    """Return the texts with a sentiment of one language; ja and zh-TW have only a test or none."""
    test = opinion_test(language)
    known = {_plain(each.text) for each in test}
    return Split([each for each in _training(language) if _plain(each.text) not in known], test)


def balanced(texts: Iterable[Text], most: int) -> list[Text]:
    """Return at most so many texts of all signs together, those of a sign at most a third; drawn with a seed."""
    signs: dict[int, list[Text]] = {}
    for text in texts:
        shares = text.shares or one(NEUTRAL)
        signs.setdefault(max(range(4), key=shares.__getitem__), []).append(text)
    chance = random.Random(0)
    return [text for _, each in sorted(signs.items()) for text in chance.sample(each, min(len(each), most // 3))]


def english_opinions() -> list[Text]:
    """Return the texts of ``models/sentiment.py`` and pairs of them, without those of its tests."""
    chance = random.Random(0)
    sources, _ = sentiment_corpora.training_samples(sentiment_corpora.Corpora(corpora_folder()), chance)
    found = [sample for samples in sources.values() for sample in samples if sample.shares]
    found += sentiment_corpora.pairs([*sources["labelled"], *sources["products"]], 600, chance)
    return [Text(sample.text, "en", shares=sample.shares) for sample in found]


_XED = {"ar": "ar", "de": "de", "es": "es", "fr": "fr", "it": "it", "pt": "pt", "zh": "cn"}
_GOOD, _BAD = {"5", "8"}, {"1", "3", "4", "6"}
_BRIGHTER = {"ar": ("arq", "ary"), "de": ("deu",), "es": ("esp",), "hi": ("hin",), "pt": ("ptbr",), "zh": ("chn",)}


def _training(language: str) -> Iterator[Text]:
    if language in _XED:
        for line in XED.read(f"Projections/{_XED[language]}-projections.tsv").splitlines():
            text, _, numbers = line.rpartition("\t")
            emotions = set(re.findall(r"\d", numbers))
            signs = [POSITIVE] * bool(emotions & _GOOD) + [NEGATIVE] * bool(emotions & _BAD)
            if len(signs) == 1 and len(text) > 5:
                yield Text(text, language, shares=one(of_signs(signs)))
    for name in _BRIGHTER.get(language, ()):
        for part in ("train", "dev", "test"):
            yield from _emotions(language, f"task-dataset/semeval-2025-task11-dataset/track_a/{part}/{name}.csv")
    if language == "ar":
        for row in _rows(AR_SARCASM.read("ArSarcasm-v2/training_data.csv")):
            yield Text(_written(row["tweet"].strip('"')), "ar", shares=one(_SIGNS[row["sentiment"]]))
    if language == "ko":
        yield from _films()[0]


def _emotions(language: str, path: str) -> Iterator[Text]:
    for row in _rows(BRIGHTER.read(path)):
        marked = {name for name, value in row.items() if name not in ("id", "text") and value in ("1", "1.0")}
        signs = [POSITIVE] * ("joy" in marked) + [NEGATIVE] * bool(marked & {"anger", "disgust", "fear", "sadness"})
        # Surprise alone can be of either sign.
        if signs or not marked:
            yield Text(_written(row["text"]), language, shares=one(of_signs(signs)))


def _rows(text: str) -> Iterator[dict[str, str]]:
    yield from csv.DictReader(io.StringIO(text))


@cache
def _films() -> tuple[list[Text], list[Text]]:
    """Korean comments on films with 1 to 10 points, each 120th film for the test; the signs in equal numbers."""
    sides: tuple[dict[int, list[Text]], ...] = ({}, {})
    for number, name in enumerate(NSMC.names("raw")):
        if number % 2:
            continue
        for row in json.loads(NSMC.read(name)):
            points = int(row["rating"])
            sign = NEGATIVE if points <= 4 else POSITIVE if points >= 9 else NEUTRAL if points in (5, 6, 7) else MIXED
            text = " ".join(row["review"].split())
            if sign != MIXED and len(text) > 5:
                sides[number % 120 == 0].setdefault(sign, []).append(Text(text, "ko", shares=one(sign)))
    parts = []
    for side, most in zip(sides, (2_500, 500), strict=True):
        count = min(most, *(len(each) for each in side.values()))
        chance = random.Random(0)
        parts.append([text for each in side.values() for text in chance.sample(each, count)])
    return parts[0], parts[1]


_TWEETS = {"ar": "arabic", "de": "german", "es": "spanish", "fr": "french", "hi": "hindi", "it": "italian"}
_TWEETS |= {"pt": "portuguese"}
_STARS = {"ja": "japanese", "zh": "chinese"}


def opinion_test(language: str) -> list[Text]:
    """Return the test alone, for which less has to be fetched; zh-TW has none."""
    if language in _TWEETS:
        folder = f"data/sentiment/{_TWEETS[language]}"
        signs = [(NEGATIVE, NEUTRAL, POSITIVE)[int(each)] for each in XLM_T.read(f"{folder}/test_labels.txt").split()]
        texts = XLM_T.read(f"{folder}/test_text.txt").rstrip("\n").split("\n")
        return [Text(text, language, shares=one(sign)) for text, sign in zip(texts, signs, strict=True)]
    if language in _STARS:
        rows = csv.reader(io.StringIO(REVIEWS.read(f"data/{_STARS[language]}/test.csv")))
        found = [(row[0], row[1]) for row in rows if len(row) > 1 and row[1] in _SIGNS]
        return [Text(text, language, shares=one(_SIGNS[sign])) for text, sign in found]
    return _films()[1] if language == "ko" else []


def _written(text: str) -> str:
    return " ".join(re.sub(r"https?://\S+", "http", re.sub(r"@(?:<\w+>|\w+)", "@user", text)).split())


def _plain(text: str) -> str:
    rest = re.sub(r"http\S*|@(?:<\w+>|\w+)", "", text.lower())
    return "".join(character for character in rest if character.isalnum())
