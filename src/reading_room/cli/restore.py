"""``reading-room restore``: restore a backup into an empty data folder, of any user and at any path."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reading_room.cli.claiming import check_folder, claim
from reading_room.cli.folder import StartError
from reading_room.cli.options import DataOption, command, read_settings
from reading_room.cli.screen import fail, say
from reading_room.database.address import VARIABLE
from reading_room.settings import Settings

if TYPE_CHECKING:
    from reading_room.backup.store import Backup


def restore(
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="The folder or the .tar file of a backup.")],
    data: DataOption = None,
    passphrase_file: Annotated[
        Path | None, typer.Option("--passphrase-file", help="File of the passphrase that the keys are encrypted with.")
    ] = None,
    identity_file: Annotated[
        Path | None,
        typer.Option("--identity-file", help="File of the secret key of age that the keys are encrypted to."),
    ] = None,
    root_key_file: Annotated[
        Path | None,
        typer.Option("--root-key-file", help="File of the root key of the installation that was backed up."),
    ] = None,
    without_keys: Annotated[bool, typer.Option("--without-keys", help="Restore no key material.")] = False,
) -> None:
    """Restore a backup into an empty folder; every digest is verified before anything is used."""
    from reading_room.backup import restoring
    from reading_room.backup.errors import BackupError

    settings = read_settings(data)
    if settings.database:
        raise fail(
            f"a backup is restored into SQLite: unset {VARIABLE}, restore, and move the rows with `reading-room "
            "database move`; what pg_dump wrote is restored with pg_restore"
        )
    try:
        with restoring.opened(backup) as found:
            restoring.check_version(found)
            key = _root_key(settings, found, root_key_file)
            material: dict[str, bytes] = {}
            if not without_keys and found.manifest.description.keys != "none":
                material, key = _keys(found, key, passphrase_file, identity_file)
            _check_seal(found, key, backup)
            owner = settings.service_uid if os.geteuid() == 0 else os.geteuid()
            with restoring.empty_folder(settings.data, owner, lambda: check_folder(settings)) as folder:
                folder.restore(found, material)
            claim(settings)
            _finish(settings, found, key)
    except (BackupError, StartError) as error:
        raise fail(str(error)) from None


def _root_key(settings: Settings, backup: Backup, file: Path | None) -> bytes | None:
    """Return the root key that the options or the settings give, or ``None``. Raises ``StartError``."""
    from reading_room.backup.errors import BackupError
    from reading_room.cli.root_key import given_root_key, read_key_file
    from reading_room.sealing import Sealer

    key = read_key_file(file) if file is not None else given_root_key(settings)
    wanted = backup.manifest.description.root_key
    if key is not None and Sealer(key).key_id.hex() != wanted:
        raise BackupError(f"the backup needs the root key {wanted}, and the given one is {Sealer(key).key_id.hex()}")
    return key


def _keys(
    backup: Backup, key: bytes | None, passphrase_file: Path | None, identity_file: Path | None
) -> tuple[dict[str, bytes], bytes | None]:
    """Return the key material in a backup, without the root key, and the root key. Raises ``BackupError``."""
    from reading_room.backup import keys, restoring
    from reading_room.backup.errors import BackupError
    from reading_room.installation import ROOT_KEY
    from reading_room.sealing import KEY_BYTES, Sealer

    sealed = restoring.read_keys(backup)
    if backup.manifest.description.keys == "sealed":
        if key is None:
            raise BackupError(
                "the keys in the backup are sealed with the root key of its installation: give it with --root-key-file "
                "or READING_ROOM_ROOT_KEY_FILE, or restore --without-keys"
            )
        return keys.unsealed(sealed, Sealer(key)), key
    means: keys.Passphrase | keys.Identities
    if passphrase_file is not None:
        means = keys.Passphrase(keys.read_secret(passphrase_file, "--passphrase-file"))
    elif identity_file is not None:
        means = keys.identities(keys.read_secret(identity_file, "--identity-file"))
    else:
        raise BackupError(
            "the keys in the backup are encrypted: give --passphrase-file or --identity-file, or restore --without-keys"
        )
    material = keys.decrypted(sealed, means)
    found = material.pop(ROOT_KEY, b"")
    if len(found) != KEY_BYTES or Sealer(found).key_id.hex() != backup.manifest.description.root_key:
        raise BackupError("the keys in the backup do not belong to it: use another backup")
    return material, found


def _check_seal(backup: Backup, key: bytes | None, path: Path) -> None:
    """Raise ``DamagedBackup`` if the root key is known and did not seal the manifest."""
    from reading_room.backup.errors import DamagedBackup
    from reading_room.sealing import Sealer

    if key is not None and not backup.manifest.is_sealed_with(Sealer(key)):
        raise DamagedBackup(str(path), "has a manifest that was not sealed with its root key, so it was altered")


def _finish(settings: Settings, backup: Backup, key: bytes | None) -> None:
    from reading_room.backup import restoring
    from reading_room.cli.root_key import keep_root_key, source_of

    say(f"{settings.data} is restored: {restoring.facts(backup)}")
    if key is None:
        say(
            f"It needs the root key {backup.manifest.description.root_key}: put your copy into "
            f"{settings.installation.root_key} with mode 0600, or set READING_ROOM_ROOT_KEY_FILE"
        )
    else:
        keep_root_key(settings, key)
        say(f"The root key is in {source_of(settings)}")
    say(f"Start it with: {command(settings, 'up')}")
