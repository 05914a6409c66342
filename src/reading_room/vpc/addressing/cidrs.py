"""IPv4 CIDR blocks: parsing them as EC2 does, and comparing them."""

from __future__ import annotations

import ipaddress

from reading_room.vpc.errors import NotACidrBlock

_UNUSABLE = tuple(map(ipaddress.IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4")))


def canonical(parameter: str, text: str) -> str:
    """Return a block with its host bits cleared, ``10.0.0.7/16`` as ``10.0.0.0/16``.

    Raises ``NotACidrBlock`` naming the parameter for anything but an address, a slash and a prefix length.
    """
    address, slash, length = text.partition("/")
    # The library would also accept netmasks and a missing length.
    if not slash or not length.isascii() or not length.isdigit():
        raise NotACidrBlock(parameter, text)
    try:
        return str(ipaddress.IPv4Network(f"{ipaddress.IPv4Address(address)}/{int(length)}", strict=False))
    except ValueError:
        raise NotACidrBlock(parameter, text) from None


def prefix_length(cidr: str) -> int:
    """Return the prefix length of a canonical block."""
    return int(cidr.rpartition("/")[2])


def fits_a_vpc(cidr: str) -> bool:
    """Return whether EC2 accepts the size and the range of a canonical block for VPCs and subnets."""
    return 16 <= prefix_length(cidr) <= 28 and not any(overlap(cidr, str(network)) for network in _UNUSABLE)


def overlap(one: str, other: str) -> bool:
    """Return whether two blocks share an address."""
    return ipaddress.IPv4Network(one).overlaps(ipaddress.IPv4Network(other))


def contains(outer: str, inner: str) -> bool:
    """Return whether ``inner`` lies in ``outer``; a block contains itself."""
    return ipaddress.IPv4Network(inner).subnet_of(ipaddress.IPv4Network(outer))


def multicast_or_link_local_service(cidr: str) -> bool:
    """Return whether a block is one that no route may lead to: 169.254.168.0/22, multicast, broadcast."""
    if prefix_length(cidr) == 0:
        return False
    return contains("169.254.168.0/22", cidr) or contains("224.0.0.0/4", cidr) or cidr == "255.255.255.255/32"
