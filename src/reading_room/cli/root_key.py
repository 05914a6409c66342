"""The root key: where it comes from, and how it reaches ``serve``.

It is a file outside the data folder, created once, or the output of a command. The process that starts the product
reads it and hands it to ``serve`` through a pipe, never in the environment or an argument. As a service, ``serve`` gets
it from systemd as a credential.
"""

from __future__ import annotations

import os
import secrets
import shlex
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from reading_room.cli.claiming import open_installation
from reading_room.cli.folder import StartError
from reading_room.installation import ROOT_KEY
from reading_room.settings import Settings

if TYPE_CHECKING:  # A process with no secret to seal must not load cryptography.
    from reading_room.database.sealed import WrongRootKey

CREDENTIAL = "root-key"
"""The name of the credential in which systemd passes it to ``serve``."""
COMMAND_SECONDS = 60.0
_BYTES = 32
_MOST = 4096
_HOW = "64 hexadecimal digits, as `openssl rand -hex 32` prints them"


def given_root_key(settings: Settings) -> bytes | None:
    """Return the root key that the settings name, ``None`` if they name none. Raises ``StartError``."""
    if settings.root_key_file and settings.root_key_command:
        raise StartError("READING_ROOM_ROOT_KEY_FILE and READING_ROOM_ROOT_KEY_COMMAND are both set: choose one")
    if settings.root_key_command:
        return _of_command(settings.root_key_command)
    return _of_file(settings) if settings.root_key_file else None


def read_root_key(settings: Settings, *, making: bool = False) -> bytes:
    """Return the root key of an installation, as the user who starts it. Raises ``StartError``.

    ``making`` creates the key if there is none yet, unless the settings say where it comes from.
    """
    return given_root_key(settings) or _own(settings, making)


def root_key_of_serve(settings: Settings, descriptor: int | None) -> bytes:
    """Return the root key for ``serve``: from ``up``, from systemd, or else read by itself. Raises ``StartError``."""
    if descriptor is not None:
        with open(descriptor, "rb") as pipe:
            return _parsed(pipe.read(_MOST), "what `up` hands over")
    credential = _credential()
    if credential is not None:
        return _parsed(credential.read_bytes(), str(credential))
    return read_root_key(settings, making=True)


def hand_over(key: bytes) -> int:
    """Return the read end of a pipe that holds the key, for one process to read once."""
    read_end, write_end = os.pipe()
    os.write(write_end, key.hex().encode())
    os.close(write_end)
    return read_end


def wrong_key_message(settings: Settings, source: str, error: WrongRootKey) -> str:
    """Return what to do if the database is sealed with another root key than the one from ``source``."""
    return (
        f"{settings.data} is sealed with the root key {error.found.hex()}, and this is {error.given.hex()}: {source}. "
        "Put the right one there, from your copy or from the machine that the folder came from"
    )


def source_of(settings: Settings) -> str:
    """Return where the root key comes from, in words."""
    if (credential := _credential()) is not None:
        return f"the credential {credential}"
    if settings.root_key_command:
        return f"what `{settings.root_key_command}` prints"
    return str(settings.root_key_file or settings.installation.root_key)


def _credential() -> Path | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    path = None if folder is None else Path(folder) / CREDENTIAL
    return path if path is not None and path.exists() else None


def _parsed(text: bytes, source: str) -> bytes:
    try:
        key = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != _BYTES:
        raise StartError(f"{source} holds no root key: it must be {_HOW}")
    return key


