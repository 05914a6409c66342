"""The fronts of this host: for each VPC with containers, one process without privileges that reads what they send.

The agent opens the listening sockets and hands them over. It also makes the channel between a front and the server, so
that the server can be sure of the channel's VPC. One front is started ahead, because loading its modules takes longer
than many jobs.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Protocol

from reading_room.agent.front_orders import LISTENERS_PER_ORDER, Attach, Leave, Order, Serve
from reading_room.codec import encode
from reading_room.containers import rightless
from reading_room.containers.errors import ContainerError
from reading_room.containers.users import UserIds
from reading_room.dataplane.spec import ListenerLabel

IDLE_SECONDS = 30.0
"""How long the front of a VPC without containers is kept for the next one."""
RETRY_SECONDS = 1.0
"""The pause after a front could not be started."""

_log = logging.getLogger(__name__)


class Fronts(Protocol):
    """What the loop needs of fronts."""

    def arrange(self, vpcs: Set[str], listeners: Mapping[ListenerLabel, socket.socket]) -> None:
        """Make sure that each of these VPCs has a front that serves its listeners."""
        ...

    def attach(self, send: Callable[[str, socket.socket], bool], *, fresh: bool) -> None:
        """Connect every front without a channel to the server; with ``fresh``, the server is new and no front has one.

        ``send`` hands the server its end, with the VPC's id, and returns whether a server is connected.
        """
        ...

    def problems(self) -> Mapping[str, str]:
        """Return why VPCs have no front, by their ids."""
        ...

    def descriptors(self) -> Sequence[int]:
        """Return descriptors that become readable when a front ends."""
        ...

    def close(self) -> None:
        """End every front."""
        ...


class FrontUsers:
    """Which user ids fronts have now. Thread-safe."""

    def __init__(self, users: UserIds | None) -> None:
        """``users`` are the ids for containers, which include those for fronts; ``None`` if there are none."""
        self._users = users
        self._lock = threading.Lock()
        self._taken: set[int | None] = set()

    def take(self) -> int | None:
        """Return an unused id; ``None`` if fronts have the agent's own. Raises ``NoFreeUserId``."""
        if self._users is None:
            return None
        with self._lock:
            user = self._users.take_for_front(self._taken)
            self._taken.add(user)
            return user

    def give_back(self, user: int | None) -> None:
        """Note that the process with an id has ended."""
        with self._lock:
            self._taken.discard(user)


@dataclass(slots=True)
class Front:
    """A front that was started."""

    process: subprocess.Popen[bytes]
    orders: socket.socket
    user: int | None
    pidfd: int
    served: dict[ListenerLabel, int] = field(default_factory=dict)
    """The listeners that it serves, each with its socket's inode."""
    attached: bool = False
    idle_since: float | None = None


