"""What stands beside the results of a file: extracted texts, and of redacted documents a report and a copy.

A copy of a PDF is made of images of its pages (``image_pdf.py``), a copy of a Word document of its redacted text. A
copy that cannot be made has an error in the report; the redacted text stands without it.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reading_room.analysis.cutting import Part, Segment
from reading_room.analysis.documents import Document
from reading_room.analysis.extraction import extractor, wishes_of
from reading_room.analysis.formats import COPY_PDF, COPY_WORD, REPORT_MEMBER, TEXTS_MEMBER
from reading_room.analysis.forms import NOT_REDACTED, RedactedForm, form_of, text_line
from reading_room.analysis.image_pdf import BadPixels, write_pdf
from reading_room.analysis.job_file import JobFile
from reading_room.analysis.outputs import fitting
from reading_room.analysis.readers.marks import marks_json
from reading_room.analysis.readers.results import BROKEN, Extracted, MarkedLine, ReadError
from reading_room.analysis.redaction import Redacted, left_in
from reading_room.analysis.storage import ObjectGone, Storage

PIECE = 3 << 20
"""The most bytes of a copy that are handed on at once."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Makes what stands beside the results of the files of a part."""

    job: JobFile
    storage: Storage
    segments: dict[int, Segment]
    scratch: Path
    redacts: bool
    any_format: bool

    @classmethod
    def of_part(cls, job: JobFile, storage: Storage, part: Part, scratch: Path) -> Beside:
        """Return what makes them for a part. ``scratch`` is a folder for files that are gone afterwards."""
        segments = {each.source: each for each in part.segments}
        redacts = isinstance(form_of(job), RedactedForm)
        return cls(job, storage, segments, scratch, redacts, wishes_of(job) is not None)

    def of(self, document: Document) -> Iterator[tuple[str, bytes]]:
        """Yield pieces of objects that stand beside that of the document's file, each after the name's last part.

        Raise ``JobFailure``.
        """
        if not self.redacts:
            if document.extracted is not None:
                yield TEXTS_MEMBER, text_line(document) + b"\n"
        elif self.any_format:
            yield from self._redacted(document)

    def _redacted(self, document: Document) -> Iterator[tuple[str, bytes]]:
        done, extracted = document.redacted, document.extracted
        if done is None:
            assert document.error is not None
            yield REPORT_MEMBER, _line({"ErrorCode": document.error.code, "ErrorMessage": document.error.message})
            return
        report: dict[str, Any] = {"Replaced": dict(sorted(Counter(kind for *_, kind in done.places).items()))}
        if extracted is None or extracted.path:
            # An attachment has no object of its own.
            yield REPORT_MEMBER, _line(report)
        elif extracted.format == "word":
            # Imported only now: few workers need it.
            from reading_room.analysis.word_file import word_file

            yield COPY_WORD, word_file(done.text)
            yield REPORT_MEMBER, _line(report | {"Copy": COPY_WORD})
        elif extracted.format == "pdf":
            with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
                try:
                    copy = self._pdf(document, done, extracted, Path(folder))
                except ReadError as error:
                    yield (
                        REPORT_MEMBER,
                        _line(report | {"CopyErrorCode": error.code, "CopyErrorMessage": error.message}),
                    )
                    return
                with copy.open("rb") as file:
                    while piece := file.read(PIECE):
                        yield COPY_PDF, piece
            yield REPORT_MEMBER, _line(report | {"Copy": COPY_PDF})
        else:
            yield REPORT_MEMBER, _line(report)

    def _pdf(self, document: Document, done: Redacted, extracted: Extracted, folder: Path) -> Path:
        """Return the file of a PDF's copy. Raise ``ReadError`` if there can be none, and ``JobFailure``."""
        segment = self.segments[document.source]
        # The file was not kept, because an engine reads many documents ahead.
        chunks = self.storage.read(self.job.input.bucket, segment.key, etag=segment.etag, exact=False)
        pixels, copy = folder / "pixels", folder / "copy"
        marks = marks_json(marked_lines(extracted, done), extracted.scanned)
        try:
            pages = extractor(self.job.document_limit).images(chunks, extracted.sha256, marks, pixels)
        except ObjectGone:
            raise ReadError(BROKEN, "the file was deleted after its text was read") from None
        if left := left_in("\n".join(page.visible for page in pages), done.strings):
            message = f"The copy would still show {left} of the strings that were found, so it is not written."
            raise ReadError(NOT_REDACTED, message)
        with fitting(), copy.open("wb") as to, pixels.open("rb") as source:
            try:
                write_pdf(to, pages, source)
            except BadPixels as error:
                raise ReadError(BROKEN, f"its reader gave images that are none: {error}") from None
        pixels.unlink()
        return copy


def marked_lines(extracted: Extracted, done: Redacted) -> list[MarkedLine]:
    """Return the lines of a PDF that have places which were replaced."""
    found: list[MarkedLine] = []
    numbers: dict[int, int] = defaultdict(int)
    places = done.places
    first = 0
    for block in extracted.blocks:
        number = numbers[block.page]
        numbers[block.page] += 1
        while first < len(places) and places[first][1] <= block.begin:
            first += 1
        inside = []
        for at in range(first, len(places)):
            begin, end, _ = places[at]
            if begin >= block.end:
                break
            inside.append((max(begin, block.begin) - block.begin, min(end, block.end) - block.begin))
        if inside:
            text = extracted.text[block.begin : block.end]
            found.append(MarkedLine(block.page, number, text, block.box, tuple(inside)))
    return found


def _line(report: dict[str, Any]) -> bytes:
    return json.dumps(report, ensure_ascii=False).encode() + b"\n"
