"""The listen addresses of the AWS APIs: which address, which scheme, and which certificate.

Plain HTTP is only for loopback. Any other address has HTTPS or nothing, and ``tls_port`` adds HTTPS on loopback. The
certificate is the given one, or one from this installation's own authority, in ``doors`` in the data folder.
"""

from __future__ import annotations

import datetime as dt
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

if TYPE_CHECKING:  # Many commands need listen addresses, but few need a certificate.
    from reading_room.sealing import Sealer

log = logging.getLogger(__name__)

FOLDER = "doors"
GIVEN = "given.pem"
"""The given certificate and its key, sealed, for ``serve`` to read: only root may be able to read the originals."""
GIVEN_BYTES = 1 << 20
_PLACE = ("the file", f"{FOLDER}/{GIVEN}")
LOOPBACK_NAMES = ("localhost", "s3.localhost", "127.0.0.1", "::1")


class ListenAddressError(Exception):
    """The APIs cannot be served this way; the message says why and what to change."""


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """One address at which the APIs listen."""

    host: str
    port: int
    secure: bool

    @property
    def url(self) -> str:
        """The URL that clients use."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}"


HOSTS_OPTION = "READING_ROOM_HOSTS_LISTEN"


def hosts_address(settings: Settings) -> ListenAddress | None:
    """Return where joined hosts connect, ``None`` if there can be none. Raises ``ListenAddressError``."""
    if not settings.hosts_listen:
        return None
    host, _, text = settings.hosts_listen.rpartition(":")
    host, port = host.strip("[]"), int(text)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ListenAddressError(
            f"{HOSTS_OPTION}={settings.hosts_listen}: {host} is not an IP address: name one of this machine"
        ) from None
    if not 0 < port < 1 << 16:
        raise ListenAddressError(f"{HOSTS_OPTION}={settings.hosts_listen}: {port} is not a port from 1 to 65535")
    for option, taken in (
        ("--port", settings.port),
        ("--tls-port", settings.tls_port),
        ("--console-port", settings.console_port),
        ("READING_ROOM_METRICS_PORT", settings.metrics_port),
    ):
        if port == taken:
            raise ListenAddressError(f"{HOSTS_OPTION} and {option} both have port {port}: choose another for one")
    return ListenAddress(host, port, secure=True)


def bound(
    listen_address: ListenAddress, option: str = "--port or --tls-port", host_option: str = "--host"
) -> socket.socket:
    """Return a socket bound to a listen address, not listening yet. The options choose its port and its address.

    Raises ``ListenAddressError``.
    """
    sock = socket.socket(socket.AF_INET6 if ":" in listen_address.host else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((listen_address.host, listen_address.port))
    except socket.gaierror as error:
        sock.close()
        raise ListenAddressError(
            f"{listen_address.host} is not an address of this machine ({error.strerror}): choose one with "
            f"{host_option}, for example 127.0.0.1"
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
    """Return whether an address cannot be reached from other machines; of all names, only ``localhost`` counts."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen_addresses(settings: Settings) -> tuple[ListenAddress, ...]:
    """Return the listen addresses, the main one first. Raises ``ListenAddressError`` for settings that are unsafe."""
    given = bool(settings.tls_cert or settings.tls_key)
    if given and not (settings.tls_cert and settings.tls_key):
        raise ListenAddressError("--tls-cert and --tls-key go together: give the other one too")
    local = is_loopback(settings.host)
    if not local and not given and settings.tls == "off":
        raise ListenAddressError(
            f"--host {settings.host} can be reached from other machines, and plain HTTP stays on loopback: give a "
            "certificate with --tls-cert and --tls-key, or set READING_ROOM_TLS=own to use one from this "
            "installation's own authority, or leave --host out"
        )
    plain = local and not settings.tls_port and not (settings.metrics_port and not is_loopback(settings.metrics_host))
    if plain and (given or settings.tls == "own"):
        raise ListenAddressError(
            f"a certificate has no use while plain HTTP on {settings.host} is the only listen address: add HTTPS on "
            "loopback with --tls-port, or choose another --host"
        )
    if settings.port == 0:
        raise ListenAddressError(
            "--port 0 lets `up` choose a free port, which nothing else can know: name the port of the running product"
        )
    if settings.tls_port == settings.port:
        raise ListenAddressError(f"--tls-port and --port are both {settings.port}: choose another for one of them")
    found = [ListenAddress(settings.host, settings.port, secure=not local)]
    if settings.tls_port:
        found.append(ListenAddress(settings.host if local else "127.0.0.1", settings.tls_port, secure=True))
    return tuple(found)


