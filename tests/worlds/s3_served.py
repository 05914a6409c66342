"""An S3 world behind a socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from reading_room.client import connect
from tests.worlds.s3 import S3World, s3_world
from tests.worlds.waiting import DEADLINE, eventually


@dataclass(frozen=True)
class Served:
    """A world and its address."""

    world: S3World
    http: str

    def client(self, **options: Any) -> Any:
        """Return a client of its administrator over plain HTTP."""
        return connect("s3", self.http, **self.world.key, **options)


@contextmanager
def served_world(folder: Path) -> Iterator[Served]:
    """Yield a world that answers on a free port of the loopback."""
    with s3_world(folder) as world, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(world.app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        eventually(lambda: server.started)
        try:
            yield Served(world, f"http://127.0.0.1:{listener.getsockname()[1]}")
        finally:
            server.should_exit = True
            thread.join(DEADLINE)
