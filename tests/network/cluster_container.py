"""A container of a job of several, as far as its cluster goes: run in a container's network namespace by a test.

Its standard input has a line of JSON: ``place``, ``identity``, ``scratch``, and ``expected``, the containers
that come into the cluster. At its end it prints a line of JSON:
of the first container how many were in the cluster and in how many different processes a task ran, of the others how
their time in it ended.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from reading_room.analysis.cluster.identity import Identity
from reading_room.analysis.cluster.member import wait_reachable
from reading_room.analysis.cluster.node import Node
from reading_room.analysis.cluster.scheduler_process import SchedulerProcess
from reading_room.analysis.job_file import ClusterPlace
from reading_room.analysis.storage import JobFailure

JOIN_SECONDS = 15.0


def first(place: ClusterPlace, identity: Identity, scratch: Path, expected: int) -> dict[str, Any]:
    """Start the cluster, wait until it has as many containers as expected, and have tasks done."""
    with SchedulerProcess(place.scheduler, identity, scratch) as scheduler:
        scheduler.wait_ready()
        node = Node(place, identity, scratch, client=True, seconds=30)
        until = time.monotonic() + JOIN_SECONDS
        while node.workers < expected and time.monotonic() < until:
            time.sleep(0.1)
        tasks = [node.submit(f"task-{number}", _who, number) for number in range(12)]
        found = {task.result(30) for task in tasks}
        workers = node.workers
        node.let_go()
        scheduler.end()
        scheduler.wait_ended()
    return {"workers": workers, "processes": len(found)}


def _who(number: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def other(place: ClusterPlace, identity: Identity, scratch: Path) -> dict[str, Any]:
    """Join, and stay until the cluster ends."""
    began = time.monotonic()
    try:
        wait_reachable(place)
        node = Node(place, identity, scratch, client=False, seconds=30)
    except JobFailure as failure:
        return {"code": failure.code, "seconds": time.monotonic() - began}
    node.left.wait(60)
    return {"in order": node.in_order}


def main() -> None:
    """Do one container's part."""
    told = json.loads(sys.stdin.readline())
    place, identity, scratch = ClusterPlace(**told["place"]), Identity(**told["identity"]), Path(told["scratch"])
    said = other(place, identity, scratch) if place.member else first(place, identity, scratch, told["expected"])
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
