"""CSV as in training data: values and their places, and errors and theirs."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.analysis.storage import JobFailure
from reading_room.analysis.training.csv_rows import Row, csv_rows
from reading_room.analysis.training.places import Problem
from reading_room.analysis.training.sources import Line


def rows(text: str) -> list[Row | Problem]:
    """Return the records of a file of this content."""
    return list(csv_rows("a.csv", (Line(number, line) for number, line in enumerate(text.split("\n"), 1))))


def values(text: str) -> list[list[str]]:
    """Return the values of a file without errors."""
    return [[field.text for field in row] for row in rows(text) if not isinstance(row, Problem)]


def test_a_quoted_value_may_hold_commas_quotes_and_line_breaks() -> None:
    assert values('A,"one, ""two""\nthree"\nB,four') == [["A", 'one, "two"\nthree'], ["B", "four"]]


def test_a_field_knows_where_it_begins() -> None:
    first, second = rows('A,"x\ny",z\nBB,w')
    assert not isinstance(first, Problem)
    assert not isinstance(second, Problem)
    assert [(f.place.line, f.place.column) for f in first] == [(1, 1), (1, 3), (2, 4)]
    assert [(f.place.line, f.place.column) for f in second] == [(3, 1), (3, 4)]


def test_blanks_before_a_quote_and_quotes_inside_a_plain_value_have_no_meaning() -> None:
    assert values('A, "x, y"\nB,a 5" screen') == [["A", "x, y"], ["B", 'a 5" screen']]


def test_blank_lines_are_not_records() -> None:
    assert values("\nA,b\n\n   \nC,d\n") == [["A", "b"], ["C", "d"]]


def test_text_after_a_closing_quote_fails_only_its_record_and_names_both_quotes() -> None:
    first, second = rows('A,"one" two\nB,three')
    assert isinstance(first, Problem)
    assert str(first.place) == "a.csv, line 1, column 9"
    assert "line 1, column 3" in first.detail
    assert not isinstance(second, Problem)


def test_an_unclosed_quote_fails_and_its_place_is_named() -> None:
    with pytest.raises(JobFailure) as failure:
        rows('A,b\nC,"never\nD,e\n')
    assert failure.value.code == "INVALID_TRAINING_DATA"
    assert "a.csv, line 2, column 3" in failure.value.message


def test_an_unclosed_quote_does_not_read_an_endless_file() -> None:
    def endless() -> object:
        yield Line(1, 'A,"')
        for number in range(2, 10**9):
            yield Line(number, "x" * 100_000)

    with pytest.raises(JobFailure, match="never closed"):
        list(csv_rows("a.csv", endless()))  # type: ignore[arg-type]


_TEXT = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=12)
_VALUE = st.one_of(_TEXT, st.lists(_TEXT, max_size=3).map("\n".join), st.lists(_TEXT, max_size=3).map('"'.join))


@given(st.lists(st.lists(_VALUE, min_size=2, max_size=4), max_size=5))
def test_records_of_the_standard_writer_are_read_back_unchanged(table: list[list[str]]) -> None:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(table)
    assert values(written.getvalue()) == table


@given(st.text(st.sampled_from('ab," \n'), max_size=40))
def test_any_text_gives_records_problems_or_a_failure_and_nothing_else(text: str) -> None:
    if text.count('"') == 0:
        places = [row.place if isinstance(row, Problem) else row[0].place for row in rows(text)]
        assert places == sorted(places)
        return
    try:
        rows(text)
    except JobFailure as failure:
        # Only an unclosed quote ends the reading.
        if "never closed" not in failure.message:
            raise
