"""A front: the process that reads what one VPC sends, or one listen address gets, so that the server need not.

It receives orders at descriptor 0. It has its own user id, no database, no files, and no network except the listeners
of its VPC, or that one; from its first order on it may only accept, read, write and exit. A client that takes it over
can only impersonate clients of the same VPC, or of the same address.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import uvloop

from reading_room import landlock
from reading_room.agent.front_orders import LISTENERS_PER_ORDER, ORDER_LIMIT, Leave, Order, Serve
from reading_room.codec import decode, encode
from reading_room.containers import seccomp
from reading_room.containers.calls import FRONT
from reading_room.hosts.front.listeners import FrontListeners
from reading_room.hosts.front.records import Answered, Asked, FromFront, FromServer
from reading_room.hosts.http_listener import HttpListener

MEMORY_BYTES = 4 << 30
FILE_BYTES = 65_536
"""A certificate is read from a file in memory."""
LINES_A_SECOND = 10
LAST_SECONDS = 60.0
"""How long requests in progress may take to finish once there are no more orders."""


LOST_SECONDS = 10.0
"""How long a front waits for a new channel after it has lost its own. A server restarts in less time."""
CHANNEL_LOST = 3
"""The exit code of a front that has lost its channel. The agent then starts another one, with a channel of its own."""


class ChannelLost(Exception):
    """The channel to the server ended, and the agent does not know of it."""


class Lines(logging.Handler):
    """Sends log lines to the server, at most ``LINES_A_SECOND``."""

    def __init__(self, listeners: FrontListeners) -> None:
        super().__init__(logging.WARNING)
        self._listeners = listeners
        self._second = 0
        self._count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Send a line."""
        second = int(record.created)
        self._count = self._count + 1 if second == self._second else 1
        self._second = second
        if self._count <= LINES_A_SECOND:
            self._listeners.tell(f"{record.levelname} {record.getMessage()}"[:500])


async def serve(
    orders: socket.socket,
    listeners: FrontListeners,
    patience: Callable[[], Awaitable[object]] = partial(asyncio.sleep, LOST_SECONDS),
) -> None:
    """Follow orders until the agent closes its end, then let requests in progress finish.

    Raises ``ChannelLost`` if the channel to the server was lost, and there is no new one when ``patience`` is over.
    """
    orders.setblocking(False)
    lost = asyncio.create_task(_lost(listeners, patience))
    following = asyncio.create_task(_obey(orders, listeners))
    try:
        await asyncio.wait((lost, following), return_when=asyncio.FIRST_COMPLETED)
        if lost.done():
            raise ChannelLost
        await following
    finally:
        lost.cancel()
        following.cancel()
    await listeners.drain(LAST_SECONDS)


async def _lost(listeners: FrontListeners, patience: Callable[[], Awaitable[object]]) -> None:
    """Return once the channel is lost and no new one has come for some time."""
    while True:
        await listeners.lost.wait()
        if listeners.public is None:
            await patience()
        if listeners.lost.is_set():
            return


async def _obey(orders: socket.socket, listeners: FrontListeners) -> None:
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    loop.add_reader(orders, arrived.set)
    try:
        while True:
            await arrived.wait()
            arrived.clear()
            try:
                content, descriptors, _, _ = socket.recv_fds(orders, ORDER_LIMIT, LISTENERS_PER_ORDER)
            except BlockingIOError:
                continue
            arrived.set()
            if not content:
                break
            await _follow(decode(Order, content), [socket.socket(fileno=each) for each in descriptors], listeners)
    finally:
        loop.remove_reader(orders)


async def _follow(order: Order, sent: Sequence[socket.socket], listeners: FrontListeners) -> None:
    body = order.body
    if isinstance(body, Serve):
        for label, sock in zip(body.labels, sent, strict=True):
            await listeners.add(label, sock)
    elif isinstance(body, Leave):
        for label in body.labels:
            listeners.remove(label)
    else:
        (channel,) = sent
        listeners.attach(channel)


def main() -> None:
    """Serve one VPC, or one listen address."""
    orders = socket.socket(fileno=0)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_rehearse())
    give_up_rights()
    # A loop that is created now finds no io_uring, whose calls a filter cannot inspect, and works without it.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(orders))


async def _main(orders: socket.socket) -> None:
    listeners = FrontListeners()
    logging.getLogger().addHandler(Lines(listeners))
    try:
        await serve(orders, listeners)
    except ChannelLost as error:
        raise SystemExit(CHANNEL_LOST) from error


async def _rehearse() -> None:
    """Import everything that would be imported later, when nothing can be imported any more."""
    encode(Order(Leave(())))
    encode(FromFront(Asked(1, "localhost", 1)))
    decode(FromServer, encode(FromServer(Answered(1))))
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        HttpListener(None, ours)


def give_up_rights() -> None:
    """Permanently give up what a front does not need: every file, and every system call that it does not use."""
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    give_up_calls = seccomp.only(FRONT)
    landlock.refuse_new_privileges()
    landlock.restrict_to(landlock.Allowed())
    give_up_calls()


if __name__ == "__main__":
    main()
