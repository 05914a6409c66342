"""The forms of results: for each kind of analysis the archive's members, and how a document's line is written.

Keys stand in alphabetical order except where Comprehend's own samples show another. Every line is one JSON object in
``json.dumps``'s spacing, characters as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reading_room.analysis.documents import Document, DocumentError
from reading_room.analysis.engine import Members, Result
from reading_room.analysis.event_types import TARGETS, targeted
from reading_room.analysis.formats import BY_NAME, SCANNED
from reading_room.analysis.job_file import JobFile
from reading_room.analysis.kind import Lines
from reading_room.analysis.kinds import WORK_KINDS
from reading_room.analysis.readers.results import Block
from reading_room.analysis.redaction import Redaction, redacted

EMPTY = DocumentError("EMPTY_DOCUMENT", "Document is empty: it has nothing but blanks, and an answer would be a guess.")


@dataclass(frozen=True, slots=True)
class Form:
    """How a kind's results are written.

    ``line`` takes a document, its result and the name of a result that is a list. ``member`` is the archive's member,
    ``None`` where each input file has one of its own. ``empty_is_error`` says that a document without any word gets an
    error in place of an empty result: there is no empty sentiment, and no empty class.
    """

    line: Callable[[Document, Result | Members, str], str]
    member: str | None
    empty_is_error: bool

    def checked(self, document: Document) -> Document:
        """Return the document, or its error where an empty one cannot have a result."""
        if self.empty_is_error and document.error is None and not document.text.strip():
            return Document(document.file, document.line, error=EMPTY, source=document.source)
        return document

    def answered(self, document: Document, result: Result | Members, name: str) -> tuple[Document, str]:
        """Return a document with its line, or with an error and its line if the result cannot be written."""
        return document, self.line(document, result, name)

    def content(self, line: bytes) -> tuple[bytes, bool]:
        """Return what a line adds to the object of its file, and whether the object must not have the file's name."""
        return line + b"\n", False


def sorted_line(document: Document, result: Result | Members, name: str) -> str:
    """Return a line with its keys in alphabetical order at every level; scores keep every digit."""
    return json.dumps(_place(document) | _found(document, result, name), sort_keys=True, ensure_ascii=False)


def prediction_line(document: Document, result: Result | Members, name: str) -> str:
    """Return a line of a classification: File, Line, which is a string, then the classes; scores with 4 decimals."""
    place = _place(document)
    if "Line" in place:
        place["Line"] = str(place["Line"])
    return json.dumps(place | _rounded(_found(document, result, name), 4), ensure_ascii=False)


def mention_line(document: Document, result: Result | Members, name: str) -> str:
    """Return a line of targeted sentiment: scores with 6 decimals and no exponent, exactly 0 and 1 as integers."""
    found = _found(document, result, name)
    entities = [_entity(entity) for entity in found.get(name, ())]
    ordered = found if document.error is not None else {name: entities}
    return _fixed(ordered | _place(document))


def offset_line(document: Document, result: Result | Members, name: str) -> str:
    """Return a line of personal data: places without their text, in the order and spacing of the service's samples."""
    found = _found(document, result, name)
    if document.error is None:
        found = {name: [{key: each[key] for key in _OFFSETS} for each in found[name]]}
    return json.dumps(found | _place(document), separators=(",", ":"), ensure_ascii=False)


_OFFSETS = ("BeginOffset", "EndOffset", "Type", "Score")

LINES: Mapping[Lines, Callable[[Document, Result | Members, str], str]] = {
    "sorted": sorted_line,
    "predictions": prediction_line,
    "mentions": mention_line,
    "offsets": offset_line,
}
FORMS: Mapping[str, Form] = {
    name: Form(LINES[kind.output.lines], kind.output.member, kind.output.empty_is_error)
    for name, kind in WORK_KINDS.items()
    if kind.output is not None
}
"""The form of each kind that has a line for each document; topics and trainings write files of their own."""


def text_line(document: Document) -> bytes:
    """Return the line of an extracted text: what offsets point into, with the page and the box of each block."""
    extracted = document.extracted
    assert extracted is not None
    kind = SCANNED if extracted.format == "pdf" and extracted.scanned else BY_NAME[extracted.format].document_type
    line = {
        "File": document.file,
        "Format": extracted.format,
        "DocumentType": kind,
        "Encoding": extracted.encoding,
        "Pages": extracted.pages,
        "ScannedPages": list(extracted.scanned) or None,
        "DamagedPages": list(extracted.bad_pages) or None,
        "Text": extracted.text,
        "Blocks": [_block(each) for each in extracted.blocks],
    }
    return json.dumps({name: value for name, value in line.items() if value is not None}, ensure_ascii=False).encode()


def _block(block: Block) -> dict[str, Any]:
    members: dict[str, Any] = {"Page": block.page, "BeginOffset": block.begin, "EndOffset": block.end}
    if block.box is not None:
        members["BoundingBox"] = dict(zip(("Left", "Top", "Width", "Height"), block.box, strict=True))
    return members


NOT_REDACTED = "REDACTION_INCOMPLETE"
"""The error of a document whose redacted text still had something that was found."""


