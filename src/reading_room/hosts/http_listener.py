"""One listening socket, served by uvicorn's protocol class, which keeps control of the connections that it accepts.

uvicorn's ``Server`` owns the process (signals, lifespan, one set of sockets). Here many sockets come and go while the
process runs, and closing one must cut its connections at once, so this uses the layer below: the protocol class.

All peers share the server's descriptors and memory, so none may take many of them: the connections of a peer are
limited, and so are the time and size of each request's head. Connections that wait for a handshake, a request's head or
the next request are limited in total, and the one that has waited longest makes room for a new one. Real clients send
their requests at once, so a client that opens thousands of silent connections shuts nobody else out. Requests that wait
for the client to send the body or to take the answer are limited by what they have proven (``unfinished.py``).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from reading_room.aws.call import NetworkPath
from reading_room.aws.cors import CrossOrigin, origin_in, readable
from reading_room.aws.counts import Counts, in_the_loop, site_of
from reading_room.aws.receive import (
    STANDING_KEY,
    AsgiApplication,
    Message,
    Receive,
    Scope,
    Send,
    announces_small_body,
    read_headers,
)
from reading_room.hosts.joined_writes import JoinedWrites
from reading_room.hosts.unfinished import ROOM, Proof, Room, Standing, Unfinished

KEEP_ALIVE_SECONDS = 30
HANDSHAKE_SECONDS = 10
HEAD_SECONDS = 30
"""How long a request's head may take, from the connection or from its first byte."""
HEAD_BYTES = 65_536
"""The size limit of a request's head; a longer one is answered with 400."""
CONNECTIONS = 4000
"""The most connections of one listener at a time; more get 503. ``WAITING`` leaves room for active ones."""
PEER_CONNECTIONS = 512
"""The most connections of one address to a listener, if addresses tell clients apart; more are closed at once."""
WAITING = 1000
"""The most connections of one listener that wait at a time; for one more, the one that has waited longest is cut."""
EXHAUSTED_SECONDS = 0.1
"""How long nothing is accepted when the process has no descriptors left."""

_TLS_NUMBERS = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
"""TLS versions by the numbers of ASGI's extension."""
_BEGIN_KEY = "reading_room.begin"
"""The scope's entry that ``_Admission`` takes out and calls when a request is about to be answered."""

log = logging.getLogger(__name__)


