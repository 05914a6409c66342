"""Entities and key phrases in languages other than English, on the test parts that their recipes keep apart."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from bench.quality.corpora import FOLDER_VARIABLE, Corpora
from bench.quality.rows import Row, calibration
from bench.quality.running import lists
from bench.quality.scoring import bootstrap, exact, f1, precision, recall
from bench.quality.tagged import Span
from models import language_corpora
from models.corpora import Corpus
from reading_room.analysis.engine import load_engine

TITLE = "Entities and key phrases in other languages (`entities-…`, `key-phrases-…`)"
HOW = """\
Exact F1 over begin, end and type, or over begin and end of a phrase, on test parts: UNER Bosque (pt), UNER GSD (zh,
zh-TW), GermEval 2014's outer entities of persons, places and organizations (de), Megagon's layer on UD Japanese GSD
(ja, all of Comprehend's types). Gold key phrases are the noun phrases of the test trees of Universal Dependencies as
`models/treebanks.py` derives them, so they are complete, and precision is meaningful here."""

Sentence = tuple[str, Sequence[Span]]


def measure(corpora: Corpora) -> list[Row]:
    """Score every language that is served, sentence by sentence."""
    for listed in vars(language_corpora).values():
        if isinstance(listed, Corpus) and listed.repository in corpora.repositories:
            corpora.require(listed.repository)
    os.environ[FOLDER_VARIABLE] = str(corpora.place)
    entities: dict[str, Callable[[], language_corpora.Split]] = {
        "pt": language_corpora.portuguese_entities,
        "de": language_corpora.german_entities,
        "ja": language_corpora.japanese_entities,
        "zh": language_corpora.chinese_entities,
        "zh-TW": partial(language_corpora.chinese_entities, traditional=True),
    }
    rows = []
    for language, split in entities.items():
        rows += scored(f"entities-{language}", split().test, 0.73 if language == "pt" else None)
    for language in ("pt", "es", "fr", "de", "ja", "zh", "zh-TW"):
        rows += scored(f"key-phrases-{language}", language_corpora.phrases(language).test, None)
    return rows


def scored(name: str, sentences: Sequence[Sentence], floor: float | None) -> list[Row]:
    """Run an engine by name over sentences and score it."""
    engine = load_engine(name)
    tally, scores, right = [], [], []
    phrases = engine.result_member == "KeyPhrases"
    for found, (_, spans) in zip(lists(engine, (text for text, _ in sentences)), sentences, strict=True):
        gold = {(begin, end, "" if phrases else kind) for begin, end, kind in spans}
        answers = {(each["BeginOffset"], each["EndOffset"], each.get("Type", "")): each["Score"] for each in found}
        tally.append(exact(answers, gold))
        scores += [float(score) for score in answers.values()]
        right += [answer in gold for answer in answers]
    sums = np.asarray(tally).sum(axis=0)
    size = f"{len(sentences):,} sentences, {int(sums[2]):,} {'phrases' if phrases else 'entities'}"
    note = f"precision {precision(sums):.3f}, recall {recall(sums):.3f}"
    return [
        Row(f"exact F1, `{name}`", bootstrap(tally, f1), size, floor=floor, note=note),
        *calibration(f"`{name}`", scores, right, f"{len(scores):,} answers"),
    ]
