"""An attacker with every privilege in its own container's namespace: packets and frames of any form, and a victim.

A job's own container already forbids raw sockets, links and addresses. They are tried here anyway, to show that the
network alone is enough.
"""

from __future__ import annotations

import json
import re
import select
import socket
import struct
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reading_room.dataplane.linux import namespaces
from reading_room.dataplane.linux.links import router_mac
from reading_room.dataplane.rules.host import link_name
from reading_room.dataplane.spec import FlowEvent, Interface
from tests.worlds.network import ANYWHERE, APP, EVERYTHING, TCP, WEB, Network, World, rule, spec

ETHERNET_IPV4, ETHERNET_ARP, ETHERNET_IPV6, ETHERNET_VLAN, EVERY_FRAME = 0x0800, 0x0806, 0x86DD, 0x8100, 3
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
BROADCAST_MAC = "ff:ff:ff:ff:ff:ff"
OPEN, SHUT = 443, 22
"""Ports of the victim: one that its group opens to everybody, one that it opens to nobody."""


def checksum(data: bytes) -> int:
    """Return the internet checksum."""
    total: int = sum(struct.unpack(f"!{len(data) // 2 + len(data) % 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip(
    source: str,
    destination: str,
    protocol: int,
    payload: bytes = b"",
    *,
    options: bytes = b"",
    ttl: int = 64,
    fragment: int = 0,
    number: int = 1,
) -> bytes:
    """Return an IPv4 packet. ``fragment`` is the field of flags and offset, ``number`` the identification."""
    words = 5 + len(options) // 4
    addresses = socket.inet_aton(source) + socket.inet_aton(destination)

    def header(check: int) -> bytes:
        length = 4 * words + len(payload)
        fields = (0x40 | words, 0, length, number, fragment, ttl, protocol, check)
        return struct.pack("!BBHHHBBH", *fields) + addresses + options

    return header(checksum(header(0))) + payload


def udp(port: int, from_port: int = 4000, data: bytes = b"attack") -> bytes:
    """Return a UDP datagram without a checksum."""
    return struct.pack("!4H", from_port, port, 8 + len(data), 0) + data


def tcp(
    source: str, destination: str, port: int, flags: int, *, from_port: int = 4000, at: int = 1, ack: int = 0
) -> bytes:
    """Return a TCP segment."""
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!BBH", 0, 6, 20)

    def segment(check: int) -> bytes:
        return struct.pack("!HHIIBBHHH", from_port, port, at, ack, 5 << 4, flags, 1024, check, 0)

    return segment(checksum(pseudo + segment(0)))


def icmp(kind: int, code: int, rest: bytes = b"\0\0\0\0", data: bytes = b"") -> bytes:
    """Return an ICMP message."""
    body = rest + data
    return struct.pack("!BBH", kind, code, checksum(struct.pack("!BBH", kind, code, 0) + body)) + body


def frame(to: str, sender: str, kind: int, payload: bytes) -> bytes:
    """Return an Ethernet frame."""
    return bytes.fromhex((to + sender).replace(":", "")) + struct.pack("!H", kind) + payload


def arp(operation: int, mac: str, address: str, to_mac: str, to_address: str) -> bytes:
    """Return an ARP packet: 1 asks, 2 answers."""
    ends = [bytes.fromhex(each.replace(":", "")) for each in (mac, to_mac)]
    places = [socket.inet_aton(each) for each in (address, to_address)]
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + ends[0] + places[0] + ends[1] + places[1]


class Wire:
    """The end of a link inside a container, which can send any frame and sees every frame."""

    def __init__(self, world: World, interface: Interface) -> None:
        """Listen to the container's device."""
        assert interface.container_id is not None
        self.interface = interface
        self._world = world
        self.gateway_mac = router_mac(interface.mac)
        with namespaces.inside(world.containers[interface.container_id]):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_FRAME))
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
            self._socket.bind(("eth0", EVERY_FRAME))

    def send(self, *packets: bytes) -> None:
        """Send IPv4 packets to the router."""
        for packet in packets:
            self.send_frame(frame(self.gateway_mac, self.interface.mac, ETHERNET_IPV4, packet))

    def send_frame(self, data: bytes) -> None:
        """Send a frame unchanged."""
        self._socket.send(data)

    def seen(self) -> list[bytes]:
        """Return the IPv4 and IPv6 packets and other frames that arrived, of everything sent so far."""
        self._world.let_arrive()
        found = []
        while select.select([self._socket], [], [], 0)[0]:
            data, place = self._socket.recvfrom(65_536)
            if place[2] != socket.PACKET_OUTGOING:
                found.append(data[14:])
        return found


