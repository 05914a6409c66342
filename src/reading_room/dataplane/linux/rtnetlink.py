"""Requests for links, addresses, routes and policy rules of a namespace, and readers of what the kernel has.

The functions return ``Request`` values, so that a whole interface takes one send. They never look up an index: the
creator of a link chooses its index.
"""

from __future__ import annotations

import errno
import socket
import struct
import time
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
NEWNEIGH, DELNEIGH, GETNEIGH = 28, 29, 30
NEWRULE, DELRULE, GETRULE = 32, 33, 34

IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINKINFO, IFLA_IFALIAS, IFLA_NET_NS_FD = 1, 3, 4, 18, 20, 28
IFLA_OPERSTATE, OPERATIONAL = 16, 6
IFLA_GROUP, DOOMED = 27, 0x646F6F6D
VETH_INFO_PEER = 1
VXLAN_ID, VXLAN_LOCAL, VXLAN_LEARNING, VXLAN_PORT, VXLAN_CHECKSUM = 1, 4, 7, 15, 18
NTF_SELF = 2
IFF_UP, IFF_LOWER_UP = 1, 1 << 16
LOOPBACK = 1
"""The index of ``lo`` in every namespace."""

READY_SECONDS = 2.0
RT_TABLE_MAIN = 254
RT_TABLE_LOCAL = 255
RTPROT_STATIC = 4
RTPROT_SECONDARY = 100
"""The origin that the kernel keeps with a route: our routes, and our routes to interfaces' further addresses."""
SCOPE_UNIVERSE, SCOPE_LINK = 0, 253
ONLINK = 4
TO_TABLE, TO_BLACKHOLE = 1, 6
"""The actions of policy rules."""
ROUTE_TYPES = {1: "unicast", 6: "blackhole", 7: "unreachable", 8: "prohibit"}
ROUTE_NUMBERS = {name: number for number, name in ROUTE_TYPES.items()}
NUD_PERMANENT = 0x80

GROUPS = (1, 3, 5, 7, 8)
"""RTNLGRP_LINK, NEIGH, IPV4_IFADDR, IPV4_ROUTE, IPV4_RULE: a namespace's cached picture depends on them."""


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
    carrier: bool = True
    """Whether the other end is up, too."""
    tunnel: FoundTunnel | None = None
    """``None`` for a link that is no VXLAN device."""


@dataclass(frozen=True, slots=True)
class FoundTunnel:
    """What the kernel says of a VXLAN device, besides what it says of every link."""

    vni: int
    local: str
    """The source address of its UDP packets; empty if routing chooses it."""
    port: int
    learning: bool


@dataclass(frozen=True, slots=True)
class FoundAddress:
    """An address of a link; ``body`` is the kernel's description of it, used to delete it."""

    link: int
    address: str
    length: int
    body: bytes


@dataclass(frozen=True, slots=True)
class FoundRoute:
    """A route: ``destination`` is a network as text, ``link`` the index of the outgoing link or 0.

    ``protocol`` is the route's origin. ``body`` is the kernel's description of it, used to delete it.
    """

    table: int
    kind: str
    destination: str
    link: int
    gateway: str
    protocol: int
    body: bytes


@dataclass(frozen=True, slots=True)
class FoundRule:
    """A policy rule; ``plain`` says that it has no conditions other than the mark and the device ``lo``."""

    preference: int
    action: int
    table: int
    mark: int
    from_here: bool
    """Whether it applies to packets that the namespace itself sends (input device ``lo``)."""
    plain: bool
    body: bytes


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
    """Create a veth pair: ``name`` here, and ``peer`` directly in another namespace, without moving it there."""
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


