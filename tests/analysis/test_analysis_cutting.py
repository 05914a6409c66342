"""Cutting an input into parts: every document once and whole, the same however the bytes arrive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reading_room.analysis.cutting import (
    LEAST_BYTES,
    MOST_FILES,
    Part,
    Plan,
    Segment,
    cut_files,
    cut_lines,
    document_ends,
    line_ends,
)
from reading_room.analysis.documents import Document, documents_of_lines
from reading_room.analysis.storage import InputObject

LIMIT = 12
"""In bytes; many lines here are longer."""

SIZES = st.lists(st.integers(1, 9), max_size=12)
PART_BYTES = st.integers(1, 40)
LINES = st.lists(st.sampled_from([b"", b"a", b"\xff", "ä".encode(), b"x" * 11, b"x" * 13, b"y" * 45]), max_size=8)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Draw a file of lines as various editors write it, or sometimes content that is not text."""
    start = draw(st.sampled_from([b"", b"", b"", b"\xef\xbb\xbf", b"\xef\xbb", b"\x1f\x8b", b"BZh"]))
    content = start + b"".join(line + draw(ENDS) for line in draw(LINES))
    return content + draw(st.sampled_from([b"", b"z", b"\r"]))


FILES = st.lists(st.one_of(texts(), st.binary(max_size=30)), max_size=5)


