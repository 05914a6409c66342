"""Units of text as Amazon Comprehend bills them: 100 characters each, and at least three for a document.

AWS source: the pricing page of Amazon Comprehend, for requests. That each document of a job or a batch counts as a
request, and that a character is a code point, is not confirmed there.
"""

from __future__ import annotations

from dataclasses import dataclass

from reading_room.analysis.documents import Document

UNIT_CHARACTERS = 100
LEAST_UNITS = 3


def units(characters: int) -> int:
    """Return the units of one document of that many characters."""
    return max(LEAST_UNITS, -(-characters // UNIT_CHARACTERS))


@dataclass(slots=True)
class Meter:
    """Counts the characters and units of the documents that were analysed."""

    characters: int = 0
    units: int = 0

    def count(self, document: Document) -> None:
        """Count a document, unless it has an error."""
        if document.error is None:
            self.characters += len(document.text)
            self.units += units(len(document.text))
