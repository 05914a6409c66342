"""Recognising files that are not UTF-8 text by their first bytes: archives, other document formats, other encodings."""

from __future__ import annotations

import codecs
import itertools
from collections.abc import Iterable, Iterator

HEAD = 512
"""How many bytes are enough: a tar archive has its signature after the name of its first file."""

_SIGNATURES = (
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"PK\x03\x04", "a zip archive (or a file of an office program)"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ\x00", "an xz archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"%PDF-", "a PDF document"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a file of an office program (Word, Excel or PowerPoint, as before 2007)"),
    (0, b"{\\rtf", "a document in RTF"),
    (0, b"\xff\xfe", "text in UTF-16 (little endian)"),
    (0, b"\xfe\xff", "text in UTF-16 (big endian)"),
    (0, b"PAR1", "a Parquet file"),
)


def foreign(head: bytes) -> str | None:
    """Return what kind of file begins with these bytes, such as ``a gzip archive``, or ``None`` if it may be text.

    At most ``HEAD`` bytes are looked at, so the answer does not depend on how many are given.
    """
    head = head[:HEAD]
    for offset, signature, what in _SIGNATURES:
        # A text may also begin with the letters of a signature.
        if head.startswith(signature, offset) and not (signature.isalnum() and _is_text(head)):
            return what
    return None


def peeked(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes of a stream (at least ``HEAD``, if it has that many) and the whole stream."""
    stream = iter(chunks)
    head = b""
    for chunk in stream:
        head += chunk
        if len(head) >= HEAD:
            break
    return head, itertools.chain((head,), stream)


def _is_text(head: bytes) -> bool:
    try:
        # The last character may be cut off, which does not make the text invalid.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return b"\x00" not in head
