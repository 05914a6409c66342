"""OpenDocument files: texts (odt), and what is text in spreadsheets (ods) and presentations (odp)."""

from __future__ import annotations

from collections.abc import Mapping

from reading_room.analysis.readers.markup import Target, attribute, parse
from reading_room.analysis.readers.results import BROKEN, Builder, Extracted, Limits, ReadError
from reading_room.analysis.readers.zipped import Zipped

_MOST_BLANKS = 1_000
_LINES = frozenset(("p", "h"))
_LEFT_OUT = frozenset(("tracked-changes", "script", "forms"))


class _Paragraphs(Target):
    def __init__(self, limits: Limits, builder: Builder) -> None:
        super().__init__(limits)
        self._builder = builder
        self._open: list[list[str]] = []
        """The pieces of the paragraphs that are open: a note's are inside another one."""
        self._skipping = 0

    def opened(self, name: str, attributes: Mapping[str, str]) -> None:
        """Begin an element of the text."""
        if self._skipping or name in _LEFT_OUT:
            self._skipping += 1
        elif name in _LINES:
            self._open.append([])
        elif self._open:
            if name == "s":
                count = attribute(attributes, "c") or "1"
                self._open[-1].append(" " * min(int(count) if count.isascii() and count.isdigit() else 1, _MOST_BLANKS))
            elif name == "tab":
                self._open[-1].append("\t")
            elif name == "line-break":
                self._open[-1].append("\n")

    def data(self, text: str) -> None:
        """Take text."""
        if self._open and not self._skipping:
            self._open[-1].append(text)

    def closed(self, name: str) -> None:
        """End an element of the text."""
        if self._skipping:
            self._skipping -= 1
        elif name in _LINES and self._open:
            self._builder.line("".join(self._open.pop()))


def read_open_document(content: bytes, limits: Limits) -> Extracted:
    """Return the text of a document: a line for each paragraph, then headers and footers. Raise ``ReadError``."""
    archive = Zipped(content, limits)
    if b"encryption-data" in (
        archive.read("META-INF/manifest.xml") if "META-INF/manifest.xml" in archive.names else b""
    ):
        raise ReadError(BROKEN, "it is encrypted; remove its password")
    builder = Builder(limits)
    for name in ("content.xml", "styles.xml"):
        if name == "content.xml" or name in archive.names:
            parse(archive.read(name), _Paragraphs(limits, builder), name)
    return Extracted("", "opendocument", builder.text(), tuple(builder.blocks))
