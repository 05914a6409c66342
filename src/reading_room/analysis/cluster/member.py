"""A container of a job of several that is not the first one: it joins the cluster and does the tasks that it gets."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from reading_room.analysis.cluster.identity import fetch_identity
from reading_room.analysis.cluster.service_client import ServiceClient
from reading_room.analysis.cluster.tasks import settle
from reading_room.analysis.job_file import CLUSTER_PORTS, SCHEDULER_PORT, ClusterPlace, Done
from reading_room.analysis.program import Program, Work
from reading_room.analysis.s3.credentials import CREDENTIALS_ADDRESS
from reading_room.analysis.storage import JobFailure

if TYPE_CHECKING:
    from reading_room.analysis.cluster.node import Node

SILENT_SECONDS = 4.0
"""How long nothing may answer before the network counts as the reason."""
START_SECONDS = 60.0
"""How long the first container may refuse connections because its scheduler does not listen yet."""

_PAUSE_SECONDS = 0.1
_TURN_SECONDS = 0.5


def run_member(work: Work, program: Program, address: str = CREDENTIALS_ADDRESS) -> Done:
    """Work for the first container until it ends the cluster. The first container reports the results.

    ``address`` is where the service answers containers. Raise ``JobFailure``: ``CONTAINERS_CANNOT_CONNECT`` if the
    first container cannot be reached, ``CLUSTER_LOST`` if the cluster breaks before the first container ends it.
    """
    place = work.job.cluster
    assert place is not None
    identity = fetch_identity(ServiceClient(place.path, address))
    settle(work, program)
    wait_reachable(place)
    from reading_room.analysis.cluster.node import Node

    node: Node = Node(place, identity, work.scratch, client=False, seconds=START_SECONDS)
    while not node.left.wait(_TURN_SECONDS):
        if work.stopping():
            # The container's host is shutting down. The first container sees it leave, and gives its task to another
            # one.
            return Done(0, 0, 0, "", stopped=True)
    failure = node.lost()
    if failure is not None and not node.in_order:
        raise failure
    return Done(0, 0, 0, "")


def wait_reachable(place: ClusterPlace, silent: float = SILENT_SECONDS, start: float = START_SECONDS) -> None:
    """Wait until the scheduler's port is open.

    Raise ``JobFailure``: ``CONTAINERS_CANNOT_CONNECT`` if nothing answers for ``silent`` seconds, which means that a
    security group drops the packets; ``CLUSTER_LOST`` if connections are still refused after ``start`` seconds.
    """
    began = answered = time.monotonic()
    while True:
        wait = max(0.1, answered + silent - time.monotonic())
        try:
            socket.create_connection((place.scheduler, SCHEDULER_PORT), timeout=wait).close()
            return
        except ConnectionRefusedError:
            answered = time.monotonic()
        except OSError as error:
            if time.monotonic() - answered >= silent:
                raise JobFailure("CONTAINERS_CANNOT_CONNECT", _cannot_connect(place, silent)) from error
        if time.monotonic() - began >= start:
            raise JobFailure("CLUSTER_LOST", f"no scheduler listens at {place.scheduler} after {start:.0f} s")
        time.sleep(_PAUSE_SECONDS)


def _cannot_connect(place: ClusterPlace, silent: float) -> str:
    first, last = CLUSTER_PORTS
    return (
        f"Container {place.member} ({place.address}) got no answer from the first container of its job "
        f"({place.scheduler}, TCP port {SCHEDULER_PORT}) within {silent:.0f} s. The security groups of the job must "
        f"let its containers reach each other on TCP ports {first} to {last}, in both directions."
    )
