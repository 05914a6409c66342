"""One listening socket, served by uvicorn's protocol, with its own hold on the connections it accepted.

uvicorn's ``Server`` owns the process (signals, lifespan, one set of sockets). Here many sockets come and go while the
process runs, and closing one must cut its connections at once, so this uses the layer below: the protocol class.

All jobs share the server's descriptors and memory, so none may hold much of them: a peer has so many connections at a
time, and each must say what it wants within some seconds and some bytes.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import Counter
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

KEEP_ALIVE_SECONDS = 30
HANDSHAKE_SECONDS = 10
HEAD_SECONDS = 30
"""How long a request's head may take, from the connection or from its first byte."""
HEAD_BYTES = 65_536
"""How long a request's head may be; more is answered with 400."""
CONNECTIONS = 2000
"""Connections that one listener serves at a time; more get 503."""
EXHAUSTED_SECONDS = 0.1
"""How long nothing is accepted when the process has no descriptor left."""

log = logging.getLogger(__name__)


class HttpListener:
    """Serves an ASGI application on one socket, in the running event loop.

    ``most_of_a_peer`` is how many connections one address may have at a time; ``None`` sets no bound.
    """

    def __init__(
        self, app: Any, sock: socket.socket, tls: ssl.SSLContext | None = None, most_of_a_peer: int | None = None
    ) -> None:
        self._config = uvicorn.Config(
            app,
            loop="none",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            limit_concurrency=CONNECTIONS,
        )
        self._config.load()
        self._socket = sock
        self._tls = tls
        self._most = most_of_a_peer
        self._state = ServerState()
        self._accepting: asyncio.Task[None] | None = None
        self._meetings: set[asyncio.Task[None]] = set()
        self._peers: Counter[str] = Counter()
        self._told: set[str] = set()

    async def start(self) -> None:
        """Begin to accept connections."""
        self._socket.setblocking(False)
        self._socket.listen(1024)
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(self._socket)
            except OSError as error:
                log.warning("cannot accept a connection: %s", error)
                await asyncio.sleep(EXHAUSTED_SECONDS)
                continue
            peer = address[0]
            if self._most is not None and self._peers[peer] >= self._most:
                # Said once, until all of them are gone: a log can be flooded too.
                if peer not in self._told:
                    log.warning("refused a connection of %s, which has %d here already", peer, self._most)
                    self._told.add(peer)
                accepted.close()
                continue
            self._peers[peer] += 1
            meeting = loop.create_task(self._meet(accepted, peer))
            self._meetings.add(meeting)
            meeting.add_done_callback(self._meetings.discard)

    async def _meet(self, accepted: socket.socket, peer: str) -> None:
        """Begin to serve a connection: with TLS, shake hands first."""
        protocol = _Connection(self._config, self._state, lambda: self._leave(peer))
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: protocol,
                sock=accepted,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if self._tls else None,
            )
        except OSError as error:
            log.debug("a connection of %s ended before its first request: %s", peer, error)
        finally:
            if not protocol.made:
                self._leave(peer)

    def _leave(self, peer: str) -> None:
        self._peers[peer] -= 1
        if not self._peers[peer]:
            del self._peers[peer]
            self._told.discard(peer)

    def stop_accepting(self) -> None:
        """Close the listening socket; accepted connections go on."""
        if self._accepting is not None:
            self._accepting.cancel()
            self._accepting = None
            # The loop waits for the socket by its number, which another may have as soon as this one is closed.
            asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def cut(self) -> None:
        """Close the listening socket and every connection it accepted, at once."""
        self.stop_accepting()
        for meeting in self._meetings:
            meeting.cancel()
        for connection in list(self._state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()

    async def drain(self, seconds: float) -> None:
        """Stop accepting, let requests in progress end for so many seconds, then cut."""
        self.stop_accepting()
        for connection in list(self._state.connections):
            connection.shutdown()
        deadline = asyncio.get_running_loop().time() + seconds
        while self._state.connections and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        self.cut()


class _Connection(HttpToolsProtocol):
    """A connection whose requests' heads must come in time and be short, and whose end is told."""

    def __init__(self, config: uvicorn.Config, state: ServerState, ended: Any) -> None:
        super().__init__(config=config, server_state=state, app_state={})
        self.made = False
        self._ended = ended
        self._head: asyncio.TimerHandle | None = None
        """Runs while a head is awaited."""
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.made = True
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        super().connection_lost(exc)
        self._ended()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of the request is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        # What comes behind a chunked body is no header: it would be without bound, and was not signed.
        if self._head is not None:
            super().on_header(name, value)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        self._forget_head()
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._head = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _forget_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None
            self._head_bytes = 0
