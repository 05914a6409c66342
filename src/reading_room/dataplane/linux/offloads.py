"""Offloads of a link, switched off with ethtool's ioctl: segmentation, and checksums that a device computes wrong.

With offloads, a veth passes packets of up to 64 KiB, and connection tracking counts each as one: flow logs would report
about a sixth of the packets. Without them the counts are right, and bulk throughput through the router equals that of a
bare veth pair with the same setting.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import socket
import struct

SIOCETHTOOL = 0x8946
SET_TSO, SET_GSO, GET_GRO, SET_GRO = 0x1F, 0x24, 0x2B, 0x2C
GET_TX_CHECKSUMS, SET_TX_CHECKSUMS = 0x16, 0x17


def switch_off(name: str) -> None:
    """Switch TSO, GSO and GRO off for a link of the calling thread's namespace; raise ``OSError``."""
    for command in (SET_TSO, SET_GSO, SET_GRO):
        _command(name, command)


def merges(name: str) -> bool:
    """Return whether a link of this thread's namespace merges packets that it receives. Raises ``OSError``."""
    return _command(name, GET_GRO) != 0


def switch_checksums_off(name: str) -> None:
    """Let the kernel compute the checksums of what a link of this thread's namespace sends. Raises ``OSError``."""
    _command(name, SET_TX_CHECKSUMS)


def computes_checksums(name: str) -> bool:
    """Return whether the kernel computes them now, instead of leaving them to devices. Raises ``OSError``."""
    return _command(name, GET_TX_CHECKSUMS) == 0


def _command(name: str, command: int, given: int = 0) -> int:
    """Carry out one of ethtool's commands with a value, and return the value that it leaves."""
    value = ctypes.create_string_buffer(struct.pack("=II", command, given))
    request = struct.pack("@16sP", name.encode(), ctypes.addressof(value)).ljust(40, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as control:
        try:
            fcntl.ioctl(control.fileno(), SIOCETHTOOL, request)
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:  # A link without the feature has nothing to switch off.
                raise
    return int(struct.unpack_from("=II", value)[1])
