"""Sentiment of documents of up to 5 KB with several signs.

No public set of such documents has four classes. So documents are composed of test sentences and comments with a known
sign, each from one kind of source, in a seeded order. A document's class follows from its pieces.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from bench.quality.corpora import Corpora
from bench.quality.rows import Row, calibration
from bench.quality.running import members
from bench.quality.scoring import bootstrap, class_tally, macro_f1, share
from bench.quality.sentiment import Document, comments, films, marks, reviews, vader_classes
from reading_room.analysis.engine import load_engine

TITLE = "Sentiment of documents with several signs (`sentiment-en`)"
HOW = """\
No public set of long documents has four classes, so these are composed of test sentences with known classes:
150 per class and source, 1 to 5 KB each. POSITIVE: three to ten of ten pieces positive, the rest neutral; NEGATIVE
likewise; NEUTRAL: only neutral pieces; MIXED: at least a quarter positive and a quarter negative, or at least a third
of the pieces MIXED themselves. Film sentences have no neutral pieces, so POSITIVE and NEGATIVE contain none, and
there is no NEUTRAL. Accuracy as for sentences. VADER answers for the whole text."""

SIZES = (1_000, 5_000)
EACH = 150
SEED = 7
CLASSES = ("POSITIVE", "NEGATIVE", "NEUTRAL", "MIXED")


def measure(corpora: Corpora) -> list[Row]:
    """Score the engine on the documents of each source."""
    sources = (("comments", comments(corpora)), ("reviews", reviews(corpora)), ("films", films(corpora)))
    engine = load_engine("sentiment-en")
    vader = vader_classes()
    rows = []
    every_score: list[float] = []
    every_right: list[int] = []
    for name, source in sources:
        documents = composed(source, random.Random(SEED))
        texts, gold = [text for text, _ in documents], [kind for _, kind in documents]
        answers = list(members(engine, texts))
        labels = [each["Sentiment"] for each in answers]
        tally = marks(labels, gold)
        classes = sorted(set(gold))
        size = f"{len(documents):,} documents, {sum(map(len, texts)) // len(texts):,} characters on average"
        rows += [
            Row(f"accuracy, {name}", bootstrap(tally, share), size),
            Row(f"macro F1, {name}", bootstrap(class_tally(labels, gold, classes), macro_f1), size),
            Row(f"accuracy of VADER, {name}", bootstrap(marks(vader(texts), gold), share), size),
        ]
        every_score += [float(max(each["SentimentScore"].values())) for each in answers]
        every_right += [right for right, _ in tally]
    size = f"{len(every_score):,} documents"
    return [*rows, *calibration("long documents", every_score, every_right, size, ceiling=None)]


def composed(source: Sequence[Document], chance: random.Random) -> list[Document]:
    """Return ``EACH`` documents of every class that the source's pieces can make."""
    pieces: dict[str, list[str]] = {kind: [text for text, its in source if its == kind] for kind in CLASSES}
    documents = []
    for kind in CLASSES:
        if kind == "MIXED" or pieces[kind]:
            documents += [(compose(kind, pieces, chance), kind) for _ in range(EACH)]
    return documents


def compose(kind: str, pieces: Mapping[str, Sequence[str]], chance: random.Random) -> str:
    """Compose a document of pieces of random kinds, in random order, up to a random size in bytes."""
    aim = chance.randint(*SIZES)
    shares = drawn_shares(kind, pieces, chance)
    chosen: list[str] = []
    counts = dict.fromkeys(shares, 0)
    size = 0
    while True:
        # Take the kind that is furthest behind its share, so that short documents have the shares, too.
        behind = min(shares, key=lambda each: (counts[each] + 1) / shares[each])
        piece = chance.choice(pieces[behind]).strip()
        size += len(piece.encode()) + 1
        if size > aim and len(chosen) >= len(shares):
            break
        counts[behind] += 1
        chosen.append(piece if piece.endswith((".", "!", "?")) else piece + ".")
    chance.shuffle(chosen)
    return " ".join(chosen)


def drawn_shares(kind: str, pieces: Mapping[str, Sequence[str]], chance: random.Random) -> dict[str, float]:
    """Draw the shares of the kinds of pieces in a document of a class."""
    neutral = bool(pieces["NEUTRAL"])
    if kind == "NEUTRAL":
        return {"NEUTRAL": 1.0}
    if kind in ("POSITIVE", "NEGATIVE"):
        share_of_sign = chance.uniform(0.3, 1.0) if neutral else 1.0
        return {kind: share_of_sign, **({"NEUTRAL": 1 - share_of_sign} if share_of_sign < 1 else {})}
    if pieces["MIXED"] and (chance.random() < 0.5 or not (pieces["POSITIVE"] and pieces["NEGATIVE"])):
        mixed = chance.uniform(1 / 3, 1.0)
        return {"MIXED": mixed, **({"NEUTRAL": 1 - mixed} if neutral and mixed < 1 else {})}
    positive = chance.uniform(0.25, 0.5)
    negative = chance.uniform(0.25, 0.5) if neutral else 1 - positive
    rest = 1 - positive - negative
    return {"POSITIVE": positive, "NEGATIVE": negative, **({"NEUTRAL": rest} if neutral and rest > 0 else {})}
