"""The two kinds of WireGuard device: the kernel's, reached by netlink, and one of the program wireguard-go."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from reading_room.dataplane.linux import namespaces
from reading_room.dataplane.linux.netlink import (
    NetlinkSocket,
    Request,
    attribute,
    attributes,
    number_attribute,
    text_attribute,
)
from reading_room.dataplane.rules.encryption import (
    ANSWER_LIMIT,
    DEVICE,
    KEEPALIVE_SECONDS,
    KEY_BYTES,
    Changes,
    FoundDevice,
    Peer,
    WireGuardError,
    key_text,
    raw_key,
    read_answer,
    request,
)

NETLINK_GENERIC = 16
_CONTROLLER, _GET_FAMILY, _FAMILY_ID, _FAMILY_NAME = 16, 3, 1, 2
_GET_DEVICE, _SET_DEVICE = 0, 1
_IFNAME, _PRIVATE_KEY, _LISTEN_PORT, _PEERS = 2, 3, 6, 8
_PEER_KEY, _PEER_FLAGS, _PEER_ENDPOINT, _PEER_KEEPALIVE, _PEER_ALLOWED = 1, 3, 4, 5, 9
_REMOVE_ME, _REPLACE_ALLOWED = 1, 2
_ALLOWED_FAMILY, _ALLOWED_ADDRESS, _ALLOWED_LENGTH = 1, 2, 3
_NESTED = 0x8000
_PEERS_PER_REQUEST = 100

_TUNSETIFF = 0x400454CA
_TUN, _NO_PACKET_INFO, _WITH_OFFLOADS = 0x0001, 0x1000, 0x4000

CONTROL = "control"
"""The file name of the socket that configures the program."""
ANSWER_SECONDS = 5.0
"""How long the program may take to start and to answer; on a quiet machine it takes 20 ms."""


class WireGuardDevice(Protocol):
    """A WireGuard device that can be read and changed. Both methods raise ``OSError``."""

    def read(self) -> FoundDevice:
        """Return what the device has."""
        ...

    def change(self, change: Changes) -> None:
        """Change the device."""
        ...


class KernelDevice:
    """The kernel's device, in the calling thread's network namespace when this object is created."""

    def __init__(self) -> None:
        """Open the socket. Raises ``OSError`` if the kernel has no WireGuard."""
        self._socket = NetlinkSocket(NETLINK_GENERIC)
        try:
            asked = _generic(_GET_FAMILY, text_attribute(_FAMILY_NAME, "wireguard"))
            _kind, body = self._socket.ask(Request(_CONTROLLER, 0, asked, "look for the kernel's WireGuard"))
            found = attributes(body, 4, len(body))
            self._family: int = struct.unpack_from("=H", body, found[_FAMILY_ID][0])[0]
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def read(self) -> FoundDevice:
        """Return what the device has."""
        private, port, peers = bytes(KEY_BYTES), 0, dict[str, tuple[str, ...]]()
        asked = _generic(_GET_DEVICE, text_attribute(_IFNAME, DEVICE))
        for buffer, start, end in self._socket.dump(Request(self._family, 0, asked, f"read {DEVICE}")):
            found = attributes(buffer, start + 4, end)
            if _PRIVATE_KEY in found:
                private = buffer[slice(*found[_PRIVATE_KEY])]
            if _LISTEN_PORT in found:
                (port,) = struct.unpack_from("=H", buffer, found[_LISTEN_PORT][0])
            for each in _listed(buffer, found.get(_PEERS)):
                peer = attributes(buffer, *each)
                key = key_text(buffer[slice(*peer[_PEER_KEY])])
                networks = tuple(_network(buffer, *allowed) for allowed in _listed(buffer, peer.get(_PEER_ALLOWED)))
                peers[key] = (*peers.get(key, ()), *networks)
        return FoundDevice(private, port, peers)

    def change(self, change: Changes) -> None:
        """Change the device."""
        body = text_attribute(_IFNAME, DEVICE)
        if change.private is not None:
            body += attribute(_PRIVATE_KEY, change.private)
        if change.port is not None:
            body += attribute(_LISTEN_PORT, struct.pack("=H", change.port))
        peers = [*map(_removed, change.remove), *map(_put, change.put)]
        requests = [self._set(body)]
        for first in range(0, len(peers), _PEERS_PER_REQUEST):
            part = b"".join(attribute(_NESTED, each) for each in peers[first : first + _PEERS_PER_REQUEST])
            requests.append(self._set(text_attribute(_IFNAME, DEVICE) + attribute(_PEERS | _NESTED, part)))
        self._socket.batch(requests)

    def _set(self, body: bytes) -> Request:
        return Request(self._family, 0, _generic(_SET_DEVICE, body), f"configure {DEVICE}")


def _generic(command: int, body: bytes) -> bytes:
    return struct.pack("=BBH", command, 1, 0) + body


def _removed(key: str) -> bytes:
    return attribute(_PEER_KEY, raw_key(key)) + number_attribute(_PEER_FLAGS, _REMOVE_ME)


def _put(peer: Peer) -> bytes:
    endpoint = struct.pack("=H", socket.AF_INET) + struct.pack("!H", peer.port) + socket.inet_aton(peer.address)
    allowed = attribute(_ALLOWED_FAMILY, struct.pack("=H", socket.AF_INET))
    allowed += attribute(_ALLOWED_ADDRESS, socket.inet_aton(peer.inner)) + attribute(_ALLOWED_LENGTH, b"\x20")
    return (
        attribute(_PEER_KEY, raw_key(peer.key))
        + number_attribute(_PEER_FLAGS, _REPLACE_ALLOWED)
        + attribute(_PEER_ENDPOINT, endpoint.ljust(16, b"\0"))
        + attribute(_PEER_KEEPALIVE, struct.pack("=H", KEEPALIVE_SECONDS))
        + attribute(_PEER_ALLOWED | _NESTED, attribute(_NESTED, allowed))
    )


def _listed(buffer: bytes, where: tuple[int, int] | None) -> Iterator[tuple[int, int]]:
    """Yield the ranges of the values of a list's items, which all may have the same number."""
    start, end = where or (0, 0)
    while start + 4 <= end:
        (length,) = struct.unpack_from("=H", buffer, start)
        if length < 4:
            return
        yield start + 4, start + length
        start += (length + 3) & ~3


