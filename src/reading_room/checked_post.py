"""An HTTP POST to a host that the operator allowed, over a connection to the address that was checked.

A name is resolved once. Its address must be public, or in a network that the operator allowed, and the connection goes
to that address, whatever the name means a moment later. So a name cannot lead into a private network (DNS rebinding).
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import SplitResult, urljoin, urlsplit

ANSWER_BYTES = 16_384
"""The most bytes of an answer that are read."""
REDIRECTS = 3
"""The most redirects that are followed: 307 and 308, which repeat the POST."""
ADDRESSES = 4
"""The most addresses of a name to which a connection is attempted."""
_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_REPEATED = (307, 308)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a name, or raises ``OSError``."""


class PostRefused(Exception):
    """A request may not be sent. The message says why, with the host and without the rest of the URL."""


@dataclass(frozen=True, slots=True)
class AllowList:
    """The hosts that requests may go to: by name, and the networks whose addresses may be used though not public."""

    names: frozenset[str]
    networks: tuple[Network, ...]

    @classmethod
    def parse(cls, text: str) -> AllowList:
        """Read names, addresses and networks, separated by commas. Raises ``ValueError`` naming a wrong one."""
        names, networks = set(), []
        for entry in filter(None, (each.strip().lower() for each in text.split(","))):
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError:
                # The last label of a name has a letter, so an address with a mistake is no name.
                if not _NAME.fullmatch(entry) or not re.search(r"[a-z][^.]*\.?$", entry) or len(entry) > 253:
                    raise ValueError(f"{entry!r} is not the name of a host, an address or a network") from None
                names.add(entry.rstrip("."))
        return cls(frozenset(names), tuple(networks))

    def __str__(self) -> str:
        return ",".join([*sorted(self.names), *map(str, self.networks)])

    def check_host(self, host: str) -> None:
        """Raise ``PostRefused`` unless the host of a URL is allowed."""
        if literal := _literal(host):
            if not self._has(literal):
                raise PostRefused(f"the address {host} is not on the list of allowed hosts")
        elif host.rstrip(".") not in self.names:
            raise PostRefused(f"the host {host} is not on the list of allowed hosts")

    def check_address(self, host: str, address: Address) -> None:
        """Raise ``PostRefused`` unless a connection to this address of a host is allowed."""
        if not self._has(address) and not _is_public(address):
            raise PostRefused(
                f"the address {address} of {host} is not public: allow it by its address or network if it is meant"
            )

    def _has(self, address: Address) -> bool:
        plain = _plain(address)
        return any(plain in network for network in self.networks if network.version == plain.version)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered: the status, and the target of a redirect."""

    status: int
    location: str | None = None


def check_url(url: str, allowed: AllowList) -> SplitResult:
    """Return the parts of a URL to which a request may be sent. Raises ``PostRefused``."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise PostRefused("the URL cannot be read") from None
    if parts.scheme not in ("https", "http") or not host or port == 0:
        raise PostRefused("the URL is not that of a host with https")
    if parts.username is not None or parts.password is not None:
        raise PostRefused(f"the URL with the host {host} has a user name or a password")
    if not (_literal(host) or _NAME.fullmatch(host)) or re.search(r"[^!-~]", parts.path + parts.query):
        raise PostRefused("the URL has characters that it must not have")
    if parts.scheme == "http" and not _is_loopback(host):
        raise PostRefused(f"the host {host} is beyond this machine, and its URL has http instead of https")
    allowed.check_host(host)
    return parts


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    allowed: AllowList,
    *,
    seconds: float,
    resolve: Resolve | None = None,
    context: ssl.SSLContext | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Answer:
    """Send a request, follow redirects to allowed hosts, and return the answer without its body.

    All of it takes at most about ``seconds``. Raises ``PostRefused``, and ``OSError`` without a valid answer.
    """
    end = clock() + seconds
    for _ in range(REDIRECTS + 1):
        answer = _post_once(url, body, headers, allowed, _Deadline(end, clock), resolve or _resolve, context)
        if answer.status not in _REPEATED or answer.location is None:
            return answer
        try:
            url = urljoin(url, answer.location)
        except ValueError:
            raise PostRefused("a redirect leads to a URL that cannot be read") from None
    raise PostRefused(f"it was redirected more than {REDIRECTS} times")


