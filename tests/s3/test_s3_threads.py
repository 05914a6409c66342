"""S3 requests that wait for their turn to write do not delay requests that only read."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from reading_room.s3.backends.embedded import THREADS
from tests.worlds.s3 import s3_world
from tests.worlds.waiting import DEADLINE, eventually


@pytest.mark.costs(0.6, reason="more clients write at once than there are threads")
def test_objects_can_be_read_while_more_writes_wait_than_there_are_threads(tmp_path: Path) -> None:
    with s3_world(tmp_path / "a", processes=1) as world:
        world.s3.create_bucket(Bucket="data")
        world.s3.put_object(Bucket="data", Key="there", Body=b"content")
        turns = world.database._turns
        clients = [world.client() for _ in range(THREADS + 4)]
        writers = [
            threading.Thread(target=client.put_object, kwargs={"Bucket": "data", "Key": str(number), "Body": b"x"})
            for number, client in enumerate(clients)
        ]
        with turns.one(DEADLINE):
            for writer in writers:
                writer.start()
            eventually(lambda: len(turns._waiting) >= THREADS, what="writers waiting for their turn")
            assert world.s3.get_object(Bucket="data", Key="there")["Body"].read() == b"content"
            assert [each["Key"] for each in world.s3.list_objects_v2(Bucket="data")["Contents"]] == ["there"]
        for writer in writers:
            writer.join(DEADLINE)
        assert world.s3.list_objects_v2(Bucket="data")["KeyCount"] == THREADS + 5
