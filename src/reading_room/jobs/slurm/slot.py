"""The job of Slurm that is a container's slot: its name, its size, and the script that holds it.

The name and the comment have the container's id, and with it the attempt. Slurm shows the comment to a node's prolog,
and the name to the script.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from reading_room.settings import Settings

PREFIX = "reading-room:"
MARGIN_MINUTES = 60
"""How much longer a slot may last than a container. The rest is for waiting for a job's other slots."""
FAILURES = {
    71: "its prolog is not Reading Room's: set it up as docs/hosts.md says",
    72: "its agent does not run: start the host there",
    73: "its agent cannot enforce the network: its log says why",
    74: "its agent holds no lease: it does not reach `serve`",
}
"""Why a slot's script ends at once, by exit code. ``packaging/slurm/prolog`` and the script use the same numbers."""
SCRIPT = """#!/bin/sh
# Holds a slot of Reading Room: until its container is on this node, and while it is. The node's prolog has written
# whether its agent is ready, and which files say what it has in force.
container=${SLURM_JOB_NAME##*:}
answer=/run/reading-room-slots/$SLURM_JOB_ID
[ -r "$answer" ] || exit 71
{ read -r code; read -r files; } <"$answer"
[ "$code" = 0 ] || exit "$code"
has() {
    for file in $files; do
        [ -r "$file" ] || continue
        while read -r line; do
            [ "$line" = "$1" ] && return 0
        done <"$file"
    done
    return 1
}
without=0
until has "container $container"; do
    # Whoever lost its lease hears nothing of serve: the slot is given back, and asked for again later.
    if has "leased yes"; then without=0; else without=$((without + 1)); fi
    [ "$without" -lt 30 ] || exit 74
    sleep 2
done
while has "container $container"; do sleep 2; done
"""


@dataclass(frozen=True, slots=True)
class SlotSize:
    """What a slot reserves: whole cores, megabytes and minutes, in a partition, which is empty for Slurm's default."""

    cores: int
    megabytes: int
    minutes: int
    partition: str

    @classmethod
    def of(cls, settings: Settings) -> SlotSize:
        """Return the size of a container of jobs."""
        return cls(
            cores=math.ceil(settings.container_cpus),
            megabytes=math.ceil(settings.container_memory / (1 << 20)),
            minutes=math.ceil(settings.job_seconds / 60) + MARGIN_MINUTES,
            partition=settings.slurm_partition,
        )


def prefix_of(installation: str) -> str:
    """Return the beginning of the names of an installation's slots."""
    return f"{PREFIX}{installation}:"


def request(size: SlotSize, name: str, without: Collection[str]) -> Mapping[str, Any]:
    """Return the request for a slot with this name on any node but those in ``without``."""
    job: dict[str, Any] = {
        "name": name,
        "comment": name,
        "tasks": 1,
        "minimum_nodes": 1,
        "maximum_nodes": 1,
        "cpus_per_task": size.cores,
        "memory_per_node": {"set": True, "infinite": False, "number": size.megabytes},
        "time_limit": {"set": True, "infinite": False, "number": size.minutes},
        # A slot that was lost has no use on another node: its container is not there.
        "requeue": False,
        "current_working_directory": "/",
        "environment": ["PATH=/usr/bin:/bin"],
        "standard_input": "/dev/null",
        "standard_output": "/dev/null",
        "standard_error": "/dev/null",
    }
    if size.partition:
        job["partition"] = size.partition
    if without:
        job["excluded_nodes"] = sorted(without)
    return {"script": SCRIPT, "job": job}
