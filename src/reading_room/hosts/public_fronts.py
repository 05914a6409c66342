"""The server's connection to the agent about the fronts of its listen addresses (``agent/public_listeners.py``).

It is beside the conversation with the agent, which only the ``serve`` that leads has.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from reading_room.agent.frames import connected
from reading_room.agent.public_listeners import (
    DOCUMENT_LIMIT,
    SOCKET,
    FromServe,
    PublicListener,
    Replace,
    Started,
    Wanted,
)
from reading_room.codec import DocumentError, decode, encode
from reading_room.hosts import public_listener

RETRY_SECONDS = 0.2
"""The agent starts at the same time as the server, and comes back soon after a crash."""

log = logging.getLogger(__name__)


class PublicFronts:
    """Asks the agent for a front for each listener, again and again if the agent ends. Runs in the event loop."""

    def __init__(self, agent: Path, listeners: Mapping[PublicListener, public_listener.PublicListener]) -> None:
        """``agent`` is the path of the agent's own socket."""
        self._path = agent.with_name(SOCKET)
        self._listeners = listeners
        self._task: asyncio.Task[None] | None = None
        self._connection: socket.socket | None = None
        for name, listener in listeners.items():
            listener.replace = partial(self._replace, name)

    def start(self) -> None:
        """Begin to ask."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def close(self) -> None:
        """End the connection, and with it the fronts."""
        if self._task is not None:
            self._task.cancel()
        self._hang_up()

    async def _run(self) -> None:
        told = False
        while True:
            try:
                self._connection = connected(self._path, socket.SOCK_SEQPACKET)
                self._connection.setblocking(False)
                self._connection.send(encode(FromServe(Wanted(tuple(self._listeners)))))
                told = False
                await self._receive(self._connection)
            except (OSError, DocumentError) as error:
                if not told:
                    urls = " and ".join(listener.address.url for listener in self._listeners.values())
                    log.warning("nobody answers at %s until the agent starts a front for it: %s", urls, error)
                told = True
            finally:
                self._hang_up()
            await asyncio.sleep(RETRY_SECONDS)

    async def _receive(self, connection: socket.socket) -> None:
        """Take the fronts that the agent starts, until the connection ends. Raises ``OSError``."""
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(connection, readable.set)
        try:
            while True:
                await readable.wait()
                readable.clear()
                try:
                    document, descriptors, _, _ = socket.recv_fds(connection, DOCUMENT_LIMIT, 1)
                except BlockingIOError:
                    continue
                sent = [socket.socket(fileno=each) for each in descriptors]
                if not document:
                    raise ConnectionResetError("the agent is gone")
                if not sent:
                    raise DocumentError("a front came without its channel")
                # The agent may be of a newer version, which an upgrade started first.
                started = decode(Started, document, newer=True)
                self._listeners[started.listener].attach(sent.pop())
        finally:
            loop.remove_reader(connection)

    def _replace(self, name: PublicListener) -> None:
        if self._connection is not None:
            try:
                self._connection.send(encode(FromServe(Replace(name))))
            except OSError as error:
                log.warning("the agent does not replace the front of %s: %s", name, error)

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
