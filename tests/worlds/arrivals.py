"""Making sure that every packet on its way has arrived or was dropped, without waiting for time to pass.

A packet that a process sends between namespaces is queued at a processor of this machine, and so is each further step
on its way: forwarding by a router, a reply, an ARP request. Such a queue is processed in order. A datagram that a
process sends to itself on a processor therefore arrives after the steps that were queued there before it. Sent as many
times, one after another, as the longest way has steps, it arrives after everything that was on its way. However slow
the machine is, a packet that has not arrived by then never will.
"""

from __future__ import annotations

import os
import socket
import threading

from reading_room.dataplane.linux import namespaces, rtnetlink
from tests.worlds.waiting import DEADLINE

STEPS = 32
"""More steps than the longest way has: from one VPC by the uplink into another and back, with an ARP request for each
hardware address, are twenty."""


class Arrivals:
    """A namespace with only a loopback link, over which a process sends datagrams to itself."""

    def __init__(self) -> None:
        """Make the namespace, which lives as long as its sockets."""
        self._one_at_a_time = threading.Lock()
        descriptor = namespaces.new_namespace()
        with namespaces.inside(descriptor):
            routes = rtnetlink.RouteSocket()
            self._receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        routes.batch([rtnetlink.set_up(rtnetlink.LOOPBACK, "lo")])
        routes.close()
        os.close(descriptor)
        self._receiver.bind(("127.0.0.1", 0))
        self._receiver.settimeout(DEADLINE)
        self._sender.connect(self._receiver.getsockname())

    def wait(self) -> None:
        """Return when every packet that was sent before has arrived or was dropped."""
        processors = os.sched_getaffinity(0)
        with self._one_at_a_time:
            try:
                for each in processors:
                    os.sched_setaffinity(0, {each})
                    for _ in range(STEPS):
                        self._sender.send(b"")
                        self._receiver.recv(1)
            finally:
                os.sched_setaffinity(0, processors)

    def close(self) -> None:
        """Close the sockets."""
        self._receiver.close()
        self._sender.close()
