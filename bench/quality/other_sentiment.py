"""Sentiment in languages other than English, on public sets with three classes."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from bench.quality.corpora import FOLDER_VARIABLE, Corpora
from bench.quality.other_languages import barred
from bench.quality.rows import Row, calibration
from bench.quality.running import members
from bench.quality.scoring import bootstrap, class_tally, macro_f1, share
from models import multilingual_opinions
from models.corpora import Corpus
from models.multilingual_corpora import drawn
from reading_room.analysis.engine import load_engine
from reading_room.analysis.engines.sentiment_model import SIGNS

TITLE = "Sentiment in other languages (`sentiment-…`)"
HOW = """\
Accuracy over three classes; the answer MIXED counts as wrong. Of longer sets, 500 texts are drawn. ar, de, es, fr,
hi, it and pt: tweets, a third of each class. ja and zh: product reviews of a test part, whose class comes from their
stars (three are NEUTRAL). ko: comments on films that the recipe does not train on, by their points, equally many of
each class. For zh-TW no free set was found: its engine is the one of zh, which reads traditional characters as
simplified ones."""

LANGUAGES = ("es", "fr", "de", "it", "pt", "ja", "ko", "zh", "ar", "hi")
FLOOR, AIM = 0.60, 0.72
MOST = 500
"""Texts of a set, drawn with a seed from a longer one."""


def measure(corpora: Corpora) -> list[Row]:
    """Score every language with a test."""
    for listed in vars(multilingual_opinions).values():
        if isinstance(listed, Corpus) and listed.repository in corpora.repositories:
            corpora.require(listed.repository)
    os.environ[FOLDER_VARIABLE] = str(corpora.place)
    rows: list[Row] = []
    for language in LANGUAGES:
        test = drawn(multilingual_opinions.opinion_test(language), MOST)
        gold = [SIGNS[int(np.argmax(text.shares or ()))] for text in test]
        rows += scored(f"sentiment-{language}", [text.text for text in test], gold)
    return rows


def scored(name: str, texts: Sequence[str], gold: Sequence[str]) -> list[Row]:
    """Run an engine by name and score it."""
    answers = list(members(load_engine(name), texts))
    labels = [each["Sentiment"] for each in answers]
    tally = [(int(one == two), 1) for one, two in zip(labels, gold, strict=True)]
    scores = [float(max(each["SentimentScore"].values())) for each in answers]
    size = f"{len(texts):,} texts"
    return [
        barred(Row(f"accuracy, `{name}`", bootstrap(tally, share), size, floor=FLOOR, aim=AIM)),
        Row(f"macro F1, `{name}`", bootstrap(class_tally(labels, gold, sorted(set(gold))), macro_f1), size),
        *calibration(f"`{name}`", scores, [right for right, _ in tally], size, ceiling=None),
    ]
