"""Training data of recognizers: annotations, entity lists and manifests, and every way in which they can be wrong."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import Any

import pytest

from reading_room.analysis.memory import MemoryStorage
from reading_room.analysis.storage import JobFailure
from reading_room.analysis.training.annotated import Limits, RecognizerData, check_mentions, read_recognizer_data
from reading_room.analysis.training.places import Problems

HEADER = b"File,Line,Begin Offset,End Offset,Type\n"
DOCUMENTS = "Anna met Bo in Tromsø.\nNobody.\n😀 Zoe\n".encode()


def read(files: dict[str, bytes], limits: Limits = Limits(), **config: Any) -> RecognizerData:
    """Read the files of a bucket ``in`` for the types PERSON and PLACE."""
    storage = MemoryStorage({("in", name): content for name, content in files.items()})
    members = {
        "EntityTypes": [{"Type": "PERSON"}, {"Type": "PLACE"}],
        "Documents": {"S3Uri": "s3://in/doc"},
        **({} if "EntityList" in config or "DataFormat" in config else {"Annotations": {"S3Uri": "s3://in/ann"}}),
        **config,
    }
    return read_recognizer_data(storage, members, "en", 5_000_000_000, limits)


def annotated(rows: str, documents: bytes = DOCUMENTS, limits: Limits = Limits()) -> RecognizerData:
    """Read three documents, one per line, with these annotations."""
    return read({"docs.txt": documents, "ann.csv": HEADER + rows.encode()}, limits)


def test_annotations_refer_to_files_and_lines_and_count_code_points() -> None:
    data = annotated("docs.txt, 0, 0, 4, PERSON\ndocs.txt,0,15,21,PLACE\ndocs.txt,2,2,5,PERSON\n")
    assert data.train.texts == ["Anna met Bo in Tromsø.", "Nobody.", "😀 Zoe"]
    assert data.train.spans == [[(0, 4, "PERSON"), (15, 21, "PLACE")], [], [(2, 5, "PERSON")]]
    assert data.train.texts[2][2:5] == "Zoe"
    assert data.problems.count == 0


def test_columns_may_be_in_any_order_and_unrequested_types_are_ignored() -> None:
    rows = b"Type,End Offset,Begin Offset,Line,File\nPERSON,4,0,0,docs.txt\nANIMAL,4,0,1,docs.txt\n"
    data = read({"docs.txt": DOCUMENTS, "ann.csv": rows})
    assert data.train.spans == [[(0, 4, "PERSON")], [], []]
    assert data.problems.count == 0


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("docs.txt,0,0,99,PERSON", "ann.csv, line 3, column 12 (0 to 99 in a text of 22 characters)"),
        ("docs.txt,0,4,4,PERSON", "offsets that do not satisfy 0 <= begin < end"),
        ("docs.txt,0,-1,4,PERSON", "ann.csv, line 3, column 12"),
        ("docs.txt,0,zero,4,PERSON", "Begin Offset that is not a whole number"),
        ("docs.txt,0,0,4,PERSON", "a duplicate annotation: ann.csv, line 3, column 12 (line 2)"),
        ("docs.txt,0,2,8,PLACE", "an annotation that overlaps an earlier one: ann.csv, line 3, column 12 (line 2)"),
        (
            "docs.txt,3,0,1,PERSON",
            "an annotation for a missing document: ann.csv, line 3, column 12 (docs.txt, line 3)",
        ),
        ("other.txt,0,0,1,PERSON", "other.txt"),
        ("docs.txt,0,0,PERSON", "4 instead of 5"),
    ],
)
def test_an_annotation_that_cannot_be_used_is_left_out_and_named(row: str, what: str) -> None:
    data = annotated(f"docs.txt,0,0,4,PERSON\n{row}\n")
    assert data.train.spans == [[(0, 4, "PERSON")], [], []]
    assert data.problems.count == 1
    assert what in data.problems.sentence()


def test_annotations_of_a_document_that_is_too_long_say_that_it_was_not_used() -> None:
    documents = b"short\n" * 3 + b"x" * 5001 + b"\n"
    data = annotated("docs.txt,3,0,4,PERSON\n", documents)
    assert len(data.train.texts) == 3
    assert "5,001" in data.problems.sentence()
    assert "a document that was not used" in data.problems.sentence()


def test_a_header_without_a_column_is_refused_by_its_name() -> None:
    with pytest.raises(JobFailure, match="no column 'Line'"):
        read({"docs.txt": DOCUMENTS, "ann.csv": b"File,Begin Offset,End Offset,Type\n"})


def test_a_file_as_a_document_needs_no_line() -> None:
    files = {f"doc{n}": f"Anna {n}\nand Bo".encode() for n in range(3)}
    rows = b"File,Begin Offset,End Offset,Type\ndoc1,11,13,PERSON\n"
    documents = {"S3Uri": "s3://in/doc", "InputFormat": "ONE_DOC_PER_FILE"}
    data = read({**files, "ann.csv": rows}, Documents=documents)
    assert data.train.spans == [[], [(11, 13, "PERSON")], []]
    assert data.train.texts[1][11:13] == "Bo"


def test_files_with_the_same_name_are_reported_and_only_the_first_is_used() -> None:
    files = {f"doc/{folder}/a.txt": folder.encode() for folder in ("x", "y", "z", "w")}
    documents = {"S3Uri": "s3://in/doc", "InputFormat": "ONE_DOC_PER_FILE"}
    with pytest.raises(JobFailure, match="has the name of another file"):
        read({**files, "ann.csv": b"File,Begin Offset,End Offset,Type\n"}, Documents=documents)


def test_an_entity_list_may_be_larger_than_the_documents_and_names_what_is_listed_twice() -> None:
    rows = b"Type,Text\nPERSON,Anna\nPERSON,Anna\nPLACE,Anna\nANIMAL,dog\nPLACE,\n"
    rows += b"".join(b"PERSON,Name %d\n" % n for n in range(5000))
    data = read({"docs.txt": DOCUMENTS, "list.csv": rows}, EntityList={"S3Uri": "s3://in/list.csv"})
    assert data.entries is not None
    assert len(data.entries) == 5001
    assert data.entries["Anna"] == "PERSON"
    sentence = data.problems.sentence()
    assert "listed twice: list.csv, line 3, column 8 ('Anna')" in sentence
    assert "another type above: list.csv, line 4, column 7" in sentence
    assert "an empty text: list.csv, line 6, column 7" in sentence


def listed(rows: bytes, limits: Limits = Limits()) -> RecognizerData:
    """Read three documents with an entity list of these rows."""
    files = {"docs.txt": DOCUMENTS, "list.csv": b"Text,Type\n" + rows}
    return read(files, limits, EntityList={"S3Uri": "s3://in/list.csv"})


def test_a_function_word_in_a_list_is_left_out_and_named() -> None:
    data = listed(b"Anna,PERSON\nand,PERSON\nWho,PERSON\n")
    assert data.entries == {"Anna": "PERSON", "Who": "PERSON"}
    assert "a function word, which names no entity: list.csv, line 3, column 1 ('and')" in data.problems.sentence()


def test_an_entry_over_the_document_limit_is_left_out_and_named() -> None:
    data = listed(b"A" * 5000 + b",PERSON\n" + b"B" * 5001 + b",PERSON\nBo,PERSON\n")
    assert data.entries is not None
    assert sorted(map(len, data.entries)) == [2, 5000]
    assert "more than 5,000 characters: list.csv, line 3, column 1" in data.problems.sentence()


def test_more_entries_than_a_list_may_have_are_refused() -> None:
    limits = Limits(entries=2)
    assert len(listed(b"Anna,PERSON\nBo,PERSON\n", limits).entries or ()) == 2
    with pytest.raises(JobFailure, match=r"list\.csv, line 4, column 1: an entity list has at most 2 rows"):
        listed(b"Anna,PERSON\nBo,PERSON\nZoe,PERSON\n", limits)


def test_more_documents_than_a_training_takes_are_refused() -> None:
    limits = Limits(documents=3)
    assert len(annotated("", limits=limits).train.texts) == 3
    with pytest.raises(JobFailure, match=r"docs\.txt, line 4") as failure:
        annotated("", DOCUMENTS + b"one more\n", limits)
    assert failure.value.code == "TOO_MANY_DOCUMENTS"


def test_more_bytes_than_a_corpus_may_have_are_refused() -> None:
    with pytest.raises(JobFailure, match="s3://in/doc has more than 100 bytes") as failure:
        annotated("", b"Anna\n" * 21, Limits(corpus_bytes=100))
    assert failure.value.code == "INPUT_TOO_LARGE"


@pytest.mark.parametrize("place", ["docs.txt", "ann.csv"])
@pytest.mark.parametrize(
    ("content", "what"), [(gzip.compress(b"x", mtime=0), "gzip"), (b"PK\x03\x04" + b"x" * 600, "zip")]
)
def test_an_archive_in_place_of_training_data_is_refused_by_name(place: str, content: bytes, what: str) -> None:
    with pytest.raises(JobFailure, match=f"s3://in/{place} is a {what} archive") as failure:
        read({"docs.txt": DOCUMENTS, "ann.csv": HEADER, place: content})
    assert failure.value.code == "INVALID_TRAINING_DATA"


def test_an_annotation_with_an_unbalanced_quote_is_named() -> None:
    with pytest.raises(JobFailure, match=r"ann\.csv, line 3, column 10: a quote is opened here and never closed"):
        annotated('docs.txt,0,0,4,PERSON\ndocs.txt,"0,0,4,PERSON\ndocs.txt,2,2,5,PERSON\n')


def test_a_list_of_other_types_is_refused() -> None:
    with pytest.raises(JobFailure, match="no row with one of the types PERSON, PLACE") as failure:
        read({"docs.txt": DOCUMENTS, "list.csv": b"Text,Type\ndog,ANIMAL\n"}, EntityList={"S3Uri": "s3://in/list.csv"})
    assert failure.value.code == "INSUFFICIENT_TRAINING_DATA"


def test_too_few_documents_or_mentions_are_reported_with_both_numbers() -> None:
    with pytest.raises(JobFailure, match="at least 3 training documents are needed; found 2"):
        annotated("", b"one\ntwo\n")
    with pytest.raises(JobFailure, match="at least 25 mentions; too few have: PLACE 24"):
        check_mentions(Counter(PERSON=25, PLACE=24), ["PERSON", "PLACE"], Problems(), "mentions")


def item(text: str, *entities: tuple[Any, Any, str]) -> bytes:
    """Return a line of an augmented manifest."""
    listed = [{"startOffset": b, "endOffset": e, "label": kind} for b, e, kind in entities]
    return json.dumps({"source": text, "marks": {"annotations": {"entities": listed}}}).encode() + b"\n"


def test_manifests_give_documents_with_their_entities() -> None:
    lines = item("Anna here", (0, 4, "PERSON"), (0, 4, "PERSON"), (5, 99, "PLACE")) + item("none") + item("x")
    lines += item("y", ("0", 1, "PERSON")) + b'{"source": "z", "marks": 3}\n'
    listed = [{"S3Uri": "s3://in/m", "AttributeNames": ["marks"]}]
    data = read({"m.jsonl": lines}, DataFormat="AUGMENTED_MANIFEST", AugmentedManifests=listed)
    assert data.train.texts == ["Anna here", "none", "x"]
    assert data.train.spans == [[(0, 4, "PERSON")], [], []]
    sentence = data.problems.sentence()
    assert "m.jsonl, line 1" in sentence
    assert "m.jsonl, line 4" in sentence
    assert "m.jsonl, line 5" in sentence