def _of_command(command: str) -> bytes:
    try:
        done = subprocess.run(
            shlex.split(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=COMMAND_SECONDS, check=True
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        # The error's own text may quote what the command printed, so it is not shown.
        says = getattr(error, "strerror", None) or f"{type(error).__name__}"
        if isinstance(error, subprocess.CalledProcessError):
            says = f"it exited with {error.returncode}"
        raise StartError(f"READING_ROOM_ROOT_KEY_COMMAND `{command}` gave no root key: {says}") from None
    return _parsed(done.stdout, f"what `{command}` prints")


def _of_file(settings: Settings) -> bytes:
    path = Path(settings.root_key_file).expanduser().absolute()
    if path.resolve().is_relative_to(settings.data.resolve()):
        raise StartError(
            f"READING_ROOM_ROOT_KEY_FILE {path} is in the data folder {settings.data}: whoever has the folder must not "
            "have the key; choose a place elsewhere"
        )
    return _parsed(_content(path), str(path))


def _content(path: Path) -> bytes:
    """Return the content of a file that nobody else may read. Raises ``StartError``."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        made = f"; to make a new one: (umask 077; openssl rand -hex 32 > {path})"
        absent = isinstance(error, FileNotFoundError)
        raise StartError(
            f"the root key {path} cannot be read ({error.strerror}): put it back{made if absent else ''}"
        ) from error
    return _private(descriptor, path)


def _private(descriptor: int, path: Path) -> bytes:
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        mode = stat.S_IMODE(found.st_mode)
        if not stat.S_ISREG(found.st_mode) or mode & 0o077 or found.st_uid not in (0, os.geteuid()):
            raise StartError(
                f"the root key {path} has mode {mode:04o} and belongs to user {found.st_uid}: users other than this "
                f"one and root may read it; run chmod 600 {path}, and chown it if necessary"
            )
        return file.read(_MOST)


def _own(settings: Settings, making: bool) -> bytes:
    """Return the key in the installation's folder."""
    path = settings.installation.root_key
    try:
        folder = open_installation(settings)
    except OSError as error:
        raise _not_readable(path, error) from error
    try:
        if making:
            _make(folder)
        descriptor = os.open(ROOT_KEY, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError as error:
        raise StartError(
            f"there is no root key in {path}: start the product once, put the file back, or set "
            "READING_ROOM_ROOT_KEY_FILE or READING_ROOM_ROOT_KEY_COMMAND as it is set for the product"
        ) from error
    except OSError as error:
        raise _not_readable(path, error) from error
    finally:
        os.close(folder)
    return _parsed(_private(descriptor, path), str(path))


def keep_root_key(settings: Settings, key: bytes) -> Path | None:
    """Keep the root key of restored data, and return its file; ``None`` if the settings say where the key is.

    The data folder must be claimed. Raises ``StartError`` if there is another key.
    """
    given = given_root_key(settings)
    if given is None:
        try:
            folder = open_installation(settings)
        except OSError as error:
            raise _not_readable(settings.installation.root_key, error) from error
        try:
            _make(folder, key)
        finally:
            os.close(folder)
    if read_root_key(settings) != key:
        raise StartError(
            f"the data is not sealed with the root key from {source_of(settings)}: put the right one there"
        )
    return settings.installation.root_key if given is None else None


def read_key_file(path: Path) -> bytes:
    """Return the root key in a file that only this user can read. Raises ``StartError``."""
    return _parsed(_content(path), str(path))


def _not_readable(path: Path, error: OSError) -> StartError:
    return StartError(
        f"the root key {path} cannot be read ({error.strerror}): run this as root, or as the user who starts the "
        "product; a systemd service gets it through LoadCredential=, as docs/systemd.md describes"
    )


def _make(folder: int, key: bytes | None = None) -> None:
    """Write the key, by default a new one, unless there is one."""
    try:
        os.stat(ROOT_KEY, dir_fd=folder, follow_symlinks=False)
        return
    except FileNotFoundError:
        pass
    draft = f"{ROOT_KEY}.{secrets.token_hex(8)}"
    try:
        with open(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder), "wb"
        ) as file:
            file.write(f"{(key or secrets.token_bytes(_BYTES)).hex()}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, ROOT_KEY, src_dir_fd=folder, dst_dir_fd=folder)
        except FileExistsError:
            pass  # Another process was first, and its key is used.
    finally:
        os.unlink(draft, dir_fd=folder)
    # The key must be on the disk before anything that is sealed with it.
    os.fsync(folder)