def _network(buffer: bytes, start: int, end: int) -> str:
    found = attributes(buffer, start, end)
    (family,) = struct.unpack_from("=H", buffer, found[_ALLOWED_FAMILY][0])
    address = buffer[slice(*found[_ALLOWED_ADDRESS])]
    return f"{socket.inet_ntop(family, address)}/{buffer[found[_ALLOWED_LENGTH][0]]}"


class ProgramDevice:
    """A device of wireguard-go, which is configured by a Unix socket in ``folder``."""

    def __init__(self, folder: Path) -> None:
        """Use a folder that only this process may enter."""
        self._folder = folder

    def listen(self) -> socket.socket:
        """Return a new socket for the program to listen at; an earlier program can no longer be reached."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            with self._place() as path:
                path.unlink(missing_ok=True)
                listener.bind(bytes(path))
                path.chmod(0o600)
            listener.listen(8)
        except BaseException:
            listener.close()
            raise
        return listener

    def read(self) -> FoundDevice:
        """Return what the device has."""
        return read_answer(self._ask(b"get=1\n\n"))

    def change(self, change: Changes) -> None:
        """Change the device."""
        read_answer(self._ask(request(change)))

    def _ask(self, text: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as asked, self._place() as path:
            asked.settimeout(ANSWER_SECONDS)
            try:
                asked.connect(bytes(path))
                asked.sendall(text)
                answer = b""
                while not answer.endswith(b"\n\n"):
                    received = asked.recv(65_536)
                    if not received or len(answer) > ANSWER_LIMIT:
                        raise WireGuardError("wireguard-go did not finish its answer")
                    answer += received
            except TimeoutError:
                raise WireGuardError(f"wireguard-go did not answer in {ANSWER_SECONDS:.0f} s") from None
        return answer

    @contextmanager
    def _place(self) -> Iterator[Path]:
        """Yield a path of the socket that is short enough for a Unix socket's address."""
        opened = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield Path(f"/proc/self/fd/{opened}/{CONTROL}")
        finally:
            os.close(opened)


def open_tun(namespace: int) -> int:
    """Create the device ``DEVICE`` in a namespace, for a program that reads and writes its packets.

    The device is gone when the returned descriptor and its copies are closed. Raises ``OSError``.
    """
    with namespaces.inside(namespace):
        opened = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            flags = _TUN | _NO_PACKET_INFO | _WITH_OFFLOADS
            fcntl.ioctl(opened, _TUNSETIFF, struct.pack("=16sH22x", DEVICE.encode(), flags))
        except BaseException:
            os.close(opened)
            raise
    return opened


def new_private_key() -> bytes:
    """Return a new private key of WireGuard, 32 bytes."""
    # Only a host that shares VPCs with others loads this.
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return X25519PrivateKey.generate().private_bytes_raw()


def public_key_of(private: bytes) -> bytes:
    """Return the public key, 32 bytes, that belongs to a private one."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
