"""A sample of documents whose personal data is marked, and the scores with which an engine finds it.

The program reads the sample from standard input, a document as JSON in each line: ``{"Text": …, "Entities":
[{"BeginOffset": …, "EndOffset": …, "Type": …}]}``. It writes one object, ``{"Documents": …, "Scores": …}``: how many
there are; and for each type, a list for each document that has it, with the score until which each item is covered by
findings of its type (``recall.covered_until``).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, cast

from reading_room.analysis.engine import Engine, load_engine, one_thread
from reading_room.analysis.kinds import PII
from reading_room.analysis.recall import covered_until
from reading_room.analysis.trained import ChangedModel

LINE_BYTES = 16 << 20
"""The most bytes of a line: a document of a megabyte, escaped, with its marks."""
ENGINES = tuple(entry.name for entry in PII.loads)


class SampleError(ValueError):
    """A line of a sample is not a marked document: the message names the line and what it must be."""


class Marked(NamedTuple):
    """A document: its text, and begin, end and type of each item."""

    text: str
    items: tuple[tuple[int, int, str], ...]


def read(lines: Iterable[bytes]) -> Iterator[Marked]:
    """Yield the documents of a sample, without blank lines. Raise ``SampleError``."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield _document(line)
        except (ValueError, RecursionError) as error:
            raise SampleError(f"line {number}: {error or type(error).__name__}") from error


def _document(line: bytes) -> Marked:
    if len(line) > LINE_BYTES:
        raise ValueError(f"it has more than {LINE_BYTES:,} bytes")
    try:
        document = json.loads(line)
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error.msg} at column {error.colno}") from error
    text = document.get("Text") if isinstance(document, dict) else None
    entities = document.get("Entities") if isinstance(document, dict) else None
    if not isinstance(text, str) or not isinstance(entities, list):
        raise ValueError('it must be an object with a string "Text" and a list "Entities"')
    return Marked(text, tuple(_item(text, each) for each in entities))


def _item(text: str, entity: object) -> tuple[int, int, str]:
    if isinstance(entity, dict):
        begin, end, kind = (entity.get(name) for name in ("BeginOffset", "EndOffset", "Type"))
        # A bool is an int.
        if type(begin) is int and type(end) is int and isinstance(kind, str) and 0 <= begin < end <= len(text):
            return begin, end, kind
    raise ValueError(
        f'each of "Entities" must have a "Type" and whole numbers 0 <= "BeginOffset" < "EndOffset" <= {len(text)}'
    )


def evidence(engine: Engine, sample: Iterable[Marked]) -> dict[str, list[list[float]]]:
    """Return for each type the documents that have it, each as the scores until which its items are covered."""
    found: dict[str, list[list[float]]] = {}
    documents = list(sample)
    results = cast("Iterator[list[dict[str, Any]]]", engine.analyse(each.text for each in documents))
    for document, findings in zip(documents, results, strict=True):
        for kind in sorted({item[2] for item in document.items}):
            same = [
                (each["BeginOffset"], each["EndOffset"], each["Score"]) for each in findings if each["Type"] == kind
            ]
            items = [item[:2] for item in document.items if item[2] == kind]
            found.setdefault(kind, []).append([covered_until(document.text, item, same) for item in items])
    return found


def main(arguments: list[str] | None = None) -> int:
    """Read the sample, write the scores."""
    parser = argparse.ArgumentParser(prog="reading-room-marked-sample")
    parser.add_argument("--engine", choices=ENGINES, required=True)
    options = parser.parse_args(arguments)
    one_thread()
    try:
        sample = list(read(sys.stdin.buffer))
        scores = evidence(load_engine(options.engine), sample)
        json.dump({"Documents": len(sample), "Scores": scores}, sys.stdout)
    except (SampleError, ChangedModel) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
