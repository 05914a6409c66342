"""The proof, with real packets, that rules are enforced between this host and each other one.

Both hosts have an interface in a scratch VPC (``rules/pair_proof.py``). From each host, to each other:

- a TCP connection that a group allows opens, and data that fill several of the longest packets are acknowledged;
- an allowed datagram to a port without a socket is answered with an error, which a kernel sends only if the
  datagram's checksum is right;
- a connection that no group allows stays without answer, although a socket listens there.

The other host's kernel does all of that, so nobody has to answer at the same time. What is awaited is looked at in
later turns: nothing here waits.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from reading_room.dataplane.linux import namespaces
from reading_room.dataplane.rules.host import TUNNEL_PORT
from reading_room.dataplane.rules.pair_proof import ALLOWED, CLOSED, REFUSED, proof_address
from reading_room.dataplane.spec import HostPlace, Underlay

SILENCE_SECONDS = 0.25
"""How long a connection that nobody allows must stay without answer; an allowed one opens in about a millisecond."""
ATTEMPT_SECONDS = 2.5
"""How long each half of an attempt may take: TCP asks a second time after a second."""
LEAST_LOOKS = 3
"""How often each half is looked at before it has failed, because turns of a busy agent may be seconds apart."""
PAUSE_SECONDS = 5.0
"""How long after a failed attempt the next one begins."""
LONG_PACKETS = 4
"""How many of the longest packets the data fill."""
_SIOCOUTQ = 0x5411
_MTU_DISCOVER, _MTU, _DO = 10, 14, 2
_UDP_HEADERS = 28


@dataclass(slots=True)
class _Attempt:
    """Packets on their way to one host, and what came back."""

    began: float
    allowed: socket.socket
    refused: socket.socket
    datagram: socket.socket
    echo: socket.socket
    path: socket.socket
    sent: float = 0.0
    """When the data were sent and the connection that nobody allows was begun; 0 before."""
    whole: bool = False
    answered: bool = False
    echoed: bool = False
    looks: int = 0
    """How often it was looked at since its half began."""

    def close(self) -> None:
        """Close every socket."""
        for each in (self.allowed, self.refused, self.datagram, self.echo, self.path):
            each.close()


@dataclass(slots=True)
class _Pair:
    """The state of the proof with one host."""

    place: HostPlace
    proven: bool = False
    why: str = "its packets are on their way"
    attempt: _Attempt | None = None
    next: float = 0.0


@dataclass(slots=True)
class PairProofs:
    """The proofs with all other hosts. Call ``turn`` in every turn, and ``close`` at the end."""

    clock: Callable[[], float] = time.monotonic
    namespace: int = -1
    """The network namespace of this host's interface in the scratch VPC, after ``open``."""
    suspects_checksums: bool = False
    """Whether small packets reached a host, and TCP's did not: their checksums may be wrong."""
    _servers: list[socket.socket] = field(default_factory=list)
    _accepted: dict[socket.socket, float] = field(default_factory=dict)
    """The connections of other hosts, with the time of their arrival."""
    _pairs: dict[str, _Pair] = field(default_factory=dict)
    _underlay: Underlay | None = None

    def open(self) -> int:
        """Return the namespace, a new one at the first call."""
        if self.namespace < 0:
            self.namespace = namespaces.new_namespace()
        return self.namespace

    def turn(self, underlay: Underlay, outside: int, longest: int) -> None:
        """Begin attempts, and look at those under way. Raises ``OSError``.

        The interface must be in place. ``outside`` is the namespace that carries the packets of tunnels, encrypted or
        not, and ``longest`` the MTU of tunnels.
        """
        self._listen(underlay)
        now = self.clock()
        self._accept(now)
        there = {each.host: each for each in underlay.others}
        for host in [each for each, pair in self._pairs.items() if there.get(each) != pair.place]:
            self._end(self._pairs.pop(host))
        if self._underlay is not None and (self._underlay.here, self._underlay.mtu) != (underlay.here, underlay.mtu):
            self.forget()
        self._underlay = underlay
        for host, place in there.items():
            pair = self._pairs.setdefault(host, _Pair(place))
            if pair.attempt is not None:
                self._look(pair, pair.attempt, now, underlay, longest)
            elif not pair.proven and now >= pair.next:
                self._begin(pair, now, underlay, outside)

    def unproven(self) -> dict[str, str]:
        """Return why the proof with a host has not passed yet, by the host's name."""
        return {host: pair.why for host, pair in self._pairs.items() if not pair.proven}

    def due(self) -> bool:
        """Return whether the next turn has something to do."""
        now = self.clock()
        return any(each.attempt is not None or (not each.proven and now >= each.next) for each in self._pairs.values())

    def forget(self) -> None:
        """Begin every proof again."""
        self.suspects_checksums = False
        for pair in self._pairs.values():
            self._end(pair)
        self._pairs.clear()

    def close(self) -> None:
        """Close everything; the interface goes with its namespace."""
        self.forget()
        for opened in (*self._servers, *self._accepted):
            opened.close()
        self._servers.clear()
        self._accepted.clear()
        if self.namespace >= 0:
            os.close(self.namespace)
            self.namespace = -1

    def _listen(self, underlay: Underlay) -> None:
        address = proof_address(underlay.here.number)
        if self._servers and self._servers[0].getsockname()[0] == address:
            return
        for server in self._servers:
            server.close()
        self._servers.clear()
        with namespaces.inside(self.namespace):
            for port in (ALLOWED, REFUSED):
                server = socket.create_server((address, port), backlog=4096)
                server.setblocking(False)
                self._servers.append(server)

    def _accept(self, now: float) -> None:
        """Accept the connections of other hosts, and close those that the other host has closed or forgotten.

        Their data are read, because the answer to a connection with unread data would be a reset.
        """
        for server in self._servers:
            with suppress(OSError):
                while True:
                    self._accepted[server.accept()[0]] = now
        for opened, since in list(self._accepted.items()):
            try:
                opened.setblocking(False)
                ended = not opened.recv(1 << 20)
            except BlockingIOError:
                ended = now - since > 2 * ATTEMPT_SECONDS
            except OSError:
                ended = True
            if ended:
                del self._accepted[opened]
                opened.close()

    def _begin(self, pair: _Pair, now: float, underlay: Underlay, outside: int) -> None:
        to = proof_address(pair.place.number)
        pair.next = now + PAUSE_SECONDS
        with namespaces.inside(outside):
            path = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        with namespaces.inside(self.namespace):
            tcp = [socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) for _ in range(2)]
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            icmp = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.IPPROTO_ICMP)
        attempt = _Attempt(now, tcp[0], tcp[1], udp, icmp, path)
        for each in (*tcp, udp, icmp, path):
            each.setblocking(False)
        try:
            path.setsockopt(socket.IPPROTO_IP, _MTU_DISCOVER, _DO)
            path.connect((pair.place.underlay, pair.place.port or TUNNEL_PORT))
            _send(path, bytes(underlay.mtu - _UDP_HEADERS))
            tcp[0].connect_ex((to, ALLOWED))
            udp.connect((to, CLOSED))
            icmp.connect((to, 0))
            _ask(attempt)
        except OSError as error:
            attempt.close()
            pair.why = f"no packet can be sent to it: {error.strerror}"
            return
        pair.attempt = attempt

    def _look(self, pair: _Pair, attempt: _Attempt, now: float, underlay: Underlay, longest: int) -> None:
        path = attempt.path.getsockopt(socket.IPPROTO_IP, _MTU)
        if path < underlay.mtu:
            self._fail(pair, _too_small(path, underlay.mtu))
        elif _is_connected(attempt.refused):
            self._fail(pair, "it let in a connection that no group allows: rules are not enforced there")
        else:
            attempt.looks += 1
            self._look_at_allowed(pair, attempt, now, longest)
            if attempt.whole and attempt.answered and now - attempt.sent >= SILENCE_SECONDS:
                pair.proven, pair.why = True, ""
                self._end(pair)
            elif now - (attempt.sent or attempt.began) >= ATTEMPT_SECONDS and attempt.looks >= LEAST_LOOKS:
                self._fail(pair, self._explain(attempt, longest))

    def _look_at_allowed(self, pair: _Pair, attempt: _Attempt, now: float, longest: int) -> None:
        if not attempt.sent and _is_connected(attempt.allowed):
            with suppress(OSError):
                attempt.allowed.send(bytes(LONG_PACKETS * longest))
            # Only now, since silence means nothing before the host answers at all.
            attempt.refused.connect_ex((proof_address(pair.place.number), REFUSED))
            attempt.sent, attempt.looks = now, 0
        if attempt.sent:
            attempt.whole = _unacknowledged(attempt.allowed) == 0
        attempt.answered = attempt.answered or _has_error(attempt.datagram, errno.ECONNREFUSED)
        attempt.echoed = attempt.echoed or _has_reply(attempt.echo)
        _ask(attempt)

    def _explain(self, attempt: _Attempt, longest: int) -> str:
        if attempt.sent and not attempt.whole:
            return f"packets of {longest} bytes do not reach it, and smaller ones do: set a smaller MTU of the underlay"
        if not attempt.echoed:
            return "it does not answer, or has not got this host's packets yet"
        self.suspects_checksums = True
        missing = "TCP" if not attempt.sent else "UDP"
        return f"it answers pings, and nothing sent by {missing}: checksums of packets in tunnels may be wrong"

    def _fail(self, pair: _Pair, why: str) -> None:
        pair.why = why
        self._end(pair)

    def _end(self, pair: _Pair) -> None:
        if pair.attempt is not None:
            pair.attempt.close()
            pair.attempt = None


