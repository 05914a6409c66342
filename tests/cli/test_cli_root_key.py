"""The root key: created once, given by a file or a command, and handed to ``serve``."""

from __future__ import annotations

import os
import secrets
import stat
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reading_room.cli import commands
from reading_room.cli.claiming import claim
from reading_room.cli.folder import StartError
from reading_room.cli.root_key import CREDENTIAL, hand_over, read_root_key, root_key_of_serve
from reading_room.client import connect
from reading_room.database.engine import SCHEMA_VERSION
from reading_room.database.opening import FILE
from reading_room.database.upgrade_backup import KEY_FILES
from reading_room.iam.credentials_file import read_key
from reading_room.settings import Settings
from reading_room.upgrades import backups
from tests.worlds.loaded import loaded_product
from tests.worlds.product import Product, running_product
from tests.worlds.schemas import add_administrator, bytes_of, of_before, version_of

KEY = "00112233445566778899aabbccddeeff" * 2
FIRST, OTHER = "000000000001", "000000000002"
OLD_KEY, OLD_SECRET = "AKIAOLD4444444444444", "old+secret/old+secret/old+secret/old+sec"


def settings(folder: Path, **chosen: str) -> Settings:
    """Return the settings of a claimed installation."""
    given = {f"READING_ROOM_{name}": value for name, value in chosen.items()}
    found = Settings.from_environment(given, data=folder / "data", state=folder / "state")
    claim(found)
    return found


def private(path: Path, text: str, mode: int = 0o600) -> Path:
    """Write a file of a mode."""
    path.write_text(text)
    path.chmod(mode)
    return path


def test_it_is_created_once_outside_the_data_folder_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    with pytest.raises(StartError, match=r"there is no root key in .*: start the product once, put the file back"):
        read_root_key(chosen)
    key = read_root_key(chosen, making=True)
    assert len(key) == 32
    assert read_root_key(chosen) == read_root_key(chosen, making=True) == key
    path = chosen.installation.root_key
    assert path.is_relative_to(tmp_path / "state")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_uid == os.geteuid()
    assert bytes_of(tmp_path / "data") == b""
    assert not [each for each in path.parent.iterdir() if each.name.startswith("root.key.")]


def test_a_given_file_is_used(tmp_path: Path) -> None:
    chosen = settings(tmp_path, ROOT_KEY_FILE=str(private(tmp_path / "key", f"{KEY}\n")))
    assert read_root_key(chosen, making=True).hex() == KEY
    assert not chosen.installation.root_key.exists()


def test_the_output_of_a_given_command_is_used(tmp_path: Path) -> None:
    chosen = settings(tmp_path, ROOT_KEY_COMMAND=f"printf {KEY}")
    assert read_root_key(chosen, making=True).hex() == KEY
    assert not chosen.installation.root_key.exists()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("false", "gave no root key: it exited with 1"),
        ("/no/such/program", "gave no root key: No such file or directory"),
        ("printf 'unbalanced", "gave no root key: ValueError"),
        ("printf 0011", "holds no root key: it must be 64 hexadecimal digits"),
        ("head -c 64 /dev/zero", "holds no root key: it must be 64 hexadecimal digits"),
    ],
)
def test_a_command_without_a_key_is_reported_without_its_output(tmp_path: Path, command: str, says: str) -> None:
    with pytest.raises(StartError, match=says) as refused:
        read_root_key(settings(tmp_path, ROOT_KEY_COMMAND=command), making=True)
    assert str(refused.value).count("0011") == command.count("0011")


def test_a_file_and_a_command_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="are both set: choose one"):
        read_root_key(settings(tmp_path, ROOT_KEY_FILE="a", ROOT_KEY_COMMAND="b"))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_that_others_may_read_or_write_is_refused_with_what_to_run(tmp_path: Path, mode: int) -> None:
    path = private(tmp_path / "key", KEY, mode)
    with pytest.raises(StartError, match=f"mode {mode:04o}.*run chmod 600 {path}"):
        read_root_key(settings(tmp_path, ROOT_KEY_FILE=str(path)))
    chosen = settings(tmp_path)
    read_root_key(chosen, making=True)
    chosen.installation.root_key.chmod(mode)
    with pytest.raises(StartError, match=f"mode {mode:04o}.*run chmod 600 {chosen.installation.root_key}"):
        read_root_key(chosen)


def test_a_missing_given_file_is_not_created(tmp_path: Path) -> None:
    """The file may be on a disk that is not mounted."""
    path = tmp_path / "key"
    with pytest.raises(StartError, match=f"put it back; to make a new one: .*openssl rand -hex 32 > {path}"):
        read_root_key(settings(tmp_path, ROOT_KEY_FILE=str(path)), making=True)
    assert not path.exists()


def test_a_key_in_the_data_folder_is_refused_also_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    inside = private(tmp_path / "data" / "key", KEY)
    beside = tmp_path / "link"
    beside.symlink_to(inside)
    for path in (inside, beside):
        chosen = Settings.from_environment({"READING_ROOM_ROOT_KEY_FILE": str(path)}, data=tmp_path / "data")
        with pytest.raises(StartError, match=r"is in the data folder .*: whoever has the folder must not have the key"):
            read_root_key(chosen)


