"""The documents of the set for events, and their labels in ``events_labels.jsonl``.

The labels are ours. They were written and frozen before any rule of the engine, and do not change with the rules. The
texts are not in this repository: filings and press releases stay their authors'. They are read from two public
repositories at a revision, and each text is checked against the hash beside its labels.

A line of the labels has ``source`` (``filings`` or ``releases``), ``name`` in it, ``sha256`` of the text, and
``triggers``: place of the first code point, words and type. Forty lines have ``again``, the triggers of a second
reading by the same reader. ``arguments`` of some lines are type, role and words of entities.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.quality.corpora import Corpora, CorpusError

LABELS = Path(__file__).with_name("events_labels.jsonl")
FILINGS, RELEASES = "events-filings", "Newsworthyai/press-release-archive"

Trigger = tuple[int, str, str]
"""Place of the first code point, words, and type."""
Argument = tuple[str, str, str]
"""Type of the event, role, and words of the entity."""

_ITEMS = (
    *("item_1.01", "item_1.02", "item_1.03", "item_2.01", "item_2.03", "item_2.05", "item_3.01", "item_3.02"),
    *("item_3.03", "item_4.01", "item_5.01", "item_5.02", "item_5.03", "item_7.01", "item_8.01"),
    *("item_1", "item_2", "item_3", "item_5", "item_6", "item_9"),
)
"""The items of a current report (SEC form 8-K, today's and those until 2004) that tell events. The others are exhibits,
results of operations and votes."""
RELEASE, WIDE_RELEASE = 1_600, 4_000
"""How many code points of a press release are read, to the end of a paragraph. The wider limit is for those chosen for
a rights issue, a tender offer or a shelf offering, which stand further down."""
_BLANKS = re.compile(r"[ \t\u00a0\u2003\u2002\u2009\u200b]+")
_CLOSING = re.compile(r"(?i)about [A-Z]|To view the (full )?press|forward.looking|source:|###")
"""How the closing paragraphs of a press release begin: what the company is, and disclaimers."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A document with its labels."""

    source: str
    name: str
    text: str
    triggers: tuple[Trigger, ...]
    again: tuple[Trigger, ...] | None
    arguments: tuple[Argument, ...] | None


def documents(corpora: Corpora) -> list[Labelled]:
    """Return the labelled documents. Raise ``CorpusError`` for a text that is not the labelled one."""
    lines = [json.loads(line) for line in LABELS.read_text(encoding="utf-8").splitlines()]
    archive = zipfile.ZipFile(io.BytesIO(corpora.content(FILINGS)))
    releases = [line["name"] for line in lines if line["source"] == "releases"]
    contents = dict(zip(releases, corpora.unlisted(RELEASES, releases), strict=True))
    return [_labelled(line, archive, contents) for line in lines]


def _labelled(line: dict[str, object], archive: zipfile.ZipFile, contents: dict[str, bytes]) -> Labelled:
    source, name = str(line["source"]), str(line["name"])
    if source == "filings":
        text = filing_text(archive.read(name).decode())
    else:
        text = release_text(contents[name].decode(errors="replace"), int(str(line.get("limit", RELEASE))))
    if hashlib.sha256(text.encode()).hexdigest() != line["sha256"]:
        raise CorpusError(f"events: the text of {source}:{name} is not the labelled one")
    again, arguments = line.get("again"), line.get("arguments")
    return Labelled(
        source,
        name,
        text,
        _triples(line["triggers"]),
        None if again is None else _triples(again),
        None if arguments is None else _triples(arguments),
    )


def _triples(rows: object) -> tuple[tuple[Any, Any, Any], ...]:
    assert isinstance(rows, list)
    return tuple((row[0], row[1], row[2]) for row in rows)


def filing_text(content: str) -> str:
    """Return the items of a current report that tell events."""
    report = json.loads(content)
    return _plain("\n".join(report[item].strip() for item in _ITEMS if report.get(item, "").strip()))


def release_text(content: str, limit: int) -> str:
    """Return the beginning of a press release, without links at its end and without its closing paragraphs."""
    text = _plain(content.split("\n---\n")[0].lstrip("# "))
    paragraphs: list[str] = []
    size = 0
    for paragraph in text.split("\n"):
        if paragraphs and (size + len(paragraph) > limit or _CLOSING.match(paragraph)):
            break
        paragraphs.append(paragraph)
        size += len(paragraph) + 1
    return "\n".join(paragraphs)


def _plain(text: str) -> str:
    text = _BLANKS.sub(" ", text.replace("\r", ""))
    text = re.sub(r" ?\n ?", "\n", text)
    return re.sub(r"\n{2,}", "\n", text).strip()
