"""Plain text and Markdown: which encoding a file has, and its text."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

from reading_room.analysis.readers.results import UNKNOWN_ENCODING, ReadError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WESTERN = frozenset(
    "àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿœšžßÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝŒŠŽŸªº«»“”„‘’‚–—…•¡¿§°·€£©®™´½¼² \xa0\xad"
)
"""What text of Western Europe has beyond ASCII."""
_WESTERN_SHARE = 0.3
"""In the languages of Western Europe, fewer letters than this are beyond ASCII."""
_OTHERS = [
    *("cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "iso8859_2"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
]
_SAMPLE = 65_536
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_CONTROL_SHARE = 0.02
_ZERO_SHARE = 0.2


def decode(content: bytes) -> tuple[str, str]:
    """Return the text of a file and the name of its encoding. Raise ``ReadError``.

    A byte order mark decides. Else it is UTF-8 if it can be, UTF-16 if every other byte is often zero, windows-1252
    (which contains ISO 8859-1) if its letters are those of Western Europe, and else what a detector finds likely.
    """
    for mark, name in _MARKS:
        if content.startswith(mark):
            return _decoded(content[len(mark) :], name), name
    if b"\x00" in content[:_SAMPLE]:
        name = _wide(content[:_SAMPLE])
        return _checked(_decoded(content, name)), name
    try:
        return _checked(content.decode()), "utf-8"
    except UnicodeDecodeError:
        name = _of_one_byte(content)
    return _checked(_decoded(content, name)), name


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode(name)
    except UnicodeDecodeError as error:
        raise ReadError(
            UNKNOWN_ENCODING, f"it begins like text in {name}, but is not from byte {error.start}"
        ) from None


def _wide(sample: bytes) -> str:
    half = len(sample) // 2 or 1
    even, odd = sample[::2].count(0) / half, sample[1::2].count(0) / half
    if odd > _ZERO_SHARE and even < odd / 4:
        return "utf-16-le"
    if even > _ZERO_SHARE and odd < even / 4:
        return "utf-16-be"
    raise ReadError(UNKNOWN_ENCODING, "it has zero bytes, so it is not text in an encoding that is read")


def _of_one_byte(content: bytes) -> str:
    sample = content[:_SAMPLE]
    western = sample.decode("cp1252", "replace")
    beyond = [char for char in western if char > "\x7f"]
    letters = sum(map(str.isalpha, western)) or 1
    # Once in a while a text has another character.
    strange = sum(char not in _WESTERN for char in beyond)
    if strange <= len(beyond) // 50 and sum(map(str.isalpha, beyond)) / letters < _WESTERN_SHARE:
        try:
            content.decode("cp1252")
        except UnicodeDecodeError:
            return "iso-8859-1"
        return "windows-1252"
    best = from_bytes(sample, cp_isolation=_OTHERS, steps=8, chunk_size=1_024).best()
    if best is None:
        raise ReadError(UNKNOWN_ENCODING, "its encoding was not recognised; save it in UTF-8")
    return codecs.lookup(best.encoding).name


def _checked(text: str) -> str:
    sample = text[:_SAMPLE]
    if len(_CONTROL.findall(sample)) > _CONTROL_SHARE * len(sample):
        raise ReadError(UNKNOWN_ENCODING, "it has control characters, so it is not text")
    return text
