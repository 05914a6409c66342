"""The files that ``jobs run --output`` writes: a row for each finding, a row for each document, and no formula."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from reading_room.cli.findings import TEXT_LENGTH, Documents, Finding, Read, by_document, findings
from reading_room.cli.result_files import NotWritten, write
from reading_room.cli.syntax import pieces
from tests.worlds.full_disk import files_of_at_most
from tests.worlds.workbooks import sheets_of

HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x.example")', "http://x.example"]


def entity(text: str, begin: int = 0) -> dict[str, Any]:
    """Return an entity."""
    return {"Text": text, "Type": "PERSON", "Score": 0.9, "BeginOffset": begin, "EndOffset": begin + len(text)}


ENTITIES = Read(
    "entities",
    [
        {"File": "a/note.txt", "Language": "de", "Entities": [entity("Ada Lovelace"), entity("Curie", 20)]},
        {"File": "b/note.txt", "Language": "en", "Entities": []},
        {"File": "c.txt", "Language": "en", "ErrorCode": "UNSUPPORTED_ENCODING", "ErrorMessage": "no text"},
    ],
)
SCORES = {"Positive": 0.7, "Negative": 0.1, "Neutral": 0.1, "Mixed": 0.1}
SENTIMENT = Read(
    "sentiment",
    [
        {"File": "a/note.txt", "Line": 0, "Language": "en", "Sentiment": "POSITIVE", "SentimentScore": SCORES},
        {"File": "a/note.txt", "Line": 1, "Language": "en", "Sentiment": "POSITIVE", "SentimentScore": SCORES},
        {"File": "b/note.txt", "Line": 0, "Language": "en", "Sentiment": "MIXED", "SentimentScore": SCORES},
    ],
)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Three texts."""
    names = ["a/note.txt", "b/note.txt", "c.txt"]
    for number, name in enumerate(names):
        (tmp_path / "texts" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "texts" / name).write_text(f"first of {number}\r\nsecond of {number}\n")
    return {name: tmp_path / "texts" / name for name in names}


