"""A front and the server behind it, in one event loop, connected as the agent connects them."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from reading_room.dataplane.spec import ListenerLabel
from reading_room.hosts.front.listeners import FrontListeners
from reading_room.hosts.listeners import VpcListeners


class Fronted:
    """The listeners of one VPC: the front that reads them, and the server that answers."""

    def __init__(self, server: VpcListeners, vpc_id: str = "vpc-1") -> None:
        self.server = server
        self.vpc_id = vpc_id
        self.front: FrontListeners | None = None
        self.labels: set[ListenerLabel] = set()
        self._before: set[asyncio.Task[Any]] = set()
        """The tasks that ran in the loop before there was a front."""

    def join(self) -> None:
        """Give the front a channel to the server."""
        if self.front is None:
            self._before = asyncio.all_tasks()
            self.front = FrontListeners(attach_seconds=1)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.server.attach(self.vpc_id, ours)
        self.front.attach(theirs)

    async def add(self, label: ListenerLabel, sock: socket.socket) -> None:
        """Serve a socket."""
        self.labels.add(label)
        self.server.know(self.labels)
        if self.front is None:
            self.join()
        assert self.front is not None
        await self.front.add(label, sock)

    def remove(self, label: ListenerLabel) -> None:
        """Stop serving a socket."""
        assert self.front is not None
        self.labels.discard(label)
        self.server.know(self.labels)
        self.front.remove(label)

    async def close(self) -> None:
        """Close everything."""
        if self.front is not None:
            for label in list(self.labels):
                self.remove(label)
            await self.front.drain(0)
        self.server.close()
        others = asyncio.all_tasks() - self._before
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
