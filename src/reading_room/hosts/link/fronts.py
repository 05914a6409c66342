"""The fronts of a joined host: their messages are passed on unread, and their lanes get connections of their own."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from reading_room.codec import DocumentError
from reading_room.hosts.front.lane import is_lane
from reading_room.hosts.front.records import LANES, MESSAGE_LIMIT, MESSAGES_A_TURN
from reading_room.hosts.link.lanes import ReadyLanes, carry
from reading_room.hosts.link.streams import Documents

Begin = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]
"""Starts a task that the session waits for, or cancels when it ends."""

_log = logging.getLogger(__name__)


async def carry_front(
    channel: socket.socket, vpc_id: str, connection: Documents, lanes: ReadyLanes, begin: Begin
) -> None:
    """Pass on the messages of a VPC's front until its channel or its connection to ``serve`` ends; close both.

    The lanes that it opened go on.
    """
    connection.limit = MESSAGE_LIMIT
    channel.setblocking(False)
    ways = [begin(_up(channel, vpc_id, connection, lanes, begin)), begin(_down(channel, vpc_id, connection))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in ways:
            each.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        channel.close()
        connection.close()


async def _up(channel: socket.socket, vpc_id: str, connection: Documents, lanes: ReadyLanes, begin: Begin) -> None:
    opened: set[asyncio.Task[None]] = set()
    count = 0
    try:
        while True:
            message, sockets = await _receive(channel, vpc_id)
            if not message:
                return
            if not sockets:
                await connection.send(message)
            elif not is_lane(sockets):
                for each in sockets:
                    each.close()
                raise DocumentError("a lane came without its socket")
            elif len(opened) >= LANES:
                sockets[0].close()
            else:
                task = begin(carry(sockets[0], vpc_id, lanes))
                opened.add(task)
                task.add_done_callback(opened.discard)
            count += 1
            if count % MESSAGES_A_TURN == 0:
                await asyncio.sleep(0)
    except (OSError, DocumentError) as error:
        _log.warning("the front of %s is disconnected: %s", vpc_id, error)


async def _down(channel: socket.socket, vpc_id: str, connection: Documents) -> None:
    loop = asyncio.get_running_loop()
    try:
        while (message := await connection.next()) is not None:
            while True:
                try:
                    channel.send(message)
                    break
                except BlockingIOError:
                    await _ready(channel, loop.add_writer, loop.remove_writer)
    except (OSError, DocumentError) as error:
        _log.warning("the front of %s is disconnected: %s", vpc_id, error)


async def _receive(channel: socket.socket, vpc_id: str) -> tuple[bytes, list[socket.socket]]:
    """Return the next message with the sockets that came with it; it is empty at the end. Raises ``OSError``."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            message, descriptors, flags, _ = socket.recv_fds(channel, MESSAGE_LIMIT, 4)
        except BlockingIOError:
            await _ready(channel, loop.add_reader, loop.remove_reader)
            continue
        sockets = [socket.socket(fileno=each) for each in descriptors]
        if not flags & socket.MSG_CTRUNC:
            return message, sockets
        # The kernel has closed the lane. The front's client gets an error and may try again.
        _log.error("a request in %s is dropped: the link has no file descriptor for it", vpc_id)
        for each in sockets:
            each.close()


async def _ready(sock: socket.socket, watch: Callable[..., object], unwatch: Callable[[socket.socket], object]) -> None:
    ready = asyncio.Event()
    watch(sock, ready.set)
    try:
        await ready.wait()
    finally:
        unwatch(sock)
