"""An S3 service that is not ours: rclone's, which serves a folder."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reading_room.cli.running import free_port
from reading_room.s3.backends.place import Bucket
from tests.worlds import tools
from tests.worlds.waiting import eventually

KEY, SECRET = "AKIAOFTHETESTRCLONE1", "a secret of the tests only"


@contextmanager
def rclone_bucket(folder: Path) -> Iterator[Bucket]:
    """Serve a folder as S3 on loopback, and yield a bucket of it. Skips the test if rclone cannot be installed."""
    program, port = tools.install() / "rclone", free_port()
    (folder / "blobs").mkdir(parents=True)
    settings = {"RCLONE_AUTH_KEY": f'"{KEY},{SECRET}"', "RCLONE_CONFIG": "/dev/null"}
    command = [str(program), "serve", "s3", "--addr", f"127.0.0.1:{port}", str(folder)]
    with (folder.parent / "rclone.log").open("wb") as log:
        server = subprocess.Popen(command, env=os.environ | settings, stdout=log, stderr=log)
    try:
        eventually(lambda: _answers(port))
        yield Bucket("blobs", "below/", f"http://127.0.0.1:{port}", "us-east-1", KEY, SECRET)
    finally:
        server.terminate()
        server.wait()


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
