"""Samples with marked personal data: what their lines must be, and the scores that an engine gives for them."""

from __future__ import annotations

import json

import pytest

from reading_room.analysis.engine import load_engine
from reading_room.analysis.marked_sample import LINE_BYTES, Marked, SampleError, evidence, read
from reading_room.analysis.recall import NEVER, above


def line(text: str, *items: tuple[int, int, str]) -> bytes:
    """Return a document of a sample."""
    entities = [{"BeginOffset": begin, "EndOffset": end, "Type": kind} for begin, end, kind in items]
    return json.dumps({"Text": text, "Entities": entities}).encode()


def test_documents_are_read_line_by_line_without_blank_ones() -> None:
    lines = [line("é Ann", (2, 5, "NAME")), b" \n", line("none")]
    assert list(read(lines)) == [Marked("é Ann", ((2, 5, "NAME"),)), Marked("none", ())]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (b"{", "line 2: it is no JSON"),
        (b"\xff", "line 2: it is not UTF-8"),
        (b"[]", 'line 2: it must be an object with a string "Text"'),
        (b'{"Text": "a"}', '"Entities"'),
        (b'{"Text": 1, "Entities": []}', '"Text"'),
        (line("Ann", (0, 4, "NAME")), r'"EndOffset" <= 3'),
        (line("Ann", (2, 2, "NAME")), '"BeginOffset" < "EndOffset"'),
        (b'{"Text": "Ann", "Entities": [{"BeginOffset": false, "EndOffset": true, "Type": "NAME"}]}', "whole numbers"),
        (b'{"Text": "Ann", "Entities": [3]}', '"Type"'),
        (b"[" * 100_000, "line 2: "),
        (b" " * LINE_BYTES + b"{}", "more than"),
    ],
)
def test_a_line_that_is_no_marked_document_is_named(bad: bytes, says: str) -> None:
    with pytest.raises(SampleError, match=says):
        list(read([line("Ann"), bad]))


@pytest.mark.costs(1, reason="an engine is loaded")
def test_each_document_has_the_scores_of_its_items_by_type() -> None:
    sample = [
        Marked("Escriba a ana@example.com o luis@example.com.", ((10, 25, "EMAIL"), (28, 44, "EMAIL"))),
        Marked("El 12 de marzo de 1980.", ((3, 22, "DATE_TIME"),)),
        Marked("Nada aquí.", ((0, 4, "EMAIL"),)),
    ]
    found = evidence(load_engine("pii-es"), sample)
    assert found == {"EMAIL": [[0.99, 0.99], [NEVER]], "DATE_TIME": [[0.97]]}


def test_a_profile_keeps_findings_with_at_least_the_threshold_of_their_type() -> None:
    findings = [{"Type": kind, "Score": score} for kind, score in (("NAME", 0.4), ("NAME", 0.5), ("AGE", 0.1))]
    assert above(findings, {"NAME": 0.5}) == findings[1:]