@dataclass
class Street:
    """A VPC: an attacker that may send everything, a victim with one open port, a bystander in the victim's group."""

    world: World
    network: Network
    attacker: Interface
    victim: Interface
    bystander: Interface

    @property
    def address(self) -> str:
        """The attacker's address."""
        return self.attacker.address

    def wire(self, interface: Interface | None = None) -> Wire:
        """Return the wire of an interface, by default the attacker's."""
        return Wire(self.world, interface or self.attacker)

    def events(self) -> list[FlowEvent]:
        """Return the flow log's events since the last call."""
        return self.world.flows(self.network)

    def refused(self) -> set[tuple[str, str, int]]:
        """Return source, destination and protocol of the refused packets of the attacker's interface."""
        return {
            (each.source, each.destination, each.protocol)
            for each in self.events()
            if (each.action, each.interface_id) == ("REJECT", self.attacker.interface_id)
        }

    def counter(self, comment: str, chain: str = "pre_raw") -> int:
        """Return how many packets a counting rule of the router has seen."""
        listing = self.in_router("nft", "list", "chain", "inet", "vpc", chain)
        lines = [line for line in listing.splitlines() if comment in line]
        found = [int(number) for line in lines for number in re.findall(r"counter packets (\d+)", line)]
        assert found, f"no counter {comment!r} in:\n{listing}"
        return sum(found)

    def strange_frames(self) -> int:
        """Return how many frames arrived over the attacker's link that were not addressed to a station here."""
        found = json.loads(
            self.in_router("ip", "-j", "-s", "-s", "link", "show", link_name(self.attacker.interface_id))
        )
        return int(found[0]["stats64"]["rx"].get("otherhost", 0))

    def kernel_counters(self, protocol: str) -> dict[str, int]:
        """Return the router's own counters of ``Ip:``, ``IpExt:`` and the like."""
        text = self.in_router("cat", "/proc/net/snmp", "/proc/net/netstat")
        names, numbers = (line.split()[1:] for line in text.splitlines() if line.startswith(protocol + " "))
        return dict(zip(names, map(int, numbers), strict=True))

    def in_router(self, *argv: str) -> str:
        """Run a program in the router's namespace and return what it prints."""
        with namespaces.inside(self.world.driver._kernel.routers[self.network.vpc_id].descriptor):
            return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    def in_container(self, interface: Interface, *argv: str) -> str:
        """Run a program in a container's network namespace and return what it prints."""
        assert interface.container_id is not None
        with namespaces.inside(self.world.containers[interface.container_id]):
            return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    def keep_flows(self) -> None:
        """Let no tracked connection expire during the test, however long a flood takes on this machine."""
        with namespaces.inside(self.world.driver._kernel.routers[self.network.vpc_id].descriptor):
            for name in ("udp_timeout", "tcp_timeout_syn_sent"):
                Path(f"/proc/sys/net/netfilter/nf_conntrack_{name}").write_text("3600")

    def tracked(self) -> int:
        """Return how many connections the router tracks."""
        return self.world.driver._kernel.routers[self.network.vpc_id].conntrack.count()

    def works(self) -> bool:
        """Return whether the bystander still reaches the victim."""
        with self.world.listen(self.victim, OPEN):
            try:
                self.world.connect(self.bystander, self.victim.address, OPEN).close()
            except OSError:
                return False
        return True


def street(world: World) -> Street:
    """Make the VPC in the kernel."""
    network = Network()
    network.ingress[APP] = [rule(1, ANYWHERE, TCP, OPEN)]
    network.egress[APP] = [EVERYTHING]
    attacker = network.add(1, "10.0.1.5", WEB)
    victim = network.add(2, "10.0.1.6", APP)
    bystander = network.add(3, "10.0.1.7", APP)
    world.realize(spec(network))
    return Street(world, network, attacker, victim, bystander)


def quiet(seen: Iterable[bytes]) -> bool:
    """Return whether nothing at all arrived."""
    return not list(seen)
