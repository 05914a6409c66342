"""Containers keep the program files of their version, whatever happens to the installed ones."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from reading_room.containers.program_files import forget_programs, keep_program
from reading_room.containers.record import Folder
from tests.worlds.full_disk import files_of_at_most


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "analysis" / "engines").mkdir(parents=True)
    (tmp_path / "analysis" / "worker.py").write_text("one")
    (tmp_path / "analysis" / "engines" / "entities.py").write_text("first")
    return tmp_path / "analysis"


def test_a_copy_keeps_what_an_installer_replaces(program: Path, tmp_path: Path) -> None:
    kept = keep_program(tmp_path / "programs", program)
    assert kept is not None
    assert (kept / "worker.py").samefile(program / "worker.py")  # No room is needed.
    assert keep_program(tmp_path / "programs", program) == kept

    shutil.rmtree(program / "engines")
    (program / "worker.py").unlink()
    (program / "worker.py").write_text("two")
    newer = keep_program(tmp_path / "programs", program)
    assert newer not in (None, kept)
    assert ((kept / "worker.py").read_text(), (kept / "engines" / "entities.py").read_text()) == ("one", "first")

    assert newer is not None
    forget_programs(tmp_path / "programs", {newer.name})
    assert list((tmp_path / "programs").iterdir()) == [newer]


def test_an_unfinished_copy_is_never_used(program: Path, tmp_path: Path) -> None:
    kept = keep_program(tmp_path / "programs", program)
    assert kept is not None
    kept.rename(kept.with_name(".new-killed"))
    (kept.with_name(".new-killed") / "worker.py").unlink()
    again = keep_program(tmp_path / "programs", program)
    assert again == kept
    assert (again / "worker.py").exists()
    assert list((tmp_path / "programs").iterdir()) == [again]


def test_on_another_file_system_it_is_copied_unless_that_is_not_worth_it(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refused)
    assert keep_program(tmp_path / "programs", program, linking_only=True) is None
    assert list((tmp_path / "programs").iterdir()) == []
    kept = keep_program(tmp_path / "programs", program)
    assert kept is not None
    assert (kept / "worker.py").read_text() == "one"
    assert (kept / "worker.py").stat().st_mtime_ns == (program / "worker.py").stat().st_mtime_ns


def test_on_a_full_disk_no_part_of_a_copy_is_left(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refused)
    with files_of_at_most(0):
        assert keep_program(tmp_path / "programs", program) is None
    assert list((tmp_path / "programs").iterdir()) == []
    assert keep_program(tmp_path / "programs", program) is not None


def test_without_a_place_for_copies_containers_use_the_installed_files(program: Path, tmp_path: Path) -> None:
    (tmp_path / "programs").write_text("")
    assert keep_program(tmp_path / "programs", program) is None


def test_a_container_of_an_agent_that_made_no_copies_needs_none(tmp_path: Path) -> None:
    folder = Folder.create(tmp_path)
    assert folder.read_programs() == []
    folder.write_programs(("0123", "4567"))
    assert folder.read_programs() == ["0123", "4567"]
