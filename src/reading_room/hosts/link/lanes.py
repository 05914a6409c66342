"""Lanes: for each request of a front a connection to ``serve``, some of which are open before they are needed."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Awaitable, Callable

from reading_room.codec import encode
from reading_room.hosts.link.documents import LaneTaken
from reading_room.hosts.link.streams import Documents, relay

READY = 4
"""How many connections are kept open for the next lanes. A handshake takes longer than most requests."""

_log = logging.getLogger(__name__)


class ReadyLanes:
    """Connections that were opened as lanes and belong to no front yet."""

    def __init__(self, connect: Callable[[], Awaitable[Documents]], ready: int = READY) -> None:
        """``connect`` returns a connection opened as a lane. Raises ``OSError``."""
        self._connect = connect
        self._most = ready
        self._ready: deque[Documents] = deque()
        self._opening: set[asyncio.Task[None]] = set()

    def fill(self) -> None:
        """Begin to open as many connections as are missing."""
        self._ready = deque(each for each in self._ready if not each.over)
        while len(self._ready) + len(self._opening) < self._most:
            task = asyncio.get_running_loop().create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def take(self) -> Documents:
        """Return a connection, which the caller closes. Raises ``OSError``."""
        found = None
        while self._ready and (found is None or found.over):
            found = self._ready.popleft()
        if found is None or found.over:
            found = await self._connect()
        self.fill()
        return found

    def close(self) -> None:
        """Close what no front has taken."""
        for task in self._opening:
            task.cancel()
        for each in self._ready:
            each.close()

    async def _open(self) -> None:
        try:
            self._ready.append(await self._connect())
        except OSError as error:
            _log.debug("no lane can be opened ahead: %s", error)


async def carry(lane: socket.socket, vpc_id: str, lanes: ReadyLanes) -> None:
    """Connect a lane of a VPC's front, which becomes this function's, to ``serve`` until one of the two ends it."""
    try:
        connection = await lanes.take()
    except OSError as error:
        # The front answers its client that the service is not available.
        _log.warning("a request in %s finds no connection: %s", vpc_id, error)
        lane.close()
        return
    except BaseException:
        lane.close()
        raise
    connection.write(encode(LaneTaken(vpc_id)))
    try:
        await relay(lane, connection)
    except OSError as error:
        _log.debug("a lane of %s ended: %s", vpc_id, error)
