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


def test_a_front_ends_if_it_gets_no_new_channel_so_that_the_agent_replaces_it() -> None:
    async def scenario() -> None:
        agent = Agent()
        front = asyncio.create_task(serve(agent.theirs, FrontListeners(), lost_seconds=0.01))
        agent.attach().close()
        async with asyncio.timeout(10):
            with pytest.raises(ChannelLost):
                await front
        agent.end()

    asyncio.run(scenario())


def test_a_front_that_never_had_a_channel_or_has_a_new_one_goes_on() -> None:
    async def scenario() -> None:
        agent, listeners = Agent(), FrontListeners()
        front = asyncio.create_task(serve(agent.theirs, listeners, lost_seconds=0.05))
        async with asyncio.timeout(10):
            first = agent.attach()
            await eventually_in_loop(lambda: listeners._relay.channel)
            first.close()
            await listeners.lost.wait()
            second = agent.attach()
            await eventually_in_loop(lambda: not listeners.lost.is_set())
            await asyncio.sleep(0.1)
            assert not front.done()
            agent.end()
            await front
        second.close()

    asyncio.run(scenario())
