"""Sentiment of English documents: accuracy over four classes, against VADER in the same run."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable

from bench.quality.corpora import Corpora
from bench.quality.rows import Row, calibration
from bench.quality.running import members
from bench.quality.scoring import bootstrap, class_tally, macro_f1, share
from reading_room.analysis.engine import load_engine

TITLE = "Sentiment, English (`sentiment-en`)"
HOW = """\
Accuracy: the answered class, of four, equals the gold class, even if a set has only two or three (a MIXED or NEUTRAL
answer to a film sentence is wrong). *Comments*: GoEmotions test; its emotions have the signs that its authors gave
them, both signs make MIXED, none NEUTRAL; comments with only ambiguous emotions (surprise, realization, curiosity,
confusion) have no sign and are left out of the row with the bar. *Aspects of a review*: a sentence of MAMS-ACSA test as
a document, MIXED if its aspects have both signs. *Film sentences*: SST-2 test. *Tweets*: TweetEval sentiment test.
VADER: its compound beyond 0.05 either way, MIXED if positive and negative words each have a share of 0.15."""

Document = tuple[str, str]
"""A text and its class."""

POSITIVE_EMOTIONS = {
    *("admiration", "amusement", "approval", "caring", "desire", "excitement"),
    *("gratitude", "joy", "love", "optimism", "pride", "relief"),
}
NEGATIVE_EMOTIONS = {
    *("anger", "annoyance", "disappointment", "disapproval", "disgust", "embarrassment"),
    *("fear", "grief", "nervousness", "remorse", "sadness"),
}
TWEET_CLASSES = {"0": "NEGATIVE", "1": "NEUTRAL", "2": "POSITIVE"}


def measure(corpora: Corpora) -> list[Row]:
    """Score the engine and VADER on each set. The bars of films and tweets are VADER's accuracy in this run."""
    sets = (
        ("comments, four classes", comments(corpora), 0.73, 0.76),
        ("aspects of a review", reviews(corpora), 0.80, 0.84),
        ("film sentences", films(corpora), None, 0.82),
        ("tweets", tweets(corpora), None, 0.57),
        ("comments, ambiguous ones as NEUTRAL", comments(corpora, ambiguous=True), None, None),
    )
    engine = load_engine("sentiment-en")
    vader = vader_classes()
    rows = []
    for name, documents, floor, aim in sets:
        texts, gold = [text for text, _ in documents], [kind for _, kind in documents]
        answers = list(members(engine, texts))
        labels = [each["Sentiment"] for each in answers]
        other = vader(texts)
        theirs = bootstrap(marks(other, gold), share)
        if name in ("film sentences", "tweets"):
            # Strictly above: the next value that the table prints.
            floor = round(theirs.value, 3) + 0.001
        size = f"{len(documents):,} texts"
        classes = sorted(set(gold))
        tally = marks(labels, gold)
        rows += [
            Row(f"accuracy, {name}", bootstrap(tally, share), size, floor=floor, aim=aim),
            Row(f"macro F1, {name}", bootstrap(class_tally(labels, gold, classes), macro_f1), size),
            Row(f"accuracy of VADER, {name}", theirs, size),
        ]
        if floor is not None:
            scores = [float(max(each["SentimentScore"].values())) for each in answers]
            rows += calibration(name, scores, [right for right, _ in tally], size)
    return rows


def marks(answers: Iterable[str], gold: Iterable[str]) -> list[tuple[int, int]]:
    """Return (1 or 0, 1) for each document."""
    return [(int(one == two), 1) for one, two in zip(answers, gold, strict=True)]


def vader_classes() -> Callable[[list[str]], list[str]]:
    """Return VADER as a function from texts to classes. Raises ``ModuleNotFoundError`` if it is not installed."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # type: ignore[import-untyped]

    analyzer = SentimentIntensityAnalyzer()

    def classes(texts: list[str]) -> list[str]:
        return [vader_class(analyzer.polarity_scores(text)) for text in texts]

    return classes


def vader_class(scores: dict[str, float]) -> str:
    """Return the class for VADER's scores: see ``HOW``."""
    if scores["pos"] >= 0.15 and scores["neg"] >= 0.15:
        return "MIXED"
    if scores["compound"] >= 0.05:
        return "POSITIVE"
    return "NEGATIVE" if scores["compound"] <= -0.05 else "NEUTRAL"


def folded(positive: bool, negative: bool) -> str:
    """Return the class of a text with signs of these kinds."""
    if positive and negative:
        return "MIXED"
    return "POSITIVE" if positive else "NEGATIVE" if negative else "NEUTRAL"


def comments(corpora: Corpora, ambiguous: bool = False) -> list[Document]:
    """Return GoEmotions' test comments; those with only ambiguous emotions are left out, or NEUTRAL."""
    names = corpora.text("emotions-labels").split()
    documents = []
    for line in corpora.text("emotions-test").split("\n"):
        if not line:
            continue
        text, indices, _ = line.split("\t")
        emotions = {names[int(index)] for index in indices.split(",")}
        positive, negative = bool(emotions & POSITIVE_EMOTIONS), bool(emotions & NEGATIVE_EMOTIONS)
        if positive or negative or "neutral" in emotions or ambiguous:
            documents.append((text, folded(positive, negative)))
    return documents


def reviews(corpora: Corpora) -> list[Document]:
    """Return MAMS-ACSA's test sentences, by the signs of their aspects."""
    documents = []
    for sentence in ElementTree.fromstring(corpora.content("reviews-aspects")).iter("sentence"):
        signs = {aspect.get("polarity") for aspect in sentence.iter("aspectCategory")}
        documents.append((sentence.findtext("text") or "", folded("positive" in signs, "negative" in signs)))
    return documents


def films(corpora: Corpora) -> list[Document]:
    """Return SST-2's test sentences."""
    lines = [line.split("\t") for line in corpora.text("films").split("\n") if line]
    return [(text, "POSITIVE" if label == "1" else "NEGATIVE") for text, label in lines]


def tweets(corpora: Corpora) -> list[Document]:
    """Return TweetEval's test tweets."""
    texts = corpora.text("tweets-text").rstrip("\n").split("\n")
    labels = corpora.text("tweets-labels").split()
    return [(text, TWEET_CLASSES[label]) for text, label in zip(texts, labels, strict=True)]
