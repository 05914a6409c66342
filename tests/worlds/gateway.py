"""VPCs with gateways and public addresses, and connections to them from the internet of the tests."""

from __future__ import annotations

import socket

from reading_room.dataplane.spec import Interface, Route
from tests.worlds.network import INTERNET, WEB, Network, World

EIP, OTHER_EIP, NAT_EIP = "198.51.100.5", "198.51.100.6", "198.51.100.7"
DEFAULT = "0.0.0.0/0"


def public_network(number: int = 1) -> Network:
    """Return a VPC whose first subnet routes to an internet gateway."""
    network = Network(number, gateway=True, endpoint=False)
    network.routes[1] = [Route(DEFAULT, network.gateway_id)]
    return network


def nat_network() -> tuple[Network, Interface, str]:
    """Return a VPC with a public NAT gateway in its first subnet, to which the second one routes."""
    network = public_network()
    inner = network.add(1, "10.0.2.5", WEB, subnet=2)
    nat = network.add_nat(2, "10.0.1.9", NAT_EIP)
    network.routes[2] = [Route(DEFAULT, nat)]
    return network, inner, nat


def inbound(world: World, address: str, port: int, source: str = INTERNET) -> socket.socket:
    """Connect from the internet as ``World.connect_from`` does."""
    return world.connect_from(world.internet_socket(source), address, port)