class FrontProcesses:
    """Implements ``Fronts`` with processes."""

    def __init__(self, users: FrontUsers, clock: Callable[[], float] = time.monotonic) -> None:
        self._users = users
        self._clock = clock
        self._fronts: dict[str, Front] = {}
        self._spare: Front | None = None
        self._ending: list[Front] = []
        self._not_before = 0.0
        self._problems: dict[str, str] = {}
        self._keep_spare()

    def arrange(self, vpcs: Set[str], listeners: Mapping[ListenerLabel, socket.socket]) -> None:
        """Make sure that each of these VPCs has a front that serves its listeners."""
        self._remove_ended()
        self._problems.clear()
        now = self._clock()
        by_vpc: dict[str, dict[ListenerLabel, socket.socket]] = {vpc_id: {} for vpc_id in (*vpcs, *self._fronts)}
        for label, sock in listeners.items():
            if label.vpc_id in by_vpc:
                by_vpc[label.vpc_id][label] = sock
        for vpc_id, wanted in by_vpc.items():
            front = self._fronts.get(vpc_id) or (self._take(vpc_id) if vpc_id in vpcs else None)
            if front is None:
                continue
            try:
                _give(front, wanted)
            except OSError as error:
                _log.error("the front of %s takes no orders and is restarted: %s", vpc_id, error)
                front.process.kill()
            front.idle_since = None if vpc_id in vpcs else front.idle_since or now
            if front.idle_since is not None and (not wanted or now - front.idle_since > IDLE_SECONDS):
                self._end(self._fronts.pop(vpc_id))
        self._keep_spare()

    def attach(self, send: Callable[[str, socket.socket], bool], *, fresh: bool) -> None:
        """Connect every front without a channel to the server."""
        for vpc_id, front in self._fronts.items():
            if front.attached and not fresh:
                continue
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            # The server's end is sent first: the front's queries can then wait in it.
            front.attached = send(vpc_id, theirs)
            with ours:
                if front.attached:
                    try:
                        attach(front, ours)
                    except OSError:
                        front.process.kill()

    def problems(self) -> Mapping[str, str]:
        """Return why VPCs have no front."""
        return self._problems

    def descriptors(self) -> Sequence[int]:
        """Return descriptors that become readable when a front ends."""
        return [front.pidfd for front in (*self._fronts.values(), *self._ending)]

    def processes(self) -> Mapping[str, int]:
        """Return the process of each VPC's front, without the one that was started ahead."""
        return {vpc_id: front.process.pid for vpc_id, front in self._fronts.items()}

    def close(self) -> None:
        """End every front."""
        for front in (*self._fronts.values(), *self._ending, *([self._spare] if self._spare else [])):
            front.process.kill()
            front.process.wait()
            self._close(front)
        self._fronts.clear()
        self._ending.clear()
        self._spare = None

    def _take(self, vpc_id: str) -> Front | None:
        front, self._spare = self._spare, None
        if front is None or front.process.poll() is not None:
            if front is not None:
                self._close(front)
            front = self._start()
        if front is None:
            self._problems[vpc_id] = "its front cannot be started: see the agent's log"
            return None
        self._fronts[vpc_id] = front
        return front

    def _keep_spare(self) -> None:
        if self._spare is None:
            self._spare = self._start()

    def _start(self) -> Front | None:
        if self._clock() < self._not_before:
            return None
        try:
            return start_front(self._users)
        except (ContainerError, OSError, subprocess.SubprocessError) as error:
            _log.error("a front cannot be started: %s", error)
            self._not_before = self._clock() + RETRY_SECONDS
            return None

    def _remove_ended(self) -> None:
        for vpc_id, front in list(self._fronts.items()):
            if front.process.poll() is not None:
                _log.error("the front of %s ended with %d and is restarted", vpc_id, front.process.returncode)
                self._close(self._fronts.pop(vpc_id))
        for front in [each for each in self._ending if each.process.poll() is not None]:
            self._ending.remove(front)
            self._close(front)

    def _end(self, front: Front) -> None:
        """Tell a front to end, which it does after the requests in progress."""
        front.orders.shutdown(socket.SHUT_WR)
        self._ending.append(front)

    def _close(self, front: Front) -> None:
        forget(front, self._users)


def start_front(users: FrontUsers) -> Front:
    """Return a front that has started. Raises ``ContainerError``, ``OSError`` and ``subprocess.SubprocessError``."""
    user = users.take()
    try:
        process, ours = rightless.start("reading_room.hosts.front.process", user)
    except BaseException:
        users.give_back(user)
        raise
    ours.setblocking(False)
    return Front(process, ours, user, os.pidfd_open(process.pid))


def attach(front: Front, channel: socket.socket) -> None:
    """Let a front use a channel to the server from now on. Raises ``OSError`` if it takes no orders."""
    _order(front, Attach(), channel)


def forget(front: Front, users: FrontUsers) -> None:
    """Close what is left of a front that has ended."""
    front.orders.close()
    os.close(front.pidfd)
    users.give_back(front.user)


def _give(front: Front, wanted: Mapping[ListenerLabel, socket.socket]) -> None:
    now = {label: os.fstat(sock.fileno()).st_ino for label, sock in wanted.items()}
    gone = [label for label in front.served if label not in now]
    new = [label for label in now if front.served.get(label) != now[label]]
    for start in range(0, len(gone), LISTENERS_PER_ORDER):
        _order(front, Leave(tuple(gone[start : start + LISTENERS_PER_ORDER])))
    for start in range(0, len(new), LISTENERS_PER_ORDER):
        part = new[start : start + LISTENERS_PER_ORDER]
        _order(front, Serve(tuple(part)), *(wanted[label] for label in part))
    front.served = now


def _order(front: Front, body: Serve | Leave | Attach, *sent: socket.socket) -> None:
    # Never blocks: a front that does not read is killed.
    socket.send_fds(front.orders, [encode(Order(body))], [each.fileno() for each in sent])
