"""Two hosts in one test: a driver each, an underlay namespace each, and a wire between the two."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from reading_room.agent.wireguard import WireGuardProgram, private_key, public_key
from reading_room.cli.host_namespaces import WIREGUARD, unpacked_wireguard
from reading_room.dataplane.linux import namespaces, rtnetlink
from reading_room.dataplane.linux.driver import LinuxNetworkDriver
from reading_room.dataplane.linux.encrypted_underlay import Encryption
from reading_room.dataplane.linux.pair_proof import PairProofs
from reading_room.dataplane.linux.rtnetlink import RouteSocket
from reading_room.dataplane.rules.uplink import VETH
from reading_room.dataplane.spec import HostPlace, Interface, NetworkSpec, Placement, Underlay, Vpc
from tests.worlds.network import PREFIX_LISTS, Network, World, connected

A, B = HostPlace("a", 1, "192.0.2.1"), HostPlace("b", 2, "192.0.2.2")
MTU = 1500
LEASE_SECONDS = 600
WIREGUARD_PORT = 51820
WIRE = 77


def part_of(vpc: Vpc, mine: frozenset[str], others: Mapping[str, str], gateway_host: str | None = None) -> Vpc:
    """Return a host's part of a VPC: its interfaces ``mine``, and the addresses of ``others`` (interface to host).

    Interfaces of endpoints and NAT gateways are on every host.
    """
    return replace(
        vpc,
        gateway_host=gateway_host,
        interfaces=tuple(each for each in vpc.interfaces if each.interface_id in mine or each.container_id is None),
        placements=tuple(
            Placement(address, others[each.interface_id], each.interface_id)
            for each in vpc.interfaces
            if each.interface_id in others
            for address in each.addresses
        ),
    )


def wireguard_go() -> str:
    """Return the program, which ``scripts/setup`` unpacks if the machine has none; skip the test without it."""
    if (found := shutil.which(WIREGUARD)) is not None:
        return found
    if (folder := unpacked_wireguard()) is None:
        pytest.skip("wireguard-go is not installed, and make setup could not unpack it")
    return str(folder / WIREGUARD)


def frame(vni: int, mac: str, packet: bytes) -> bytes:
    """Return the payload of a VXLAN datagram: an Ethernet frame with an IPv4 packet."""
    ethernet = bytes.fromhex(mac.replace(":", "")) + bytes.fromhex("020000010063") + b"\x08\x00"
    return struct.pack("!II", 0x08000000, vni << 8) + ethernet + packet


def udp_packet(source: str, destination: str, port: int) -> bytes:
    """Return an IPv4 packet with an empty UDP datagram, without checksum of the datagram."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 1, 0, 64, 17, 0, *map(socket.inet_aton, (source, destination)))
    total = sum(struct.unpack("!10H", head))
    total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return head[:10] + struct.pack("!H", total) + head[12:] + struct.pack("!HHHH", 40_000, port, 8, 0)


def carry(hosts: Mapping[str, RouteSocket], carries: Callable[[bytes], bool]) -> None:
    """Connect ``under0`` of both hosts by threads that copy frames, as devices without checksums inside tunnels would.

    What a host left to its device stays wrong inside a tunnel. The UDP checksum of the tunnel itself becomes 0, which
    means none.
    """
    ends = []
    for number, opened in enumerate(hosts.values(), 1):
        between = namespaces.new_namespace()
        mac = f"02:00:00:00:0b:0{number}"
        opened.batch([rtnetlink.create_veth("under0", WIRE, MTU, between, f"02:00:00:00:0c:0{number}", mac, "far")])
        with namespaces.inside(between):
            far = RouteSocket()
            end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        far.batch([rtnetlink.set_up(far.index_of("far"), "far")])
        far.close()
        end.bind(("far", 3))
        ends.append(end)

    def copy(source: socket.socket, target: socket.socket) -> None:
        while True:
            frame, (_, _, kind, *_) = source.recvfrom(1 << 16)
            if kind != socket.PACKET_OUTGOING and carries(frame):
                udp = frame[12:14] == b"\x08\x00" and frame[23] == socket.IPPROTO_UDP
                target.send(frame[:40] + b"\0\0" + frame[42:] if udp else frame)

    for source, target in (ends, ends[::-1]):
        threading.Thread(target=copy, args=(source, target), daemon=True).start()


def transfer(world: World, source: Interface, target: Interface, size: int = 4_000_000) -> None:
    """Send this many bytes through one connection, to port 8443."""
    server = world.listen(target, 8443)
    with server, connected(world, source, target, 8443) as client, server.accept()[0] as accepted:
        sender = threading.Thread(target=client.sendall, args=(bytes(size),))
        sender.start()
        received = 0
        while received < size:
            received += len(accepted.recv(1 << 20))
        sender.join()


def counted(hosts: TwoHosts, host: str, network: Network, source: Interface) -> int:
    """Return how many packets of an interface to port 8443 a host has recorded since the last call."""
    driver = hosts.drivers[host]
    driver._flows.flush(network.vpc_id, driver._kernel.routers[network.vpc_id].descriptor)
    found = [each for each in driver.flows() if (each.source, each.destination_port) == (source.address, 8443)]
    return sum(each.packets for each in found)


