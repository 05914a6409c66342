"""What the process that reads documents answers, as JSON, and how the worker checks it.

The process parses strangers' files with large libraries, so the worker trusts its answer no more than the files.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from reading_room.analysis.formats import BY_NAME
from reading_room.analysis.readers.results import CODES, Block, Extracted, Limits

MESSAGE_LENGTH, PATH_LENGTH = 2_000, 2_000
ANSWER_BYTES = 1 << 29


class BadAnswer(Exception):
    """The answer is not one that ``encode`` could have made."""


def encode(found: Sequence[Extracted]) -> bytes:
    """Return documents as JSON."""
    return json.dumps([_members(each) for each in found], separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "replace"
    )


def failed(code: str, message: str) -> bytes:
    """Return the answer for a file that cannot be read."""
    return encode([Extracted("", "text", error=(code, message))])


def decode(answer: bytes, limits: Limits) -> list[Extracted]:
    """Return the documents of an answer. Raise ``BadAnswer``."""
    try:
        given = json.loads(answer)
        if not isinstance(given, list) or not 1 <= len(given) <= limits.documents + 1:
            raise BadAnswer("not a list of documents")
        return [_document(each, limits) for each in given]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadAnswer(f"{type(error).__name__}: {error}"[:MESSAGE_LENGTH]) from None


def _members(each: Extracted) -> dict[str, Any]:
    return {
        "path": each.path[:PATH_LENGTH],
        "format": each.format,
        "text": each.text,
        "blocks": each.blocks,
        "pages": each.pages,
        "encoding": each.encoding,
        "scanned": each.scanned,
        "bad": each.bad_pages,
        # Names of a document's own parts may be in a message, and have any length.
        "error": None if each.error is None else (each.error[0], each.error[1][:MESSAGE_LENGTH]),
    }


def _document(given: Any, limits: Limits) -> Extracted:
    text, pages, error = _text(given["text"], limits.text_characters), given["pages"], given["error"]
    if given["format"] not in BY_NAME:
        raise BadAnswer("an unknown format")
    if error is not None:
        code, message = error
        if code not in CODES or text:
            raise BadAnswer("an unknown error")
        error = (code, _text(message, MESSAGE_LENGTH))
    if pages is not None and not _count(pages, limits.pages):
        raise BadAnswer("a number of pages that no document has")
    scanned, bad = tuple(given["scanned"]), tuple(given["bad"])
    if not all(_count(each, limits.pages) for each in (*scanned, *bad)):
        raise BadAnswer("a page that no document has")
    return Extracted(
        _text(given["path"], PATH_LENGTH),
        given["format"],
        text,
        tuple(_block(each, len(text), limits) for each in given["blocks"]),
        pages,
        None if given["encoding"] is None else _text(given["encoding"], 40),
        scanned,
        bad,
        error,
    )


def _block(given: Any, length: int, limits: Limits) -> Block:
    page, begin, end, box = given
    if not (
        type(page) is type(begin) is type(end) is int and 1 <= page <= limits.pages and 0 <= begin <= end <= length
    ):
        raise BadAnswer("a block outside its text")
    if box is None:
        return Block(page, begin, end)
    left, top, width, height = box
    if not (0 <= left <= 1 and 0 <= top <= 1 and 0 <= width <= 1 and 0 <= height <= 1):
        raise BadAnswer("a block outside its page")
    return Block(page, begin, end, (left, top, width, height))


def _text(given: Any, most: int) -> str:
    if not isinstance(given, str) or len(given) > most:
        raise BadAnswer("not a text within its limit")
    # JSON can name half of a surrogate pair, which is no character.
    return given if given.isascii() else given.encode("utf-8", "replace").decode()


def _count(given: Any, most: int) -> bool:
    return type(given) is int and 1 <= given <= most
