"""TCP connections that end in a router namespace, found and cut with ``sock_diag``.

A connection to an endpoint's listener belongs to the router's namespace, whichever process holds its descriptor. The
kernel can end it from outside (SOCK_DESTROY), so that both ends see a reset at once. This needs
``CONFIG_INET_DIAG_DESTROY``; a kernel without it answers EOPNOTSUPP, which callers must handle.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reading_room.dataplane.linux.netlink import NETLINK_SOCK_DIAG, NetlinkSocket, Request

BY_FAMILY = 20
DESTROY = 21
TCP = 6
HALF_OPEN = 3
"""SYN_RECV: the handshake's last packet has not arrived yet. Ending such a connection sends no reset to its sender."""
LISTEN = 10
ALL_STATES = 0xFFF
REQUEST_HEAD = "=BBBBI"


@dataclass(frozen=True, slots=True)
class Connection:
    """A TCP socket of the namespace. ``identity`` is the kernel's description of it, used to cut it."""

    address: str
    port: int
    peer: str
    peer_port: int
    state: int
    identity: bytes


class Connections:
    """The TCP sockets of one network namespace. Create it while the thread is inside the namespace."""

    def __init__(self) -> None:
        """Open the request socket."""
        self._netlink = NetlinkSocket(NETLINK_SOCK_DIAG)

    def close(self) -> None:
        """Close the socket. Closing twice is allowed."""
        self._netlink.close()

    def sockets(self) -> Iterator[Connection]:
        """Read all IPv4 TCP sockets, including listening ones."""
        body = struct.pack(REQUEST_HEAD, socket.AF_INET, TCP, 0, 0, ALL_STATES) + b"\0" * 48
        for buffer, start, _end in self._netlink.dump(Request(BY_FAMILY, 0, body, "read TCP sockets")):
            state = buffer[start + 1]
            identity = buffer[start + 4 : start + 52]
            port, peer_port = struct.unpack_from("!HH", identity, 0)
            yield Connection(
                address=socket.inet_ntoa(identity[4:8]),
                port=port,
                peer=socket.inet_ntoa(identity[20:24]),
                peer_port=peer_port,
                state=state,
                identity=identity,
            )

    def cut(self, unwanted: Callable[[Connection], bool]) -> int:
        """End every socket for which ``unwanted`` is true, and return their number. Some may be gone already."""
        doomed = [found for found in self.sockets() if unwanted(found)]
        self._netlink.batch(
            [
                Request(
                    DESTROY,
                    0,
                    struct.pack(REQUEST_HEAD, socket.AF_INET, TCP, 0, 0, ALL_STATES) + one.identity,
                    f"cut the connection of {one.peer} to {one.address}:{one.port}",
                    (errno.ENOENT,),
                )
                for one in doomed
            ]
        )
        return len(doomed)
