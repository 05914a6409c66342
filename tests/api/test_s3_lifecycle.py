"""Lifecycle rules of buckets: their configuration, what reads and writes say about them, and what expires."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import select, text

from reading_room.s3.tables import S3Version
from tests.worlds.s3 import S3World, s3_world

DAY = 86_400.0
START = dt.datetime(2026, 12, 1, 12, tzinfo=dt.UTC)
_names = itertools.count()


class StandingClock:
    """A clock that stands still, and may call a function when one thread looks at it."""

    def __init__(self) -> None:
        self.now = START
        self.looking: tuple[int, Callable[[], None]] | None = None

    def __call__(self) -> dt.datetime:
        """Return the time."""
        if self.looking is not None and self.looking[0] == threading.get_ident():
            self.looking[1]()
        return self.now


class World:
    """An S3 whose clock stands still, and can be set."""

    def __init__(self, world: S3World, clock: StandingClock) -> None:
        self.world = world
        self.s3 = world.s3
        self._clock = clock

    def at(self, days: float, looking: Callable[[], None] | None = None) -> None:
        """Set the clock to so many days after the start, and carry out what is due.

        ``looking`` is called whenever the pass looks at the clock.
        """
        self._clock.now = START + dt.timedelta(days=days)
        self._clock.looking = (threading.get_ident(), looking) if looking is not None else None
        self.world.backend.apply_lifecycles()
        self._clock.looking = None

    def bucket(self, *rules: dict[str, Any]) -> str:
        """Make a bucket with rules, at the start."""
        self._clock.now = START
        name = f"lifecycle-{next(_names)}"
        self.s3.create_bucket(Bucket=name)
        if rules:
            self.put(name, *rules)
        return name

    def put(self, bucket: str, *rules: dict[str, Any]) -> None:
        """Set the rules of a bucket."""
        self.s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": list(rules)})

    def keys(self, bucket: str) -> list[str]:
        """Return the keys of a bucket."""
        return [each["Key"] for each in self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


@pytest.fixture(scope="module", params=["files", "memory", "service"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Yield a world for each backend."""
    clock = StandingClock()
    with s3_world(tmp_path_factory.mktemp("s3"), request.param, clock=clock) as world:
        yield World(world, clock)


def rule(prefix: str = "", **members: Any) -> dict[str, Any]:
    """Return an enabled rule."""
    return {"ID": f"rule {prefix}", "Status": "Enabled", "Filter": {"Prefix": prefix}, **members}


