"""One VPC's router namespace, held open: its sockets, and a cached picture of it that knows when it is stale.

Every socket here was opened inside the namespace and stays there, so the agent need not enter it to read or change
links, rules and connections. The picture is trusted while three things hold: no netlink event said that a link, an
address or a route changed; nftables' generation id is the one after our last transaction; the last full look is not
older than ``LOOK_SECONDS``.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import time
from typing import Protocol, TypeVar

from reading_room.dataplane.linux import namespaces, rtnetlink, sysctl
from reading_room.dataplane.linux.connections import Connections
from reading_room.dataplane.linux.conntrack import Conntrack
from reading_room.dataplane.linux.host import EndpointReach
from reading_room.dataplane.linux.libnftables import Rules, RulesetError
from reading_room.dataplane.linux.netlink import NETLINK_NETFILTER, NetlinkSocket, Request
from reading_room.dataplane.linux.nftables import Ruleset
from reading_room.dataplane.linux.plan import ObservedLink, ObservedRouter
from reading_room.dataplane.linux.rtnetlink import LOOPBACK, RT_TABLE_MAIN, RouteSocket
from reading_room.dataplane.spec import ListenerLabel

LOOK_SECONDS = 60.0
NFT_GET_GENERATION = 10 << 8 | 16
FIRST_INDEX = 1000


class Closable(Protocol):
    """What holds a descriptor."""

    def close(self) -> None:
        """Let go of it."""
        ...


Opened = TypeVar("Opened", bound=Closable)


class Router:
    """A router namespace and everything this process holds open in it."""

    def __init__(self, vpc_id: str, namespace: str, descriptor: int) -> None:
        """Prepare the namespace (kernel settings, ``lo`` up) and open its sockets. Owns ``descriptor`` from here on.

        Doing so again for a namespace found after a crash changes nothing that is right. Raises ``SettingError``,
        ``LibraryMissingError`` or ``OSError``; then everything, the descriptor included, is closed again.
        """
        self.vpc_id = vpc_id
        self.namespace = namespace
        self.descriptor = descriptor
        self.ruleset: Ruleset | None = None
        """What the kernel has for certain."""
        self.reach: tuple[EndpointReach, ...] | None = None
        self.listeners: dict[ListenerLabel, socket.socket] = {}
        self.containers: dict[str, str] = {}
        """Container by interface, of the links this process made."""
        self.indexes: dict[str, int] = {}
        """Link index by name."""
        self._generation = -1
        self._picture: ObservedRouter | None = None
        self._looked = 0.0
        self._next_index = FIRST_INDEX
        self._closers: list[Closable] = []
        try:
            with namespaces.inside(descriptor):
                sysctl.prepare_router()
                self.routes = self._keep(RouteSocket())
                self.rules = Rules(descriptor)
                self.conntrack = self._keep(Conntrack())
                self.connections = self._keep(Connections())
                self._netfilter = self._keep(NetlinkSocket(NETLINK_NETFILTER))
                self._events = self._keep(rtnetlink.change_events())
            self.routes.batch([rtnetlink.set_up(LOOPBACK, "lo")])
        except BaseException:
            self.close()
            raise

    def _keep(self, opened: Opened) -> Opened:
        self._closers.append(opened)
        return opened

    def close(self) -> None:
        """Close every descriptor; the namespace stays if it is pinned."""
        for listener in self.listeners.values():
            listener.close()
        self.listeners.clear()
        for opened in self._closers:
            opened.close()
        self._closers.clear()
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    # The cached picture

    def generation(self) -> int:
        """Return the namespace's nftables generation id, one more after every transaction of anybody."""
        request = Request(NFT_GET_GENERATION, 0, struct.pack("=BBH", 0, 0, 0), "read the ruleset's generation")
        _kind, body = self._netfilter.ask(request)
        number: int = struct.unpack_from("!I", body, 8)[0]
        return number

    def changed(self, now: float) -> bool:
        """Whether the picture may be stale. Reads events, so call it once a turn."""
        stale = self._picture is None or now - self._looked > LOOK_SECONDS
        if self._drain_events():
            stale = True
        if self.ruleset is not None and self.generation() != self._generation:
            self.ruleset = None
            stale = True
        if stale:
            self._picture = None
        return stale

    def _drain_events(self) -> bool:
        told = False
        while True:
            try:
                self._events.recv(1 << 16)
                told = True
            except BlockingIOError:
                return told
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                told = True  # Some events did not fit: whatever they were, a full look sees it.

    def touched(self) -> None:
        """Forget the picture: something was, or may have been, changed by us."""
        self._picture = None

    def observe(self) -> ObservedRouter:
        """Return the router as it is, from the cache where that is fresh."""
        if self._picture is None:
            self._drain_events()
            self._picture = self._look()
            self._looked = time.monotonic()
        return self._picture

    def _look(self) -> ObservedRouter:
        links = [link for link in self.routes.links() if link.kind == "veth"]
        self.indexes = {link.name: link.index for link in links}
        self._next_index = max([self._next_index, *(link.index + 1 for link in links)])
        addresses = tuple(
            sorted(
                address
                for index, address, length in self.routes.addresses()
                if index == LOOPBACK and length == 32 and not address.startswith("127.")
            )
        )
        routes = [route for route in self.routes.routes() if route.table == RT_TABLE_MAIN]
        behind = {
            route.link: route.destination.removesuffix("/32")
            for route in routes
            if route.kind == "unicast" and route.destination.endswith("/32")
        }
        return ObservedRouter(
            vpc_id=self.vpc_id,
            namespace=self.namespace,
            addresses=addresses,
            blackholes=tuple(sorted(route.destination for route in routes if route.kind == "blackhole")),
            links=tuple(
                ObservedLink(
                    link.name,
                    link.alias,
                    # A link that somebody set down counts as one of another address, so that it is made again.
                    behind.get(link.index, "") if link.up else "",
                    self.containers.get(link.alias),
                )
                for link in sorted(links, key=lambda link: link.name)
            ),
            listeners=tuple(self.listeners),
            ruleset=self.ruleset,
            reach=self.reach,
        )

    def new_index(self) -> int:
        """Choose the index of the next link."""
        self._next_index += 1
        return self._next_index - 1

    def apply_rules(self, transactions: tuple[str, ...], ruleset: Ruleset) -> None:
        """Run transactions; raise ``RulesetError``. Several are tried dry first, so that a refusal changes nothing."""
        if len(transactions) > 1:
            self.rules.check("".join(transactions))
        known, self.ruleset = self.ruleset, None
        for number, text in enumerate(transactions):
            try:
                self.rules.run(text)
            except RulesetError:
                if number == 0:
                    self.ruleset = known  # A refused transaction leaves the rules whole.
                raise
        self._generation = self.generation()
        self.ruleset = ruleset
