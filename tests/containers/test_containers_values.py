"""The parts of the container driver that need no container: limits, records, user ids, the fake."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from reading_room.analysis.job_file import (
    CALL_THREADS,
    MODELS_FOLDER,
    JobFile,
    Location,
)
from reading_room.containers.errors import BadNameServers, NoFreeUserId
from reading_room.containers.limits import JOB_WEIGHT, OVERHEAD_PROCESSES, ControlGroups, remove_directories
from reading_room.containers.processes import ProcessHandle, start_time
from reading_room.containers.record import Folder, Record
from reading_room.containers.sandbox import (
    bubblewrap_options,
    code_paths,
    environment,
    make_view,
    resolver_text,
)
from reading_room.containers.spec import ContainerSpec, Limits
from reading_room.containers.users import UserIds, WouldRunAsHostRoot, container_users, host_user_id, inner_user_id

PLACE = Location("documents", "in")
SPEC = ContainerSpec(
    "c",
    "vpc-0a",
    "eni-0a",
    "entities-en",
    JobFile("0" * 32, 1, "entities", "us-east-1", "en", PLACE, "ONE_DOC_PER_LINE", PLACE, 100_000),
    "/v2/credentials/secret-of-c",
)
LIMITS = Limits(memory_bytes=1_000_000_000, processes=10, cpus=0.5, seconds=5)


def _unified(tmp_path: Path, granted: str) -> tuple[Path, Path]:
    root = tmp_path / "cgroup"
    (root / "slice" / "agent.scope").mkdir(parents=True)
    (root / "cgroup.controllers").write_text("cpu memory pids\n")
    (root / "slice" / "cgroup.subtree_control").write_text(granted)
    (root / "slice" / "agent.scope" / "cgroup.subtree_control").write_text("")
    membership = tmp_path / "self"
    membership.write_text("0::/slice/agent.scope\n")
    return root, membership


def test_a_container_for_calls_may_use_a_core_for_each_of_its_threads() -> None:
    assert LIMITS.for_calls() == Limits(memory_bytes=1_000_000_000, processes=10, cpus=CALL_THREADS * 0.5, seconds=5)


def test_version_2_groups_are_made_where_controllers_are_handed_on(tmp_path: Path) -> None:
    groups = ControlGroups.probe(*_unified(tmp_path, "cpu memory pids\n"))
    group = groups.create("reading-room-x", LIMITS)
    (directory,) = (Path(path) for path in group.directories)
    assert directory == tmp_path / "cgroup" / "slice" / "reading-room-x"
    assert (directory / "memory.max").read_text() == "1000000000"
    assert (directory / "pids.max").read_text() == str(10 + OVERHEAD_PROCESSES)
    assert (directory / "cpu.max").read_text() == "50000 100000"
    assert (directory / "cpu.weight").read_text() == "100"
    assert groups.priority() == []
    assert groups.in_force() == (
        *("cpus (control group)", "memory (control group)", "processes (control group)", "seconds (agent)"),
    )


def test_version_1_groups_are_made_below_the_agents_own(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    for name in ("memory", "pids", "cpu"):
        (root / name / "own").mkdir(parents=True)
    (tmp_path / "self").write_text("3:memory:/own\n2:pids:/own\n1:cpu,cpuacct:/own\n0::/\n")
    groups = ControlGroups.probe(root, tmp_path / "self")
    groups.create("x", LIMITS, JOB_WEIGHT)
    assert (root / "cpu" / "own" / "x" / "cpu.shares").read_text() == "409"
    assert (root / "memory" / "own" / "x" / "memory.limit_in_bytes").read_text() == "1000000000"
    assert (root / "cpu" / "own" / "x" / "cpu.cfs_quota_us").read_text() == "50000"


def test_without_control_groups_resource_limits_are_in_force_and_reported(tmp_path: Path) -> None:
    groups = ControlGroups.probe(*_unified(tmp_path, ""))
    assert groups.parents == {}
    assert groups.priority() == ["/usr/bin/nice", "-n", "4"]
    assert groups.in_force() == (
        *("memory (address space of each process)", "processes (resource limit)", "seconds (agent)"),
    )
    assert "--as=1000000000:1000000000" in groups.resource_limits(LIMITS)
    assert "--nproc=10:10" in groups.resource_limits(LIMITS)


def test_a_group_that_cannot_be_entered_is_not_used(tmp_path: Path) -> None:
    groups = ControlGroups.probe(*_unified(tmp_path, "memory\n"))
    # Plain folders have no cgroup.procs to enter by.
    assert groups.verified(None, looks=1) == ControlGroups()


def test_a_missing_group_is_ignored_and_a_busy_one_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "busy" / "inner").mkdir(parents=True)
    assert remove_directories([str(tmp_path / "gone"), str(tmp_path / "busy")]) == [str(tmp_path / "busy")]


def test_a_record_survives_and_is_readable_only_by_its_owner(tmp_path: Path) -> None:
    folder = Folder.create(tmp_path)
    record = Record("job", "entities-en", LIMITS, "boot", container_id="c", pid=4, control_groups=("/x",))
    folder.write(record)
    assert folder.read() == record
    assert (folder.path / "record.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "job"}', '{"unknown": 1}', "\udcff", "[" * 100_000])
def test_an_incomplete_record_is_ignored(tmp_path: Path, text: str) -> None:
    folder = Folder.create(tmp_path)
    (folder.path / "record.json").write_bytes(os.fsencode(text))
    assert folder.read() is None


@pytest.mark.parametrize(
    ("text", "code"),
    [("0\n", 0), ("137\n", 137), ("", None), ("13", None), ("x\n", None), ("²\n", None), ("9999\n", None)],
)
def test_an_exit_code_counts_only_when_it_was_written_whole(tmp_path: Path, text: str, code: int | None) -> None:
    folder = Folder.create(tmp_path)
    folder.exit.write_text(text)
    assert folder.exit_code() == code


def test_a_users_own_mapping_is_read_both_ways(tmp_path: Path) -> None:
    mapping = tmp_path / "map"
    mapping.write_text("         0       1000          1\n         1     200000      65536\n")
    assert host_user_id(0, mapping) == 1000
    assert host_user_id(60_579, mapping) == 260_578
    assert host_user_id(70_000, mapping) is None
    assert inner_user_id(1000, mapping) == 0
    assert inner_user_id(0, mapping) is None


def test_every_living_container_has_its_own_user_id() -> None:
    users = UserIds(100, 4)
    assert users.take({100, 102}) == 101
    with pytest.raises(NoFreeUserId, match="CONTAINER_UID_COUNT"):
        users.take({100, 101, 102})


def test_root_without_a_range_for_containers_is_refused() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    with pytest.raises(WouldRunAsHostRoot):
        container_users(0, 10)
    with pytest.raises(WouldRunAsHostRoot):
        container_users(60_579, 0)


def test_a_process_is_identified_by_its_start_time() -> None:
    started = start_time(os.getpid())
    assert started is not None
    assert ProcessHandle.open(os.getpid(), started + 1) is None
    assert ProcessHandle.open(0) is None
    handle = ProcessHandle.open(os.getpid(), started)
    assert handle is not None
    assert handle.alive()
    handle.close()


def test_a_container_sees_code_but_no_users_folder(tmp_path: Path) -> None:
    view = make_view(tmp_path / "view", "AUTHORITY")
    options = bubblewrap_options(view, code_paths(), environment("eu-west-1"), 9)
    shown = {options[index + 2] for index, option in enumerate(options) if option == "--ro-bind"}
    assert MODELS_FOLDER in shown
    assert not {"/", "/home", "/root", "/var", "/run", str(Path.home())} & shown
    assert "--bind" not in options
    assert "/proc/sys" in shown
    assert (view.etc / "ssl" / "certs" / "ca-certificates.crt").read_text() == "AUTHORITY"


def test_a_container_gets_its_name_servers_and_search_domains() -> None:
    assert resolver_text(SPEC) == "nameserver 169.254.169.253\noptions timeout:2 attempts:3\n"
    own = dataclasses.replace(SPEC, name_servers=("10.0.0.9", "10.0.0.10"), search_domains=("corp.example", "b"))
    assert resolver_text(own) == (
        "nameserver 10.0.0.9\nnameserver 10.0.0.10\nsearch corp.example b\noptions timeout:2 attempts:3\n"
    )
    assert "nameserver" not in resolver_text(dataclasses.replace(SPEC, name_servers=()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"name_servers": ("ns.example",)},
        {"name_servers": ("10.0.0.9\nnameserver 8.8.8.8",)},
        {"search_domains": ("a\nnameserver 8.8.8.8",)},
        {"search_domains": ("",)},
    ],
)
def test_malformed_addresses_and_domains_are_refused(wrong: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(BadNameServers):
        resolver_text(dataclasses.replace(SPEC, **wrong))  # type: ignore[arg-type]
