"""The IPv4 addresses of a network namespace, and what their links carry."""

from __future__ import annotations

import array
import fcntl
import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path

from reading_room.dataplane.linux import namespaces

_SIOCGIFCONF, _SIOCGIFMTU = 0x8912, 0x8921
_ENTRY = struct.Struct("16sHH4s16x")
"""A ``struct ifreq`` with an IPv4 address, on machines of 64 bits (netdevice(7))."""
_MOST = 4096
"""The most addresses that are looked at."""


def read_addresses() -> Mapping[str, int]:
    """Return every address of the calling thread's namespace, with the MTU in bytes of its interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as probe:
        return {address: _mtu(probe, name) for name, address in _entries(probe)}


def read_addresses_in(namespace: Path) -> Mapping[str, int]:
    """Return the same of the namespace with this file. Raises ``OSError``; only root may enter a namespace."""
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with namespaces.inside(descriptor):
            return read_addresses()
    finally:
        os.close(descriptor)


def _mtu(probe: socket.socket, name: bytes) -> int:
    request = struct.pack("16si20x", name, 0)
    return int(struct.unpack("16si20x", fcntl.ioctl(probe, _SIOCGIFMTU, request))[1])


def _entries(probe: socket.socket) -> list[tuple[bytes, str]]:
    """Return every IPv4 address after the name of its interface."""
    buffer = array.array("B", bytes(_ENTRY.size * _MOST))
    place, size = buffer.buffer_info()
    answer = fcntl.ioctl(probe, _SIOCGIFCONF, struct.pack("iL", size, place))
    used = struct.unpack("iL", answer)[0]
    entries = _ENTRY.iter_unpack(buffer.tobytes()[: used - used % _ENTRY.size])
    # An address may have a label, which is the interface's name with a colon and a text.
    return [
        (label.rstrip(b"\0").partition(b":")[0], socket.inet_ntoa(packed))
        for label, family, _, packed in entries
        if family == socket.AF_INET
    ]
