"""The room that objects may take: of an account, in all, and of the disk."""

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

from reading_room.s3.errors import InsufficientCapacity
from reading_room.s3.space import LEAST_REST, Claim, MeteredWriter, Space, SpaceLimits
from tests.worlds.s3 import ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, S3World, policy, statement

KIB = 1024
ROOM = 100 * KIB
A, B = "111122223333", "444455556666"


class Tick:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


# The count


class Committed:
    """Bytes that committed rows name, by account, as the database would say."""

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
def test_no_account_and_not_all_together_ever_have_more_than_they_may(steps: list[tuple[str, str, int]]) -> None:
    committed, tick = Committed(), Tick()
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
    # And nothing is refused that there is room for, once it could be counted again.
    tick.now += 1000
    room = min(100 - truth(A), 150 - truth(A) - truth(B))
    space.check(A, room)
    if room:
        space.claim(A).grow(room)
    with pytest.raises(InsufficientCapacity):
        space.check(A, 1)


def test_writers_at_once_get_the_room_that_there_is_and_no_byte_more() -> None:
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


def test_what_is_committed_while_it_is_counted_is_counted() -> None:
    committed, tick = Committed(), Tick()
    space = Space(SpaceLimits(per_account=100), lambda: counting(), clock=tick)
    first = space.claim(A)
    first.grow(60)

    def counting() -> dict[str, int]:
        """Read the rows, and let the write be committed after that."""
        seen = committed()
        committed.bytes[A] += first.size
        first.keep()
        return seen

    space.count()
    with pytest.raises(InsufficientCapacity):
        space.claim(A).grow(41)
    space.claim(A).grow(40)


def test_writing_beyond_the_limit_again_and_again_counts_once_a_second() -> None:
    counts, tick = [0], Tick()

    def count() -> dict[str, int]:
        counts[0] += 1
        tick.now += 2.0
        return {A: 100}

    space = Space(SpaceLimits(per_account=100), count, clock=tick)
    space.count()
    for _ in range(50):
        with pytest.raises(InsufficientCapacity):
            space.check(A, 1)
    # A count that takes long is made more rarely: for twenty times as long none is.
    tick.now += 39
    with pytest.raises(InsufficientCapacity):
        space.check(A, 1)
    assert counts == [1]
    tick.now += 2
    with pytest.raises(InsufficientCapacity):
        space.check(A, 1)
    assert counts == [2]


def test_what_must_stay_free_of_the_disk_stays_free_between_two_looks_as_well() -> None:
    looks, tick = iter([1_000, 700]), Tick()
    space = Space(SpaceLimits(free=500), dict, lambda: next(looks), tick)
    space.claim(A).grow(300)
    claim = space.claim(B)
    claim.grow(200)
    with pytest.raises(InsufficientCapacity, match="READING_ROOM_STORAGE_FREE"):
        claim.grow(201)
    assert claim.size == 200


class FullDisk:
    """A blob on a disk without room."""

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


def test_a_disk_that_is_full_in_spite_of_all_is_no_fault_of_ours() -> None:
    space = Space(SpaceLimits(per_account=10))
    writer = MeteredWriter(FullDisk(), space.claim(A))
    with pytest.raises(InsufficientCapacity, match="the disk of the service is full"):
        writer.write(b"0123456789")
    with pytest.raises(OSError, match="Input/output"):
        writer.seal()
    writer.discard()
    space.claim(A).grow(10)


# On the wire