def chunks(content: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """Cut bytes into chunks of the given sizes, the rest as one; an empty file has none."""
    position = 0
    for size in sizes:
        if chunk := content[position : position + size]:
            yield chunk
        position += size
    if chunk := content[position:]:
        yield chunk


def cut(
    files: Sequence[bytes],
    part_bytes: int,
    sizes: Sequence[int] = (),
    *,
    taper: bool = False,
    least_bytes: int = LEAST_BYTES,
) -> list[Part]:
    """Cut files whose lines are documents."""
    objects = [InputObject(f"folder/{number}.txt", len(content), str(number)) for number, content in enumerate(files)]
    ends = (
        (entry, document_ends(len(content), chunks(content, sizes)))
        for entry, content in zip(objects, files, strict=True)
    )
    return list(cut_lines(ends, part_bytes, sum(map(len, files)) if taper else None, least_bytes))


def documents(segment: Segment, files: Sequence[bytes], sizes: Sequence[int] = ()) -> list[Document]:
    """Read a segment as its container does."""
    assert segment.line is not None
    content = files[segment.source][segment.begin : segment.end]
    return list(documents_of_lines(segment.file, chunks(content, sizes), LIMIT, segment.source, segment.line))


def lengths(part: Part, files: Sequence[bytes]) -> list[int]:
    """Return the bytes of each document of a part, with its line end."""
    found = []
    for segment in part.segments:
        assert segment.end is not None
        begin = 0
        content = files[segment.source][segment.begin : segment.end]
        # After the beginning of its file, a segment is read as lines, whatever it looks like.
        ends = document_ends(len(content), [content]) if segment.begin == 0 else line_ends([content])
        for end in ends:
            found.append(end - begin)
            begin = end
    return found


@given(FILES, PART_BYTES, st.booleans())
def test_every_byte_of_a_file_with_documents_is_in_one_part(files: list[bytes], part_bytes: int, taper: bool) -> None:
    segments = [segment for part in cut(files, part_bytes, taper=taper) for segment in part.segments]
    assert [segment.source for segment in segments] == sorted(segment.source for segment in segments)
    for source, content in enumerate(files):
        runs = [(segment.begin, segment.end) for segment in segments if segment.source == source]
        if not list(documents_of_lines("f", [content], LIMIT)):
            assert runs == []
            continue
        assert [begin for begin, _ in runs] == [0, *(end for _, end in runs[:-1])]
        assert runs[-1][1] == len(content)


@given(FILES, PART_BYTES, SIZES)
@example([b"\xef\xbb\xbf", b"\xef\xbb\xbf\n", b""], 1, [1])
@example([b"a\r\n\r\nb\r", b"\n"], 1, [2])
@example([b"\x1f\x8b\n\n\n", b"BZh\x00\n\n\n", b"BZhang\n\n"], 1, [])
def test_the_documents_of_the_parts_are_those_of_the_files(
    files: list[bytes], part_bytes: int, sizes: list[int]
) -> None:
    """The same texts, names, line numbers and errors, with their true sizes in them."""
    parts = cut(files, part_bytes)
    found = [[one for segment in part.segments for one in documents(segment, files, sizes)] for part in parts]
    whole = [
        list(documents_of_lines(f"{source}.txt", [content], LIMIT, source)) for source, content in enumerate(files)
    ]
    assert [one for part in found for one in part] == [one for file in whole for one in file]
    assert [part.documents for part in parts] == [len(part) for part in found]


@given(FILES, PART_BYTES, SIZES)
def test_the_parts_do_not_depend_on_how_the_bytes_arrive(files: list[bytes], part_bytes: int, sizes: list[int]) -> None:
    assert cut(files, part_bytes, sizes) == cut(files, part_bytes)


@given(FILES, PART_BYTES)
def test_a_part_ends_with_the_document_that_fills_it(files: list[bytes], part_bytes: int) -> None:
    parts = cut(files, part_bytes)
    sizes = [lengths(part, files) for part in parts]
    for number, (part, found) in enumerate(zip(parts, sizes, strict=True)):
        assert part.number == number
        assert part.bytes == sum(found)
        assert sum(found[:-1]) < part_bytes
        # A document that is a part of its own does not wait for others, and they do not wait for it.
        assert len(found) == 1 or max(found) < part_bytes
        assert sum(found) >= part_bytes or number == len(parts) - 1 or sizes[number + 1][0] >= part_bytes


def test_the_last_parts_are_smaller() -> None:
    """So that containers of different speeds finish together. The parts do not depend on who analyses them."""
    line = b"x" * 999 + b"\n"
    sizes = [part.bytes for part in cut([line * 8_000], 400_000, taper=True)]
    assert sum(sizes) == 8_000_000
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[:12] == [400_000] * 12
    assert sizes[-2] == 100_000
    # No part is larger than an eighth of the rest, unless that is less than a quarter of a full part.
    left = 8_000_000
    for size in sizes:
        assert size <= max(left / 8 + len(line), 100_000)
        left -= size


def test_small_parts_keep_their_size() -> None:
    sizes = [part.bytes for part in cut([(b"x" * 999 + b"\n") * 500], LEAST_BYTES, taper=True)]
    assert sizes == [LEAST_BYTES] * 5


@given(FILES, st.integers(4, 40))
def test_no_tapered_part_is_larger_than_a_whole_one_and_few_are_smaller_than_a_quarter(
    files: list[bytes], part_bytes: int
) -> None:
    parts = cut(files, part_bytes, taper=True, least_bytes=1)
    sizes = [lengths(part, files) for part in parts]
    for number, found in enumerate(sizes):
        assert sum(found[:-1]) < part_bytes
        # Followed by a line that is a part of its own, or by the end of the input.
        cut_short = number == len(parts) - 1 or sizes[number + 1][0] >= part_bytes // 4
        assert sum(found) >= part_bytes // 4 or cut_short


@given(st.lists(st.binary(max_size=6).map(lambda b: b.translate(None, b"\r\n")), max_size=9), ENDS, SIZES)
def test_a_line_includes_its_line_end(lines: list[bytes], end: bytes, sizes: list[int]) -> None:
    content = b"".join(line + end for line in lines)
    position, expected = 0, []
    for line in lines:
        position += len(line + end)
        expected.append(position)
    assert list(line_ends(chunks(content, sizes))) == expected
    assert list(line_ends(chunks(content + b"x", sizes))) == [*expected, position + 1]


def test_lines_of_one_file_are_one_segment_and_small_files_share_a_part() -> None:
    files = [b"a\n" * 3, b"", b"b\n" * 7]
    first, second = cut(files, 10)
    assert first.segments == (
        Segment(0, "0.txt", "folder/0.txt", 0, 6, 0, "0"),
        Segment(2, "2.txt", "folder/2.txt", 0, 4, 0, "2"),
    )
    assert second.segments == (Segment(2, "2.txt", "folder/2.txt", 4, 14, 2, "2"),)
    assert [(part.bytes, part.documents) for part in (first, second)] == [(10, 5), (10, 5)]


def test_a_line_longer_than_a_part_is_a_part_of_its_own() -> None:
    parts = cut([b"a\n" + b"x" * 50 + b"\nb\n"], 10)
    assert [(part.bytes, part.documents) for part in parts] == [(2, 1), (51, 1), (2, 1)]


def test_only_the_beginning_of_a_file_that_is_not_text_is_read() -> None:
    def endless() -> Iterator[bytes]:
        yield b"\x1f\x8b\x08\x00" + b"\n" * 600
        raise AssertionError("more of it was read")

    assert list(document_ends(10**9, endless())) == [10**9]


@pytest.mark.parametrize("size", [1, 100, 511, 512, 513, 5000])
def test_the_detected_format_does_not_depend_on_the_size_of_the_first_chunk(size: int) -> None:
    # The rest of the file is not text, but that does not make it a bzip2 archive.
    content = b"BZhang wrote\n" + b"x" * 600 + b"\n\xff\x00\n"
    cuts = [content[start : start + size] for start in range(0, len(content), size)]
    assert len(list(document_ends(len(content), cuts))) == len(list(documents_of_lines("f", cuts, LIMIT))) == 3


@given(st.lists(st.integers(0, 30), max_size=20), PART_BYTES)
def test_files_that_are_documents_are_never_cut(sizes: list[int], part_bytes: int) -> None:
    objects = [InputObject(f"{number:02}", size, "tag") for number, size in enumerate(sizes)]
    parts = list(cut_files(objects, part_bytes))
    segments = [segment for part in parts for segment in part.segments]
    assert segments == [Segment(n, entry.file, entry.key, 0, None, None, entry.etag) for n, entry in enumerate(objects)]
    for part in parts:
        found = [sizes[segment.source] for segment in part.segments]
        assert (part.bytes, part.documents) == (sum(found), len(found))
        assert sum(found[:-1]) < part_bytes
        assert len(found) == 1 or max(found) < part_bytes


def test_a_part_has_no_more_files_than_a_container_can_fetch_in_time() -> None:
    parts = cut_files((InputObject(str(number), 0) for number in range(2 * MOST_FILES + 1)), 10**6)
    assert [part.documents for part in parts] == [MOST_FILES, MOST_FILES, 1]


# The digest


def plan(changes: Mapping[str, object] = {}, known: str = "listed") -> Plan:
    members: dict[str, object] = {
        "source": 0,
        "file": "a.txt",
        "key": "docs/a.txt",
        "begin": 0,
        "end": 10,
        "line": 0,
        "etag": "e",
    }
    segment = Segment(**(members | dict(changes)))  # type: ignore[arg-type]
    return Plan((Part(0, (segment,), 10, 2),), 2, known)


def test_equal_plans_have_equal_digests() -> None:
    assert plan().digest() == plan().digest()
    assert len(plan().digest()) == 64


@pytest.mark.parametrize(
    "changes", [{"source": 1}, {"key": "docs/b"}, {"begin": 1}, {"end": 9}, {"line": 1}, {"etag": ""}]
)
def test_different_plans_have_different_digests(changes: dict[str, object]) -> None:
    assert plan(changes).digest() != plan().digest()


def test_different_inputs_have_different_digests() -> None:
    assert plan(known="changed").digest() != plan().digest()
    assert Plan((), 2, "listed").digest() != plan().digest()
