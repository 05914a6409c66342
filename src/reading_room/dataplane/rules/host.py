"""What one host's kernel should hold for its VPCs: values only. The contract between ``compile`` and ``kernel``.

One router network namespace per VPC. Everything a VPC does passes its hooks, neighbours of one subnet included: a
container has its address as /32 and a default route by the subnet's router, so no two containers share a wire.

What ``kernel.py`` makes of a ``RouterConfig``, in this order (``plan.py`` gives the steps):

1. a network namespace pinned under ``namespace``; forwarding on, IPv6 off, no redirects, ``rp_filter`` 0, conntrack
   accounting, time stamps and events on; ``lo`` up;
2. the ruleset, before any link exists, so that there is no moment in which packets pass unjudged;
3. ``addresses`` and ``endpoint_addresses`` on ``lo`` as /32, segmentation offloads of ``lo`` off;
4. one route of type blackhole for every network of ``blackholes`` (never unreachable: a packet that nobody takes is
   dropped in silence): the VPC's own in the main table, ``0.0.0.0/0`` in a table that is asked last;
5. ``returns``: a rule ``iif lo`` before the main table leads the router's own packets to a table with one route
   ``ADDRESS/32 dev lo`` for each. A listener's answer to a translated peer needs a route to leave its socket; its
   destination is translated back in the output hook, which finds the real route. Packets of containers never see
   this table;
6. ``uplink``, where there is one (``Uplink``);
7. each link, and its routes ``address``/32 and ``secondary``/32 on the router end in the main table;
8. ``through``: the routes by links to interfaces that take packets for others, whose policy rules were made with the
   others (``Through``);
9. the listening sockets of ``listeners``, those of interface endpoints at ``endpoint_addresses``.

Routing knows who is attached, which interfaces take packets for others and which networks lie behind the uplink. What
a route table says beyond the VPC is decided in the ruleset: an endpoint is a destination translation keyed by the route
table's mark, a NAT gateway or an Elastic IP a source translation, an interface that takes packets for others a mark,
and everything else is dropped there and reported.

Packets that end in the router are reported by NFLOG with the prefixes of ``compile/flow_logs.py``: a receiver's refusal
is logged in the postrouting hook (no chain hangs in forward), with the source as the receiver sees it, and names the
input device too.

When a configuration follows another, connections whose way is gone are ended: those accepted by a listener by
``reach``, translated flows by ``translations``.

Inside the container's namespace a link gives: ``lo`` up, ``eth0`` with ``mac``, ``address``/32 and ``mtu``, default
route ``via gateway dev eth0 onlink``. Segmentation and receive offloads are off on both ends, since conntrack counts
packets truly only then.
"""

from __future__ import annotations

from dataclasses import dataclass

from reading_room.dataplane.rules.nftables import Ruleset
from reading_room.dataplane.spec import ListenerLabel

LINK_NAME_LENGTH = 15
"""The longest name of a network device (IFNAMSIZ less its final zero)."""
MTU = 9001
"""Bytes; what EC2 gives inside a VPC."""
UPLINK_DEVICE = "up0"
"""The router's end of the wire to the uplink namespace."""
CONTAINER_DEVICE = "eth0"
"""The name of the link's other end, inside the container's namespace."""


@dataclass(frozen=True, slots=True)
class LinkConfig:
    """A veth pair: one end in the router namespace, the other, ``eth0``, in the container's namespace."""

    name: str
    """Of the router's end; at most ``LINK_NAME_LENGTH`` characters, a function of ``interface_id`` alone."""
    interface_id: str
    """``eni-…`` whole; written as the alias of the router's end, from which a restarted agent knows it again."""
    container_id: str
    """Whose namespace holds the other end."""
    mac: str
    """Of the container's end."""
    address: str
    """The interface's primary address, without a length."""
    gateway: str
    """The subnet's router address (its base plus one)."""
    mtu: int = MTU
    secondary: tuple[str, ...] = ()
    """Further addresses, sorted: on ``eth0`` as /32 after the primary one, each with its route on the router's end."""


@dataclass(frozen=True, slots=True)
class EndpointReach:
    """Who reaches an endpoint by which destination networks: what decides whether accepted connections may live on.

    At least one for every route table that leads to the endpoint; a source is named by several where its networks
    reach the endpoint in different ways. ``plan.py`` cuts the connections of a source whose networks or ``peers``
    changed or that is not named any more. Interface endpoints are not named: nothing but the end of their interface
    cuts their connections.
    """

    endpoint_id: str
    ports: tuple[int, int]
    """The listener's http and https ports at ``LOCAL_ENDPOINT_ADDRESS``."""
    networks: tuple[str, ...]
    """The part of the prefix list that this route table sends to the endpoint."""
    sources: tuple[str, ...]
    """Addresses of the attached interfaces whose subnet uses the table: the original sources of the connections."""
    peers: tuple[str, ...] = ()
    """What the listener sees instead of ``sources`` (a NAT gateway's addresses, an Elastic IP); empty: themselves.
    Which connection is whose says only the tracked connection."""


