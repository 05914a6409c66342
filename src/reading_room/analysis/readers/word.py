"""Word documents (docx, docm) and PowerPoint presentations (pptx, pptm). Macros are neither read nor run."""

from __future__ import annotations

from collections.abc import Mapping

from reading_room.analysis.readers.markup import Target, attribute, parse
from reading_room.analysis.readers.results import Builder, Extracted, Limits
from reading_room.analysis.readers.zipped import Zipped

_MAIN = "word/document.xml"
_BESIDE = ("word/footnotes.xml", "word/endnotes.xml", "word/comments.xml")
_SLIDES, _NOTES = "ppt/slides/slide", "ppt/notesSlides/notesSlide"
_LEFT_OUT = frozenset(("Fallback", "delText", "instrText", "del", "moveFrom"))
"""Copies for older programs, deleted text, and instructions of fields."""


class _Paragraphs(Target):
    """Adds each paragraph to a builder as a line."""

    def __init__(self, limits: Limits, builder: Builder) -> None:
        super().__init__(limits)
        self._builder = builder
        self._pieces: list[str] = []
        self._length = 0
        self._skipping = 0
        self._in_text = False

    def opened(self, name: str, attributes: Mapping[str, str]) -> None:
        """Begin an element of the text."""
        if self._skipping or name in _LEFT_OUT:
            self._skipping += 1
        elif name == "t":
            self._in_text = True
        elif name == "tab":
            self._add("\t")
        elif name == "lastRenderedPageBreak" or (name == "br" and attribute(attributes, "type") == "page"):
            self._flush()
            self._builder.next_page()
        elif name in ("br", "cr"):
            self._flush()
        elif name == "noBreakHyphen":
            self._add("-")

    def data(self, text: str) -> None:
        """Take text."""
        if self._in_text and not self._skipping:
            self._add(text)

    def closed(self, name: str) -> None:
        """End an element of the text."""
        if self._skipping:
            self._skipping -= 1
        elif name == "t":
            self._in_text = False
        elif name == "p":
            self._flush(always=True)

    def _add(self, text: str) -> None:
        self._length += len(text)
        if self._length > self._limits.text_characters:
            self._flush()
        self._pieces.append(text)

    def _flush(self, always: bool = False) -> None:
        text = "".join(self._pieces)
        self._pieces.clear()
        self._length = 0
        if text or always:
            self._builder.line(text)


def read_word(content: bytes, limits: Limits) -> Extracted:
    """Return the text of a document: a line for each paragraph, then notes, comments, headers and footers.

    Pages are those that the program that wrote the file recorded. Raise ``ReadError``.
    """
    archive = Zipped(content, limits)
    builder = Builder(limits)
    parse(archive.read(_MAIN), _Paragraphs(limits, builder), _MAIN)
    pages = builder.page
    beside = [name for name in _BESIDE if name in archive.names]
    for kind in ("header", "footer"):
        beside += [name for _, name in archive.numbered(f"word/{kind}", ".xml")]
    for name in beside:
        parse(archive.read(name), _Paragraphs(limits, builder), name)
    return Extracted("", "word", builder.text(), tuple(builder.blocks), pages)


def read_powerpoint(content: bytes, limits: Limits) -> Extracted:
    """Return the text of a presentation, a page for each slide, then its notes. Raise ``ReadError``."""
    archive = Zipped(content, limits)
    builder = Builder(limits)
    slides = archive.numbered(_SLIDES, ".xml")
    for place, (_, name) in enumerate(slides):
        if place:
            builder.next_page()
        parse(archive.read(name), _Paragraphs(limits, builder), name)
    for number, name in archive.numbered(_NOTES, ".xml"):
        builder.page = min(max(number, 1), max(len(slides), 1))
        parse(archive.read(name), _Paragraphs(limits, builder), name)
    return Extracted("", "powerpoint", builder.text(), tuple(builder.blocks), max(len(slides), 1))
