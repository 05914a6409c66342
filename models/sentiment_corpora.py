"""The training and calibration texts of ``models/sentiment.py``, from git repositories.

Every repository is read at a fixed revision from ``FOLDER/<owner>+<name>`` (a clone, bare or not, or one of the two in
a folder ``repo``). The sentiment of a text is four numbers, the shares of POSITIVE, NEGATIVE, NEUTRAL and MIXED, or
unknown; mentions in it are spans with one of three signs.

All texts are left out that share a run of eight words with a test text (five words for film sentences, whose test set
was cut from the same reviews), or equal one when only letters and digits are compared.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import random
import re
import tarfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from models.corpora import git

POSITIVE, NEGATIVE, NEUTRAL, MIXED = range(4)

GO_EMOTIONS = ("monologg/GoEmotions-pytorch", "b75f9d3a8b76bc1060687925b04ca98a1b8ea66b")
MAMS = ("siat-nlp/MAMS-for-ABSA", "cddcdb0f423b3fdb2c76b70744737abed3a00d17")
NEWS = ("fhamborg/NewsMTSC", "b9d9b79704ed1b35cecaf1d7c2343dc1bd734fb7")
RATED = ("cjhutto/vaderSentiment", "44fc044cd877310ee8278a0eadf34bcd50d41d06")
TWEETS = ("jonykarki/Kaggle-Tweet-Sentiment-Extraction", "db00c23bdd176804d941ad7c618d17d3d07c0cd9")
LABELLED = ("kvrao/sentiment_analysis", "462f7304ab341f1b5014e6eae56100bfe35d703a")
TEST_FILM = ("clairett/pytorch-sentiment-classification", "457ffd83de90a9d6d472d8ffc31bbffe40a8b236")
TEST_TWEETS = ("cardiffnlp/tweeteval", "4fbd22cd78421f05b1ecdb4fc5725bc7a7bd8f66")

# The signs that GoEmotions' authors give their emotions; they call the other four (realization, surprise, curiosity,
# confusion) ambiguous.
_POSITIVE_EMOTIONS = frozenset(
    [
        "admiration",
        "amusement",
        "approval",
        "caring",
        "desire",
        "excitement",
        "gratitude",
        "joy",
        "love",
        "optimism",
        "pride",
        "relief",
    ]
)
_NEGATIVE_EMOTIONS = frozenset(
    [
        "anger",
        "annoyance",
        "disappointment",
        "disapproval",
        "disgust",
        "embarrassment",
        "fear",
        "grief",
        "nervousness",
        "remorse",
        "sadness",
    ]
)
_QUESTIONING = frozenset(("curiosity", "confusion"))

_SIGNS = {"positive": POSITIVE, "negative": NEGATIVE, "neutral": NEUTRAL}


@dataclass(frozen=True)
class Mention:
    """A span of a text, in code points, and its sign."""

    begin: int
    end: int
    sign: int


@dataclass(frozen=True)
class Sample:
    """A text with its known sentiment."""

    source: str
    text: str
    shares: tuple[float, float, float, float] | None = None
    mentions: list[Mention] = field(default_factory=list)


class Corpora:
    """A folder of repositories."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def content(self, repository: tuple[str, str], path: str) -> bytes:
        """Return a file's bytes. Raises what ``models.corpora.git`` raises."""
        name, revision = repository
        return git(self._folder, name, revision, "show", f"{revision}:{path}")

    def text(self, repository: tuple[str, str], path: str) -> str:
        """Return a file's text."""
        return self.content(repository, path).decode("utf-8")


def one(sign: int) -> tuple[float, float, float, float]:
    """All of the share to one sign."""
    return tuple(float(number == sign) for number in range(4))  # type: ignore[return-value]


def of_signs(signs: Iterable[int]) -> int:
    """The sign of a text from those of its parts: both signs make it MIXED, no sign leaves it NEUTRAL."""
    found = set(signs)
    if {POSITIVE, NEGATIVE} <= found:
        return MIXED
    return POSITIVE if POSITIVE in found else NEGATIVE if NEGATIVE in found else NEUTRAL


def go_emotions(corpora: Corpora, part: str) -> list[Sample]:
    """Comments. One without a sign is left out, unless it is neutral or, in training, has a questioning emotion."""
    labels = corpora.text(GO_EMOTIONS, "data/original/labels.txt").split()
    samples = []
    for line in corpora.text(GO_EMOTIONS, f"data/original/{part}.tsv").splitlines():
        text, numbers, _ = line.split("\t")
        emotions = {labels[int(number)] for number in numbers.split(",")}
        signs = [POSITIVE] * bool(emotions & _POSITIVE_EMOTIONS) + [NEGATIVE] * bool(emotions & _NEGATIVE_EMOTIONS)
        if signs or "neutral" in emotions or (part == "train" and emotions & _QUESTIONING):
            samples.append(Sample("comments", text, one(of_signs(signs))))
    return samples


