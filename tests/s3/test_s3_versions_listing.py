"""Pages of versions, one after the other, equal the naive listing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from reading_room.database.engine import Database
from reading_room.s3.tables import S3Bucket, S3Object, S3Version
from reading_room.s3.versions_listing import ListedVersion, Place, list_versions, marker_place

NOW = dt.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=dt.UTC)
START = (b"", -(2**62))


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """Yield a database with a bucket."""
    database = Database.open(None)
    database.create_tables()
    with database.transaction() as session:
        session.add(S3Bucket(name="b", account="1", region="us-east-1", created_at=NOW, versioning="Enabled"))
    yield database
    database.close()


def fill(database: Database, keys: dict[str, tuple[int, bool]]) -> None:
    """Replace the content of the bucket: of each key some versions, the newest of which may be a delete marker."""
    with database.transaction() as session:
        session.execute(delete(S3Object))
        session.execute(delete(S3Version))
        for key, (count, is_deleted) in keys.items():
            for rank in range(1 - count, 1):
                facts = {
                    "bucket": "b",
                    "key": key.encode(),
                    "rank": rank,
                    "version_id": f"{rank}",
                    "etag": "",
                    "size": 0,
                    "last_modified": NOW,
                    "headers": {},
                    "user_metadata": {},
                    "segments": [],
                    "multipart": False,
                }
                if rank == 1 - count and not is_deleted:
                    session.add(S3Object(**facts))
                else:
                    session.add(S3Version(**facts, is_delete_marker=rank == 1 - count))


def naive(keys: dict[str, tuple[int, bool]], prefix: str, delimiter: str) -> list[tuple[bytes, int | None, bool]]:
    """Return the whole listing: of each version its key, its rank, and whether it is the newest one of its key.

    Common prefixes have no rank.
    """
    entries: set[tuple[bytes, int | None, bool]] = set()
    for key, (count, _) in keys.items():
        if key.startswith(prefix):
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if cut >= 0:
                entries.add((key[: cut + len(delimiter)].encode(), None, False))
            else:
                entries |= {(key.encode(), rank, rank == 1 - count) for rank in range(1 - count, 1)}
    return sorted(entries, key=lambda entry: (entry[0], entry[1] or 0))


KEYS = st.text(st.sampled_from("ab/\U0010ffffé"), min_size=1, max_size=5)


@pytest.mark.costs(3, reason="each example fills a bucket and reads all its pages")
@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(KEYS, st.tuples(st.integers(1, 4), st.booleans()), max_size=8),
    st.text(st.sampled_from("ab/"), max_size=2),
    st.sampled_from(["", "/", "a", "\U0010ffff"]),
    st.integers(1, 5),
)
def test_pages_together_are_the_naive_listing(
    database: Database, keys: dict[str, tuple[int, bool]], prefix: str, delimiter: str, limit: int
) -> None:
    fill(database, keys)
    found: list[tuple[bytes, int | None, bool]] = []
    after: Place | None = START
    while after is not None:
        with database.reading() as session:
            page = list_versions(session, "b", prefix=prefix, delimiter=delimiter, after=after, limit=limit)
            entries: list[tuple[bytes, int | None, bool]] = [
                (row.key, row.rank, new) for row, new in zip(page.versions, page.latest, strict=True)
            ]
            entries += [(common.encode(), None, False) for common in page.prefixes]
            found += sorted(entries, key=lambda entry: (entry[0], entry[1] or 0))
            assert len(entries) == limit or not page.truncated
            if not page.truncated:
                after = None
            elif isinstance(page.last, ListedVersion):
                after = (page.last.key, page.last.rank)
            else:
                after = marker_place(session, "b", str(page.last), None)
    assert found == naive(keys, prefix, delimiter)
