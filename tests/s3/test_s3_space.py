"""Limits on the space that objects take: per account, in total, and on the disk."""

from __future__ import annotations

import errno
import io
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from reading_room.s3.errors import InsufficientCapacity
from reading_room.s3.space import (
    LEAST_REST,
    LOOK_REST,
    Claim,
    MeteredWriter,
    Space,
    SpaceLimits,
    stored_by_account,
)
from reading_room.s3.tables import S3Object, S3Part, S3Stored
from tests.worlds.s3 import ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, S3World, policy, statement

KIB = 1024
ROOM = 100 * KIB
A, B = "111122223333", "444455556666"


class ManualClock:
    """A clock that only the test advances."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


# Counting


class Committed:
    """Stands in for the database: the bytes of committed objects, by account."""

    def __init__(self) -> None:
        self.bytes: Counter[str] = Counter()

    def __call__(self) -> dict[str, int]:
        return dict(self.bytes)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "grow", "keep", "drop", "delete", "rest"]),
        st.sampled_from([A, B]),
        st.integers(1, 60),
    ),
    max_size=60,
)


@given(STEPS)
def test_limits_per_account_and_in_total_are_never_exceeded(steps: list[tuple[str, str, int]]) -> None:
    committed, tick = Committed(), ManualClock()
    space = Space(SpaceLimits(per_account=100, total=150), committed, clock=tick)
    writing: dict[str, list[Claim]] = {A: [], B: []}

    def truth(account: str) -> int:
        return committed.bytes[account] + sum(claim.size for claim in writing[account])

    for step, account, size in steps:
        claims = writing[account]
        match step:
            case "begin":
                claims.append(space.claim(account))
            case "grow" if claims:
                try:
                    claims[-1].grow(size)
                except InsufficientCapacity:
                    assert claims[-1].size <= 100
            case "keep" if claims:
                claim = claims.pop(0)
                committed.bytes[account] += claim.size
                claim.keep()
            case "drop" if claims:
                claims.pop(0).drop()
            case "delete":
                committed.bytes[account] -= min(size, committed.bytes[account])
            case "rest":
                tick.now += LEAST_REST
        assert truth(account) <= 100
        assert truth(A) + truth(B) <= 150
    # After a new count, writes that fit are no longer refused.
    tick.now += 1000
    room = min(100 - truth(A), 150 - truth(A) - truth(B))
    space.check(A, room)
    if room:
        space.claim(A).grow(room)
    with pytest.raises(InsufficientCapacity):
        space.check(A, 1)


def test_concurrent_writers_get_exactly_the_available_space() -> None:
    space = Space(SpaceLimits(per_account=4_000))
    together = threading.Barrier(8)

    def write(_: int) -> int:
        together.wait()
        claim = space.claim(A)
        try:
            for _ in range(100):
                claim.grow(10)
        except InsufficientCapacity:
            pass
        return claim.size

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(write, range(8))) == 4_000


def test_a_write_committed_during_a_count_is_counted() -> None:
    committed, tick = Committed(), ManualClock()

    def counting() -> dict[str, int]:
        """Read the rows, then commit the write before the count returns."""
        seen = committed()
        committed.bytes[A] += first.size
        first.keep()
        return seen

    space = Space(SpaceLimits(per_account=100), counting, clock=tick)
    first = space.claim(A)
    first.grow(60)
    space.count()
    with pytest.raises(InsufficientCapacity):
        space.claim(A).grow(41)
    space.claim(A).grow(40)


def test_repeated_writes_beyond_the_limit_do_not_repeat_the_count() -> None:
    counts, tick = [0], ManualClock()

    def count() -> dict[str, int]:
        counts[0] += 1
        tick.now += 2.0
        return {A: 100}

    space = Space(SpaceLimits(per_account=100), count, clock=tick)
    space.count()
    for _ in range(50):
        with pytest.raises(InsufficientCapacity):
            space.check(A, 1)
    # After a count, the next one waits twenty times as long as this one took.
    tick.now += 39
    with pytest.raises(InsufficientCapacity):
        space.check(A, 1)
    assert counts == [1]
    tick.now += 2
    with pytest.raises(InsufficientCapacity):
        space.check(A, 1)
    assert counts == [2]


def test_a_look_counts_again_once_a_minute() -> None:
    tick, committed = ManualClock(), {"a": 10}
    space = Space(SpaceLimits(), lambda: committed, clock=tick)
    assert space.stored("a") == 10
    committed["a"] = 3
    tick.now += LOOK_REST - 1
    assert space.stored("a") == 10
    tick.now += 1
    assert (space.stored("a"), space.stored("b")) == (3, 0)


def test_the_reserve_of_the_disk_stays_free_between_two_measurements() -> None:
    looks, tick = iter([1_000, 700]), ManualClock()
    space = Space(SpaceLimits(free=500), dict, lambda: next(looks), tick)
    space.claim(A).grow(300)
    claim = space.claim(B)
    claim.grow(200)
    with pytest.raises(InsufficientCapacity, match="READING_ROOM_STORAGE_FREE"):
        claim.grow(201)
    assert claim.size == 200


def test_a_write_after_the_start_waits_for_the_count_of_what_is_stored() -> None:
    counting, counted = threading.Event(), threading.Event()

    def count() -> dict[str, int]:
        counting.set()
        assert counted.wait(10)
        return {A: 90}

    space = Space(SpaceLimits(per_account=100), count)
    assert not space.has_room(A, 1)
    with ThreadPoolExecutor(2) as pool:
        beginning = pool.submit(space.await_count)
        assert counting.wait(10)
        write = pool.submit(space.check, A, 11)
        assert not space.has_room(A, 1)
        counted.set()
        beginning.result()
        with pytest.raises(InsufficientCapacity):
            write.result()
    assert space.has_room(A, 10)


class FullDisk:
    """A blob on a full disk."""

    blob_id = "b"
    discarded = False

    def write(self, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def take_small(self) -> bytes | None:
        return None

    def seal(self) -> None:
        raise OSError(errno.EIO, "Input/output error")

    def discard(self) -> None:
        self.discarded = True


def test_a_full_disk_is_reported_as_insufficient_capacity() -> None:
    space = Space(SpaceLimits(per_account=10))
    writer = MeteredWriter(FullDisk(), space.claim(A), set())
    with pytest.raises(InsufficientCapacity, match="the disk of the service is full"):
        writer.write(b"0123456789")
    with pytest.raises(OSError, match="Input/output"):
        writer.seal()
    writer.discard()
    space.claim(A).grow(10)


# Over the API


class SmallS3(S3World):
    """An S3 with little space, whose clock for counts only the test advances."""

    def __init__(self, folder: Path, name: str = "administrator", **limits: int) -> None:
        self.tick = ManualClock()
        # Each process counts for itself, and learns within a minute what others have stored.
        super().__init__(folder, administrator=name, limits=SpaceLimits(**limits), tick=self.tick, processes=1)

    def put(self, size: int, key: str = "k", **more: Any) -> None:
        self.s3.put_object(Bucket="data", Key=key, Body=bytes(size), **more)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallS3]:
    """Yield an S3 with limits of 100 KiB per account and 150 KiB in total; the first account uses 60 KiB."""
    world = SmallS3(tmp_path, per_account=ROOM, total=ROOM * 3 // 2)
    world.s3.create_bucket(Bucket="data")
    world.put(60 * KIB, "first")
    yield world
    world.close()


def capacity_error(call: Any, **parameters: Any) -> str:
    """Return the message of a write that is refused because space is insufficient."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == ("InsufficientCapacity", 507)
    return str(error["Error"]["Message"])


