"""A store in a bucket of another S3: what it refuses, and what clients see while that service fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from reading_room.clock import system_clock
from reading_room.s3.backends import remote
from reading_room.s3.backends.opening import open_backend
from reading_room.s3.backends.place import Bucket, PlaceError, read_bucket
from reading_room.s3.blobs import SMALL
from reading_room.settings import Settings
from tests.worlds.aws_sockets import serving
from tests.worlds.databases import made
from tests.worlds.s3 import STORE_ACTIONS, S3World, bucket_of, s3_world

pytestmark = pytest.mark.costs(0.3, reason="an S3 is made on another one, with a socket between them")

MIB = 1024 * 1024
LARGE = os.urandom(SMALL + 1)
"""More bytes than are stored in a row."""


class Unsteady:
    """An application that stops answering, or cuts a response after some bytes, when told to."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.is_away = False
        self.cut_after: int | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, or not."""
        if self.is_away and scope["type"] == "http":
            raise ConnectionResetError
        left = self.cut_after

        async def cutting(message: Any) -> None:
            nonlocal left
            if left is not None and message["type"] == "http.response.body":
                message = {**message, "body": message["body"][:left], "more_body": True}
                left -= len(message["body"])
                await send(message)
                if not left:
                    self.cut_after = None
                    raise ConnectionResetError
                return
            await send(message)

        await self._app(scope, receive, cutting)


class Remote:
    """An S3 whose bytes are in another one."""

    def __init__(self, folder: Path, other: S3World, unsteady: Unsteady, place: Bucket) -> None:
        self.other = other
        self.unsteady = unsteady
        self.place = place
        self.world = S3World(folder, "service", service=place)
        self.s3 = self.world.client(config=Config(retries={"total_max_attempts": 1}))
        self.s3.create_bucket(Bucket="bucket")

    def put(self, key: str, data: bytes) -> None:
        """Write an object."""
        self.s3.put_object(Bucket="bucket", Key=key, Body=data)

    def get(self, key: str) -> bytes:
        """Return an object's bytes."""
        return bytes(self.s3.get_object(Bucket="bucket", Key=key)["Body"].read())

    def keys(self) -> list[str]:
        """Return the keys of the blobs at the other S3."""
        found = self.other.s3.list_objects_v2(Bucket="blobs", Prefix="below/objects/")
        return [entry["Key"] for entry in found.get("Contents", ())]


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Remote]:
    """An S3 on another one that can be made to fail."""
    with s3_world(tmp_path / "other", "memory") as other:
        other.s3.create_bucket(Bucket="blobs")
        unsteady = Unsteady(other.app)
        with serving(unsteady) as port:
            (tmp_path / "own").mkdir()
            made = Remote(tmp_path / "own", other, unsteady, bucket_of(other, port))
            yield made
            made.world.close()


