"""Documents of every kind in a job's input: handed to the process that reads them, and turned into texts.

Only jobs that ask for it read other documents than text in UTF-8; for all others nothing here is called.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from reading_room.analysis.documents import Document, DocumentError, document_of_file
from reading_room.analysis.formats import COLUMN, DOCUMENTS, READER, suffix_of, weight
from reading_room.analysis.job_file import JobFile
from reading_room.analysis.readers.results import TOO_LARGE, UNKNOWN_ENCODING, Extracted, Limits, Wishes
from reading_room.analysis.storage import InputObject

if TYPE_CHECKING:
    from reading_room.analysis.readers.extractor import Extractor

_FORCED = "FORCE_DOCUMENT_READ_ACTION"
_PLAIN = ("", ".txt", ".text", ".log")


def wishes_of(job: JobFile) -> Wishes | None:
    """Return how a job wants its documents read; ``None`` if all of them are text in UTF-8."""
    request = json.loads(job.request)
    documents, reader = request.get(DOCUMENTS), request.get(READER)
    if documents is None and reader is None:
        return None
    return Wishes(
        column=(documents or {}).get(COLUMN),
        force_ocr=(reader or {}).get("DocumentReadMode") == _FORCED,
        language=job.language,
    )


def weighed(objects: Sequence[InputObject]) -> list[InputObject]:
    """Return the objects with about the size of their texts, by which an input is cut into parts."""
    return [replace(each, size=weight(each.key, each.size)) for each in objects]


@cache
def extractor(text_limit: int) -> Extractor:
    """Return the process that reads documents; a worker does one job, so it has one.

    A worker calls this once before it gives up starting processes.
    """
    # Imported only now: most workers need no such process.
    from reading_room.analysis.readers.extractor import Extractor

    return Extractor(Limits(text_characters=text_limit))


def documents_of_any_file(
    job: JobFile, file: str, chunks: Iterable[bytes], source: int, wishes: Wishes
) -> Iterator[Document]:
    """Yield the documents of one file in any format. Raise ``JobFailure``.

    Text in UTF-8 that is named like text is read as it would be without the wish for others.
    """
    if suffix_of(file) in _PLAIN:
        content = list(chunks)
        document = document_of_file(file, content, job.document_limit, source)
        if document.error is None or document.error.code != UNKNOWN_ENCODING:
            yield document
            return
        chunks = content
    for each in extractor(job.document_limit).read(chunks, file, wishes):
        yield _document(file if not each.path else f"{file}/{each.path}", each, job.document_limit, source)


def _document(file: str, each: Extracted, limit: int, source: int) -> Document:
    if each.error is not None:
        code, message = each.error
        error = DocumentError(code, f"The document cannot be read: {message}.")
        return Document(file, None, error=error, source=source)
    size = len(each.text) if each.text.isascii() else len(each.text.encode())
    if size > limit:
        message = f"Document size exceeds maximum size limit {limit} bytes: its text has {size} bytes."
        return Document(file, None, error=DocumentError(TOO_LARGE, message), source=source)
    return Document(file, None, each.text, source=source, extracted=each)
