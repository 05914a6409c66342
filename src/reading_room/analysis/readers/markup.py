"""XML as a stream of bounded depth, without entities, document types or anything external."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import ParseError  # nosec B405 # the error only: the parser is defusedxml's

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from reading_room.analysis.readers.results import BROKEN, Limits, ReadError

_PIECE = 65_536


class Target:
    """Receives a document's elements by their local names, and its text. Subclasses do something with them."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._depth = self._elements = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Begin an element; the parser calls it."""
        self._depth += 1
        self._elements += 1
        if self._depth > self._limits.depth:
            raise ReadError(BROKEN, f"its elements are more than {self._limits.depth} deep in each other")
        if self._elements > self._limits.elements:
            raise ReadError(BROKEN, f"it has more than {self._limits.elements:,} elements")
        self.opened(tag.rpartition("}")[2], attributes)

    def end(self, tag: str) -> None:
        """End an element; the parser calls it."""
        self._depth -= 1
        self.closed(tag.rpartition("}")[2])

    def data(self, text: str) -> None:
        """Take text; the parser calls it, several times for a long one."""

    def close(self) -> None:
        """End the document."""

    def opened(self, name: str, attributes: Mapping[str, str]) -> None:
        """Begin an element."""

    def closed(self, name: str) -> None:
        """End an element."""


def parse(content: bytes, target: Target, what: str) -> None:
    """Feed a document to ``target``. Raise ``ReadError``, which calls the document ``what``."""
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    try:
        for begin in range(0, len(content), _PIECE):
            parser.feed(content[begin : begin + _PIECE])
        parser.close()
    except DefusedXmlException:
        raise ReadError(BROKEN, f"its part {what} declares a document type or entities, which are not read") from None
    except (ParseError, ValueError, LookupError) as error:
        raise ReadError(BROKEN, f"its part {what} is not XML: {error}") from None


def attribute(attributes: Mapping[str, str], name: str) -> str | None:
    """Return the attribute of a local name, whatever its namespace."""
    for key, value in attributes.items():
        if key.rpartition("}")[2] == name:
            return value
    return None
