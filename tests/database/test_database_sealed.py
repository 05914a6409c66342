"""Secrets in the database: sealed for their row, and wiped if an earlier version stored them in plain text."""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

import reading_room.wiring.server  # noqa: F401 # declares every table
from reading_room.database.engine import Database, SchemaVersionError
from reading_room.database.migrate import SchemaError
from reading_room.database.opening import FILE, open_database
from reading_room.database.sealed import NoRootKey, WrongRootKey
from reading_room.database.upgrade_backup import KEY_FILES
from reading_room.iam import users
from reading_room.iam.credentials import StoredCredentials
from reading_room.iam.tables import AccessKey, SignInSession
from reading_room.sealing import SealBroken, SealedFile, Sealer
from tests.worlds import databases
from tests.worlds.databases import SEALER
from tests.worlds.schemas import add_administrator, add_session, bytes_of, delete_session, of_before

ACCOUNT = "000000000001"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
OLD_KEY, OLD_SECRET = "AKIAOLD", "the+old/secret"
TOKENS = [(f"ASIA{number}", f"secret-of-{number}-", f"token-of-{number}-" * 20) for number in range(40)]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database in which ann and bob have a key each."""
    found = databases.made(tmp_path / FILE)
    with found.transaction() as session:
        for name in ("ann", "bob"):
            users.create_access_key(session, users.create(session, ACCOUNT, name, NOW), NOW)
    yield found
    found.close()


def keys_of(database: Database) -> dict[str, str]:
    """Return the secrets of all keys, by id."""
    with database.reading() as session:
        return {key.access_key_id: key.secret_access_key for key in session.query(AccessKey)}


def test_a_secret_can_be_read_back_but_is_in_no_file(database: Database, tmp_path: Path) -> None:
    keys = keys_of(database)
    assert [len(secret) for secret in keys.values()] == [40, 40]
    assert all(secret.encode() not in bytes_of(tmp_path) for secret in keys.values())
    again = StoredCredentials(Database.open(tmp_path / FILE, sealer=SEALER))
    for key, secret in keys.items():
        found = again.find(key)
        assert found is not None
        assert found.secret_access_key == secret


def test_a_sealed_secret_of_another_row_is_refused(database: Database) -> None:
    """Someone who can write the file and has their own key must not gain another user's permissions."""
    ann, bob = keys_of(database)
    with database.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE iam_access_keys SET sealed_secret_access_key = "
            "(SELECT sealed_secret_access_key FROM iam_access_keys WHERE access_key_id = ?) WHERE access_key_id = ?",
            (bob, ann),
        )
    credentials = StoredCredentials(database)
    assert credentials.find(bob) is not None
    with pytest.raises(SealBroken, match=f"iam_access_keys secret_access_key {ann} cannot be unsealed"):
        credentials.find(ann)


def test_a_written_secret_cannot_be_replaced(database: Database) -> None:
    with database.transaction() as session:
        key = session.query(AccessKey).first()
        assert key is not None
        with pytest.raises(AttributeError, match="cannot be changed"):
            key.secret_access_key = "another"


def test_without_the_root_key_no_secret_is_read_or_created(database: Database, tmp_path: Path) -> None:
    blind = Database.open(tmp_path / FILE)
    with pytest.raises(NoRootKey):
        keys_of(blind)
    with pytest.raises(NoRootKey), blind.transaction() as session:
        users.create_access_key(session, users.create(session, ACCOUNT, "eve", NOW), NOW)


def test_another_root_key_is_refused_by_name(database: Database, tmp_path: Path) -> None:
    other = Sealer.of_the_moment()
    with pytest.raises(WrongRootKey, match=f"{SEALER.key_id.hex()}, but the given one is {other.key_id.hex()}"):
        Database.open(tmp_path / FILE, sealer=other)
    # The id alone proves nothing.
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sealing SET key_id = ?", (other.key_id,))
    with pytest.raises(WrongRootKey):
        Database.open(tmp_path / FILE, sealer=other)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A data folder with schema 5: a key, expired sessions, and key files, all in plain text."""
    folder = tmp_path / "data"
    folder.mkdir()
    of_before(folder / FILE)
    add_administrator(folder / FILE, OLD_KEY, OLD_SECRET)
    for token in TOKENS:
        add_session(folder / FILE, *token)
    for key, _, _ in TOKENS[1:]:
        delete_session(folder / FILE, key)
    for name in KEY_FILES:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"the private key of {name}")
    return folder


@pytest.mark.costs(2, reason="Alembic is loaded, and the database written anew")
def test_plain_text_secrets_of_an_earlier_version_are_sealed_and_wiped(old: Path) -> None:
    assert all(
        word in bytes_of(old) for word in (OLD_SECRET.encode(), b"secret-of-0-", b"token-of-39-", b"private key")
    )
    messages: list[str] = []
    with closing(open_database(old, SEALER, lambda: messages.append("working"))) as database:
        assert messages == ["working"]
        for word in (OLD_SECRET.encode(), b"secret-of-", b"token-of-", b"private key"):
            assert word not in bytes_of(old)
        assert keys_of(database) == {OLD_KEY: OLD_SECRET}
        with database.reading() as session:
            found = session.query(SignInSession).one()
            assert (found.access_key_id, found.secret_access_key, found.session_token) == TOKENS[0]
        for name in KEY_FILES:
            assert SealedFile(SEALER, old / name, name).read() == f"the private key of {name}".encode()
    messages.clear()
    open_database(old, SEALER, lambda: messages.append("working")).close()
    assert messages == []


@pytest.mark.costs(2, reason="Alembic is loaded, and the database written anew")
def test_plain_text_that_a_killed_start_left_is_wiped_by_the_next(old: Path) -> None:
    """The start was killed after the migration's commit and before the end of the wiping."""
    Database.open(old / FILE, sealer=SEALER, migrating=True).close()
    assert b"private key" in bytes_of(old)
    open_database(old, SEALER).close()
    assert b"token-of-" not in bytes_of(old)
    assert b"private key" not in bytes_of(old)


@pytest.mark.costs(2, reason="Alembic is loaded, and the database written anew")
def test_a_start_is_refused_if_a_reader_prevents_wiping(old: Path) -> None:
    Database.open(old / FILE, sealer=SEALER, migrating=True).close()
    with closing(sqlite3.connect(old / FILE, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM iam_users").fetchone()
        with pytest.raises(SchemaError, match="is read by another process"):
            open_database(old, SEALER, busy_seconds=0.01)
    open_database(old, SEALER).close()
    assert b"token-of-" not in bytes_of(old)


def test_without_room_nothing_changes(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (old / FILE).read_bytes()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(SchemaError, match=r"1,000 are free: make room"):
        open_database(old, SEALER)
    assert (old / FILE).read_bytes() == before
    assert all((old / name).read_text() == f"the private key of {name}" for name in KEY_FILES)


def test_only_the_server_migrates_an_earlier_schema(old: Path) -> None:
    with pytest.raises(SchemaVersionError, match="start the product with this version once"):
        Database.open(old / FILE, sealer=SEALER)
