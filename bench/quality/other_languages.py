"""Entities, key phrases and syntax in languages other than English, on texts that their recipes keep apart."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from bench.quality.corpora import FOLDER_VARIABLE, Corpora
from bench.quality.rows import Row, calibration
from bench.quality.running import lists
from bench.quality.scoring import bootstrap, exact, f1, precision, recall, share
from models import language_corpora, multilingual_corpora
from models.corpora import Corpus
from models.multilingual_corpora import Text, drawn
from reading_room.analysis.engine import load_engine

TITLE = "Entities, key phrases and syntax in other languages (`entities-…`, `key-phrases-…`, `syntax-…`)"
HOW = """\
*Entities*: exact F1 over begin, end and type, on the types that the test marks: UNER Bosque (pt), UNER GSD (zh,
zh-TW), GermEval 2014's outer entities (de), Megagon's layer on UD Japanese GSD (ja, all of Comprehend's types), FENEC
2.0, encyclopedia and news (fr), KIND's news (it), CoNLL-2002's test part esp.testb, news (es), the twenty test
articles of AQMAR (ar), and the parts of KLUE's (ko) and HiNER's (hi) development parts that the recipe does not train
on. *Europarl* is speeches, out of every training text's domain, and marks words such as "the Commission" as names. Of
longer sets, 500 sentences are drawn. *Key phrases*: exact F1 over begin and end, and *head recall*, the share of noun
phrases whose head is in an answer. Gold are the noun phrases of the test trees of Universal Dependencies as
`models/treebanks.py` derives them (GSD, Bosque; PUD for it, ar and hi), so they are complete, and precision is
meaningful here. *Syntax*: UPOS of the words that are words of the tree as well. A floor stands where the issue's floor
is reached; a figure below it has a note instead."""

FLOORS = {"entities": 0.70, "key-phrases": 0.80, "syntax": 0.94}
MOST = 500
"""Sentences of a test set, drawn with a seed from a longer one."""
OWN_FLOORS = {"pt": 0.73, **dict.fromkeys(("ja", "ko", "zh", "zh-TW", "ar", "hi"), 0.65)}
"""Of entities."""
BELOW: frozenset[str] = frozenset(
    (
        "exact F1, `entities-ar`",
        "exact F1, `entities-fr`",
        "UPOS on aligned words, `syntax-de`",
        "accuracy, `sentiment-ar`",
        "accuracy, `sentiment-de`",
        "accuracy, `sentiment-es`",
        "accuracy, `sentiment-fr`",
        "accuracy, `sentiment-hi`",
        "accuracy, `sentiment-it`",
        "accuracy, `sentiment-ja`",
        "accuracy, `sentiment-ko`",
        "accuracy, `sentiment-pt`",
        "accuracy, `sentiment-zh`",
    )
)
"""Figures that do not reach their floor yet: docs/languages.md marks these languages."""
LATIN = ("es", "fr", "de", "it", "pt")
ALL = (*LATIN, "ja", "ko", "zh", "zh-TW", "ar", "hi")


def measure(corpora: Corpora) -> list[Row]:
    """Score every language that is served, sentence by sentence."""
    for module in (language_corpora, multilingual_corpora):
        for listed in vars(module).values():
            if isinstance(listed, Corpus) and listed.repository in corpora.repositories:
                corpora.require(listed.repository)
    os.environ[FOLDER_VARIABLE] = str(corpora.place)
    rows = []
    for language in ALL:
        floor = OWN_FLOORS.get(language, FLOORS["entities"])
        test = drawn(multilingual_corpora.entity_test(language), MOST)
        rows += entities(f"entities-{language}", "", test, floor)
    for language in ("es", "de", "it"):
        test = drawn(multilingual_corpora.europarl(language), MOST)
        rows += entities(f"entities-{language}", "Europarl", test, None)
    for language in ALL:
        test = drawn(multilingual_corpora.parsed_test(language), MOST)
        rows += key_phrases(f"key-phrases-{language}", test)
        if language in LATIN:
            rows += syntax(f"syntax-{language}", test)
    return rows


def entities(name: str, where: str, texts: Sequence[Text], floor: float | None) -> list[Row]:
    """Run an engine by name and score the types that the test marks."""
    tally, scores, right = [], [], []
    for found, text in zip(lists(load_engine(name), (each.text for each in texts)), texts, strict=True):
        gold = {span for span in text.entities or [] if span[2] in text.annotated}
        answers = {
            (each["BeginOffset"], each["EndOffset"], each["Type"]): each["Score"]
            for each in found
            if each["Type"] in text.annotated
        }
        tally.append(exact(answers, gold))
        scores += [float(score) for score in answers.values()]
        right += [answer in gold for answer in answers]
    sums = np.asarray(tally).sum(axis=0)
    title = f"`{name}`{', ' if where else ''}{where}"
    size = f"{len(texts):,} sentences, {int(sums[2]):,} entities"
    note = f"precision {precision(sums):.3f}, recall {recall(sums):.3f}"
    return [
        barred(Row(f"exact F1, {title}", bootstrap(tally, f1), size, floor=floor, note=note)),
        *calibration(title, scores, right, f"{len(scores):,} answers", ceiling=None if where else 0.09),
    ]


def key_phrases(name: str, texts: Sequence[Text]) -> list[Row]:
    """Run an engine by name and score phrases and heads."""
    tally, heads, scores, right = [], [], [], []
    for found, text in zip(lists(load_engine(name), (each.text for each in texts)), texts, strict=True):
        gold = set(text.phrases or [])
        answers = {(each["BeginOffset"], each["EndOffset"]): each["Score"] for each in found}
        tally.append(exact(answers, gold))
        inside = [any(begin <= first and last <= end for begin, end in answers) for first, last in text.heads]
        heads.append((sum(inside), len(inside)))
        scores += [float(score) for score in answers.values()]
        right += [answer in gold for answer in answers]
    sums = np.asarray(tally).sum(axis=0)
    size = f"{len(texts):,} sentences, {int(sums[2]):,} phrases"
    note = f"precision {precision(sums):.3f}, recall {recall(sums):.3f}"
    return [
        barred(Row(f"head recall, `{name}`", bootstrap(heads, share), size, floor=FLOORS["key-phrases"], aim=0.90)),
        Row(f"exact F1, `{name}`", bootstrap(tally, f1), size, note=note),
        *calibration(f"`{name}`", scores, right, f"{len(scores):,} answers", ceiling=None),
    ]


def syntax(name: str, texts: Sequence[Text]) -> list[Row]:
    """Run an engine by name and score the tags of aligned words."""
    aligned, shared, scores, right = [], [], [], []
    for found, text in zip(lists(load_engine(name), (each.text for each in texts)), texts, strict=True):
        gold = {(begin, end): tag for begin, end, tag in text.classes or []}
        answers = {(each["BeginOffset"], each["EndOffset"]): each["PartOfSpeech"] for each in found}
        both = [place for place in answers if place in gold]
        marks = [answers[place]["Tag"] == gold[place] for place in both]
        aligned.append((sum(marks), len(marks)))
        shared.append((len(both), len(gold)))
        scores += [float(answers[place]["Score"]) for place in both]
        right += marks
    size = f"{len(texts):,} sentences, {sum(count for _, count in shared):,} words"
    return [
        barred(Row(f"UPOS on aligned words, `{name}`", bootstrap(aligned, share), size, floor=0.94, aim=0.97)),
        Row(f"words aligned, `{name}`", bootstrap(shared, share), size),
        *calibration(f"`{name}`", scores, right, f"{len(scores):,} words", ceiling=None),
    ]


def barred(row: Row) -> Row:
    """Return a row, without its floor and with a note if it is known that the floor is not reached yet."""
    if row.what not in BELOW:
        return row
    note = "; ".join(part for part in (f"below the floor of {row.floor:.2f}", row.note) if part)
    return Row(row.what, row.estimate, row.size, aim=row.aim, note=note)
