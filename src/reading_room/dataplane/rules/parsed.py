"""Addresses and networks from their texts, parsed once, since rules are compared by the same ones again and again."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network

_MOST = 16_384


@lru_cache(_MOST)
def address(text: str) -> IPv4Address:
    """Return the address that a text says; raise ``ValueError``."""
    return IPv4Address(text)


@lru_cache(_MOST)
def network(text: str) -> IPv4Network:
    """Return the network that a text says; raise ``ValueError``."""
    return IPv4Network(text)