class HttpListener:
    """Serves an ASGI application on one socket, in the running event loop.

    ``most_of_a_peer`` limits the connections of one address; ``None`` sets no limit. Pages of ``origins`` may read the
    listener's own refusals; the application decides about its answers. A connection that is cut, or closed before its
    request was read, has no answer that a page could read. ``connections`` is how many are served at a time,
    ``waiting`` how many may wait, ``unfinished`` the room for requests that wait for their clients, and
    ``head_seconds`` how long a head may take.
    """

    def __init__(
        self,
        app: Any,
        sock: socket.socket,
        tls: ssl.SSLContext | None = None,
        most_of_a_peer: int | None = None,
        origins: Collection[str] = (),
        *,
        connections: int = CONNECTIONS,
        waiting: int = WAITING,
        unfinished: Mapping[Proof, Room] = ROOM,
        head_seconds: float = HEAD_SECONDS,
    ) -> None:
        self._config = uvicorn.Config(
            _Admission(app, origins),
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
        )
        self._config.load()
        self._socket = sock
        self._tls = tls
        self._most = most_of_a_peer
        self._connections = connections
        self._most_waiting = waiting
        self._head_seconds = head_seconds
        self.origins = frozenset(origins)
        self._state = ServerState()
        self._accepting: asyncio.Task[None] | None = None
        self._meetings: set[asyncio.Task[None]] = set()
        self._peers: Counter[str] = Counter()
        self._warned: set[str] = set()
        self._waiting: dict[_Connection, Callable[[], object]] = {}
        """The connections that wait, the longest first, each with the function that cuts it."""
        self.unfinished = Unfinished(unfinished)
        self.refused = Counts(later=in_the_loop)

    def renew(self, tls: ssl.SSLContext) -> None:
        """Use another context, with another certificate, for new handshakes; existing connections keep theirs."""
        self._tls = tls

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
                if not self._cut_longest_waiting():
                    self.unfinished.cut_one()
                await asyncio.sleep(EXHAUSTED_SECONDS)
                continue
            peer = address[0]
            if self._most is not None and self._peers[peer] >= self._most:
                # Logged once, until all of them are gone: a log can be flooded too.
                if peer not in self._warned:
                    log.warning("refused a connection from %s, which already has %d here", peer, self._most)
                    self._warned.add(peer)
                accepted.close()
                continue
            # Head and body of an answer are sent separately: the body must not wait until the head is acknowledged.
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peers[peer] += 1
            meeting = loop.create_task(self._meet(accepted, peer))
            self._meetings.add(meeting)
            meeting.add_done_callback(self._meetings.discard)

    async def _meet(self, accepted: socket.socket, peer: str) -> None:
        """Begin to serve a connection, with TLS after a handshake."""
        protocol = _Connection(
            self._config,
            self._state,
            self.origins,
            self._head_seconds,
            self._waits,
            lambda: self._leave(peer),
            self.unfinished,
            lambda code: self.refused.add(NetworkPath(source_ip=peer), "", code),
            site_of(peer),
            self._is_full,
        )
        task = asyncio.current_task()
        assert task is not None
        if len(self._waiting) >= self._most_waiting:
            self._cut_longest_waiting()
        self._waiting[protocol] = task.cancel
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: protocol,
                sock=accepted,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if self._tls else None,
            )
        except OSError as error:
            log.debug("a connection from %s ended before its first request: %s", peer, error)
        finally:
            if not protocol.made:
                self._waiting.pop(protocol, None)
                self._leave(peer)

    def _is_full(self) -> bool:
        return max(len(self._state.connections), len(self._state.tasks)) >= self._connections

    def _waits(self, connection: _Connection, *, waits: bool) -> None:
        """Note that a connection now waits for its peer, or no longer does."""
        self._waiting.pop(connection, None)
        if waits:
            self._waiting[connection] = connection.transport.abort

    def _cut_longest_waiting(self) -> bool:
        longest = next(iter(self._waiting), None)
        if longest is None:
            return False
        self._waiting.pop(longest)()
        return True

    def _leave(self, peer: str) -> None:
        self._peers[peer] -= 1
        if not self._peers[peer]:
            del self._peers[peer]
            self._warned.discard(peer)

    def stop_accepting(self) -> None:
        """Close the listening socket; accepted connections go on."""
        if self._accepting is not None:
            self._accepting.cancel()
            self._accepting = None
            # The loop watches the socket by its number, which another one may get as soon as this one is closed.
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
        self.refused.report()

    async def drain(self, seconds: float) -> None:
        """Stop accepting, let requests in progress finish for ``seconds``, then cut the rest."""
        self.stop_accepting()
        for connection in list(self._state.connections):
            connection.shutdown()
        deadline = asyncio.get_running_loop().time() + seconds
        while self._state.connections and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        self.cut()