def create_vxlan(name: str, index: int, namespace: int, vni: int, mac: str, local: str, port: int, mtu: int) -> Request:
    """Create a VXLAN device in ``namespace`` that sends and receives UDP in the namespace of the request.

    It learns no addresses and has no default destination, so a frame without a forwarding entry is dropped. Its UDP
    packets have no checksum, as RFC 7348 asks: those of the packets inside are enough, and a second one over the same
    bytes takes as much time as all else in the tunnel.
    """
    data = number_attribute(VXLAN_ID, vni) + attribute(VXLAN_LOCAL, socket.inet_aton(local))
    data += attribute(VXLAN_LEARNING, b"\0") + attribute(VXLAN_PORT, struct.pack("!H", port))
    data += attribute(VXLAN_CHECKSUM, b"\0")
    info = text_attribute(1, "vxlan") + attribute(2, data)
    body = _link(index) + text_attribute(IFLA_IFNAME, name) + number_attribute(IFLA_MTU, mtu)
    body += attribute(IFLA_ADDRESS, mac_bytes(mac)) + number_attribute(IFLA_NET_NS_FD, namespace)
    return Request(NEWLINK, F_CREATE | F_EXCL, body + attribute(IFLA_LINKINFO, info), f"create the tunnel {name}")


def create_wireguard(name: str, index: int, namespace: int) -> Request:
    """Create a WireGuard device in ``namespace`` that sends and receives UDP in the namespace of the request."""
    body = _link(index) + text_attribute(IFLA_IFNAME, name) + number_attribute(IFLA_NET_NS_FD, namespace)
    body += attribute(IFLA_LINKINFO, text_attribute(1, "wireguard"))
    return Request(NEWLINK, F_CREATE | F_EXCL, body, f"create the WireGuard device {name}")


def set_mtu(index: int, name: str, mtu: int) -> Request:
    """Set the MTU of a link."""
    return Request(NEWLINK, 0, _link(index) + number_attribute(IFLA_MTU, mtu), f"set the MTU of {name}")


def set_up(index: int, name: str, alias: str | None = None) -> Request:
    """Set a link up and, with ``alias``, give it the alias by which a later process recognizes it."""
    body = _link(index, IFF_UP, IFF_UP)
    if alias is not None:
        body += attribute(IFLA_IFALIAS, alias.encode())
    return Request(NEWLINK, 0, body, f"set the link {name} up")


def delete_links(links: dict[str, int]) -> list[Request]:
    """Delete links (name to index) and their peers together.

    Each single deletion waits about 20 ms in the kernel. So the links are put into a group, and the group is deleted.
    Some may be gone already.
    """
    requests = [
        Request(NEWLINK, 0, _link(index) + number_attribute(IFLA_GROUP, DOOMED), f"give up {name}", (errno.ENODEV,))
        for name, index in links.items()
    ]
    whole = _link(0) + number_attribute(IFLA_GROUP, DOOMED)
    return [*requests, Request(DELLINK, 0, whole, f"delete the links {', '.join(links)}", (errno.ENODEV,))]


def delete_link(index: int, name: str) -> Request:
    """Delete a link and its peer, unless it is gone already."""
    return Request(DELLINK, 0, _link(index), f"delete the link {name}", (errno.ENODEV,))


def _address(index: int, address: str, length: int = 32) -> bytes:
    raw = socket.inet_aton(address)
    head = struct.pack("=BBBBi", socket.AF_INET, length, 0, SCOPE_UNIVERSE, index)
    return head + attribute(2, raw) + attribute(1, raw)


def add_address(index: int, address: str, length: int = 32) -> Request:
    """Add an address to a link. Its network contains only itself unless ``length`` is less than 32."""
    body = _address(index, address, length)
    return Request(NEWADDR, F_CREATE | F_REPLACE, body, f"add the address {address}", (errno.EEXIST,))


def delete_address(index: int, address: str) -> Request:
    """Delete an address, unless it is gone already."""
    body = _address(index, address)
    return Request(DELADDR, 0, body, f"delete the address {address}", (errno.EADDRNOTAVAIL, errno.ENODEV))


