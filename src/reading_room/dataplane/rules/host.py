"""The configuration of one host's kernel for its VPCs: plain values, the contract between ``compile`` and ``kernel``.

Each VPC has a router network namespace. All its traffic passes the hooks there, even between neighbours in one subnet:
a container has its address as /32 and a default route through the subnet's router, so no two containers share a wire.

``kernel.py`` turns a ``RouterConfig`` into the following, in this order (``plan.py`` gives the steps):

1. a network namespace pinned under ``namespace``; forwarding on, IPv6 off, no redirects, ``rp_filter`` 0, conntrack
   accounting, time stamps and events on; ``lo`` up;
2. the ruleset, before any link exists, so that no packet ever passes without the rules;
3. ``addresses`` and ``endpoint_addresses`` on ``lo`` as /32, segmentation offloads of ``lo`` off;
4. one route of type blackhole for every network of ``blackholes`` (never of type unreachable, since a packet that
   nobody takes is dropped silently): the VPC's own networks in the main table, ``0.0.0.0/0`` in the last table;
5. ``tunnel``, if there is one: a VXLAN device, permanent neighbours and forwarding entries for the other hosts, and a
   route to each address there (``Tunnel``);
6. ``returns``: a rule ``iif lo`` before the main table leads the router's own packets to a table with one route
   ``ADDRESS/32 dev lo`` for each. A listener's answer to a translated peer needs a route to leave its socket; its
   destination is translated back in the output hook, which finds the real route. Packets of containers never see
   this table;
7. ``uplink``, if there is one (``Uplink``);
8. each link, and its routes ``address``/32 and ``secondary``/32 on the router end in the main table;
9. ``through``: the routes by links to interfaces that receive packets for other addresses; their policy rules were
   created with the others (``Through``);
10. the listening sockets of ``listeners``, those of interface endpoints at ``endpoint_addresses``.

Routing knows which interfaces are attached, which of them receive packets for other addresses, and which networks are
behind the uplink. The ruleset decides the routes of route tables that lead out of the VPC: an endpoint is a destination
translation keyed by the route table's mark, a NAT gateway or an Elastic IP is a source translation, an interface that
receives packets for other addresses is a mark, and everything else is dropped there and reported.

Packets that end in the router are reported by NFLOG with the prefixes of ``compile/flow_logs.py``. A receiver's refusal
is logged in the postrouting hook (there is no chain in forward), with the source as the receiver sees it, and with the
input device.

When a configuration replaces another, connections that lost their way are ended: ``reach`` decides about those that a
listener accepted, ``translations`` about translated flows.

Inside the container's namespace, a link provides: ``lo`` up, ``eth0`` with ``mac``, ``address``/32 and ``mtu``, default
route ``via gateway dev eth0 onlink``. Segmentation and receive offloads are off on both ends, since conntrack counts
packets correctly only then.
"""

from __future__ import annotations

from dataclasses import dataclass

from reading_room.dataplane.rules.nftables import Ruleset
from reading_room.dataplane.spec import MOST_HOSTS, ListenerLabel

LINK_NAME_LENGTH = 15
"""The longest name of a network device (IFNAMSIZ without its final zero)."""
MTU = 9001
"""The MTU inside a VPC in bytes, as in EC2."""
UPLINK_DEVICE = "up0"
"""The router's end of the wire to the uplink namespace."""
TUNNEL_PORT = 4789
"""The UDP port of VXLAN."""
CONTAINER_DEVICE = "eth0"
"""The name of the link's other end, inside the container's namespace."""


@dataclass(frozen=True, slots=True)
class LinkConfig:
    """A veth pair: one end is in the router namespace, the other, ``eth0``, in the container's namespace."""

    name: str
    """Name of the router's end: at most ``LINK_NAME_LENGTH`` characters, derived from ``interface_id`` alone."""
    interface_id: str
    """The whole ``eni-…``. It is the alias of the router's end, by which a restarted agent recognizes the link."""
    container_id: str
    """The container whose namespace holds the other end."""
    mac: str
    """MAC address of the container's end."""
    address: str
    """The interface's primary address, without a prefix length."""
    gateway: str
    """The subnet's router address (its base plus one)."""
    mtu: int = MTU
    secondary: tuple[str, ...] = ()
    """Further addresses, sorted. They are on ``eth0`` as /32 after the primary one, and have routes at the router."""


