"""What the process that reads documents answers, as JSON, and how the worker checks it.

The process parses strangers' files with large libraries, so the worker trusts its answer no more than the files.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from operator import le
from typing import Any

from reading_room.analysis.formats import BY_NAME
from reading_room.analysis.readers.results import CODES, SHARES, Block, Box, Extracted, Limits, PageImage, ReadError

MESSAGE_LENGTH, PATH_LENGTH = 2_000, 2_000
ANSWER_BYTES = 1 << 29
PAGE_POINTS = 14_400.0
"""The largest width or height of a page of a PDF."""
_NO_BOX = (-1, -1, -1, -1)


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


def encode_images(pages: Sequence[PageImage]) -> bytes:
    """Return what the images of a document's pages are as JSON; the pixels go another way."""
    return json.dumps({"pages": pages}, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def decode_images(answer: bytes, limits: Limits) -> list[PageImage]:
    """Return the pages of an answer. Raise ``ReadError`` if it is an error, and ``BadAnswer``."""
    try:
        given = json.loads(answer)
        if isinstance(given, list):
            error = decode(answer, limits)[0].error
            if error is None:
                raise BadAnswer("a text instead of pages")
            raise ReadError(*error)
        pages = given["pages"]
        if not isinstance(pages, list) or not 1 <= len(pages) <= limits.copy_pages:
            raise BadAnswer("not a list of pages")
        found = [_page_image(each, limits) for each in pages]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadAnswer(f"{type(error).__name__}: {error}"[:MESSAGE_LENGTH]) from None
    if sum(each.length for each in found) > limits.copy_bytes:
        raise BadAnswer("more bytes than a copy may have")
    return found


def _page_image(given: Any, limits: Limits) -> PageImage:
    width, height, channels, points, length, visible = given
    across, down = points
    if not (_count(width, limits.copy_pixels) and _count(height, limits.copy_pixels)):
        raise BadAnswer("an image without pixels")
    # Each side may be rounded up.
    if width * height > limits.copy_pixels + width + height or type(channels) is not int or channels not in (1, 3):
        raise BadAnswer("an image with too many pixels")
    if not (0 < across <= PAGE_POINTS and 0 < down <= PAGE_POINTS and _count(length, limits.copy_bytes)):
        raise BadAnswer("a page without a size")
    return PageImage(
        width, height, channels, (float(across), float(down)), length, _text(visible, limits.text_characters * 2)
    )


def _members(each: Extracted) -> dict[str, Any]:
    return {
        "path": each.path[:PATH_LENGTH],
        "format": each.format,
        "text": each.text,
        "blocks": _flat(each.blocks),
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
        if code not in CODES or text or not message:
            raise BadAnswer("an unknown error, one without a message, or one with a text")
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
        _blocks(given["blocks"], len(text), limits),
        pages,
        None if given["encoding"] is None else _text(given["encoding"], 40),
        scanned,
        bad,
        error,
    )


def _flat(blocks: Sequence[Block]) -> list[int]:
    """Return seven whole numbers for each block: page, begin, end, and its box in parts of the page, or -1 four times.

    There is a block for each line, and whole numbers take a third of the time of others in JSON.
    """
    found: list[int] = []
    for page, begin, end, box in blocks:
        if box is None:
            found += (page, begin, end, *_NO_BOX)
        else:
            left, top, width, height = box
            found += (
                page,
                begin,
                end,
                int(left * SHARES + 0.5),
                int(top * SHARES + 0.5),
                int(width * SHARES + 0.5),
                int(height * SHARES + 0.5),
            )
    return found


def _blocks(given: Any, length: int, limits: Limits) -> tuple[Block, ...]:
    if type(given) is not list or len(given) % 7 or not set(map(type, given)) <= {int}:
        raise BadAnswer("blocks that are no whole numbers")
    if not given:
        return ()
    pages, begins, ends, *edges = (given[place::7] for place in range(7))
    if not (min(pages) >= 1 and max(pages) <= limits.pages):
        raise BadAnswer("a block outside its document")
    if not (min(begins) >= 0 and max(ends) <= length and all(map(le, begins, ends))):
        raise BadAnswer("a block outside its text")
    if any(min(each) < -1 or max(each) > SHARES for each in edges):
        raise BadAnswer("a block outside its page")
    return tuple(map(Block, pages, begins, ends, map(_box, *edges)))


def _box(left: int, top: int, width: int, height: int) -> Box | None:
    if left < 0 or top < 0 or width < 0 or height < 0:
        if (left, top, width, height) != _NO_BOX:
            raise BadAnswer("half of a box")
        return None
    return left / SHARES, top / SHARES, width / SHARES, height / SHARES


def _text(given: Any, most: int) -> str:
    if not isinstance(given, str) or len(given) > most:
        raise BadAnswer("not a text within its limit")
    # JSON can name half of a surrogate pair, which is no character.
    return given if given.isascii() else given.encode("utf-8", "replace").decode()


def _count(given: Any, most: int) -> bool:
    return type(given) is int and 1 <= given <= most
