"""The program of a topics job: it learns topics from a sample, and then gives every document its shares of them.

The input is read twice, both times as a stream. Only the sample is held, and its size is limited. The encoder reads up
to 4,000 documents whole, and less of each if there are more. Beyond 24,000 documents a sample is embedded and the rest
assigned by their words. So the time is proportional to the number of documents, and memory stays constant.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reading_room.analysis.archive import ResultArchive
from reading_room.analysis.cluster.functions import here
from reading_room.analysis.documents import Document
from reading_room.analysis.engines.minilm import Encoder
from reading_room.analysis.inputs import checked_input, documents_of
from reading_room.analysis.job_file import Done, Progress
from reading_room.analysis.program import Mapper, Work
from reading_room.analysis.storage import JobFailure
from reading_room.analysis.time_limits import within_limit
from reading_room.analysis.topics.models import SEED, EmbeddingTopics, LdaTopics, NmfTopics, Shares, TopicModel
from reading_room.analysis.topics.terms import topic_terms
from reading_room.analysis.topics.words import Words

MOST_SAMPLED = 24_000
DOCUMENT_CODE_POINTS = 4_000
"""How much of a document is read for its words, from its start."""
TOKEN_BUDGET = 1_600_000
"""How many tokens the encoder reads in all, about 16,000 a second. Each document gets its part, within ``TOKENS``."""
TOKENS = (64, 384)
CODE_POINTS_OF_A_TOKEN = 4.5
LEAST_SHARE = 0.01
"""A smaller share of a topic in a document is left out, and the others are scaled to sum to 1."""

DEFAULT_TOPICS = 10
ENGINES = ("embedding", "nmf", "lda")

BATCH = 512
_NAMED = 3
"""How many of the documents left out are named; the others are counted."""


class _Sampled(NamedTuple):
    number: int
    text: str
    name: str


class Topics:
    """Finds the topics of one collection. The encoder is loaded beforehand."""

    def __init__(self, most_sampled: int = MOST_SAMPLED, batch: int = BATCH) -> None:
        """Load the encoder. Documents are read ``batch`` at a time."""
        self._most_sampled = most_sampled
        self._batch = batch
        self._encoder = Encoder()

    def run(self, work: Work) -> Done:
        """Read, find topics, read again, write ``topic-terms.csv`` and ``doc-topics.csv``. Raise ``JobFailure``.

        A job that is stopped before its topics are found has no result, and fails. One that ends later keeps the
        documents finished until then.
        """
        request = json.loads(work.job.request)
        number, engine = int(request.get("NumberOfTopics", DEFAULT_TOPICS)), request.get("Engine", ENGINES[0])
        if engine not in ENGINES:
            raise JobFailure(
                "INTERNAL_ERROR", f"unknown topics engine {engine!r}; the engines are {', '.join(ENGINES)}"
            )
        objects = checked_input(work.job, work.storage)
        work.storage.probe_output(work.job.output)
        uri = f"s3://{work.job.input.bucket}/{work.job.input.key}"

        def between() -> None:
            if work.stopping():
                raise JobFailure("INTERNAL_ERROR", "the job was asked to end before its topics were found")

        sample, total = _sample(
            documents_of(work.job, objects, work.storage), work.job.documents_limit, self._most_sampled, between
        )
        if not sample:
            raise JobFailure("INPUT_TOO_SMALL", f"no document under {uri} has text to find topics in")
        try:
            words = Words([document.text for document in sample])
        except ValueError as error:
            raise JobFailure(
                "INPUT_TOO_SMALL", f"no document under {uri} has a word that could name a topic"
            ) from error
        model = self._model(engine, words, sample, number, work.map or here(self), between)
        order = _by_prominence(model.sample_shares)
        terms = topic_terms(words.counts, model.sample_shares[:, order])
        archive = ResultArchive(work.scratch / "output.tar.gz")
        archive.begin("topic-terms.csv")
        archive.write("topic,term,weight")
        for topic, found in enumerate(terms):
            for column, weight in found:
                archive.write(f"{topic:03d},{words.names[column]},{weight:.6f}")
        archive.begin("doc-topics.csv")
        archive.write("docname,topic,proportion")
        rows = {one.number: row for row, one in enumerate(sample)}
        documents = errors = 0
        left_out: list[Document] = []
        stopped = False
        for batch in _batches(documents_of(work.job, objects, work.storage), self._batch):
            if stopped := work.stopping():
                break
            shares = _shares(batch, documents, rows, model, words)
            for document, row in zip(batch, shares[:, order], strict=True):
                for topic, share in _listed(row):
                    archive.write(f"{_docname(document)},{topic:03d},{share:.9G}")
            documents += len(batch)
            bad = [document for document in batch if document.error is not None]
            errors += len(bad)
            left_out += bad[: _NAMED - len(left_out)]
            work.tell(Progress(documents, total))
        size, sha256 = archive.finish()
        work.storage.write(work.job.output, archive.path)
        return Done(
            documents=documents,
            errors=errors,
            size=size,
            sha256=sha256,
            stopped=stopped,
            warning=_left_out(left_out, errors - len(left_out)),
            input_bytes=sum(entry.size for entry in objects),
        )

    def vectors(self, texts: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Return the sentence vectors of texts, a row of length 1 each; an item is a document's name and its text.

        Raise ``JobFailure`` if a text takes too long.
        """
        found = within_limit(
            self._encoder.encode, [text for _, text in texts], lambda index: f"the document {texts[index][0]}"
        )
        return np.vstack(found)

    def _model(
        self,
        engine: str,
        words: Words,
        sample: Sequence[_Sampled],
        number: int,
        mapped: Mapper,
        between: Callable[[], None],
    ) -> TopicModel:
        topics = min(number, len(sample))
        if engine == "nmf":
            return NmfTopics(words, min(topics, len(words.names)), between)
        if engine == "lda":
            return LdaTopics(words, topics, between)
        tokens = min(max(TOKEN_BUDGET // len(sample), TOKENS[0]), TOKENS[1])
        limit = int(tokens * CODE_POINTS_OF_A_TOKEN)
        # The batches do not depend on who encodes them, because the last bits of a vector depend on the rest of its
        # batch.
        batches = [
            [(document.name, document.text[:limit]) for document in sample[start : start + self._batch]]
            for start in range(0, len(sample), self._batch)
        ]
        vectors = []
        between()
        for rows in mapped("vectors", batches):
            vectors.append(rows)
            between()
        return EmbeddingTopics(words, np.vstack(vectors), topics, between)


def _sample(
    documents: Iterator[Document], limit: int, most: int, between: Callable[[], None]
) -> tuple[list[_Sampled], int]:
    """Return up to ``most`` documents with text, in their order, and how many documents there are.

    If there are more, they are chosen at random.
    """
    chance = random.Random(SEED)  # nosec B311 # the same sample each time, no secret
    kept: list[_Sampled] = []
    seen = total = 0
    for number, document in enumerate(documents):
        total += 1
        if number >= limit:
            raise JobFailure("TOO_MANY_DOCUMENTS", f"the input has more than {limit:,} documents")
        if number % 1000 == 0:
            between()
        if not document.text.strip():
            continue
        seen += 1
        one = _Sampled(number, document.text[:DOCUMENT_CODE_POINTS], _docname(document))
        if len(kept) < most:
            kept.append(one)
        elif (place := chance.randrange(seen)) < most:
            kept[place] = one
    return sorted(kept), total


def _shares(batch: Sequence[Document], first: int, rows: dict[int, int], model: TopicModel, words: Words) -> Shares:
    """Return the shares of a batch whose first document has the number ``first``."""
    found = np.zeros((len(batch), model.sample_shares.shape[1]))
    others = []
    for place, document in enumerate(batch):
        row = rows.get(first + place)
        if row is not None:
            found[place] = model.sample_shares[row]
        elif document.text.strip():
            others.append(place)
    if others:
        counts = words.count([batch[place].text[:DOCUMENT_CODE_POINTS] for place in others])
        found[others] = model.shares(counts)
    return found


def _batches(documents: Iterator[Document], size: int) -> Iterator[list[Document]]:
    batch: list[Document] = []
    for document in documents:
        # Only the start of a text is kept, so that the size of a batch is limited.
        batch.append(Document(document.file, document.line, document.text[:DOCUMENT_CODE_POINTS], document.error))
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _by_prominence(shares: Shares) -> list[int]:
    """Return the topics that are the largest of some document, the most prominent first."""
    sizes = shares.sum(axis=0)
    first = np.bincount(shares.argmax(axis=1), minlength=shares.shape[1])
    return sorted((topic for topic in range(len(sizes)) if first[topic]), key=lambda topic: (-sizes[topic], topic))


def _listed(row: Shares) -> list[tuple[int, float]]:
    """Return the topics of a document that are listed, the largest first, with shares that sum to 1."""
    kept = [(topic, float(row[topic])) for topic in np.argsort(-row, kind="stable") if row[topic] >= LEAST_SHARE]
    total = sum(share for _, share in kept)
    return [(int(topic), share / total) for topic, share in kept]


def _left_out(documents: Sequence[Document], more: int) -> str:
    """Return which documents have no topics, and how many more, because the two tables have no place for errors."""
    named = [f"{_docname(one)}: {one.error.message}" for one in documents if one.error is not None]
    counted = [f"and {more:,} more."] if more else []
    return " ".join(["Left out:", *named, *counted]) if named else ""


def _docname(document: Document) -> str:
    name = document.file if document.line is None else f"{document.file}:{document.line}"
    return '"' + name.replace('"', '""') + '"' if any(mark in name for mark in ',"\r\n') else name
