"""Documents in synchronous calls: read by a process beside the engine, and answered as the API defines it.

A document is an object with ``document``, its bytes in base64, ``forceOcr`` and ``language``. Its result has the
members of DetectEntities or ClassifyDocument, or ``Refused``: a code of ``readers/results.py`` and a message.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from reading_room.analysis.engine import Members, Result
from reading_room.analysis.page_members import with_pages
from reading_room.analysis.readers.extractor import Extractor
from reading_room.analysis.readers.results import TOO_LARGE, UNSUPPORTED, Extracted, Limits, Wishes

TEXT_BYTES = 10_000
"""The most bytes of a document that is plain text."""
PAGE_CHARACTERS = 10_000
LIMITS = Limits(
    file_bytes=10_000_000,
    text_characters=100_000,
    pages=1,
    ocr_pages=1,
    expanded_bytes=67_108_864,
    elements=1_000_000,
    cells=100_000,
    documents=20,
    seconds=20,
)
"""What one document may take: a page, as at AWS, and less than in a job, because somebody waits for the answer."""

CLASSES = ("Classes", "Labels")
"""The members of a classifier's answer: it has one of them."""
Analyse = Callable[[str], Result | Members | None]


class DocumentReader:
    """Reads documents in a process of its own, which must be started before this one gives up starting processes."""

    def __init__(self) -> None:
        self._extractor = Extractor(LIMITS, at_once=False)

    def answer(self, given: dict[str, Any], member: str, analyse: Analyse) -> Members | None:
        """Return the result for a document, ``None`` if the engine failed on its text. ``member`` has its findings.

        Raises ``JobFailure`` if the process that reads is gone.
        """
        content = base64.b64decode(given["document"])
        wishes = Wishes(force_ocr=bool(given["forceOcr"]), language=given["language"])
        found, *others = self._extractor.read([content], "", wishes)
        if found.error is not None:
            return refused(*found.error)
        if others:
            return refused(UNSUPPORTED, f"it is {found.format} with several documents; send one of them")
        plain = found.format == "text"
        if plain and len(content) > TEXT_BYTES:
            return refused(TOO_LARGE, f"it is text of {len(content):,} bytes, and {TEXT_BYTES:,} are read")
        if len(found.text) > PAGE_CHARACTERS:
            return _too_long(found, member)
        result = analyse(found.text)
        if result is None:
            return None
        members = with_pages(result, member, found)
        members.setdefault("Errors", [])
        if member in CLASSES:
            # Only one page is read.
            members[member] = [{**each, "Page": 1} for each in members[member]]
        elif not plain:
            # The blocks say where something is. Offsets into a text that the caller does not have would say nothing.
            for each in members[member]:
                del each["BeginOffset"], each["EndOffset"]
        return members

    def close(self) -> None:
        """End the process."""
        self._extractor.__exit__(None, None, None)


def refused(code: str, message: str) -> Members:
    """Return the result for a document that cannot be read."""
    # The message may have names from the document, such as those of columns.
    return {"Refused": [code, "".join(each if each.isprintable() else "?" for each in message)]}


def _too_long(found: Extracted, member: str) -> Members:
    members = with_pages([], member, found)
    message = f"The page has {len(found.text):,} characters; {PAGE_CHARACTERS:,} are analysed."
    error = {"Page": 1, "ErrorCode": "PAGE_CHARACTERS_EXCEEDED", "ErrorMessage": message}
    members["Errors"] = [error, *members.get("Errors", [])]
    return members
