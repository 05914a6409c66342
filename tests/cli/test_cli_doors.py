"""What ``up`` and ``doctor`` say of doors that would be unsafe, before anything is opened."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reading_room.cli.doctor import door_finding
from reading_room.cli.running import free_port
from reading_room.settings import Settings


def up(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run ``up``, which is to end by itself."""
    argv = [sys.executable, "-m", "reading_room", "up", "--data", str(folder / "data"), "--port", str(free_port())]
    environment = os.environ | {f"READING_ROOM_{name}": value for name, value in settings.items()}
    return subprocess.run([*argv, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--host", "0.0.0.0"], ["can be reached from other machines", "--tls-cert", "READING_ROOM_TLS=own"]),
        (["--host", "::"], ["can be reached from other machines"]),
        (["--host", "0.0.0.0", "--tls-cert", "a.pem"], ["--tls-cert and --tls-key go together"]),
        (["--tls-cert", "a.pem", "--tls-key", "a.key"], ["has no use while plain HTTP", "--tls-port"]),
        (["--tls-port", "4999", "--tls-cert", "none.pem", "--tls-key", "none.key"], ["none.pem cannot be read"]),
    ],
)
def test_up_does_not_open_an_unsafe_door(tmp_path: Path, arguments: list[str], says: list[str]) -> None:
    refused = up(tmp_path, *arguments)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "Traceback" not in refused.stderr
    for text in says:
        assert text in refused.stderr
    assert not (tmp_path / "data" / "db.sqlite").exists()


def test_a_private_key_that_others_may_read_keeps_up_from_starting(tmp_path: Path) -> None:
    certificate, key = tmp_path / "a.pem", tmp_path / "a.key"
    certificate.write_text("")
    key.write_text("")
    key.chmod(0o644)
    refused = up(tmp_path, "--tls-port", str(free_port()), TLS_CERT=str(certificate), TLS_KEY=str(key))
    assert refused.returncode == 1
    assert f"run chmod 600 {key}" in refused.stderr


def test_doctor_names_the_doors_and_refuses_an_unsafe_one() -> None:
    found = door_finding(Settings.from_environment({"READING_ROOM_TLS_PORT": "4567"}))
    assert found.says == "http://127.0.0.1:4566 and https://127.0.0.1:4567"
    refused = door_finding(Settings.from_environment({"READING_ROOM_HOST": "0.0.0.0"}))
    assert refused.state == "missing"
    assert "--tls-cert" in refused.says
