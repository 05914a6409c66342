"""The joined hosts, wired: each gets its spec once it is online, and says what its agent says."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence

from reading_room.agent.spec import HostSpec
from reading_room.containers.spec import RealtimeSpec
from reading_room.hosts.joined_host import JoinedHost
from reading_room.hosts.link_listener import LinkListener, Membership
from reading_room.hosts.listeners import VpcListeners
from reading_room.hosts.realtime import RealtimePool
from reading_room.hosts.server_side import ServerSide
from reading_room.reconcile import Loop

log = logging.getLogger(__name__)

REMOVED_SECONDS = 1.0
"""How soon the connections of a host end that was removed."""


class JoinedHosts:
    """Every joined host that has connected since the start of this process."""

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        hurry: Callable[[], None],
        listeners: Callable[[], VpcListeners],
        server_side: Callable[[str, VpcListeners, RealtimePool], ServerSide],
        pool: Callable[[Callable[[], str | None]], RealtimePool],
        authority: Callable[[], str],
    ) -> None:
        """``hurry`` asks for a turn that calls ``send``. The next three make what a host has.

        ``server_side`` gets its name, and ``pool`` a function that returns why no container can start there.
        ``authority`` returns the certificate (PEM) of the authority that containers trust.
        """
        self._loop = loop
        self._hurry = hurry
        self._answering = listeners
        self._server_side = server_side
        self._new_pool = pool
        self.pools: Mapping[str, RealtimePool] = {}
        """Those of the hosts' containers for synchronous calls."""
        self._authority = authority
        self._hosts: dict[str, JoinedHost] = {}
        self._fence: int | None = None
        self._listener: LinkListener | None = None
        self._watch: Loop | None = None

    def listen(
        self,
        sock: socket.socket,
        context: ssl.SSLContext,
        membership: Membership,
        *,
        leader: Callable[[], str | None],
        places: Callable[[], Sequence[str]],
        keep_first: Callable[[], None],
    ) -> None:
        """Accept connections of hosts at a socket from now on (see ``LinkListener``); call it in the event loop.

        ``keep_first`` is called again and again while this process leads.
        """
        self._listener = LinkListener(
            sock, context, membership, self.host, self._authority, leader=leader, places=places
        )
        self._listener.start()

        def look() -> None:
            self._end_removed(membership)
            if self._fence is not None:
                keep_first()

        self._watch = Loop("hosts", look, every=REMOVED_SECONDS)
        self._watch.start()

    def host(self, name: str) -> JoinedHost:
        """Return the connections of a host; call it in the event loop."""
        found = self._hosts.get(name)
        if found is None:
            listeners, engines = self._answering(), self._new_pool(lambda: side.state.lacks())
            side = self._server_side(name, listeners, engines)
            self.pools = {**self.pools, name: engines}
            found = self._hosts[name] = JoinedHost(name, listeners, side, self._loop, self._hurry)
            if self._fence is not None:
                found.lead(self._fence)
        return found

    def realtime(self, name: str) -> tuple[RealtimeSpec, ...]:
        """Return the containers of synchronous calls that a host should have."""
        pool = self.pools.get(name)
        return () if pool is None else pool.specs()

    def lead(self, fence: int | None) -> None:
        """Talk to the hosts as the leader with this fence, or leave them to the next one. Never blocks."""
        self._loop.call_soon_threadsafe(self._lead, fence)

    def _lead(self, fence: int | None) -> None:
        self._fence = fence
        # Whoever is connected was greeted by a former leader, or must look for the next one.
        self.disconnect()
        for host in self._hosts.values():
            if fence is not None:
                host.lead(fence)

    def send(self, specs: Mapping[str, HostSpec]) -> None:
        """Send each host that is online its spec. Nothing is placed on a host without one any more."""
        for name, host in list(self._hosts.items()):
            if not host.online:
                continue
            if (spec := specs.get(name)) is not None:
                host.send(spec)
            else:
                host.withdraw()

    def stop(self) -> None:
        """End the loop."""
        if self._watch is not None:
            self._watch.stop()

    def close(self) -> None:
        """End every connection, and accept no more; call it in the event loop."""
        if self._listener is not None:
            self._listener.close()
        self.disconnect()

    def disconnect(self) -> None:
        """End every connection, so that hosts look for the leader; call it in the event loop."""
        for host in self._hosts.values():
            host.close()

    def _end_removed(self, membership: Membership) -> None:
        """End the connections of hosts that no longer belong to the installation."""
        for name, host in list(self._hosts.items()):
            if host.connections and membership.identify(host.certificate) != name:
                log.warning("the host %s does not belong to the installation any more: its connections end", name)
                self._loop.call_soon_threadsafe(host.close)
