"""The cluster part of a container of a distributed job. A test runs it in a container's network namespace.

It reads a line of JSON from standard input: ``place``, ``identity``, ``scratch``, ``expected`` (the number of
containers that join the cluster) and ``silent`` (for how many seconds a container that cannot join waits for an
answer). At the end it prints a line of JSON. The first container reports how many containers were in the cluster and in
how many different processes a task ran; the others report how their membership ended.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from pathlib import Path
from typing import Any

from reading_room.analysis.cluster.identity import Identity
from reading_room.analysis.cluster.member import wait_reachable
from reading_room.analysis.cluster.node import Node
from reading_room.analysis.cluster.scheduler_process import SchedulerProcess
from reading_room.analysis.job_file import ClusterPlace
from reading_room.analysis.storage import JobFailure
from tests.worlds.waiting import eventually

LONG_SECONDS = 60.0


def first(place: ClusterPlace, identity: Identity, scratch: Path, expected: int) -> dict[str, Any]:
    """Start the cluster, wait until it has as many containers as expected, and run tasks."""
    with SchedulerProcess(place.scheduler, identity, scratch) as scheduler:
        scheduler.wait_ready()
        node = Node(place, identity, scratch, client=True, seconds=LONG_SECONDS)
        eventually(lambda: node.workers >= expected)
        found: set[int] = set()
        for turn in itertools.count():
            tasks = [node.submit(f"task-{turn}-{number}", _who) for number in range(4 * expected)]
            found |= {task.result(LONG_SECONDS) for task in tasks}
            if len(found) >= expected:
                break
        workers = node.workers
        node.let_go()
        scheduler.end()
        scheduler.wait_ended()
    return {"workers": workers, "processes": len(found)}


def _who() -> int:
    return os.getpid()


def other(place: ClusterPlace, identity: Identity, scratch: Path, silent: float) -> dict[str, Any]:
    """Join the cluster, and stay until it ends."""
    try:
        wait_reachable(place, silent)
        node = Node(place, identity, scratch, client=False, seconds=LONG_SECONDS)
    except JobFailure as failure:
        return {"code": failure.code, "message": failure.message}
    node.left.wait(LONG_SECONDS)
    return {"in order": node.in_order}


def main() -> None:
    """Play the part of one container."""
    given = json.loads(sys.stdin.readline())
    place, identity, scratch = (
        ClusterPlace(**given["place"]),
        Identity(**given["identity"]),
        Path(given["scratch"]),
    )
    if place.member:
        report = other(place, identity, scratch, given["silent"])
    else:
        report = first(place, identity, scratch, given["expected"])
    sys.stdout.write(json.dumps(report) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
