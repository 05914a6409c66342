"""One VPC's router namespace, held open."""

from __future__ import annotations

import socket
from dataclasses import replace
from functools import partial

from reading_room.dataplane.linux import namespaces, offloads, rtnetlink, sysctl
from reading_room.dataplane.linux.connections import Connections
from reading_room.dataplane.linux.conntrack import Conntrack
from reading_room.dataplane.linux.open_namespace import FIRST_INDEX, OpenNamespace
from reading_room.dataplane.linux.rtnetlink import (
    LOOPBACK,
    RT_TABLE_MAIN,
    RTPROT_SECONDARY,
    RTPROT_STATIC,
    FoundLink,
    FoundRoute,
)
from reading_room.dataplane.linux.tunnels import found_tunnel, is_tunnel, is_tunnel_link, is_tunnel_route
from reading_room.dataplane.rules.host import UPLINK_DEVICE, EndpointReach, Translation, Tunnel
from reading_room.dataplane.rules.steps import ObservedLink, ObservedRouter, Stray
from reading_room.dataplane.rules.uplink import UPLINK_HOP, TableRoute
from reading_room.dataplane.spec import ListenerLabel


def _prepare(segmentation: bool) -> None:
    sysctl.prepare_router()
    if not segmentation:
        # A listener's answers leave through lo, and are counted as they are segmented there.
        offloads.switch_off("lo")


class Router(OpenNamespace[ObservedRouter]):
    """A router namespace and everything this process holds open in it."""

    def __init__(self, vpc_id: str, namespace: str, descriptor: int, *, segmentation: bool = False) -> None:
        """Prepare the namespace and open its sockets; see ``OpenNamespace``.

        With ``segmentation`` links keep their segmentation offloads, and flow logs count fewer packets than were sent.
        """
        self.vpc_id = vpc_id
        self.segmentation = segmentation
        self.namespace = namespace
        self.reach: tuple[EndpointReach, ...] | None = None
        self.translations: tuple[Translation, ...] | None = None
        """The values that were realized last; ``None`` if they are unknown."""
        self.listeners: dict[ListenerLabel, socket.socket] = {}
        self.containers: dict[str, str] = {}
        """Container by interface, for the links that this process created."""
        self.indexes: dict[str, int] = {}
        """Link index by name."""
        self._next_index = FIRST_INDEX
        super().__init__(vpc_id, descriptor, partial(_prepare, segmentation))
        try:
            with namespaces.inside(descriptor):
                self.conntrack = self.keep(Conntrack())
                self.connections = self.keep(Connections())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close every descriptor; the namespace stays if it is pinned."""
        for listener in self.listeners.values():
            listener.close()
        self.listeners.clear()
        super().close()

    def observe(self) -> ObservedRouter:
        """Return the router's state: the kernel's (from the cache if it is fresh) and what only this process knows."""
        return replace(
            super().observe(),
            listeners=tuple(self.listeners),
            ruleset=self.ruleset,
            reach=self.reach,
            translations=self.translations,
        )

    def look(self) -> ObservedRouter:
        """Read links, addresses, routes and policy rules."""
        found = {link.index: link for link in self.routes.links()}
        links = [link for link in found.values() if link.kind == "veth" and link.name != UPLINK_DEVICE]
        tunnel = next((link for link in found.values() if is_tunnel(link)), None)
        self.indexes = {link.name: link.index for link in found.values() if link.kind == "veth" or link is tunnel}
        self._next_index = max([self._next_index, *(link.index + 1 for link in found.values())])
        neighbours = list(self.routes.neighbours())
        known = {(link, address) for link, address, _mac in neighbours}
        addresses, blackholes, routes, tunnelled, strays = [], [], [], [], []
        meddled = set()
        behind: dict[int, dict[int, list[str]]] = {link.index: {} for link in links}
        for there in self.routes.addresses():
            if there.address.startswith("127."):
                continue
            if (there.link, there.length) == (LOOPBACK, 32):
                addresses.append(there.address)
            else:
                name = found[there.link].name if there.link in found else str(there.link)
                what = f"the address {there.address}/{there.length} of {name}"
                strays.append(Stray(what, rtnetlink.DELADDR, there.body))
                # A device that loses its last address loses its routes and neighbours as well.
                meddled.add(there.link)
        for route in self.routes.routes():
            device = found[route.link].name if route.link in found else ""
            ours = route.protocol == RTPROT_STATIC
            to_link = route.link in behind and route.destination.endswith("/32") and route.kind == "unicast"
            if route.table == RT_TABLE_MAIN and to_link and route.protocol in (RTPROT_STATIC, RTPROT_SECONDARY):
                behind[route.link].setdefault(route.protocol, []).append(route.destination.removesuffix("/32"))
            elif route.table == RT_TABLE_MAIN and route.kind == "blackhole" and ours:
                blackholes.append(route.destination)
            elif tunnel is not None and is_tunnel_route(route, found.get(route.link)):
                tunnelled.append(route)
            elif route.table != RT_TABLE_MAIN and route.kind == "unicast" and ours and not to_link:
                hop = route.gateway if route.link in behind or is_tunnel_link(found.get(route.link)) else ""
                routes.append(TableRoute(route.table, route.destination, device, hop))
            else:
                what = f"the {route.kind} route to {route.destination} by {device or 'nothing'} (table {route.table})"
                strays.append(Stray(what, rtnetlink.DELROUTE, route.body))
        rules, others = self._policy_rules()
        strays += others
        uplink = next((link for link in found.values() if link.name == UPLINK_DEVICE), None)

        def works(link: FoundLink, neighbour: str) -> bool:
            return link.up and link.carrier and link.index not in meddled and (link.index, neighbour) in known

        def primary(link: FoundLink) -> str:
            """Return the address behind a link, or empty text if either end is broken; the link is then recreated."""
            address = behind[link.index].get(RTPROT_STATIC, [""])[0]
            return address if works(link, address) else ""

        return ObservedRouter(
            vpc_id=self.vpc_id,
            namespace=self.namespace,
            addresses=tuple(sorted(addresses)),
            blackholes=tuple(sorted(blackholes)),
            links=tuple(
                ObservedLink(
                    link.name,
                    link.alias,
                    primary(link),
                    self.containers.get(link.alias),
                    tuple(sorted(behind[link.index].get(RTPROT_SECONDARY, ()))),
                )
                for link in sorted(links, key=lambda link: link.name)
            ),
            # The alias is set last, so it says that the wire is complete.
            uplink=None if uplink is None else works(uplink, UPLINK_HOP) and uplink.alias == self.vpc_id,
            routes=tuple(sorted(routes)),
            rules=tuple(sorted(rules)),
            strays=tuple(strays),
            tunnel=None if tunnel is None else self._tunnel(tunnel, neighbours, tunnelled),
        )

    def _tunnel(self, link: FoundLink, neighbours: list[tuple[int, str, str]], routes: list[FoundRoute]) -> Tunnel:
        """Return the tunnel to other hosts as the kernel has it. Only a VPC with one reads forwarding entries."""
        behind = {address: mac for index, address, mac in neighbours if index == link.index}
        forwarding = [(mac, host) for index, mac, host in self.routes.forwarding() if index == link.index]
        return found_tunnel(link, self.vpc_id, behind, forwarding, routes)

    def new_index(self) -> int:
        """Return a free index for the next link."""
        self._next_index += 1
        return self._next_index - 1
