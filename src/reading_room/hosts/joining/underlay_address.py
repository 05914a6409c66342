"""The addresses of this machine's network interfaces, and what their links carry."""

from __future__ import annotations

import array
import fcntl
import socket
import struct

from reading_room.hosts.joining.errors import JoinError

_SIOCGIFCONF, _SIOCGIFMTU = 0x8912, 0x8921
_ENTRY = struct.Struct("16sHH4s16x")
"""A ``struct ifreq`` with an IPv4 address, on machines of 64 bits (netdevice(7))."""
_MOST = 4096
"""The most addresses that are looked at."""


def mtu_of(address: str) -> int:
    """Return the MTU in bytes of the interface that has an IPv4 address. Raises ``JoinError`` if none has it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as probe:
        for name, found in _addresses(probe):
            if found == address:
                request = struct.pack("16si20x", name, 0)
                return int(struct.unpack("16si20x", fcntl.ioctl(probe, _SIOCGIFMTU, request))[1])
    raise JoinError(
        f"The address {address} is on no network interface of this host: give one that `ip -4 address` shows, and that "
        "other hosts can reach."
    )


def _addresses(probe: socket.socket) -> list[tuple[bytes, str]]:
    """Return every IPv4 address with the name of its interface."""
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
