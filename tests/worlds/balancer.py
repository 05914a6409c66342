"""A load balancer: one port in front of several, of which any may be gone."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

PIECE = 65_536


def _here(port: int) -> AbstractContextManager[None]:
    """Return a block in which every port is on this thread's machine."""
    return nullcontext()


@contextmanager
def balancing(ports: Sequence[int], at: Callable[[int], AbstractContextManager[None]] = _here) -> Iterator[int]:
    """Pass connections to ``ports`` on loopback in turn, or to the next one that accepts; yield the port in front.

    ``at`` returns a block in which a connection to a port is made.
    """
    loop = asyncio.new_event_loop()
    turns = itertools.cycle(range(len(ports)))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = next(turns)
        with suppress(asyncio.CancelledError):
            for port in (*ports[first:], *ports[:first]):
                with suppress(OSError):
                    with at(port):
                        opened = socket.create_connection(("127.0.0.1", port))
                    there = await asyncio.open_connection(sock=opened)
                    await asyncio.gather(_pass_on(reader, there[1]), _pass_on(there[0], writer))
                    return
        writer.close()

    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, name="balancer", daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_cancel_others(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(PIECE):
            writer.write(data)
            await writer.drain()
    writer.close()
