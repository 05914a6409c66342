"""What reading a document gives: its text with blocks, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

BROKEN = "INVALID_DOCUMENT"
"""The file is damaged, encrypted, or too complex to read."""
TOO_LARGE = "DOCUMENT_SIZE_EXCEEDED"
TOO_MANY_PAGES = "PAGE_LIMIT_EXCEEDED"
UNSUPPORTED = "UNSUPPORTED_DOC_TYPE"
UNKNOWN_ENCODING = "UNSUPPORTED_ENCODING"
CODES = (BROKEN, TOO_LARGE, TOO_MANY_PAGES, UNSUPPORTED, UNKNOWN_ENCODING)


class ReadError(Exception):
    """A document cannot be read: one of ``CODES``, and a sentence for its owner without the document's name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may take. Whatever needs more ends in a ``ReadError``."""

    file_bytes: int = 52_428_800
    text_characters: int = 1_048_576
    """Code points of one document's text."""
    pages: int = 2_000
    page_blocks: int = 20_000
    entries: int = 10_000
    """Files in an archive, such as a Word document."""
    expanded_bytes: int = 268_435_456
    """Bytes of all files of an archive together, unpacked."""
    expansion: int = 200
    """Unpacked bytes for each byte of an archive of more than a megabyte unpacked."""
    depth: int = 200
    """Elements inside each other."""
    elements: int = 5_000_000
    columns: int = 16_384
    cells: int = 2_000_000
    nested: int = 10
    """Files inside each other: an attachment of an attachment."""
    documents: int = 2_000
    """Documents of one file, such as the messages and attachments of a mailbox."""
    pixels: int = 60_000_000
    """Pixels of one page of an image; A4 at 600 dpi has 35 million."""
    ocr_pages: int = 100
    seconds: int = 60
    """Processor time for a file, and for each page of OCR."""
    memory: int = 268_435_456
    """Bytes of address space beyond what the process has at its start; the engine beside it takes 300 MB."""
    copy_pages: int = 500
    """Pages of a redacted copy, which is made of images."""
    copy_pixels: int = 4_000_000
    """Pixels of one page of it; A4 at 150 dpi has 2.2 million."""
    copy_bytes: int = 104_857_600
    copy_seconds: int = 300
    """Processor time for all of it."""


SHARES = 1_000_000
"""The parts of a page's width and height in which boxes are measured."""
Box = tuple[float, float, float, float]
"""Left, top, width and height as shares of a page, from its top left corner."""


class Block(NamedTuple):
    """A line or a paragraph of a text: code points ``begin`` to before ``end``, on a page that counts from 1.

    ``box`` is there if the format has places.
    """

    page: int
    begin: int
    end: int
    box: Box | None = None


class MarkedLine(NamedTuple):
    """A line of a PDF with places that must not be seen.

    ``number`` counts the blocks of the ``page`` from 0. ``places`` are code points of ``text``: begin and end of each.
    ``box`` is that of the block.
    """

    page: int
    number: int
    text: str
    box: tuple[float, float, float, float] | None
    places: tuple[tuple[int, int], ...]


class PageImage(NamedTuple):
    """A page as an image: ``width`` and ``height`` in pixels, ``channels`` of a byte each (1 grey, 3 RGB).

    ``points`` are the width and height of the page in points. The pixels have ``length`` bytes, compressed by zlib.
    ``visible`` is the text of the page that was not painted out; of pages read by OCR it is empty.
    """

    width: int
    height: int
    channels: int
    points: tuple[float, float]
    length: int
    visible: str


@dataclass(frozen=True, slots=True)
class Extracted:
    """One document of a file. ``path`` is its place in the file: empty, or the name of an attachment.

    ``pages`` is ``None`` if the format has none. ``encoding`` is that of text, ``None`` if the format defines it.
    ``scanned`` are the pages whose text was recognised in an image.
    """

    path: str
    format: str
    text: str = ""
    blocks: tuple[Block, ...] = ()
    pages: int | None = None
    encoding: str | None = None
    scanned: tuple[int, ...] = ()
    bad_pages: tuple[int, ...] = ()
    """The pages that are damaged, and have no text."""
    error: tuple[str, str] | None = None
    """The code and message of a document that cannot be read."""
    sha256: str = ""
    """That of the file, in hexadecimal, so that it can be told from another one under the same name."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a job wants its documents read.

    ``column`` names the column of tables that is the text. With ``force_ocr`` the text of a PDF comes from images of
    its pages. ``language`` is the job's, for OCR.
    """

    column: str | None = None
    force_ocr: bool = False
    language: str | None = None


@dataclass(slots=True)
class Builder:
    """Collects a text and its blocks within limits."""

    limits: Limits
    page: int = 1
    length: int = 0
    pieces: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Add text. Raise ``ReadError`` if there is more than the limit."""
        text = _plain(text)
        self.length += len(text)
        if self.length > self.limits.text_characters:
            raise ReadError(TOO_LARGE, f"it has more than {self.limits.text_characters:,} characters of text")
        self.pieces.append(text)

    def line(self, text: str, box: tuple[float, float, float, float] | None = None) -> None:
        """Add a line as a block of the present page; a blank line is only a line."""
        begin, text = self.length, _plain(text)
        if text and not text.isspace():
            self.blocks.append(Block(self.page, begin, begin + len(text), box))
        self.add(f"{text}\n")

    def next_page(self) -> None:
        """Begin another page. Raise ``ReadError`` if there are more than the limit."""
        self.page += 1
        if self.page > self.limits.pages:
            raise too_many_pages(self.limits)

    def text(self) -> str:
        """Return the whole text."""
        return "".join(self.pieces)


def _plain(text: str) -> str:
    """Return a text without NUL, which is no character of a text and makes it look like a binary file."""
    return text.replace("\x00", " ") if "\x00" in text else text


def too_many_pages(limits: Limits) -> ReadError:
    """Return the error of a document with more pages than the limit."""
    return ReadError(TOO_MANY_PAGES, f"it has more than {limits.pages:,} pages; split it")