def local_address(settings: Settings) -> ListenAddress:
    """Return the main listen address for commands on this machine, with a name that is in its certificate."""
    main = listen_addresses(settings)[0]
    if not main.secure:
        return main
    names = [name for name in settings.tls_names.split(",") if name]
    if settings.tls_cert and names:
        return ListenAddress(names[0], main.port, secure=True)
    return ListenAddress("127.0.0.1", main.port, secure=True) if is_unspecified(main.host) else main


def own_authority(settings: Settings) -> Path | None:
    """Return the file that HTTPS clients must trust if the certificate is our own, else ``None``."""
    secure = any(listen_address.secure for listen_address in listen_addresses(settings))
    return settings.data / FOLDER / "authority.pem" if secure and not settings.tls_cert else None


def certificate_names(settings: Settings) -> list[str]:
    """Return the names in our own certificate: those of loopback, the addresses, and those in the settings."""
    configured = [name for name in settings.tls_names.split(",") if name]
    names = [*LOOPBACK_NAMES, settings.host, settings.metrics_host, *configured]
    return [name for name in dict.fromkeys(names) if not is_unspecified(name)]


def is_unspecified(host: str) -> bool:
    """Return whether an address stands for all addresses of this machine."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


class ListenerCertificate:
    """The certificate of the listen addresses with TLS, renewed while they are open."""

    def __init__(self, settings: Settings, clock: Clock, sealer: Sealer) -> None:
        self._settings = settings
        self._clock = clock
        self._sealer = sealer
        self._seen: object = None
        self._complaint = ""
        self.pem = ""
        """The certificate in use, with its key."""
        self.given_names: frozenset[str] = frozenset()
        """The names in a given certificate, possibly wildcards; the names in our own are those in the settings."""
        self.expires_at: dt.datetime | None = None
        """When the certificate in use ends."""

    def context(self) -> ssl.SSLContext:
        """Return the first context. Raises ``ListenAddressError``."""
        context = self._look()
        assert context is not None
        return context

    def renewed(self) -> ssl.SSLContext | None:
        """Return a new context if the certificate has changed, else ``None``.

        A given certificate is copied again if this process may read it; our own is renewed near its end. One that
        cannot be used is logged once, and the previous one stays in use.
        """
        try:
            return self._look()
        except ListenAddressError as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                log.warning("%s; the previous certificate stays in use", error)
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
            self.expires_at = authority.expiry_of(certificate)
        except (OSError, ssl.SSLError, ValueError, SealBroken) as error:
            raise ListenAddressError(f"the certificate in {file.path} cannot be used: {error}") from error
        self._seen = seen
        self.pem = certificate.decode("ascii")
        return context


def take_in(settings: Settings, sealer: Sealer) -> bool:
    """Copy the given certificate and key, sealed, to where ``serve`` reads them; return whether they have changed.

    As root, make the user of ``serve`` the owner of the copy. Raises ``ListenAddressError`` for files that cannot be
    read or do not belong together, and for a key that others may read; nothing is changed then.
    """
    certificate, key = Path(settings.tls_cert), Path(settings.tls_key)
    content = _read(certificate, "--tls-cert")[0] + b"\n" + _read_private(key)
    try:
        # Without this argument, OpenSSL would ask for the password of an encrypted key at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError) as error:
        raise ListenAddressError(
            f"{certificate} and {key} are not a certificate and its key, without a password, in PEM: {error}"
        ) from error
    folder = settings.data / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    # The server owns the data folder, and must not be able to lead root elsewhere by a link.
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
            f"--tls-key {path} has mode {mode:04o} and belongs to user {found.st_uid}: users other than this one and "
            f"root may read it; run chmod 600 {path}, and chown it if necessary"
        )
    return content


def _content(folder: int, sealer: Sealer) -> bytes | None:
    from reading_room.sealing import SealBroken

    # Non-blocking and limited: the server may have put a pipe or an endless file there.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with open(os.open(GIVEN, flags, dir_fd=folder), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            return sealer.unseal(file.read(GIVEN_BYTES), *_PLACE)
    except (FileNotFoundError, SealBroken):
        return None  # A copy that was changed is replaced.


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
