"""DNS queries from a VPC, by UDP and by TCP: read, limited, passed to the server and answered."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from reading_room.hosts.front import dns_messages
from reading_room.hosts.front.channel import Unavailable
from reading_room.hosts.front.records import Answered

TCP_SECONDS = 5.0
TCP_CONNECTIONS = 64
"""The most TCP connections of one address at a time."""
OF_ONE_ADDRESS = 32
"""The most queries of one address that wait for the server at a time; more are dropped."""

Ask = Callable[[str, int], Awaitable[Answered]]

_log = logging.getLogger(__name__)


class RateLimiter:
    """A token bucket per source: at most ``per_second`` packets a second, as for each EC2 interface.

    It remembers the ``sources`` that it saw last. The caller provides the time: seconds that never go back.
    """

    def __init__(self, per_second: int = 1024, sources: int = 4096) -> None:
        self._rate = float(per_second)
        self._sources = sources
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, source: str, now: float) -> bool:
        """Count a packet from a source at the moment ``now``, and say whether it may be answered."""
        left, before = self._buckets.pop(source, (self._rate, now))
        left = min(self._rate, left + (now - before) * self._rate)
        allowed = left >= 1.0
        self._buckets[source] = (left - 1.0 if allowed else left, now)
        if len(self._buckets) > self._sources:
            self._buckets.popitem(last=False)
        return allowed


class Resolver:
    """Answers the packets of one VPC. ``ask`` queries the server, which knows names, and may raise ``Unavailable``."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._limiter = RateLimiter()
        self._waiting: Counter[str] = Counter()
        self._warned: set[str] = set()

    async def answer(self, packet: bytes, source: str) -> bytes:
        """Return the answer to a packet from an address, empty to stay silent."""
        if not self._limiter.allows(source, time.monotonic()):
            return b""
        question = dns_messages.read(packet)
        if isinstance(question, bytes):
            return question
        if self._waiting[source] >= OF_ONE_ADDRESS:
            return b""
        self._waiting[source] += 1
        try:
            answered = await self._ask(question.name, question.kind)
        except (Unavailable, TimeoutError):
            return b""
        finally:
            _leave(self._waiting, source)
        return b"" if answered.silent else dns_messages.answer(question, answered.records)

    async def serve(self, kind: str, sock: socket.socket) -> asyncio.DatagramTransport | asyncio.Server:
        """Begin to answer at a socket, by UDP or by TCP."""
        if kind == "resolver-udp":
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=sock)
            return transport
        return await asyncio.start_server(self._stream(), sock=sock)

    def _stream(self) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        asking: Counter[str] = Counter()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            source = writer.get_extra_info("peername")[0]
            if asking[source] >= TCP_CONNECTIONS:
                if source not in self._warned:
                    _log.warning("refused a query from %s, which has %d connections", source, TCP_CONNECTIONS)
                    self._warned.add(source)
                writer.transport.abort()
                return
            asking[source] += 1
            try:
                async with asyncio.timeout(TCP_SECONDS):
                    size = int.from_bytes(await reader.readexactly(2), "big")
                    answer = await self.answer(await reader.readexactly(size), source)
                    if answer:
                        writer.write(len(answer).to_bytes(2, "big") + answer)
                        await writer.drain()
            except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
                _log.debug("a TCP query from %s ended early: %r", source, error)
            finally:
                _leave(asking, source)
                if source not in asking:
                    self._warned.discard(source)
                writer.close()

        return serve


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._transport: asyncio.DatagramTransport | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, data: bytes, addr: tuple[Any, ...]) -> None:
        answer = await self._resolver.answer(data, str(addr[0]))
        if answer and self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(answer, addr)

    def error_received(self, exc: Exception) -> None:
        _log.debug("a datagram: %r", exc)


def _leave(counter: Counter[str], source: str) -> None:
    counter[source] -= 1
    if not counter[source]:
        del counter[source]
