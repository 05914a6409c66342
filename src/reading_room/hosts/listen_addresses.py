"""The doors of the AWS APIs: where they listen, by which scheme, and with whose certificate.

Plain HTTP is for loopback alone. An address beyond it has HTTPS or nothing, and ``tls_port`` adds HTTPS on loopback.
The certificate is the given one, else one of this installation's own authority, in ``doors`` of the data folder.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reading_room.clock import Clock
from reading_room.settings import Settings

if TYPE_CHECKING:  # Many a command asks for doors, and few have a certificate.
    from reading_room.sealing import Sealer

log = logging.getLogger(__name__)

FOLDER = "doors"
GIVEN = "given.pem"
"""The given certificate and its key, sealed, as ``serve`` reads them: the originals may be root's alone."""
GIVEN_BYTES = 1 << 20
_PLACE = ("the file", f"{FOLDER}/{GIVEN}")
LOOPBACK_NAMES = ("localhost", "s3.localhost", "127.0.0.1", "::1")


class ListenAddressError(Exception):
    """The APIs cannot be served this way; the message says what is in the way and what to change."""


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """One address that the APIs listen at."""

    host: str
    port: int
    secure: bool

    @property
    def url(self) -> str:
        """The door as clients write it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}"


def bound(listen_address: ListenAddress, option: str = "--port or --tls-port") -> socket.socket:
    """Return a socket bound to a door's address, not listening yet; ``option`` is what chooses its port.

    Raises ``DoorError``.
    """
    sock = socket.socket(socket.AF_INET6 if ":" in listen_address.host else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((listen_address.host, listen_address.port))
    except socket.gaierror as error:
        sock.close()
        raise ListenAddressError(
            f"{listen_address.host} is no address of this machine ({error.strerror}): choose one with --host, "
            "for example 127.0.0.1"
        ) from error
    except OSError as error:
        sock.close()
        raise ListenAddressError(
            f"{listen_address.host}:{listen_address.port} cannot be bound ({error.strerror}): "
            f"stop what listens there, or choose another port with {option}"
        ) from error
    address = sock.getsockname()[0]
    if not listen_address.secure and not is_loopback(address):
        sock.close()
        raise ListenAddressError(f"{listen_address.host} is {address} here, and plain HTTP stays on loopback")
    return sock


def is_loopback(host: str) -> bool:
    """Whether an address is one that no other machine reaches; of names, ``localhost`` alone is."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen_addresses(settings: Settings) -> tuple[ListenAddress, ...]:
    """Return the doors, the main one first. Raises ``DoorError`` for settings that would open an unsafe one."""
    given = bool(settings.tls_cert or settings.tls_key)
    if given and not (settings.tls_cert and settings.tls_key):
        raise ListenAddressError("--tls-cert and --tls-key go together: give the other one, too")
    local = is_loopback(settings.host)
    if not local and not given and settings.tls == "off":
        raise ListenAddressError(
            f"--host {settings.host} can be reached from other machines, and plain HTTP stays on loopback: give a "
            "certificate with --tls-cert and --tls-key, or set READING_ROOM_TLS=own for one of this installation's own "
            "authority, or leave --host out"
        )
    if local and not settings.tls_port and (given or settings.tls == "own"):
        raise ListenAddressError(
            f"a certificate has no use while plain HTTP on {settings.host} is the only door: add HTTPS on loopback "
            "with --tls-port, or choose another --host"
        )
    if settings.tls_port == settings.port:
        raise ListenAddressError(f"--tls-port and --port are both {settings.port}: choose another for one of them")
    found = [ListenAddress(settings.host, settings.port, secure=not local)]
    if settings.tls_port:
        found.append(ListenAddress(settings.host if local else "127.0.0.1", settings.tls_port, secure=True))
    return tuple(found)


def local_address(settings: Settings) -> ListenAddress:
    """Return the main door as commands on this machine reach it, by a name that its certificate has."""
    main = listen_addresses(settings)[0]
    if not main.secure:
        return main
    names = [name for name in settings.tls_names.split(",") if name]
    if settings.tls_cert and names:
        return ListenAddress(names[0], main.port, secure=True)
    return ListenAddress("127.0.0.1", main.port, secure=True) if is_unspecified(main.host) else main


def own_authority(settings: Settings) -> Path | None:
    """Return the file that clients of HTTPS trust where the certificate is our own, else ``None``."""
    secure = any(listen_address.secure for listen_address in listen_addresses(settings))
    return settings.data / FOLDER / "authority.pem" if secure and not settings.tls_cert else None


def certificate_names(settings: Settings) -> list[str]:
    """Return the names of the own certificate: of loopback, of the address, and those that were told."""
    told = [name for name in settings.tls_names.split(",") if name]
    names = [*LOOPBACK_NAMES, settings.host, *told]
    return [name for name in dict.fromkeys(names) if not is_unspecified(name)]