class TwoHosts:
    """Hosts A and B in the world of one test. Interfaces are placed by name of the host."""

    def __init__(
        self,
        world: World,
        *,
        internet: bool = False,
        encrypted: bool = False,
        clock: Callable[[], float] | None = None,
        wire: Callable[[bytes], bool] | None = None,
    ) -> None:
        """Connect the two underlays, and start both drivers.

        With ``internet`` each host has an uplink to its own. With ``encrypted`` the tunnels are inside WireGuard. With
        ``clock`` enforcement between the hosts must be proven, and that is the proof's clock. ``wire`` says for each
        frame whether it arrives (see ``carry``).
        """
        self.world = world
        self._clock, self._carries = clock, wire
        self.places = {"a": A, "b": B}
        self.programs: dict[str, WireGuardProgram] = {}
        self.owner = "a"
        """The host that owns the gateways."""
        self.internets: dict[str, int] = {}
        for host in ("a", "b") if internet else ():
            world.make_internet()
            self.internets[host] = world.internet
        self.underlays = {host: namespaces.new_namespace() for host in ("a", "b")}
        self._wire()
        for host in ("a", "b") if encrypted else ():
            key = public_key(self._runtime(host))
            self.places[host] = replace(self.places[host], key=key, port=WIREGUARD_PORT)
        self.drivers = {host: self._driver(host) for host in ("a", "b")}

    def _wire(self) -> None:
        sockets = {}
        for host, descriptor in self.underlays.items():
            with namespaces.inside(descriptor):
                sockets[host] = RouteSocket()
        there = self.underlays["b"]
        if self._carries is None:
            sockets["a"].batch(
                [rtnetlink.create_veth("under0", WIRE, MTU, there, "02:00:00:00:0b:02", "02:00:00:00:0b:01", "under0")]
            )
        else:
            carry(sockets, self._carries)
        for place, opened in ((A, sockets["a"]), (B, sockets["b"])):
            index = opened.index_of("under0")
            opened.batch([rtnetlink.set_up(index, "under0"), rtnetlink.add_address(index, place.underlay, 24)])
        for opened in sockets.values():
            opened.wait_until_it_sends("under0")
            opened.close()

    def _runtime(self, host: str) -> Path:
        folder = self.world.runtime / host
        folder.mkdir(exist_ok=True)
        return folder

    def _driver(self, host: str) -> LinuxNetworkDriver:
        runtime = self._runtime(host)
        underlay: Path | Encryption = Path(f"/proc/self/fd/{self.underlays[host]}")
        if self.places[host].key:
            assert isinstance(underlay, Path)
            program = self.programs[host] = WireGuardProgram(runtime, None, wireguard_go())
            self.world.processes.append(program)
            underlay = Encryption(underlay, private_key(runtime), program, runtime)
        if host not in self.internets:
            pairs = None if self._clock is None else PairProofs(self._clock)
            return LinuxNetworkDriver(runtime, underlay=underlay, pairs=pairs)
        return LinuxNetworkDriver(runtime, VETH, Path(f"/proc/self/fd/{self.internets[host]}"), underlay=underlay)

    def go_out_by(self, host: str, homes: Mapping[str, str], *networks: Network) -> None:
        """Give the gateways to a host, realize networks, and make that host's internet the world's."""
        self.owner, self.world.internet = host, self.internets[host]
        self.realize(homes, *networks)
        self.world.route_back()

    def restart(self, host: str) -> None:
        """Lose a host's driver as in a crash, and start another one."""
        self.drivers[host].close()
        self.drivers[host] = self._driver(host)

    def spec(self, host: str, homes: Mapping[str, str], *networks: Network) -> NetworkSpec:
        """Return a host's spec; ``homes`` maps interfaces to hosts, and one without a home is on none."""
        here, other = self.places[host], self.places["b" if host == "a" else "a"]
        mine = frozenset(interface for interface, home in homes.items() if home == host)
        away = {interface: home for interface, home in homes.items() if home != host}
        elsewhere = None if self.owner == host else self.owner
        vpcs = tuple(part_of(network.build(), mine, away, elsewhere) for network in networks)
        return NetworkSpec(vpcs, PREFIX_LISTS, Underlay(here, (other,), MTU))

    def realize(self, homes: Mapping[str, str], *networks: Network, renew: bool = True) -> None:
        """Realize networks on both hosts, and assert that nothing failed."""
        for host in self.drivers:
            self.realize_on(host, self.spec(host, homes, *networks), renew=renew)

    def realize_on(self, host: str, wish: NetworkSpec, *, renew: bool = True) -> None:
        """Realize a spec on one host, renew its lease, and assert that nothing failed."""
        present = {}
        for vpc in wish.vpcs:
            for each in vpc.interfaces:
                if each.container_id is not None:
                    present[each.container_id] = self.world.container(each.container_id)
        report = self.drivers[host].realize(wish, present)
        assert report.problems == (), "\n".join(str(each) for each in report.problems)
        if renew:
            assert self.drivers[host].renew_lease(LEASE_SECONDS) == ()

    def close(self) -> None:
        """Close what is open."""
        for driver in self.drivers.values():
            driver.close()
        for descriptor in (*self.underlays.values(), *self.internets.values()):
            os.close(descriptor)
        if self.internets:
            self.world.internet = -1
