"""The worker's storage against the S3 endpoint: ranges, changed objects, and objects that are no longer needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore.exceptions as errors
import pytest

from reading_room.analysis.inputs import documents_of_part
from reading_room.analysis.job_file import JobFile, Location
from reading_room.analysis.memory import CapitalWords
from reading_room.analysis.objects import MOST_DELETED, WHOLE_BYTES, S3Storage
from reading_room.analysis.part_work import assemble, part_prefix, plan_of, write_part
from reading_room.analysis.storage import JobFailure, ObjectGone
from reading_room.aws.call import NetworkPath
from reading_room.aws.receive import PATH_KEY
from reading_room.aws.spelling import unavailable
from reading_room.s3.space import SpaceLimits
from tests.worlds.s3 import PUBLIC_PATH, S3World, policy, s3_world, statement
from tests.worlds.worker_storage import ENDPOINT, InProcessWire, keys_of

READ_AND_WRITE = policy(
    statement("Allow", ["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::data/*"),
    statement("Allow", "s3:ListBucket", "arn:aws:s3:::data"),
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[S3World]:
    with s3_world(tmp_path, "memory") as world:
        world.s3.create_bucket(Bucket="data")
        yield world


@pytest.fixture
def storage(world: S3World) -> S3Storage:
    """The storage of a role with permission to read and write only."""
    return storage_of(world, world.user("reader", READ_AND_WRITE))


def storage_of(world: S3World, key: Mapping[str, str], path: NetworkPath = PUBLIC_PATH) -> S3Storage:
    running = world.running_in_vpc if path.vpc_endpoint_id else world.running
    return S3Storage(InProcessWire(running, {PATH_KEY: path}), keys_of(key), "us-east-1", endpoint=ENDPOINT)


def put(world: S3World, key: str, content: bytes) -> None:
    world.s3.put_object(Bucket="data", Key=key, Body=content)


def job_file(**changes: Any) -> JobFile:
    members: dict[str, Any] = {
        "job_id": "0" * 32,
        "attempt": 1,
        "kind": "entities",
        "region": "us-east-1",
        "language": "en",
        "input": Location("data", "in/"),
        "input_format": "ONE_DOC_PER_LINE",
        "output": Location("data", "1/output/output.tar.gz"),
        "document_limit": 100,
        "part_bytes": 30,
    }
    return JobFile(**(members | changes))


@pytest.mark.parametrize(("begin", "end"), [(0, None), (0, 4), (3, 7), (9, 10), (5, None)])
def test_a_range_of_an_object_is_read(world: S3World, storage: S3Storage, begin: int, end: int | None) -> None:
    put(world, "in/a", b"0123456789")
    assert b"".join(storage.read("data", "in/a", begin, end)) == b"0123456789"[begin:end]


def test_an_object_that_changed_since_it_was_listed_is_not_read(world: S3World, storage: S3Storage) -> None:
    put(world, "in/a", b"0123456789")
    (entry,) = storage.list_input(Location("data", "in/"))
    assert b"".join(storage.read("data", "in/a", 2, 5, entry.etag)) == b"234"
    put(world, "in/a", b"9876543210")
    for begin, end in ((0, None), (2, 5)):
        with pytest.raises(JobFailure, match="s3://data/in/a was changed while the job read it") as failure:
            list(storage.read("data", "in/a", begin, end, entry.etag))
        assert failure.value.code == "INPUT_NOT_FOUND"


def test_without_exact_content_a_changed_object_is_read_as_it_is_now(world: S3World, storage: S3Storage) -> None:
    put(world, "in/a", b"0123456789")
    (entry,) = storage.list_input(Location("data", "in/"))
    put(world, "in/a", b"new")
    assert b"".join(storage.read("data", "in/a", etag=entry.etag, exact=False)) == b"new"
    world.s3.delete_object(Bucket="data", Key="in/a")
    with pytest.raises(ObjectGone):
        list(storage.read("data", "in/a", etag=entry.etag, exact=False))


READ_VERSIONS = policy(
    statement("Allow", ["s3:GetObject", "s3:GetObjectVersion"], "arn:aws:s3:::data/*"),
    statement("Allow", ["s3:ListBucket", "s3:ListBucketVersions"], "arn:aws:s3:::data"),
)


@pytest.mark.parametrize("deleted", [False, True])
@pytest.mark.parametrize("exact", [False, True])
def test_in_a_bucket_with_versions_the_listed_version_is_read(world: S3World, deleted: bool, exact: bool) -> None:
    world.s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    storage = storage_of(world, world.user("versions", READ_VERSIONS))
    for content in (b"before", b"0123456789"):
        put(world, "in/a", content)
    put(world, "in/a.more", b"another object")
    entry = next(iter(storage.list_input(Location("data", "in/"))))
    if deleted:
        world.s3.delete_object(Bucket="data", Key="in/a")
    else:
        put(world, "in/a", b"written later")
    for begin, end in ((0, None), (2, 5)):
        read = storage.read("data", "in/a", begin, end, entry.etag, exact=exact)
        assert b"".join(read) == b"0123456789"[begin:end]


@pytest.mark.parametrize("missing", ["s3:GetObjectVersion", "s3:ListBucketVersions"])
def test_a_role_that_may_not_read_versions_reads_objects(world: S3World, missing: str) -> None:
    world.s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    document = READ_VERSIONS.replace(missing, "s3:GetObject")
    storage = storage_of(world, world.user("objects", document))
    put(world, "in/a", b"0123456789")
    (entry,) = storage.list_input(Location("data", "in/"))
    assert b"".join(storage.read("data", "in/a", etag=entry.etag)) == b"0123456789"
    assert world.recent_denial(world.key["access_key_id"]) is None
    put(world, "in/a", b"new")
    assert b"".join(storage.read("data", "in/a", etag=entry.etag, exact=False)) == b"new"
    with pytest.raises(ObjectGone, match="was changed while the job read it"):
        list(storage.read("data", "in/a", etag=entry.etag))


@pytest.mark.parametrize("form", ["ONE_DOC_PER_FILE", "ONE_DOC_PER_LINE"])
def test_a_job_analyses_what_it_listed(world: S3World, form: str) -> None:
    world.s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    key = world.user("job", READ_VERSIONS.replace('"s3:GetObject"', '"s3:GetObject", "s3:PutObject"'))
    storage, job = storage_of(world, key), job_file(input_format=form)
    for name in ("a", "b"):
        put(world, f"in/{name}", b"Anna met Bo\n" * 5)
    plan = plan_of(job, storage, lambda: False)
    put(world, "in/a", b"something else")
    world.s3.delete_object(Bucket="data", Key="in/b")
    documents = [document for part in plan.parts for document in documents_of_part(job, part, storage)]
    assert {(document.text or "").strip() for document in documents} == {
        ("Anna met Bo\n" * 5).strip() if form == "ONE_DOC_PER_FILE" else "Anna met Bo"
    }
    assert not [document for document in documents if document.error is not None]


@pytest.mark.parametrize("name", ["a b+c&d=e%20.txt", "../../x", "//", "~*'()!", "ä\t\n\r", "日本/語.txt"])
def test_every_key_is_listed_read_and_written(world: S3World, storage: S3Storage, tmp_path: Path, name: str) -> None:
    key = f"in/{name}"
    (tmp_path / "output").write_bytes(b"1")
    storage.write(Location("data", key), tmp_path / "output")
    assert world.s3.get_object(Bucket="data", Key=key)["Body"].read() == b"1"
    (entry,) = storage.list_input(Location("data", key[:4]))
    assert (entry.key, entry.size) == (key, 1)
    assert b"".join(storage.read("data", entry.key, etag=entry.etag)) == b"1"
    storage_of(world, world.key).delete("data", [key])
    assert "Contents" not in world.s3.list_objects_v2(Bucket="data")


@pytest.mark.costs(1, reason="more objects than one listing has")
def test_a_long_listing_has_several_pages(world: S3World, storage: S3Storage) -> None:
    keys = [f"in/{number:04}" for number in range(1001)]
    for key in (*keys, "in/folder/"):
        put(world, key, b"" if key.endswith("/") else b"1")
    assert [entry.key for entry in storage.list_input(Location("data", "in/"))] == keys


def test_parts_are_written_to_the_output_folder_and_read_back(
    world: S3World, storage: S3Storage, tmp_path: Path
) -> None:
    put(world, "in/a", b"Anna met Bo\n" * 5)
    put(world, "in/b", b"\xef\xbb\xbfZoe\r\n" * 5)
    job, engine = job_file(), CapitalWords()
    plan = plan_of(job, storage, lambda: False)
    results = [
        write_part(
            job, engine, storage, part, f"{part_prefix(job)}{part.number}", tmp_path, lambda: False, lambda _: None
        )
        for part in plan.parts
    ]
    assert len(results) == 3
    size, _, _ = assemble(job, storage, results, tmp_path, plan)
    assert world.s3.head_object(Bucket="data", Key=job.output.key)["ContentLength"] == size
    listed = world.s3.list_objects_v2(Bucket="data", Prefix="1/output/parts/1/")["Contents"]
    assert [(entry["Key"], entry["Size"]) for entry in listed] == [(result.key, result.size) for result in results]


def test_objects_are_deleted_and_missing_ones_are_ignored(world: S3World) -> None:
    put(world, "parts/a", b"1")
    put(world, "parts/b", b"2")
    storage_of(world, world.key).delete("data", ["parts/a", "parts/nothing"])
    assert [entry["Key"] for entry in world.s3.list_objects_v2(Bucket="data")["Contents"]] == ["parts/b"]


def test_without_permission_to_delete_objects_remain_and_nothing_fails(world: S3World, storage: S3Storage) -> None:
    put(world, "parts/a", b"1")
    storage.delete("data", ["parts/a"])
    storage.delete("no-such-bucket", ["parts/a"])
    assert world.s3.head_object(Bucket="data", Key="parts/a")["ContentLength"] == 1


def test_many_objects_are_deleted_with_several_requests(world: S3World) -> None:
    storage = storage_of(world, world.key)
    put(world, f"parts/{MOST_DELETED}", b"1")
    storage.delete("data", [f"parts/{number}" for number in range(MOST_DELETED + 1)])
    with pytest.raises(errors.ClientError, match="404"):
        world.s3.head_object(Bucket="data", Key=f"parts/{MOST_DELETED}")


def test_an_endpoint_deleted_during_the_job_is_a_missing_route_and_not_a_denial(world: S3World, tmp_path: Path) -> None:
    """A broken connection, the other sign of a deleted endpoint, has the same code."""
    put(world, "in/a", b"1")
    output = Location("data", "out")
    (tmp_path / "output").write_bytes(b"2")
    late = storage_of(world, world.key, NetworkPath(secure=True, vpc_id="vpc-1", vpc_endpoint_id="vpce-1"))
    for work in (
        lambda: list(late.list_input(Location("data", "in/"))),
        lambda: list(late.read("data", "in/a")),
        lambda: late.probe_output(output),
        lambda: late.write(output, tmp_path / "output"),
    ):
        with pytest.raises(JobFailure, match="vpce-1 was deleted") as failure:
            work()
        assert failure.value.code == "NO_ROUTE_TO_STORAGE"


# An output, in one request or in parts


@pytest.mark.parametrize(("size", "parts"), [(1, 0), (WHOLE_BYTES, 0), (WHOLE_BYTES + 1, 2), (2 * WHOLE_BYTES + 9, 3)])
def test_a_large_output_is_uploaded_in_parts(
    world: S3World, storage: S3Storage, tmp_path: Path, size: int, parts: int
) -> None:
    content = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    (tmp_path / "output").write_bytes(content)
    storage.write(Location("data", "out/output.tar.gz"), tmp_path / "output")
    found = world.s3.get_object(Bucket="data", Key="out/output.tar.gz")
    assert found["Body"].read() == content
    assert found["ETag"].endswith(f'-{parts}"') is (parts > 0)


@pytest.mark.parametrize("size", [1, WHOLE_BYTES + 1])
def test_an_output_without_permission_to_write_leaves_nothing_behind(world: S3World, tmp_path: Path, size: int) -> None:
    (tmp_path / "output").write_bytes(b"x" * size)
    onlooker = policy(statement("Allow", "s3:GetObject", "arn:aws:s3:::data/*"))
    reader = storage_of(world, world.user("onlooker", onlooker))
    with pytest.raises(JobFailure, match=r"NO_WRITE_ACCESS_TO_OUTPUT: .*s3:PutObject on s3://data/out/output.tar.gz"):
        reader.write(Location("data", "out/output.tar.gz"), tmp_path / "output")
    assert "Contents" not in world.s3.list_objects_v2(Bucket="data")
    assert "Uploads" not in world.s3.list_multipart_uploads(Bucket="data")


def test_missing_space_for_the_output_is_found_before_any_work(tmp_path: Path) -> None:
    with s3_world(tmp_path / "a", "memory", SpaceLimits(per_account=10)) as world:
        world.s3.create_bucket(Bucket="data")
        storage = storage_of(world, world.user("reader", READ_AND_WRITE))
        storage.probe_output(Location("data", "out"))
        world.s3.put_object(Bucket="data", Key="all", Body=bytes(10))
        with pytest.raises(JobFailure, match="READING_ROOM_STORAGE_PER_ACCOUNT") as failed:
            storage.probe_output(Location("data", "out"))
        assert failed.value.code == "NO_ROOM_FOR_OUTPUT"


def test_a_job_whose_calls_cannot_be_recorded_fails_with_the_reason(world: S3World, tmp_path: Path) -> None:
    put(world, "in/a", b"text")
    storage = storage_of(world, world.user("reader", READ_AND_WRITE))

    def closed(service: str, operation: str, account: str) -> None:
        raise unavailable(service, "Calls that cannot be recorded are refused: the disk is full.")

    world.gate = closed
    (tmp_path / "output").write_bytes(b"x")
    for use in (
        lambda: list(storage.list_input(Location("data", "in/"))),
        lambda: list(storage.read("data", "in/a")),
        lambda: storage.probe_output(Location("data", "out")),
        lambda: storage.write(Location("data", "out"), tmp_path / "output"),
    ):
        with pytest.raises(JobFailure, match="cannot be recorded are refused: the disk is full") as failed:
            use()
        assert failed.value.code == "INTERNAL_ERROR"
