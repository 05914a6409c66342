"""Cached parsing of addresses and networks, since the same ones are compared again and again."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network

_MOST = 16_384


@lru_cache(_MOST)
def address(text: str) -> IPv4Address:
    """Parse an address; raise ``ValueError`` if it is malformed."""
    return IPv4Address(text)


@lru_cache(_MOST)
def network(text: str) -> IPv4Network:
    """Parse a network; raise ``ValueError`` if it is malformed."""
    return IPv4Network(text)
