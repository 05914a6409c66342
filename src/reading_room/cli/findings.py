"""Rows for tables and files that people read: one for each finding, or one for each document."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from reading_room.analysis.formats import BY_NAME, suffix_of
from reading_room.analysis.kind import Results
from reading_room.analysis.kinds import JOB_KINDS, SYNTAX

TEXT_LENGTH = 32_767
"""The most characters that a spreadsheet cell may have."""
NOT_READ = "not read"
"""The cell in a table by document if a kind has no engine for the document's language, or does not read its format."""
_LINE_END = re.compile(r"\r\n|\r|\n")
_NOT_TEXT = re.compile(r"[\x00\ud800-\udfff]")


Sources = Mapping[str, Path | str]
"""Documents by their names: the file of a text, or the text that a job extracted from a document."""


class Finding(NamedTuple):
    """A row. ``line`` counts from 1; offsets count code points from the beginning of the document, as in results.

    A member that does not apply is ``None``.
    """

    kind: str
    document: str
    line: int | None
    language: str | None
    text: str
    """The text that was found, as it is in the document, or the document if the finding is about all of it. Empty for
    personal data, which no result repeats."""
    type: str | None = None
    """The entity type, part of speech, class, topic or language."""
    sentiment: str | None = None
    score: float | None = None
    begin: int | None = None
    end: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """The result lines of one kind: each has ``File``, the document's name, and ``Language``, if the kind has any."""

    kind: str
    lines: Sequence[Mapping[str, Any]]

    @property
    def errors(self) -> list[Mapping[str, Any]]:
        """The lines of documents that have an error instead of a result."""
        return [line for line in self.lines if "ErrorCode" in line]


class Documents:
    """The texts that were analysed, read from this machine when they are needed, or given as they were extracted."""

    def __init__(self, files: Sources) -> None:
        self._files = files
        self._last: tuple[str, str, list[str]] = ("", "", [])

    def text(self, name: str, line: int | None) -> str:
        """Return a document, or a line of it counted from 0; empty if the file is not text, or has changed since."""
        _, text, lines = self._read(name)
        if line is not None:
            text = lines[line] if line < len(lines) else ""
        return _NOT_TEXT.sub("\ufffd", text)

    def each(self, name: str, per_line: bool) -> Iterator[tuple[str, int | None, str | None]]:
        """Yield the documents of a file: name, line, and text, which is ``None`` if it is not UTF-8."""
        _, text, lines = self._read(name)
        # The last line ending does not begin another line.
        whole: list[tuple[int | None, str]] = [*enumerate(lines[:-1] if lines[-1] == "" else lines)]
        for line, one in whole if per_line else [(None, text)]:
            yield name, line, None if _NOT_TEXT.search(one) else one

    def _read(self, name: str) -> tuple[str, str, list[str]]:
        if name != self._last[0]:
            try:
                # Bytes that are not UTF-8 become lone surrogates, which no text in UTF-8 has.
                place = self._files[name]
                if isinstance(place, Path):
                    text = place.read_bytes().decode("utf-8", "surrogateescape").removeprefix("\ufeff")
                else:
                    text = place
            except (KeyError, OSError):
                text = ""
            self._last = (name, text, _LINE_END.split(text))
        return self._last


def findings(read: Read, documents: Documents) -> Iterator[Finding]:
    """Yield the findings of one kind, document by document, and a row for each document with an error."""
    for line in read.lines:
        number = None if line.get("Line") is None else int(line["Line"])
        here = Finding(read.kind, line["File"], None if number is None else number + 1, line.get("Language"), text="")
        if "ErrorCode" in line:
            yield here._replace(error=f"{line['ErrorCode']}: {line['ErrorMessage']}")
            continue
        for found in _of_line(line, here):
            whole = found.begin is None
            text = documents.text(here.document, number) if whole else found.text
            yield found._replace(text=_shortened(text))


def _of_line(line: Mapping[str, Any], here: Finding) -> Iterator[Finding]:
    """Yield the findings in one result line; a finding without a text is about the whole document."""
    if "Events" in line:
        # The entities of events are not findings by themselves.
        yield from (found for event in line["Events"] for found in _event(here, event))
        return
    for member, made in _MEMBERS.items():
        for each in line.get(member, ()):
            yield from made(here, each)
    if "Sentiment" in line:
        score = line["SentimentScore"][line["Sentiment"].capitalize()]
        yield here._replace(sentiment=line["Sentiment"], score=score)


def _span(here: Finding, each: Mapping[str, Any]) -> Iterator[Finding]:
    if "Mentions" in each:
        for mention in each["Mentions"]:
            (found,) = _span(here, mention)
            yield found._replace(sentiment=mention["MentionSentiment"]["Sentiment"])
        return
    yield here._replace(
        text=each.get("Text", ""),
        type=each.get("Type"),
        score=each["Score"],
        begin=each["BeginOffset"],
        end=each["EndOffset"],
    )


def _event(here: Finding, each: Mapping[str, Any]) -> Iterator[Finding]:
    for trigger in each["Triggers"]:
        yield from _span(here, trigger)


