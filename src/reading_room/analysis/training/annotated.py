"""Texts with their entities, the training data of a recognizer: annotations, an entity list or augmented manifests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reading_room.analysis.custom.spans import Span
from reading_room.analysis.storage import JobFailure, Storage
from reading_room.analysis.training.csv_rows import Row, csv_rows
from reading_room.analysis.training.function_words import FUNCTION_WORDS
from reading_room.analysis.training.manifests import Item, items
from reading_room.analysis.training.places import INSUFFICIENT, INVALID, Place, Problem, Problems, shown
from reading_room.analysis.training.sources import lines, sources, whole_text

DOCUMENT_LIMIT = 5_000
"""The greatest size of a training document, in bytes."""
LEAST_DOCUMENTS = 3
LEAST_MENTIONS = 25
"""For each type, in annotations or as matches of an entity list."""
LEAST_TESTED = 1
"""For each type, in test documents that the user provides."""
ENTRY_LIMIT = 5_000

_ANNOTATION_COLUMNS = ("File", "Line", "Begin Offset", "End Offset", "Type")


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a training."""

    corpus_bytes: int = 200_000_000
    documents: int = 200_000
    entries: int = 1_000_000
    """In an entity list."""


@dataclass(slots=True)
class Annotated:
    """Documents and the entities of each, in order and without overlap."""

    texts: list[str] = field(default_factory=list)
    spans: list[list[Span]] = field(default_factory=list)
    index: dict[tuple[str, int | None], int] = field(default_factory=dict)
    """The index of each document, by file and line. Lines count from 0; there is none if a file is one document."""


@dataclass(slots=True)
class RecognizerData:
    """The data that a training request names. ``entries`` maps the texts of the entity list, if any, to types."""

    train: Annotated
    test: Annotated | None
    entries: dict[str, str] | None
    problems: Problems


def read_recognizer_data(
    storage: Storage, config: Mapping[str, Any], language: str, total_limit: int, limits: Limits = Limits()
) -> RecognizerData:
    """Read the ``InputDataConfig`` of a CreateEntityRecognizer request; ``language`` is its LanguageCode.

    Raise ``JobFailure``: what ``sources`` raises, ``INVALID_TRAINING_DATA`` or ``INSUFFICIENT_TRAINING_DATA``.
    """
    reading = _Reading(storage, {str(entry["Type"]) for entry in config["EntityTypes"]}, total_limit, limits)
    train, test = Annotated(), Annotated()
    entries: dict[str, str] | None = None
    if config.get("DataFormat", "COMPREHEND_CSV") == "AUGMENTED_MANIFEST":
        for manifest in config["AugmentedManifests"]:
            into = test if manifest.get("Split") == "TEST" else train
            reading.manifest(manifest["S3Uri"], manifest["AttributeNames"], into)
    else:
        documents, by_line = config["Documents"], config["Documents"].get("InputFormat") != "ONE_DOC_PER_FILE"
        reading.documents(documents["S3Uri"], by_line, train)
        if documents.get("TestS3Uri"):
            reading.documents(documents["TestS3Uri"], by_line, test)
        if config.get("EntityList"):
            entries = reading.entity_list(config["EntityList"]["S3Uri"], FUNCTION_WORDS[language])
        else:
            reading.annotations(config["Annotations"]["S3Uri"], by_line, train)
            if config["Annotations"].get("TestS3Uri"):
                reading.annotations(config["Annotations"]["TestS3Uri"], by_line, test)
    if len(train.texts) < LEAST_DOCUMENTS:
        raise reading.problems.failure(
            INSUFFICIENT, f"at least {LEAST_DOCUMENTS} training documents are needed; found {len(train.texts)}."
        )
    return RecognizerData(train, test if test.texts else None, entries, reading.problems)


def check_mentions(
    counts: Mapping[str, int], types: list[str], problems: Problems, what: str, least: int = LEAST_MENTIONS
) -> None:
    """Raise ``JobFailure`` if types have too few mentions, with each such type and both numbers."""
    few = [(kind, counts.get(kind, 0)) for kind in types if counts.get(kind, 0) < least]
    if few:
        named = ", ".join(f"{kind} {count}" for kind, count in few)
        raise problems.failure(INSUFFICIENT, f"every entity type needs at least {least} {what}; too few have: {named}.")


