"""Sessions of a link: for as long as ``serve`` takes its documents, the agent has a server.

The link connects to the agent only while it has a control connection, and closes both together. So the agent keeps its
flow events, and fronts let their clients wait, exactly as while a ``serve`` on the same machine restarts.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from reading_room.agent.frames import FRAME_LIMIT, FromAgent, Front, Realtime
from reading_room.codec import DocumentError, decode
from reading_room.hosts.link.agent_socket import AgentSocket
from reading_room.hosts.link.connecting import LinkConfig, answer, connect
from reading_room.hosts.link.documents import FrontOpened, LaneReady, PlacesWanted, RealtimeStarted, read_places
from reading_room.hosts.link.fronts import carry_front
from reading_room.hosts.link.lanes import ReadyLanes
from reading_room.hosts.link.leader import RETRY_SECONDS, Leader, close_unused, find
from reading_room.hosts.link.streams import Documents, relay
from reading_room.sealing import write_file

AGENT_SECONDS = 0.05
"""The pause before the agent is tried again: it starts at the same time as the link."""

_log = logging.getLogger(__name__)


class SessionEnded(Exception):
    """The control connection or the agent's ended; the message says which and why."""


class _LeaderChanged(Exception):
    """The ``serve`` of a session says nothing, and another one has accepted this host."""

    def __init__(self, leader: Leader) -> None:
        super().__init__(leader.place)
        self.leader = leader


async def run(config: LinkConfig) -> None:
    """Hold one session after the other until cancelled."""
    leader: Leader | None = None
    failures, said = 0, ""
    while True:
        if leader is None:
            leader = await find(config)
        place = leader.place
        try:
            await _session(config, leader)
        except _LeaderChanged as change:
            _log.warning("the serve at %s says nothing, and the one at %s leads", place, change.leader.place)
            leader, failures = change.leader, 0
            continue
        except SessionEnded as error:
            _log.warning("%s: connecting again", error)
            failures, said = 0, ""
        except (OSError, DocumentError) as error:
            failures += 1
            if str(error) != said:
                _log.warning("no session with the serve at %s (%s): trying again", place, error)
            said = str(error)
        leader = None
        await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])


async def _session(config: LinkConfig, leader: Leader) -> None:
    """Hold a session with a ``serve`` that has accepted this host; return by an exception."""
    control = leader.control
    try:
        await asyncio.to_thread(_keep_authority, config.authority, leader.accepted.authority.encode("ascii"))
        await asyncio.to_thread(config.places.learn, [leader.place, *leader.accepted.places])
        control.limit = FRAME_LIMIT
        agent = await _agent(config.agent, control)
        _log.info("connected to the serve at %s", leader.place)
        try:
            await _Session(config, leader.place, control, agent).run()
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
        self._lanes = ReadyLanes(lambda: connect(config, place, LaneReady()))
        self._tasks: set[asyncio.Task[None]] = set()
        self._heard = asyncio.Event()
        """Set by every document that comes down."""

    async def run(self) -> None:
        """Pass everything on until one of the two connections ends, or another ``serve`` leads.

        Raises ``SessionEnded`` and ``_LeaderChanged``.
        """
        self._lanes.fill()
        self._begin(self._learn())
        ways = [self._begin(self._watch()), self._begin(self._down()), self._begin(self._up())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for each in ways:
                if each.done():
                    each.result()
        finally:
            self._lanes.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*ways, *self._tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _learn(self) -> None:
        """Learn again and again where other ``serve`` processes listen."""
        while True:
            await asyncio.sleep(self._config.places_seconds)
            try:
                connection = await connect(self._config, self._place, PlacesWanted())
                try:
                    others = read_places(await answer(connection))
                finally:
                    connection.close()
                await asyncio.to_thread(self._config.places.learn, [self._place, *others])
            except (OSError, DocumentError) as error:
                _log.debug("the serve at %s does not say where others are: %s", self._place, error)

    async def _watch(self) -> None:
        """Look for another leader whenever this one says nothing. Raises ``_LeaderChanged``.

        A machine that is gone says nothing, and a process that is suspended: the kernel keeps its connections.
        """
        while True:
            self._heard.clear()
            try:
                async with asyncio.timeout(self._config.quiet_seconds):
                    await self._heard.wait()
            except TimeoutError:
                if (leader := await self._other_leader()) is not None:
                    raise _LeaderChanged(leader) from None

    async def _other_leader(self) -> Leader | None:
        """Return another ``serve`` once it has accepted this host; ``None`` once the one of this session speaks."""
        loop = asyncio.get_running_loop()
        search, heard = loop.create_task(find(self._config, self._place)), loop.create_task(self._heard.wait())
        found: Leader | None = None
        try:
            await asyncio.wait((search, heard), return_when=asyncio.FIRST_COMPLETED)
            found = search.result() if search.done() else None
            return found
        finally:
            heard.cancel()
            if found is None:
                search.cancel()
                search.add_done_callback(close_unused)

    async def _down(self) -> None:
        try:
            while (document := await self._control.next()) is not None:
                self._heard.set()
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
                connection = await connect(self._config, self._place, FrontOpened(vpc_id))
            except OSError as error:
                # The front ends, and the agent starts another one.
                _log.warning("the front of %s finds no connection: %s", vpc_id, error)
                return
            await carry_front(channel, vpc_id, connection, self._lanes, self._begin)

    async def _realtime(self, container_id: str, sock: socket.socket) -> None:
        with sock:
            try:
                connection = await connect(self._config, self._place, RealtimeStarted(container_id))
                await relay(sock, connection)
            except OSError as error:
                _log.warning("the container %s is disconnected: %s", container_id, error)
