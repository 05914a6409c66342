"""Listings compared with a naive model, byte ranges, and preconditions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from reading_room.database.engine import Database
from reading_room.s3.errors import InvalidRange, NotModified, PreconditionFailed
from reading_room.s3.listing import list_keys, successor
from reading_room.s3.ranges import check_copy_source, check_read, parse_range
from reading_room.s3.tables import S3Bucket, S3Object

NOW = dt.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """Yield a database with a bucket."""
    database = Database.open(None)
    database.create_tables()
    with database.transaction() as session:
        session.add(S3Bucket(name="b", account="1", region="us-east-1", created_at=NOW))
    yield database
    database.close()


def fill(database: Database, keys: set[str]) -> None:
    """Replace the content of the bucket with these keys."""
    with database.transaction() as session:
        session.execute(delete(S3Object))
        for key in keys:
            session.add(
                S3Object(
                    bucket="b",
                    key=key.encode(),
                    size=0,
                    etag="",
                    last_modified=NOW,
                    headers={},
                    user_metadata={},
                    segments=[],
                    multipart=False,
                )
            )


def naive(keys: set[str], prefix: str, delimiter: str, after: str, limit: int) -> tuple[list[str], list[str], bool]:
    """Return a listing in the simplest way: every entry is a key or a common prefix, in byte order."""
    entries: dict[bytes, bool] = {}
    for key in keys:
        if key.startswith(prefix):
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            entries[(key if cut < 0 else key[: cut + len(delimiter)]).encode()] = cut >= 0
    chosen = sorted(entry for entry in entries if entry > after.encode())
    page = chosen[:limit]
    objects = [entry.decode() for entry in page if not entries[entry]]
    prefixes = [entry.decode() for entry in page if entries[entry]]
    return objects, prefixes, len(chosen) > limit and limit > 0


KEYS = st.text(st.sampled_from("ab/\U0010ffffé"), min_size=1, max_size=6)


@settings(max_examples=150, deadline=None)
@given(
    st.sets(KEYS, max_size=14),
    st.text(st.sampled_from("ab/"), max_size=2),
    st.sampled_from(["", "/", "a", "//", "\U0010ffff"]),
    st.one_of(st.just(""), KEYS),
    st.integers(0, 6),
)
def test_a_listing_equals_the_naive_one(
    database: Database, keys: set[str], prefix: str, delimiter: str, after: str, limit: int
) -> None:
    fill(database, keys)
    with database.reading() as session:
        found = list_keys(session, "b", prefix=prefix, delimiter=delimiter, after=after, limit=limit)
    objects = [row.key.decode() for row in found.objects]
    assert (objects, list(found.prefixes), found.truncated) == naive(keys, prefix, delimiter, after, limit)


@settings(max_examples=60, deadline=None)
@given(st.sets(KEYS, max_size=14), st.sampled_from(["", "/", "a"]), st.integers(1, 4))
def test_pages_joined_are_the_whole_listing(database: Database, keys: set[str], delimiter: str, limit: int) -> None:
    fill(database, keys)
    entries: list[str] = []
    after = ""
    with database.reading() as session:
        while True:
            page = list_keys(session, "b", delimiter=delimiter, after=after, limit=limit)
            entries += sorted([*[row.key.decode() for row in page.objects], *page.prefixes], key=str.encode)
            if not page.truncated:
                break
            assert page.last is not None
            after = page.last
    objects, prefixes, _ = naive(keys, "", delimiter, "", 10_000)
    assert entries == sorted([*objects, *prefixes], key=str.encode)


@given(st.binary(max_size=4), st.binary(max_size=6))
def test_the_successor_is_above_all_keys_with_the_prefix(prefix: bytes, tail: bytes) -> None:
    bound = successor(prefix)
    if bound is None:
        assert prefix.strip(b"\xff") == b""
    else:
        assert prefix + tail < bound
        assert not bound.startswith(prefix) or prefix == b""


@given(st.integers(0, 20), st.integers(0, 25), st.one_of(st.none(), st.integers(0, 25)))
def test_a_range_selects_the_same_bytes_as_slicing(size: int, first: int, last: int | None) -> None:
    data = bytes(range(size))
    header = f"bytes={first}-{'' if last is None else last}"
    expected = data[first:] if last is None else data[first : last + 1]
    if last is not None and last < first:
        assert parse_range(header, size) is None
    elif first >= size:
        with pytest.raises(InvalidRange):
            parse_range(header, size)
    else:
        found = parse_range(header, size)
        assert found is not None
        assert data[found[0] : found[0] + found[1]] == expected


@given(st.integers(1, 20), st.integers(0, 25))
def test_a_suffix_range_counts_from_the_end(size: int, count: int) -> None:
    if not count:
        with pytest.raises(InvalidRange):
            parse_range("bytes=-0", size)
    else:
        assert parse_range(f"bytes=-{count}", size) == (max(size - count, 0), min(size, count))


@pytest.mark.parametrize("header", ["bytes=0-1,3-4", "items=0-1", "bytes=-", "bytes=a-b", "", "bytes=٣-٤"])
def test_multiple_and_malformed_ranges_are_ignored(header: str) -> None:
    assert parse_range(header, 10) is None


def test_preconditions_are_evaluated_by_precedence() -> None:
    earlier, later = NOW - dt.timedelta(hours=1), NOW + dt.timedelta(hours=1)
    same_second = NOW.replace(microsecond=0)
    check_read({"IfMatch": '"e"', "IfUnmodifiedSince": earlier}, "e", NOW, {})
    check_read({"IfNoneMatch": '"x"', "IfModifiedSince": later}, "e", NOW, {})
    check_read({"IfMatch": "*"}, "e", NOW, {})
    with pytest.raises(PreconditionFailed):
        check_read({"IfMatch": '"x", "y"'}, "e", NOW, {})
    with pytest.raises(PreconditionFailed):
        check_read({"IfUnmodifiedSince": earlier}, "e", NOW, {})
    for parameters in ({"IfNoneMatch": 'W/"e"'}, {"IfModifiedSince": same_second}):
        with pytest.raises(NotModified):
            check_read(parameters, "e", NOW, {})
        with pytest.raises(PreconditionFailed, match="pre-conditions"):
            check_copy_source({f"CopySource{k}": v for k, v in parameters.items()}, "e", NOW)
