"""Listening sockets inside a router's namespace, and the end of its connections and tracked flows."""

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
"""How long a cut waits for handshakes to end: a client may delay the last packet of a handshake by 0.2 s."""
HANDSHAKE_LOOKS = 125
"""How often a cut looks meanwhile."""


def forget(router: Router, unwanted: Callable[[Entry], bool]) -> None:
    """Delete tracked connections. Their last counts are in the DESTROY events."""
    if router.conntrack.count():
        router.conntrack.delete([each for each in router.conntrack.entries(zero=False) if unwanted(each)])


def cut(router: Router, unwanted: Callable[[Connection], bool], pause: Callable[[float], object] = time.sleep) -> None:
    """End TCP connections that the router's namespace accepted, except for listening sockets.

    A connection whose handshake has not ended is already open for its client. But the client would get no reset and,
    once the connection is no longer tracked, no answer to anything. So such connections get a moment to finish their
    handshake, and are cut as they do; the others then end silently. No new one can begin meanwhile, because the new
    rules are in force. ``pause`` waits so many seconds between two looks.

    A kernel without ``CONFIG_INET_DIAG_DESTROY`` cannot cut. There, the connection is still dead once its conntrack
    entry is gone, because packets in the middle of an untracked connection are invalid, and the server closes it when
    its listener is gone.
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

    A server that outlived an earlier agent may still hold the socket that was opened then. That socket is ended, and
    this agent's takes its place.
    """
    where = (label.address, label.port)
    with namespaces.inside(router.descriptor):
        try:
            try:
                return _listen(label)
            except OSError as error:
                if error.errno != errno.EADDRINUSE or label.kind == "resolver-udp":
                    raise
            router.connections.cut(lambda each: each.state == LISTEN and (each.address, each.port) == where)
            return _listen(label)
        except OSError as error:
            message = f"open {label.kind} at {label.address}:{label.port}: {error.strerror}"
            raise OSError(error.errno, message) from error


def _listen(label: ListenerLabel) -> socket.socket:
    """Open the socket of a label in the calling thread's namespace."""
    stream = label.kind != "resolver-udp"
    kind = (socket.SOCK_STREAM if stream else socket.SOCK_DGRAM) | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    opened = socket.socket(socket.AF_INET, kind)
    try:
        # For UDP, datagrams then go to the newer of two sockets.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((label.address, label.port))
        if stream:
            opened.listen(BACKLOG)
    except OSError:
        opened.close()
        raise
    return opened


def tracked_strangers(router: Router, config: RouterConfig) -> set[str]:
    """Return the VPC's own addresses in tracked flows that no interface has, here or elsewhere, and no listener."""
    known = {LOCAL_ENDPOINT_ADDRESS, *config.addresses, *config.endpoint_addresses}
    known.update(address for link in config.links for address in (link.address, *link.secondary))
    if config.tunnel is not None:
        known.update(route.address for route in config.tunnel.routes)
    if not router.conntrack.count():
        return set()
    mine = own_addresses(config)
    return {address for each in router.conntrack.entries(zero=False) for address in mine(each)} - known