def _too_small(path: int, mtu: int) -> str:
    return f"the path to it carries packets of {path} bytes, fewer than the underlay's MTU of {mtu}: set that to {path}"


def _send(opened: socket.socket, payload: bytes) -> None:
    """Send a datagram; one that is too long for the path only tells the kernel so."""
    try:
        opened.send(payload)
    except OSError as error:
        if error.errno != errno.EMSGSIZE:
            raise


def _ask(attempt: _Attempt) -> None:
    """Send what was not answered yet; the host may not have been ready before."""
    with suppress(OSError):  # The answer to a datagram is an error, which a later call may get.
        if not attempt.answered:
            attempt.datagram.send(b"is there a socket?")
    with suppress(OSError):
        if not attempt.echoed:
            attempt.echo.send(_echo_request())


def _has_reply(opened: socket.socket) -> bool:
    """Return whether an echo reply arrived; other ICMP packets of the host arrive, too."""
    with suppress(OSError):
        while packet := opened.recv(256):
            if packet[(packet[0] & 15) * 4] == 0:
                return True
    return False


def _echo_request() -> bytes:
    """Return an ICMP echo request with a checksum."""
    head = struct.pack("!BBHHH", 8, 0, 0, 7, 1)
    total = sum(struct.unpack("!4H", head))
    return head[:2] + struct.pack("!H", ~total & 0xFFFF) + head[4:]


def _is_connected(opened: socket.socket) -> bool:
    try:
        opened.getpeername()
    except OSError:
        return False
    return True


def _unacknowledged(opened: socket.socket) -> int:
    """Return how many sent bytes the other kernel has not acknowledged yet."""
    waiting = array.array("i", [0])
    fcntl.ioctl(opened.fileno(), _SIOCOUTQ, waiting)
    return waiting[0]


def _has_error(opened: socket.socket, number: int) -> bool:
    return opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == number
