"""What one host's kernel should hold for its VPCs: values only. The contract between ``compile`` and ``kernel``.

One router network namespace per VPC. Everything a VPC does passes its hooks, neighbours of one subnet included: a
container has its address as /32 and a default route by the subnet's router, so no two containers share a wire.

What ``kernel.py`` makes of a ``RouterConfig``, in this order (``plan.py`` gives the steps):

1. a network namespace pinned under ``namespace``; forwarding on, IPv6 off, no redirects, ``rp_filter`` 0, conntrack
   accounting, time stamps and events on; ``lo`` up;
2. the ruleset, before any link exists, so that there is no moment in which packets pass unjudged;
3. ``addresses`` on ``lo`` as /32;
4. in the main table one route of type blackhole for every network of ``blackholes`` (never unreachable: a packet that
   nobody takes is dropped in silence);
5. each link, and its route ``address``/32 on the router end in the main table;
6. the listening sockets of ``listeners``.

Routing knows only who is attached. What a route table says beyond the VPC is decided in the ruleset: an endpoint is a
destination translation keyed by the route table's mark, everything else is dropped there and reported.

Inside the container's namespace a link gives: ``lo`` up, ``eth0`` with ``mac``, ``address``/32 and ``mtu``, default
route ``via gateway dev eth0 onlink``. Segmentation and receive offloads are off on both ends, since conntrack counts
packets truly only then.
"""

from __future__ import annotations

from dataclasses import dataclass

from reading_room.dataplane.linux.nftables import Ruleset
from reading_room.dataplane.spec import ListenerLabel

LINK_NAME_LENGTH = 15
"""The longest name of a network device (IFNAMSIZ less its final zero)."""
MTU = 9001
"""Bytes; what EC2 gives inside a VPC."""
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
    """The interface's only address, without a length."""
    gateway: str
    """The subnet's router address (its base plus one)."""
    mtu: int = MTU


@dataclass(frozen=True, slots=True)
class EndpointReach:
    """Who reaches an endpoint by which destination networks: what decides whether accepted connections may live on.

    One for every route table that leads to the endpoint. ``plan.py`` cuts the connections of a source whose networks
    changed or that is not named any more.
    """

    endpoint_id: str
    ports: tuple[int, int]
    """The listener's http and https ports at ``LOCAL_ENDPOINT_ADDRESS``."""
    networks: tuple[str, ...]
    """The part of the prefix list that this route table sends to the endpoint."""
    sources: tuple[str, ...]
    """Addresses of the attached interfaces whose subnet uses the table."""


@dataclass(frozen=True, slots=True)
class RouterConfig:
    """One VPC on this host. Every collection is sorted, so equal wishes are equal values."""

    vpc_id: str
    namespace: str
    """The file name of the namespace's pin; a function of ``vpc_id`` alone."""
    addresses: tuple[str, ...]
    """On ``lo``, without a length: every subnet's router, the resolver's two, the credentials and the endpoint
    address."""
    blackholes: tuple[str, ...]
    """The VPC's own networks and ``0.0.0.0/0``."""
    links: tuple[LinkConfig, ...]
    listeners: tuple[ListenerLabel, ...]
    reach: tuple[EndpointReach, ...]
    ruleset: Ruleset


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
