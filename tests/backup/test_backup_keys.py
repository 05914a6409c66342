"""Key material in backups: sealed with the root key, encrypted in age's format, or left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest

from reading_room.backup import keys, restoring
from reading_room.backup.errors import BackupError
from reading_room.backup.source import DataFolder
from reading_room.installation import ROOT_KEY
from reading_room.sealing import Sealer
from tests.worlds import backups
from tests.worlds.backups import Folder

pytestmark = pytest.mark.costs(0.3, reason="each backup forks a process that copies a database")


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Folder]:
    """A data folder."""
    with backups.opened(tmp_path / "data") as found:
        yield found


def keys_in(backup: Path) -> bytes:
    """Return the encrypted key material of a backup."""
    with restoring.opened(backup) as found:
        return restoring.read_keys(found)


def everything_in(folder: Path) -> bytes:
    """Return the bytes of all files of a folder."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_by_default_they_are_sealed_with_the_root_key_which_is_not_in_the_backup(data: Folder, tmp_path: Path) -> None:
    data.back_up(tmp_path / "backup")
    found = keys.unsealed(keys_in(tmp_path / "backup"), Sealer(backups.ROOT_KEY))
    assert found.keys() == {"credentials", "authority/authority.key"}
    assert found["credentials"] == b"[default]\n"
    assert b"[default]" not in everything_in(tmp_path / "backup")
    with pytest.raises(BackupError, match="cannot be read with this root key"):
        keys.unsealed(keys_in(tmp_path / "backup"), Sealer.of_the_moment())


def test_they_are_encrypted_to_recipients_with_the_root_key(data: Folder, tmp_path: Path) -> None:
    mine, yours, others = (pyrage.x25519.Identity.generate() for _ in range(3))
    data.back_up(tmp_path / "backup", keys.Recipients((str(mine.to_public()), str(yours.to_public()))))
    content = keys_in(tmp_path / "backup")
    assert content.startswith(b"age-encryption.org/v1\n")
    for each in (mine, yours):
        found = keys.decrypted(content, keys.identities(f"# created: today\n\n{each}\n"))
        assert found[ROOT_KEY] == backups.ROOT_KEY
        assert found["credentials"] == b"[default]\n"
    with pytest.raises(BackupError, match=r"cannot be decrypted \(No matching keys found\)"):
        keys.decrypted(content, keys.identities(str(others)))
    with pytest.raises(BackupError, match="has no valid secret key of age"):
        keys.decrypted(content, keys.identities("AGE-SECRET-KEY-1QQQ"))


@pytest.mark.costs(5, reason="scrypt is slow by design: a second to encrypt, and as much to decrypt")
def test_they_are_encrypted_with_a_passphrase(data: Folder) -> None:
    with DataFolder.opened(data.path) as folder:
        found = keys.collect(folder)
    content = keys.encrypted(found, backups.ROOT_KEY, keys.Passphrase("correct horse"))
    assert keys.decrypted(content, keys.Passphrase("correct horse"))[ROOT_KEY] == backups.ROOT_KEY


def test_they_can_be_left_out(data: Folder, tmp_path: Path) -> None:
    taken = data.back_up(tmp_path / "backup", with_keys=False)
    assert taken.description.keys == "none"
    assert not {"keys", "credentials", "authority/authority.key"} & taken.files.keys()


@pytest.mark.parametrize("key", ["age1", "ssh-ed25519 AAAA", "age1" + "q" * 58, ""])
def test_a_recipient_that_is_no_public_key_is_refused(key: str) -> None:
    with pytest.raises(BackupError, match="is not a public key of age: give one like age1"):
        keys.recipients([key])


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        (b"secret\n", 0o640, "has mode 0640 and belongs to user .*: run chmod 600"),
        (b"\n", 0o600, "is empty or not text"),
        (b"\xff\xfe", 0o600, "is empty or not text"),
    ],
)
def test_a_file_with_a_passphrase_is_private_text(tmp_path: Path, content: bytes, mode: int, says: str) -> None:
    path = tmp_path / "passphrase"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(BackupError, match=f"--passphrase-file {path} {says}"):
        keys.read_secret(path, "--passphrase-file")


@pytest.mark.parametrize(
    "document",
    [b"", b"{}", b'{"files":{"../x":""}}', b'{"files":{"credentials":"%"}}', b'{"files":{"authority/../x.pem":""}}'],
)
def test_key_material_of_another_form_is_refused(document: bytes) -> None:
    with pytest.raises(BackupError, match="does not have the form of key material"):
        keys.read_document(document)
