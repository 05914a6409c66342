"""A separate world for one test: network, mount and (for an ordinary user) user namespaces, left by exiting.

``conftest.py`` runs a test with the fixture ``world`` in a forked child, which first enters the world. The test cannot
reach the host's links, rules or mounts, and everything ends with the child. Sockets are opened inside a container's
namespace and used from outside, so that no helper process is needed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from reading_room.dataplane.linux import namespaces, rtnetlink
from reading_room.dataplane.linux.driver import LinuxNetworkDriver
from reading_room.dataplane.rules.uplink import VETH, VETH_PEER, Outside
from reading_room.dataplane.spec import (
    CidrPeer,
    ElasticAddress,
    Endpoint,
    FlowEvent,
    GroupPeer,
    Interface,
    NatGateway,
    NetworkReport,
    NetworkSpec,
    Peer,
    PrefixList,
    PrefixListPeer,
    Route,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    Service,
    Subnet,
    Vpc,
)
from tests.worlds.arrivals import Arrivals
from tests.worlds.waiting import DEADLINE

CLONE_NEWNS = 0x20000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
MS_REC_PRIVATE = 0x4000 | 0x40000

S3 = "pl-63a5400a"
S3_ADDRESS = "52.216.0.10"
API, API_ADDRESS = "pl-0a0a0a0a", "52.94.0.10"
PREFIX_LISTS = (PrefixList(API, ("52.94.0.0/22",)), PrefixList(S3, ("3.5.0.0/19", "52.216.0.0/15")))
INTERNET, ELSEWHERE = "203.0.113.9", "203.0.113.10"
"""Two addresses of the tests' internet."""
PUBLIC = "198.51.100.0/24"
"""The network of all public addresses of VPCs."""
TCP, UDP, ICMP = 6, 17, 1
TCP_SYN_SENT = 2
"""The state of a connection without an answer (``TCP_INFO``, in its first byte)."""


def ident(prefix: str, number: int) -> str:
    """Return an id in EC2's form."""
    return f"{prefix}-{number:08x}{number:09x}"


def rule(number: int, peer: Peer, protocol: int = TCP, first: int = 0, last: int | None = None) -> SecurityGroupRule:
    """Return an allow rule."""
    return SecurityGroupRule(ident("sgr", number), protocol, first, first if last is None else last, peer)


ANYWHERE = CidrPeer("0.0.0.0/0")
EVERYTHING = rule(900, ANYWHERE, -1, -1)
WEB, APP, MUTE = ident("sg", 1), ident("sg", 2), ident("sg", 3)
"""WEB allows all egress and no ingress; APP accepts 8443 from WEB and may call S3; MUTE has no rule."""


