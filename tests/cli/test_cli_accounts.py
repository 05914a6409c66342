"""``reading-room accounts``, with a running product and without one."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from reading_room.cli import commands
from reading_room.client import connect
from reading_room.iam.credentials_file import read_key
from tests.worlds.loaded import loaded_product
from tests.worlds.product import Product, running_product
from tests.worlds.waiting import eventually

OTHER = "000000000002"


def run(product: Product, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``reading-room accounts`` in a separate process, because root's becomes the user of ``serve``."""
    argv = [str(loaded_product() / "reading-room"), "accounts", *arguments, "--data", str(product.data)]
    environment = os.environ | {f"READING_ROOM_{name}": value for name, value in product.settings.items()}
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def refusal(data: Path, *arguments: str) -> str:
    """Return the message of a command that is refused before anything is opened."""
    result = CliRunner().invoke(commands.app, ["accounts", *arguments, "--data", str(data)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert not isinstance(result.exception, Exception), result.exception
    return result.stderr


def client(product: Product, service: str, key: tuple[str, str] | None) -> Any:
    """Return a client with a key of the credentials file."""
    assert key is not None
    return connect(service, product.endpoint().url, access_key_id=key[0], secret_access_key=key[1])


def refused(sts: Any) -> bool:
    """Return whether a client's key is no longer valid."""
    try:
        sts.get_caller_identity()
    except ClientError as error:
        return error.response["Error"]["Code"] == "InvalidClientTokenId"
    return False


@pytest.mark.parametrize("account", ["1", "00000000000x", "0000000000011", "٠٠٠٠٠٠٠٠٠٠٠١"])
def test_an_account_is_twelve_digits(tmp_path: Path, account: str) -> None:
    assert "give 12 digits" in refusal(tmp_path, "create", account)


def test_a_folder_that_no_product_has_used_is_named(tmp_path: Path) -> None:
    for arguments in (("list",), ("create", OTHER), ("rotate-key", OTHER)):
        assert "start the product once" in refusal(tmp_path / "nothing", *arguments)
    assert not (tmp_path / "nothing").exists()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A separate product, because the tests count everything in its accounts."""
    with running_product(tmp_path_factory.mktemp("cli-accounts")) as found:
        yield found


@pytest.mark.costs(5, reason="three commands are processes of their own")
@pytest.mark.e2e
def test_an_account_made_beside_the_running_product_works_at_once(product: Product) -> None:
    credentials = product.data / "credentials"
    first = read_key(credentials, "default")
    done = run(product, "create", OTHER, "--name", "[red]research")
    assert done.returncode == 0, done.stderr
    key = read_key(credentials, OTHER)
    assert client(product, "sts", key).get_caller_identity()["Account"] == OTHER
    assert [vpc["IsDefault"] for vpc in client(product, "ec2", key).describe_vpcs()["Vpcs"]] == [True]
    assert key is not None
    assert key[0] in done.stdout
    assert key[1] not in done.stdout + done.stderr
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600
    owners = {path.stat().st_uid for path in product.data.iterdir() if path.name.startswith(("db.sqlite", "cred"))}
    assert len(owners) == 1
    # The first account's profile is what it was.
    assert read_key(credentials, "default") == first
    listed = [line.split() for line in run(product, "list").stdout.splitlines()]
    assert listed[:2] == [["account", "name", "users", "profile"], ["000000000001", "1", "default"]]
    assert [OTHER, "[red]research", "1", OTHER] in listed
    used = [line.split() for line in run(product, "usage").stdout.splitlines()]
    assert ["000000000001", *"000000"] in used
    assert used[-2][:7] == ["All", "objects", "and", "models", "together", "take", "0"]
    assert used[-1][:2] == ["The", "database"]
    again = run(product, "create", OTHER)
    assert again.returncode == 1
    assert f"account {OTHER} exists already" in again.stderr


@pytest.mark.costs(5, reason="five commands are processes of their own")
@pytest.mark.e2e
def test_a_rotated_key_ends_the_old_one_without_a_restart(product: Product) -> None:
    account = "000000000003"
    assert run(product, "create", account).returncode == 0
    credentials = product.data / "credentials"
    old = read_key(credentials, account)
    sts = client(product, "sts", old)
    sts.get_caller_identity()
    kept = run(product, "rotate-key", account, "--keep-old")
    assert kept.returncode == 0, kept.stderr
    sts.get_caller_identity()
    third = run(product, "rotate-key", account)
    assert third.returncode == 1
    assert "has two keys already" in third.stderr
    nobody = run(product, "rotate-key", "000000000009")
    assert nobody.returncode == 1
    assert f"accounts list --data {product.data}` shows the accounts" in " ".join(nobody.stderr.split())
    new = read_key(credentials, account)
    assert new is not None
    assert old is not None
    client(product, "iam", new).delete_access_key(UserName="administrator", AccessKeyId=old[0])
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        sts.get_caller_identity()
    shown = run(product, "rotate-key", account, "--show-key")
    assert shown.returncode == 0, shown.stderr
    newest = read_key(credentials, account)
    assert newest is not None
    assert newest[1] in shown.stdout
    client(product, "sts", newest).get_caller_identity()
    replaced = client(product, "sts", new)
    eventually(lambda: refused(replaced))
