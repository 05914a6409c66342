"""Sessions of a link: for as long as ``serve`` takes its documents, the agent has a server.

The link connects to the agent only while it has a control connection, and closes both together. So the agent keeps its
flow events, and fronts let their clients wait, exactly as while a ``serve`` on the same machine restarts.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reading_room.agent.frames import FRAME_LIMIT, FromAgent, Front, Greeting, Realtime
from reading_room.codec import DocumentError, decode, encode
from reading_room.hosts.link.agent_socket import AgentSocket
from reading_room.hosts.link.documents import (
    ANSWER_LIMIT,
    Accepted,
    Control,
    FrontOpened,
    LaneReady,
    LeaderElsewhere,
    Opening,
    RealtimeStarted,
    parse_place,
    read_answer,
)
from reading_room.hosts.link.fronts import carry_front
from reading_room.hosts.link.lanes import ReadyLanes
from reading_room.hosts.link.places import Places
from reading_room.hosts.link.streams import Documents, notice_dead_peer, relay
from reading_room.sealing import write_file

CONNECT_SECONDS = 5.0
"""How long a connection, its handshake, and the answer to its first document may each take."""
AGENT_SECONDS = 0.05
"""The pause before the agent is tried again: it starts at the same time as the link."""
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0)
"""The pauses before ``serve`` is tried again. The last one repeats."""
REFUSED_SECONDS = 5.0
"""The pause after ``serve`` has refused this host, which only its operator can change."""

_log = logging.getLogger(__name__)


class SessionEnded(Exception):
    """The control connection or the agent's ended; the message says which and why."""


class HostRefused(Exception):
    """``serve`` does not accept this host; the message says why."""


@dataclass(frozen=True, slots=True)
class LinkConfig:
    """Where a link connects to.

    ``agent`` is the path of the agent's socket. ``places`` are the known addresses of ``serve`` processes.
    ``context`` has this host's certificate and trusts the authority of the installation, whose server certificates
    name ``server_name``. ``authority`` is the file for the certificate of the authority that containers trust, which
    the agent waits for; its folder exists.
    """

    agent: Path
    authority: Path
    places: Places
    context: ssl.SSLContext
    server_name: str


