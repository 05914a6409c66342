"""Databases with earlier schemas, and comparisons of schemas."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

_FOLDER = Path(__file__).parents[1] / "database" / "data"


def of_before(path: Path, version: int = 5) -> None:
    """Make an empty database with the schema of an earlier version."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_FOLDER.joinpath(f"schema_{version}.sql").read_text())
        connection.execute(f"PRAGMA user_version = {version}")


def version_of(path: Path) -> int:
    """Return the schema version in a file."""
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def schema_of(path: Path) -> dict[str, str]:
    """Return the statements that make a database's tables and indexes, with normalised spaces and quotes."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: "".join(sql.replace('"', "").split()) for name, sql in rows}


def add_administrator(path: Path, access_key_id: str, secret: str) -> None:
    """Add the first administrator to a database of schema 5, with a key whose secret is in plain text, as it was."""
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    now = "2026-11-01 00:00:00.000000"
    with closing(sqlite3.connect(path)) as connection, connection:
        user = ("AIDA1", "000000000001", "administrator", "administrator", "/", now)
        connection.execute("INSERT INTO iam_users VALUES ('[]', NULL, ?, ?, ?, ?, ?, ?)", user)
        connection.execute("INSERT INTO iam_inline_policies VALUES ('AIDA1', 'all', ?)", (json.dumps(everything),))
        connection.execute("INSERT INTO iam_access_keys VALUES (?, ?, 'AIDA1', 1, ?)", (access_key_id, secret, now))
        connection.execute("INSERT INTO iam_access_key_uses VALUES (?, ?, 'sts', 'us-east-1')", (access_key_id, now))


def add_session(path: Path, access_key_id: str, secret: str, token: str) -> None:
    """Add a session of that administrator."""
    now = "2026-11-01 00:00:00.000000"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO iam_sign_in_sessions (user_id, access_key_id, secret_access_key, session_token, policy,"
            " policy_arns, tags, issued_at, expires_at) VALUES ('AIDA1', ?, ?, ?, NULL, '[]', '[]', ?, ?)",
            (access_key_id, secret, token, now, now),
        )


def delete_session(path: Path, access_key_id: str) -> None:
    """Delete it again; its bytes remain in the file."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA secure_delete = OFF")  # As in most builds of SQLite.
        connection.execute("DELETE FROM iam_sign_in_sessions WHERE access_key_id = ?", (access_key_id,))


def bytes_of(folder: Path) -> bytes:
    """Return the content of all files of a folder, one after another."""
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
