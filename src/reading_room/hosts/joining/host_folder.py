"""What a joined host keeps in its data folder: its key, its certificate, the authority, and a record of both.

The record is written last, so a folder without one has not joined. The key is made once and never leaves the host.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from reading_room.agent.given import GivenRefused, read_given
from reading_room.certificate_parts import private_pem
from reading_room.codec import FILE_LIMIT, DocumentError, decode, encode
from reading_room.durable import sync_folder
from reading_room.hosts.joining.errors import JoinError
from reading_room.hosts.joining.tls import client_context
from reading_room.installation import JOINED
from reading_room.sealing import write_file

_KEY, _CERTIFICATE, _AUTHORITY, _RECORD = "host.key", "host.pem", "authority.pem", "joined.json"


@dataclass(frozen=True, slots=True)
class Joined:
    """The record: which host this is, and of which installation."""

    host: str
    number: int
    zone: str
    region: str
    underlay: str
    server: str
    """The address at which it joined, ``ADDRESS:PORT``."""
    installation: str
    """The fingerprint of the authority for hosts."""


@dataclass(frozen=True, slots=True)
class HostFolder:
    """The folder of a host, which may not exist yet."""

    path: Path

    @classmethod
    def of(cls, data: Path) -> HostFolder:
        """Return the folder in a data folder."""
        return cls(data / JOINED)

    def joined(self) -> Joined | None:
        """Return the record, or ``None`` if the host has not joined. Raises ``JoinError``.

        Root reads it, too, and the user of the link owns the data folder: only a plain file of that user is read.
        """
        path, data = self.path / _RECORD, self.path.parent
        try:
            content = read_given(data, str(path.relative_to(data)), data.stat().st_uid, FILE_LIMIT)
            return decode(Joined, content)
        except FileNotFoundError:
            return None
        except (OSError, GivenRefused, DocumentError) as error:
            raise JoinError(
                f"{path} cannot be read ({error}): put it back, or delete {self.path} and join again."
            ) from error

    def membership(self) -> Joined:
        """Return the record. Raises ``JoinError``, also if the host has not joined."""
        joined = self.joined()
        if joined is None:
            raise JoinError(f"{self.path.parent} has not joined an installation: run `reading-room host join` first")
        return joined

    def key(self) -> ec.EllipticCurvePrivateKey:
        """Return the host's key, which is made if there is none. Raises ``JoinError``."""
        path = self.path / _KEY
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                write_file(path, private_pem(ec.generate_private_key(ec.SECP256R1())), 0o600)
                sync_folder(self.path)
            found = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            raise JoinError(f"{path} cannot be used ({error.strerror}): let this user write there.") from error
        except (ValueError, TypeError) as error:
            raise JoinError(f"{path} is not a private key ({error}): delete it, and join again.") from error
        if not isinstance(found, ec.EllipticCurvePrivateKey):
            raise JoinError(f"{path} is not a key on an elliptic curve: delete it, and join again.")
        return found

    def keep(self, joined: Joined, certificate: str, authority: str) -> None:
        """Keep what the server answered, the record last; it survives a loss of power. Raises ``JoinError``."""
        try:
            write_file(self.path / _CERTIFICATE, certificate.encode(), 0o600)
            write_file(self.path / _AUTHORITY, authority.encode(), 0o600)
            sync_folder(self.path)
            write_file(self.path / _RECORD, encode(joined), 0o600)
            sync_folder(self.path)
        except OSError as error:
            raise JoinError(
                f"{self.path} cannot be written ({error.strerror}): make room, or let this user write there; then "
                "join again with the same token."
            ) from error

    def context(self) -> ssl.SSLContext:
        """Return the context with which the host connects to ``serve``, by the name ``SERVE_NAME``.

        Raises ``OSError`` and ``ssl.SSLError`` if the host has not joined.
        """
        context = client_context((self.path / _AUTHORITY).read_text())
        context.load_cert_chain(self.path / _CERTIFICATE, self.path / _KEY, password="")
        return context