@dataclass(frozen=True, slots=True)
class RedactedForm(Form):
    """How redacted documents are written: an object is the text of its file, with what was found replaced.

    A line is a JSON object with the ``Text``, and with ``Rename`` if the file's name has something that was found. A
    document with an error has its record instead of its text, without the file's name.
    """

    redaction: Redaction
    per_line: bool

    def answered(self, document: Document, result: Result | Members, name: str) -> tuple[Document, str]:
        """Return a document with its redacted text, or with an error if the text still has what was found."""
        if document.error is not None:
            return document, self._record(document)
        found = result[name] if isinstance(result, dict) else result
        done = redacted(document.text, found, self.redaction, document.file)
        rename = {"Rename": True} if done.named else {}
        if done.left:
            message = f"The redacted text still has {done.left} of the strings that were found, so it is not written."
            error = DocumentError(NOT_REDACTED, message)
            failed = Document(document.file, document.line, error=error, source=document.source)
            return failed, self._record(failed, rename)
        return replace(document, redacted=done), json.dumps({"Text": done.text} | rename, ensure_ascii=False)

    def _record(self, document: Document, rename: Mapping[str, Any] = {}) -> str:
        found = {**_found(document, [], ""), **_place(document), **rename}
        del found["File"]
        return json.dumps(found, separators=(",", ":"), ensure_ascii=False)

    def content(self, line: bytes) -> tuple[bytes, bool]:
        """Return what a line adds to the object of its file, and whether the object must not have the file's name."""
        found = json.loads(line)
        rename = bool(found.pop("Rename", False))
        if "Text" not in found:
            return json.dumps(found, separators=(",", ":"), ensure_ascii=False).encode() + b"\n", rename
        return found["Text"].encode() + (b"\n" if self.per_line else b""), rename


@dataclass(frozen=True, slots=True)
class TargetedForm(Form):
    """How events are written: only those of the types that the job asks for, with their entities."""

    types: frozenset[str]

    def answered(self, document: Document, result: Result | Members, name: str) -> tuple[Document, str]:
        """Return a document with its line."""
        assert isinstance(result, dict)
        return document, self.line(document, targeted(result, self.types), name)


def form_of(job: JobFile) -> Form:
    """Return the form of a job's results."""
    form = FORMS[job.kind]
    request = json.loads(job.request)
    if request.get(TARGETS):
        return TargetedForm(form.line, form.member, form.empty_is_error, frozenset(request[TARGETS]))
    if request.get("Mode") != "ONLY_REDACTION":
        return form
    redaction = Redaction.of(request["RedactionConfig"])
    return RedactedForm(form.line, form.member, form.empty_is_error, redaction, job.input_format == "ONE_DOC_PER_LINE")


class MemberNames:
    """Names of the members that belong to input files: ``reviews.txt.out`` for ``reviews.txt``.

    The format knows a file by the last segment of its key. Of several with the same one, in the order of their keys,
    the second becomes ``reviews.txt-2.out`` and so on, so that no reader of the archive loses one to another.
    """

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._counts: dict[str, int] = {}

    def of(self, file: str) -> str:
        """Return the name for the next input file of this base name."""
        count = self._counts.get(file, 0) + 1
        while (name := f"{file}.out" if count == 1 else f"{file}-{count}.out") in self._given:
            count += 1
        self._counts[file] = count
        self._given.add(name)
        return name


def _place(document: Document) -> dict[str, Any]:
    place: dict[str, Any] = {"File": document.file}
    if document.line is not None:
        place["Line"] = document.line
    return place


def _found(document: Document, result: Result | Members, name: str) -> dict[str, Any]:
    if document.error is not None:
        return {"ErrorCode": document.error.code, "ErrorMessage": document.error.message}
    return result if isinstance(result, dict) else {name: result}


def _rounded(value: Any, decimals: int) -> Any:
    if isinstance(value, float):
        return round(value, decimals)
    if isinstance(value, dict):
        return {key: _rounded(each, decimals) for key, each in value.items()}
    return [_rounded(each, decimals) for each in value] if isinstance(value, list) else value


def _entity(entity: Mapping[str, Any]) -> dict[str, Any]:
    mentions = [_ordered(mention, _MENTION) for mention in entity["Mentions"]]
    return {"DescriptiveMentionIndex": entity["DescriptiveMentionIndex"], "Mentions": mentions}


_MENTION = ("BeginOffset", "EndOffset", "Score", "GroupScore", "Text", "Type", "MentionSentiment")
_SENTIMENT = ("Sentiment", "SentimentScore")
_SCORES = ("Mixed", "Negative", "Neutral", "Positive")


def _ordered(mention: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    values = {key: mention[key] for key in keys}
    if "MentionSentiment" in values:
        values["MentionSentiment"] = _ordered(values["MentionSentiment"], _SENTIMENT)
    if "SentimentScore" in values:
        values["SentimentScore"] = _ordered(values["SentimentScore"], _SCORES)
    return values


def _fixed(value: Any) -> str:
    """Write JSON as ``json.dumps`` does, but numbers with at most 6 decimals: 0.000012, and 1 for 1.0."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_fixed(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_fixed(each) for each in value) + "]"
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return json.dumps(value, ensure_ascii=False)