def keys(world: S3World) -> list[str]:
    return [entry["Key"] for entry in world.s3.list_objects_v2(Bucket="data").get("Contents", [])]


class CountedBody(io.BytesIO):
    """A body that counts the bytes read from it."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def test_a_write_beyond_the_limit_of_an_account_is_refused_before_its_body_is_read(small: SmallS3) -> None:
    small.put(40 * KIB, "second")
    body = CountedBody(bytes(5 * KIB * KIB))
    text = capacity_error(small.s3.put_object, Bucket="data", Key="third", Body=body)
    assert "READING_ROOM_STORAGE_PER_ACCOUNT" in text
    assert f"{ROOM:,} bytes" in text
    assert body.taken < 1 * KIB * KIB
    assert keys(small) == ["first", "second"]
    assert not list((small.folder / "s3" / "incoming").iterdir())


def test_accounts_have_separate_limits_and_share_the_total(small: SmallS3) -> None:
    small.put(40 * KIB, "second")
    other = small.client(small.user("other", ALLOW_ALL, OTHER_ACCOUNT))
    other.create_bucket(Bucket="theirs")
    other.put_object(Bucket="theirs", Key="k", Body=bytes(50 * KIB))
    text = capacity_error(other.put_object, Bucket="theirs", Key="more", Body=b"x")
    assert "READING_ROOM_STORAGE_TOTAL" in text


def test_space_counts_for_the_account_of_the_bucket_whoever_writes(small: SmallS3) -> None:
    grant = statement(
        "Allow", "s3:PutObject", "arn:aws:s3:::data/*", Principal={"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"}
    )
    small.s3.put_bucket_policy(Bucket="data", Policy=policy(grant))
    other = small.client(small.user("other", ALLOW_ALL, OTHER_ACCOUNT))
    capacity_error(other.put_object, Bucket="data", Key="k", Body=bytes(41 * KIB))
    other.put_object(Bucket="data", Key="k", Body=bytes(40 * KIB))


def test_deleting_or_replacing_objects_frees_space(small: SmallS3) -> None:
    small.put(40 * KIB, "second")
    capacity_error(small.put, size=1)
    small.s3.delete_object(Bucket="data", Key="first")
    # The last count is too recent for another one, so it still includes the deleted bytes.
    capacity_error(small.put, size=60 * KIB)
    small.tick.now += LEAST_REST
    small.put(25 * KIB)
    # During the replacement, both objects take space.
    for _ in range(5):
        small.tick.now += LEAST_REST
        small.put(25 * KIB)
    capacity_error(small.put, size=36 * KIB)


def test_the_parts_of_an_unfinished_upload_take_space_until_it_is_aborted(small: SmallS3) -> None:
    upload = small.s3.create_multipart_upload(Bucket="data", Key="big")["UploadId"]
    part = {"Bucket": "data", "Key": "big", "UploadId": upload}
    small.s3.upload_part(**part, PartNumber=1, Body=bytes(30 * KIB))
    capacity_error(small.s3.upload_part, **part, PartNumber=2, Body=bytes(11 * KIB))
    capacity_error(
        small.s3.upload_part_copy,
        **part,
        PartNumber=2,
        CopySource="data/first",
        CopySourceRange=f"bytes=0-{11 * KIB - 1}",
    )
    small.s3.upload_part(**part, PartNumber=2, Body=bytes(10 * KIB))
    capacity_error(small.s3.create_multipart_upload, Bucket="data", Key="another")
    small.s3.abort_multipart_upload(**part)
    small.tick.now += LEAST_REST
    small.put(40 * KIB)


def test_a_completed_upload_takes_the_space_of_its_parts_once(small: SmallS3) -> None:
    upload = small.s3.create_multipart_upload(Bucket="data", Key="big")["UploadId"]
    part = {"Bucket": "data", "Key": "big", "UploadId": upload}
    etag = small.s3.upload_part(**part, PartNumber=1, Body=bytes(40 * KIB))["ETag"]
    small.s3.complete_multipart_upload(**part, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    capacity_error(small.put, size=1)
    small.s3.delete_object(Bucket="data", Key="big")
    small.tick.now += LEAST_REST
    small.put(40 * KIB)


def test_copies_take_space(small: SmallS3) -> None:
    source = {"Bucket": "data", "CopySource": "data/first"}
    capacity_error(small.s3.copy_object, Key="copy", **source)
    small.s3.delete_object(Bucket="data", Key="none")
    assert keys(small) == ["first"]


def test_a_failed_write_releases_its_space(small: SmallS3) -> None:
    for _ in range(5):
        with pytest.raises(ClientError, match="PreconditionFailed"):
            small.put(30 * KIB, "first", IfNoneMatch="*")
        with pytest.raises(ClientError, match="BadDigest"):
            small.put(30 * KIB, ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
    small.put(40 * KIB)


def test_the_count_is_correct_after_a_crash(small: SmallS3) -> None:
    small.put(40 * KIB, "second")
    # A partial write, as kill -9 would leave it.
    (small.folder / "s3" / "incoming" / ("0" * 32)).write_bytes(bytes(ROOM))
    again = SmallS3(small.folder, "again", per_account=ROOM)
    try:
        capacity_error(again.put, size=1)
        again.s3.delete_object(Bucket="data", Key="first")
        again.tick.now += LEAST_REST
        again.put(60 * KIB)
    finally:
        again.close()


def test_the_sums_of_the_buckets_follow_every_write(small: SmallS3) -> None:
    def check(*sizes: int) -> None:
        with small.database.reading() as session:
            stored = sum(stored_by_account(session).values())
            rows = sum(session.scalars(select(S3Object.size))) + sum(session.scalars(select(S3Part.size)))
        assert stored == rows == sum(sizes) * KIB
        small.tick.now += LEAST_REST

    check(60)
    small.put(10 * KIB, "second")
    small.put(3 * KIB, "second")
    small.put(0, "empty")
    check(60, 3)
    small.s3.put_object_tagging(Bucket="data", Key="second", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    small.s3.copy_object(Bucket="data", Key="copy", CopySource="data/second")
    check(60, 3, 3)
    for key in ("part", "other"):
        upload = small.s3.create_multipart_upload(Bucket="data", Key=key)["UploadId"]
        part = {"Bucket": "data", "Key": key, "UploadId": upload}
        etag = small.s3.upload_part(**part, PartNumber=1, Body=bytes(20 * KIB))["ETag"]
        check(60, 3, 3, 20)
        if key == "part":
            small.s3.complete_multipart_upload(**part, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
            small.s3.delete_object(Bucket="data", Key="part")
    small.s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": "first"}, {"Key": "no such key"}]})
    small.s3.create_bucket(Bucket="more")
    small.put(1 * KIB, "k")
    check(1, 3, 3, 20)
    small.backend.empty("data")
    check()
    small.s3.delete_bucket(Bucket="data")
    with small.database.reading() as session:
        assert not session.scalars(select(S3Stored)).all()


def test_with_only_the_reserve_free_objects_can_be_read_and_deleted_but_not_written(tmp_path: Path) -> None:
    world = SmallS3(tmp_path)
    world.s3.create_bucket(Bucket="data")
    world.put(10, "first")
    world.close()
    floor = SmallS3(tmp_path, "again", free=1 << 60)
    try:
        assert "READING_ROOM_STORAGE_FREE" in capacity_error(floor.put, size=1)
        capacity_error(floor.s3.create_multipart_upload, Bucket="data", Key="k")
        assert floor.s3.get_object(Bucket="data", Key="first")["Body"].read() == bytes(10)
        floor.s3.delete_object(Bucket="data", Key="first")
        assert keys(floor) == []
    finally:
        floor.close()


def test_writes_by_the_service_itself_take_space(small: SmallS3) -> None:
    with pytest.raises(InsufficientCapacity):
        small.backend.put("data", "k", bytes(41 * KIB), "text/plain")
    with pytest.raises(InsufficientCapacity):
        small.backend.copy("data", "first", "copy")
    small.backend.put("data", "k", bytes(40 * KIB), "text/plain")
    assert small.backend.bucket("data").account == ACCOUNT  # type: ignore[union-attr]
