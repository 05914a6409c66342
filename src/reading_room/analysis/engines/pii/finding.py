"""A finding of personal data in a text, and what becomes of findings that overlap or cut a number."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple


class Finding(NamedTuple):
    """A place in a text, in code points with an exclusive end, its type, and how likely it is right (0 to 1)."""

    begin: int
    end: int
    type: str
    score: float

    def result(self, offset: int = 0) -> dict[str, Any]:
        """Return the finding as the API has it. It does not repeat the text."""
        return {
            "BeginOffset": self.begin + offset,
            "EndOffset": self.end + offset,
            "Score": self.score,
            "Type": self.type,
        }


_LATER = {"USERNAME": 1, "PASSWORD": 1, "PHONE": 2, "ADDRESS": 3, "AGE": 4, "DATE_TIME": 5, "NAME": 6}
"""What gives way: a type of a larger number to one of a smaller. Types that are not listed have a grammar, and 0."""

_NUMBER = re.compile(r"[0-9]+(?:[-./][0-9]+)+|[0-9]{2,}")


def resolved(text: str, findings: Iterable[Finding]) -> list[Finding]:
    """Return findings in order of appearance, without overlaps and without half a number."""
    return without_overlaps(whole_numbers(text, findings))


def whole_numbers(text: str, findings: Iterable[Finding]) -> list[Finding]:
    """Extend each finding that begins or ends inside a number to all of it: digits joined by hyphens, dots or slashes.

    A finding that ends before "6789" in "123-45-6789" would tell the rest of the number.
    """
    found = list(findings)
    if not found:
        return found
    numbers = [match.span() for match in _NUMBER.finditer(text)]
    begins = [begin for begin, _ in numbers]
    for place, finding in enumerate(found):
        begin, end = finding.begin, finding.end
        at = bisect_right(begins, begin) - 1
        if at >= 0 and numbers[at][0] < begin < numbers[at][1]:
            begin = numbers[at][0]
        at = bisect_left(begins, end) - 1
        if at >= 0 and numbers[at][0] < end < numbers[at][1]:
            end = numbers[at][1]
        if (begin, end) != (finding.begin, finding.end):
            found[place] = finding._replace(begin=begin, end=end)
    return found


def without_overlaps(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings in order of appearance, of those that overlap the one that wins.

    A type with a grammar wins over one without, then the longer, then the one with the better score, then the earlier,
    then the first by name.
    """
    kept: list[Finding] = []
    group: list[Finding] = []
    group_end = -1
    # Only findings of a group that hangs together can be in each other's way, so the time is that of sorting.
    for each in sorted(findings):
        if group and each.begin >= group_end:
            kept += _winners(group)
            group = []
        group_end = max(group_end, each.end) if group else each.end
        group.append(each)
    return kept + _winners(group)


def _winners(group: list[Finding]) -> list[Finding]:
    if len(group) == 1:
        return group
    begins: list[int] = []
    kept: list[Finding] = []
    for each in sorted(group, key=lambda each: (_LATER.get(each.type, 0), each.begin - each.end, -each.score, each)):
        at = bisect_left(begins, each.begin)
        if (at == 0 or kept[at - 1].end <= each.begin) and (at == len(kept) or kept[at].begin >= each.end):
            begins.insert(at, each.begin)
            kept.insert(at, each)
    return kept


def end_with(tails: Sequence[re.Pattern[str]], text: str, end: int, most: int) -> int:
    """Return where something ends that ends at ``end``, or later with what may follow it, at most ``most`` times."""
    for _ in range(most):
        found = next(filter(None, (tail.match(text, end) for tail in tails)), None)
        if found is None:
            break
        end = found.end()
    return end