class _Reading:
    def __init__(self, storage: Storage, types: set[str], total_limit: int, limits: Limits) -> None:
        self._storage = storage
        self._types = types
        self._limits = limits
        self._limit = min(total_limit, limits.corpus_bytes)
        self._unused: set[tuple[str, int | None]] = set()
        self.problems = Problems()

    def documents(self, uri: str, by_line: bool, into: Annotated) -> None:
        for source in sources(self._storage, uri, self._limit):
            if not by_line:
                text = whole_text(self._storage, source, DOCUMENT_LIMIT)
                self._keep_document(into, (source.file, None), text, Place(source.file, 1))
                continue
            for number, line in enumerate(lines(self._storage, source, DOCUMENT_LIMIT)):
                text = line if isinstance(line, Problem) else line.text
                self._keep_document(into, (source.file, number), text, Place(source.file, number + 1))

    def _keep_document(self, into: Annotated, key: tuple[str, int | None], text: str | Problem, place: Place) -> None:
        if isinstance(text, Problem):
            self._unused.add(key)
            self.problems.add(text)
        elif key in into.index:
            self.problems.add(Problem(place, "a document whose file has the name of another file"))
        else:
            if len(into.texts) == (most := self._limits.documents):
                raise JobFailure("TOO_MANY_DOCUMENTS", f"{place}: a training takes at most {most:,} documents")
            into.index[key] = len(into.texts)
            into.texts.append(text)
            into.spans.append([])

    def annotations(self, uri: str, by_line: bool, into: Annotated) -> None:
        places: dict[int, list[Place]] = {}
        for file, columns, row in self._rows(uri, _ANNOTATION_COLUMNS if by_line else _without_line()):
            found = _annotation(file, columns, row, by_line)
            if isinstance(found, Problem):
                self.problems.add(found)
                continue
            key, span, place = found
            if span[2] not in self._types:
                continue
            if key not in into.index:
                where = key[0] if key[1] is None else f"{key[0]}, line {key[1]}"
                known = key in self._unused
                what = (
                    "an annotation for a document that was not used"
                    if known
                    else "an annotation for a missing document"
                )
                self.problems.add(Problem(place, what, where))
                continue
            index = into.index[key]
            self._keep_span(into, index, span, place, places.setdefault(index, []))
        for spans in into.spans:
            spans.sort()

    def _keep_span(self, into: Annotated, index: int, span: Span, place: Place, places: list[Place]) -> None:
        begin, end, _ = span
        size = len(into.texts[index])
        if not 0 <= begin < end:
            self.problems.add(Problem(place, "offsets that do not satisfy 0 <= begin < end", f"{begin} to {end}"))
        elif end > size:
            self.problems.add(
                Problem(place, "an offset beyond the text", f"{begin} to {end} in a text of {size} characters")
            )
        else:
            for other, there in zip(into.spans[index], places, strict=True):
                if begin < other[1] and other[0] < end:
                    what = "a duplicate annotation" if span == other else "an annotation that overlaps an earlier one"
                    self.problems.add(Problem(place, what, f"line {there.line}"))
                    return
            into.spans[index].append(span)
            places.append(place)

    def entity_list(self, uri: str, function_words: frozenset[str]) -> dict[str, str]:
        entries: dict[str, str] = {}
        for _, columns, row in self._rows(uri, ("Text", "Type")):
            text, kind = row[columns["Text"]], row[columns["Type"]].text.strip()
            value = text.text.strip()
            if kind not in self._types:
                continue
            if not value:
                self.problems.add(Problem(text.place, "an empty text"))
            elif len(value) > ENTRY_LIMIT:
                self.problems.add(Problem(text.place, f"a text of more than {ENTRY_LIMIT:,} characters"))
            elif value in function_words:
                self.problems.add(Problem(text.place, "a function word, which names no entity", shown(value)))
            elif value in entries:
                same = entries[value] == kind
                what = "a text that is listed twice" if same else "a text that is listed with another type above"
                self.problems.add(Problem(text.place, what, shown(value)))
            elif len(entries) == (most := self._limits.entries):
                raise JobFailure(INVALID, f"{text.place}: an entity list has at most {most:,} rows")
            else:
                entries[value] = kind
        if not entries:
            types = ", ".join(sorted(self._types))
            raise self.problems.failure(
                INSUFFICIENT, f"the entity list {uri} has no row with one of the types {types}."
            )
        return entries

    def manifest(self, uri: str, attributes: list[str], into: Annotated) -> None:
        for source in sources(self._storage, uri, self._limit):
            for item in items(source.file, lines(self._storage, source), attributes):
                found = item if isinstance(item, Problem) else _item_spans(item)
                if isinstance(found, Problem) or isinstance(item, Problem):
                    self.problems.add(found if isinstance(found, Problem) else item)  # type: ignore[arg-type]
                    continue
                size = len(item.text.encode(errors="replace"))
                if size > DOCUMENT_LIMIT:
                    what = f"a document of more than {DOCUMENT_LIMIT:,} bytes"
                    self.problems.add(Problem(item.place, what, f"it has {size:,}"))
                    continue
                self._keep_document(into, (source.file, item.place.line), item.text, item.place)
                places: list[Place] = []
                for span in found:
                    if span[2] in self._types:
                        self._keep_span(into, len(into.texts) - 1, span, item.place, places)
                into.spans[-1].sort()

    def _rows(self, uri: str, wanted: tuple[str, ...]) -> Iterator[tuple[str, dict[str, int], Row]]:
        """Yield the rows under a header with the wanted columns in any order; count faulty rows as problems."""
        for source in sources(self._storage, uri, self._limit):
            columns: dict[str, int] | None = None
            for row in csv_rows(source.file, lines(self._storage, source)):
                if isinstance(row, Problem):
                    self.problems.add(row)
                elif columns is None:
                    names = [column.text.strip() for column in row]
                    if missing := [name for name in wanted if name not in names]:
                        raise JobFailure(
                            INVALID,
                            f"{row[0].place}: the header has no column {missing[0]!r}; it should be "
                            f"{','.join(wanted)} and is {shown(','.join(names))}",
                        )
                    columns = {name: names.index(name) for name in wanted}
                    width = len(names)
                elif len(row) != width:
                    place = row[width].place if len(row) > width else row[-1].place
                    self.problems.add(
                        Problem(
                            place, "a row with more or fewer columns than its header", f"{len(row)} instead of {width}"
                        )
                    )
                else:
                    yield source.file, columns, row


