"""What ``up`` and ``doctor`` say about unsafe listen addresses, before anything is opened."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from reading_room.cli.doctor import console_finding, listen_address_finding
from reading_room.cli.running import free_port
from reading_room.settings import Settings


def up(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run ``up``, which should end by itself."""
    argv = [sys.executable, "-m", "reading_room", "up", "--data", str(folder / "data"), "--port", str(free_port())]
    # It does not matter whether something listens at the console's usual port on this machine.
    settings = {"CONSOLE_PORT": "0"} | settings
    environment = os.environ | {f"READING_ROOM_{name}": value for name, value in settings.items()}
    return subprocess.run([*argv, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.costs(0.3, reason="a process is started")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--host", "0.0.0.0"], ["can be reached from other machines", "--tls-cert", "READING_ROOM_TLS=own"]),
        (["--host", "::"], ["can be reached from other machines"]),
        (["--host", "0.0.0.0", "--tls-cert", "a.pem"], ["--tls-cert and --tls-key go together"]),
        (["--tls-cert", "a.pem", "--tls-key", "a.key"], ["has no use while plain HTTP", "--tls-port"]),
        (["--tls-port", "4999", "--console-port", "4999"], ["--tls-port and --console-port are both 4999"]),
        (["--tls-port", "4999", "--tls-cert", "none.pem", "--tls-key", "none.key"], ["none.pem cannot be read"]),
    ],
)
def test_up_does_not_listen_at_an_unsafe_address(tmp_path: Path, arguments: list[str], says: list[str]) -> None:
    refused = up(tmp_path, *arguments)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "Traceback" not in refused.stderr
    for text in says:
        assert text in refused.stderr
    assert not (tmp_path / "data" / "db.sqlite").exists()


@pytest.mark.costs(0.3, reason="a process is started")
def test_a_private_key_that_others_may_read_keeps_up_from_starting(tmp_path: Path) -> None:
    certificate, key = tmp_path / "a.pem", tmp_path / "a.key"
    certificate.write_text("")
    key.write_text("")
    key.chmod(0o644)
    refused = up(tmp_path, "--tls-port", str(free_port()), TLS_CERT=str(certificate), TLS_KEY=str(key))
    assert refused.returncode == 1
    assert f"run chmod 600 {key}" in refused.stderr


def test_doctor_names_the_listen_addresses_and_refuses_an_unsafe_one() -> None:
    found = listen_address_finding(Settings.from_environment({"READING_ROOM_TLS_PORT": "4568"}))
    assert found.says == "http://127.0.0.1:4566 and https://127.0.0.1:4568"
    refused = listen_address_finding(Settings.from_environment({"READING_ROOM_HOST": "0.0.0.0"}))
    assert refused.state == "missing"
    assert "--tls-cert" in refused.says


def test_doctor_names_the_console_and_refuses_one_that_could_not_be_served() -> None:
    assert console_finding(Settings.from_environment({})).says.startswith("http://127.0.0.1:4567/")
    assert "off" in console_finding(Settings.from_environment({"READING_ROOM_CONSOLE_PORT": "0"})).says
    refused = console_finding(Settings.from_environment({"READING_ROOM_CONSOLE_PORT": "4566"}))
    assert (refused.state, "--console-port" in refused.says) == ("missing", True)


@pytest.mark.costs(0.3, reason="a process is started")
def test_up_names_a_port_of_the_console_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = up(tmp_path, CONSOLE_PORT=str(port))
    assert refused.returncode == 1
    assert f"127.0.0.1:{port} cannot be bound (Address already in use)" in refused.stderr
    assert "choose another port with --console-port; --console-port 0 turns the console off" in refused.stderr
    assert "Traceback" not in refused.stderr
