"""What the data folder has of objects is encrypted, each with a key of its own that is bound to the object's place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import select, update

from reading_room.clock import system_clock
from reading_room.s3.backends.files import file_backend
from reading_room.s3.blobs import SMALL, DamagedBlob
from reading_room.s3.object_cipher import DataKey
from reading_room.s3.object_keys import ROTATE_AFTER, ObjectKeys
from reading_room.s3.tables import S3Object, S3ServiceKey, S3Version
from reading_room.s3.versions import StoredVersion
from tests.worlds import databases
from tests.worlds.s3 import S3World, s3_world

SECRET = b"The letters of Ada Lovelace. "
SHORT, LONG = SECRET * 3, SECRET * (3 * SMALL // len(SECRET))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[S3World]:
    """Yield an S3 with a bucket."""
    with s3_world(tmp_path) as made:
        made.s3.create_bucket(Bucket="bucket")
        yield made


def body_of(world: S3World, key: str) -> bytes:
    """Return the bytes of an object."""
    return bytes(world.s3.get_object(Bucket="bucket", Key=key)["Body"].read())


def on_disk(folder: Path) -> bytes:
    """Return everything that the files of a data folder contain."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_neither_short_nor_long_objects_nor_parts_are_on_the_disk_in_plain_text(world: S3World) -> None:
    for key, body in (("short", SHORT), ("long", LONG)):
        world.s3.put_object(Bucket="bucket", Key=key, Body=body)
    world.s3.copy_object(Bucket="bucket", Key="copy", CopySource="bucket/short")
    upload = world.s3.create_multipart_upload(Bucket="bucket", Key="parts")["UploadId"]
    given = {"Bucket": "bucket", "Key": "parts", "UploadId": upload}
    first = world.s3.upload_part(**given, PartNumber=1, Body=SECRET * ((6 << 20) // len(SECRET)))["ETag"]
    second = world.s3.upload_part_copy(**given, PartNumber=2, CopySource="bucket/long")["CopyPartResult"]["ETag"]
    parts = [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": second}]
    world.s3.complete_multipart_upload(**given, MultipartUpload={"Parts": parts})
    assert body_of(world, "short") == body_of(world, "copy") == SHORT
    assert body_of(world, "long") == LONG
    assert body_of(world, "parts").endswith(LONG)
    assert b"Lovelace" not in on_disk(world.folder)


def test_equal_objects_have_different_bytes_on_the_disk(world: S3World) -> None:
    for key in ("one", "two"):
        world.s3.put_object(Bucket="bucket", Key=key, Body=LONG)
    files = [path.read_bytes() for path in (world.folder / "s3" / "objects").rglob("*") if path.is_file()]
    assert len({file[:100] for file in files}) == len(files) == 2


@pytest.mark.parametrize("body", [SHORT, LONG], ids=["short", "long"])
def test_bytes_moved_to_the_row_of_another_object_are_not_returned(world: S3World, body: bytes) -> None:
    for key in ("mine", "theirs"):
        world.s3.put_object(Bucket="bucket", Key=key, Body=body)
    columns = (S3Object.segments, S3Object.content, S3Object.encryption)
    with world.database.transaction() as session:
        segments, content, encryption = session.execute(select(*columns).where(S3Object.key == b"theirs")).one()
        moved = {"segments": segments, "content": content}
        session.execute(update(S3Object).where(S3Object.key == b"mine").values(**moved))
    with pytest.raises(ClientError, match="InternalError"):
        body_of(world, "mine")
    with world.database.transaction() as session:
        session.execute(update(S3Object).where(S3Object.key == b"mine").values(encryption=encryption))
    with pytest.raises(ClientError, match="InternalError"):
        body_of(world, "mine")
    assert body_of(world, "theirs") == body


def test_a_data_key_opens_only_at_its_object(world: S3World) -> None:
    keys, key = ObjectKeys(world.database, system_clock), DataKey.fresh()
    stored = keys.sealed(key, "bucket", b"a/b")
    assert ObjectKeys(world.database, system_clock).opened(stored, "bucket", b"a/b").key == key.key
    altered = stored["key"][:-2] + ("A" if stored["key"][-2] != "A" else "B") + stored["key"][-1]
    for bucket, name, found in (
        ("bucket", b"a/c", stored),
        ("other", b"a/b", stored),
        ("bucket", b"a/b", {**stored, "key": altered}),
        ("bucket", b"a/b", {**stored, "key": stored["key"][:-4]}),
        ("bucket", b"a/b", {**stored, "key": "no base64"}),
        ("bucket", b"a/b", {**stored, "algorithm": "other"}),
        ("bucket", b"a/b", {}),
    ):
        with pytest.raises(DamagedBlob, match="has a data key that is not the object's"):
            keys.opened(found, bucket, name)


def test_the_service_key_is_replaced_after_a_year_and_the_earlier_one_still_reads(world: S3World) -> None:
    now = system_clock()
    early = ObjectKeys(world.database, lambda: now).sealed(DataKey(bytes(32)), "bucket", b"key")
    keys = ObjectKeys(world.database, lambda: now + ROTATE_AFTER + dt.timedelta(days=1))
    late = keys.sealed(DataKey(bytes(32)), "bucket", b"key")
    assert early["key"][:10] != late["key"][:10]
    assert keys.opened(early, "bucket", b"key").key == keys.opened(late, "bucket", b"key").key == bytes(32)
    with world.database.reading() as session:
        assert len(session.scalars(select(S3ServiceKey)).all()) == 2


def test_what_an_earlier_version_stored_in_plain_text_is_encrypted_after_the_start(tmp_path: Path) -> None:
    with s3_world(tmp_path) as world:
        world.s3.create_bucket(Bucket="bucket")
        world.backend._store._keys = None
        world.s3.put_object(Bucket="bucket", Key="old short", Body=SHORT)
        world.s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
        for body in (LONG, LONG[1:], LONG[2:]):
            world.s3.put_object(Bucket="bucket", Key="old long", Body=body)
        world.s3.delete_object(Bucket="bucket", Key="old long")
    assert b"Lovelace" in on_disk(tmp_path / "s3")
    database = databases.made(tmp_path / "db.sqlite")
    backend = file_backend(database, tmp_path / "s3", "us-east-1", system_clock)
    assert backend.begun() == 0
    assert b"Lovelace" not in on_disk(tmp_path / "s3")
    with database.reading() as session:
        rows: list[StoredVersion] = [*session.scalars(select(S3Object)), *session.scalars(select(S3Version))]
    marker, *versions = sorted((row for row in rows if row.key == b"old long"), key=lambda row: row.rank)
    assert marker.encryption is None
    assert all(row.encryption is not None for row in rows if row is not marker)
    found = [backend._store.lease("bucket", "old long", row.version_id) for row in versions]
    assert [b"".join(lease.read(0, lease.size)) for _, lease in filter(None, found)] == [LONG[2:], LONG[1:], LONG]
    assert b"".join(backend.read("bucket", "old short")) == SHORT
    for _, lease in filter(None, found):
        lease.release()
    backend.close()
    database.close()
