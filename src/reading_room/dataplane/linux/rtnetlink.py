"""Links, addresses and routes of a namespace, as netlink requests and lean readers.

Builders return ``Request`` values, so that a whole interface is one send. They never look an index up: whoever makes a
link chooses its index.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from reading_room.dataplane.linux.netlink import (
    F_CREATE,
    F_EXCL,
    F_REPLACE,
    NETLINK_ROUTE,
    NetlinkSocket,
    Request,
    attribute,
    attributes,
    event_socket,
    number_attribute,
    text_attribute,
)

NEWLINK, DELLINK, GETLINK = 16, 17, 18
NEWADDR, DELADDR, GETADDR = 20, 21, 22
NEWROUTE, DELROUTE, GETROUTE = 24, 25, 26
NEWNEIGH = 28

IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINKINFO, IFLA_IFALIAS, IFLA_NET_NS_FD = 1, 3, 4, 18, 20, 28
IFLA_OPERSTATE, OPERATIONAL = 16, 6
IFLA_GROUP, DOOMED = 27, 0x646F6F6D
VETH_INFO_PEER = 1
IFF_UP = 1
LOOPBACK = 1
"""The index of ``lo`` in every namespace."""

RT_TABLE_MAIN = 254
RT_TABLE_LOCAL = 255
RTPROT_STATIC = 4
SCOPE_UNIVERSE, SCOPE_LINK = 0, 253
ONLINK = 4
ROUTE_TYPES = {1: "unicast", 6: "blackhole", 7: "unreachable", 8: "prohibit"}
ROUTE_NUMBERS = {name: number for number, name in ROUTE_TYPES.items()}
NUD_PERMANENT = 0x80

GROUPS = (1, 5, 7)
"""RTNLGRP_LINK, IPV4_IFADDR, IPV4_ROUTE: what a router's cached picture depends on."""


@dataclass(frozen=True, slots=True)
class FoundLink:
    """A link as the kernel has it."""

    index: int
    name: str
    kind: str
    """``veth`` and so on; empty for ``lo``."""
    alias: str
    mac: str
    mtu: int
    up: bool


@dataclass(frozen=True, slots=True)
class FoundRoute:
    """A route: ``destination`` is a network in text, ``link`` the index of the way out, 0 where there is none."""

    table: int
    kind: str
    destination: str
    link: int
    gateway: str


def mac_bytes(mac: str) -> bytes:
    """Return the six bytes of ``02:…``; raise ``ValueError``."""
    raw = bytes.fromhex(mac.replace(":", ""))
    if len(raw) != 6:
        raise ValueError(f"{mac!r} is not a hardware address")
    return raw


def _link(index: int, flags: int = 0, change: int = 0) -> bytes:
    return struct.pack("=BxHiII", 0, 0, index, flags, change)


def create_veth(
    name: str, index: int, mtu: int, peer_namespace: int, peer_mac: str, mac: str | None = None, peer: str = "eth0"
) -> Request:
    """Make a veth pair: ``name`` here, ``peer`` directly in another namespace, so that nothing is moved."""
    other = (
        _link(0)
        + text_attribute(IFLA_IFNAME, peer)
        + number_attribute(IFLA_MTU, mtu)
        + attribute(IFLA_ADDRESS, mac_bytes(peer_mac))
        + number_attribute(IFLA_NET_NS_FD, peer_namespace)
    )
    info = text_attribute(1, "veth") + attribute(2, attribute(VETH_INFO_PEER, other))
    body = _link(index) + text_attribute(IFLA_IFNAME, name) + number_attribute(IFLA_MTU, mtu)
    if mac is not None:
        body += attribute(IFLA_ADDRESS, mac_bytes(mac))
    body += attribute(IFLA_LINKINFO, info)
    return Request(NEWLINK, F_CREATE | F_EXCL, body, f"create the link {name}")


def set_up(index: int, name: str, alias: str | None = None) -> Request:
    """Set a link up, and name it for those who find it after a crash."""
    body = _link(index, IFF_UP, IFF_UP)
    if alias is not None:
        body += attribute(IFLA_IFALIAS, alias.encode())
    return Request(NEWLINK, 0, body, f"set the link {name} up")