@dataclass
class Network:
    """A VPC as tests describe it; ``build`` makes the value."""

    number: int = 1
    cidr: str = "10.0.0.0/16"
    ingress: dict[str, list[SecurityGroupRule]] = field(default_factory=dict)
    egress: dict[str, list[SecurityGroupRule]] = field(default_factory=dict)
    interfaces: list[Interface] = field(default_factory=list)
    endpoint_in: list[int] = field(default_factory=lambda: [1])
    """The numbers of the route tables that route to the S3 endpoint."""
    endpoint: bool = True
    logged: bool = True
    extra_routes: list[Route] = field(default_factory=list)
    gateway: bool = False
    """Whether it has an internet gateway."""
    elastic: dict[str, str] = field(default_factory=dict)
    """Public addresses, and the private address of each."""
    nats: list[NatGateway] = field(default_factory=list)
    endpoints: list[Endpoint] = field(default_factory=list)
    """Further endpoints."""
    routes: dict[int, list[Route]] = field(default_factory=dict)
    """Further routes of one table, by its number."""

    def __post_init__(self) -> None:
        """Add the three standard groups if there are none."""
        if not self.egress:
            self.ingress = {WEB: [], APP: [rule(1, GroupPeer(WEB), TCP, 8443)], MUTE: []}
            self.egress = {WEB: [EVERYTHING], APP: [rule(2, PrefixListPeer(S3), TCP, 443)], MUTE: []}

    @property
    def vpc_id(self) -> str:
        """The VPC's id."""
        return ident("vpc", self.number)

    @property
    def endpoint_id(self) -> str:
        """The id of its S3 endpoint."""
        return ident("vpce", self.number)

    @property
    def gateway_id(self) -> str:
        """The id of its internet gateway."""
        return ident("igw", self.number)

    def add(
        self, number: int, address: str, *groups: str, subnet: int = 1, secondary: tuple[str, ...] = ()
    ) -> Interface:
        """Attach an interface; its container is named after its number."""
        interface = Interface(
            interface_id=ident("eni", self.number * 1000 + number),
            subnet_id=ident("subnet", self.number * 10 + subnet),
            address=address,
            mac=f"02:00:00:{self.number:02x}:00:{number:02x}",
            group_ids=groups,
            container_id=f"c{self.number}-{number}",
            logged=self.logged,
            secondary=secondary,
        )
        self.interfaces.append(interface)
        return interface

    def add_nat(self, number: int, address: str, *public: str, subnet: int = 1, private: tuple[str, ...] = ()) -> str:
        """Add a NAT gateway with its interface; without a public address it is private; return its id."""
        interface = replace(self.add(number, address, subnet=subnet), container_id=None)
        nat = NatGateway(
            ident("nat", self.number * 1000 + number),
            interface.subnet_id,
            interface.interface_id,
            (address, *private),
            public,
        )
        self.interfaces[-1] = replace(interface, nat_gateway_id=nat.nat_gateway_id, secondary=private)
        self.nats.append(nat)
        return nat.nat_gateway_id

    def add_service(
        self, number: int, address: str, *groups: str, service: Service = "comprehend", subnet: int = 1
    ) -> Interface:
        """Add an interface endpoint with one interface."""
        endpoint_id = ident("vpce", self.number * 1000 + number)
        interface = replace(
            self.add(number, address, *groups, subnet=subnet), container_id=None, endpoint_id=endpoint_id
        )
        self.interfaces[-1] = interface
        self.endpoints.append(Endpoint(endpoint_id, "interface", service, "", number))
        return interface

    def add_far(self) -> None:
        """Add S3 and the other services behind the gateways."""
        self.endpoints.append(Endpoint("far-s3", "far", "s3", S3, 1999))
        self.endpoints.append(Endpoint("far-api", "far", "api", API, 2000))

    def build(self) -> Vpc:
        """Return the value: two /24 subnets, each with a route table of its own."""
        base = self.cidr.split("/")[0].rsplit(".", 2)[0]
        local = [Route(S3, self.endpoint_id)] if self.endpoint else []
        tables = tuple(
            RouteTable(
                ident("rtb", self.number * 10 + number),
                number,
                (
                    *(local if number in self.endpoint_in else []),
                    *self.extra_routes,
                    *self.routes.get(number, []),
                ),
            )
            for number in (1, 2)
        )
        groups = tuple(
            SecurityGroup(
                group_id,
                tuple(self.ingress[group_id]),
                tuple(self.egress[group_id]),
                tuple(sorted(a for each in self.interfaces if group_id in each.group_ids for a in each.addresses)),
            )
            for group_id in sorted(self.egress)
        )
        gateway_endpoint = (Endpoint(self.endpoint_id, "gateway", "s3", S3, 1),) if self.endpoint else ()
        return Vpc(
            vpc_id=self.vpc_id,
            vni=self.number,
            cidrs=(self.cidr,),
            dns_support=True,
            subnets=tuple(
                Subnet(ident("subnet", self.number * 10 + n), f"{base}.{n}.0/24", ident("rtb", self.number * 10 + n))
                for n in (1, 2)
            ),
            route_tables=tables,
            groups=groups,
            endpoints=(*gateway_endpoint, *self.endpoints),
            interfaces=tuple(sorted(self.interfaces, key=lambda each: each.interface_id)),
            internet_gateway=self.gateway_id if self.gateway else None,
            elastic_addresses=tuple(
                ElasticAddress(f"eipalloc-{public.replace('.', '0')}", public, private)
                for public, private in sorted(self.elastic.items())
            ),
            nat_gateways=tuple(sorted(self.nats, key=lambda each: each.nat_gateway_id)),
        )


def spec(*networks: Network) -> NetworkSpec:
    """Return the spec for some networks."""
    vpcs = sorted((network.build() for network in networks), key=lambda vpc: vpc.vpc_id)
    return NetworkSpec(tuple(vpcs), PREFIX_LISTS)


class Ending(Protocol):
    """A process that can be ended."""

    def end(self) -> None:
        """End it, if it runs."""
        ...


