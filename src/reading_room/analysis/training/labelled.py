"""Texts with their labels, the training data of a classifier, from CSV files and augmented manifests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reading_room.analysis.custom.mode import Mode
from reading_room.analysis.storage import JobFailure, Storage
from reading_room.analysis.training.csv_rows import Row, csv_rows
from reading_room.analysis.training.manifests import Item, items
from reading_room.analysis.training.places import INSUFFICIENT, INVALID, Place, Problem, Problems, shown
from reading_room.analysis.training.sources import Line, lines, sources

MOST_LABELS: dict[Mode, int] = {"MULTI_CLASS": 1000, "MULTI_LABEL": 100}
LEAST_DOCUMENTS_OF_A_LABEL = 10
LEAST_DOCUMENTS: dict[Mode, int] = {"MULTI_CLASS": 20, "MULTI_LABEL": 50}
LABEL_LIMIT = 5_000


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a training."""

    documents: int = 1_000_000
    code_points: int = 200_000_000
    """The text that fits into a container of 2 GB while its terms are counted."""


@dataclass(slots=True)
class Labelled:
    """Documents in the order of their files; ``labels`` has the labels of each document, without duplicates."""

    texts: list[str] = field(default_factory=list)
    labels: list[tuple[str, ...]] = field(default_factory=list)
    first: dict[str, Place] = field(default_factory=dict)
    """The place where each label occurs first."""

    def add(self, text: str, labels: tuple[str, ...], place: Place) -> None:
        """Add a document."""
        self.texts.append(text)
        self.labels.append(labels)
        for label in labels:
            self.first.setdefault(label, place)

    def counts(self) -> Counter[str]:
        """Return the number of documents with each label."""
        return Counter(label for labels in self.labels for label in labels)


@dataclass(slots=True)
class ClassifierData:
    """The data that a training request names: documents to learn from, and the user's own test documents, if any."""

    train: Labelled
    test: Labelled | None
    problems: Problems


def read_classifier_data(
    storage: Storage, config: Mapping[str, Any], mode: Mode, total_limit: int, limits: Limits = Limits()
) -> ClassifierData:
    """Read the ``InputDataConfig`` of a CreateDocumentClassifier request.

    Raise ``JobFailure``: what ``sources`` raises, ``INVALID_TRAINING_DATA`` or ``INSUFFICIENT_TRAINING_DATA``.
    """
    reading = _Reading(storage, mode, str(config.get("LabelDelimiter", "|")), total_limit, limits)
    train, test = Labelled(), Labelled()
    if config.get("DataFormat", "COMPREHEND_CSV") == "AUGMENTED_MANIFEST":
        for manifest in config["AugmentedManifests"]:
            into = test if manifest.get("Split") == "TEST" else train
            reading.manifest(manifest["S3Uri"], manifest["AttributeNames"], into)
        return ClassifierData(train, _known(test, train, reading.problems, "the TEST manifests"), reading.problems)
    reading.csv(config["S3Uri"], train)
    if config.get("TestS3Uri"):
        reading.csv(config["TestS3Uri"], test)
        if not test.texts:
            raise reading.problems.failure(INSUFFICIENT, f"the test set {config['TestS3Uri']} has no usable document.")
    return ClassifierData(train, _known(test, train, reading.problems, str(config.get("TestS3Uri"))), reading.problems)


def _known(test: Labelled, train: Labelled, problems: Problems, where: str) -> Labelled | None:
    """Return the test documents whose labels training documents have; ``None`` if no test documents are given."""
    if not test.texts:
        return None
    known = set(train.first)
    kept = Labelled()
    for text, labels in zip(test.texts, test.labels, strict=True):
        if known.issuperset(labels):
            kept.add(text, labels, test.first[labels[0]])
    if unknown := sorted(set(test.first) - known):
        place = test.first[unknown[0]]
        problems.note(
            f"{len(test.texts) - len(kept.texts):,} test documents were not used: {len(unknown):,} of their labels "
            f"are in no training document, the first being {shown(unknown[0])} at {place}."
        )
    if not kept.texts:
        raise problems.failure(INSUFFICIENT, f"the test set {where} has no usable document.")
    return kept