async def run(config: LinkConfig) -> None:
    """Hold one session after the other until cancelled."""
    following: str | None = None
    attempts = 0
    said = ""
    while True:
        places = config.places.all()
        place = following or places[attempts % len(places)]
        following = None
        pause = RETRY_SECONDS[min(attempts // len(places), len(RETRY_SECONDS) - 1)]
        try:
            await _session(config, place)
        except _Elsewhere as leader:
            _log.info("the serve at %s leaves jobs to the one at %s", place, leader.place)
            await asyncio.to_thread(config.places.learn, [leader.place])
            # Two that name each other are not followed without a pause.
            following, pause = leader.place, pause if attempts else 0.0
            attempts += 1
        except SessionEnded as error:
            _log.warning("%s: connecting again", error)
            attempts, said = 0, ""
        except HostRefused as error:
            attempts, pause = attempts + 1, REFUSED_SECONDS
            if str(error) != said:
                _log.error("the serve at %s does not accept this host: %s", place, error)
            said = str(error)
        except (OSError, DocumentError) as error:
            attempts += 1
            if str(error) != said:
                _log.warning("no connection to the serve at %s (%s): trying again", place, error or "it took too long")
            said = str(error)
        await asyncio.sleep(pause)


class _Elsewhere(Exception):
    """Another ``serve`` moves the jobs."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place


async def _session(config: LinkConfig, place: str) -> None:
    """Hold a session with the ``serve`` at a place; return by an exception."""
    control = await _connect(config, place, Control())
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            document = await control.next()
        if document is None:
            # Nobody leads at the moment, or there are too many connections.
            raise ConnectionResetError("it closed the connection")
        answer = read_answer(document)
        if isinstance(answer, LeaderElsewhere):
            raise _Elsewhere(answer.place)
        if not isinstance(answer, Accepted):
            raise HostRefused(answer.reason)
        await asyncio.to_thread(_keep_authority, config.authority, answer.authority.encode("ascii"))
        await asyncio.to_thread(config.places.learn, [place, *answer.places])
        control.limit = FRAME_LIMIT
        agent = await _agent(config.agent, control)
        _log.info("connected to the serve at %s", place)
        try:
            await _Session(config, place, control, agent).run()
        finally:
            await agent.close()
    finally:
        control.close()


def _keep_authority(path: Path, certificate: bytes) -> None:
    """Keep the certificate that containers trust, unless it is there already. Raises ``OSError``."""
    try:
        if path.read_bytes() == certificate:
            return
    except FileNotFoundError:
        pass
    write_file(path, certificate, 0o644)


async def _connect(
    config: LinkConfig, place: str, purpose: Control | FrontOpened | LaneReady | RealtimeStarted
) -> Documents:
    """Return a connection whose first document is sent. Raises ``OSError``."""
    host, port = parse_place(place)
    connection = Documents(ANSWER_LIMIT)
    async with asyncio.timeout(CONNECT_SECONDS * 2):
        transport, _ = await asyncio.get_running_loop().create_connection(
            lambda: connection,
            host,
            port,
            ssl=config.context,
            server_hostname=config.server_name,
            ssl_handshake_timeout=CONNECT_SECONDS,
        )
    notice_dead_peer(transport.get_extra_info("socket"))
    connection.write(encode(Opening(Greeting(), purpose)))
    return connection


async def _agent(path: Path, control: Documents) -> AgentSocket:
    """Return a connection to the agent as soon as there is one. Raises ``SessionEnded`` if ``serve`` ends before."""
    waits = False
    while not control.over:
        try:
            return await asyncio.to_thread(AgentSocket, path)
        except OSError as error:
            if not waits:
                _log.info("no agent at %s yet (%s): trying again", path, error.strerror)
            waits = True
            await asyncio.sleep(AGENT_SECONDS)
    raise SessionEnded("the serve ended its connection")


class _Session:
    """A control connection and the agent's connection, with all that came by them."""

    def __init__(self, config: LinkConfig, place: str, control: Documents, agent: AgentSocket) -> None:
        self._config = config
        self._place = place
        self._control = control
        self._agent = agent
        self._lanes = ReadyLanes(lambda: _connect(config, place, LaneReady()))
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Pass everything on until one of the two connections ends. Raises ``SessionEnded``."""
        self._lanes.fill()
        ways = [self._begin(self._down()), self._begin(self._up())]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()
        finally:
            self._lanes.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _down(self) -> None:
        try:
            while (document := await self._control.next()) is not None:
                await self._agent.send(document)
        except (OSError, DocumentError) as error:
            raise SessionEnded(f"the session ended ({error})") from error
        raise SessionEnded("the serve ended its connection")

    async def _up(self) -> None:
        try:
            while (sent := await self._agent.next()) is not None:
                document, sockets = sent
                if sockets:
                    self._take(document, sockets)
                else:
                    await self._control.send(document)
        except (OSError, DocumentError) as error:
            raise SessionEnded(f"the session ended ({error})") from error
        raise SessionEnded("the agent ended its connection")

    def _take(self, document: bytes, sockets: list[socket.socket]) -> None:
        """Begin to serve what came with a document. Raises ``DocumentError``."""
        try:
            # The agent may be of a newer version, which an upgrade started first.
            body = decode(FromAgent, document, newer=True).body
            if len(sockets) != 1 or not isinstance(body, Front | Realtime):
                raise DocumentError("the agent sent a descriptor with a document that names none")
        except DocumentError:
            for each in sockets:
                each.close()
            raise
        if isinstance(body, Front):
            self._begin(self._front(body.vpc_id, sockets[0]))
        else:
            self._begin(self._realtime(body.container_id, sockets[0]))

    async def _front(self, vpc_id: str, channel: socket.socket) -> None:
        with channel:
            try:
                connection = await _connect(self._config, self._place, FrontOpened(vpc_id))
            except OSError as error:
                # The front ends, and the agent starts another one.
                _log.warning("the front of %s finds no connection: %s", vpc_id, error)
                return
            await carry_front(channel, vpc_id, connection, self._lanes, self._begin)

    async def _realtime(self, container_id: str, sock: socket.socket) -> None:
        with sock:
            try:
                connection = await _connect(self._config, self._place, RealtimeStarted(container_id))
                await relay(sock, connection)
            except OSError as error:
                _log.warning("the container %s is disconnected: %s", container_id, error)
