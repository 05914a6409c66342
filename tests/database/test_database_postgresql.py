"""PostgreSQL alone: addresses, servers and databases that cannot be used, migrations, and failures in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, TimeoutError
from sqlalchemy.pool import QueuePool

import reading_room.wiring.server  # noqa: F401 # declares every table
from reading_room.clock import system_clock
from reading_room.database import postgresql as dialect
from reading_room.database.address import MARK, Address, AddressError, address_of, check_mark, mark
from reading_room.database.engine import SCHEMA_VERSION, Database, SchemaVersionError
from reading_room.database.migrate import run_revisions
from reading_room.database.opening import FILE, open_database
from reading_room.full_disk import is_full
from reading_room.iam.tables import Account
from reading_room.sealing import Sealer
from reading_room.shortage import is_shortage
from tests.worlds import postgresql
from tests.worlds.databases import SEALER

copied = pytest.mark.costs(0.3, reason="PostgreSQL's server copies a database")


@pytest.fixture
def name() -> Iterator[str]:
    """The name of a database with every table."""
    with postgresql.filled() as name:
        yield name


@pytest.fixture
def empty() -> Iterator[str]:
    """The name of an empty database."""
    name = postgresql.server().new()
    yield name
    postgresql.server().drop(name)


def refusal(address: Address, *, migrating: bool = False) -> str:
    """Return what is said when a database is refused."""
    with pytest.raises((AddressError, SchemaVersionError)) as caught:
        Database.connect(address, sealer=SEALER, migrating=migrating)
    return str(caught.value)


# Addresses


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql+psycopg://u:secret@h/d", "contains a password"),
        ("postgresql+psycopg://u@h/d?password=secret", "contains a password"),
        ("postgresql+psycopg://u:@h/d", "contains a password"),
        ("postgresql://u:secret@h/d", "does not begin with postgresql+psycopg://"),
        ("mysql://h/secret", "does not begin with postgresql+psycopg://"),
        ("postgresql+psycopg://u@h:secret/d", "is not a URL"),
        ("postgresql+psycopg://h/d", "names no user or no database"),
        ("postgresql+psycopg://u@h/", "names no user or no database"),
        ("postgresql+psycopg://u@/d", "names no host"),
        ("postgresql+psycopg://u@h/d?passfile=secret", "give an absolute path"),
        ("postgresql+psycopg://u@h/d?options=secret", "the parameter options"),
        ("postgresql+psycopg://u@h/d?service=secret", "the parameter service"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_secrets(url: str, says: str) -> None:
    with pytest.raises(AddressError) as caught:
        address_of(url)
    assert says in str(caught.value)
    assert "secret" not in str(caught.value).replace("passfile=secret", "")


def test_an_address_names_the_ports_and_files_that_serve_needs() -> None:
    more = "passfile=/etc/p&sslrootcert=/etc/r&sslmode=verify-full"
    found = address_of(f"postgresql+psycopg://u@h:7/d?{more}")
    assert (found.hosts, found.ports, found.files) == (("h",), (7,), (Path("/etc/p"), Path("/etc/r")))
    found = address_of("postgresql+psycopg://u@/d?host=/run/postgresql")
    assert (found.hosts, found.ports, found.files) == (("/run/postgresql",), (), (Path("/run/postgresql"),))
    found = address_of("postgresql+psycopg://u@/d?host=a:1&host=b")
    assert (found.hosts, found.ports, found.files) == (("a", "b"), (1, 5432), ())


def test_a_data_folder_remembers_where_its_rows_are(tmp_path: Path) -> None:
    address = address_of("postgresql+psycopg://u@h/d")
    check_mark(tmp_path, None, FILE)
    check_mark(tmp_path, address, FILE)
    mark(tmp_path, address)
    assert (tmp_path / MARK).stat().st_mode & 0o777 == 0o600
    check_mark(tmp_path, address_of("postgresql+psycopg://u@other/d"), FILE)
    with pytest.raises(AddressError, match="set READING_ROOM_DATABASE="):
        check_mark(tmp_path, None, FILE)
    (tmp_path / FILE).touch()
    with pytest.raises(AddressError, match="reading-room database move"):
        check_mark(tmp_path, address, FILE)


def test_the_address_in_a_data_folder_is_read_through_no_link(tmp_path: Path) -> None:
    """Root reads it, too, and shows it in a message; the folder belongs to the user of ``serve``."""
    (tmp_path / "secret").write_text("of root")
    (tmp_path / MARK).symlink_to(tmp_path / "secret")
    with pytest.raises(AddressError, match="cannot be read") as refusal:
        check_mark(tmp_path, None, FILE)
    assert "of root" not in str(refusal.value)


# Servers and databases that cannot be used


@copied
def test_a_database_with_tables_of_something_else_is_refused(empty: str) -> None:
    postgresql.server().run("CREATE TABLE things (id int)", database=empty)
    assert "has tables of something else, such as things" in refusal(postgresql.server().address(empty))


@copied
def test_a_database_of_another_installation_is_refused(name: str) -> None:
    with pytest.raises(AddressError, match="belongs to another installation"):
        Database.connect(postgresql.server().address(name), sealer=Sealer(b"x" * 32))


@copied
def test_a_database_with_another_schema_is_refused(name: str) -> None:
    address = postgresql.server().address(name)
    postgresql.server().run(f"UPDATE reading_room SET schema = {SCHEMA_VERSION + 1}", database=name)
    assert "a newer version created it" in refusal(address, migrating=True)
    postgresql.server().run(f"UPDATE reading_room SET schema = {SCHEMA_VERSION - 1}", database=name)
    assert "start the product with this version once (`reading-room up`)" in refusal(address)


@pytest.mark.costs(1, reason="a database is made from scratch, for another order of texts")
def test_a_database_that_does_not_sort_by_bytes_is_refused() -> None:
    server = postgresql.server()
    server.run("CREATE DATABASE {} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'", "sorts_otherwise")
    says = refusal(server.address("sorts_otherwise"))
    server.drop("sorts_otherwise")
    assert "texts must sort by their bytes" in says


@copied
def test_a_server_that_can_only_be_read_is_refused(name: str) -> None:
    postgresql.server().run("ALTER DATABASE {} SET default_transaction_read_only = on", name)
    assert "session is read-only" in refusal(postgresql.server().address(name))
    any_server = postgresql.server().address(name, target_session_attrs="any")
    assert "can only be read" in refusal(any_server)


@copied
def test_a_server_at_its_connection_limit_is_refused(name: str) -> None:
    postgresql.server().run("CREATE ROLE limited LOGIN CONNECTION LIMIT 0")
    url = postgresql.server().address(name).url.replace(f"{postgresql.USER}@", "limited@")
    says = refusal(address_of(url))
    postgresql.server().run("DROP ROLE limited")
    assert "too many connections" in says
    assert "cannot be used" in says


def test_a_server_that_does_not_answer_is_refused(tmp_path: Path) -> None:
    assert "cannot be used" in refusal(address_of(f"postgresql+psycopg://u@/d?host={tmp_path}"))


@copied
def test_an_old_server_is_refused(name: str) -> None:
    address = postgresql.server().address(name)
    with (
        closing(postgresql.connected(name)) as database,
        database.engine.connect() as connection,
        pytest.raises(AddressError, match="is PostgreSQL 17, and 99 is the oldest"),
    ):
        dialect.check_server(connection, address, oldest=99)


# Starts and migrations


@pytest.mark.costs(1, reason="every table is made")
def test_the_first_start_makes_the_tables_and_the_next_one_finds_them(empty: str, tmp_path: Path) -> None:
    url = postgresql.server().address(empty).url
    for _ in range(2):
        with closing(open_database(tmp_path, SEALER, url=url)) as database:
            assert database.sealer is SEALER
    assert (tmp_path / MARK).read_text() == f"{url}\n"
    assert not (tmp_path / FILE).exists()


@copied
def test_tables_are_not_changed_under_a_process_of_an_earlier_version(name: str) -> None:
    address = postgresql.server().address(name)
    with closing(postgresql.connected(name)) as earlier, earlier.engine.connect() as connection:
        postgresql.server().run(f"UPDATE reading_room SET schema = {SCHEMA_VERSION - 1}", database=name)
        assert dialect.schema_of(connection, address) == SCHEMA_VERSION - 1
        with pytest.raises(AddressError, match="connections of Reading Room use them: end every `reading-room serve`"):
            Database.connect(address, 0.2, sealer=SEALER, migrating=True)
        assert dialect.schema_of(connection, address) == SCHEMA_VERSION - 1


NEXT = f'revision = "{SCHEMA_VERSION + 1}"\ndown_revision = "{SCHEMA_VERSION}"\n'
ADDS = """
import sqlalchemy as sa
from alembic import op

