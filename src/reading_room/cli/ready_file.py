"""The file of ``up --ready-file``: where the product answers and with which key, for programs in any language.

It appears, complete, when the product takes calls, and disappears when the product ends. It holds a secret key, so its
mode is 0600.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reading_room.cli.folder import StartError
from reading_room.codec import DocumentError, decode, to_members

log = logging.getLogger(__name__)

MOST_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What the file says. Its members have these names."""

    form: Literal["reading-room ready file 1"] = "reading-room ready file 1"
    """Which kind of file it is, and the version of its form."""

    endpoint_url: str
    console_url: str | None
    region: str
    account: str
    access_key_id: str
    secret_access_key: str
    credentials_file: str
    ca_bundle: str | None
    """The authority to trust, if the endpoint has HTTPS with a certificate of this installation's own."""
    pid: int
    """The process of ``up``."""


class ReadyFile:
    """Writes the file for one run of ``up``, and removes it."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()

    def prepare(self) -> None:
        """Remove the file of an earlier run, which would look as if the product were ready.

        Raises ``StartError`` for a file with other content, and for a folder that cannot be used.
        """
        try:
            if self._path.exists() or self._path.is_symlink():
                self._check_ours()
                self._path.unlink()
            self._path.parent.stat()
            if not os.access(self._path.parent, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise StartError(
                f"--ready-file {self._path}: {error.strerror}; name a file in a folder that this user can write"
            ) from error

    def _check_ours(self) -> None:
        found = self._path.lstat()
        # An empty file is what mktemp makes.
        ours = stat.S_ISREG(found.st_mode) and found.st_size <= MOST_BYTES
        if not ours or (found.st_size and _parsed(self._path.read_bytes()) is None):
            raise StartError(f"--ready-file {self._path} exists and is not such a file: remove it, or name another one")

    def write(self, ready: Ready) -> None:
        """Write the file of a product that is ready. Raises ``StartError``."""
        draft = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}")
        try:
            try:
                with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
                    json.dump(to_members(ready), file, indent=1)
                    file.write("\n")
                draft.replace(self._path)
            except BaseException:
                draft.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise StartError(
                f"--ready-file {self._path} cannot be written ({error.strerror}): make room there, or name another file"
            ) from error

    def remove(self) -> None:
        """Remove the file if it is there. The product ends all the same if that fails."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("--ready-file %s cannot be removed (%s), and no longer holds", self._path, error.strerror)


def read_ready(path: Path) -> Ready:
    """Return what a ready file says. Raises ``OSError`` if there is none, and ``ValueError`` if it is another file."""
    with path.open("rb") as file:
        ready = _parsed(file.read(MOST_BYTES + 1))
    if ready is None:
        raise ValueError(f"{path} is not a ready file of reading-room")
    return ready


def _parsed(content: bytes) -> Ready | None:
    """Return what a file says, ``None`` if it is not a ready file."""
    if len(content) > MOST_BYTES:
        return None
    try:
        return decode(Ready, content)
    except DocumentError:
        return None
