"""Files that every data folder of a shared database has alike, because its ``serve`` processes answer for each other.

The database has their bytes, which are sealed like the files themselves. A start copies them into the data folder, and
stores those that it has made or renewed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reading_room.database.engine import Database
from reading_room.database.tables import SharedFile
from reading_room.sealing import write_file

SHARED: Sequence[str] = (
    "authorization-messages.key",
    "authority/authority.pem",
    "authority/authority.key",
    "authority/services.pem",
)
"""The key of encoded authorization messages, and the authority that containers trust. Only the certificate is not
sealed."""


def receive(database: Database, data: Path) -> None:
    """Write the files that the database has into a data folder, over those that it has. Raises ``OSError``."""
    with database.reading() as session:
        found = {row.name: row.content for row in session.query(SharedFile)}
    for name in SHARED:
        path = data / name
        if name in found and _content(path) != found[name]:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(path, found[name], 0o644 if path.suffix == ".pem" and "authority" in path.stem else 0o600)


def exchange(database: Database, data: Path, received: Sequence[bytes | None]) -> None:
    """Store the files that have changed since they were ``received``, unless another process has stored its own first.

    Those are written into the data folder then. Raises ``OSError``.
    """
    with database.transaction(announced=False) as session:
        for name, before in zip(SHARED, received, strict=True):
            now, row = _content(data / name), session.get(SharedFile, name)
            if row is None and now is not None:
                session.add(SharedFile(name=name, content=now))
            elif row is not None and now is not None and row.content == before:
                row.content = now
    receive(database, data)


def contents(data: Path) -> list[bytes | None]:
    """Return the bytes of the files as they are in a data folder."""
    return [_content(data / name) for name in SHARED]


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
