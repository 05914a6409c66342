"""The XML documents of S3: its answers as small trees, and the two documents that requests have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat  # nosec B406 # document types, and so entities, are refused

DEPTH_LIMIT = 16
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}


class BadDocument(Exception):
    """An answer is not a document of S3."""


@dataclass(slots=True)
class Element:
    """An element: its name without a namespace, its text, and the elements in it."""

    name: str
    content: str = ""
    elements: list[Element] = field(default_factory=list)

    def each(self, name: str) -> Iterator[Element]:
        """Yield the elements of this name in it."""
        return (element for element in self.elements if element.name == name)

    def text(self, name: str) -> str:
        """Return the text of the first element of this name in it; empty if there is none."""
        return next((element.content for element in self.each(name)), "")


def read_document(content: bytes) -> Element:
    """Return the root of a document. Raise ``BadDocument``."""
    top = Element("")
    path = [top]
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def begin(name: str, _: object) -> None:
        if len(path) > DEPTH_LIMIT:
            raise BadDocument(f"elements are nested more than {DEPTH_LIMIT} times")
        element = Element(name.rpartition(" ")[2])
        path[-1].elements.append(element)
        path.append(element)

    def end(_: str) -> None:
        path.pop()

    def add(text: str) -> None:
        path[-1].content += text

    def refuse(*_: object) -> None:
        raise BadDocument("it has a document type")

    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.CharacterDataHandler = add
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # ValueError: an encoding that expat cannot use.
        raise BadDocument(str(error)) from error
    return top.elements[0]


def deletion(keys: Iterable[str]) -> bytes:
    """Return the document of a DeleteObjects request that is answered with errors only."""
    objects = "".join(f"<Object><Key>{_escaped(key)}</Key></Object>" for key in keys)
    return f'<Delete xmlns="{_NAMESPACE}">{objects}<Quiet>true</Quiet></Delete>'.encode()


def completion(parts: Iterable[tuple[str, str]]) -> bytes:
    """Return the document of a CompleteMultipartUpload request: the ETag and the CRC-32 of each part, in order."""
    listed = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{_escaped(etag)}</ETag>"
        f"<ChecksumCRC32>{_escaped(checksum)}</ChecksumCRC32></Part>"
        for number, (etag, checksum) in enumerate(parts, 1)
    )
    return f'<CompleteMultipartUpload xmlns="{_NAMESPACE}">{listed}</CompleteMultipartUpload>'.encode()


def _escaped(text: str) -> str:
    return "".join(_ESCAPED.get(character, character) for character in text)
