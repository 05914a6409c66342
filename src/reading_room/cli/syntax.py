"""Parts of speech by BatchDetectSyntax: the one analysis for which Amazon has synchronous calls, but no job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from reading_room.cli.text_languages import BATCH_BYTES, BATCH_TEXTS

if TYPE_CHECKING:
    from reading_room.cli.reading import Account

Piece = tuple[int, str]
"""Where a part of a document begins, in code points, and its text."""


def lines_of(
    account: Account, language: str, documents: Iterable[tuple[str, int | None, str | None]]
) -> Iterator[dict[str, Any]]:
    """Yield a result line for each document, given as name, line and text; the text is ``None`` if it is not UTF-8.

    A text that is too long for one call is sent in pieces, cut at line ends or blanks.
    """
    for name, number, text in documents:
        line: dict[str, Any] = {"File": name} if number is None else {"File": name, "Line": number}
        if text is None:
            yield line | {"ErrorCode": "UNSUPPORTED_ENCODING", "ErrorMessage": "Document is not in UTF-8 format."}
        else:
            yield line | _found(account, language, list(pieces(text)))


def _found(account: Account, language: str, parts: list[Piece]) -> dict[str, Any]:
    tokens: list[dict[str, Any]] = []
    for first in range(0, len(parts), BATCH_TEXTS):
        some = parts[first : first + BATCH_TEXTS]
        request: Any = {"TextList": [text for _, text in some], "LanguageCode": language}
        answer = account.patient.batch_detect_syntax(**request)
        for error in answer["ErrorList"]:
            return {"ErrorCode": error["ErrorCode"], "ErrorMessage": error["ErrorMessage"]}
        for each in answer["ResultList"]:
            begin = some[each["Index"]][0]
            tokens += [_moved(token, begin) for token in each["SyntaxTokens"]]
    for number, token in enumerate(tokens, 1):
        token["TokenId"] = number
    return {"SyntaxTokens": tokens}


def _moved(token: Any, begin: int) -> dict[str, Any]:
    return {**token, "BeginOffset": token["BeginOffset"] + begin, "EndOffset": token["EndOffset"] + begin}


def pieces(text: str, most: int = BATCH_BYTES) -> Iterator[Piece]:
    """Yield a text in pieces of at most ``most`` bytes, without blank pieces. A longer word is cut."""
    begin = 0
    while begin < len(text):
        # A character has at least one byte.
        piece = text[begin : begin + most].encode("utf-8", "replace")[:most].decode("utf-8", "ignore")
        if begin + len(piece) < len(text):
            end = max(piece.rfind("\n"), piece.rfind(" ") if "\n" not in piece else -1) + 1
            piece = piece[:end] or piece
        if piece.strip():
            yield begin, piece
        begin += len(piece)
