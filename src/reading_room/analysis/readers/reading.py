"""From the bytes of one file to its documents: the only function that the rest of the worker calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reading_room.analysis.readers.gzipped import gunzip
from reading_room.analysis.readers.html import read_epub, read_html
from reading_room.analysis.readers.mail import messages, read_message
from reading_room.analysis.readers.ocr import Ocr, add_words, missing
from reading_room.analysis.readers.open_document import read_open_document
from reading_room.analysis.readers.pdf import read_pdf
from reading_room.analysis.readers.pictures import check_image
from reading_room.analysis.readers.plain import decode
from reading_room.analysis.readers.recognise import recognise
from reading_room.analysis.readers.results import BROKEN, UNSUPPORTED, Builder, Extracted, Limits, ReadError, Wishes
from reading_room.analysis.readers.rtf import read_rtf
from reading_room.analysis.readers.tables import read_csv, read_excel, read_json_lines
from reading_room.analysis.readers.word import read_powerpoint, read_word

_PACKED = frozenset(("text", "markdown", "html", "csv", "jsonl", "email", "mbox"))
"""The formats that are texts, which a gzip file may hold."""


def read(
    content: bytes, name: str, limits: Limits = Limits(), wishes: Wishes = Wishes(), ocr: Ocr = missing
) -> list[Extracted]:
    """Return the documents of a file, at least one; a document that cannot be read has an error.

    ``name`` is the file's name, whose suffix tells formats apart that are all text. E-mail gives a document for each
    message and each attachment, whatever their formats. Raises nothing but ``MemoryError`` and bugs.
    """
    found: list[Extracted] = []
    for each in _documents(content, name, "", 0, limits, wishes, ocr):
        if len(found) == limits.documents:
            message = f"it has more than {limits.documents:,} documents; the others are left out"
            found.append(Extracted("more", "email", error=(BROKEN, message)))
            break
        found.append(each)
    return found


def _documents(
    content: bytes, name: str, path: str, depth: int, limits: Limits, wishes: Wishes, ocr: Ocr
) -> Iterator[Extracted]:
    kind = "text"
    try:
        if depth > limits.nested:
            raise ReadError(BROKEN, f"it is more than {limits.nested} files deep in others")
        kind = recognise(content, name, limits)
        if kind == "gzip":
            content, name = gunzip(content, limits), name.removesuffix(".gz")
            kind = recognise(content, name, limits)
            if kind not in _PACKED:
                raise ReadError(UNSUPPORTED, "its gzip data holds no text")
        if kind == "mbox":
            inner: Iterator[tuple[str, bytes]] = messages(content, limits)
            for each, message in inner:
                yield from _documents(message, f"{each}.eml", _below(path, each), depth + 1, limits, wishes, ocr)
            return
        if kind == "email":
            read_one, attachments = read_message(content, limits)
            yield replace(read_one, path=path)
            for each, attached in attachments:
                yield from _documents(attached, each, _below(path, each), depth + 1, limits, wishes, ocr)
            return
        yield replace(_one(kind, content, limits, wishes, ocr), path=path)
    except ReadError as error:
        yield Extracted(path, kind, error=(error.code, error.message))


def _below(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _one(kind: str, content: bytes, limits: Limits, wishes: Wishes, ocr: Ocr) -> Extracted:
    match kind:
        case "pdf":
            return read_pdf(content, limits, ocr, wishes.force_ocr, wishes.language)
        case "word":
            return read_word(content, limits)
        case "powerpoint":
            return read_powerpoint(content, limits)
        case "excel":
            return read_excel(content, limits, wishes.column)
        case "opendocument":
            return read_open_document(content, limits)
        case "epub":
            return read_epub(content, limits)
        case "html":
            return read_html(content, limits)
        case "rtf":
            return read_rtf(content, limits)
        case "csv":
            return read_csv(content, limits, wishes.column)
        case "jsonl":
            return read_json_lines(content, limits, wishes.column)
        case "image":
            return _image(content, limits, wishes, ocr)
        case _:
            return _text(kind, content, limits)


def _text(kind: str, content: bytes, limits: Limits) -> Extracted:
    text, encoding = decode(content)
    builder = Builder(limits)
    builder.add(text)
    return Extracted("", kind, builder.text(), encoding=encoding)


def _image(content: bytes, limits: Limits, wishes: Wishes, ocr: Ocr) -> Extracted:
    pages = check_image(content, limits)
    builder = Builder(limits)
    add_words(ocr(content, wishes.language, pages), builder)
    return Extracted("", "image", builder.text(), tuple(builder.blocks), pages, scanned=tuple(range(1, pages + 1)))