def delete_links(links: dict[str, int]) -> list[Request]:
    """Delete links, name to index, their peers with them, in one go: one by one each waits some 20 ms in the kernel.

    They are put into a group of their own first, and the group is deleted. Gone already is no error.
    """
    requests = [
        Request(NEWLINK, 0, _link(index) + number_attribute(IFLA_GROUP, DOOMED), f"give up {name}", (errno.ENODEV,))
        for name, index in links.items()
    ]
    whole = _link(0) + number_attribute(IFLA_GROUP, DOOMED)
    return [*requests, Request(DELLINK, 0, whole, f"delete the links {', '.join(links)}", (errno.ENODEV,))]


def delete_link(index: int, name: str) -> Request:
    """Delete a link, its peer with it. Gone already is no error."""
    return Request(DELLINK, 0, _link(index), f"delete the link {name}", (errno.ENODEV,))


def _address(index: int, address: str) -> bytes:
    raw = socket.inet_aton(address)
    head = struct.pack("=BBBBi", socket.AF_INET, 32, 0, SCOPE_UNIVERSE, index)
    return head + attribute(2, raw) + attribute(1, raw)


def add_address(index: int, address: str) -> Request:
    """Give a link an address, /32."""
    return Request(
        NEWADDR, F_CREATE | F_REPLACE, _address(index, address), f"add the address {address}", (errno.EEXIST,)
    )


def delete_address(index: int, address: str) -> Request:
    """Take an address away. Gone already is no error."""
    body = _address(index, address)
    return Request(DELADDR, 0, body, f"delete the address {address}", (errno.EADDRNOTAVAIL, errno.ENODEV))


def _route(table: int, kind: str, destination: str, link: int, gateway: str, scope: int, flags: int) -> bytes:
    network, _, length = destination.partition("/")
    small = table if table < 256 else 0
    head = struct.pack(
        "=BBBBBBBBI",
        *(socket.AF_INET, int(length), 0, 0, small, RTPROT_STATIC, scope, ROUTE_NUMBERS[kind], flags),
    )
    body = head + number_attribute(15, table)
    if int(length):
        body += attribute(1, socket.inet_aton(network))
    if link:
        body += number_attribute(4, link)
    if gateway:
        body += attribute(5, socket.inet_aton(gateway))
    return body


def add_route(
    table: int, kind: str, destination: str, link: int = 0, gateway: str = "", *, onlink: bool = False
) -> Request:
    """Add or replace a route; ``kind`` is a name of ``ROUTE_TYPES``."""
    scope = SCOPE_LINK if link and not gateway else SCOPE_UNIVERSE
    body = _route(table, kind, destination, link, gateway, scope, ONLINK if onlink else 0)
    return Request(NEWROUTE, F_CREATE | F_REPLACE, body, f"add the {kind} route to {destination} (table {table})")


def delete_route(table: int, kind: str, destination: str, link: int = 0) -> Request:
    """Take a route away. Gone already is no error."""
    scope = 255  # RT_SCOPE_NOWHERE: whatever the route's scope is.
    body = _route(table, kind, destination, link, "", scope, 0)
    return Request(DELROUTE, 0, body, f"delete the route to {destination} (table {table})", (errno.ESRCH, errno.ENODEV))


def add_neighbour(link: int, address: str, mac: str) -> Request:
    """Say for good which hardware address an address has, so that nobody asks by ARP."""
    body = struct.pack("=BxxxiHBB", socket.AF_INET, link, NUD_PERMANENT, 0, 0)
    body += attribute(1, socket.inet_aton(address)) + attribute(2, mac_bytes(mac))
    return Request(NEWNEIGH, F_CREATE | F_REPLACE, body, f"set the neighbour {address}")


