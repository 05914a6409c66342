"""Key phrases in English: the share of the indexers' phrases that are among the answers.

The engine answers with every noun phrase, indexers choose a few: recall says whether their choice is there; precision
says nothing and is shown only because readers expect it.
"""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from bench.quality.corpora import Corpora
from bench.quality.rows import RANKING_FLOOR, Row, calibration
from bench.quality.running import lists
from bench.quality.scoring import bootstrap, bootstrap_rows, f1, precision, ranking, recall, share
from models.english_key_phrases import Word, is_noun_phrase, trees
from reading_room.analysis.engine import Engine, load_engine

TITLE = "Key phrases, English (`key-phrases-en`)"
HOW = """\
Gold phrases are the indexers' phrases that occur in the text as whole words, ignoring spaces and case, each once per
document. Answers are compared in lower case, with spaces normalised, without a leading "a", "an" or "the". *Recall*:
the share of gold phrases among the answers. *Head recall*: the share whose last word is the last word of an answer.
*Covered*: the share that is inside an answer. Abstracts are the 500 of Inspec's test part, paragraphs the 493 of
SemEval 2017 task 10. The score of an answer says how likely it is a noun phrase, so its calibration is measured on
the trees of UD English PUD, and not against the indexers' choice."""

_ARTICLE = re.compile(r"^(?:a|an|the)\s+")


@dataclass(frozen=True, slots=True)
class Indexed:
    """A text and the indexers' phrases that occur in it, in lower case."""

    text: str
    phrases: frozenset[str]


def measure(corpora: Corpora) -> list[Row]:
    """Score both collections."""
    collections = (
        ("abstracts", abstracts(corpora), ((0.69, 0.72), (0.90, 0.92))),
        ("paragraphs of papers", paragraphs(corpora), ((None, None), (None, None))),
    )
    parsed = list(trees(corpora.text("syntax-pud")))
    engine = load_engine("key-phrases-en")
    rows = []
    for name, documents, bars in collections:
        exact_tally, heads, covered = [], [], []
        each_answer: list[tuple[float, bool]] = []
        for document, found in zip(documents, lists(engine, (each.text for each in documents)), strict=True):
            answers = {normal(each["Text"]) for each in found} - {""}
            last = {answer.split()[-1] for answer in answers}
            gold = document.phrases
            exact_tally.append((len(answers & gold), len(answers), len(gold)))
            heads.append((sum(phrase.split()[-1] in last for phrase in gold), len(gold)))
            covered.append((sum(any(phrase in answer for answer in answers) for phrase in gold), len(gold)))
            each_answer += [(float(each["Score"]), inside(normal(each["Text"]), gold)) for each in found]
        size = f"{len(documents):,} texts, {int(np.asarray(exact_tally)[:, 2].sum()):,} phrases"
        (floor, aim), (head_floor, head_aim) = bars
        rows += [
            Row(f"recall, {name}", bootstrap(exact_tally, recall), size, floor=floor, aim=aim),
            Row(f"head recall, {name}", bootstrap(heads, share), size, floor=head_floor, aim=head_aim),
            Row(f"covered, {name}", bootstrap(covered, share), size),
            Row(f"precision, {name}", bootstrap(exact_tally, precision), size),
            Row(f"F1, {name}", bootstrap(exact_tally, f1), size),
        ]
        scores = [score for score, _ in each_answer]
        marks = [mark for _, mark in each_answer]
        area = bootstrap_rows(
            len(marks),
            lambda chosen: ranking([scores[row] for row in chosen], [marks[row] for row in chosen]),  # noqa: B023
            resamples=50,
        )
        note = "the score does not say what is important" if area.value < RANKING_FLOOR else ""
        rows.append(
            Row(f"AUC of the score, an indexer's phrase or not, {name}", area, f"{len(marks):,} answers", note=note)
        )
    return [*rows, *noun_phrases(engine, parsed)]


def noun_phrases(engine: Engine, sentences: Sequence[tuple[str, list[Word]]]) -> list[Row]:
    """Check the meaning of the engine's score: that an answer is a whole noun phrase, out of domain."""
    tally: list[tuple[int, int]] = []
    scores: list[float] = []
    right: list[bool] = []
    for found, (_, words) in zip(lists(engine, (text for text, _ in sentences)), sentences, strict=True):
        marks = [is_noun_phrase(words, each["BeginOffset"], each["EndOffset"]) for each in found]
        tally.append((sum(marks), len(marks)))
        scores += [float(each["Score"]) for each in found]
        right += marks
    size = f"{len(sentences):,} sentences, {len(right):,} answers"
    return [
        Row("answers that are whole noun phrases, news and encyclopedia", bootstrap(tally, share), size),
        *calibration("noun phrases, news and encyclopedia", scores, right, size),
    ]


def normal(phrase: str) -> str:
    """Return a phrase in the form for comparison."""
    return _ARTICLE.sub("", " ".join(phrase.lower().split()))


def inside(answer: str, gold: frozenset[str]) -> bool:
    """Return whether a gold phrase occurs in the answer as whole words."""
    return any(f" {phrase} " in f" {answer} " for phrase in gold)


def indexed(text: str, phrases: str) -> Indexed:
    """Return the phrases, one per line, that occur in the text as whole words."""
    folded = " ".join(text.split())
    lower = folded.lower()
    wanted = {" ".join(phrase.lower().split()) for phrase in phrases.splitlines()} - {""}
    present = {phrase for phrase in wanted if re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", lower)}
    return Indexed(folded, frozenset(present))


def abstracts(corpora: Corpora) -> list[Indexed]:
    """Return the test part of Inspec: the texts of one repository, the split of another."""
    with tarfile.open(fileobj=io.BytesIO(corpora.content("phrases-inspec-split"))) as outer:
        inner = outer.extractfile("Hulth2003/Test.zip")
        if inner is None:
            raise ValueError("Hulth2003.tar.gz holds no Test.zip")
        with zipfile.ZipFile(io.BytesIO(inner.read())) as archive:
            names = {PurePosixPath(name).stem for name in archive.namelist() if name.endswith(".abstr")}
    return [document for name, document in _collection(corpora, "phrases-inspec", "Inspec") if name in names]


def paragraphs(corpora: Corpora) -> list[Indexed]:
    """Return the paragraphs of SemEval 2017 task 10."""
    return [document for _, document in _collection(corpora, "phrases-semeval2017", "SemEval2017")]


def _collection(corpora: Corpora, key: str, folder: str) -> list[tuple[str, Indexed]]:
    documents = []
    with zipfile.ZipFile(io.BytesIO(corpora.content(key))) as archive:
        for name in sorted(archive.namelist()):
            if name.startswith(f"{folder}/docsutf8/") and name.endswith(".txt"):
                stem = PurePosixPath(name).stem
                phrases = archive.read(f"{folder}/keys/{stem}.key").decode()
                documents.append((stem, indexed(archive.read(name).decode(), phrases)))
    return documents
