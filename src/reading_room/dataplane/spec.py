"""The network that one host should have, in the terms of a VPC: plain values, no device names, no firewall rules.

``vpc/network_spec.py`` reads it from the tables in one transaction, and a driver realizes it. All collections are
tuples in a stable order, so that equal networks are equal values. Addresses and networks are text in canonical form
(``10.0.1.5``, ``10.0.1.0/24``); ``dataplane/rules/invariants.py`` and the agent check them before use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reading_room.codec import later

ALL_PROTOCOLS = -1
"""The protocol number that EC2 writes as ``-1``: every protocol and every port."""


@dataclass(frozen=True, slots=True)
class CidrPeer:
    """The other side of a rule: an IPv4 network."""

    cidr: str


@dataclass(frozen=True, slots=True)
class GroupPeer:
    """The other side of a rule: the private addresses of the interfaces that have this group now."""

    group_id: str


@dataclass(frozen=True, slots=True)
class PrefixListPeer:
    """The other side of a rule: every network of a prefix list."""

    prefix_list_id: str


Peer = CidrPeer | GroupPeer | PrefixListPeer


@dataclass(frozen=True, slots=True)
class SecurityGroupRule:
    """One allow rule. For TCP and UDP the ports are a range. For ICMP they are type and code, and -1 means any."""

    rule_id: str
    """``sgr-…``"""
    protocol: int
    """The IANA number, or ``ALL_PROTOCOLS``."""
    from_port: int
    to_port: int
    peer: Peer


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """A group with its rules, and the addresses of all interfaces of the VPC that have it, on any host."""

    group_id: str
    ingress: tuple[SecurityGroupRule, ...]
    egress: tuple[SecurityGroupRule, ...]
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """A route to something other than the VPC itself (``Vpc.cidrs`` implies the local routes).

    ``target`` is ``blackhole`` or the id of the packets' next hop: ``vpce-…`` (a gateway endpoint), ``igw-…``,
    ``nat-…`` or ``eni-…``. An interface receives packets for other addresses than its own, because its check of source
    and destination is off; what it sends is still checked. A destination inside the VPC's own networks must be the
    whole block of a subnet, and then wins over the local route. A route table cannot hold any other destination inside
    them.
    """

    destination: str
    """A network, or a prefix list's id (``pl-…``)."""
    target: str


@dataclass(frozen=True, slots=True)
class RouteTable:
    """A route table; ``number`` is unique in its VPC, stable for the table's life, and at least 1."""

    route_table_id: str
    number: int
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet and its route table (the main table if none is associated)."""

    subnet_id: str
    cidr: str
    route_table_id: str


Service = Literal["s3", "comprehend", "ec2", "iam", "kms", "logs", "sts", "api"]
"""A service that a VPC can reach. ``api`` stands for all of them except S3; the request tells which one it is for."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A way from a VPC to a service: a listener inside the VPC for that one service.

    ``gateway`` is a VPC endpoint of type Gateway. Only packets from subnets whose route table sends the prefix list to
    it arrive.
    ``public`` is the public address of the service. It exists only in the service's own network.
    ``far`` is the same public address beyond an internet gateway. Only packets that the VPC's internet gateway or a
    NAT gateway translated arrive, and their sender is the public address that the gateway gave them. Its id is
    ``far-SERVICE``, and its ``prefix_list_id`` names the service's public networks.
    ``interface`` is a VPC endpoint of type Interface. It listens at ports 80 and 443 of the interfaces whose
    ``endpoint_id`` names it, and has no prefix list (empty text).
    ``number`` is unique in its VPC and stable for the endpoint's life, 1 to 2000.
    """

    endpoint_id: str
    kind: Literal["gateway", "public", "far", "interface"]
    service: Service
    prefix_list_id: str
    number: int


@dataclass(frozen=True, slots=True)
class ElasticAddress:
    """A public address that the internet gateway translates to one private address and back."""

    allocation_id: str
    """``eipalloc-…``"""
    public: str
    private: str
    """A primary or secondary address of an interface of the VPC, but never of a NAT gateway's."""


