"""The key material of a backup, in one document that is always encrypted.

It has the administrators' keys and the private keys that the data folder holds as files. With the root key they are
sealed as in the data folder. For a passphrase or for recipients they are encrypted in age's format
(https://age-encryption.org/v1), and the root key is among them, so that nothing else is needed to use the backup.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reading_room.backup import manifest
from reading_room.backup.errors import BackupError, DamagedBackup
from reading_room.backup.source import DataFolder
from reading_room.installation import ROOT_KEY
from reading_room.sealing import SealBroken, Sealer

FILES = ("credentials", "authorization-messages.key")
FOLDERS = ("authority", "doors")
FILE_LIMIT = 1 << 20
DOCUMENT_LIMIT = 32 << 20
_NAME = (
    r"^(?:credentials|authorization-messages\.key|root\.key|(?:authority|doors)/[a-z0-9][a-z0-9_-]{0,63}\.[a-z]{3})$"
)
_PLACE = ("backup", "keys")


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    files: dict[Annotated[str, Field(pattern=_NAME)], Annotated[str, Field(max_length=2 * FILE_LIMIT)]]


@dataclass(frozen=True, slots=True)
class Passphrase:
    """Encrypts with a passphrase."""

    text: str


@dataclass(frozen=True, slots=True)
class Recipients:
    """Encrypts to public keys of age, ``age1…``."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identities:
    """Decrypts with secret keys of age, ``AGE-SECRET-KEY-1…``."""

    keys: tuple[str, ...]


def collect(data: DataFolder) -> dict[str, bytes]:
    """Return the key material of a data folder, by path. Raises ``OSError`` and ``BackupError``."""
    names = [*FILES, *(f"{folder}/{name}" for folder in FOLDERS for name in data.names(folder))]
    found = {}
    for name in names:
        if not re.match(_NAME, name):
            continue  # A draft that a killed process left.
        try:
            with data.file(name) as (file, facts):
                if facts.st_size > FILE_LIMIT:
                    raise BackupError(
                        f"{data.path / name} has {facts.st_size:,} bytes, but a key has at most {FILE_LIMIT:,}"
                    )
                found[name] = os.pread(file, FILE_LIMIT, 0)
        except FileNotFoundError:
            continue  # Not every installation has it, or it was being replaced: the next backup has the new one.
    return found


def sealed(files: Mapping[str, bytes], sealer: Sealer) -> bytes:
    """Return key material sealed with the root key."""
    return sealer.seal(_encoded(files), *_PLACE)


def encrypted(files: Mapping[str, bytes], root_key: bytes, means: Passphrase | Recipients) -> bytes:
    """Return key material in age's format, with the root key under the name ``ROOT_KEY``.

    Raises ``BackupError`` for an invalid recipient.
    """
    import pyrage

    document = _encoded({**files, ROOT_KEY: root_key})
    if isinstance(means, Passphrase):
        return bytes(pyrage.passphrase.encrypt(document, means.text))
    return bytes(pyrage.encrypt(document, recipients(means.keys)))


def recipients(keys: Iterable[str]) -> list[object]:
    """Return the public keys in their parsed form. Raises ``BackupError``."""
    import pyrage

    found: list[object] = []
    for key in keys:
        try:
            found.append(pyrage.x25519.Recipient.from_str(key))
        except pyrage.RecipientError:
            raise BackupError(
                f"--recipient {key!r} is not a public key of age: give one like age1…, as age-keygen prints it"
            ) from None
    return found


def unsealed(content: bytes, sealer: Sealer) -> dict[str, bytes]:
    """Return sealed key material. Raises ``BackupError``."""
    try:
        document = sealer.unseal(content, *_PLACE)
    except SealBroken:
        raise BackupError(
            "the keys in the backup cannot be read with this root key: give the root key of the installation that was "
            "backed up, or restore --without-keys"
        ) from None
    return read_document(document)


def decrypted(content: bytes, means: Passphrase | Identities) -> dict[str, bytes]:
    """Return key material that was encrypted in age's format. Raises ``BackupError``."""
    import pyrage

    try:
        if isinstance(means, Passphrase):
            document = pyrage.passphrase.decrypt(content, means.text)
        else:
            document = pyrage.decrypt(content, [pyrage.x25519.Identity.from_str(key) for key in means.keys])
    except pyrage.IdentityError:
        raise BackupError("the identity file has no valid secret key of age (AGE-SECRET-KEY-1…)") from None
    except pyrage.DecryptError as error:
        raise BackupError(
            f"the keys in the backup cannot be decrypted ({error}): give the passphrase or the identity that they were "
            "encrypted for, or restore --without-keys"
        ) from None
    return read_document(bytes(document))


def read_document(document: bytes) -> dict[str, bytes]:
    """Read decrypted key material. Raises ``DamagedBackup``."""
    try:
        if len(document) > DOCUMENT_LIMIT:
            raise ValueError
        found = _Document.model_validate_json(document).files
        files = {name: base64.b64decode(text, validate=True) for name, text in found.items()}
    except (ValidationError, ValueError, binascii.Error):
        raise DamagedBackup(manifest.KEYS, "does not have the form of key material") from None
    return files


def read_secret(path: Path, option: str) -> str:
    """Return the text of a file that only this user can read, without the end of its line. Raises ``BackupError``."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise BackupError(f"{option} {path} cannot be read ({error.strerror})") from None
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        mode = stat.S_IMODE(found.st_mode)
        if stat.S_ISREG(found.st_mode) and (mode & 0o077 or found.st_uid not in (0, os.geteuid())):
            raise BackupError(
                f"{option} {path} has mode {mode:04o} and belongs to user {found.st_uid}, so others can read it: run "
                f"chmod 600 {path}, and chown it if necessary"
            )
        content = file.read(FILE_LIMIT)
    try:
        text = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        text = ""
    if not text:
        raise BackupError(f"{option} {path} is empty or not text")
    return text


def identities(text: str) -> Identities:
    """Return the secret keys in a file as age-keygen writes it, which also has comments."""
    lines: Sequence[str] = [line.strip() for line in text.splitlines()]
    return Identities(tuple(line for line in lines if line and not line.startswith("#")))


def _encoded(files: Mapping[str, bytes]) -> bytes:
    found = {name: base64.b64encode(content).decode() for name, content in files.items()}
    return _Document(files=found).model_dump_json().encode()