def refused(call: Any, *arguments: Any) -> tuple[str, int]:
    """Return code and status of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(*arguments)
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_while_the_service_is_away_larger_objects_get_503_and_nothing_is_lost(
    far: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "REST_SECONDS", 0.0)
    far.put("large", LARGE)
    far.put("small", b"small")
    far.unsteady.is_away = True
    assert refused(far.get, "large") == ("ServiceUnavailable", 503)
    assert refused(far.put, "large", LARGE + b"2") == ("ServiceUnavailable", 503)
    assert far.get("small") == b"small"
    fault = far.world.backend._store.blobs.fault()  # type: ignore[attr-defined]
    assert fault == "the S3 service with their bytes cannot be reached"
    far.unsteady.is_away = False
    assert far.get("large") == LARGE
    far.put("large", LARGE + b"3")
    assert far.get("large") == LARGE + b"3"
    assert far.world.swept() == 0
    assert len(far.keys()) == 1


def test_a_response_that_is_cut_off_is_continued(far: Remote) -> None:
    data = os.urandom(3 * MIB)
    far.put("key", data)
    far.unsteady.cut_after = 2 * MIB + 7
    assert far.get("key") == data
    assert far.unsteady.cut_after is None


def test_bytes_that_the_service_changed_are_never_returned(far: Remote) -> None:
    far.put("key", LARGE)
    [key] = far.keys()
    stored = far.other.s3.get_object(Bucket="blobs", Key=key)["Body"].read()
    for wrong in (b"?" + stored[1:], stored[:-1], stored + b"?", b""):
        far.other.s3.put_object(Bucket="blobs", Key=key, Body=wrong)
        assert refused(far.get, "key") == ("InternalError", 500)
    far.other.s3.delete_object(Bucket="blobs", Key=key)
    assert refused(far.get, "key") == ("InternalError", 500)


def test_an_upload_that_fails_leaves_nothing_at_the_service(far: Remote) -> None:
    wrong = {"ContentMD5": "AAAAAAAAAAAAAAAAAAAAAA=="}
    with pytest.raises(ClientError):
        far.s3.put_object(Bucket="bucket", Key="key", Body=bytes(remote.PART + MIB), **wrong)
    assert far.keys() == []
    assert "Uploads" not in far.other.s3.list_multipart_uploads(Bucket="blobs")


def test_objects_that_somebody_else_put_there_are_left_alone(far: Remote) -> None:
    for key in ("below/objects/note.txt", f"below/objects/aa/{'b' * 32}", "below/other"):
        far.other.s3.put_object(Bucket="blobs", Key=key, Body=b"")
    assert far.world.swept() == 0
    assert len(far.keys()) == 2


def test_a_key_that_lacks_a_right_is_refused_at_the_start(far: Remote, tmp_path: Path) -> None:
    for number, lacking in enumerate(STORE_ACTIONS):
        place = bucket_of(far.other, number, *(action for action in STORE_ACTIONS if action != lacking))
        says = r"s3://blobs/below cannot be used: .* AccessDenied .*: allow the key s3:GetObject"
        with pytest.raises(PlaceError, match=says):
            opened(tmp_path / lacking, replace(place, endpoint=far.place.endpoint))


def opened(folder: Path, place: Bucket) -> None:
    """Open a store for a new database."""
    folder.mkdir()
    open_backend(Settings(data=folder, objects=place.url), made(folder / "db.sqlite"), system_clock, place)


def test_the_store_of_another_database_is_refused(far: Remote, tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match="has the objects of another database"):
        opened(tmp_path / "new", far.place)


def test_a_database_whose_bytes_are_elsewhere_is_refused_until_they_are_copied(far: Remote) -> None:
    far.put("key", LARGE)
    world = far.world
    settings = Settings(data=world.folder, objects="")
    with pytest.raises(PlaceError, match="the database names objects whose bytes are not in the data folder"):
        open_backend(settings, world.database, system_clock, None)
    [key] = far.keys()
    copy = world.folder / "objects" / "objects" / key.removeprefix("below/objects/")
    copy.write_bytes(far.other.s3.get_object(Bucket="blobs", Key=key)["Body"].read())
    again = open_backend(settings, world.database, system_clock, None)
    assert again.backend.head("bucket", "key") is not None
    again.backend.close()


def test_a_shared_folder_that_does_not_exist_is_refused_and_not_made(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, objects=f"files:{tmp_path}/mnt/objects")
    with pytest.raises(PlaceError, match=r"mnt/objects: No such file or directory\): mount the file system"):
        open_backend(settings, made(tmp_path / "db.sqlite"), system_clock, None)
    assert not (tmp_path / "mnt").exists()


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        ("[default]\naws_access_key_id = A\n", 0o600, "has no aws_secret_access_key in its section"),
        ("[other]\nsecret-1 = A\n", 0o600, "is not a file of credentials with a section"),
        ("secret-1", 0o600, "is not a file of credentials with a section"),
        ("[default]\naws_access_key_id = A\naws_secret_access_key = secret-1\n", 0o640, "can be read by others"),
        (None, 0, "cannot be read (No such file or directory)"),
    ],
)
def test_a_file_of_credentials_that_cannot_be_used_is_refused(
    tmp_path: Path, content: str | None, mode: int, says: str
) -> None:
    file = tmp_path / "credentials"
    if content is not None:
        file.write_text(content)
        file.chmod(mode)
    with pytest.raises(PlaceError) as caught:
        read_bucket(Settings(data=tmp_path, objects="s3://bucket", objects_credentials=str(file)))
    assert says in str(caught.value)
    assert "secret-1" not in str(caught.value)
