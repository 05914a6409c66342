"""The address of a PostgreSQL database, as ``READING_ROOM_DATABASE`` has it, and the files that it names.

It never has a password, because the environment of a process and its command line are not secret: libpq reads the
password from a file. This module loads nothing, since ``serve`` needs it before it gives up its privileges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from reading_room.agent.given import GivenRefused, read_given
from reading_room.database.errors import SchemaError

VARIABLE = "READING_ROOM_DATABASE"
MARK = "database"
"""The file in a data folder with the address of the database that the folder belongs to, if that is not SQLite's."""
_MARK_LIMIT = 4096
_SCHEME = "postgresql+psycopg"
_PORT = 5432
_FILES = ("passfile", "sslrootcert", "sslcert", "sslkey", "sslcrl")
"""The parameters of libpq that name files."""
_KNOWN = frozenset(
    {
        *_FILES,
        *("host", "port", "sslmode", "channel_binding", "gssencmode", "target_session_attrs", "load_balance_hosts"),
        *("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
        *("tcp_user_timeout", "require_auth", "ssl_min_protocol_version", "sslnegotiation"),
    }
)


class AddressError(SchemaError):
    """An address cannot be used; the message says what to change, and never has the password."""


@dataclass(frozen=True, slots=True)
class Address:
    """A valid address: ``url`` for SQLAlchemy, which has no password."""

    url: str
    hosts: Sequence[str]
    """Host names, addresses, or folders of Unix sockets."""
    ports: Sequence[int]
    """The TCP ports to connect to; none for Unix sockets."""
    files: Sequence[Path]
    """The files that the client reads, and the folders with its sockets."""

    def __str__(self) -> str:
        return self.url


def address_of(url: str) -> Address:
    """Return a valid address. Raises ``AddressError``, whose message never has more of the URL than is harmless."""
    try:
        parts = urlsplit(url)
        port, user, password = parts.port, parts.username, parts.password
        query = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise AddressError(f"{VARIABLE} is not a URL: give {_SCHEME}://USER@HOST/DATABASE") from None
    if parts.scheme != _SCHEME:
        raise AddressError(
            f"{VARIABLE} does not begin with {_SCHEME}://, and no other database but SQLite is supported: give "
            f"{_SCHEME}://USER@HOST/DATABASE, or unset it for SQLite"
        )
    if password is not None or "password" in query:
        raise AddressError(
            f"{VARIABLE} contains a password, which other processes could read: leave it out, write it to a file with "
            f"mode 0600 in the form of ~/.pgpass, and add ?passfile=/PATH"
        )
    if not user or not parts.path.strip("/"):
        raise AddressError(f"{VARIABLE} names no user or no database: give {_SCHEME}://USER@HOST/DATABASE")
    if unknown := sorted(query.keys() - _KNOWN):
        raise AddressError(f"{VARIABLE} has the parameter {unknown[0]}, which is not supported: leave it out")
    return Address(url, *_places(parts.hostname, port, query))


def _places(
    named: str | None, port: int | None, query: Mapping[str, Sequence[str]]
) -> tuple[tuple[str, ...], tuple[int, ...], tuple[Path, ...]]:
    files = [_absolute(name, query[name][-1]) for name in _FILES if name in query and query[name][-1] != "system"]
    given = [] if named is None else [(unquote(named), port or _PORT)]
    default = int(query["port"][-1]) if "port" in query and query["port"][-1].isdigit() else port or _PORT
    for each in query.get("host", ()):
        name, _, number = each.rpartition(":") if each.rpartition(":")[2].isdigit() else (each, "", "")
        given.append((name, int(number) if number else default))
    if not given:
        raise AddressError(
            f"{VARIABLE} names no host: give {_SCHEME}://USER@HOST/DATABASE, or for a Unix socket "
            f"{_SCHEME}://USER@/DATABASE?host=/run/postgresql"
        )
    sockets = [_absolute("host", name) for name, _ in given if name.startswith("/")]
    hosts = tuple(name for name, _ in given)
    return hosts, tuple(number for name, number in given if not name.startswith("/")), (*files, *sockets)


def _absolute(name: str, path: str) -> Path:
    if not path.startswith("/"):
        raise AddressError(f"{VARIABLE} has {name}={path}: give an absolute path")
    return Path(path)


def mark(data: Path, address: Address) -> None:
    """Write into a data folder which database it belongs to."""
    path = data / MARK
    if not path.exists() or path.read_text() != f"{address}\n":
        path.touch(mode=0o600)
        path.write_text(f"{address}\n")


def _marked(data: Path) -> str:
    """Return the address in a data folder. Root reads it, too, and the user of ``serve`` owns the folder."""
    try:
        return read_given(data, MARK, data.stat().st_uid, _MARK_LIMIT).decode(errors="replace").strip()
    except (OSError, GivenRefused) as error:
        raise AddressError(f"the address in {data / MARK} cannot be read ({error}): write it there again") from error


def check_mark(data: Path, address: Address | None, file: str) -> None:
    """Refuse a data folder whose data are in another kind of database. Raises ``AddressError``.

    ``file`` is the name of SQLite's file. Another address is no error, since a server may move.
    """
    if address is None and (data / MARK).exists():
        raise AddressError(f"the rows of {data} are in PostgreSQL: set {VARIABLE}={_marked(data)}")
    if address is not None and (data / file).exists():
        raise AddressError(
            f"{VARIABLE} names PostgreSQL, but {data / file} has this installation's rows: end the product and run "
            f"`reading-room database move`, or unset {VARIABLE}"
        )