class World:
    """The test's own namespaces, a driver in them, and containers that are only namespaces."""

    def __init__(self, directory: Path) -> None:
        """Take the place of the runtime directory; nothing is entered yet."""
        self.runtime = directory / "runtime"
        self.containers: dict[str, int] = {}
        self._driver: LinuxNetworkDriver | None = None
        self._arrivals: Arrivals | None = None
        self.internet = -1
        """The namespace of the tests' internet, if it exists."""
        self.processes: list[Ending] = []
        """The processes of this world, which end with it even if the test fails."""

    def enter(self) -> None:
        """Leave the host: new namespaces for this process, which must be a single thread."""
        libc = ctypes.CDLL(None, use_errno=True)
        uid, gid = os.getuid(), os.getgid()
        flags = CLONE_NEWNET | CLONE_NEWNS | (CLONE_NEWUSER if uid else 0)
        if libc.unshare(flags) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        if uid:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
            Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
        if libc.mount(b"none", b"/", None, MS_REC_PRIVATE, None) != 0:
            raise OSError(ctypes.get_errno(), "make mounts private")
        self.runtime.mkdir(exist_ok=True)
        if libc.mount(b"tmpfs", bytes(self.runtime), b"tmpfs", 0, b"mode=700") != 0:
            raise OSError(ctypes.get_errno(), "mount tmpfs")

    @property
    def driver(self) -> LinuxNetworkDriver:
        """The driver, made at first use."""
        if self._driver is None:
            if self.internet >= 0:
                self._driver = LinuxNetworkDriver(self.runtime, VETH, Path(f"/proc/self/fd/{self.internet}"))
            else:
                self._driver = LinuxNetworkDriver(self.runtime)
        return self._driver

    def start_driver(self, outside: Outside | None = None, *, runtime: Path | None = None, **more: Any) -> None:
        """Make the driver with other arguments than usual, before its first use."""
        assert self._driver is None
        self._driver = LinuxNetworkDriver(runtime or self.runtime, outside, **more)

    def make_internet(self) -> None:
        """Make the namespace behind the uplink, before the driver's first use."""
        assert self._driver is None
        self.internet = namespaces.new_namespace()
        with namespaces.inside(self.internet):
            inner = rtnetlink.RouteSocket()
        inner.batch([rtnetlink.set_up(rtnetlink.LOOPBACK, "lo")])
        inner.batch([rtnetlink.add_address(rtnetlink.LOOPBACK, each) for each in (INTERNET, ELSEWHERE)])
        inner.close()

    def route_back(self) -> None:
        """Route the VPCs' public addresses from the internet to the uplink, as an operator does."""
        with namespaces.inside(self.internet):
            inner = rtnetlink.RouteSocket()
        index = inner.index_of(VETH_PEER)
        inner.batch([rtnetlink.add_route(rtnetlink.RT_TABLE_MAIN, "unicast", PUBLIC, index, VETH.address)])
        inner.close()

    def internet_socket(self, address: str, kind: int = socket.SOCK_STREAM) -> socket.socket:
        """Open a socket in the internet, bound to one of its addresses."""
        with namespaces.inside(self.internet):
            opened = socket.socket(socket.AF_INET, kind)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((address, 0))
        opened.settimeout(DEADLINE)
        return opened

    def internet_server(self, address: str, port: int) -> socket.socket:
        """Listen in the internet."""
        with namespaces.inside(self.internet):
            server = socket.create_server((address, port), backlog=128)
        server.settimeout(DEADLINE)
        return server

    def crash(self) -> None:
        """Lose the driver as in a crash; the next use starts another one."""
        if self._driver is not None:
            self._driver.close()
        self._driver = None

    def restart(self) -> None:
        """Lose the driver as in a crash, and start another one."""
        self.crash()
        self.driver

    def container(self, container_id: str) -> int:
        """Return the namespace of a container, made at first use."""
        if container_id not in self.containers:
            self.containers[container_id] = namespaces.new_namespace()
        return self.containers[container_id]

    def end_container(self, container_id: str) -> None:
        """Release a container's namespace, as its end does."""
        os.close(self.containers.pop(container_id))

    def realize(self, wish: NetworkSpec) -> NetworkReport:
        """Make every container of the spec, realize it, and assert that nothing failed."""
        for vpc in wish.vpcs:
            for interface in vpc.interfaces:
                if interface.container_id is not None:
                    self.container(interface.container_id)
        report = self.driver.realize(wish, self.containers)
        assert report.problems == (), "\n".join(str(each) for each in report.problems)
        return report

    def socket_in(self, interface: Interface, kind: int = socket.SOCK_STREAM, protocol: int = 0) -> socket.socket:
        """Open a socket in an interface's container."""
        assert interface.container_id is not None
        with namespaces.inside(self.containers[interface.container_id]):
            return socket.socket(socket.AF_INET, kind, protocol)

    def listen(self, interface: Interface, port: int) -> socket.socket:
        """Listen in an interface's container; connections wait in the backlog."""
        server = self.socket_in(interface)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((interface.address, port))
        server.listen(128)
        server.settimeout(DEADLINE)
        return server

    def connect(self, interface: Interface, address: str, port: int, *, from_port: int = 0) -> socket.socket:
        """Connect from an interface's container as ``connect_from`` does."""
        client = self.socket_in(interface)
        if from_port:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            client.bind((interface.address, from_port))
        return self.connect_from(client, address, port)

    def connect_from(self, client: socket.socket, address: str, port: int) -> socket.socket:
        """Connect a socket with its first packet; if it is dropped, close it and raise ``OSError``."""
        client.setblocking(False)
        failed = client.connect_ex((address, port))
        self.let_arrive()
        if failed == errno.EINPROGRESS:
            failed = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if not failed and client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TCP_SYN_SENT:
            failed = errno.ETIMEDOUT
        if failed:
            client.close()
            raise OSError(failed, f"{os.strerror(failed)}: {address}:{port}")
        client.settimeout(DEADLINE)
        return client

    def let_arrive(self) -> None:
        """Return when every packet that was sent has arrived or was dropped."""
        if self._arrivals is None:
            self._arrivals = Arrivals()
        self._arrivals.wait()

    def listener(self, network: Network, kind: str, endpoint_id: str | None = None) -> socket.socket:
        """Return the driver's listening socket of a kind, and of an endpoint if one is given, in a network."""
        found = [
            opened
            for label, opened in self.driver.listeners().items()
            if label.vpc_id == network.vpc_id and label.kind == kind and endpoint_id in (None, label.endpoint_id)
        ]
        return found[0]

    def all_flows(self) -> list[FlowEvent]:
        """Return the flow events of every network so far, after a forced reading."""
        for vpc_id, router in self.driver._kernel.routers.items():
            self.driver._flows.flush(vpc_id, router.descriptor)
        events = list(self.driver.flows())
        self.driver.flows_told()()
        return events

    def flows(self, network: Network) -> list[FlowEvent]:
        """Return the flow events of a network so far; those of others are lost."""
        return [event for event in self.all_flows() if event.vpc_id == network.vpc_id]

    def end_processes(self) -> None:
        """End the processes of this world."""
        for each in self.processes:
            each.end()

    def leave(self) -> None:
        """Close what is open; the namespaces go with the process."""
        self.end_processes()
        if self._driver is not None:
            self._driver.close()
        if self._arrivals is not None:
            self._arrivals.close()
        for descriptor in self.containers.values():
            os.close(descriptor)
        if self.internet >= 0:
            os.close(self.internet)