def _route(
    table: int, kind: str, destination: str, link: int, gateway: str, scope: int, flags: int, protocol: int
) -> bytes:
    network, _, length = destination.partition("/")
    small = table if table < 256 else 0
    head = struct.pack(
        "=BBBBBBBBI",
        *(socket.AF_INET, int(length), 0, 0, small, protocol, scope, ROUTE_NUMBERS[kind], flags),
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
    table: int,
    kind: str,
    destination: str,
    link: int = 0,
    gateway: str = "",
    *,
    onlink: bool = False,
    protocol: int = RTPROT_STATIC,
) -> Request:
    """Add or replace a route; ``kind`` is a name of ``ROUTE_TYPES``."""
    scope = SCOPE_LINK if link and not gateway else SCOPE_UNIVERSE
    body = _route(table, kind, destination, link, gateway, scope, ONLINK if onlink else 0, protocol)
    return Request(NEWROUTE, F_CREATE | F_REPLACE, body, f"add the {kind} route to {destination} (table {table})")


def delete_route(table: int, kind: str, destination: str, link: int = 0) -> Request:
    """Delete a route, unless it is gone already."""
    scope = 255  # RT_SCOPE_NOWHERE: whatever the route's scope is.
    body = _route(table, kind, destination, link, "", scope, 0, 0)
    return Request(DELROUTE, 0, body, f"delete the route to {destination} (table {table})", (errno.ESRCH, errno.ENODEV))


def _rule(preference: int, table: int | None, mark: int, from_here: bool) -> bytes:
    action = TO_BLACKHOLE if table is None else TO_TABLE
    small = table if table is not None and table < 256 else 0
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, small, 0, 0, action, 0)
    body += number_attribute(6, preference)
    if table is not None:
        body += number_attribute(15, table)
    if mark:
        body += number_attribute(10, mark) + number_attribute(16, 0xFFFFFFFF)
    if from_here:
        body += text_attribute(3, "lo")
    return body


def add_rule(preference: int, table: int | None, mark: int = 0, *, from_here: bool = False) -> Request:
    """Add a policy rule that leads to a table, or to a blackhole if ``table`` is ``None``."""
    body = _rule(preference, table, mark, from_here) + attribute(21, bytes((RTPROT_STATIC,)))
    return Request(NEWRULE, F_CREATE | F_EXCL, body, f"add the policy rule {preference}", (errno.EEXIST,))


def delete_rule(preference: int, table: int | None, mark: int = 0, *, from_here: bool = False) -> Request:
    """Delete a policy rule, unless it is gone already."""
    body = _rule(preference, table, mark, from_here)
    return Request(DELRULE, 0, body, f"delete the policy rule {preference}", (errno.ENOENT,))


def delete_found(kind: int, body: bytes, what: str) -> Request:
    """Delete what a reader found, by the kernel's description; ``kind`` is DELADDR, DELROUTE or DELRULE."""
    gone = (errno.ESRCH, errno.ENOENT, errno.ENODEV, errno.EADDRNOTAVAIL)
    return Request(kind, 0, body, f"delete {what}", gone)


def add_neighbour(link: int, address: str, mac: str) -> Request:
    """Set the MAC address of an address permanently, so that no ARP request is sent."""
    body = struct.pack("=BxxxiHBB", socket.AF_INET, link, NUD_PERMANENT, 0, 0)
    body += attribute(1, socket.inet_aton(address)) + attribute(2, mac_bytes(mac))
    return Request(NEWNEIGH, F_CREATE | F_REPLACE, body, f"set the neighbour {address}")


def delete_neighbour(link: int, address: str) -> Request:
    """Delete the MAC address of an address, unless it is gone already."""
    body = struct.pack("=BxxxiHBB", socket.AF_INET, link, 0, 0, 0) + attribute(1, socket.inet_aton(address))
    return Request(DELNEIGH, 0, body, f"delete the neighbour {address}", (errno.ENOENT, errno.ENODEV))


def _forwarding(link: int, mac: str, underlay: str) -> bytes:
    body = struct.pack("=BxxxiHBB", socket.AF_BRIDGE, link, NUD_PERMANENT, NTF_SELF, 0)
    return body + attribute(1, socket.inet_aton(underlay)) + attribute(2, mac_bytes(mac))


def add_forwarding(link: int, mac: str, underlay: str) -> Request:
    """Send a tunnel's frames for a MAC address to a host of the underlay, permanently."""
    body = _forwarding(link, mac, underlay)
    return Request(NEWNEIGH, F_CREATE | F_REPLACE, body, f"send frames for {mac} to {underlay}")


