"""Targeted sentiment in English: the sentiment towards a mention, and whether the mention is found at all."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.quality.corpora import Corpora
from bench.quality.rows import Row, calibration
from bench.quality.running import lists
from bench.quality.scoring import bootstrap, class_tally, macro_f1, share
from reading_room.analysis.engine import load_engine
from reading_room.analysis.engines.sentiment_model import SIGNS, SentimentModel

TITLE = "Targeted sentiment, English (`targeted-sentiment-en`)"
HOW = """\
Gold are mentions with one of three signs. *On gold spans*: the model gets the gold mention itself, and its
largest score of four must be the gold sign (MIXED is always wrong). *Found*: a gold mention equals, or overlaps, a
mention of the engine. *Found and right*: in addition, the mention with the largest overlap has the gold sign.
*Reviews*: MAMS-ATSA test. *News*: the two test parts of NewsMTSC together. Grouping mentions into entities has no
gold standard here and is not measured."""

MAMS_SIGNS = {"positive": "POSITIVE", "negative": "NEGATIVE", "neutral": "NEUTRAL"}
NEWS_SIGNS = {2.0: "NEGATIVE", 4.0: "NEUTRAL", 6.0: "POSITIVE"}


@dataclass(slots=True)
class Document:
    """A text, and what it says of mentions: begin, end, sign."""

    text: str
    mentions: list[tuple[int, int, str]] = field(default_factory=list)


def measure(corpora: Corpora) -> list[Row]:
    """Score the model on gold spans, and the whole engine."""
    sets = (("reviews", reviews(corpora), 0.78, 0.82), ("news", news(corpora), 0.78, 0.81))
    model = SentimentModel()
    engine = load_engine("targeted-sentiment-en")
    rows = []
    for name, documents, floor, aim in sets:
        rows += on_gold_spans(name, model, documents, floor, aim)
        rows += found(name, lists(engine, (each.text for each in documents)), documents)
    return rows


def on_gold_spans(
    name: str, model: SentimentModel, documents: Sequence[Document], floor: float, aim: float
) -> list[Row]:
    """Score the signs of gold mentions; the bootstrap resamples documents."""
    texts = [each.text for each in documents]
    scores = model.mentions(texts, [[(begin, end) for begin, end, _ in each.mentions] for each in documents])
    labels = [[SIGNS[int(of_one.argmax())] for of_one in of_text] for of_text in scores]
    tally, pairs, every_score, every_right = [], [], [], []
    for document, answers, of_text in zip(documents, labels, scores, strict=True):
        gold = [sign for _, _, sign in document.mentions]
        right = [one == two for one, two in zip(answers, gold, strict=True)]
        tally.append((sum(right), len(gold)))
        pairs.append(class_tally(answers, gold, list(SIGNS[:3])).sum(axis=0))
        every_score += [float(of_one.max()) for of_one in of_text]
        every_right += right
    size = f"{len(documents):,} texts, {len(every_right):,} mentions"
    return [
        Row(f"accuracy on gold spans, {name}", bootstrap(tally, share), size, floor=floor, aim=aim),
        Row(f"macro F1 on gold spans, {name}", bootstrap(np.asarray(pairs), macro_f1), size),
        *calibration(f"sign of a mention, {name}", every_score, every_right, size),
    ]


def found(name: str, answers: Any, documents: Sequence[Document]) -> list[Row]:
    """Score which gold mentions the engine finds, and with which sign."""
    exact, overlapping, right = [], [], []
    for document, entities in zip(documents, answers, strict=True):
        mentions = {
            (mention["BeginOffset"], mention["EndOffset"]): mention["MentionSentiment"]["Sentiment"]
            for entity in entities
            for mention in entity["Mentions"]
        }
        count = len(document.mentions)
        met = [meeting(mentions, begin, end) for begin, end, _ in document.mentions]
        exact.append((sum((begin, end) in mentions for begin, end, _ in document.mentions), count))
        overlapping.append((sum(each is not None for each in met), count))
        marks = [each == gold for each, (_, _, gold) in zip(met, document.mentions, strict=True)]
        right.append((sum(marks), count))
    size = f"{len(documents):,} texts, {sum(len(each.mentions) for each in documents):,} mentions"
    return [
        Row(f"mentions found exactly, {name}", bootstrap(exact, share), size),
        Row(f"mentions found by overlap, {name}", bootstrap(overlapping, share), size),
        Row(f"found by overlap and right, {name}", bootstrap(right, share), size),
    ]


def meeting(mentions: dict[tuple[int, int], str], begin: int, end: int) -> str | None:
    """Return the sign of the mention that equals a span or else overlaps it most, or ``None``."""
    if (begin, end) in mentions:
        return mentions[begin, end]
    shared = {span: min(end, span[1]) - max(begin, span[0]) for span in mentions}
    best = max(shared, key=lambda span: shared[span], default=None)
    return mentions[best] if best is not None and shared[best] > 0 else None


def reviews(corpora: Corpora) -> list[Document]:
    """Return MAMS-ATSA's test sentences."""
    documents = []
    for sentence in ElementTree.fromstring(corpora.content("reviews-mentions")).iter("sentence"):
        review = Document(sentence.findtext("text") or "")
        for term in sentence.iter("aspectTerm"):
            begin, end = int(term.get("from", "")), int(term.get("to", ""))
            review.mentions.append((begin, end, MAMS_SIGNS[term.get("polarity", "")]))
        documents.append(review)
    return documents


def news(corpora: Corpora) -> list[Document]:
    """Return NewsMTSC's test sentences, each target once."""
    documents: dict[str, Document] = {}
    seen: set[str] = set()
    for key in ("news-mentions-rw", "news-mentions-mt"):
        for line in corpora.text(key).split("\n"):
            if not line:
                continue
            sentence = json.loads(line)
            text = sentence["sentence_normalized"]
            for target in sentence["targets"]:
                if target["Input.gid"] not in seen:
                    seen.add(target["Input.gid"])
                    span = (target["from"], target["to"], NEWS_SIGNS[target["polarity"]])
                    documents.setdefault(text, Document(text)).mentions.append(span)
    return list(documents.values())