class Full(S3World):
    """An S3 with little room, whose clock for counting stands."""

    def __init__(self, folder: Path, name: str = "administrator", **limits: int) -> None:
        self.tick = Tick()
        super().__init__(folder, administrator=name, limits=SpaceLimits(**limits), tick=self.tick)

    def put(self, size: int, key: str = "k", **more: Any) -> None:
        self.s3.put_object(Bucket="data", Key=key, Body=bytes(size), **more)


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Full]:
    """Two accounts may have 100 KiB each, and 150 together; the first has 60."""
    world = Full(tmp_path, per_account=ROOM, total=ROOM * 3 // 2)
    world.s3.create_bucket(Bucket="data")
    world.put(60 * KIB, "first")
    yield world
    world.close()


def refusal(call: Any, **parameters: Any) -> str:
    """Return the message of a write that is refused for want of room."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == ("InsufficientCapacity", 507)
    return str(error["Error"]["Message"])


def keys(world: S3World) -> list[str]:
    return [entry["Key"] for entry in world.s3.list_objects_v2(Bucket="data").get("Contents", [])]


class Counted(io.BytesIO):
    """A body that counts what is read of it."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def test_an_account_has_no_more_than_it_may_and_what_is_announced_too_large_is_not_read(full: Full) -> None:
    full.put(40 * KIB, "second")
    body = Counted(bytes(5 * KIB * KIB))
    text = refusal(full.s3.put_object, Bucket="data", Key="third", Body=body)
    assert "READING_ROOM_STORAGE_PER_ACCOUNT" in text
    assert f"{ROOM:,} bytes" in text
    assert body.taken < 1 * KIB * KIB
    assert keys(full) == ["first", "second"]
    assert not list((full.folder / "s3" / "incoming").iterdir())


def test_an_account_that_has_all_its_room_leaves_the_others_theirs_and_all_together_have_no_more(full: Full) -> None:
    full.put(40 * KIB, "second")
    other = full.client(full.user("other", ALLOW_ALL, OTHER_ACCOUNT))
    other.create_bucket(Bucket="theirs")
    other.put_object(Bucket="theirs", Key="k", Body=bytes(50 * KIB))
    text = refusal(other.put_object, Bucket="theirs", Key="more", Body=b"x")
    assert "READING_ROOM_STORAGE_TOTAL" in text


def test_room_is_taken_of_the_account_of_the_bucket_whoever_writes(full: Full) -> None:
    grant = statement(
        "Allow", "s3:PutObject", "arn:aws:s3:::data/*", Principal={"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"}
    )
    full.s3.put_bucket_policy(Bucket="data", Policy=policy(grant))
    other = full.client(full.user("other", ALLOW_ALL, OTHER_ACCOUNT))
    refusal(other.put_object, Bucket="data", Key="k", Body=bytes(41 * KIB))
    other.put_object(Bucket="data", Key="k", Body=bytes(40 * KIB))


def test_what_is_deleted_or_replaced_makes_room(full: Full) -> None:
    full.put(40 * KIB, "second")
    refusal(full.put, size=1)
    full.s3.delete_object(Bucket="data", Key="first")
    # Just counted, the bytes that went are not known yet.
    refusal(full.put, size=60 * KIB)
    full.tick.now += LEAST_REST
    full.put(25 * KIB)
    # While it is replaced there are both.
    for _ in range(5):
        full.tick.now += LEAST_REST
        full.put(25 * KIB)
    refusal(full.put, size=36 * KIB)


def test_the_parts_of_an_unfinished_upload_take_room_until_it_is_given_up(full: Full) -> None:
    upload = full.s3.create_multipart_upload(Bucket="data", Key="big")["UploadId"]
    part = {"Bucket": "data", "Key": "big", "UploadId": upload}
    full.s3.upload_part(**part, PartNumber=1, Body=bytes(30 * KIB))
    refusal(full.s3.upload_part, **part, PartNumber=2, Body=bytes(11 * KIB))
    refusal(
        full.s3.upload_part_copy,
        **part,
        PartNumber=2,
        CopySource="data/first",
        CopySourceRange=f"bytes=0-{11 * KIB - 1}",
    )
    full.s3.upload_part(**part, PartNumber=2, Body=bytes(10 * KIB))
    refusal(full.s3.create_multipart_upload, Bucket="data", Key="another")
    full.s3.abort_multipart_upload(**part)
    full.tick.now += LEAST_REST
    full.put(40 * KIB)


def test_a_finished_upload_takes_the_room_of_its_parts_once(full: Full) -> None:
    upload = full.s3.create_multipart_upload(Bucket="data", Key="big")["UploadId"]
    part = {"Bucket": "data", "Key": "big", "UploadId": upload}
    etag = full.s3.upload_part(**part, PartNumber=1, Body=bytes(40 * KIB))["ETag"]
    full.s3.complete_multipart_upload(**part, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    refusal(full.put, size=1)
    full.s3.delete_object(Bucket="data", Key="big")
    full.tick.now += LEAST_REST
    full.put(40 * KIB)


def test_copies_take_room(full: Full) -> None:
    source = {"Bucket": "data", "CopySource": "data/first"}
    refusal(full.s3.copy_object, Key="copy", **source)
    full.s3.delete_object(Bucket="data", Key="none")
    assert keys(full) == ["first"]


def test_a_write_that_fails_on_its_way_gives_its_room_back(full: Full) -> None:
    for _ in range(5):
        with pytest.raises(ClientError, match="PreconditionFailed"):
            full.put(30 * KIB, "first", IfNoneMatch="*")
        with pytest.raises(ClientError, match="BadDigest"):
            full.put(30 * KIB, ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
    full.put(40 * KIB)


def test_what_is_stored_is_counted_again_after_a_sudden_end(full: Full) -> None:
    full.put(40 * KIB, "second")
    # Half a write, as kill -9 would leave it.
    (full.folder / "s3" / "incoming" / ("0" * 32)).write_bytes(bytes(ROOM))
    again = Full(full.folder, "again", per_account=ROOM)
    try:
        refusal(again.put, size=1)
        again.s3.delete_object(Bucket="data", Key="first")
        again.tick.now += LEAST_REST
        again.put(60 * KIB)
    finally:
        again.close()


def test_with_the_disk_at_its_floor_nothing_is_written_and_everything_can_be_read_and_deleted(tmp_path: Path) -> None:
    world = Full(tmp_path)
    world.s3.create_bucket(Bucket="data")
    world.put(10, "first")
    world.close()
    floor = Full(tmp_path, "again", free=1 << 60)
    try:
        assert "READING_ROOM_STORAGE_FREE" in refusal(floor.put, size=1)
        refusal(floor.s3.create_multipart_upload, Bucket="data", Key="k")
        assert floor.s3.get_object(Bucket="data", Key="first")["Body"].read() == bytes(10)
        floor.s3.delete_object(Bucket="data", Key="first")
        assert keys(floor) == []
    finally:
        floor.close()


def test_what_the_service_writes_itself_takes_room_too(full: Full) -> None:
    with pytest.raises(InsufficientCapacity):
        full.backend.put("data", "k", bytes(41 * KIB), "text/plain")
    with pytest.raises(InsufficientCapacity):
        full.backend.copy("data", "first", "copy")
    full.backend.put("data", "k", bytes(40 * KIB), "text/plain")
    assert full.backend.bucket("data").account == ACCOUNT  # type: ignore[union-attr]