def code(call: Callable[..., Any], **parameters: Any) -> str:
    """Return the error code of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


# The configuration


def test_a_configuration_is_returned_as_it_was_put_and_deleted(world: World) -> None:
    s3, bucket = world.s3, world.bucket()
    assert code(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == "NoSuchLifecycleConfiguration"
    rules = [
        rule("logs/", Expiration={"Days": 30}, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7}),
        rule("tmp/", Expiration={"Date": dt.datetime(2027, 1, 1, tzinfo=dt.UTC)}) | {"Status": "Disabled"},
        rule("papers/", Transitions=[{"Days": 30, "StorageClass": "STANDARD_IA"}]),
    ]
    configuration, varies = {"Rules": rules}, "varies_by_storage_class"
    put = s3.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration=configuration, TransitionDefaultMinimumObjectSize=varies
    )
    assert put["TransitionDefaultMinimumObjectSize"] == varies
    found = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert (found["Rules"], found["TransitionDefaultMinimumObjectSize"]) == (rules, varies)
    world.put(bucket, *rules[:1])
    found = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert (found["Rules"], found["TransitionDefaultMinimumObjectSize"]) == (rules[:1], "all_storage_classes_128K")
    s3.delete_bucket_lifecycle(Bucket=bucket)
    s3.delete_bucket_lifecycle(Bucket=bucket)
    assert code(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == "NoSuchLifecycleConfiguration"


def test_a_wrong_configuration_changes_nothing(world: World) -> None:
    s3, kept = world.s3, rule(Expiration={"Days": 1})
    bucket = world.bucket(kept)
    for wrong, expected in (
        ([rule()], "InvalidRequest"),
        ([rule(Expiration={"Days": 0})], "InvalidArgument"),
        ([rule(Transitions=[{"Days": 0, "StorageClass": "GLACIER"}])], "InvalidStorageClass"),
        ([], "MalformedXML"),
    ):
        given = {"Bucket": bucket, "LifecycleConfiguration": {"Rules": wrong}}
        assert code(s3.put_bucket_lifecycle_configuration, **given) == expected
    given = {"Bucket": bucket, "LifecycleConfiguration": {"Rules": [kept]}}
    given["TransitionDefaultMinimumObjectSize"] = "none"
    assert code(s3.put_bucket_lifecycle_configuration, **given) == "InvalidArgument"
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == [kept]


def test_writes_and_reads_say_when_an_object_expires_and_by_which_rule(world: World) -> None:
    s3 = world.s3
    bucket = world.bucket(rule("a/", Expiration={"Days": 3}), rule("", Expiration={"Days": 9}))
    header = 'expiry-date="Sat, 05 Dec 2026 00:00:00 GMT", rule-id="rule%20a%2F"'
    assert s3.put_object(Bucket=bucket, Key="a/k", Body=b"x")["Expiration"] == header
    assert s3.head_object(Bucket=bucket, Key="a/k")["Expiration"] == header
    assert s3.get_object(Bucket=bucket, Key="a/k")["Expiration"] == header
    assert s3.copy_object(Bucket=bucket, Key="a/c", CopySource=f"{bucket}/a/k")["Expiration"] == header
    upload = {"Bucket": bucket, "Key": "a/parts"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    part = s3.upload_part(**upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    assert s3.complete_multipart_upload(**upload, MultipartUpload=parts)["Expiration"] == header
    later = 'expiry-date="Fri, 11 Dec 2026 00:00:00 GMT", rule-id="rule%20"'
    assert s3.put_object(Bucket=bucket, Key="b", Body=b"x")["Expiration"] == later
    s3.delete_bucket_lifecycle(Bucket=bucket)
    assert "Expiration" not in s3.head_object(Bucket=bucket, Key="b")


def test_uploads_say_when_they_are_aborted_and_are(world: World) -> None:
    s3 = world.s3
    bucket = world.bucket(rule("u/", AbortIncompleteMultipartUpload={"DaysAfterInitiation": 2}))
    begun = s3.create_multipart_upload(Bucket=bucket, Key="u/k")
    other = s3.create_multipart_upload(Bucket=bucket, Key="k")
    assert (begun["AbortDate"], begun["AbortRuleId"]) == (dt.datetime(2026, 12, 4, tzinfo=dt.UTC), "rule%20u%2F")
    assert "AbortDate" not in other
    upload = {"Bucket": bucket, "Key": "u/k", "UploadId": begun["UploadId"]}
    s3.upload_part(**upload, PartNumber=1, Body=b"x" * 100_000)
    assert s3.list_parts(**upload)["AbortDate"] == dt.datetime(2026, 12, 4, tzinfo=dt.UTC)
    world.at(2.4)
    assert len(s3.list_multipart_uploads(Bucket=bucket)["Uploads"]) == 2
    world.at(2.6)
    assert [each["Key"] for each in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == ["k"]
    assert code(s3.upload_part, **upload, PartNumber=2, Body=b"x") == "NoSuchUpload"


# What expires


def test_objects_expire_after_their_days_by_prefix_tag_and_size(world: World) -> None:
    s3 = world.s3
    large = {"And": {"Prefix": "s/", "ObjectSizeGreaterThan": 10, "ObjectSizeLessThan": 30}}
    bucket = world.bucket(
        rule("p/", Expiration={"Days": 1}),
        rule("t", Expiration={"Days": 2}) | {"Filter": {"Tag": {"Key": "temporary", "Value": "yes"}}},
        rule("s", Expiration={"Days": 3}) | {"Filter": large},
        rule("off/", Expiration={"Days": 1}) | {"Status": "Disabled"},
    )
    for key in ("p/1", "p/2", "off/1", "q"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    s3.put_object(Bucket=bucket, Key="t1", Body=b"x", Tagging="temporary=yes&a=b")
    s3.put_object(Bucket=bucket, Key="t2", Body=b"x", Tagging="temporary=no")
    for size in (10, 20, 30):
        s3.put_object(Bucket=bucket, Key=f"s/{size}", Body=b"x" * size)
    rest = ["off/1", "q", "s/10", "s/30", "t2"]
    for days, expected in (
        (1.4, sorted([*rest, "p/1", "p/2", "s/20", "t1"])),
        (1.6, sorted([*rest, "s/20", "t1"])),
        (2.6, sorted([*rest, "s/20"])),
        (3.6, rest),
        (400, rest),
    ):
        world.at(days)
        assert world.keys(bucket) == expected
    s3.put_object_tagging(Bucket=bucket, Key="t2", Tagging={"TagSet": [{"Key": "temporary", "Value": "yes"}]})
    world.at(401)
    assert "t2" not in world.keys(bucket)


def test_objects_expire_from_a_date_on(world: World) -> None:
    bucket = world.bucket(rule(Expiration={"Date": dt.datetime(2026, 12, 10, tzinfo=dt.UTC)}))
    world.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    world.at(8.4)
    assert world.keys(bucket) == ["k"]
    world.at(8.6)
    assert world.keys(bucket) == []


def test_a_write_gives_an_object_its_days_anew(world: World) -> None:
    bucket = world.bucket(rule(Expiration={"Days": 2}))
    for key in ("old", "new"):
        world.s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    world.at(2)
    world.s3.put_object(Bucket=bucket, Key="new", Body=b"x")
    world.at(2.6)
    assert world.keys(bucket) == ["new"]


def test_changed_rules_count_at_once_and_removed_ones_no_more(world: World) -> None:
    bucket = world.bucket(rule("a", Expiration={"Days": 1}))
    for key in ("a", "b"):
        world.s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    world.at(5)
    assert world.keys(bucket) == ["b"]
    world.put(bucket, rule("b", Expiration={"Days": 9}))
    world.at(5)
    assert world.keys(bucket) == ["b"]
    world.s3.delete_bucket_lifecycle(Bucket=bucket)
    world.at(50)
    assert world.keys(bucket) == ["b"]


def test_what_is_written_or_tagged_during_a_pass_stays(world: World) -> None:
    """The clock is read between the search for candidates and the decision, and the write happens there."""
    s3, late = world.s3, {"TagSet": [{"Key": "kept", "Value": "yes"}]}
    temporary = {"And": {"Prefix": "t", "Tags": [{"Key": "kept", "Value": "no"}]}}
    bucket = world.bucket(rule("k", Expiration={"Days": 1}), rule("t", Expiration={"Days": 1}) | {"Filter": temporary})
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    s3.put_object(Bucket=bucket, Key="k2", Body=b"old")
    s3.put_object(Bucket=bucket, Key="t", Body=b"old", Tagging="kept=no")
    looks = 0

    def change() -> None:
        nonlocal looks
        looks += 1
        # The first look is that of the pass at its start, the others are for the three candidates.
        if looks == 4:
            s3.put_object(Bucket=bucket, Key="k", Body=b"new")
            s3.put_object_tagging(Bucket=bucket, Key="t", Tagging=late)

    world.at(5, looking=change)
    assert looks > 4
    assert world.keys(bucket) == ["k", "t"]
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"new"


def test_a_clock_that_is_set_back_expires_nothing_early(world: World) -> None:
    bucket = world.bucket(rule(Expiration={"Days": 2}))
    world.at(5)
    world.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for days in (6, 0, 1, 3, 6, 7.4):
        world.at(days)
        assert world.keys(bucket) == ["k"]
    world.at(7.6)
    assert world.keys(bucket) == []


def test_objects_change_their_storage_class(world: World) -> None:
    s3 = world.s3
    moved = [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 60, "StorageClass": "GLACIER_IR"}]
    bucket = world.bucket(rule(Transitions=moved, Expiration={"Days": 90}))
    s3.put_object(Bucket=bucket, Key="large", Body=b"x" * 131_072, Metadata={"a": "b"}, ContentType="a/b")
    s3.put_object(Bucket=bucket, Key="small", Body=b"x")
    s3.put_object(Bucket=bucket, Key="single", Body=b"x" * 131_072, StorageClass="ONEZONE_IA")
    written = s3.head_object(Bucket=bucket, Key="large")["LastModified"]
    for days, expected in ((30, "STANDARD"), (31, "STANDARD_IA"), (61, "GLACIER_IR")):
        world.at(days)
        listed = {each["Key"]: each["StorageClass"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]}
        assert listed == {"large": expected, "single": "ONEZONE_IA", "small": "STANDARD"}
    found = s3.get_object(Bucket=bucket, Key="large")
    assert (found["StorageClass"], found["LastModified"]) == ("GLACIER_IR", written)
    assert (found["Metadata"], found["ContentType"], found["Body"].read()) == ({"a": "b"}, "a/b", b"x" * 131_072)
    world.at(91)
    assert world.keys(bucket) == []


def test_the_bytes_of_expired_objects_are_deleted_and_no_longer_counted(world: World) -> None:
    bucket = world.bucket(rule(Expiration={"Days": 1}))
    for number in range(3):
        world.s3.put_object(Bucket=bucket, Key=f"{number}", Body=b"x" * 100_000)
    world.at(2)
    assert world.keys(bucket) == []
    assert world.world.swept() == 0
    with world.world.database.reading() as session:
        assert session.scalar(text("SELECT bytes FROM s3_stored WHERE bucket = :b"), {"b": bucket}) == 0


# Versions


def versions_of(world: World, bucket: str) -> list[tuple[str, str, bool]]:
    """Return key, body or marker, and whether it is the newest, of each version: by key, the newest first."""
    found = world.s3.list_object_versions(Bucket=bucket)
    entries = [(each, False) for each in found.get("Versions", [])]
    entries += [(each, True) for each in found.get("DeleteMarkers", [])]
    entries.sort(key=lambda entry: (entry[0]["Key"], not entry[0]["IsLatest"], -entry[0]["LastModified"].timestamp()))
    shown = []
    for each, marker in entries:
        body = "marker"
        if not marker:
            where = {"Key": each["Key"], "VersionId": each["VersionId"]}
            body = world.s3.get_object(Bucket=bucket, **where)["Body"].read().decode()
        shown.append((each["Key"], body, each["IsLatest"]))
    return shown


def versioned(world: World, *rules: dict[str, Any]) -> str:
    """Make a bucket with versioning and rules."""
    bucket = world.bucket(*rules)
    world.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def test_an_expired_object_of_a_bucket_with_versioning_gets_a_delete_marker(world: World) -> None:
    bucket = versioned(world, rule(Expiration={"Days": 2}))
    world.s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    world.at(3)
    assert versions_of(world, bucket) == [("k", "marker", True), ("k", "1", False)]
    world.at(30)
    assert versions_of(world, bucket) == [("k", "marker", True), ("k", "1", False)]


def test_noncurrent_versions_are_deleted_by_their_age_and_number(world: World) -> None:
    kept = {"NoncurrentDays": 3, "NewerNoncurrentVersions": 2}
    bucket = versioned(world, rule(NoncurrentVersionExpiration=kept))
    for number in range(6):
        world.at(number)
        world.s3.put_object(Bucket=bucket, Key="k", Body=str(number).encode())
    world.at(6)
    # Version 0 is noncurrent since day 1, and so on; days end at midnight.
    assert [body for _, body, _ in versions_of(world, bucket)] == ["5", "4", "3", "2"]
    world.at(60)
    assert versions_of(world, bucket) == [("k", "5", True), ("k", "4", False), ("k", "3", False)]


def test_noncurrent_versions_change_their_storage_class(world: World) -> None:
    moved = [{"NoncurrentDays": 30, "StorageClass": "STANDARD_IA"}]
    bucket = versioned(world, rule(NoncurrentVersionTransitions=moved))
    for body in (b"1", b"2"):
        world.s3.put_object(Bucket=bucket, Key="k", Body=body * 131_072)
    world.at(31)
    found = world.s3.list_object_versions(Bucket=bucket)["Versions"]
    assert {each["IsLatest"]: each["StorageClass"] for each in found} == {True: "STANDARD", False: "STANDARD_IA"}


def test_delete_markers_without_versions_are_removed(world: World) -> None:
    removing = rule(Expiration={"ExpiredObjectDeleteMarker": True}, NoncurrentVersionExpiration={"NoncurrentDays": 2})
    bucket = versioned(world, removing)
    world.s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    world.s3.delete_object(Bucket=bucket, Key="k")
    world.s3.delete_object(Bucket=bucket, Key="never")
    world.at(1)
    assert versions_of(world, bucket) == [("k", "marker", True), ("k", "1", False)]
    world.at(3)
    assert versions_of(world, bucket) == []


def test_locked_versions_stay(world: World) -> None:
    bucket = versioned(world, rule(NoncurrentVersionExpiration={"NoncurrentDays": 1}))
    for number in range(3):
        world.s3.put_object(Bucket=bucket, Key="k", Body=str(number).encode())
    until = (START + dt.timedelta(days=50)).isoformat()
    with world.world.database.transaction() as session:
        first = session.scalars(select(S3Version).where(S3Version.bucket == bucket).order_by(S3Version.rank)).all()[-1]
        first.lock = {"mode": "GOVERNANCE", "until": until}
    world.at(9)
    assert [body for _, body, _ in versions_of(world, bucket)] == ["2", "0"]
    world.at(60)
    assert [body for _, body, _ in versions_of(world, bucket)] == ["2"]


ROWS = 30_000
MANY = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :rows)
INSERT INTO s3_objects (bucket, key, size, etag, last_modified, headers, user_metadata, segments, multipart, sha256)
SELECT :bucket, CAST(printf('%s/%08d', CASE WHEN i % 100 = 0 THEN 'old' ELSE 'kept' END, i) AS BLOB), 200000, 'e',
       '2026-11-01 00:00:00.000000', '{}', '{}', '[]', 0, 's' FROM n
"""


