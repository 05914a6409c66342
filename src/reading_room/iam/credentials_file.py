"""The administrators' keys, in the format of AWS's shared credentials file with one profile per account.

The file has mode 0600. It is replaced atomically, by one writer at a time.
"""

from __future__ import annotations

import configparser
import fcntl
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class KeyNotWritten(Exception):
    """A key could not be written to the file, which is as it was."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(f"the administrator's key cannot be written to {path} ({error.strerror})")


def read_key(path: Path, profile: str) -> tuple[str, str] | None:
    """Return a profile's key id and secret, or ``None`` if the file is missing, damaged or has no such profile."""
    try:
        section = _profiles(path)[profile]
        return section["aws_access_key_id"], section["aws_secret_access_key"]
    except KeyError:
        return None


def write_key(path: Path, profile: str, access_key_id: str, secret_access_key: str, region: str) -> None:
    """Write a profile and keep the others; a damaged file is replaced. Raises ``KeyNotWritten``."""
    try:
        _add(path, profile, access_key_id, secret_access_key, region)
    except OSError as error:
        raise KeyNotWritten(path, error) from error


def _add(path: Path, profile: str, access_key_id: str, secret_access_key: str, region: str) -> None:
    with _folder_locked(path.parent) as folder:
        profiles = _profiles(path)
        profiles[profile] = {
            "aws_access_key_id": access_key_id,
            "aws_secret_access_key": secret_access_key,
            "region": region,
        }
        text = io.StringIO()
        profiles.write(text)
        _write(path, text.getvalue())
        os.fsync(folder)


def _profiles(path: Path) -> configparser.ConfigParser:
    # The parser would apply the values of a section named "DEFAULT" to all others.
    parser = configparser.ConfigParser(interpolation=None, default_section="none of the profiles")
    try:
        parser.read_string(path.read_text())
    except (FileNotFoundError, configparser.Error, UnicodeDecodeError):
        parser.clear()
    return parser


@contextmanager
def _folder_locked(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
