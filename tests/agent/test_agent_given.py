"""The agent reads a file of the server only if it is a plain file that the server owns."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reading_room.agent.given import GivenRefused, read_given

OWNER = os.geteuid()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the server's folder, with its authority; a secret is beside it."""
    given = tmp_path / "data"
    (given / "authority").mkdir(parents=True)
    (given / "authority" / "authority.pem").write_text("PEM")
    (tmp_path / "secret").write_text("of root")
    return given


def test_a_plain_file_is_read_and_a_missing_one_is_missing(folder: Path) -> None:
    assert read_given(folder, "authority/authority.pem", OWNER, 10) == b"PEM"
    with pytest.raises(FileNotFoundError):
        read_given(folder, "authority/other.pem", OWNER, 10)


def test_no_link_is_followed(folder: Path, tmp_path: Path) -> None:
    file = folder / "authority" / "authority.pem"
    file.unlink()
    file.symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic links"):
        read_given(folder, "authority/authority.pem", OWNER, 10)
    (folder / "authority").rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "authority.pem").unlink()
    (tmp_path / "elsewhere" / "authority.pem").write_text("of root")
    (folder / "authority").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotADirectoryError):
        read_given(folder, "authority/authority.pem", OWNER, 10)


def test_anything_but_a_plain_file_is_refused_without_waiting(folder: Path) -> None:
    file = folder / "authority" / "authority.pem"
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(GivenRefused, match="not a plain file"):
        read_given(folder, "authority/authority.pem", OWNER, 10)


def test_a_file_of_somebody_else_is_refused(folder: Path) -> None:
    with pytest.raises(GivenRefused, match=f"belongs to user id {OWNER}, not {OWNER + 1}"):
        read_given(folder, "authority/authority.pem", OWNER + 1, 10)


def test_more_than_the_limit_is_refused(folder: Path) -> None:
    with pytest.raises(GivenRefused, match="more than 2 bytes"):
        read_given(folder, "authority/authority.pem", OWNER, 2)
