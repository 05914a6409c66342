"""Splitting and decoding: one document or one error per line or file, whatever the bytes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.analysis.documents import Oversize, document_of_file, documents_of_lines, split_lines
from reading_room.analysis.segments import segments

LINE_ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])


def pieces(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    """Cut bytes into chunks of the given sizes, the rest as one."""
    position = 0
    for size in sizes:
        yield data[position : position + size]
        position += size
    yield data[position:]


@given(
    st.lists(st.tuples(st.binary(max_size=12).map(lambda b: b.translate(None, b"\r\n")), LINE_ENDS), max_size=8),
    st.lists(st.integers(0, 9), max_size=12),
)
def test_lines_are_the_same_however_the_bytes_are_cut(lines: list[tuple[bytes, bytes]], sizes: list[int]) -> None:
    """An empty line that ends in LF after a line that ends in CR would be a CRLF, so such pairs are left out."""
    if any(a[1] == b"\r" and b == (b"", b"\n") for a, b in pairwise(lines)):
        return
    data = b"".join(text + end for text, end in lines)
    assert list(split_lines(pieces(data, sizes), 1000)) == [text for text, _ in lines]


@given(st.binary(max_size=60), st.lists(st.integers(1, 9), max_size=12), st.integers(1, 8))
def test_a_limit_replaces_only_long_lines(data: bytes, sizes: list[int], limit: int) -> None:
    whole = list(split_lines([data], 10_000))
    limited = list(split_lines(pieces(data, sizes), limit))
    assert limited == [Oversize(len(w)) if len(w) > limit else w for w in whole if isinstance(w, bytes)]


def test_ten_thousand_empty_lines_are_ten_thousand_documents() -> None:
    documents = list(documents_of_lines("f", [b"\n" * 10_000], 100))
    assert [d.line for d in documents] == list(range(10_000))
    assert all(d.text == "" and d.error is None for d in documents)


def test_a_byte_order_mark_does_not_belong_to_the_text() -> None:
    first, second = documents_of_lines("f", [b"\xef", b"\xbb\xbfAnna\r", b"\nBo"], 100)
    assert (first.text, second.text) == ("Anna", "Bo")


def test_a_line_that_is_not_utf8_gets_an_error_and_the_others_are_read() -> None:
    documents = list(documents_of_lines("f", [b"good\n\xff\xfe\ngood too\n"], 100))
    assert [d.error and d.error.code for d in documents] == [None, "UNSUPPORTED_ENCODING", None]
    assert documents[2].text == "good too"


@pytest.mark.parametrize(
    "text", ["BZhang wrote a letter.", "PAR1 is a receptor. äöü", "x" * 257 + "ustar is a format", ""]
)
def test_a_text_that_begins_like_a_binary_file_is_a_text(text: str) -> None:
    # The 512 bytes that are looked at end within a character.
    content = (text + "\n" + "ä" * 400).encode()
    first, second = documents_of_lines("f", [content], 1000)
    assert (first.text, first.error) == (text, None)
    assert second.text == "ä" * 400


def test_a_binary_file_is_one_error_and_only_its_beginning_is_read() -> None:
    def endless() -> Iterator[bytes]:
        yield b"\x1f\x8b\x08\x00" + b"\n" * 600
        raise AssertionError("more of it was read")

    (document,) = documents_of_lines("f", endless(), 100)
    assert document.error == document_of_file("f", endless(), 100).error
    assert document.error is not None
    assert document.error.code == "UNSUPPORTED_ENCODING"
    assert "a gzip archive" in document.error.message


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"%PDF-1.7\n", "a PDF document"),
        (b"PK\x03\x04", "a file of an office program"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Word, Excel or PowerPoint"),
        (b"{\\rtf1\\ansi Guten Tag}", "a document in RTF"),
    ],
)
def test_the_format_of_an_office_document_is_named(head: bytes, what: str) -> None:
    document = document_of_file("f.txt", [head], 1000)
    assert document.error is not None
    assert what in document.error.message


def test_the_error_of_a_long_line_has_both_sizes_and_the_next_line_is_read() -> None:
    long, short = documents_of_lines("f", [b"x" * 11 + b"\nok\n"], 10)
    assert long.error is not None
    assert "10 bytes" in long.error.message
    assert "11 bytes" in long.error.message
    assert short.text == "ok"


def test_a_unicode_line_separator_does_not_end_a_line() -> None:
    (document,) = documents_of_lines("f", ["a\u2028b\x85c\n".encode()], 100)
    assert document.text == "a\u2028b\x85c"


@pytest.mark.parametrize("content", [b"", b"one", b"a\nb\r\nc"])
def test_a_file_is_one_document(content: bytes) -> None:
    document = document_of_file("f", [content], 100)
    assert (document.text, document.line, document.error) == (content.decode(), None, None)


def test_a_file_over_the_limit_is_measured_and_not_kept() -> None:
    document = document_of_file("f", iter([b"x" * 6, b"y" * 6]), 10)
    assert document.error is not None
    assert document.error.code == "DOCUMENT_SIZE_EXCEEDED"
    assert "12 bytes" in document.error.message


@given(st.text(alphabet="ab .\n😀", max_size=200), st.integers(2, 30))
def test_segments_join_to_the_text_and_keep_their_offsets(text: str, size: int) -> None:
    cut = list(segments(text, size))
    assert "".join(piece for _, piece in cut) == text
    assert all(text[offset : offset + len(piece)] == piece and len(piece) <= size for offset, piece in cut)
