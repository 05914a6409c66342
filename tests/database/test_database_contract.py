"""What every database promises to the product: one suite for SQLite and PostgreSQL."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

import reading_room.wiring.server  # noqa: F401 # declares every table
from reading_room.database.engine import Database
from reading_room.database.functions import ByteLength, Contains, Dotted
from reading_room.database.kept import Kept
from reading_room.database.tables import OutsideWrite
from reading_room.iam.tables import Account, Group
from reading_room.logs import streams
from reading_room.logs.tables import LogEvent, LogGroup
from reading_room.s3.tables import S3Bucket, S3Object
from tests.worlds import databases, postgresql
from tests.worlds.waiting import eventually

NOW = dt.datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=dt.timezone(dt.timedelta(hours=5)))
pytestmark = pytest.mark.costs(0.3, reason="PostgreSQL's server copies a database for each test")
Opener = Callable[[], Database]


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """A function that opens the same database again, as another process would."""
    if request.param == "sqlite":
        yield lambda: databases.made(tmp_path / "db.sqlite")
        return
    with postgresql.filled() as name:
        yield lambda: postgresql.connected(name)


@pytest.fixture
def database(opened: Opener) -> Iterator[Database]:
    """A database with every table and no rows."""
    with closing(opened()) as database:
        yield database


@pytest.fixture
def other(opened: Opener, database: Database) -> Iterator[Database]:
    """The same database in the hands of another process."""
    with closing(opened()) as database:
        yield database


def account(number: str, name: str = "") -> Account:
    """Return a row."""
    return Account(account=number, name=name, created_at=NOW)


def numbers(session: Session) -> list[str]:
    """Return the rows' numbers in order."""
    return list(session.scalars(select(Account.account).order_by(Account.account)))


def test_a_block_commits_at_its_end_and_rolls_back_if_it_raises(database: Database, other: Database) -> None:
    with database.transaction() as session:
        session.add(account("1"))
        session.flush()
        with other.reading() as outside:
            assert numbers(outside) == []
    with other.reading() as outside:
        assert numbers(outside) == ["1"]

    def fail() -> None:
        with database.transaction() as session:
            session.add(account("2"))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with other.reading() as outside:
        assert numbers(outside) == ["1"]


def test_a_function_commits_and_returns_and_rolls_back_if_it_raises(database: Database, other: Database) -> None:
    def add(session: Session) -> str:
        session.add(account("1"))
        return "added"

    def fail(session: Session) -> None:
        session.add(account("2"))
        session.flush()
        raise RuntimeError

    assert database.write(add) == "added"
    with pytest.raises(RuntimeError):
        database.write(fail)
    with other.reading() as outside:
        assert numbers(outside) == ["1"]


def test_a_reader_sees_one_snapshot(database: Database, other: Database) -> None:
    with other.reading() as outside:
        assert numbers(outside) == []
        with database.transaction() as session:
            session.add(account("1"))
        assert numbers(outside) == []
    with other.reading() as outside:
        assert numbers(outside) == ["1"]


def test_a_reader_never_waits_for_a_writer(database: Database, other: Database) -> None:
    with database.transaction() as session:
        session.add(account("1"))
        session.flush()
        with other.reading() as outside:
            assert numbers(outside) == []


@contextmanager
def counted_at_once(*functions: Callable[[], None]) -> Iterator[None]:
    """Run functions in threads until the end of the block."""
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("functions", [0, 1, 2], ids=["two blocks", "a block and a function", "two functions"])
def test_no_writer_overwrites_what_another_one_has_read(database: Database, other: Database, functions: int) -> None:
    """Each reads a number, and writes one that is higher by one."""
    with database.transaction() as session:
        session.add(OutsideWrite(id=1, count=0))

    def count(session: Session) -> None:
        row = session.get_one(OutsideWrite, 1)
        row.count += 1

    def by_block(each: Database) -> None:
        for _ in range(20):
            with each.transaction() as session:
                count(session)

    def by_function(each: Database) -> None:
        for _ in range(20):
            each.write(count)

    ways = [by_block] * (2 - functions) + [by_function] * functions
    with counted_at_once(lambda: ways[0](database), lambda: ways[1](other)):
        pass
    with database.reading() as session:
        assert session.get_one(OutsideWrite, 1).count == 40