@dataclass(frozen=True, slots=True)
class NatGateway:
    """A NAT gateway in force, and the source addresses that it gives to packets.

    A public one forwards by its subnet's route table: packets that the table sends to the internet gateway leave with
    ``public``, and packets that it sends to a gateway endpoint arrive there with ``private``. A private one has no
    ``public`` address, so none of its packets pass an internet gateway. ``private`` is the address of the gateway's own
    interface. If there are several addresses, they share the connections.
    """

    nat_gateway_id: str
    subnet_id: str
    interface_id: str
    private: tuple[str, ...]
    public: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface on this host.

    ``container_id`` is the container that it belongs to. An interface without one exists in the VPC but has no wire.
    ``endpoint_id`` names the interface endpoint that listens at it, ``nat_gateway_id`` the NAT gateway that it belongs
    to; such interfaces have no container. ``secondary`` are its further private addresses.
    """

    interface_id: str
    subnet_id: str
    address: str
    mac: str
    group_ids: tuple[str, ...]
    container_id: str | None
    logged: bool = False
    """Whether a flow log covers it, so that the data plane must report its flows."""
    secondary: tuple[str, ...] = ()
    endpoint_id: str | None = None
    nat_gateway_id: str | None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return every private address, the primary one first."""
        return (self.address, *self.secondary)


@dataclass(frozen=True, slots=True)
class Placement:
    """A private address of an interface on another host, and that host's name.

    Routes to ``interface_id`` lead to that host. Without the id, packets that a route sends to the interface are
    dropped.
    """

    address: str
    host: str
    interface_id: str = later("")


@dataclass(frozen=True, slots=True)
class HostPlace:
    """A host's place among the hosts of an installation."""

    host: str
    number: int
    """Unique in the installation, stable while the host belongs to it, 1 to ``MOST_HOSTS``."""
    underlay: str
    """The host's address in the underlay, the network that connects the hosts."""
    key: str = later("")
    """The host's public key, in base64, if the underlay is encrypted with WireGuard."""
    port: int = later(0)
    """The UDP port at which it receives encrypted packets; 0 without a key."""


@dataclass(frozen=True, slots=True)
class Underlay:
    """The hosts that share VPCs with this one, and what the network between them carries."""

    here: HostPlace
    others: tuple[HostPlace, ...]
    mtu: int
    """The MTU of the underlay in bytes, at least ``LEAST_UNDERLAY_MTU``. A tunnel's is ``TUNNEL_OVERHEAD`` less."""


LAST_VNI = (1 << 24) - 1
"""The VNI of the scratch VPC that hosts share for the proof between them. No other VPC has it."""
MOST_HOSTS = 4094
TUNNEL_OVERHEAD = 50
"""The bytes that a tunnel adds to a packet: Ethernet, VXLAN, UDP and IPv4 headers."""
LEAST_UNDERLAY_MTU = 700
"""An MTU with which an encrypted tunnel carries the packets of 576 bytes that every IPv4 host must accept."""


@dataclass(frozen=True, slots=True)
class Vpc:
    """One VPC: an isolated address space with its own router, resolver, groups and endpoints."""

    vpc_id: str
    vni: int
    """A unique number of 24 bits that identifies the VPC between hosts."""
    cidrs: tuple[str, ...]
    dns_support: bool
    subnets: tuple[Subnet, ...]
    route_tables: tuple[RouteTable, ...]
    groups: tuple[SecurityGroup, ...]
    endpoints: tuple[Endpoint, ...]
    interfaces: tuple[Interface, ...]
    placements: tuple[Placement, ...] = ()
    """The addresses of the VPC's interfaces on other hosts. Each of them is an ``Underlay.others``."""
    internet_gateway: str | None = None
    """The ``igw-…`` attached to the VPC."""
    elastic_addresses: tuple[ElasticAddress, ...] = ()
    nat_gateways: tuple[NatGateway, ...] = ()
    gateway_host: str | None = None
    """The other host that owns the VPC's internet gateway, its Elastic IPs and NAT gateways. ``None``: this one."""