@dataclass(frozen=True, slots=True)
class _Deadline:
    end: float
    clock: Callable[[], float]

    def left(self) -> float:
        """Return the seconds that are left. Raises ``TimeoutError``."""
        left = self.end - self.clock()
        if left <= 0:
            raise TimeoutError("it did not answer in time")
        return left


def _post_once(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    allowed: AllowList,
    deadline: _Deadline,
    resolve: Resolve,
    context: ssl.SSLContext | None,
) -> Answer:
    parts = check_url(url, allowed)
    host = str(parts.hostname)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = _checked_addresses(host, port, allowed, deadline, resolve)
    if parts.scheme == "http" and not all(address.is_loopback for address in addresses):
        raise PostRefused(f"the host {host} is beyond this machine, and its URL has http instead of https")
    head = [f"POST {parts.path or '/'}{'?' + parts.query if parts.query else ''} HTTP/1.1"]
    host_header = f"[{host}]" if ":" in host else host
    own = {"Host": host_header if parts.port is None else f"{host_header}:{port}", "Content-Length": str(len(body))}
    head += [f"{name}: {value}" for name, value in (own | dict(headers) | {"Connection": "close"}).items()]
    sock = _connected(addresses, port, deadline)
    try:
        if parts.scheme == "https":
            sock.settimeout(deadline.left())
            sock = (context or ssl.create_default_context()).wrap_socket(sock, server_hostname=host.rstrip("."))
        sock.settimeout(deadline.left())
        sock.sendall("\r\n".join([*head, "", ""]).encode("ascii") + body)
        return read_answer(_received(sock, deadline))
    finally:
        sock.close()


def _connected(addresses: Sequence[Address], port: int, deadline: _Deadline) -> socket.socket:
    last: OSError | None = None
    for address in addresses[:ADDRESSES]:
        try:
            return socket.create_connection((str(address), port), timeout=deadline.left())
        except OSError as error:
            last = error
    assert last is not None
    raise last


def _received(sock: socket.socket, deadline: _Deadline) -> bytes:
    """Return the beginning of what a server sends, at least its head if that is short enough."""
    got = bytearray()
    while len(got) < ANSWER_BYTES and b"\r\n\r\n" not in got and b"\n\n" not in got:
        sock.settimeout(deadline.left())
        piece = sock.recv(ANSWER_BYTES - len(got))
        if not piece:
            break
        got += piece
    return bytes(got)


def read_answer(received: bytes) -> Answer:
    """Read the head of an HTTP answer. Raises ``ConnectionError`` if it is none."""
    answer = http.client.HTTPResponse(cast(Any, _Received(received)), method="POST")
    try:
        answer.begin()
    except (http.client.HTTPException, ValueError, OSError):
        raise ConnectionError("its answer is not HTTP") from None
    location = answer.getheader("Location")
    if location is not None and (len(location) > 2_000 or re.search(r"[^!-~]", location)):
        location = None
    return Answer(answer.status, location)


class _Received:
    """What ``HTTPResponse`` needs of a socket."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, _: str) -> io.BytesIO:
        """Return the received bytes as a file."""
        return io.BytesIO(self._content)


def _checked_addresses(
    host: str, port: int, allowed: AllowList, deadline: _Deadline, resolve: Resolve
) -> Sequence[Address]:
    literal = _literal(host)
    found = [literal] if literal else _resolved(host, port, deadline, resolve)
    # One forbidden address among allowed ones is a reason to refuse all.
    for address in found:
        allowed.check_address(host, address)
    return found


def _resolved(host: str, port: int, deadline: _Deadline, resolve: Resolve) -> list[Address]:
    found: list[Sequence[str]] = []
    failed: list[OSError] = []

    def look_up() -> None:
        try:
            found.append(resolve(host, port))
        except OSError as error:
            failed.append(error)

    # The resolver of the C library has no timeout of its own that a caller could set.
    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(deadline.left())
    if failed:
        raise OSError(f"the name {host} cannot be resolved") from failed[0]
    if not found or not found[0]:
        raise OSError(f"the name {host} was not resolved in time" if not found else f"the name {host} has no address")
    return [ipaddress.ip_address(each.partition("%")[0]) for each in found[0]]


def _resolve(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _is_public(address: Address) -> bool:
    plain = _plain(address)
    return plain.is_global and not plain.is_multicast and not plain.is_reserved


def _is_loopback(host: str) -> bool:
    literal = _literal(host)
    return host == "localhost" or (literal is not None and literal.is_loopback)