def delete_forwarding(link: int, mac: str, underlay: str) -> Request:
    """Send a tunnel's frames for a MAC address nowhere."""
    gone = (errno.ENOENT, errno.ENODEV)
    return Request(DELNEIGH, 0, _forwarding(link, mac, underlay), f"forget {underlay} for {mac}", gone)


class RouteSocket(NetlinkSocket):
    """Requests about links, addresses and routes in one namespace. Create it while the thread is inside."""

    def __init__(self) -> None:
        """Open the socket."""
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
            info: dict[int, tuple[int, int]] = {}
            if IFLA_LINKINFO in found:
                info = attributes(buffer, *found[IFLA_LINKINFO])
                kind = buffer[slice(*info[1])].rstrip(b"\0").decode() if 1 in info else ""
            mtu = struct.unpack_from("=I", buffer, found[IFLA_MTU][0])[0] if IFLA_MTU in found else 0
            up, carrier = bool(flags & IFF_UP), bool(flags & IFF_LOWER_UP)
            tunnel = _found_tunnel(buffer, *info[2]) if kind == "vxlan" and 2 in info else None
            yield FoundLink(index, text(IFLA_IFNAME), kind, text(IFLA_IFALIAS), mac, mtu, up, carrier, tunnel)

    def index_of(self, name: str) -> int:
        """Return the index of a link by its name; raise ``NetlinkError`` (ENODEV) if there is none."""
        body = _link(0) + text_attribute(IFLA_IFNAME, name)
        _kind, answer = self.ask(Request(GETLINK, 0, body, f"find the link {name}"))
        return int(struct.unpack_from("=BxHiII", answer)[2])

    def transmits(self, name: str) -> bool:
        """Return whether a link's operational state is up."""
        body = _link(0) + text_attribute(IFLA_IFNAME, name)
        _kind, answer = self.ask(Request(GETLINK, 0, body, f"look at the link {name}"))
        found = attributes(answer, 16, len(answer))
        return IFLA_OPERSTATE in found and answer[found[IFLA_OPERSTATE][0]] == OPERATIONAL

    def wait_until_it_sends(self, name: str) -> None:
        """Wait until a link that came up before its peer really transmits; raise ``OSError`` (ETIMEDOUT).

        A kernel work queue sets its carrier, and until then the link drops the packets that it should send: a first SYN
        or its answer would be lost, and the connection a second late. Reading the link makes recent kernels do that
        work at once.
        """
        limit = time.monotonic() + READY_SECONDS
        while not self.transmits(name):
            if time.monotonic() > limit:
                message = f"{name} has no carrier {READY_SECONDS} s after both its ends were set up"
                raise OSError(errno.ETIMEDOUT, message)
            time.sleep(0.001)

    def addresses(self) -> Iterator[FoundAddress]:
        """Read IPv4 addresses."""
        body = struct.pack("=BBBBi", socket.AF_INET, 0, 0, 0, 0)
        for buffer, start, end in self.dump(Request(GETADDR, 0, body, "read addresses")):
            _family, length, _flags, _scope, index = struct.unpack_from("=BBBBi", buffer, start)
            found = attributes(buffer, start + 8, end)
            where = found.get(2) or found[1]
            address = socket.inet_ntoa(buffer[where[0] : where[0] + 4])
            yield FoundAddress(index, address, length, buffer[start:end])

    def routes(self) -> Iterator[FoundRoute]:
        """Read the IPv4 routes of all tables except the kernel's ``local``."""
        body = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, 0, 0, 0, 0, 0)
        for buffer, start, end in self.dump(Request(GETROUTE, 0, body, "read routes")):
            head = struct.unpack_from("=BBBBBBBBI", buffer, start)
            found = attributes(buffer, start + 12, end)

            def number(kind: int, buffer: bytes = buffer, found: dict[int, tuple[int, int]] = found) -> int:
                return int(struct.unpack_from("=I", buffer, found[kind][0])[0]) if kind in found else 0

            table = number(15) or head[4]
            if table == RT_TABLE_LOCAL:
                continue
            everywhere = "0.0.0.0"  # nosec B104 # a route's destination, no address to bind
            destination = socket.inet_ntoa(buffer[found[1][0] : found[1][0] + 4]) if 1 in found else everywhere
            gateway = socket.inet_ntoa(buffer[found[5][0] : found[5][0] + 4]) if 5 in found else ""
            kind = ROUTE_TYPES.get(head[7], str(head[7]))
            there = f"{destination}/{head[1]}"
            yield FoundRoute(table, kind, there, number(4), gateway, head[5], buffer[start:end])

    def neighbours(self) -> Iterator[tuple[int, str, str]]:
        """Read the permanent neighbour entries: link, address, MAC address."""
        body = struct.pack("=BxxxiHBB", socket.AF_INET, 0, 0, 0, 0)
        for buffer, start, end in self.dump(Request(GETNEIGH, 0, body, "read neighbours")):
            _family, link, state = struct.unpack_from("=BxxxiH", buffer, start)
            found = attributes(buffer, start + 12, end)
            if state & NUD_PERMANENT and 1 in found and 2 in found:
                yield link, socket.inet_ntoa(buffer[slice(*found[1])]), buffer[slice(*found[2])].hex(":")

    def forwarding(self) -> Iterator[tuple[int, str, str]]:
        """Read the forwarding entries of tunnels: link, MAC address, host of the underlay."""
        body = struct.pack("=BxxxiHBB", socket.AF_BRIDGE, 0, 0, 0, 0)
        for buffer, start, end in self.dump(Request(GETNEIGH, 0, body, "read forwarding entries")):
            (link,) = struct.unpack_from("=Bxxxi", buffer, start)[1:]
            found = attributes(buffer, start + 12, end)
            if 1 in found and 2 in found and found[1][1] - found[1][0] == 4:
                yield link, buffer[slice(*found[2])].hex(":"), socket.inet_ntoa(buffer[slice(*found[1])])

    def rules(self) -> Iterator[FoundRule]:
        """Read the policy rules, in the order in which the kernel tries them."""
        body = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, 0, 0, 0, 0, 0)
        for buffer, start, end in self.dump(Request(GETRULE, 0, body, "read policy rules")):
            head = struct.unpack_from("=BBBBBBBBI", buffer, start)
            found = attributes(buffer, start + 12, end)

            def number(kind: int, buffer: bytes = buffer, found: dict[int, tuple[int, int]] = found) -> int:
                return int(struct.unpack_from("=I", buffer, found[kind][0])[0]) if kind in found else 0

            device = buffer[slice(*found[3])].rstrip(b"\0") if 3 in found else b""
            # Priority, mark, suppression (off), table, mask, protocol. Our rules have no other conditions.
            plain = (
                not any(head[1:4])
                and not head[8] & ~1
                and found.keys() <= {3, 6, 10, 14, 15, 16, 21}
                and (14 not in found or number(14) == 0xFFFFFFFF)
                and (16 not in found or number(16) == 0xFFFFFFFF)
                and device in (b"", b"lo")
            )
            table = number(15) or head[4]
            yield FoundRule(number(6), head[7], table, number(10), bool(device), plain, buffer[start:end])


def _found_tunnel(buffer: bytes, start: int, end: int) -> FoundTunnel:
    found = attributes(buffer, start, end)
    vni = struct.unpack_from("=I", buffer, found[VXLAN_ID][0])[0] if VXLAN_ID in found else 0
    local = socket.inet_ntoa(buffer[slice(*found[VXLAN_LOCAL])]) if VXLAN_LOCAL in found else ""
    port = struct.unpack_from("!H", buffer, found[VXLAN_PORT][0])[0] if VXLAN_PORT in found else 0
    learning = bool(buffer[found[VXLAN_LEARNING][0]]) if VXLAN_LEARNING in found else True
    return FoundTunnel(vni, local, port, learning)


def change_events() -> socket.socket:
    """Open a non-blocking socket with events for changes of the namespace's links, addresses, routes and rules."""
    return event_socket(NETLINK_ROUTE, GROUPS)