def _token(here: Finding, each: Mapping[str, Any]) -> Iterator[Finding]:
    part = each["PartOfSpeech"]
    yield here._replace(
        text=each["Text"], type=part["Tag"], score=part["Score"], begin=each["BeginOffset"], end=each["EndOffset"]
    )


def _judgement(here: Finding, each: Mapping[str, Any], type_member: str) -> Iterator[Finding]:
    yield here._replace(type=each[type_member], score=each["Score"])


def _topic(here: Finding, each: Mapping[str, Any]) -> Iterator[Finding]:
    yield here._replace(type=f"{each['Topic']}: {', '.join(each['Terms'])}", score=each["Proportion"])


def _made(results: Results) -> Callable[[Finding, Mapping[str, Any]], Iterator[Finding]]:
    """Return the function that turns an item of a result line into findings."""
    if results.layout == "types":
        return partial(_judgement, type_member=str(results.type_member))
    return _token if results.layout == "tokens" else _span


_RESULTS = (*(kind.results for kind in JOB_KINDS if kind.results.layout != "events"), SYNTAX.results)
_MEMBERS = {member: _made(results) for results in _RESULTS for member in results.members} | {"Topics": _topic}
_TYPES = tuple(results for results in _RESULTS if results.layout == "types")
_LIKELIEST = (*((results.members[0], results.type_member) for results in _TYPES), ("Topics", "Topic"))
"""Members that list judgements of a document, and the name of each judgement; the likeliest one counts."""
_SEVERAL = tuple((member, results.type_member) for results in _TYPES for member in results.members[1:])
"""Members that list judgements of a document, and the name of each judgement; all of them count."""
_PLACES = tuple(
    dict.fromkeys(
        member
        for results in _RESULTS
        if results.layout in ("spans", "offsets", "mentions", "tokens")
        for member in results.members
    )
)
"""Members that list places in the text."""


def _shortened(text: str) -> str:
    """Return as much of a text as a cell holds. Spreadsheets count UTF-16 code units, so a character may be two."""
    if len(text.encode("utf-16-le", "surrogatepass")) // 2 <= TEXT_LENGTH:
        return text
    kept = text[: TEXT_LENGTH - 1]
    while len(kept.encode("utf-16-le", "surrogatepass")) // 2 >= TEXT_LENGTH:
        kept = kept[: len(kept) * 9 // 10]
    return f"{kept}…"


def by_document(
    reads: Sequence[Read], names: Sequence[str], languages: Mapping[str, str]
) -> tuple[list[str], list[list[str | int]]]:
    """Return a table with a row for each document: its name, its language, what each kind found in it, its errors."""
    columns = ["document", *(["language"] if languages else []), *(read.kind for read in reads), "errors"]
    cells: dict[str, list[str | int]] = {
        name: [name, *([languages.get(name, "")] if languages else [])] for name in names
    }
    failed: Counter[str] = Counter()
    # Of a mailbox only the messages are read, which are documents of their own.
    mailboxes = {name for name in names if suffix_of(name) in BY_NAME["mbox"].suffixes}
    for read in reads:
        verdicts: dict[str, Counter[str]] = {}
        seen: set[str] = set()
        numbers: Counter[str] = Counter()
        for line in read.lines:
            name = line["File"]
            seen.add(name)
            if "ErrorCode" in line:
                failed[name] += 1
                continue
            verdict, count = _verdict(line)
            verdicts.setdefault(name, Counter())[verdict] += 1
            numbers[name] += count
        by_language = any("Language" in line for line in read.lines)
        for name, row in cells.items():
            unread = by_language and name not in seen and name not in mailboxes
            row.append(NOT_READ if unread else _cell(verdicts.get(name), numbers[name]))
    return columns, [[*row, failed[name] or ""] for name, row in cells.items()]


def _verdict(line: Mapping[str, Any]) -> tuple[str, int]:
    """Return the result of a line for its whole document, if it has one, or else the number of findings."""
    if "Sentiment" in line:
        return line["Sentiment"], 0
    for member, name in _LIKELIEST:
        if line.get(member):
            best = max(line[member], key=lambda each: each.get("Score", each.get("Proportion", 0)))
            return str(best[name]), 0
    if any(results.members[0] in line for results in _TYPES if len(results.members) == 1):
        return "none", 0
    for member, name in _SEVERAL:
        if member in line:
            return ", ".join(each[name] for each in line[member]), 0
    if "Events" in line:
        return "", len(line["Events"])
    found = sum(len(each.get("Mentions", "1")) for member in _PLACES for each in line.get(member, ()))
    return "", found


def _cell(words: Counter[str] | None, count: int) -> str | int:
    """Return the cell of one document and kind: ``POSITIVE``, ``POSITIVE (3), MIXED (1)``, 12; empty for no result."""
    if words is None:
        return ""
    judged = [(word, times) for word, times in words.most_common() if word]
    if not judged:
        return count
    if len(judged) == 1 and judged[0][1] == 1:
        return judged[0][0]
    return ", ".join(f"{word} ({times})" for word, times in judged)
