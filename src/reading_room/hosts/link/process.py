"""The link's process, once it has given up what it does not need: sessions until a signal ends it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

import uvloop

from reading_room.hosts.link.connecting import LinkConfig
from reading_room.hosts.link.session import run as hold_sessions


def run(config: LinkConfig, ready: Callable[[], None]) -> None:
    """Connect the agent to ``serve`` until SIGTERM; ``ready`` is called once it tries to."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(config, ready))


async def _main(config: LinkConfig, ready: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    sessions = loop.create_task(hold_sessions(config))
    ready()
    await asyncio.wait((sessions, loop.create_task(stop.wait())), return_when=asyncio.FIRST_COMPLETED)
    if sessions.done():
        sessions.result()
    sessions.cancel()
    await asyncio.gather(sessions, return_exceptions=True)