@dataclass(frozen=True, slots=True)
class Translation:
    """Sources whose packets to some networks appear with other addresses, behind a NAT gateway or an Elastic IP.

    A tracked connection from S to D whose source became T lives on while a translation has S in ``sources``, D in
    ``networks`` and T in ``addresses``. One from outside to an Elastic IP P that was led to R lives on while a
    translation of ``inbound`` has R in ``sources`` and P in ``addresses``. One with the mark of an interface that takes
    packets for others lives on while a translation with that ``mark`` has S in ``sources`` and D in ``networks``.
    """

    sources: tuple[str, ...]
    networks: tuple[str, ...]
    addresses: tuple[str, ...]
    inbound: bool = False
    """Whether it also works from outside: an Elastic IP."""
    mark: int = 0
    """Of the interface that takes these packets for others; then nothing is translated, and ``addresses`` is empty."""


@dataclass(frozen=True, slots=True)
class UplinkRoutes:
    """The destinations that one route table sends out of the VPC by the uplink: disjoint networks, sorted."""

    number: int
    """The table's number, which is the mark of its packets."""
    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Uplink:
    """The wire between a router and the host's uplink namespace, for a VPC with an internet gateway.

    The router's end is ``UPLINK_DEVICE``. Packets take it by policy routing: for every entry of ``routes`` a rule
    ``fwmark NUMBER`` behind the main table leads to a table of its own with ``networks`` by this device; what no table
    takes ends in a blackhole behind all of them. In the uplink namespace each of ``public`` is a /32 route to the
    router. What leaves has one of ``public`` as its source: everything else is dropped by the ruleset's last chain.
    """

    public: tuple[str, ...]
    """The VPC's public addresses, of Elastic IPs in use and of NAT gateways, sorted."""
    routes: tuple[UplinkRoutes, ...]


@dataclass(frozen=True, slots=True)
class Through:
    """An interface that takes packets for others, where a route leads to it.

    Packets with the mark ``number`` meet a policy rule before the main table, which leads to a table of that number
    with one route: everything by ``device`` to ``address``. A blackhole for the same mark follows at once, so that
    without the link nobody else gets them.
    """

    number: int
    """The interface's mark, and its routing table: at least 2**31, above those of all route tables."""
    device: str
    """The link's name."""
    address: str
    """The interface's primary address: the next hop, whose hardware address the router knows."""


@dataclass(frozen=True, slots=True)
class RouterConfig:
    """One VPC on this host. Every collection is sorted, so equal wishes are equal values."""

    vpc_id: str
    namespace: str
    """The file name of the namespace's pin; a function of ``vpc_id`` alone."""
    addresses: tuple[str, ...]
    """On ``lo``, without a length: every subnet's router, the resolver's two, the credentials and the endpoint
    address. Flow logs do not speak of them."""
    blackholes: tuple[str, ...]
    """The VPC's own networks and ``0.0.0.0/0``."""
    links: tuple[LinkConfig, ...]
    listeners: tuple[ListenerLabel, ...]
    reach: tuple[EndpointReach, ...]
    ruleset: Ruleset
    uplink: Uplink | None = None
    """``None`` for a VPC without an internet gateway."""
    endpoint_addresses: tuple[str, ...] = ()
    """On ``lo`` as well: the addresses of the interfaces of interface endpoints, which flow logs do speak of."""
    returns: tuple[str, ...] = ()
    """Addresses that listeners see as peers though no link has them: public ones, and those of NAT gateways."""
    translations: tuple[Translation, ...] = ()
    through: tuple[Through, ...] = ()
    """The interfaces that take packets for others, sorted by mark."""


@dataclass(frozen=True, slots=True)
class HostConfig:
    """Everything of one host, one router for each VPC, sorted by VPC."""

    routers: tuple[RouterConfig, ...]


def namespace_name(vpc_id: str) -> str:
    """Return the pin's file name for a VPC's router namespace: the id itself."""
    return vpc_id


def link_name(interface_id: str) -> str:
    """Return the router end's device name: ``e`` and the last 14 characters of the id behind ``eni-``.

    The name is stable for the interface's life. Two ids that share those characters would clash;
    ``invariants.check`` refuses such a host instead of mixing up two interfaces.
    """
    return "e" + interface_id.removeprefix("eni-")[-(LINK_NAME_LENGTH - 1) :]
