"""Names that a text has in full in one place and in part in others, and findings that are two halves of one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from reading_room.analysis.engines.pii.finding import Finding
from reading_room.analysis.engines.pii.labels import words

_LEAST_SCORE, _SCORE = 0.8, 0.7
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*+")
_NO_NAMES = words(
    "The And Van Von Der Den Del Las Los San Saint May June April March August Mr Mrs Ms Miss Dr Prof Sir "
    "Lady Lord Court Street Road North South East West New Hospital Bank Company University Judge Justice "
    "President"
)
_JOINS = {"NAME": (" ",), "ADDRESS": (" ", ", ", ",\n", "\n")}


def named_again(text: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the words of names that were found with a good score, wherever else the text has them capitalized."""
    words = {
        word
        for finding in findings
        if finding.type == "NAME" and finding.score >= _LEAST_SCORE
        for word in _WORD.findall(text, finding.begin, finding.end)
        if len(word) > 2 and word[0].isupper() and word not in _NO_NAMES
    }
    if words:
        for match in _WORD.finditer(text):
            if match[0] in words:
                yield Finding(match.start(), match.end(), "NAME", _SCORE)


def joined(text: str, findings: Iterable[Finding]) -> list[Finding]:
    """Join neighbours that are names, or parts of an address. Findings are in order and do not overlap."""
    kept: list[Finding] = []
    for finding in findings:
        last = kept[-1] if kept else None
        if (
            last is not None
            and last.type == finding.type
            and text[last.end : finding.begin] in _JOINS.get(finding.type, ())
            and last.end < finding.begin
            and (finding.type == "NAME" or _continues(text, last, finding))
        ):
            kept[-1] = Finding(last.begin, finding.end, last.type, min(last.score, finding.score))
        else:
            kept.append(finding)
    return kept


def _continues(text: str, first: Finding, second: Finding) -> bool:
    """Whether an address goes on: a street begins a new one, unless a number stands before it already."""
    return not text[second.begin].isdigit() or any(each.isdigit() for each in text[first.begin : first.end])