def mams(corpora: Corpora, task: str, part: str) -> list[Sample]:
    """Review sentences with several aspects (``ACSA``) or targets (``ATSA``) of different signs."""
    samples = []
    for sentence in ElementTree.fromstring(corpora.content(MAMS, f"data/MAMS-{task}/raw/{part}.xml")):
        text = sentence.findtext("text") or ""
        aspects = list(sentence.iter("aspectCategory" if task == "ACSA" else "aspectTerm"))
        signs = [_SIGNS[aspect.attrib["polarity"]] for aspect in aspects]
        mentions = [
            Mention(int(aspect.attrib["from"]), int(aspect.attrib["to"]), sign)
            for aspect, sign in zip(aspects, signs, strict=True)
            if task == "ATSA"
        ]
        samples.append(Sample("aspects" if task == "ACSA" else "targets", text, one(of_signs(signs)), mentions))
    return samples


def news(corpora: Corpora, part: str) -> list[Sample]:
    """News sentences with people and organizations; the sentence's own sentiment is unknown."""
    folder = "NewsSentiment/experiments/default/datasets"
    if part == "train":
        files = [f"{folder}/newsmtsc-mt/train.jsonl"]
    else:
        files = [f"{folder}/newsmtsc-mt/{part}.jsonl", f"{folder}/newsmtsc-rw/{part}.jsonl"]
    signs = {2.0: NEGATIVE, 4.0: NEUTRAL, 6.0: POSITIVE}
    samples = []
    for path in files:
        for line in corpora.text(NEWS, path).splitlines():
            record = json.loads(line)
            mentions = [
                Mention(target["from"], target["to"], signs[target["polarity"]]) for target in record["targets"]
            ]
            samples.append(Sample("news", record["sentence_normalized"], None, mentions))
    return samples


def rated(corpora: Corpora, kind: str, source: str) -> list[Sample]:
    """Sentences that 15 to 20 people rated from -4 to 4.

    Let p, n and z be the shares of people who saw a positive sign, a negative one and none: if two readers disagree in
    sign the text is MIXED (2pn); if one sees none, half goes to the other's. The power reduces a few stray ratings.
    """
    packed = io.BytesIO(corpora.content(RATED, "additional_resources/hutto_ICWSM_2014.tar.gz"))

    def lines(name: str) -> list[list[str]]:
        packed.seek(0)
        with tarfile.open(fileobj=packed) as archive:
            member = archive.extractfile(f"hutto_ICWSM_2014/{kind}_{name}.txt")
            assert member is not None
            text = member.read().decode("utf-8-sig")
        return [line.rstrip("\r").split("\t") for line in text.split("\n") if line.strip()]

    ratings = {fields[0]: ast.literal_eval(fields[3]) for fields in lines("anonDataRatings")}
    samples = []
    for fields in lines("GroundTruth"):
        votes = ratings[fields[0]]
        p, n = (sum(vote * sign > 0 for vote in votes) / len(votes) for sign in (1, -1))
        z = max(0.0, 1 - p - n)
        powers = [share**1.5 for share in (p * (p + z), n * (n + z), z, 2 * p * n)]
        shares = tuple(power / sum(powers) for power in powers)
        samples.append(Sample(source, fields[2].replace("&amp;", "&"), shares))  # type: ignore[arg-type]
    return samples


def tweets(corpora: Corpora) -> list[Sample]:
    """Tweets with a sign. Their apostrophes are grave accents."""
    rows = csv.DictReader(io.StringIO(corpora.text(TWEETS, "input/tweet-sentiment-extraction/train.csv")))
    return [
        Sample("tweets", row["text"].strip().replace("`", "'"), one(_SIGNS[row["sentiment"]]))
        for row in rows
        if row["text"].strip()
    ]


def labelled(corpora: Corpora) -> list[Sample]:
    """Sentences about films, products and restaurants, 1 or 0."""
    samples = []
    for name in ("imdb", "amazon_cells", "yelp"):
        for line in corpora.text(LABELLED, f"sentiment labelled sentences/{name}_labelled.txt").split("\n"):
            text, _, sign = line.strip().rpartition("\t")
            if sign in ("0", "1"):
                samples.append(Sample("labelled", text.strip(), one(POSITIVE if sign == "1" else NEGATIVE)))
    return samples