class RouteSocket(NetlinkSocket):
    """Requests about links, addresses and routes in one namespace. Open it while the thread is inside."""

    def __init__(self) -> None:
        """Open it here and now."""
        super().__init__(NETLINK_ROUTE)

    def links(self) -> Iterator[FoundLink]:
        """Read every link."""
        for buffer, start, end in self.dump(Request(GETLINK, 0, _link(0), "read links")):
            _family, _kind, index, flags, _change = struct.unpack_from("=BxHiII", buffer, start)
            found = attributes(buffer, start + 16, end)

            def text(kind: int, buffer: bytes = buffer, found: dict[int, tuple[int, int]] = found) -> str:
                if kind not in found:
                    return ""
                return buffer[found[kind][0] : found[kind][1]].rstrip(b"\0").decode(errors="replace")

            mac = buffer[slice(*found[IFLA_ADDRESS])].hex(":") if IFLA_ADDRESS in found else ""
            kind = ""
            if IFLA_LINKINFO in found:
                info = attributes(buffer, *found[IFLA_LINKINFO])
                kind = buffer[slice(*info[1])].rstrip(b"\0").decode() if 1 in info else ""
            mtu = struct.unpack_from("=I", buffer, found[IFLA_MTU][0])[0] if IFLA_MTU in found else 0
            yield FoundLink(index, text(IFLA_IFNAME), kind, text(IFLA_IFALIAS), mac, mtu, bool(flags & IFF_UP))

    def index_of(self, name: str) -> int:
        """Return the index of a link by its name; raise ``NetlinkError`` (ENODEV) where there is none."""
        body = _link(0) + text_attribute(IFLA_IFNAME, name)
        _kind, answer = self.ask(Request(GETLINK, 0, body, f"find the link {name}"))
        return int(struct.unpack_from("=BxHiII", answer)[2])

    def transmits(self, name: str) -> bool:
        """Whether a link's operational state is up."""
        body = _link(0) + text_attribute(IFLA_IFNAME, name)
        _kind, answer = self.ask(Request(GETLINK, 0, body, f"look at the link {name}"))
        found = attributes(answer, 16, len(answer))
        return IFLA_OPERSTATE in found and answer[found[IFLA_OPERSTATE][0]] == OPERATIONAL

    def addresses(self) -> Iterator[tuple[int, str, int]]:
        """Read IPv4 addresses: link, address, prefix length."""
        body = struct.pack("=BBBBi", socket.AF_INET, 0, 0, 0, 0)
        for buffer, start, end in self.dump(Request(GETADDR, 0, body, "read addresses")):
            _family, length, _flags, _scope, index = struct.unpack_from("=BBBBi", buffer, start)
            found = attributes(buffer, start + 8, end)
            where = found.get(2) or found[1]
            yield index, socket.inet_ntoa(buffer[where[0] : where[0] + 4]), length

    def routes(self) -> Iterator[FoundRoute]:
        """Read the IPv4 routes of every table but the kernel's own ``local``."""
        body = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, 0, 0, 0, 0, 0)
        for buffer, start, end in self.dump(Request(GETROUTE, 0, body, "read routes")):
            head = struct.unpack_from("=BBBBBBBBI", buffer, start)
            found = attributes(buffer, start + 12, end)

            def number(kind: int, buffer: bytes = buffer, found: dict[int, tuple[int, int]] = found) -> int:
                return int(struct.unpack_from("=I", buffer, found[kind][0])[0]) if kind in found else 0

            table = number(15) or head[4]
            if table == RT_TABLE_LOCAL:
                continue
            destination = socket.inet_ntoa(buffer[found[1][0] : found[1][0] + 4]) if 1 in found else "0.0.0.0"
            gateway = socket.inet_ntoa(buffer[found[5][0] : found[5][0] + 4]) if 5 in found else ""
            kind = ROUTE_TYPES.get(head[7], str(head[7]))
            yield FoundRoute(table, kind, f"{destination}/{head[1]}", number(4), gateway)


def change_events() -> socket.socket:
    """Open a non-blocking socket that is told when links, addresses or routes of the namespace change."""
    return event_socket(NETLINK_ROUTE, GROUPS)