def is_unspecified(host: str) -> bool:
    """Whether an address stands for all of this machine's."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


class ListenerCertificate:
    """The certificate of the doors with TLS, looked after while they are open."""

    def __init__(self, settings: Settings, clock: Clock, sealer: Sealer) -> None:
        self._settings = settings
        self._clock = clock
        self._sealer = sealer
        self._seen: object = None
        self._complaint = ""
        self.given_names: frozenset[str] = frozenset()
        """The names of the given certificate, ``*.`` before one for all below it; of the own one settings tell."""

    def context(self) -> ssl.SSLContext:
        """Return the context to begin with. Raises ``DoorError``."""
        context = self._look()
        assert context is not None
        return context

    def renewed(self) -> ssl.SSLContext | None:
        """Return a new context where the certificate is another by now, else ``None``.

        The given one is taken in again where this process may read it; the own one is made again near its end. One that
        cannot be used is told of in the log, once, and the one before stays in use.
        """
        try:
            return self._look()
        except ListenAddressError as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                log.warning("%s; the certificate before stays in use", error)
            return None

    def _look(self) -> ssl.SSLContext | None:
        from reading_room.hosts import authority
        from reading_room.hosts.front.listeners import server_context_of
        from reading_room.sealing import SealBroken, SealedFile

        settings = self._settings
        if settings.tls_cert:
            if os.access(settings.tls_key, os.R_OK):
                take_in(settings, self._sealer)
            file = SealedFile(self._sealer, settings.data / FOLDER / GIVEN, _PLACE[1])
        else:
            names = certificate_names(settings)
            file = authority.prepare_certificates(settings.data / FOLDER, names, self._clock(), self._sealer).leaf
        try:
            found = file.path.stat()
            seen = (found.st_mtime_ns, found.st_ino)
            if seen == self._seen:
                return None
            certificate = file.read()
            context = server_context_of(certificate)
            if settings.tls_cert:
                self.given_names = authority.names_of(certificate)
        except (OSError, ssl.SSLError, ValueError, SealBroken) as error:
            raise ListenAddressError(f"the certificate in {file.path} cannot be used: {error}") from error
        self._seen = seen
        return context


def take_in(settings: Settings, sealer: Sealer) -> bool:
    """Copy the given certificate and key, sealed, to where ``serve`` reads them; say whether they were others before.

    As root the copy is given to the user of ``serve``. Raises ``DoorError`` for files that cannot be read, do not
    belong together, or whose key others may read: then nothing is changed.
    """
    certificate, key = Path(settings.tls_cert), Path(settings.tls_key)
    content = _read(certificate, "--tls-cert")[0] + b"\n" + _read_private(key)
    try:
        # Without a password given, a key that has one would be asked for at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError) as error:
        raise ListenAddressError(
            f"{certificate} and {key} are no certificate and its key, without a password, in PEM: {error}"
        ) from error
    folder = settings.data / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    # The data folder is the server's, who must not lead root elsewhere by a link.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if _content(descriptor, sealer) == content:
            return False
        sealed = sealer.seal(content, *_PLACE)
        _replace(descriptor, sealed, settings.service_uid if os.geteuid() == 0 else None)
    except OSError as error:
        raise ListenAddressError(f"the certificate cannot be kept in {folder}: {error.strerror}") from error
    finally:
        os.close(descriptor)
    return True


def _read(path: Path, option: str) -> tuple[bytes, os.stat_result]:
    try:
        with path.open("rb") as file:
            return file.read(), os.fstat(file.fileno())
    except OSError as error:
        raise ListenAddressError(f"{option} {path} cannot be read: {error.strerror}") from error


def _read_private(path: Path) -> bytes:
    content, found = _read(path, "--tls-key")
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077 or found.st_uid not in (0, os.geteuid()):
        raise ListenAddressError(
            f"--tls-key {path} has mode {mode:04o} and is of user {found.st_uid}: others than this user and root may "
            f"read it; run chmod 600 {path}, and chown it if need be"
        )
    return content


def _content(folder: int, sealer: Sealer) -> bytes | None:
    from reading_room.sealing import SealBroken

    # Not blocking, and bounded: the server may have put a pipe there, or a file without end.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with open(os.open(GIVEN, flags, dir_fd=folder), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            return sealer.unseal(file.read(GIVEN_BYTES), *_PLACE)
    except (FileNotFoundError, SealBroken):
        return None  # What was changed is replaced.


def _replace(folder: int, content: bytes, owner: int | None) -> None:
    new = f"{GIVEN}.new"
    try:
        os.unlink(new, dir_fd=folder)
    except FileNotFoundError:
        pass
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with open(os.open(new, flags, 0o600, dir_fd=folder), "wb") as file:
        if owner is not None:
            os.fchown(file.fileno(), owner, owner)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.rename(new, GIVEN, src_dir_fd=folder, dst_dir_fd=folder)
    if owner is not None:
        os.fchown(folder, owner, owner)
