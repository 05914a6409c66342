"""Untrusted text made safe to print: it can neither control a terminal nor start a new line."""

from __future__ import annotations


def escaped(text: str, keep: str = "") -> str:
    """Return the text with every unprintable character, except those in ``keep``, escaped."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in keep else each.encode("unicode_escape").decode("ascii") for each in text
    )