@dataclass(frozen=True, slots=True)
class EndpointReach:
    """Which sources reach an endpoint through which destination networks. It decides which connections may continue.

    There is at least one for every route table that leads to the endpoint. A source appears in several if its networks
    reach the endpoint in different ways. ``plan.py`` cuts the connections of a source whose networks or ``peers``
    changed, or that no longer appears. Interface endpoints do not appear: only the end of their interface cuts their
    connections.
    """

    endpoint_id: str
    ports: tuple[int, int]
    """The listener's http and https ports at ``LOCAL_ENDPOINT_ADDRESS``."""
    networks: tuple[str, ...]
    """The part of the prefix list that this route table sends to the endpoint."""
    sources: tuple[str, ...]
    """The original sources of connections: addresses of the attached interfaces whose subnet uses the route table."""
    peers: tuple[str, ...] = ()
    """The peers that the listener sees instead of ``sources`` (a NAT gateway's addresses, an Elastic IP); empty if it
    sees the sources. Then only the tracked connection tells the source of a connection."""


@dataclass(frozen=True, slots=True)
class Translation:
    """Sources whose packets to some networks get other addresses from a NAT gateway or an Elastic IP.

    A tracked connection from S to D whose source became T continues while a translation has S in ``sources``, D in
    ``networks`` and T in ``addresses``. One from outside to an Elastic IP P that was led to R continues while an
    ``inbound`` translation has R in ``sources`` and P in ``addresses``. One with the mark of an interface that receives
    packets for other addresses, or of the host that owns the internet gateway, continues while a translation with that
    ``mark`` has S in ``sources`` and D in ``networks``; if it is ``inbound``, while D is in ``sources``.
    """

    sources: tuple[str, ...]
    networks: tuple[str, ...]
    addresses: tuple[str, ...]
    inbound: bool = False
    """Whether it also works from outside, as an Elastic IP does."""
    mark: int = 0
    """The mark of the interface or host that receives these packets. Then nothing is translated here, and ``addresses``
    is empty."""


@dataclass(frozen=True, slots=True)
class UplinkRoutes:
    """The destinations that one route table sends to the uplink: disjoint networks, sorted."""

    number: int
    """The table's number, which is also the mark of its packets."""
    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Uplink:
    """The wire between a router and the host's uplink namespace, for a VPC with an internet gateway.

    The router's end is ``UPLINK_DEVICE``. Packets reach it by policy routing: for every entry of ``routes``, a rule
    ``fwmark NUMBER`` after the main table leads to a separate table with ``networks`` by this device. A blackhole comes
    after all of them. In the uplink namespace each of ``public`` is a /32 route to the router. Packets may leave only
    with one of ``public`` as their source: the ruleset's last chain drops all others.
    """

    public: tuple[str, ...]
    """The VPC's public addresses, from Elastic IPs in use and NAT gateways, sorted."""
    routes: tuple[UplinkRoutes, ...]


@dataclass(frozen=True, slots=True, order=True)
class Through:
    """An interface that receives packets for other addresses, because a route leads to it.

    For packets with the mark ``number`` a policy rule before the main table leads to a table of that number, with one
    route: everything by ``device`` to ``address``. A blackhole for the same mark comes next, so that without the link
    nobody else gets them.
    """

    number: int
    """The interface's mark and the number of its routing table: at least 2**31, above those of all route tables."""
    device: str
    """The link's name, or the tunnel's for an interface on another host."""
    address: str
    """The next hop, whose MAC address the router knows: the interface's primary address, or that of its host in the
    tunnel."""


@dataclass(frozen=True, slots=True, order=True)
class TunnelHost:
    """Another host at the far end of a tunnel.

    ``hop`` is the next hop of routes to its addresses. A permanent neighbour entry gives ``hop`` the address ``mac``,
    and a forwarding entry sends frames for ``mac`` to ``underlay``. Both are empty if the kernel lacks that entry.
    """

    hop: str
    mac: str
    underlay: str


