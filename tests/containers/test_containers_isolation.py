"""What a job can see and do, tried from inside real containers, started ahead and not, as root and as a user."""

from __future__ import annotations

import errno
import os
import re
import signal
from pathlib import Path
from typing import Any, get_args

import pytest

from reading_room import landlock
from reading_room.analysis.job_file import Confined
from reading_room.containers.sandbox import code_paths
from tests.worlds.container_driver_process import AUTHORITY, PROBE
from tests.worlds.containers import KINDS, OWN_KIND, DriverWorld, first_subordinate_id, leftovers, user_ids

pytestmark = pytest.mark.network


@pytest.fixture(
    params=[(kind, ahead) for kind in KINDS for ahead in (False, True)],
    ids=lambda param: f"{param[0]}-{'ahead' if param[1] else 'cold'}",
    scope="module",
)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Look around in one container of each kind, once, and return its findings."""
    kind, ahead = request.param
    folder = tmp_path_factory.mktemp("world")
    world = DriverWorld(folder, kind)
    try:
        world.run("look", "look", ahead=ahead)
        findings = world.findings("look")
        findings["kind"] = kind
        state = world.state("look")
        assert state is not None
        assert state["started_ahead"] is ahead
        findings["state"] = state
    finally:
        world.close()
    assert leftovers(folder) == set()
    return findings


def test_its_environment_is_exactly_what_a_job_needs(found: dict[str, Any]) -> None:
    assert found["environment"] == {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "AWS_REGION": "eu-central-1",
        "AWS_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/secret-of-look",
        "ORT_DISABLE_TELEMETRY": "1",
    }


def test_nothing_of_the_launchers_environment_leaks(found: dict[str, Any]) -> None:
    assert found["first environment"] == ""


def test_it_has_no_capability_and_can_gain_none(found: dict[str, Any]) -> None:
    status = found["status"]
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert found["user"] == [1000, 1000]


def test_it_sees_only_its_own_processes(found: dict[str, Any]) -> None:
    assert found["processes"] == [1, 2]


def test_it_inherits_no_descriptor_but_the_three_standard_ones(found: dict[str, Any]) -> None:
    assert found["open"] == [0, 1, 2]
    assert all(target.startswith("pipe:") for target in found["descriptors"])


def test_nothing_under_proc_or_sys_can_be_written(found: dict[str, Any]) -> None:
    assert found["writable"] == []


def test_files_that_tell_about_the_host_are_covered(found: dict[str, Any]) -> None:
    assert set(found["covered"].values()) <= {""}
    assert found["sysctls"] == []


def test_its_mounts_do_not_reveal_where_anything_is_on_the_host(found: dict[str, Any]) -> None:
    """They show no devices, paths on them or options of their file systems: only where the product is installed."""
    named = {"/", "/newroot", "/etc", "/models", "/nothing", "/no-files"}
    for line in found["mounts"]:
        before, _, after = line.partition(" - ")
        root, point = before.split()[3:5]
        kind, source, options = after.split()
        assert kind in {"devpts", "devtmpfs", "overlay", "proc", "tmpfs"}, line
        assert source in {"devpts", "devtmpfs", "files", "proc", "tmpfs"}, line
        assert root in named or root.strip("/").isdigit() or point.startswith("/dev/"), line
        assert not re.search("/", re.sub("/proc/self/fd/[0-9]+", "", options)), line
        assert (
            point.startswith(("/dev", "/proc", "/tmp", "/etc", "/models", "/usr"))
            or point == "/"
            or any(Path(point) == path for path in (*code_paths(), PROBE))
        ), line


def test_only_its_temporary_folders_can_be_written(found: dict[str, Any]) -> None:
    written = {path for path, code in found["places"].items() if code == 0}
    assert written == {"/tmp", "/dev/shm"}
    assert "sys" not in found["root"]
    # Of these folders, at most the one with its own code.
    places_of_code = {path.parts[1] for path in code_paths()}
    assert {"home", "root", "var", "run"} & set(found["root"]) <= places_of_code


def test_every_socket_family_but_unix_and_internet_is_refused(found: dict[str, Any]) -> None:
    assert set(found["families"].values()) == {errno.EAFNOSUPPORT}
    assert found["raw"] == errno.EPERM
    assert found["internet"] == [0, 0, 0]


def test_calls_that_change_namespaces_mounts_or_other_processes_kill_the_caller(found: dict[str, Any]) -> None:
    assert set(found["calls"].values()) == {-signal.SIGSYS}


def test_without_an_interface_it_reaches_nothing_not_even_its_own_loopback(found: dict[str, Any]) -> None:
    assert found["devices"] == ["lo"]
    assert set(found["connections"].values()) == {errno.ENETUNREACH}


def test_it_cannot_import_the_server(found: dict[str, Any]) -> None:
    assert found["modules"] == []


def test_it_trusts_our_authority_and_asks_the_vpcs_resolver(found: dict[str, Any]) -> None:
    assert AUTHORITY.startswith(found["authority"])
    assert found["resolver"].startswith("nameserver 169.254.169.253\n")


def test_its_host_name_is_not_the_hosts(found: dict[str, Any]) -> None:
    assert found["hostname"] != os.uname().nodename


def test_the_state_says_which_limits_are_in_force(found: dict[str, Any]) -> None:
    named = " ".join(found["state"]["limits_in_force"])
    assert "memory" in named
    assert "processes" in named


@pytest.mark.parametrize("ahead", [False, True], ids=["cold", "ahead"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_process_of_a_container_has_the_hosts_user_0(tmp_path: Path, kind: str, ahead: bool) -> None:
    world = DriverWorld(tmp_path, kind)
    try:
        world.run("wait", "wait", ahead=ahead)
        world.until(lambda: any(m[0] == "Progress" for m in (world.state("wait") or {"messages": []})["messages"]))
        processes = world.processes()
        assert len(processes) >= 6
        ids = {user for pid in processes for user in user_ids(pid)}
        assert 0 not in ids
        if kind == "root":
            assert ids == {60579}
        elif kind == "subordinate":
            assert ids == {first_subordinate_id() + 60579 - 1}
    finally:
        world.close()


def test_as_root_every_container_has_a_user_id_of_its_own(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    world = DriverWorld(tmp_path, "root")
    try:
        world.standby_loaded(3)
        assert {record["user"] for record in world.records()} == {60579, 60580, 60581}
    finally:
        world.close()


@pytest.fixture(scope="module")
def filters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, int]]:
    """The result of each attempt under the filter of each program."""
    world = DriverWorld(tmp_path_factory.mktemp("filters"), OWN_KIND)
    try:
        world.run("filters", "filters", ahead=False)
        return world.findings("filters")
    finally:
        world.close()


FATAL = ("mount", "ptrace", "bpf", "io_uring", "user namespace")
REFUSED = ("clone into a user namespace", "type at a terminal", "move own memory", "written and executed", "link")
ALLOWED = ("memory", "thread", "a file")


@pytest.mark.parametrize("program", get_args(Confined))
def test_a_worker_with_its_work_in_hand_has_the_calls_of_that_work(
    filters: dict[str, dict[str, int]], program: Confined
) -> None:
    came = filters[program]
    assert {name: came[name] for name in FATAL} == dict.fromkeys(FATAL, -signal.SIGSYS)
    assert {name: came[name] for name in REFUSED} == dict.fromkeys(REFUSED, errno.EPERM)
    assert {name: came[name] for name in ALLOWED} == dict.fromkeys(ALLOWED, 0)
    assert came["clone3"] == errno.ENOSYS, "C libraries fall back to clone"
    # The kernel knows no such operation: what starts the readers of documents may ask it, because each takes a filter.
    assert came["another filter"] == (errno.EOPNOTSUPP if program == "extractor" else errno.EPERM)
    cluster, network = program == "cluster", program in ("documents", "training", "cluster")
    for name in ("process", "program", "signal"):
        assert came[name] == (0 if program in ("cluster", "extractor") else errno.EPERM), name
    assert came["internet"] == (0 if network else errno.EPERM)
    assert came["listen"] == (0 if cluster else errno.EPERM)
    no_family = errno.EAFNOSUPPORT if network else errno.EPERM
    assert came["unix"] == (0 if cluster else no_family)
    assert came["netlink"] == no_family


@pytest.mark.skipif(landlock.version() < 6, reason="this kernel's Landlock knows files alone, or nothing")
def test_a_worker_keeps_what_is_installed_to_run_and_the_memory_to_write_and_nothing_else(tmp_path: Path) -> None:
    world = DriverWorld(tmp_path, OWN_KIND)
    try:
        world.run("files", "files", ahead=False)
        found = world.findings("files")
    finally:
        world.close()
    assert found["files"] == {
        "a file in memory": 0,
        "a folder and a file moved into it": 0,
        "nothing": 0,
        "a program of the system": 0,
        "what is installed": 0,
        "a program of its own": errno.EACCES,
        "a socket": errno.EACCES,
        "another's socket": errno.EPERM,
        "another process": errno.EPERM,
        "its own memory's marks": errno.EACCES,
    }
    assert found["without"]["a program of its own"] == 0, "it is Landlock that refuses it"