def test_a_link_in_place_of_our_own_file_is_not_followed(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    chosen.installation.root_key.symlink_to(private(tmp_path / "key", KEY))
    with pytest.raises(StartError, match=r"root\.key cannot be read"):
        read_root_key(chosen, making=True)


def test_serve_gets_it_from_a_pipe_from_systemd_or_reads_it_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(tmp_path)
    own = root_key_of_serve(chosen, None)
    assert own == read_root_key(chosen)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    private(tmp_path / CREDENTIAL, f"{KEY}\n", 0o440)
    assert root_key_of_serve(chosen, None).hex() == KEY
    pipe = hand_over(own)
    assert root_key_of_serve(chosen, pipe) == own
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(pipe)


def test_the_command_shows_where_it_is_and_copies_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READING_ROOM_STATE", str(tmp_path / "state"))
    chosen, handed = settings(tmp_path), tmp_path / "handed"
    arguments = ["root-key", "--data", str(chosen.data), "--to", str(handed)]
    result = CliRunner().invoke(commands.app, arguments)
    assert result.exit_code == 0, result.output
    key = read_root_key(chosen)
    assert bytes.fromhex(handed.read_text()) == key
    assert stat.S_IMODE(handed.stat().st_mode) == 0o600
    assert str(chosen.installation.root_key) in result.output
    assert key.hex() not in result.output


def test_a_folder_that_no_product_has_used_has_none(tmp_path: Path) -> None:
    result = CliRunner().invoke(commands.app, ["root-key", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "is not a data folder yet: start the product first" in result.output


@pytest.mark.costs(13, reason="the product is started three times, and commands are processes of their own")
@pytest.mark.e2e
def test_a_product_starts_with_its_root_key_and_with_no_other(tmp_path: Path) -> None:
    """So do commands, which also make accounts and change keys while no product runs."""
    with running_product(tmp_path) as product:
        path = product.place.root_key
        right = path.read_text()
        if os.geteuid() == 0:
            assert path.stat().st_uid == 0
        product.stop()
        private(path, secrets.token_hex(32))
        assert product.launch().wait(60) == 1
        said = product.tail()
        assert f"is sealed with the root key {key_id(right)}, and this is {key_id(path.read_text())}: {path}" in said
        assert f"is sealed with the root key {key_id(right)}" in _run(product, "accounts", "list", code=1)
        path.unlink()
        product.settings["ROOT_KEY_COMMAND"] = f"cat {private(tmp_path / 'key', right)}"
        # Commands that need no running product get it the same way.
        credentials, administrator = product.data / "credentials", product.endpoint().access_key_id
        _run(product, "accounts", "create", OTHER)
        _run(product, "accounts", "rotate-key", FIRST)
        product.start()
        assert product.endpoint().access_key_id != administrator
        for account, profile in ((OTHER, OTHER), (FIRST, "default")):
            key = read_key(credentials, profile)
            assert key is not None
            sts = connect("sts", product.endpoint().url, access_key_id=key[0], secret_access_key=key[1])
            assert sts.get_caller_identity()["Account"] == account
        assert not path.exists()


@pytest.mark.costs(14, reason="the product is started on a folder of an earlier version, taken back, and started again")
@pytest.mark.e2e
def test_a_folder_of_an_earlier_version_opens_leaves_nothing_secret_plain_and_can_go_back(tmp_path: Path) -> None:
    product = Product(tmp_path)
    old_folder(product)
    try:
        product.start()
        assert read_key(product.data / "credentials", "default") == (OLD_KEY, OLD_SECRET)
        assert product.account().client("sts").get_caller_identity()["Arn"].endswith("user/administrator")
        assert "being upgraded" in product.tail(1000)
        product.stop()
        (product.data / "credentials").unlink()  # The one place where it is handed over.
        left = bytes_of(product.data)
        assert OLD_SECRET.encode() not in left
        assert b"PRIVATE KEY" not in left

        (backup,) = backups(product.data)
        assert backup.path.name in _run(product, "rollback")
        assert "the earlier version can start now" in _run(product, "rollback", backup.path.name)
        assert version_of(product.data / FILE) == 5
        assert (product.data / KEY_FILES[0]).read_bytes() == b"PRIVATE KEY of 32 bytes, or so.\n"
        assert {each.schema for each in backups(product.data)} == {5, SCHEMA_VERSION}
        product.start()
        assert product.account().client("sts").get_caller_identity()["Arn"].endswith("user/administrator")
    finally:
        product.clear()


def _run(product: Product, *words: str, code: int = 0) -> str:
    """Run a command on the product's folder, see with which code it ends, and return what it printed."""
    told = {f"READING_ROOM_{name}": value for name, value in product.settings.items()}
    argv = [str(loaded_product() / "reading-room"), *words, "--data", str(product.data)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=os.environ | told)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def old_folder(product: Product) -> None:
    """Make a product's data folder as a version of schema 5 left it."""
    product.data.mkdir(mode=0o700)
    of_before(product.data / FILE)
    add_administrator(product.data / FILE, OLD_KEY, OLD_SECRET)
    for name in KEY_FILES[:1]:
        (product.data / name).write_bytes(b"PRIVATE KEY of 32 bytes, or so.\n")
    if os.geteuid() == 0:
        owner = int(product.settings["SERVICE_UID"])
        for path in (product.data, *product.data.iterdir()):
            os.chown(path, owner, owner)


def key_id(text: str) -> str:
    """Return the id of a root key."""
    from reading_room.sealing import Sealer

    return Sealer(bytes.fromhex(text)).key_id.hex()
