"""A front whose channel to the server is lost waits for another one, and ends if none comes."""

from __future__ import annotations

import asyncio
import socket

import pytest

from reading_room.agent.front_orders import Attach, Order
from reading_room.codec import encode
from reading_room.hosts.front.listeners import FrontListeners
from reading_room.hosts.front.process import ChannelLost, serve
from tests.worlds.waiting import eventually_in_loop


class Agent:
    """The agent's end of a front's orders, and the server's ends of the channels that it makes."""

    def __init__(self) -> None:
        self._orders, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def attach(self) -> socket.socket:
        """Give the front a channel; return the server's end."""
        server, front = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with front:
            socket.send_fds(self._orders, [encode(Order(Attach()))], [front.fileno()])
        return server

    def end(self) -> None:
        """Send no more orders."""
        self._orders.close()


class Patience:
    """How long a front waits for a new channel: until the test ends the wait."""

    def __init__(self) -> None:
        self.waits = 0
        self._over = asyncio.Event()

    async def __call__(self) -> None:
        self.waits += 1
        await self._over.wait()
        self._over.clear()

    def end(self) -> None:
        """End the wait."""
        self._over.set()


def test_a_front_ends_if_it_gets_no_new_channel_so_that_the_agent_replaces_it() -> None:
    async def scenario() -> None:
        agent, patience = Agent(), Patience()
        front = asyncio.create_task(serve(agent.theirs, FrontListeners(), patience))
        agent.attach().close()
        patience.end()
        async with asyncio.timeout(10):
            with pytest.raises(ChannelLost):
                await front
        agent.end()

    asyncio.run(scenario())


def test_a_front_that_has_a_new_channel_in_time_goes_on() -> None:
    async def scenario() -> None:
        agent, listeners, patience = Agent(), FrontListeners(), Patience()
        front = asyncio.create_task(serve(agent.theirs, listeners, patience))
        async with asyncio.timeout(10):
            agent.attach().close()
            await eventually_in_loop(lambda: patience.waits == 1)
            second = agent.attach()
            await eventually_in_loop(lambda: not listeners.lost.is_set())
            patience.end()
            # The next loss is waited out as well, so the front did not end after the first one.
            second.close()
            await eventually_in_loop(lambda: patience.waits == 2)
            third = agent.attach()
            await eventually_in_loop(lambda: not listeners.lost.is_set())
            assert not front.done()
            agent.end()
            await front
        third.close()

    asyncio.run(scenario())
