"""Control groups that systemd delegates: used where they are ours, left alone where they are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reading_room.containers.limits import ControlGroups, delegate_controllers


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A unit's group with a subgroup, as systemd makes them."""
    unit = tmp_path / "cgroup" / "system.slice" / "reading-room-holder.service"
    (unit / "holder").mkdir(parents=True)
    (tmp_path / "cgroup" / "cgroup.controllers").write_text("cpu memory pids\n")
    (unit / "cgroup.controllers").write_text("cpu io memory pids\n")
    (unit / "cgroup.subtree_control").write_text("")
    (tmp_path / "membership").write_text("0::/system.slice/reading-room-holder.service/holder\n")
    return unit


def delegate(group: Path) -> None:
    """Mark a group like systemd marks one that it delegates."""
    try:
        os.setxattr(group, "user.delegate", b"1")
    except OSError as error:
        pytest.skip(f"this file system has no extended attributes: {error}")


def hand_on(tree: Path) -> tuple[str, ...]:
    """Delegate controllers in a tree of files."""
    root = tree.parents[1]
    return delegate_controllers(root, root.parent / "membership")


def test_a_delegated_group_delegates_its_controllers_and_containers_get_groups_there(tree: Path) -> None:
    delegate(tree)
    assert hand_on(tree) == ("memory", "pids", "cpu")
    assert (tree / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"
    (tree / "cgroup.subtree_control").write_text("cpu memory pids\n")
    root = tree.parents[1]
    groups = ControlGroups.probe(root, root.parent / "membership")
    assert groups.unified
    assert set(groups.parents.values()) == {tree}


def test_a_foreign_group_is_left_as_it_is(tree: Path) -> None:
    assert hand_on(tree) == ()
    assert (tree / "cgroup.subtree_control").read_text() == ""


def test_the_root_of_all_groups_is_left_as_it_is(tree: Path) -> None:
    root = tree.parents[1]
    (root.parent / "membership").write_text("0::/\n")
    assert hand_on(tree) == ()
    (root.parent / "membership").write_text("4:memory:/x\n")
    assert hand_on(tree) == ()
