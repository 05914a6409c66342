"""Any sequence of calls on a bucket with versions leaves what a naive model has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from reading_room.s3.tables import S3Object, S3Stored, S3Version
from reading_room.s3.versions import new_version_id, rank_of
from tests.worlds.s3 import S3World, s3_world
from tests.worlds.s3_versions import NULL, body_of, code, listed, new_bucket, put, set_status


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3World]:
    """Yield a world."""
    with s3_world(tmp_path_factory.mktemp("s3"), "memory") as world:
        yield world


@dataclass
class Model:
    """What a bucket should contain, in the simplest form: of each key all versions, the newest first."""

    status: str = ""
    keys: dict[str, list[tuple[str, bytes | None]]] = field(default_factory=dict)

    def add(self, key: str, version: str | None, body: bytes | None) -> None:
        """Add a version; ``None`` as body is a delete marker."""
        versions = self.keys.setdefault(key, [])
        shown = version or NULL
        if shown == NULL:
            versions[:] = [each for each in versions if each[0] != NULL]
        versions.insert(0, (shown, body))

    def delete(self, key: str, version: str) -> None:
        """Delete a version."""
        self.keys[key] = [each for each in self.keys.get(key, []) if each[0] != version]

    def current(self, key: str) -> bytes | None:
        """Return the bytes of the current object, ``None`` without one."""
        versions = self.keys.get(key, [])
        return versions[0][1] if versions else None

    def listing(self) -> list[tuple[str, str, bool, bool]]:
        """Return the listing of versions, in the order that ``listed`` returns."""
        return [
            (key, version, number == 0, body is None)
            for key in sorted(self.keys)
            for wanted in (False, True)
            for number, (version, body) in enumerate(self.keys[key])
            if (body is None) is wanted
        ]


STEPS = st.one_of(
    st.tuples(st.just("put"), st.sampled_from("ab"), st.sampled_from([0, 5, 20_000])),
    st.tuples(st.just("delete"), st.sampled_from("ab"), st.just(0)),
    st.tuples(st.just("delete version"), st.sampled_from("ab"), st.integers(0, 3)),
    st.tuples(st.just("status"), st.sampled_from(["Enabled", "Suspended"]), st.just(0)),
)


@pytest.mark.costs(6, reason="hypothesis makes some hundred calls of each example")
@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, max_size=14), st.sampled_from(["", "Enabled", "Suspended"]))
def test_any_sequence_of_calls_leaves_what_the_naive_model_has(
    world: S3World, steps: list[tuple[str, str, int]], status: str
) -> None:
    s3 = world.s3
    bucket, model = new_bucket(s3, status), Model(status)
    for number, (step, name, argument) in enumerate(steps):
        if step == "put":
            body = str(number).encode() + bytes(argument)
            model.add(name, put(s3, bucket, name, body), body)
        elif step == "status":
            set_status(s3, bucket, name)
            model.status = name
        elif step == "delete":
            answer = s3.delete_object(Bucket=bucket, Key=name)
            assert answer.get("DeleteMarker", False) is bool(model.status)
            if model.status:
                model.add(name, answer["VersionId"], None)
            else:
                model.delete(name, NULL)
        elif len(model.keys.get(name, [])) > argument:
            version = model.keys[name][argument][0]
            s3.delete_object(Bucket=bucket, Key=name, VersionId=version)
            model.delete(name, version)
        assert listed(s3, bucket) == model.listing()
    for key, versions in model.keys.items():
        for version, kept in versions:
            if kept is not None:
                assert body_of(s3, bucket, key, VersionId=version) == kept
        expected = model.current(key)
        if expected is None:
            assert code(s3.get_object, Bucket=bucket, Key=key) == "NoSuchKey"
        else:
            assert body_of(s3, bucket, key) == expected
    current = [key for key in sorted(model.keys) if model.current(key) is not None]
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])] == current
    with world.database.reading() as session:
        sizes = [
            session.scalar(select(func.sum(table.size)).where(table.bucket == bucket)) or 0
            for table in (S3Object, S3Version)
        ]
        counted = session.scalar(select(S3Stored.bytes).where(S3Stored.bucket == bucket)) or 0
    assert counted == sum(sizes) == sum(len(body or b"") for each in model.keys.values() for _, body in each)
    assert world.swept() == 0
    world.backend.empty(bucket)
    s3.delete_bucket(Bucket=bucket)
    assert world.swept() == 0


@given(st.integers(0, 2**40 - 1))
def test_a_version_id_has_the_rank_of_its_version(number: int) -> None:
    version = new_version_id(-number)
    assert (len(version), rank_of(version), version.startswith("-")) == (32, -number, False)


@given(st.text(max_size=40))
def test_a_text_that_is_no_version_id_has_no_rank(text: str) -> None:
    rank = rank_of(text)
    assert rank is None or (rank <= 0 and len(text) == 32)