def connected(world: World, a: Interface, b: Interface, port: int) -> socket.socket:
    """Return a connection whose packets may pass a program, so that ``let_arrive`` does not wait for them."""
    client = world.socket_in(a)
    client.settimeout(DEADLINE)
    client.connect((b.address, port))
    return client


def expect_reaches(world: World, a: Interface, b: Interface | str, port: int) -> None:
    """Assert that a connection opens."""
    address = b if isinstance(b, str) else b.address
    world.connect(a, address, port).close()


def expect_blocked(world: World, a: Interface, b: Interface | str, port: int) -> None:
    """Assert that a connection is dropped in silence: neither accepted nor refused."""
    address = b if isinstance(b, str) else b.address
    try:
        world.connect(a, address, port).close()
    except TimeoutError:
        return
    raise AssertionError(f"{a.address} reached {address}:{port}")


def expect_silence(world: World, *opened: socket.socket) -> None:
    """Assert that nothing sent so far has arrived at these sockets: no datagram, connection, byte or end."""
    world.let_arrive()
    assert select.select(opened, [], [], 0)[0] == []


def ask_by_udp(world: World, a: Interface, address: str, port: int, payload: bytes = b"?") -> socket.socket:
    """Send one datagram from an interface's container."""
    client = world.socket_in(a, socket.SOCK_DGRAM)
    client.settimeout(DEADLINE)
    client.sendto(payload, (address, port))
    return client


def ping(world: World, a: Interface, address: str) -> bool:
    """Send one echo request and return whether there was a reply."""
    with world.socket_in(a, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        body = struct.pack("!BBHHH", 8, 0, 0, 77, 1)
        total = sum(struct.unpack("!4H", body))
        total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
        raw.sendto(struct.pack("!BBHHH", 8, 0, total, 77, 1), (address, 0))
        world.let_arrive()
        while select.select([raw], [], [], 0)[0]:
            packet, sender = raw.recvfrom(2048)
            if sender[0] == address and packet[20] == 0:
                return True
        return False


def summary(events: Sequence[FlowEvent]) -> set[tuple[str, str, str, str, int, str]]:
    """Return what readers of a flow log look at: interface, direction, ends, port of the service, action."""
    return {
        (each.interface_id, each.direction, each.source, each.destination, each.destination_port, each.action)
        for each in events
    }
