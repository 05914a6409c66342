"""Training data of classifiers: what is read, what is left out with its place, and what is refused as a whole."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from reading_room.analysis.custom.mode import Mode
from reading_room.analysis.memory import MemoryStorage
from reading_room.analysis.storage import JobFailure
from reading_room.analysis.training.labelled import (
    ClassifierData,
    Limits,
    check_classifier_data,
    read_classifier_data,
)

LIMIT = 5_000_000_000


def read(
    files: dict[str, bytes], mode: Mode = "MULTI_CLASS", limits: Limits = Limits(), **config: Any
) -> ClassifierData:
    """Read the files of a bucket ``in``; ``config`` adds to a request that names all of them."""
    storage = MemoryStorage({("in", name): content for name, content in files.items()})
    return read_classifier_data(storage, {"S3Uri": "s3://in/train", **config}, mode, LIMIT, limits)


def refused(files: dict[str, bytes], mode: Mode = "MULTI_CLASS", **config: Any) -> JobFailure:
    """Return the failure that reading and checking end with."""
    with pytest.raises(JobFailure) as failure:
        check_classifier_data(read(files, mode, **config), mode)
    return failure.value


def many(*labels: str, each: int = 10) -> bytes:
    """Return this many rows of each label."""
    return "".join(f'{label},"text {n} of it"\n' for label in labels for n in range(each)).encode()


def test_labels_keep_inner_blanks_and_delimiters_with_one_label_per_document() -> None:
    data = read({"train.csv": b'card arrival | new,"a"\n lost card ,b\n'})
    assert data.train.labels == [("card arrival | new",), ("lost card",)]
    assert data.train.texts == ["a", "b"]


def test_labels_are_split_at_the_delimiter_with_several_labels_per_document() -> None:
    data = read({"train.csv": b"a b; c;c,text\nd,other\n"}, "MULTI_LABEL", LabelDelimiter=";")
    assert data.train.labels == [("a b", "c"), ("d",)]


def test_labels_with_another_delimiter_than_the_request_names_are_one_label() -> None:
    data = read({"train.csv": b"a;b,text\n"}, "MULTI_LABEL")
    assert data.train.labels == [("a;b",)]


def test_every_object_under_the_prefix_is_read_without_byte_order_marks() -> None:
    data = read({"train/1.csv": b"\xef\xbb\xbfa,x\r\nb,y", "train/2.csv": b"a,z\rb,w", "other.csv": b"c,v"})
    assert data.train.labels == [("a",), ("b",), ("a",), ("b",)]


@pytest.mark.parametrize(
    ("row", "place", "what"),
    [
        (b"a,b,c", "train.csv, line 2, column 5", "2 columns"),
        (b"alone", "train.csv, line 2, column 1", "2 columns"),
        (b",text", "train.csv, line 2, column 1", "empty label"),
        (b"a|,text", "train.csv, line 2, column 1", "empty label"),
        (b'a,"  "', "train.csv, line 2, column 3", "empty text"),
        (b"abc,d\xffe", "train.csv, line 2, column 6", "not UTF-8"),
        (b'a,"b" c', "train.csv, line 2, column 7", "closing quote"),
        (b"x" * 5001 + b",text", "train.csv, line 2, column 1", "5,000 characters"),
    ],
)
def test_a_row_that_cannot_be_used_is_left_out_and_named(row: bytes, place: str, what: str) -> None:
    data = read({"train.csv": b"good,text\n" + row + b"\ngood,more\n"}, "MULTI_LABEL")
    assert data.train.texts == ["text", "more"]
    assert data.problems.count == 1
    assert place in data.problems.sentence()
    assert what in data.problems.sentence()


def test_the_first_places_of_many_similar_problems_are_named_and_the_rest_counted() -> None:
    data = read({"train.csv": b"good,text\n" + b"alone\n" * 1000})
    sentence = data.problems.sentence()
    assert "1,000 rows" in sentence
    assert "997 more" in sentence
    assert len(sentence) < 1000


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (gzip.compress(many("a", "b"), mtime=0), "gzip"),
        (b"PK\x03\x04" + b"x" * 600, "zip"),
        (b"x" * 257 + b"ustar\x00", "tar"),
        ("a,b\n".encode("utf-16"), "UTF-16"),
        (b"a,b\x00\n", "zero byte"),
        (b"%PDF-1.7\n", "PDF"),
    ],
)
def test_an_object_that_is_not_text_is_refused_by_name(content: bytes, what: str) -> None:
    failure = refused({"train.csv": content})
    assert failure.code == "INVALID_TRAINING_DATA"
    assert what in failure.message
    assert "s3://in/train.csv" in failure.message


def test_no_files_and_only_empty_files_are_distinguished() -> None:
    assert refused({"other.csv": b"a,b"}).code == "INPUT_NOT_FOUND"
    assert "is empty" in refused({"train.csv": b""}).message


def test_more_bytes_than_the_limit_are_refused_before_they_are_read() -> None:
    class Unread(MemoryStorage):
        def read(self, *_: Any, **__: Any) -> Any:
            raise AssertionError("it was read")

    with pytest.raises(JobFailure) as failure:
        read_classifier_data(Unread({("in", "a"): b"x" * 11}), {"S3Uri": "s3://in/a"}, "MULTI_CLASS", 10)
    assert failure.value.code == "INPUT_TOO_LARGE"


@pytest.mark.parametrize("mode", ["MULTI_CLASS", "MULTI_LABEL"])
def test_a_single_label_is_refused(mode: Mode) -> None:
    failure = refused({"train.csv": many("only", each=60)}, mode)
    assert failure.code == "INSUFFICIENT_TRAINING_DATA"
    assert "'only'" in failure.message


def test_several_labels_per_document_need_fifty_documents() -> None:
    failure = refused({"train.csv": many("a", "b", "c", "d")}, "MULTI_LABEL")
    assert failure.code == "INSUFFICIENT_TRAINING_DATA"
    assert "at least 50 documents; found 40" in failure.message
    check_classifier_data(read({"train.csv": many("a", "b", "c", "d", "e")}, "MULTI_LABEL"), "MULTI_LABEL")


def test_more_documents_than_a_training_takes_are_refused() -> None:
    limits = Limits(documents=20)
    check_classifier_data(read({"train.csv": many("a", "b")}, limits=limits), "MULTI_CLASS")
    failure = refused({"train.csv": many("a", "b") + b"a,one more\n"}, limits=limits)
    assert failure.code == "TOO_MANY_DOCUMENTS"
    assert "train.csv, line 21, column 1" in failure.message


def test_more_text_than_a_training_holds_is_refused() -> None:
    failure = refused({"train.csv": b"a,0123456789\nb,0123456789\na,x\n"}, limits=Limits(code_points=20))
    assert failure.code == "INPUT_TOO_LARGE"
    assert "train.csv, line 3, column 1" in failure.message


def test_a_label_with_too_few_documents_is_named_with_both_numbers_and_its_first_place() -> None:
    failure = refused({"train.csv": many("a", "b") + b"rare,x\nrare,y\n"})
    assert failure.code == "INSUFFICIENT_TRAINING_DATA"
    assert "at least 10" in failure.message
    assert "'rare' 2 (first at train.csv, line 21, column 1)" in failure.message


@pytest.mark.costs(0.15, reason="tens of thousands of training documents are read")
def test_a_thousand_labels_are_allowed_and_one_more_is_not() -> None:
    labels = [f"label {n}" for n in range(1001)]
    check_classifier_data(read({"train.csv": many(*labels[:1000])}), "MULTI_CLASS")
    assert "1,001 labels" in refused({"train.csv": many(*labels)}).message
    assert "101 labels" in refused({"train.csv": many(*labels[:101])}, "MULTI_LABEL").message


def test_test_documents_with_unknown_labels_are_left_out_and_reported() -> None:
    data = read({"train.csv": many("a", "b"), "test.csv": b"a,x\nnew,y\n"}, TestS3Uri="s3://in/test.csv")
    assert data.test is not None
    assert data.test.texts == ["x"]
    assert "'new'" in data.problems.sentence()


def manifest_line(**members: Any) -> bytes:
    """Return a line of an augmented manifest."""
    return json.dumps(members).encode() + b"\n"


def test_manifests_give_labels_by_class_name_and_class_map_and_parts_by_split() -> None:
    single = manifest_line(source="x", kind=1, **{"kind-metadata": {"class-name": "a"}})
    several = manifest_line(source="y", kind=[0, 2], **{"kind-metadata": {"class-map": {"0": "a", "2": "b"}}})
    listed = [{"S3Uri": "s3://in/m1", "AttributeNames": ["none", "kind"]}]
    one = read({"m1": single}, DataFormat="AUGMENTED_MANIFEST", AugmentedManifests=listed)
    assert (one.train.texts, one.train.labels, one.test) == (["x"], [("a",)], None)
    listed.append({"S3Uri": "s3://in/m2", "AttributeNames": ["kind"], "Split": "TEST"})
    two = read(
        {"m1": several, "m2": several}, "MULTI_LABEL", DataFormat="AUGMENTED_MANIFEST", AugmentedManifests=listed
    )
    assert two.train.labels == [("a", "b")]
    assert two.test is not None
    assert two.test.labels == [("a", "b")]


@pytest.mark.costs(0.4, reason="one of the lines is a hundred thousand brackets")
@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b'{"source": x}\n', "line 1, column 12"),
        (b"[1]\n", "not a JSON object"),
        (manifest_line(kind=1), 'no text in "source"'),
        (manifest_line(source="x", other=1), "none of the attributes 'kind'"),
        (manifest_line(source="x", kind=1), "class-name"),
        (manifest_line(**{"source-ref": "s3://foreign/a.txt"}, kind=1), "s3://foreign/a.txt"),
        (b"[" * 100_000 + b"\n", "not JSON"),
        (b'{"source": "x", "kind": ' + b"1" * 5_000 + b"}\n", "a number with too many digits"),
        (manifest_line(source="\ud800", kind=1, **{"kind-metadata": {"class-name": "a"}}), "half of a surrogate pair"),
        (manifest_line(source="x", kind=1, **{"kind-metadata": {"class-name": "\udfff"}}), "half of a surrogate pair"),
    ],
)
def test_a_manifest_line_that_cannot_be_used_is_named(line: bytes, what: str) -> None:
    listed = [{"S3Uri": "s3://in/m", "AttributeNames": ["kind"]}]
    data = read({"m": line}, DataFormat="AUGMENTED_MANIFEST", AugmentedManifests=listed)
    assert data.train.texts == []
    assert what in data.problems.sentence()
    assert "m, line 1" in data.problems.sentence()
