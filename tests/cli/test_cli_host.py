"""What ``reading-room host`` accepts, and joining as a command."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from reading_room.cli import commands
from reading_room.cli.host import read_changes
from reading_room.cli.host_namespaces import HostNamespaces
from reading_room.fleet import hosts
from reading_room.fleet.invitation import Invitation
from tests.worlds import databases
from tests.worlds.joining import installation


def run(*arguments: str, given: str = "") -> Result:
    """Run the program with this on standard input."""
    return CliRunner().invoke(commands.app, ["host", *arguments], input=given)


def refusal(*arguments: str, given: str = "") -> str:
    """Return the message of a refused command."""
    result = run(*arguments, given=given)
    assert result.exit_code == 1, result.output
    return result.stderr.replace("\n", " ")


def test_labels_and_values_are_told_apart() -> None:
    assert read_changes(["disk=ssd", "rack-", "zone=us-east-1b", "cores=4", "memory=8000000000", "a=b=c"]) == {
        "Labels": {"disk": "ssd", "a": "b=c"},
        "RemoveLabels": ["rack"],
        "Zone": "us-east-1b",
        "Cores": 4,
        "MemoryBytes": 8_000_000_000,
    }


@pytest.mark.parametrize(
    ("text", "says"), [("disk", "KEY=VALUE"), ("cores=many", "whole number"), ("memory=8GB", "in bytes")]
)
def test_what_is_no_label_is_refused(text: str, says: str) -> None:
    assert says in refusal("label", "h2", text)


def test_a_time_is_a_number_of_seconds_minutes_or_hours(tmp_path: Path) -> None:
    assert "like 90s, 15m or 24h" in refusal("token", "--expires", "1d", "--data", str(tmp_path))


def test_a_product_that_does_not_run_is_named(tmp_path: Path) -> None:
    assert "cannot be read" in refusal("list", "--data", str(tmp_path))


def test_what_is_no_token_is_refused_before_the_folder_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    assert "as `reading-room host token` prints it" in refusal("join", "--data", str(folder), given="10.0.0.1\n")
    assert "give a key and a value" in refusal("join", "--label", "disk", "--data", str(folder))
    assert not folder.exists()


def invited() -> str:
    """Return an invitation to where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return Invitation("127.0.0.1", port, "0" * 64, "s" * 43).text


def test_the_data_folder_of_an_installation_joins_no_other_one(tmp_path: Path) -> None:
    (tmp_path / "db.sqlite").touch()
    assert "an installation of its own (db.sqlite), which cannot join another one" in refusal(
        "join", "--data", str(tmp_path), given=invited()
    )
    assert [path.name for path in tmp_path.iterdir()] == ["db.sqlite"]


def test_an_ordinary_users_machine_joins_no_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    folder = tmp_path / "new"
    assert "run `host join`, and then `host run`, as root" in refusal("join", "--data", str(folder), given=invited())
    assert not folder.exists()


def test_the_folder_of_a_joined_host_is_no_data_folder_of_a_server(tmp_path: Path) -> None:
    (tmp_path / "host").mkdir()
    result = CliRunner().invoke(commands.app, ["serve", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "belongs to a host that has joined an installation" in result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.costs(2, reason="a process is started, which drops its privileges")
def test_a_join_that_is_refused_can_be_repeated_with_the_same_key(tmp_path: Path) -> None:
    folder, database = tmp_path / "new", databases.made(tmp_path / "db.sqlite")
    with installation(database) as home:
        keys = []
        for _ in range(2):
            ran = subprocess.run(
                [sys.executable, "-m", "reading_room", "host", "join", "--data", str(folder), "--name", "reader-2"],
                input=home.invitation().text,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            # Loopback exists on every machine, and is no underlay.
            assert "The address in the underlay '127.0.0.1' cannot be used" in ran.stderr.replace("\n", " ")
            assert ran.returncode == 1
            keys.append((folder / "host" / "host.key").read_bytes())
        assert keys[0] == keys[1]
        assert home.rows() == []
    database.close()
    key = (folder / "host" / "host.key").stat()
    assert (key.st_mode & 0o777, key.st_uid) == (0o600, folder.stat().st_uid)
    assert [path.name for path in (folder / "host").iterdir()] == ["host.key"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.costs(2, reason="a process is started, which drops its privileges")
def test_an_address_of_a_plain_underlay_is_looked_for_in_its_namespace(tmp_path: Path) -> None:
    machines = HostNamespaces({"b": "198.51.100.2"})
    database = databases.made(tmp_path / "db.sqlite")
    try:
        with installation(database) as home:
            words = ["--data", str(tmp_path / "new"), "--name", "b", "--underlay", "198.51.100.2"]
            ran = subprocess.run(
                [sys.executable, "-m", "reading_room", "host", "join", *words],
                env=os.environ | {"READING_ROOM_UNDERLAY": f"plain:{machines.path('b')}"},
                input=home.invitation().text,
                capture_output=True,
                text=True,
                check=False,
            )
            assert "b has joined as host 2" in ran.stdout, ran.stderr
        with database.reading() as session:
            assert [(each.underlay, each.mtu) for each in hosts.every(session)][1:] == [("198.51.100.2", 1500)]
    finally:
        machines.close()
        database.close()


@pytest.mark.parametrize(
    ("user", "path", "says"),
    [
        (1000, os.environ["PATH"], "only root can make the network namespaces"),
        (0, "/nowhere", "ip, nsenter, unshare missing: install Debian's packages iproute2 and util-linux"),
    ],
)
def test_the_demo_of_several_hosts_says_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, user: int, path: str, says: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setenv("PATH", path)
    assert says in refusal("demo")
