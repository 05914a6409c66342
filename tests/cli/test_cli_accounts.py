"""``reading-room accounts``, beside a product that runs and without one."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.cli.running import Endpoint, free_port, started
from reading_room.client import connect
from reading_room.iam.credentials_file import read_key
from tests.worlds.waiting import eventually

OTHER = "000000000002"


def run(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``reading-room accounts`` on a data folder."""
    argv = [sys.executable, "-m", "reading_room", "accounts", *arguments]
    environment = {**os.environ, "READING_ROOM_DATA": str(data)}
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def client(endpoint: Endpoint, service: str, key: tuple[str, str] | None) -> Any:
    """Return a client with a key of the credentials file."""
    assert key is not None
    return connect(service, endpoint.url, access_key_id=key[0], secret_access_key=key[1])


def ended(sts: Any) -> bool:
    """Say whether a client's key is no good any more."""
    try:
        sts.get_caller_identity()
    except ClientError as error:
        return error.response["Error"]["Code"] == "InvalidClientTokenId"
    return False


@pytest.mark.parametrize("account", ["1", "00000000000x", "0000000000011", "٠٠٠٠٠٠٠٠٠٠٠١"])
def test_an_account_is_twelve_digits(tmp_path: Path, account: str) -> None:
    done = run(tmp_path, "create", account)
    assert done.returncode == 1
    assert "give 12 digits" in done.stderr


def test_a_folder_that_no_product_has_used_is_named(tmp_path: Path) -> None:
    for arguments in (("list",), ("create", OTHER), ("rotate-key", OTHER)):
        done = run(tmp_path / "nothing", *arguments)
        assert done.returncode == 1
        assert "start the product once" in done.stderr
    assert not (tmp_path / "nothing").exists()


class Place:
    """A data folder, and the product on it, started as a user starts it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self._port, self._log = free_port(), folder / "log"
        self._running = ExitStack()
        self.endpoint = self.start()

    def start(self) -> Endpoint:
        """Start it."""
        self.endpoint = self._running.enter_context(started(self.data, self._port, self._log))
        return self.endpoint

    def stop(self) -> None:
        """Stop it."""
        self._running.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place of all tests here."""
    place = Place(tmp_path_factory.mktemp("cli-accounts"))
    yield place
    place.stop()


@pytest.fixture
def endpoint(place: Place) -> Endpoint:
    """Where the product is."""
    return place.endpoint


@pytest.mark.e2e
def test_an_account_made_beside_the_running_product_works_at_once(endpoint: Endpoint) -> None:
    credentials = endpoint.data / "credentials"
    done = run(endpoint.data, "create", OTHER, "--name", "[red]research")
    assert done.returncode == 0, done.stderr
    key = read_key(credentials, OTHER)
    assert client(endpoint, "sts", key).get_caller_identity()["Account"] == OTHER
    assert [vpc["IsDefault"] for vpc in client(endpoint, "ec2", key).describe_vpcs()["Vpcs"]] == [True]
    assert key is not None
    assert key[0] in done.stdout
    assert key[1] not in done.stdout + done.stderr
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600
    owners = {path.stat().st_uid for path in endpoint.data.iterdir() if path.name.startswith(("db.sqlite", "cred"))}
    assert len(owners) == 1
    # The first account's profile is what it was.
    assert read_key(credentials, "default") == (endpoint.access_key_id, endpoint.secret_access_key)
    listed = run(endpoint.data, "list")
    assert [line.split() for line in listed.stdout.splitlines()] == [
        ["account", "name", "users", "profile"],
        ["000000000001", "1", "default"],
        [OTHER, "[red]research", "1", OTHER],
    ]
    again = run(endpoint.data, "create", OTHER)
    assert again.returncode == 1
    assert f"account {OTHER} exists already" in again.stderr


@pytest.mark.e2e
def test_a_rotated_key_ends_the_old_one_without_a_restart(endpoint: Endpoint) -> None:
    account = "000000000003"
    assert run(endpoint.data, "create", account).returncode == 0
    credentials = endpoint.data / "credentials"
    old = read_key(credentials, account)
    sts = client(endpoint, "sts", old)
    sts.get_caller_identity()
    kept = run(endpoint.data, "rotate-key", account, "--keep-old")
    assert kept.returncode == 0, kept.stderr
    sts.get_caller_identity()
    third = run(endpoint.data, "rotate-key", account)
    assert third.returncode == 1
    assert "has two keys already" in third.stderr
    new = read_key(credentials, account)
    assert new is not None
    assert old is not None
    client(endpoint, "iam", new).delete_access_key(UserName="administrator", AccessKeyId=old[0])
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        sts.get_caller_identity()
    shown = run(endpoint.data, "rotate-key", account, "--show-key")
    assert shown.returncode == 0, shown.stderr
    newest = read_key(credentials, account)
    assert newest is not None
    assert newest[1] in shown.stdout
    client(endpoint, "sts", newest).get_caller_identity()
    sts = client(endpoint, "sts", new)
    eventually(lambda: ended(sts))


@pytest.mark.e2e
def test_accounts_are_made_while_the_product_is_stopped(place: Place) -> None:
    account, data = "000000000004", place.data
    place.stop()
    assert run(data, "create", account).returncode == 0
    assert run(data, "rotate-key", "000000000001").returncode == 0
    running = place.start()
    identity = client(running, "sts", read_key(data / "credentials", account)).get_caller_identity()
    assert identity["Account"] == account
    first = client(running, "sts", read_key(data / "credentials", "default")).get_caller_identity()
    assert first["Account"] == "000000000001"
