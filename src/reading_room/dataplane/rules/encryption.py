"""The encryption of the underlay: what the WireGuard device of a host should have, and its text protocol. Pure.

A host with a key has a WireGuard device in a namespace of its own, with an *inner* address that follows from its
number. Each other host is a peer that may send only from its own inner address. So a source address between hosts
belongs to a key, and VXLAN between inner addresses cannot be forged.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reading_room.dataplane.spec import MOST_HOSTS, HostPlace, Underlay

DEVICE = "wg0"
"""The name of the WireGuard device."""
INNER_PREFIX = 20
"""The prefix length of the network of inner addresses, 169.254.32.0/20."""
KEY_BYTES = 32
KEEPALIVE_SECONDS = 25
"""How often a host without traffic sends a packet to a peer, as WireGuard's manual advises behind firewalls. The first
one is sent at once, so a restarted host has new sessions before it is asked anything."""
OVERHEAD = 60
"""The bytes that WireGuard adds to a packet over IPv4: headers of IPv4 and UDP, its own of 16 bytes, a tag of 16."""
BLOCK = 16
"""WireGuard fills packets up to a multiple of this, but a kernel's not beyond the MTU of its device."""
ANSWER_LIMIT = 4 << 20
"""The most bytes that a WireGuard program may answer: a peer has fewer than 1,000."""


@dataclass(frozen=True, slots=True, order=True)
class Peer:
    """Another host: its public key in base64, the address and port of its UDP packets, and its inner address."""

    key: str
    address: str
    port: int
    inner: str


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """What a WireGuard device has. ``peers`` maps public keys in base64 to the networks that each may send from."""

    private: bytes
    port: int
    peers: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes of a WireGuard device. ``None`` leaves the private key or the port as it is."""

    private: bytes | None = None
    port: int | None = None
    put: tuple[Peer, ...] = ()
    remove: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return whether there is anything to change."""
        return self.private is not None or self.port is not None or bool(self.put or self.remove)


class WireGuardError(OSError):
    """The WireGuard device cannot be made, or its program does not understand or answer."""


def inner_address(number: int) -> str:
    """Return the address of a host inside the encryption. Raises ``ValueError``."""
    if not 1 <= number <= MOST_HOSTS:
        raise ValueError(f"a host's number is from 1 to {MOST_HOSTS}, not {number}")
    return f"169.254.{32 + number // 256}.{number % 256}"


def tunnel_end(place: HostPlace) -> str:
    """Return the address at which a host's tunnels end: inside the encryption if it has a key, else in the underlay."""
    return inner_address(place.number) if place.key else place.underlay


def carried_mtu(underlay: Underlay) -> int:
    """Return the longest packet in bytes that reaches other hosts: that of the underlay, or what encryption leaves."""
    if not underlay.here.key:
        return underlay.mtu
    return (underlay.mtu - OVERHEAD) // BLOCK * BLOCK


def disagreement(underlay: Underlay, *, encrypted: bool) -> str:
    """Return in what the hosts do not agree about encryption, or empty text. No packet passes between those."""
    if encrypted and not underlay.here.key:
        return "the other hosts know no key of this host, which encrypts what it sends them"
    for other in underlay.others:
        if encrypted and not other.key:
            return f"{other.host} has no key, and this host sends nothing without encryption"
        if not encrypted and other.key:
            return f"{other.host} encrypts what it sends, and this host does not: give both the same setting"
    return ""


def peers(underlay: Underlay) -> tuple[Peer, ...]:
    """Return the other hosts with a key as peers, sorted."""
    return tuple(
        sorted(
            Peer(each.key, each.underlay, each.port, inner_address(each.number)) for each in underlay.others if each.key
        )
    )


def changes(found: FoundDevice, private: bytes, port: int, wanted: Iterable[Peer], before: Iterable[Peer]) -> Changes:
    """Return what makes a device as wanted. ``before`` are the peers that were put there last, as far as is known.

    A peer's address is set only when it should change, because WireGuard follows a peer that moves.
    """
    wanted, known = tuple(wanted), set(before)
    keys = {each.key for each in wanted}
    return Changes(
        private=None if found.private == private else private,
        port=None if found.port == port else port,
        put=tuple(each for each in wanted if each not in known or found.peers.get(each.key) != (f"{each.inner}/32",)),
        remove=tuple(sorted(key for key in found.peers if key not in keys)),
    )


def key_text(raw: bytes) -> str:
    """Return a key in base64, as WireGuard's tools write it."""
    return base64.b64encode(raw).decode()


def raw_key(key: str) -> bytes:
    """Return the 32 bytes of a key in base64. Raises ``ValueError``."""
    try:
        raw = base64.b64decode(key, validate=True)
    except binascii.Error:
        raw = b""
    if len(raw) != KEY_BYTES or key_text(raw) != key:
        raise ValueError("a WireGuard key is 32 bytes in base64")
    return raw


def request(change: Changes) -> bytes:
    """Return changes as WireGuard's text protocol has them."""
    lines = ["set=1"]
    if change.private is not None:
        lines.append(f"private_key={change.private.hex()}")
    if change.port is not None:
        lines.append(f"listen_port={change.port}")
    for key in change.remove:
        lines += [f"public_key={raw_key(key).hex()}", "remove=true"]
    for peer in change.put:
        lines += [
            f"public_key={raw_key(peer.key).hex()}",
            f"endpoint={peer.address}:{peer.port}",
            f"persistent_keepalive_interval={KEEPALIVE_SECONDS}",
            "replace_allowed_ips=true",
            f"allowed_ip={peer.inner}/32",
        ]
    return "".join(f"{line}\n" for line in [*lines, ""]).encode()


def read_answer(answer: bytes) -> FoundDevice:
    """Read the answer to ``get=1``, or to a request. Raises ``WireGuardError``, which never quotes a private key."""
    private, port, number = bytes(KEY_BYTES), 0, None
    found: dict[str, list[str]] = {}
    allowed: list[str] | None = None
    try:
        for line in answer.decode("ascii").splitlines():
            name, equals, value = line.partition("=")
            if name == "errno":
                number = int(value)
            elif name == "private_key":
                private = _from_hex(value)
            elif name == "listen_port":
                port = int(value)
            elif name == "public_key":
                allowed = found.setdefault(key_text(_from_hex(value)), [])
            elif name == "allowed_ip" and allowed is not None:
                allowed.append(value)
            elif line and not equals:
                raise ValueError
    except ValueError:
        raise WireGuardError("WireGuard gave an answer that cannot be read") from None
    if number is None:
        raise WireGuardError("WireGuard did not finish its answer")
    if number != 0:
        raise WireGuardError(abs(number), f"WireGuard refused its configuration (error {number})")
    return FoundDevice(private, port, {key: tuple(networks) for key, networks in found.items()})


def _from_hex(text: str) -> bytes:
    raw = bytes.fromhex(text)
    if len(raw) != KEY_BYTES:
        raise ValueError
    return raw