def upgrade() -> None:
    op.create_table("texts", sa.Column("text", sa.String))
    op.add_column("iam_accounts", sa.Column("more", sa.String))
    op.execute("INSERT INTO texts VALUES ('done')")
"""


@pytest.mark.costs(1, reason="Alembic is loaded")
@pytest.mark.parametrize("fails", [False, True])
def test_a_migration_is_one_transaction(name: str, tmp_path: Path, fails: bool) -> None:
    tmp_path.joinpath("a.py").write_text(f'revision = "{SCHEMA_VERSION}"\ndown_revision = None\n')
    tmp_path.joinpath("b.py").write_text(NEXT + ADDS + ("    raise RuntimeError('out of luck')\n" if fails else ""))
    with closing(postgresql.connected(name)) as database:
        with ExitStack() as stack:
            if fails:
                stack.enter_context(pytest.raises(RuntimeError, match="out of luck"))
            with database.engine.begin() as connection:
                dialect.lock_schema(connection)
                run_revisions(connection, SCHEMA_VERSION, SCHEMA_VERSION + 1, folder=tmp_path)
                dialect.note_schema(connection, SCHEMA_VERSION + 1)
        with database.engine.connect() as connection:
            address = postgresql.server().address(name)
            assert dialect.schema_of(connection, address) == SCHEMA_VERSION + (not fails)
            there = connection.scalar(text("SELECT count(*) FROM pg_tables WHERE tablename = 'texts'"))
            assert there == (not fails)


BEFORE_13 = """
DROP TABLE kms_grants; DROP TABLE kms_aliases; DROP TABLE kms_key_material; DROP TABLE kms_keys;
DROP TABLE s3_versions; DROP TABLE s3_service_keys; ALTER TABLE s3_uploads DROP COLUMN lock, DROP COLUMN encryption;
ALTER TABLE s3_objects DROP COLUMN version_id, DROP COLUMN lock, DROP COLUMN rank, DROP COLUMN encryption;
ALTER TABLE s3_buckets DROP COLUMN versioning, DROP COLUMN object_lock;
DROP TABLE organization_units; DROP TABLE organization_accounts; DROP TABLE organization_policies;
DROP TABLE organization_attachments; DROP TABLE organization_tags; DROP TABLE organization_creations;
DROP TABLE organization_invitations; DROP TABLE organizations;
DROP TABLE state_event_deliveries; DROP TABLE state_events;
DROP TABLE flywheels; DROP TABLE flywheel_datasets; DROP TABLE flywheel_iterations;
ALTER TABLE s3_buckets DROP COLUMN settings;
ALTER TABLE models DROP COLUMN flywheel_arn; DROP TABLE model_endpoints; DROP TABLE pii_profiles;
DROP TRIGGER s3_objects_counted ON s3_objects; DROP FUNCTION s3_objects_counted; DROP TABLE s3_stored;
DROP INDEX ix_s3_objects_in_blobs; UPDATE reading_room SET schema = 12
"""
OBJECTS = """
INSERT INTO s3_buckets (name, account, region, created_at) VALUES ('b', '1', 'r', now());
INSERT INTO s3_objects (bucket, key, size, etag, last_modified, headers, user_metadata, segments, multipart)
SELECT 'b', decode(to_hex(n), 'hex'), n, 'e', now(), '{{}}', '{{}}', '[]', false FROM generate_series(16, 20) n
"""


@pytest.mark.costs(2, reason="Alembic is loaded, and two databases are copied")
def test_a_migrated_database_counts_the_bytes_of_objects_like_a_new_one(name: str) -> None:
    server, found = postgresql.server(), []
    server.run(BEFORE_13, database=name)
    server.run(OBJECTS, database=name)
    Database.connect(server.address(name), sealer=SEALER, migrating=True).close()
    with postgresql.filled() as fresh:
        server.run(OBJECTS, database=fresh)
        for each in (name, fresh):
            with closing(postgresql.connected(each)) as database, database.engine.begin() as connection:
                stored = [connection.scalar(text("SELECT bytes FROM s3_stored"))]
                for change in ("UPDATE s3_objects SET size = 1", "DELETE FROM s3_objects WHERE key = '\\x10'"):
                    connection.execute(text(change))
                    stored.append(connection.scalar(text("SELECT bytes FROM s3_stored")))
                assert stored == [90, 5, 4]
                found.append(connection.execute(text(_OWN)).all())
    assert found[0] == found[1]


_OWN = """
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION SELECT prosrc FROM pg_proc WHERE proname = 's3_objects_counted'
UNION SELECT indexdef FROM pg_indexes WHERE tablename IN ('s3_objects', 's3_stored', 's3_versions')
UNION SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 's3_stored'::regclass ORDER BY 1
"""


# Failures in the middle


@copied
def test_a_lost_connection_is_a_shortage_and_the_next_call_works(name: str) -> None:
    with closing(postgresql.connected(name)) as database:

        def interrupted() -> None:
            with database.transaction() as session:
                session.add(Account(account="1", name="", created_at=system_clock()))
                session.flush()
                own = session.scalar(text("SELECT pg_backend_pid()"))
                postgresql.server().run(f"SELECT pg_terminate_backend({own})")

        with pytest.raises(DBAPIError) as caught:
            interrupted()
        assert is_shortage(caught.value)
        assert not is_full(caught.value)
        with database.transaction() as session:
            assert session.query(Account).count() == 0


@copied
def test_a_block_that_waits_too_long_for_other_writers_is_a_shortage(name: str) -> None:
    address = postgresql.server().address(name)
    with closing(postgresql.connected(name)) as first, closing(Database.connect(address, 0.05)) as second:
        with first.transaction(), pytest.raises(DBAPIError) as caught, second.transaction():
            pass
        assert is_shortage(caught.value)
        with second.transaction():
            pass


def test_a_pool_without_a_free_connection_is_a_shortage() -> None:
    engine = create_engine("sqlite://", poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.01)
    with engine.connect(), pytest.raises(TimeoutError) as caught:
        engine.connect()
    assert is_shortage(caught.value)
    engine.dispose()
