"""RTF: its text, by striprtf."""

from __future__ import annotations

from collections.abc import Callable

from striprtf.striprtf import rtf_to_text

from reading_room.analysis.readers.results import BROKEN, Builder, Extracted, Limits, ReadError


def read_rtf(content: bytes, limits: Limits) -> Extracted:
    """Return the text of a document. Raise ``ReadError``."""
    try:
        # Bytes beyond ASCII belong to the code page that the document names.
        convert: Callable[..., str] = rtf_to_text
        found = convert(content.decode("cp1252", "replace"), errors="replace")
    except (ValueError, LookupError, IndexError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ReadError(BROKEN, f"it is not RTF that can be read: {type(error).__name__}") from None
    builder = Builder(limits)
    for line in found.encode("utf-8", "replace").decode().split("\n"):
        builder.line(line)
    return Extracted("", "rtf", builder.text(), tuple(builder.blocks))
