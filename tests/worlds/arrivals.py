"""Knowing that every packet on its way has arrived or was dropped, without waiting for time to pass.

A packet that a process sends between namespaces is queued at a processor of this machine, and so is each next step of
its way: a router that passes it on, an answer, a question for a hardware address. Such a queue is worked off in its
order. So a datagram that is sent to oneself on a processor arrives after the steps that were queued there before it; as
many of them, one after the other, as the longest way has steps arrive after all that was on its way. However slow the
machine is, what has not come then never comes.
"""

from __future__ import annotations

import os
import socket
import threading

from reading_room.dataplane.linux import namespaces, rtnetlink
from tests.worlds.waiting import DEADLINE

STEPS = 32
"""More than the longest way has: from one VPC by the uplink into another and back, with a question for each hardware
address, twenty."""


class Arrivals:
    """A namespace with nothing but a loopback link, by which datagrams go to oneself."""

    def __init__(self) -> None:
        """Make the namespace; it goes with its sockets."""
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