def rows_of_csv(path: Path) -> list[list[str]]:
    """Return the cells of a CSV file that a spreadsheet takes for UTF-8."""
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_a_csv_has_a_row_for_each_finding_and_beside_it_one_for_each_document(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    write(tmp_path / "out.csv", [ENTITIES], files, {"a/note.txt": "de", "b/note.txt": "en", "c.txt": "en"})
    assert rows_of_csv(tmp_path / "out.csv") == [
        ["kind", "document", "line", "language", "text", "type", "sentiment", "score", "begin", "end", "error"],
        ["entities", "a/note.txt", "", "de", "Ada Lovelace", "PERSON", "", "0.9", "0", "12", ""],
        ["entities", "a/note.txt", "", "de", "Curie", "PERSON", "", "0.9", "20", "25", ""],
        ["entities", "c.txt", "", "en", "", "", "", "", "", "", "UNSUPPORTED_ENCODING: no text"],
    ]
    assert rows_of_csv(tmp_path / "out-documents.csv") == [
        ["document", "language", "entities", "errors"],
        ["a/note.txt", "de", "2", ""],
        ["b/note.txt", "en", "0", ""],
        ["c.txt", "en", "", "1"],
    ]


def test_a_workbook_has_both_tables(tmp_path: Path, files: dict[str, Path]) -> None:
    write(tmp_path / "out.xlsx", [ENTITIES, SENTIMENT], files, {})
    found, documents = sheets_of(tmp_path / "out.xlsx")
    assert found[0] == list(Finding._fields)
    assert found[1] == ["entities", "a/note.txt", "de", "Ada Lovelace", "PERSON", "0.9", "0", "12"]
    assert found[-1] == ["sentiment", "b/note.txt", "1", "en", "first of 1", "MIXED", "0.1"]
    assert documents[:2] == [
        ["document", "entities", "sentiment", "errors"],
        ["a/note.txt", "2", "POSITIVE (2)", ""],
    ]


def test_a_finding_about_a_document_shows_its_text_and_lines_count_from_one(files: dict[str, Path]) -> None:
    found = list(findings(SENTIMENT, Documents(files)))
    assert [(each.document, each.line, each.text, each.sentiment) for each in found] == [
        ("a/note.txt", 1, "first of 0", "POSITIVE"),
        ("a/note.txt", 2, "second of 0", "POSITIVE"),
        ("b/note.txt", 1, "first of 1", "MIXED"),
    ]
    assert {each.score for each in found} == {0.7, 0.1}


def test_personal_data_has_places_and_never_a_text(files: dict[str, Path]) -> None:
    found = [{"Type": "NAME", "Score": 0.5, "BeginOffset": 0, "EndOffset": 5}]
    lines = [{"File": "a/note.txt", "Line": 1, "Entities": found}, {"File": "b/note.txt", "Line": 0, "Entities": []}]
    (row,) = findings(Read("pii", lines), Documents(files))
    assert row == Finding("pii", "a/note.txt", 2, None, "", type="NAME", score=0.5, begin=0, end=5)


def test_each_kind_has_rows() -> None:
    mention = entity("lamp") | {"MentionSentiment": {"Sentiment": "POSITIVE"}}
    token = entity("reads") | {"PartOfSpeech": {"Tag": "VERB", "Score": 0.8}}
    topic = {"Topic": "001", "Proportion": 0.5, "Terms": ["oven", "bread"]}
    lines = {
        "targeted-sentiment": {"Entities": [{"DescriptiveMentionIndex": [0], "Mentions": [mention, mention]}]},
        "key-phrases": {"KeyPhrases": [entity("the lamp")]},
        "syntax": {"SyntaxTokens": [token]},
        "dominant-language": {"Languages": [{"LanguageCode": "de", "Score": 0.9}]},
        "classification": {"Classes": [{"Name": "bill", "Score": 0.9}]},
        "topics": {"Topics": [topic]},
    }
    reads = [Read(kind, [{"File": "a", "Line": "0"} | line]) for kind, line in lines.items()]
    found = [each for read in reads for each in findings(read, Documents({}))]
    assert [(each.kind, each.line, each.text, each.type, each.sentiment) for each in found] == [
        ("targeted-sentiment", 1, "lamp", "PERSON", "POSITIVE"),
        ("targeted-sentiment", 1, "lamp", "PERSON", "POSITIVE"),
        ("key-phrases", 1, "the lamp", "PERSON", None),
        ("syntax", 1, "reads", "VERB", None),
        ("dominant-language", 1, "", "de", None),
        ("classification", 1, "", "bill", None),
        ("topics", 1, "", "001: oven, bread", None),
    ]
    _, (row,) = by_document(reads, ["a"], {})
    assert row == ["a", 2, 1, 1, "de", "bill", "001", ""]


def test_a_mailbox_has_nothing_of_its_own_and_a_document_in_another_language_is_not_read() -> None:
    lines = [{"File": "a.mbox/message-1", "Language": "en", "Entities": []}]
    names = ["a.mbox", "b.eml", "a.mbox/message-1", "b.eml/c.pdf"]
    _, rows = by_document([Read("entities", lines)], names, {})
    assert [row[1] for row in rows] == ["", "not read", 0, "not read"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_document_becomes_a_formula_or_a_link(tmp_path: Path, text: str) -> None:
    """Neither as a finding nor as a file's name."""
    read = Read("entities", [{"File": text, "Entities": [entity(text)]}])
    for name in ("out.csv", "out.xlsx"):
        write(tmp_path / name, [read], {text: tmp_path / "none"}, {})
    for path in (tmp_path / "out.csv", tmp_path / "out-documents.csv"):
        cells = [cell for row in rows_of_csv(path) for cell in row]
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
        assert any(cell.removeprefix("'") == text for cell in cells)
    found, documents = sheets_of(tmp_path / "out.xlsx")
    assert found[1][1] == found[1][2] == documents[1][0] == text


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.xlsx"])
def test_on_a_full_disk_one_sentence_says_so_and_no_part_of_a_file_stays(
    tmp_path: Path, files: dict[str, Path], name: str
) -> None:
    with files_of_at_most(10), pytest.raises(NotWritten) as caught:
        write(tmp_path / name, [ENTITIES, SENTIMENT], files, {})
    assert str(caught.value).startswith(f"{tmp_path / name} cannot be written (File too large): make room there")
    assert [path.name for path in tmp_path.iterdir()] == ["texts"]


def test_a_text_that_no_cell_can_hold_is_cut(files: dict[str, Path]) -> None:
    for long in ("x" * 40_000, "\U0001f600" * 20_000):
        files["a/note.txt"].write_text(long)
        line = {"File": "a/note.txt", "Sentiment": "POSITIVE", "SentimentScore": SCORES}
        (found,) = findings(Read("sentiment", [line]), Documents(files))
        assert found.text.endswith("…")
        assert 25_000 < len(found.text.encode("utf-16-le")) // 2 <= TEXT_LENGTH


def test_a_jsonl_has_every_result_as_it_is_with_its_kind(tmp_path: Path) -> None:
    write(tmp_path / "out.jsonl", [ENTITIES, SENTIMENT], {}, {})
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert lines == [{"Kind": read.kind, **line} for read in (ENTITIES, SENTIMENT) for line in read.lines]


def test_a_file_is_cut_into_documents_as_jobs_cut_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfone\rtwo\r\n\nCaf\xe9\n\x00")
    documents = Documents({"a": tmp_path / "a"})
    assert list(documents.each("a", per_line=True)) == [
        ("a", 0, "one"),
        ("a", 1, "two"),
        ("a", 2, ""),
        ("a", 3, None),
        ("a", 4, None),
    ]
    assert list(documents.each("a", per_line=False)) == [("a", None, None)]


@pytest.mark.parametrize("text", ["", "   ", "a bc d\n", "abcdefghij", "ä" * 9, "one two\nthree four five", "a\n\n\nb"])
def test_a_text_in_pieces_is_whole_and_each_is_small_enough(text: str) -> None:
    found = list(pieces(text, most=7))
    assert all(0 < len(piece.encode()) <= 7 for _, piece in found)
    assert all(text[begin : begin + len(piece)] == piece for begin, piece in found)
    assert "".join(piece for _, piece in found).split() == text.split()
