"""The printed summaries of a job's results, by kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from reading_room.cli.job_plan import NAMES as KINDS
from reading_room.cli.summaries import Summary, documents_of_topics, summary
from reading_room.cli.tables import print_summary

NOBODY: Any = None


def rows_of(kind: str, lines: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return the rows of a summary that needs nothing but lines."""
    return list(summary(NOBODY, kind, {}, lines).rows)


def mention(text: str, sentiment: str) -> dict[str, Any]:
    """Return a mention."""
    return {"Text": text, "MentionSentiment": {"Sentiment": sentiment}}


def test_entities_are_counted_by_text_and_type_across_line_breaks() -> None:
    paris = {"Text": "New\nYork", "Type": "LOCATION"}
    lines: list[dict[str, Any]] = [
        {"Entities": [paris, paris | {"Text": "New York"}]},
        {"ErrorCode": "X"},
        {"Entities": []},
    ]
    assert rows_of("entities", lines) == [("New York", "LOCATION", "2")]


def test_personal_data_is_counted_by_type() -> None:
    place = {"BeginOffset": 0, "EndOffset": 3, "Score": 0.5}
    lines = [{"Entities": [{"Type": "NAME", **place}, {"Type": "PHONE", **place}, {"Type": "NAME", **place}]}, {}]
    assert rows_of("pii", lines) == [("NAME", "2"), ("PHONE", "1")]


def test_a_key_phrase_is_the_same_in_capitals() -> None:
    lines = [{"KeyPhrases": [{"Text": "The people"}, {"Text": "the people"}, {"Text": "war"}]}]
    assert rows_of("key-phrases", lines) == [("the people", "2"), ("war", "1")]


def test_sentiments_and_languages_are_counted_by_document() -> None:
    lines = [{"Sentiment": "MIXED"}, {"Sentiment": "MIXED"}, {"Sentiment": "POSITIVE"}, {"ErrorCode": "X"}]
    assert rows_of("sentiment", lines) == [("MIXED", "2"), ("POSITIVE", "1")]
    spoken: list[dict[str, Any]] = [{"Languages": [{"LanguageCode": "en"}, {"LanguageCode": "de"}]}, {"Languages": []}]
    assert rows_of("dominant-language", spoken) == [("en", "1")]


def test_mentions_are_grouped_by_descriptive_name_and_neutral_ones_are_left_out() -> None:
    entity = {
        "DescriptiveMentionIndex": [1],
        "Mentions": [mention("it", "POSITIVE"), mention("the lamp", "NEGATIVE"), mention("it", "NEUTRAL")],
    }
    neutral = {"DescriptiveMentionIndex": [0], "Mentions": [mention("desk", "NEUTRAL")]}
    found = summary(NOBODY, "targeted-sentiment", {}, [{"Entities": [entity, neutral]}])
    assert found.columns == ("mention", "positive", "negative", "neutral", "mixed")
    assert found.rows == [("the lamp", "1", "1", "1", "0")]


def test_one_thing_in_two_spellings_is_one_row() -> None:
    named = [{"DescriptiveMentionIndex": [0], "Mentions": [mention(text, "POSITIVE")]} for text in ("We", "we")]
    assert rows_of("targeted-sentiment", [{"Entities": named}]) == [("We", "2", "0", "0", "0")]


def test_rows_of_topics_carry_their_terms() -> None:
    rows = [{"docname": "a.txt:0", "topic": "001", "proportion": "3.57E-04"}]
    found = [{"Topic": "001", "Proportion": 0.000357, "Terms": ["oven"]}]
    assert list(documents_of_topics({"001": ["oven"]}, rows, per_line=True)) == [
        {"File": "a.txt", "Line": 0, "Topics": found}
    ]
    assert list(documents_of_topics({"001": ["oven"]}, rows, per_line=False)) == [{"File": "a.txt:0", "Topics": found}]


def test_classes_are_counted_by_document_and_labels_each() -> None:
    one, other = {"Name": "bill", "Score": 0.9}, {"Name": "praise", "Score": 0.6}
    lines: list[dict[str, Any]] = [
        {"Classes": [one, other]},
        {"Classes": [one]},
        {"Labels": [other, one]},
        {"ErrorCode": "X"},
    ]
    assert rows_of("classification", lines) == [("bill", "3"), ("praise", "1")]


def test_parts_of_speech_are_counted() -> None:
    tokens = [{"PartOfSpeech": {"Tag": tag}} for tag in ("NOUN", "VERB", "NOUN")]
    assert rows_of("syntax", [{"SyntaxTokens": tokens}]) == [("NOUN", "2"), ("VERB", "1")]


def test_a_printed_table_says_how_many_rows_it_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(f"name-{number}", str(number)) for number in range(1_205)]
    print_summary(Summary(("entity", "times"), rows, ""), most=5)
    assert capsys.readouterr().out.splitlines()[-1] == "1,200 more rows; --output FILE writes everything"
    print_summary(Summary(("entity", "times"), rows[:5], ""), most=5)
    assert capsys.readouterr().out.splitlines()[-1].split() == ["name-4", "4"]


@pytest.mark.parametrize("kinds", [KINDS[:3], KINDS[:6], KINDS])
def test_a_wide_table_cuts_neither_titles_nor_names(kinds: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A table that does not fit at all is printed line by line."""
    columns = ("document", "language", *kinds, "errors")
    print_summary(Summary(columns, [("archive/of/letters/note.txt", "de", *["not read"] * len(kinds), "12")], ""))
    printed = capsys.readouterr().out
    assert "archive/of/letters/note.txt" in printed
    assert "…" not in printed
    words = set(printed.replace("-", " ").replace(",", " ").split())
    assert {word for column in columns[1:] for word in column.split("-")} | {"de", "12", "read"} <= words


def test_a_summary_without_rows_says_what_was_not_found() -> None:
    assert summary(NOBODY, "entities", {}, [{"Entities": []}]).nothing == "No entity was found."