@dataclass(frozen=True, slots=True)
class PrefixList:
    """A named list of networks, the same in every VPC."""

    prefix_list_id: str
    cidrs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """Everything one host's network should hold."""

    vpcs: tuple[Vpc, ...]
    prefix_lists: tuple[PrefixList, ...]
    underlay: Underlay | None = None
    """``None`` if there is only one host. Otherwise a VPC's packets pass only while this host's lease lasts."""


@dataclass(frozen=True, slots=True)
class FlowEvent:
    """Packets of one flow, seen in one direction at one interface since the flow's previous event.

    ``direction`` is from the interface's point of view. ``start`` and ``end`` are the times of the first and the last
    packet in seconds since 1970, as far as the kernel tells. ``source`` and ``destination`` are the packet's as the
    interface's owner sees it (address translation undone), except that the interface itself always appears with its
    primary address. ``packet_source`` and ``packet_destination`` are the addresses in the packet itself: they differ
    for secondary addresses and at NAT gateways. ``tcp_flags`` is the OR of the flags if known, else 0.
    """

    vpc_id: str
    interface_id: str
    direction: Literal["ingress", "egress"]
    source: str
    destination: str
    source_port: int
    destination_port: int
    protocol: int
    packets: int
    bytes: int
    start: float
    end: float
    action: Literal["ACCEPT", "REJECT"]
    tcp_flags: int = 0
    packet_source: str = ""
    """Empty if it equals ``source``."""
    packet_destination: str = ""
    """Empty if it equals ``destination``."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a driver could not do: the id of its subject, and what went wrong, for the operator."""

    about: str
    message: str


@dataclass(frozen=True, slots=True)
class NetworkReport:
    """The network after ``realize``: the VPCs and interfaces that are in place, and the problems with the rest."""

    vpcs: tuple[str, ...]
    interfaces: tuple[str, ...]
    problems: tuple[Problem, ...]


LOCAL_CREDENTIALS_ADDRESS = "169.254.170.2"
"""The address at which SDKs fetch container credentials, by http at port 80."""
LOCAL_ENDPOINT_ADDRESS = "169.254.170.1"
"""The router's link-local address. Endpoints listen at its ports."""
LOCAL_RESOLVER_ADDRESS = "169.254.169.253"
"""The address of the resolver in every VPC. It also answers at the VPC's base address plus two."""


@dataclass(frozen=True, slots=True)
class ListenerLabel:
    """The purpose of a listening socket inside a VPC. The agent sends it to the server with the descriptor.

    ``resolver-udp``/``resolver-tcp``: port 53 at ``address``. ``credentials``: 169.254.170.2:80.
    ``endpoint-http``/``endpoint-https``: connections to port 80/443 of the service.
    For an interface endpoint, ``address`` and ``port`` are its interface's address and 80 or 443. ``service`` is the
    endpoint's service. ``public`` says that the peer's address is a public one and that the connection passed no VPC
    endpoint (``Endpoint.kind`` is ``far`` or ``public``).
    """

    vpc_id: str
    kind: Literal["resolver-udp", "resolver-tcp", "credentials", "endpoint-http", "endpoint-https"]
    address: str
    port: int
    endpoint_id: str | None = None
    service: Service = "s3"
    public: bool = False


def endpoint_ports(endpoint: Endpoint) -> tuple[int, int]:
    """Return the http and https listener ports of an endpoint at ``LOCAL_ENDPOINT_ADDRESS``."""
    return 20000 + 2 * endpoint.number, 20001 + 2 * endpoint.number