def test_what_two_functions_decide_is_as_if_one_had_come_after_the_other(database: Database, other: Database) -> None:
    """Each adds a row if there is none yet, and both have looked before either adds its own."""
    looked, calls = threading.Barrier(2), {"a": 0, "b": 0}

    def add(name: str) -> Callable[[Session], None]:
        def function(session: Session) -> None:
            calls[name] += 1
            if not numbers(session):
                if database.engine.dialect.name == "postgresql" and calls[name] == 1:
                    looked.wait()
                session.add(account(name))

        return function

    with counted_at_once(lambda: database.write(add("a")), lambda: other.write(add("b"))):
        pass
    with database.reading() as session:
        assert numbers(session) in (["a"], ["b"])


def test_a_commit_tells_the_process_which_tables_it_wrote(database: Database) -> None:
    told: list[frozenset[str]] = []
    database.on_commit(told.append)
    with database.transaction() as session:
        session.add(account("1"))
    database.write(lambda session: session.query(Account).delete())
    with database.transaction() as session:
        numbers(session)
    assert told == [frozenset({"iam_accounts"})] * 2
    told.clear()
    with database.transaction(remark="why") as session:
        session.add(account("2"))
    with database.transaction(remark="nothing was written") as session:
        numbers(session)
    assert told == [frozenset({"iam_accounts", "why"})]


def test_texts_sort_by_code_point_and_compare_exactly(database: Database) -> None:
    texts = ["a-b", "B", "a", "aa", "ä", "Z", "z", "_", "-", "\U0001f600", "ﬀ", "é", "e\u0301", "a b", "%", "A"]
    with database.transaction() as session:
        session.add_all(account(text) for text in texts)
    with database.reading() as session:
        assert numbers(session) == sorted(texts)
        assert list(session.scalars(select(Account.account).where(Account.account > "a"))) != []
        assert set(session.scalars(select(Account.account).where(Account.account >= "aa"))) == {
            text for text in texts if text >= "aa"
        }
        assert list(session.scalars(select(Account.account).where(Account.account == "E\u0301"))) == []


def test_keys_sort_by_their_bytes(database: Database) -> None:
    keys = [b"\xff", b"\x00", b"a/b", b"a", b"a\x00", b"B", "ä".encode(), b"%_", b"\\x41"]
    with database.transaction() as session:
        session.add(S3Bucket(name="b", account="1", region="r", created_at=NOW))
        session.flush()
        for key in keys:
            more: dict[str, Any] = {"headers": {}, "user_metadata": {}, "segments": []}
            session.add(S3Object(bucket="b", key=key, size=2**40, etag="e", last_modified=NOW, **more))
    with database.reading() as session:
        assert list(session.scalars(select(S3Object.key).order_by(S3Object.key))) == sorted(keys)
        assert set(session.scalars(select(S3Object.key).where(S3Object.key > b"a"))) == {
            key for key in keys if key > b"a"
        }


def test_values_return_as_they_were_stored(database: Database) -> None:
    headers = {"Content-Type": "text/plain", "x": "ä\u2028\U0001f600", "": 'a"b\\'}
    with database.transaction() as session:
        session.add(S3Bucket(name="b", account="1", region="r", created_at=NOW, tags=None, cors=[{"a": [1, None]}]))
        session.flush()
        row = S3Object(bucket="b", key=b"k", size=2**62, etag="e", last_modified=NOW, headers=headers, user_metadata={})
        row.segments, row.content, row.multipart = [["blob", 2**62]], bytes(range(256)), True
        session.add(row)
    with database.reading() as session:
        row, bucket = session.query(S3Object).one(), session.query(S3Bucket).one()
        assert (row.size, row.last_modified, row.headers) == (2**62, NOW, headers)
        assert (row.segments, row.content, row.multipart) == ([["blob", 2**62]], bytes(range(256)), True)
        assert row.last_modified.tzinfo is dt.UTC
        assert (bucket.tags, bucket.cors) == (None, [{"a": [1, None]}])
        total = session.scalar(select(func.sum(S3Object.size)))
        assert (total, type(total)) == (2**62, int)


