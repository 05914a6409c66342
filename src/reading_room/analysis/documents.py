"""From objects to documents: splitting, decoding and limits, as a stream of bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reading_room.analysis.signatures import foreign, peeked

UTF8_BOM = b"\xef\xbb\xbf"
_ENCODING = "UNSUPPORTED_ENCODING"


@dataclass(frozen=True, slots=True)
class DocumentError:
    """Why one document has no result; it gets an error line and the job goes on."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Document:
    """One document: ``text``, or the error that stands in its place.

    ``file`` is the object's name in results; ``line`` is its number within that file, counted from 0, and
    ``None`` where a file is a document. ``source`` numbers the objects of the input.
    """

    file: str
    line: int | None
    text: str = ""
    error: DocumentError | None = None
    source: int = 0


@dataclass(frozen=True, slots=True)
class Oversize:
    """A line over the limit, of so many bytes; its content was not kept."""

    size: int


def documents_of_lines(
    file: str, chunks: Iterable[bytes], limit: int, source: int = 0, first: int = 0
) -> Iterator[Document]:
    """Yield the lines of one file as documents, each a text or an error of its own.

    ``chunks`` may begin at any line, whose number then is ``first``; at line 0 only is the beginning of the file.

    A line that is not UTF-8 costs itself only: LF and CR are the same bytes in whatever it was meant to be, so the
    lines behind it are where they seem to be. A file that is no text has no lines, and one error in their place.
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
    """Return one file as one document, reading no more of it than the limit allows."""
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
    """Split bytes at LF, CR and CRLF; U+2028 is no line end. A final line end begins no further line.

    A line over ``limit`` bytes is counted, not kept, so memory stays within the limit plus two chunks.
    """
    rest = b""
    dropped = 0
    for chunk in chunks:
        buffer = rest + chunk
        # A CR at the very end may be half of a CRLF: it waits for the next chunk.
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
    """Drop a byte order mark: it marks the encoding and is no character of the text."""
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
        # A zero byte decodes and is in no text: it is half of UTF-16, and of binary files.
        if b"\x00" not in content:
            return Document(file, line, content.decode("utf-8"), source=source)
        error = DocumentError(_ENCODING, "Document is not in UTF-8 format: it has a zero byte.")
    except UnicodeDecodeError:
        error = DocumentError(_ENCODING, "Document is not in UTF-8 format.")
    return Document(file, line, error=error, source=source)