def test_texts(corpora: Corpora) -> dict[str, list[str]]:
    """The texts of all test sets of this task."""
    film = [line.split("\t")[0] for line in corpora.text(TEST_FILM, "data/SST2/test.tsv").splitlines()]
    go = [line.split("\t")[0] for line in corpora.text(GO_EMOTIONS, "data/original/test.tsv").splitlines()]
    aspects = [sample.text for task in ("ACSA", "ATSA") for sample in mams(corpora, task, "test")]
    targets = [sample.text for sample in news(corpora, "test")]
    tweet = corpora.text(TEST_TWEETS, "datasets/sentiment/test_text.txt").splitlines()
    return {"film": film, "other": [*go, *aspects, *targets, *tweet]}


class Seen:
    """Test texts, to check whether a training text is one of them or shares a run of words with one."""

    def __init__(self, texts: Iterable[str], run: int) -> None:
        self._run = run
        self._whole: set[str] = set()
        self._runs: set[tuple[str, ...]] = set()
        for text in texts:
            words = _words(text)
            self._whole.add("".join(words))
            self._runs.update(self._of(words))

    def __contains__(self, text: str) -> bool:
        words = _words(text)
        return "".join(words) in self._whole or any(run in self._runs for run in self._of(words))

    def _of(self, words: list[str]) -> Iterator[tuple[str, ...]]:
        return (tuple(words[start : start + self._run]) for start in range(len(words) - self._run + 1))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower().replace("n't", " nt"))


def training_samples(corpora: Corpora, rng: random.Random) -> tuple[dict[str, list[Sample]], dict[str, list[Sample]]]:
    """Return training and held-out samples by source, both without test texts."""
    tests = test_texts(corpora)
    of_film, of_all = Seen(tests["film"], 5), Seen([*tests["film"], *tests["other"]], 8)

    def clean(samples: Iterable[Sample]) -> list[Sample]:
        kept: dict[str, Sample] = {}
        for sample in samples:
            film = sample.source in ("films", "labelled")
            if sample.text not in of_all and not (film and sample.text in of_film):
                kept.setdefault(sample.text, sample)
        return list(kept.values())

    train = {
        "comments": clean(go_emotions(corpora, "train")),
        "aspects": clean(mams(corpora, "ACSA", "train")),
        "targets": clean(mams(corpora, "ATSA", "train")),
        # A sentence may occur more than once, each time with another mention.
        "news": [sample for sample in news(corpora, "train") if sample.text not in of_all],
        "films": clean(rated(corpora, "movieReviewSnippets", "films")),
        "products": clean(rated(corpora, "amazonReviewSnippets", "products")),
        "editorials": clean(rated(corpora, "nytEditorialSnippets", "editorials")),
        "rated tweets": clean(rated(corpora, "tweets", "rated tweets")),
        "tweets": clean(tweets(corpora)),
        "labelled": clean(labelled(corpora)),
    }
    held = {
        "comments": clean(go_emotions(corpora, "dev")),
        "aspects": clean(mams(corpora, "ACSA", "val")),
        "targets": clean(mams(corpora, "ATSA", "val")),
        "news": news(corpora, "dev"),
    }
    for source, count in (("films", 800), ("products", 300), ("rated tweets", 400), ("tweets", 1500)):
        rng.shuffle(train[source])
        held[source], train[source] = train[source][:count], train[source][count:]
    # The sets of a corpus share sentences: do not hold out a training sentence.
    learnt = {"".join(_words(sample.text)) for samples in train.values() for sample in samples}
    for source, samples in held.items():
        held[source] = [sample for sample in samples if "".join(_words(sample.text)) not in learnt]
    return train, held


def pairs(samples: list[Sample], count: int, rng: random.Random) -> list[Sample]:
    """Two clear texts of one source joined: MIXED if their signs differ, else of their sign."""
    clear = [sample for sample in samples if sample.shares and max(sample.shares[:2]) > 0.8]
    joined = []
    for _ in range(count):
        first, second = rng.choice(clear), rng.choice(clear)
        while second.source != first.source:
            second = rng.choice(clear)
        signs = [POSITIVE if each.shares and each.shares[POSITIVE] > 0.5 else NEGATIVE for each in (first, second)]
        text = f"{first.text.rstrip()} {second.text.lstrip()}"
        joined.append(Sample("pairs", text, one(of_signs(signs))))
    return joined
