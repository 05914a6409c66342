"""User metadata: its limit, and characters beyond ASCII, which headers carry in the encoded words of RFC 2047.

S3 decodes such words when it stores a value, and encodes a value that is not plain ASCII when it returns it. It reads
bytes beyond ASCII as Latin-1, whatever the client meant. AWS source: "Working with object metadata", S3 user guide.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Mapping
from typing import Any

from reading_room.s3.errors import MetadataTooLarge

LIMIT = 2048
"""Bytes that the names and values of user metadata may have together."""
_WORD = re.compile(r"=\?([A-Za-z0-9_-]+)\?([BbQq])\?([!->@-~]*)\?=")
_BROKEN = re.compile(r"=(?![0-9A-Fa-f]{2})")
_GAP = re.compile(r"(?<=\?=)[ \t]+(?==\?)")
_PLAIN = re.compile(r"[ -~\t]*")
_CHARSETS = frozenset({"utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252"})
"""The character sets of words that are decoded. Other words stay as they were sent."""
_WORD_LIMIT = 75
"""Characters that an encoded word may have."""
_SAFE = frozenset(b"!\"#$%&'()*+,-./0123456789:;<>@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^`abcdefghijklmnopqrstuvwxyz{|}~")


def user_metadata(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the metadata of a write as it is stored, with encoded words decoded."""
    return {name: decode(value) for name, value in parameters.get("Metadata", {}).items()}


def check_size(metadata: Mapping[str, str]) -> None:
    """Raise ``MetadataTooLarge`` if the names and values have more than ``LIMIT`` bytes."""
    size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
    if size > LIMIT:
        raise MetadataTooLarge(size)


def decode(value: str) -> str:
    """Return a value with its encoded words decoded. A word that cannot be decoded stays as it is."""
    if "=?" not in value:
        return value
    return _WORD.sub(_decoded, _GAP.sub("", value))


def encode(value: str) -> str:
    """Return a value for a header: plain ASCII unchanged, everything else as encoded words."""
    if _PLAIN.fullmatch(value):
        return value
    ascii_characters = sum(character.isascii() for character in value)
    quoted = ascii_characters > len(value) - ascii_characters
    begin = f"=?UTF-8?{'Q' if quoted else 'B'}?"
    room = _WORD_LIMIT - len(begin) - len("?=")
    words, content = [], b""
    for character in value:
        added = content + character.encode()
        if content and len(_written(added, quoted)) > room:
            words.append(content)
            added = character.encode()
        content = added
    return " ".join(f"{begin}{_written(word, quoted)}?=" for word in [*words, content])


def _written(content: bytes, quoted: bool) -> str:
    if not quoted:
        return base64.b64encode(content).decode()
    return "".join("_" if byte == 32 else chr(byte) if byte in _SAFE else f"={byte:02X}" for byte in content)


def _decoded(word: re.Match[str]) -> str:
    charset, encoding, text = word[1].lower(), word[2].upper(), word[3]
    if charset not in _CHARSETS or (encoding == "Q" and _BROKEN.search(text)):
        return word[0]
    try:
        if encoding == "B":
            return base64.b64decode(text, validate=True).decode(charset)
        return quopri.decodestring(text.replace("_", " "), header=False).decode(charset)
    except (binascii.Error, UnicodeDecodeError):
        return word[0]