def check_classifier_data(data: ClassifierData, mode: Mode) -> None:
    """Raise ``JobFailure`` if no classifier can be trained on the data, with the label and both numbers."""
    counts = data.train.counts()
    fail = data.problems.failure
    if not counts:
        raise fail(INSUFFICIENT, "no usable training document was found.")
    if len(counts) == 1:
        (label,) = counts
        raise fail(
            INSUFFICIENT,
            f"the training data has one label, {shown(label)} (first at {data.train.first[label]}); "
            "a classifier needs at least 2.",
        )
    if len(counts) > MOST_LABELS[mode]:
        raise fail(INVALID, f"the training data has {len(counts):,} labels; {mode} allows {MOST_LABELS[mode]:,}.")
    few = sorted((count, label) for label, count in counts.items() if count < LEAST_DOCUMENTS_OF_A_LABEL)
    if few:
        named = ", ".join(f"{shown(label)} {count} (first at {data.train.first[label]})" for count, label in few[:3])
        more = f" and {len(few) - 3:,} more labels" if len(few) > 3 else ""
        raise fail(
            INSUFFICIENT,
            f"every label needs at least {LEAST_DOCUMENTS_OF_A_LABEL} training documents; too few have: {named}{more}.",
        )
    if len(data.train.texts) < LEAST_DOCUMENTS[mode]:
        raise fail(
            INSUFFICIENT, f"{mode} needs at least {LEAST_DOCUMENTS[mode]} documents; found {len(data.train.texts)}."
        )


class _Reading:
    def __init__(self, storage: Storage, mode: Mode, delimiter: str, total_limit: int, limits: Limits) -> None:
        self._limits = limits
        self._storage = storage
        self._mode = mode
        self._delimiter = delimiter
        self._left = total_limit
        self._held = 0
        self.problems = Problems()

    def csv(self, uri: str, into: Labelled) -> None:
        for file, found in self._files(uri):
            for row in csv_rows(file, found):
                self._keep(row if isinstance(row, Problem) else self._labelled_row(row), into)

    def manifest(self, uri: str, attributes: list[str], into: Labelled) -> None:
        for file, found in self._files(uri):
            for item in items(file, found, attributes):
                self._keep(item if isinstance(item, Problem) else self._labelled_item(item), into)

    def _files(self, uri: str) -> Iterator[tuple[str, Iterable[Line | Problem]]]:
        found = sources(self._storage, uri, self._left)
        self._left -= sum(source.size for source in found)
        for source in found:
            yield source.file, lines(self._storage, source)

    def _keep(self, found: tuple[str, tuple[str, ...], Place] | Problem, into: Labelled) -> None:
        if isinstance(found, Problem):
            self.problems.add(found)
            return
        text, labels, place = found
        limits = self._limits
        if len(into.texts) == limits.documents:
            raise JobFailure("TOO_MANY_DOCUMENTS", f"{place}: a training takes at most {limits.documents:,} documents")
        self._held += len(text)
        if self._held > limits.code_points:
            raise JobFailure(
                "INPUT_TOO_LARGE",
                f"{place}: the texts have more than {limits.code_points:,} characters, the most that a training takes",
            )
        into.add(text, labels, place)

    def _labelled_row(self, row: Row) -> tuple[str, tuple[str, ...], Place] | Problem:
        if len(row) != 2:
            place = row[2].place if len(row) > 2 else row[-1].place
            what = "a row with more or fewer than 2 columns (quote texts that contain commas)"
            return Problem(place, what, f"it has {len(row)}")
        label, text = row
        names = [label.text] if self._mode == "MULTI_CLASS" else label.text.split(self._delimiter)
        return _checked(text.text, names, label.place, text.place)

    def _labelled_item(self, item: Item) -> tuple[str, tuple[str, ...], Place] | Problem:
        if self._mode == "MULTI_CLASS":
            name = item.metadata.get("class-name")
            if not isinstance(name, str):
                return Problem(item.place, f'no "class-name" in {shown(item.attribute + "-metadata")}')
            return _checked(item.text, [name], item.place, item.place)
        classes = item.metadata.get("class-map")
        chosen = item.value if isinstance(item.value, list) else [item.value]
        if not isinstance(classes, dict):
            return Problem(item.place, f'no "class-map" in {shown(item.attribute + "-metadata")}')
        names = [classes.get(str(index)) for index in chosen]
        if not all(isinstance(name, str) for name in names):
            missing = next(index for index, name in zip(chosen, names, strict=True) if not isinstance(name, str))
            return Problem(item.place, 'an index that "class-map" does not name', shown(str(missing)))
        return _checked(item.text, [str(name) for name in names], item.place, item.place)


def _checked(
    text: str, names: list[str], label_place: Place, text_place: Place
) -> tuple[str, tuple[str, ...], Place] | Problem:
    # Blanks around a label do not belong to it; blanks inside do.
    labels = tuple(dict.fromkeys(name.strip() for name in names))
    if not labels or "" in labels:
        return Problem(label_place, "an empty label")
    longest = max(labels, key=len)
    if len(longest) > LABEL_LIMIT:
        return Problem(label_place, f"a label of more than {LABEL_LIMIT:,} characters", f"it has {len(longest):,}")
    if not text.strip():
        return Problem(text_place, "an empty text")
    return text, labels, label_place
