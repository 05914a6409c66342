"""What all tests share: how many examples property tests try, and the promise to leave the machine as it was."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fuzz", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("READING_ROOM_HYPOTHESIS", "default"))

WATCHED_SYSCTLS = (
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/rp_filter",
    "net/ipv6/conf/all/disable_ipv6",
    "kernel/hostname",
    "kernel/core_pattern",
    "user/max_user_namespaces",
)


def machine_state() -> dict[str, object]:
    """Return what a test could change of the machine and must not: links, mounts, names, sysctls, control groups."""
    return {
        "links": sorted(path.name for path in Path("/sys/class/net").iterdir()),
        "mounts": sorted(line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()),
        "sysctls": {name: _read(Path("/proc/sys") / name) for name in WATCHED_SYSCTLS},
        "firewall": _firewall(),
        "control groups": sorted(str(path) for path in Path("/sys/fs/cgroup").rglob("*reading-room*")),
    }


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        return f"unreadable: {error.errno}"


def _firewall() -> str:
    try:
        return subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return Path("/proc/net/netfilter/nf_log").read_text() if Path("/proc/net/netfilter/nf_log").exists() else ""


@pytest.fixture(scope="session", autouse=True)
def machine_unchanged(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the run if its tests touched the kernel and left a trace on the machine."""
    touches = any(
        {"network", "e2e", "chaos"} & {mark.name for mark in item.iter_markers()} for item in request.session.items
    )
    before = machine_state() if touches else None
    yield
    if before is not None:
        assert machine_state() == before, "these tests left the machine changed"