@dataclass(frozen=True, slots=True, order=True)
class TunnelRoute:
    """A /32 route to an address on another host."""

    address: str
    hop: str


@dataclass(frozen=True, slots=True)
class Tunnel:
    """The VPC's VXLAN device: it carries packets to the VPC's interfaces on other hosts, and back.

    It is created in the underlay's namespace, where its UDP packets stay, and directly in the router's. It learns
    nothing and floods nothing: without a forwarding entry a frame is dropped.
    """

    device: str
    vni: int
    mac: str
    underlay: str
    """The address at which this host's tunnels end."""
    mtu: int
    hosts: tuple[TunnelHost, ...] = ()
    routes: tuple[TunnelRoute, ...] = ()


@dataclass(frozen=True, slots=True)
class RemoteGateway:
    """The way to the other host that owns the VPC's internet gateway.

    As for ``Uplink``, a rule for every entry of ``routes`` leads marked packets to a separate table with ``networks``,
    but by the tunnel to ``hop``. ``number`` is the host's, and the mark of tracked flows that go there.
    """

    hop: str
    number: int
    routes: tuple[UplinkRoutes, ...]


@dataclass(frozen=True, slots=True)
class RouterConfig:
    """One VPC on this host. Every collection is sorted, so that equal configurations are equal values."""

    vpc_id: str
    namespace: str
    """The file name of the namespace's pin, derived from ``vpc_id`` alone."""
    addresses: tuple[str, ...]
    """The addresses on ``lo``, without a prefix length: every subnet's router, the two of the resolver, the credentials
    address and the endpoint address. They do not appear in flow logs."""
    blackholes: tuple[str, ...]
    """The VPC's own networks and ``0.0.0.0/0``."""
    links: tuple[LinkConfig, ...]
    listeners: tuple[ListenerLabel, ...]
    reach: tuple[EndpointReach, ...]
    ruleset: Ruleset
    uplink: Uplink | None = None
    """``None`` for a VPC without an internet gateway."""
    endpoint_addresses: tuple[str, ...] = ()
    """The addresses of interface endpoints' interfaces, also on ``lo``. They appear in flow logs."""
    returns: tuple[str, ...] = ()
    """Addresses that listeners see as peers although no link has them: public ones, and those of NAT gateways."""
    translations: tuple[Translation, ...] = ()
    through: tuple[Through, ...] = ()
    """The interfaces that receive packets for other addresses, sorted by mark."""
    tunnel: Tunnel | None = None
    """``None`` if there is only one host."""
    remote_gateway: RemoteGateway | None = None
    """``None`` if this host owns the internet gateway, or the VPC has none."""


@dataclass(frozen=True, slots=True)
class HostConfig:
    """The configuration of one host: one router for each VPC, sorted by VPC."""

    routers: tuple[RouterConfig, ...]


def namespace_name(vpc_id: str) -> str:
    """Return the pin's file name for a VPC's router namespace: the id itself."""
    return vpc_id


def link_name(interface_id: str) -> str:
    """Return the router end's device name: ``e`` and the last 14 characters of the id after ``eni-``.

    The name is stable for the interface's life. Two ids that share those characters would clash, so
    ``invariants.check`` refuses a host with two such interfaces.
    """
    return "e" + interface_id.removeprefix("eni-")[-(LINK_NAME_LENGTH - 1) :]


def tunnel_device(vni: int) -> str:
    """Return the name of a VPC's VXLAN device."""
    return f"vx{vni}"


def tunnel_hop(number: int) -> str:
    """Return the next hop to a host: a link-local address in 169.254.16.0/20. Raises ``ValueError``."""
    if not 1 <= number <= MOST_HOSTS:
        raise ValueError(f"a host's number is from 1 to {MOST_HOSTS}, not {number}")
    return f"169.254.{16 + number // 256}.{number % 256}"


def tunnel_mac(number: int) -> str:
    """Return the MAC address of a host's tunnels. Each VPC has a segment of its own, so they can all have the same."""
    return f"02:00:00:01:{number // 256:02x}:{number % 256:02x}"
