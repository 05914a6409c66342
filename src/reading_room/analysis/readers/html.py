"""HTML and EPUB: the text that a reader sees. Scripts are never run, and nothing is fetched."""

from __future__ import annotations

import codecs
import posixpath
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from reading_room.analysis.readers.markup import Target, attribute, parse
from reading_room.analysis.readers.plain import decode
from reading_room.analysis.readers.results import BROKEN, Builder, Extracted, Limits, ReadError
from reading_room.analysis.readers.zipped import Zipped

_HIDDEN = frozenset(("script", "style", "noscript", "template", "iframe", "object", "svg", "math", "-comment"))
_LINES = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd", "details", "dialog"),
        *("div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6"),
        *("head", "header", "hr", "html", "legend", "li", "main", "nav", "ol", "option", "p", "pre", "section"),
        *("select", "summary", "table", "tbody", "td", "textarea", "tfoot", "th", "thead", "title", "tr", "ul"),
    )
)
_BLANKS = re.compile(r"[ \t\n\r\f]+")
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}["']?([A-Za-z0-9_:.-]{1,40})""", re.I)
_DECLARED = 2_048


def html_text(text: str, builder: Builder) -> None:
    """Add the text of a page to a builder, a line for each block of it. Raise ``ReadError``."""
    try:
        tree = LexborHTMLParser(text)
    except SelectolaxError as error:
        raise ReadError(BROKEN, f"it is not HTML that can be read: {error}") from None
    node: Any = tree.root
    line: list[str] = []
    depth = elements = 0
    limits = builder.limits

    def flush() -> None:
        found = _BLANKS.sub(" ", "".join(line)).strip()
        line.clear()
        if found:
            builder.line(found)

    while node is not None:
        elements += 1
        if elements > limits.elements:
            raise ReadError(BROKEN, f"it has more than {limits.elements:,} elements")
        tag = node.tag
        below = None
        if tag == "-text":
            line.append(node.text_content or "")
        else:
            if tag in _LINES:
                flush()
            below = None if tag in _HIDDEN else node.child
        if below is not None:
            depth += 1
            node = below
            continue
        while node is not None and node.next is None:
            # The end of the elements around it.
            node = node.parent if depth > 0 else None
            depth -= 1
            if node is not None and node.tag in _LINES:
                flush()
        node = None if node is None else node.next
    flush()


def read_html(content: bytes, limits: Limits) -> Extracted:
    """Return the text of a page. Raise ``ReadError``."""
    text, encoding = _decoded(content)
    builder = Builder(limits)
    html_text(text, builder)
    return Extracted("", "html", builder.text(), tuple(builder.blocks), encoding=encoding)


def _decoded(content: bytes) -> tuple[str, str]:
    declared = _CHARSET.search(content, 0, _DECLARED)
    if declared is not None and not content.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            # The names of the web: latin-1 means windows-1252 there.
            name = codecs.lookup(declared[1].decode("ascii")).name
            name = "cp1252" if name in ("iso8859-1", "ascii") else name
            if name not in ("utf-16", "utf-32") and codecs.lookup(name)._is_text_encoding:
                return content.decode(name), name
        except (LookupError, UnicodeDecodeError):
            pass
    return decode(content)


class _Package(Target):
    """Collects the files and the order of a book."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.roots: list[str] = []
        self.files: dict[str, str] = {}
        self.order: list[str] = []

    def opened(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take an entry."""
        if name == "rootfile":
            self.roots.append(attribute(attributes, "full-path") or "")
        elif name == "item":
            self.files[attribute(attributes, "id") or ""] = attribute(attributes, "href") or ""
        elif name == "itemref":
            self.order.append(attribute(attributes, "idref") or "")


def read_epub(content: bytes, limits: Limits) -> Extracted:
    """Return the text of a book in its order; each of its files is a page. Raise ``ReadError``."""
    archive = Zipped(content, limits)
    if "META-INF/rights.xml" in archive.names:
        raise ReadError(BROKEN, "it is encrypted by its seller, and cannot be read")
    container, package = _Package(limits), _Package(limits)
    parse(archive.read("META-INF/container.xml"), container, "META-INF/container.xml")
    if not container.roots:
        raise ReadError(BROKEN, "its part META-INF/container.xml names no book")
    root = container.roots[0]
    parse(archive.read(root), package, root)
    builder = Builder(limits)
    files = [package.files[each] for each in package.order if each in package.files]
    for place, href in enumerate(files):
        if place:
            builder.next_page()
        name = posixpath.normpath(posixpath.join(posixpath.dirname(root), unquote(href.partition("#")[0])))
        html_text(_decoded(archive.read(name))[0], builder)
    return Extracted("", "epub", builder.text(), tuple(builder.blocks), max(len(files), 1))