def _without_line() -> tuple[str, ...]:
    return tuple(name for name in _ANNOTATION_COLUMNS if name != "Line")


def _annotation(
    file: str, columns: dict[str, int], row: Row, by_line: bool
) -> tuple[tuple[str, int | None], Span, Place] | Problem:
    numbers: dict[str, int] = {}
    for name in ("Line", "Begin Offset", "End Offset") if by_line else ("Begin Offset", "End Offset"):
        value = row[columns[name]]
        text = value.text.strip()
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            return Problem(value.place, f"{name} that is not a whole number from 0 up", shown(text))
        numbers[name] = int(text)
    document = row[columns["File"]].text.strip()
    place = row[columns["Begin Offset"]].place
    span = (numbers["Begin Offset"], numbers["End Offset"], row[columns["Type"]].text.strip())
    return (document, numbers.get("Line")), span, place


def _item_spans(item: Item) -> list[Span] | Problem:
    try:
        entities = item.value["annotations"]["entities"]
        spans = [(entity["startOffset"], entity["endOffset"], str(entity["label"])) for entity in entities]
    except (TypeError, KeyError):
        what = "annotations without entities[{startOffset, endOffset, label}]"
        return Problem(item.place, what, shown(item.attribute))
    if not all(type(number) is int for span in spans for number in span[:2]):
        return Problem(item.place, "an offset that is not a whole number", shown(item.attribute))
    return spans