def test_numbers_of_new_rows_increase_in_the_order_of_commits(database: Database, other: Database) -> None:
    for number, each in enumerate((database, other, database, other)):
        with each.transaction() as session:
            session.add(LogGroup(account="1", region="r", name=str(number), created_at=number))
    with database.reading() as session:
        assert list(session.scalars(select(LogGroup.name).order_by(LogGroup.group_id))) == ["0", "1", "2", "3"]


def test_a_row_that_others_refer_to_takes_them_with_it_and_names_are_unique(database: Database) -> None:
    with database.transaction() as session:
        group = streams.create_group(session, "1", "r", "g", 1)
        stream = streams.create_stream(session, group, "s", 1)
        session.add(LogEvent(stream_id=stream.stream_id, timestamp=2**41, ingested_at=1, message="x"))
    with database.transaction() as session:
        session.delete(session.query(LogGroup).one())
    with database.reading() as session:
        assert session.query(LogEvent).count() == 0


@pytest.mark.parametrize("odd", ["zero\0", "\0", "\ufffe", "\ufffe0\0\ufffe1", "a\ufffe1\0"])
def test_texts_with_any_character_return_as_they_were(database: Database, odd: str) -> None:
    with database.transaction() as session:
        session.add(account(odd, odd))
    with database.reading() as session:
        row = session.scalars(select(Account).where(Account.account == odd)).one()
        assert (row.account, row.name) == (odd, odd)
        assert session.scalars(select(Account).where(Account.account == f"{odd}\0")).all() == []
        size = session.scalar(select(ByteLength(Account.name)))
        # SQLite counts up to the first U+0000 of a text, unless it is cast, which is what the function does.
        assert size == len(odd.encode())


def test_functions_of_sql_give_the_same_results(database: Database) -> None:
    with database.reading() as session:
        texts = session.execute(select(ByteLength("aä\U0001f600"), Contains("abc", "bc"), Contains("abc", "B"))).one()
        assert tuple(texts) == (7, True, False)
        assert session.scalar(select(Dotted(10, 0, 255, "."))) == "10.0.255."


def test_a_write_that_changes_nothing_waits_no_longer_than_it_may(database: Database, other: Database) -> None:
    database.write_nothing(1)
    with database.transaction() as session:
        session.add(account("1"))
        session.flush()
        with pytest.raises(Exception, match=r"locked|lock timeout"):
            other.write_nothing(0.05)
    other.write_nothing(1)


def test_a_second_process_makes_no_second_set_of_tables(database: Database, other: Database) -> None:
    with database.transaction() as session:
        session.add(account("1"))
    other.create_tables()
    with other.reading() as session:
        assert numbers(session) == ["1"]
        assert session.query(Group).count() == 0


# Only PostgreSQL tells other processes by itself: a file of SQLite has one server.


def test_commits_of_other_processes_clear_caches() -> None:
    with ExitStack() as stack:
        name = stack.enter_context(postgresql.filled())
        here, there = (stack.enter_context(closing(postgresql.connected(name))) for _ in range(2))
        names: Kept[str, str] = Kept(here, Account)

        def read(number: str) -> str | None:
            with here.reading() as session:
                return session.scalar(select(Account.name).filter_by(account=number))

        with there.transaction() as session:
            session.add(account("1", "old"))
        told: list[frozenset[str]] = []
        here.on_commit(told.append)
        here.listen()
        eventually(lambda: told, what="it listens")
        assert names.get("1", read) == "old"
        with there.transaction() as session:
            session.get_one(Account, "1").name = "new"
        eventually(lambda: names.get("1", read) == "new")


def test_everything_counts_as_written_after_the_connection_was_lost() -> None:
    with postgresql.filled() as name, closing(postgresql.connected(name)) as here:
        told: list[frozenset[str]] = []
        here.on_commit(told.append)
        here.listen()
        eventually(lambda: len(told) == 1, what="it listens")
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = {0}"
        postgresql.server().run(end.replace("{0}", f"'{name}'"))
        eventually(lambda: len(told) == 2)
        assert "iam_accounts" in told[1]
