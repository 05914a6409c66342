"""Foreign text made safe to print: it can neither steer a terminal nor begin a line of its own."""

from __future__ import annotations


def escaped(text: str, keep: str = "") -> str:
    """Return the text with every character that is not printable, but those of ``keep``, written as an escape."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in keep else each.encode("unicode_escape").decode("ascii") for each in text
    )
