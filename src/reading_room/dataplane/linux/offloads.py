"""Segmentation offloads of a link, switched off with ethtool's ioctl.

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
SET_TSO, SET_GSO, SET_GRO = 0x1F, 0x24, 0x2C


def switch_off(name: str) -> None:
    """Switch TSO, GSO and GRO off for a link of the calling thread's namespace; raise ``OSError``."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as control:
        for command in (SET_TSO, SET_GSO, SET_GRO):
            value = ctypes.create_string_buffer(struct.pack("=II", command, 0))
            request = struct.pack("@16sP", name.encode(), ctypes.addressof(value)).ljust(40, b"\0")
            try:
                fcntl.ioctl(control.fileno(), SIOCETHTOOL, request)
            except OSError as error:
                if error.errno != errno.EOPNOTSUPP:  # A link without the feature has nothing to switch off.
                    raise
