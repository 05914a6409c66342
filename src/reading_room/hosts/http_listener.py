"""One listening socket, served by uvicorn's protocol, with its own hold on the connections it accepted.

uvicorn's ``Server`` owns the process (signals, lifespan, one set of sockets). Here many sockets come and go while the
process runs, and closing one must cut its connections at once, so this uses the layer below: the protocol class.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

KEEP_ALIVE_SECONDS = 30
CONNECTIONS = 2000
"""Connections that one listener serves at a time; more get 503."""


class HttpListener:
    """Serves an ASGI application on one socket, in the running event loop."""

    def __init__(self, app: Any, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
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
        self._state = ServerState()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to accept connections."""
        loop = asyncio.get_running_loop()
        self._socket.setblocking(False)
        self._server = await loop.create_server(
            self._protocol,
            sock=self._socket,
            ssl=self._tls,
            backlog=1024,
            ssl_handshake_timeout=10 if self._tls else None,
        )

    def _protocol(self) -> asyncio.Protocol:
        return HttpToolsProtocol(config=self._config, server_state=self._state, app_state={})

    def stop_accepting(self) -> None:
        """Close the listening socket; accepted connections go on."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._socket.close()

    def cut(self) -> None:
        """Close the listening socket and every connection it accepted, at once."""
        self.stop_accepting()
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
