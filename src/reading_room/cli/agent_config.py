"""The agent's configuration: folders, the server's user id, the range of ids for containers.

The agent's own code is imported only where the agent runs; other commands only need the paths of its files.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from reading_room.agent.holder import PUBLIC_DIR, recorded
from reading_room.containers.spec import Limits
from reading_room.dataplane.rules.uplink import SLIRP, VETH
from reading_room.settings import Settings

if TYPE_CHECKING:
    from reading_room.agent.main import AgentConfig


def socket_path(settings: Settings) -> Path:
    """Return the path of the socket where the server finds its agent."""
    return settings.installation.socket


def runtime_folder(settings: Settings) -> Path:
    """Return the agent's private folder."""
    return settings.installation.agent


def agent_config(settings: Settings, *, leave: bool = False) -> AgentConfig:
    """Return the configuration of an agent inside the holder's namespaces.

    ``leave`` is ``AgentConfig.leave``: the containers' control groups are then the holder's, not below the agent's own.
    """
    from reading_room.agent.main import AgentConfig

    runtime = runtime_folder(settings)
    holder = recorded(runtime)
    rootless = holder.rootless if holder is not None else False
    return AgentConfig(
        runtime_dir=runtime,
        socket_path=socket_path(settings),
        data=settings.data,
        # Without root, one user owns everything and has id 0 inside; on the host, the server has the owner's id.
        allowed_uid=_owner(settings.data) if rootless else settings.service_uid,
        uid_first=settings.container_uid_first,
        uid_count=settings.container_uid_count,
        rootless=rootless,
        region=settings.region,
        standby_limits=Limits(
            memory_bytes=settings.container_memory,
            processes=settings.container_processes,
            cpus=settings.container_cpus,
            seconds=settings.job_seconds,
        ),
        holder=holder,
        outside={"off": None, "slirp4netns": SLIRP}.get(settings.uplink, VETH),
        beyond=_beyond(settings.uplink),
        underlay=None if rootless else _underlay(settings.underlay),
        encrypted=settings.underlay == "encrypted",
        tunnel_port=settings.underlay_port,
        segmentation=settings.offloads == "on",
        measured=settings.metrics_port != 0,
        leave=leave,
    )


def _beyond(uplink: str) -> Path | None:
    """Return the network namespace that a veth pair leads to: the named one, or that of the agent's parent."""
    if uplink.startswith("namespace:"):
        return Path(uplink.removeprefix("namespace:"))
    return Path(f"/proc/{os.getppid()}/ns/net") if uplink == "veth" else None


def _underlay(underlay: str) -> Path:
    """Return the network namespace of packets to other hosts: the named one, or that of the agent's parent."""
    return Path(underlay.removeprefix("plain:") if underlay != "encrypted" else f"/proc/{os.getppid()}/ns/net")


def _owner(folder: Path) -> int:
    """Return the host's user id of a folder's owner, seen from inside a user namespace."""
    inner = folder.stat().st_uid
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        first, outer, count = (int(part) for part in line.split())
        if first <= inner < first + count:
            return outer + inner - first
    return os.geteuid()


def prove_only() -> int:
    """Test enforcement in a scratch VPC, print the observations, and return the exit code."""
    from reading_room.agent.main import prove

    PUBLIC_DIR.mkdir(mode=0o755, parents=True, exist_ok=True)
    proof = prove(PUBLIC_DIR)
    print("\n".join(proof.lines))
    return 0 if proof.passed else 1