@pytest.mark.costs(3, reason="a bucket gets thirty thousand objects")
def test_a_pass_over_many_objects_needs_little_memory(tmp_path_factory: pytest.TempPathFactory) -> None:
    clock = StandingClock()
    with s3_world(tmp_path_factory.mktemp("s3"), "memory", clock=clock, processes=1) as made:
        world = World(made, clock)
        bucket = world.bucket(rule("old/", Expiration={"Days": 1}))
        with made.database.transaction() as session:
            if session.get_bind().dialect.name != "sqlite":
                pytest.skip("the objects are made with SQLite's functions")
            session.execute(text(MANY), {"rows": ROWS, "bucket": bucket})
        tracemalloc.start()
        try:
            world.at(3)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert most < 16 << 20
        with made.database.reading() as session:
            left = session.scalar(text("SELECT count(*) FROM s3_objects WHERE bucket = :b"), {"b": bucket})
        assert left == ROWS - ROWS // 100


def test_an_operator_can_shorten_the_day(tmp_path_factory: pytest.TempPathFactory) -> None:
    clock = StandingClock()
    with s3_world(tmp_path_factory.mktemp("s3"), "memory", clock=clock, processes=1, day=10) as made:
        world = World(made, clock)
        bucket = world.bucket(rule(Expiration={"Days": 2}))
        world.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
        world.at(29 / DAY)
        assert world.keys(bucket) == ["k"]
        world.at(30 / DAY)
        assert world.keys(bucket) == []
