"""The program that takes a dataset into a data lake: from the user's files to one augmented manifest.

The manifest has a line of JSON for each usable document, with its text and its labels or entities, whatever form the
user's data has. Later jobs read it like any augmented manifest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from reading_room.analysis.custom.spans import Span, listed_spans
from reading_room.analysis.flywheel.layout import ATTRIBUTE, MANIFEST
from reading_room.analysis.job_file import Done, Progress
from reading_room.analysis.program import Work
from reading_room.analysis.storage import JobFailure
from reading_room.analysis.time_limits import within_limit
from reading_room.analysis.training.annotated import read_recognizer_data
from reading_room.analysis.training.data_lake import check_marker
from reading_room.analysis.training.labelled import read_classifier_data
from reading_room.analysis.training.places import INSUFFICIENT, Problem, Problems, shown, training_document

_AT_ONCE = 64

Line = Mapping[str, Any]


class DatasetIngestion:
    """Takes one dataset into a data lake."""

    def run(self, work: Work) -> Done:
        """Read the user's data, and write the manifest as the job's output. Raise ``JobFailure``."""
        request = json.loads(work.job.request)
        check_marker(work.storage, request["Marker"])
        work.storage.probe_output(work.job.output)
        documents, problems = self._documents(work, request)
        path, digest = work.scratch / MANIFEST, hashlib.sha256()
        number = size = 0
        with path.open("wb") as file:
            for document in documents:
                if work.stopping():
                    return Done(documents=0, errors=0, size=0, sha256="", stopped=True)
                line = json.dumps(document, ensure_ascii=False).encode() + b"\n"
                file.write(line)
                digest.update(line)
                number, size = number + 1, size + len(line)
                if number % 1_000 == 0:
                    work.tell(Progress(number))
        if not number:
            raise problems.failure(INSUFFICIENT, "the dataset has no document that its flywheel can use.")
        work.storage.write(work.job.output, path)
        return Done(
            documents=number,
            errors=problems.count,
            size=size,
            sha256=digest.hexdigest(),
            metadata=json.dumps({"NumberOfDocuments": number}),
            warning=problems.sentence(),
        )

    def _documents(self, work: Work, request: Mapping[str, Any]) -> tuple[Iterator[Line], Problems]:
        config = request["InputDataConfig"]
        if "Mode" in request:
            data = read_classifier_data(work.storage, config, request["Mode"], work.job.total_limit)
            pairs = zip(data.train.texts, data.train.labels, strict=True)
            known = request.get("Labels")
            first = data.train.first
            if known is not None:
                for label in sorted(set(first) - set(known)):
                    problem = Problem(
                        first[label], "a label that the flywheel's TaskConfig does not have", shown(label)
                    )
                    data.problems.add(problem)
                allowed = frozenset(known)
                pairs = (pair for pair in pairs if allowed.issuperset(pair[1]))  # type: ignore[assignment]
            return _labelled(pairs, request["Mode"]), data.problems
        language = request["LanguageCode"]
        found = read_recognizer_data(work.storage, config, language, work.job.total_limit)
        spans: Iterable[Sequence[Span]] = found.train.spans
        if found.entries is not None:
            spans = _matches(found.train.texts, found.entries, language)
        elif not any(found.train.spans):
            types = ", ".join(str(each["Type"]) for each in config["EntityTypes"])
            raise found.problems.failure(
                INSUFFICIENT, f"no document of the dataset has an entity of the flywheel's types: {types}."
            )
        return _annotated(zip(found.train.texts, spans, strict=True)), found.problems


def _labelled(pairs: Iterable[tuple[str, tuple[str, ...]]], mode: str) -> Iterator[Line]:
    for text, labels in pairs:
        if mode == "MULTI_CLASS":
            yield {"source": text, ATTRIBUTE: 0, f"{ATTRIBUTE}-metadata": {"class-name": labels[0]}}
        else:
            classes = {str(index): label for index, label in enumerate(labels)}
            yield {"source": text, ATTRIBUTE: list(range(len(labels))), f"{ATTRIBUTE}-metadata": {"class-map": classes}}


def _annotated(pairs: Iterable[tuple[str, Sequence[Span]]]) -> Iterator[Line]:
    for text, spans in pairs:
        entities = [{"startOffset": begin, "endOffset": end, "label": kind} for begin, end, kind in spans]
        yield {"source": text, ATTRIBUTE: {"annotations": {"entities": entities}}}


def _matches(texts: Sequence[str], entries: Mapping[str, str], language: str) -> Iterator[list[Span]]:
    """Yield where each text contains entries of an entity list. Raise ``JobFailure`` if one takes too long."""
    # Only datasets with an entity list need a tokenizer, which takes long to load.
    from reading_room.analysis.custom.tokens import Tokenizer

    tokenizer, lengths = Tokenizer(language), set(map(len, entries))

    def matched(some: Sequence[str]) -> list[list[Span]]:
        read = zip(some, tokenizer.tokens(some), strict=True)
        return [listed_spans(text, tokens, entries, lengths) for text, tokens in read]

    found = False
    for start in range(0, len(texts), _AT_ONCE):
        some = texts[start : start + _AT_ONCE]

        def named(index: int, some: Sequence[str] = some) -> str:
            return training_document(some[index])

        for part in within_limit(matched, some, named):
            found = found or any(part)
            yield from part
    if not found:
        raise JobFailure(INSUFFICIENT, "no document of the dataset contains a text of its entity list")
