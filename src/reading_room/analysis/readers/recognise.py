"""Which format a file has: by its content first, and by its name only where the content is text."""

from __future__ import annotations

import re

from reading_room.analysis.formats import BY_SUFFIX, suffix_of
from reading_room.analysis.readers.results import BROKEN, UNSUPPORTED, Limits, ReadError
from reading_room.analysis.readers.zipped import Zipped
from reading_room.analysis.signatures import HEAD, foreign

_PDF_WITHIN = 1_024
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_OFFICE = "EncryptedPackage".encode("utf-16-le")
_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")
_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s{0,200}(?:<!--.{0,400}?-->\s{0,200})?<(?:!doctype\s+html|html[\s>])", re.I | re.S
)
_MAILBOX = re.compile(rb"From \S+ .*\d\d:\d\d.*\d{4}")
_OF_NAMES = frozenset(("markdown", "html", "csv", "jsonl", "email", "mbox"))
"""Formats that are text, so that their names must say what they are."""


def recognise(content: bytes, name: str, limits: Limits) -> str:
    """Return the name of a file's format. Raise ``ReadError`` if it is none that is read."""
    head = content[:HEAD]
    if b"%PDF-" in content[:_PDF_WITHIN]:
        return "pdf"
    if head.startswith(b"PK\x03\x04"):
        return _of_archive(content, limits)
    if head.startswith(b"{\\rtf"):
        return "rtf"
    if head.startswith(_IMAGES):
        return "image"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(_OLE):
        if _ENCRYPTED_OFFICE in content:
            raise ReadError(BROKEN, "it is encrypted; remove its password")
        raise ReadError(
            UNSUPPORTED, "it is in the format of office programs before 2007; save it as docx, xlsx or pptx"
        )
    if (what := foreign(head)) is not None and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ReadError(UNSUPPORTED, f"it is {what}, which is not read")
    known = BY_SUFFIX.get(suffix_of(name))
    if known is not None and known.name in _OF_NAMES:
        return known.name
    if _PAGE.match(content):
        return "html"
    return "mbox" if _MAILBOX.match(head) else "text"


def _of_archive(content: bytes, limits: Limits) -> str:
    archive = Zipped(content, limits)
    for part, name in (
        ("word/document.xml", "word"),
        ("ppt/presentation.xml", "powerpoint"),
        ("xl/workbook.xml", "excel"),
    ):
        if part in archive.names:
            return name
    if "mimetype" in archive.names:
        kind = archive.read("mimetype")[:200].strip()
        if kind == b"application/epub+zip":
            return "epub"
        if kind.startswith(b"application/vnd.oasis.opendocument."):
            return "opendocument"
    raise ReadError(UNSUPPORTED, "it is a zip archive, but no document; unpack it")
