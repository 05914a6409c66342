"""Documents in ``Bytes``: a container without a network reads each, and its engine analyses the text.

The service checks what the container answers against the API's model, as it does with the answers for texts.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reading_room.analysis.kinds import LARGE_TEXT
from reading_room.comprehend.errors import REASONS, DocumentRefused
from reading_room.comprehend.request_checks import check_reader

MOST_BYTES = 10_000_000
"""The largest document, as the service documents it for PDF, Word and images in real time."""
MESSAGE_LENGTH = 2_000
REFUSED = "Refused"
"""The member of an answer with the code and message of a document that cannot be read."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document in the place of a text. With ``force_ocr`` the text of a PDF comes from images of its pages."""

    content: bytes
    force_ocr: bool = False
    language: str | None = None


Given = str | Document
"""What a synchronous call has an engine analyse."""


def document_of(request: Mapping[str, Any]) -> Document:
    """Return the document of a request with ``Bytes``. Raise ``DocumentRefused`` or ``ReaderActionNotSupported``."""
    config = request.get("DocumentReaderConfig") or {}
    if config:
        check_reader(config)
    content = bytes(request["Bytes"])
    if len(content) > MOST_BYTES:
        raise DocumentRefused(
            "DOCUMENT_SIZE_EXCEEDED", f"it has {len(content):,} bytes, and a document may have {MOST_BYTES:,}"
        )
    forced = config.get("DocumentReadMode") == "FORCE_DOCUMENT_READ_ACTION"
    return Document(content, forced, request.get("LanguageCode"))


def as_json(given: Sequence[Given]) -> list[Any]:
    """Return texts and documents as the values of a request to a container."""
    return [
        each
        if isinstance(each, str)
        else {
            "document": base64.b64encode(each.content).decode(),
            "forceOcr": each.force_ocr,
            "language": each.language,
        }
        for each in given
    ]


def from_json(given: Sequence[Any]) -> list[Given]:
    """Return the texts and documents that ``as_json`` was given."""
    return [
        each
        if isinstance(each, str)
        else Document(base64.b64decode(each["document"]), each["forceOcr"], each["language"])
        for each in given
    ]


def read_refusal(given: object) -> dict[str, Any]:
    """Return a container's answer for a document that it could not read, checked. Raises ``ValueError``."""
    if not (isinstance(given, list) and len(given) == 2 and all(isinstance(each, str) for each in given)):
        raise ValueError("the reader's refusal has no code and message")
    code, message = given
    if code not in REASONS or len(message) > MESSAGE_LENGTH or not message.isprintable():
        raise ValueError("the reader's refusal has an unknown code or message")
    return {REFUSED: [code, message]}


def raise_if_refused(answer: object) -> None:
    """Raise ``DocumentRefused`` if an answer says that its document could not be read."""
    if isinstance(answer, dict) and REFUSED in answer:
        code, message = answer[REFUSED]
        raise DocumentRefused(code, message)


def characters_of(given: Given, answer: object) -> int:
    """Return the characters that were analysed: those of a text, or those that were extracted from a document."""
    if isinstance(given, str):
        return len(given)
    if not isinstance(answer, dict):
        return 0
    pages = answer.get("DocumentMetadata", {}).get("ExtractedCharacters", ())
    total: int = sum(page.get("Count", 0) for page in pages)
    # The container says so, which a document may have taken over.
    return min(max(total, 0), LARGE_TEXT)
