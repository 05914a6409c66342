"""Listening sockets inside a router's namespace, and the connections and tracked flows that end there."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable

from reading_room.dataplane.linux import namespaces
from reading_room.dataplane.linux.connections import HALF_OPEN, LISTEN, Connection
from reading_room.dataplane.linux.router import Router
from reading_room.dataplane.rules.host import RouterConfig
from reading_room.dataplane.rules.tracked_flows import Entry
from reading_room.dataplane.rules.translations import own_addresses
from reading_room.dataplane.spec import LOCAL_ENDPOINT_ADDRESS, ListenerLabel

BACKLOG = 1024
HANDSHAKE_SECONDS = 0.25
"""How long a cut waits for handshakes to end: a client may keep the last packet of one for 0.2 s."""
HANDSHAKE_LOOKS = 125
"""How often it looks meanwhile."""


def forget(router: Router, unwanted: Callable[[Entry], bool]) -> None:
    """Delete tracked connections; their last counts go to whoever watches for ends."""
    if router.conntrack.count():
        router.conntrack.delete([each for each in router.conntrack.entries(zero=False) if unwanted(each)])


def cut(router: Router, unwanted: Callable[[Connection], bool], pause: Callable[[float], object] = time.sleep) -> None:
    """End TCP connections that the router's namespace accepted, listening sockets excepted.

    One whose handshake has not ended is open to its sender already, but would get no reset, and once nothing is tracked
    of it no answer to anything. So those that are begun have a moment to end their handshake, and are cut as they do;
    those that have not by then go without a word. Nobody can begin one meanwhile: the new rules are in force.
    ``pause`` waits so many seconds between two looks.

    A kernel built without ``CONFIG_INET_DIAG_DESTROY`` cannot; there the connection is dead all the same once its
    conntrack entry is gone, because packets from the middle of an untracked connection are invalid, and the server
    closes it when it learns that the listener went.
    """
    try:
        for _ in range(HANDSHAKE_LOOKS):
            if not any(each.state == HALF_OPEN and unwanted(each) for each in router.connections.sockets()):
                break
            router.connections.cut(lambda each: each.state not in (LISTEN, HALF_OPEN) and unwanted(each))
            pause(HANDSHAKE_SECONDS / HANDSHAKE_LOOKS)
        router.connections.cut(lambda each: each.state != LISTEN and unwanted(each))
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise


def open_listener(router: Router, label: ListenerLabel) -> socket.socket:
    """Open the socket of a label inside the router's namespace.

    A server that outlived an earlier agent may still hold the socket opened then. Nobody serves that one for us any
    more, so it is ended: this agent's is the one that counts.
    """
    with namespaces.inside(router.descriptor):
        stream = label.kind != "resolver-udp"
        kind = (socket.SOCK_STREAM if stream else socket.SOCK_DGRAM) | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        opened = socket.socket(socket.AF_INET, kind)
        try:
            # For UDP this lets the newest of two sockets have the datagrams.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                opened.bind((label.address, label.port))
                if stream:
                    opened.listen(BACKLOG)
            except OSError as error:
                if error.errno != errno.EADDRINUSE or not stream:
                    raise
                router.connections.cut(
                    lambda each: each.state == LISTEN and (each.address, each.port) == (label.address, label.port)
                )
                opened.close()
                opened = socket.socket(socket.AF_INET, kind)
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                opened.bind((label.address, label.port))
                opened.listen(BACKLOG)
        except OSError as error:
            opened.close()
            raise OSError(
                error.errno, f"open {label.kind} at {label.address}:{label.port}: {error.strerror}"
            ) from error
    return opened


def tracked_strangers(router: Router, config: RouterConfig) -> set[str]:
    """Return the VPC's own addresses that tracked flows have and that no wanted interface, and no listener, has."""
    known = {LOCAL_ENDPOINT_ADDRESS, *config.addresses, *config.endpoint_addresses}
    known.update(address for link in config.links for address in (link.address, *link.secondary))
    if not router.conntrack.count():
        return set()
    mine = own_addresses(config)
    return {address for each in router.conntrack.entries(zero=False) for address in mine(each)} - known