class _Admission:
    """The application that uvicorn runs: the listener's own, or a refusal of a request that came while it was full.

    Pages of ``origins`` can read the refusal. It also answers their preflight requests, which costs no more. The
    connection is closed in both cases.
    """

    def __init__(self, app: AsgiApplication, origins: Collection[str]) -> None:
        self._app = app
        self._refusal = CrossOrigin(_refuse, origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope.pop(_BEGIN_KEY)():
            await self._app(scope, receive, send)
        else:
            await self._refusal(scope, receive, partial(_send_last, send))


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 503, as uvicorn does for its own ``limit_concurrency``."""
    body = b"Service Unavailable"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _send_last(send: Send, message: Message) -> None:
    """Send a message of the last answer on a connection."""
    if message["type"] == "http.response.start":
        message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
    await send(message)


class _Errors(logging.LoggerAdapter[logging.Logger]):
    """uvicorn's log without its warnings."""

    @property
    def level(self) -> int:
        """The level that is logged."""
        return self.logger.getEffectiveLevel()

    def warning(self, *_: object, **__: object) -> None:
        """Ignore a warning."""


class _Connection(HttpToolsProtocol):
    """A connection that limits the time and size of requests' heads, and reports when it waits and when it ends."""

    def __init__(
        self,
        config: uvicorn.Config,
        state: ServerState,
        origins: frozenset[str],
        head_seconds: float,
        waits: Any,
        ended: Any,
        unfinished: Unfinished,
        refused: Callable[[str], None],
        source: str,
        is_full: Callable[[], bool],
    ) -> None:
        super().__init__(config=config, server_state=state, app_state={})
        # uvicorn would log a line for each request that it refuses; they are counted instead.
        self.logger = _Errors(self.logger)  # type: ignore[assignment]
        self._unfinished = unfinished
        self._refused = refused
        self._source = source
        self._is_full = is_full
        self._arriving: Standing | None = None
        """The standing of the request that is being read."""
        self._in_body = False
        """Whether its head was read, but not all of its body."""
        self._answered: Standing | None = None
        """The standing of the request that is being answered."""
        self._untaken: Standing | None = None
        """The standing of the request whose answer the peer does not take."""
        self.made = False
        self._origins = origins
        self._head_seconds = head_seconds
        self._parsed = 0
        self._waits = waits
        self._ended = ended
        self._head: asyncio.TimerHandle | None = None
        """The timer that runs while a head is awaited."""
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.made = True
        secured = transport.get_extra_info("ssl_object")
        self._tls_version = _TLS_NUMBERS.get(secured.version()) if secured is not None else None
        self._waits(self, waits=True)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        self._waits(self, waits=False)
        for standing in (self._arriving, self._untaken):
            if standing is not None:
                standing.end()
        super().connection_lost(exc)
        self._ended()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of the request is too long.")
        if self._in_body and self._arriving is not None and not self.transport.is_closing():
            self._arriving.await_body(waits=True)

    def send_400_response(self, msg: str) -> None:
        """Refuse a malformed or too long request, and end the connection.

        A page can read the answer if its ``Origin`` was parsed before the fault. Otherwise none can: searching for the
        header in malformed bytes would mean trusting them, and naming an origin that was not sent would reveal to
        others' pages that this service is here.
        """
        self._refused("BadRequest")
        body = msg.encode("ascii")
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        # There is no scope before the first byte that the parser accepts as a request.
        scope: Any = self.scope
        origin = None if scope is None else origin_in(read_headers(scope), self._origins)
        if origin is not None:
            headers = readable(headers, origin)
        lines = b"".join(b"%s: %s\r\n" % header for header in headers)
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n%s\r\n%s" % (lines, body))
        self.transport.close()

    def _begin(self, standing: Standing, *, full: bool) -> bool:
        """Note that a request is about to be answered; return whether the application answers it."""
        self._answered = standing
        if full:
            self._refused("ServiceUnavailable")
        return not full

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers after a chunked body are not headers: they would be unlimited, and they are not signed.
        if self._head is not None:
            self._count(len(name) + len(value))
            super().on_header(name, value)

    def _count(self, size: int) -> None:
        """Count the parsed bytes of a head that arrived in one piece. The parser answers an error with 400."""
        self._parsed += size
        if self._parsed > HEAD_BYTES:
            raise ValueError("the head of a request is too long")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._parsed = 0
        self._in_body = False
        self._arriving = Standing(self._unfinished, self._source, self.transport.abort)
        self.scope[STANDING_KEY] = self._arriving  # type: ignore[literal-required]
        if self._tls_version is not None:
            self.scope["extensions"] = {"tls": {"tls_version": self._tls_version}}
        if self._head is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        self._forget_head()
        self._waits(self, waits=False)
        if not self.url.startswith(b"/"):
            self._take_host_of_target()
        self._in_body = True
        assert self._arriving is not None
        begin = partial(self._begin, self._arriving, full=self._is_full())
        self.scope[_BEGIN_KEY] = begin  # type: ignore[literal-required]
        is_next = self.cycle is None or self.cycle.response_complete
        super().on_headers_complete()
        joined = JoinedWrites(self.transport)
        self.cycle.transport, self.cycle.on_response = joined, joined.before(self.cycle.on_response)
        if is_next and self.cycle.waiting_for_100_continue:
            self._continue_small_body()

    def _continue_small_body(self) -> None:
        """Send ``100 Continue`` before the application asks for the body, if that is small."""
        length = next((value for name, value in self.headers if name == b"content-length"), None)
        if length is not None and announces_small_body(length.decode("latin-1")):
            self.cycle.waiting_for_100_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if self._arriving is not None:
            self._arriving.received(len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = False
        if self._arriving is not None:
            self._arriving.await_body(waits=False)
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._answered is not None:
            self._untaken = self._answered
            self._untaken.await_taking(waits=True)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._untaken is not None:
            self._untaken.await_taking(waits=False)
            self._untaken = None

    def _take_host_of_target(self) -> None:
        """Take the host from a target in absolute form, which overrides the header (RFC 9112, section 3.2.2)."""
        target = httptools.parse_url(self.url)
        if target.userinfo:
            raise ValueError("the target of a request names a user")
        if target.host:
            host = target.host if target.port is None else b"%s:%d" % (target.host, target.port)
            # Changed in place, because the request's scope has this very list.
            self.headers[:] = [(b"host", host), *(each for each in self.headers if each[0] != b"host")]
        if set(b"/?").isdisjoint(self.url.partition(b"://")[2]):
            self.url += b"/"

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._waits(self, waits=True)

    def _await_head(self) -> None:
        self._head = self.loop.call_later(self._head_seconds, self.transport.abort)

    def _forget_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None
            self._head_bytes = 0
