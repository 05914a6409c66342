"""From objects to documents: splitting, decoding and limits, as a stream of bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reading_room.analysis.readers.results import Extracted
from reading_room.analysis.redaction import Redacted
from reading_room.analysis.signatures import foreign, peeked

UTF8_BOM = b"\xef\xbb\xbf"
_ENCODING = "UNSUPPORTED_ENCODING"


@dataclass(frozen=True, slots=True)
class DocumentError:
    """The reason why one document has no result. It gets an error line, and the job goes on."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Document:
    """One document: ``text``, or the error that stands in its place.

    ``file`` is the object's name in results. ``line`` is its number within that file, from 0, or ``None`` if each file
    is a document. ``source`` is the object's number in the input. ``extracted`` is where the text comes from, if it is
    not the content of the file itself. ``redacted`` is what became of the text in a job that redacts.
    """

    file: str
    line: int | None
    text: str = ""
    error: DocumentError | None = None
    source: int = 0
    extracted: Extracted | None = None
    redacted: Redacted | None = None


@dataclass(frozen=True, slots=True)
class Oversize:
    """A line over the limit: its size in bytes. Its content was not kept."""

    size: int


def documents_of_lines(
    file: str, chunks: Iterable[bytes], limit: int, source: int = 0, first: int = 0
) -> Iterator[Document]:
    """Yield the lines of one file as documents, each with a text or an error.

    ``chunks`` may begin at any line; ``first`` is its number. Only line 0 is the beginning of the file.

    A line that is not UTF-8 fails alone: LF and CR are the same bytes in the other encodings in use, so the lines after
    it are still found. A file that is not text has no lines, and yields one error.
    """
    if first == 0:
        head, whole = peeked(chunks)
        if what := foreign(head):
            yield Document(file, 0, error=_foreign(what), source=source)
            return
        chunks = _without_bom(whole)
    for number, line in enumerate(split_lines(chunks, limit), first):
        yield _document(file, number, line, limit, source)


def document_of_file(file: str, chunks: Iterable[bytes], limit: int, source: int = 0) -> Document:
    """Return one file as one document, reading no more than the limit allows."""
    head, whole = peeked(chunks)
    if what := foreign(head):
        return Document(file, None, error=_foreign(what), source=source)
    kept: list[bytes] = []
    size = 0
    for chunk in _without_bom(whole):
        size += len(chunk)
        if size > limit:
            kept.clear()
        else:
            kept.append(chunk)
    return _document(file, None, Oversize(size) if size > limit else b"".join(kept), limit, source)


def split_lines(chunks: Iterable[bytes], limit: int) -> Iterator[bytes | Oversize]:
    """Split bytes at LF, CR and CRLF, but not at U+2028. A final line end does not begin another line.

    Of a line over ``limit`` bytes only the size is kept, so memory stays within the limit plus two chunks.
    """
    rest = b""
    dropped = 0
    for chunk in chunks:
        buffer = rest + chunk
        # A CR at the very end may be half of a CRLF: wait for the next chunk.
        held = b"\r" if buffer.endswith(b"\r") else b""
        lines = buffer[: len(buffer) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        rest = lines.pop() + held
        for line in lines:
            total, dropped = dropped + len(line), 0
            yield Oversize(total) if total > limit else line
        if dropped or len(rest) > limit + 1:
            dropped += len(rest) - len(held)
            rest = held
    last = rest.removesuffix(b"\r")
    if rest or dropped:
        yield Oversize(dropped + len(last)) if dropped + len(last) > limit else last


def _without_bom(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Drop a byte order mark: it marks the encoding and is not part of the text."""
    start = b""
    iterator = iter(chunks)
    for chunk in iterator:
        start += chunk
        if len(start) >= len(UTF8_BOM):
            break
    yield start.removeprefix(UTF8_BOM)
    yield from iterator


def _foreign(what: str) -> DocumentError:
    return DocumentError(_ENCODING, f"Document is not in UTF-8 format: the file is {what}.")


def _document(file: str, line: int | None, content: bytes | Oversize, limit: int, source: int) -> Document:
    if isinstance(content, Oversize):
        message = f"Document size exceeds maximum size limit {limit} bytes: it has {content.size} bytes."
        return Document(file, line, error=DocumentError("DOCUMENT_SIZE_EXCEEDED", message), source=source)
    try:
        # A zero byte is valid UTF-8 but does not occur in text: it means UTF-16 or a binary file.
        if b"\x00" not in content:
            return Document(file, line, content.decode("utf-8"), source=source)
        error = DocumentError(_ENCODING, "Document is not in UTF-8 format: it has a zero byte.")
    except UnicodeDecodeError:
        error = DocumentError(_ENCODING, "Document is not in UTF-8 format.")
    return Document(file, line, error=error, source=source)
