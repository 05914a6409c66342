"""The trail's head: its destinations, failures to send it, and what it proves later."""

from __future__ import annotations

import datetime as dt
import json
import logging
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reading_room.cli import commands
from reading_room.setting_values import SettingError
from reading_room.settings import Settings
from reading_room.trail import head
from reading_room.trail.chain import BOOKS, FIRST, digest_of, path_of
from reading_room.trail.head import Head, HeadSender, heads_of, read_heads
from reading_room.trail.recording import Trail
from tests.worlds.hook import hook
from tests.worlds.trail import NOON, Clock, record

DIGESTS = {book: digest_of(book.encode()) for book in BOOKS}
LINE = str(Head(NOON, DIGESTS))


def sender(setting: str, data: Path = Path("/nowhere")) -> HeadSender:
    """Return a sender of a known head to a destination."""
    return HeadSender(lambda: DIGESTS, setting, data, Clock())


def test_a_file_gets_a_line_per_head(tmp_path: Path) -> None:
    path = tmp_path / "heads"
    for _ in range(2):
        sender(f"file:{path}").turn()
    assert path.read_text() == f"{LINE}\n{LINE}\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_heads(path.read_text()) == [Head(NOON, DIGESTS)] * 2


def test_a_web_hook_gets_a_post() -> None:
    with hook() as server:
        sender(f"http://127.0.0.1:{server.server_port}/secret-path").turn()
        assert server.came == [LINE.encode()]


def test_a_syslog_server_gets_a_udp_message() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        sender(f"syslog://127.0.0.1:{server.getsockname()[1]}").turn()
        came = server.recv(4096).decode()
    assert came.startswith("<109>1 ")
    assert came.endswith(f" reading-room - trail-head - {LINE}")
    assert read_heads(came) == [Head(NOON, DIGESTS)]


def test_the_local_syslog_gets_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "LOCAL_SYSLOG", str(tmp_path / "log"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "log"))
        sender("syslog").turn()
        assert server.recv(4096).decode() == f"<109>reading-room: {LINE}"


def test_failures_and_recovery_are_logged_once_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with hook() as server:
        sends, port = sender(f"http://127.0.0.1:{server.server_port}/secret-path"), server.server_port
        for _ in range(3):
            sends.turn()
    for _ in range(3):
        sends.turn()
    with hook(port) as server:
        for status in (204, 204, 302, 500):
            server.status = status
            sends.turn()
        assert len(server.came) == 4
    assert [each.getMessage().partition(" to http://127.0.0.1")[::2] for each in caplog.records] == [
        ("the trail's head is sent", ""),
        ("the trail's head cannot be sent", " and will be retried: Connection refused"),
        ("the trail's head is sent", " again, after 3 failures"),
        ("the trail's head cannot be sent", " and will be retried: the answer is 302"),
    ]


@pytest.mark.parametrize(
    "setting",
    [
        "file:relative",
        "ftp://host/x",
        "http://example.com/",
        "syslog://",
        "https://",
        "http://127.0.0.1.evil",
        "syslog://a:b",
    ],
)
def test_an_invalid_destination_is_refused_by_name(setting: str) -> None:
    with pytest.raises(SettingError, match="READING_ROOM_TRAIL_HEAD"):
        Settings.from_environment({"READING_ROOM_TRAIL_HEAD": setting})


@pytest.mark.parametrize(
    "setting", ["", "file:/mnt/heads", "syslog", "syslog://logs:6514", "https://example.com/x", "http://[::1]:80/x"]
)
def test_a_valid_destination_is_accepted(setting: str) -> None:
    assert Settings.from_environment({"READING_ROOM_TRAIL_HEAD": setting}).trail_head == setting


def test_a_file_in_the_data_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="a file outside of the data folder"):
        sender(f"file:{tmp_path}/trail/heads", tmp_path)


def test_a_head_has_the_newest_complete_line_of_each_book(tmp_path: Path) -> None:
    assert heads_of(tmp_path) == dict.fromkeys(BOOKS, FIRST)
    trail = Trail(folder=tmp_path, clock=Clock(), days=90)
    trail.record(record())
    trail.record(record())
    trail.close()
    path = path_of(tmp_path, "management", NOON.date())
    expected = dict.fromkeys(BOOKS, FIRST) | {"management": digest_of(path.read_bytes().splitlines()[-1])}
    assert heads_of(tmp_path) == expected
    with path.open("ab") as file:
        file.write(b"being written at this moment")
    assert heads_of(tmp_path) == expected
    path_of(tmp_path, "management", NOON.date() + dt.timedelta(days=1)).touch()
    assert heads_of(tmp_path) == expected


@pytest.fixture
def noted(tmp_path: Path) -> Path:
    """A file with two heads of a trail, after three and after five calls."""
    folder = tmp_path / "data" / "trail"
    folder.parent.mkdir()
    for calls in (3, 2):
        trail = Trail(folder=folder, clock=Clock(), days=90)
        for _ in range(calls):
            trail.record(record())
        trail.close()
        HeadSender(lambda: heads_of(folder), f"file:{tmp_path / 'heads'}", folder.parent, Clock()).turn()
    return tmp_path / "heads"


def verified(noted: Path, code: int) -> str:
    """Verify the trail against recorded heads; return the output."""
    arguments = ["access", "verify-trail", "--data", str(noted.parent / "data"), "--head", str(noted)]
    result = CliRunner().invoke(commands.app, arguments)
    assert result.exit_code == code, result.output
    return result.output


def test_a_complete_trail_has_every_head(noted: Path) -> None:
    assert "All 2 heads are in the trail" in verified(noted, 0)


@pytest.mark.parametrize("left", [4, 2, 0])
def test_removed_last_lines_are_detected(noted: Path, left: int) -> None:
    path = path_of(noted.parent / "data" / "trail", "management", NOON.date())
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == 5
    path.write_bytes(b"".join(lines[:left]))
    missing = verified(noted, 1)
    assert f"{1 if left > 2 else 2} of 2 heads" in missing
    assert "lines of the book management" in missing
    assert "2026-03-01T12:00:00" in missing


def test_a_rewritten_trail_is_detected(noted: Path) -> None:
    folder = noted.parent / "data" / "trail"
    path_of(folder, "management", NOON.date()).unlink()
    trail = Trail(folder=folder, clock=Clock(), days=90)
    for _ in range(5):
        trail.record(record(user_agent="somebody else"))
    trail.close()
    assert "2 of 2 heads" in verified(noted, 1)


def test_heads_of_deleted_days_are_ignored(noted: Path) -> None:
    old = Head(NOON.replace(year=2025), DIGESTS)
    noted.write_text(f"{old}\n{noted.read_text()}")
    assert "All 2 heads are in the trail; 1 is older than what is kept" in " ".join(verified(noted, 0).split())


@pytest.mark.parametrize("text", ["", "{}", "hello", json.dumps({"trailHead": [], "at": "now"})])
def test_a_file_without_heads_is_named(noted: Path, text: str) -> None:
    noted.write_text(text)
    assert f"{noted}" in " ".join(verified(noted, 1).split())
