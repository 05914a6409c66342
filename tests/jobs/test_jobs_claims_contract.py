"""The contract of ``claim`` for every database engine: no piece of work has two holders, and the last claim counts.

No test reads a table: pieces are registered, claimed and finished only through the functions.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from reading_room.database.address import address_of
from reading_room.database.engine import Database
from reading_room.jobs.claims import Claim, claim
from reading_room.jobs.parts import finish, register, states
from tests.worlds import postgresql
from tests.worlds.parts import JOB, NOW, add_job, digest_of, result_of
from tests.worlds.waiting import DEADLINE

pytestmark = pytest.mark.costs(0.4, reason="PostgreSQL's server copies a database for each test")
LEASE = dt.timedelta(seconds=30)
PARTS = 60
Opener = Callable[[], Database]


def open_sqlite_file(folder: str) -> Database:
    """Open the database file of a folder, as another process would."""
    return Database.open(Path(folder) / "db.sqlite")


def open_postgresql(folder: str) -> Database:
    """Connect to the database of a folder, as another process would."""
    return Database.connect(address_of(Path(folder, "address").read_text()))


ENGINES: dict[str, Callable[[str], Database]] = {"sqlite-file": open_sqlite_file, "postgresql": open_postgresql}


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    """The name of the engine under test."""
    return str(request.param)


@pytest.fixture
def database(engine: str, tmp_path: Path) -> Iterator[Database]:
    """A database of the engine with one job whose parts have no holder: attempt 0 has ended."""
    with ExitStack() as stack:
        if engine == "postgresql":
            name = stack.enter_context(postgresql.filled())
            (tmp_path / "address").write_text(postgresql.server().address(name).url)
        database = stack.enter_context(closing(ENGINES[engine](str(tmp_path))))
        if engine == "sqlite-file":
            database.create_tables()
        add_job(database)
        with database.transaction() as session:
            register(session, JOB, 0, "nobody", digest_of("plan"), [(1, None)] * PARTS, NOW)
        yield database


def claimed(
    database: Database,
    holder: str,
    limit: int = PARTS,
    attempt: int = 1,
    now: dt.datetime = NOW,
    lease: dt.timedelta = LEASE,
) -> list[Claim]:
    """Claim in a separate transaction."""

    def function(session: Session) -> list[Claim]:
        return claim(session, "parts", holder, job_id=JOB, attempt=attempt, now=now, lease=lease, limit=limit)

    return database.write(function, by_row_locks=True)


def finished(database: Database, holder: str, each: Claim, by: str = "") -> bool:
    """Finish in a separate transaction."""

    def function(session: Session) -> bool:
        return finish(session, JOB, each.number, holder, each.fence, result_of(each.number, by=by or holder))

    return database.write(function, by_row_locks=True)


def claim_until_nothing_is_left(database: Database, holder: str) -> list[Claim]:
    """Claim a few pieces at a time until none is left."""
    own: list[Claim] = []
    while some := claimed(database, holder, limit=2):
        own += some
    return own


def test_the_lowest_free_numbers_are_given_and_each_claim_raises_the_fence(database: Database) -> None:
    first = claimed(database, "a", limit=2)
    assert [each.number for each in first] == [0, 1]
    assert [each.number for each in claimed(database, "b", limit=3)] == [2, 3, 4]
    again = claimed(database, "c", limit=1, attempt=2)
    assert again == [Claim(0, first[0].fence + 1)]
    assert claimed(database, "d", limit=0) == []


def test_a_claimed_piece_cannot_be_claimed_by_others_until_the_lease_ends(database: Database) -> None:
    own = claimed(database, "a")
    assert len(own) == PARTS
    almost = NOW + LEASE - dt.timedelta(microseconds=1)
    assert claimed(database, "b", now=almost) == []
    assert claimed(database, "a", now=almost) == []
    late = claimed(database, "b", now=NOW + LEASE)
    assert [(each.number, each.fence) for each in late] == [(each.number, each.fence + 1) for each in own]


def test_a_later_attempt_takes_over_at_once_and_an_earlier_one_never(database: Database) -> None:
    assert len(claimed(database, "a", attempt=1)) == PARTS
    assert len(claimed(database, "b", attempt=2)) == PARTS
    assert claimed(database, "a", attempt=1, now=NOW + 10 * LEASE) == []


def test_a_finished_piece_is_never_claimed_again(database: Database) -> None:
    own = claimed(database, "a")
    assert all(finished(database, "a", each) for each in own[:-1])
    assert [each.number for each in claimed(database, "b", attempt=2)] == [PARTS - 1]


def test_a_late_finisher_changes_nothing(database: Database) -> None:
    (old,) = claimed(database, "a", limit=1)
    (new,) = claimed(database, "b", limit=1, now=NOW + LEASE)
    assert new.number == old.number
    assert not finished(database, "a", old)
    assert not finished(database, "a", new), "another's fence is no proof"
    assert finished(database, "b", new)
    assert not finished(database, "a", old)
    with database.reading() as session:
        assert states(session, JOB)[old.number].done == result_of(old.number, by="b")


def test_a_late_holder_that_was_not_replaced_can_still_finish(database: Database) -> None:
    own = claimed(database, "a", limit=2)
    assert [each.number for each in claimed(database, "b", limit=1, now=NOW + 2 * LEASE)] == [own[0].number]
    assert [finished(database, "a", each) for each in own] == [False, True]


def test_finishing_again_is_allowed_and_another_result_is_refused(database: Database) -> None:
    (own,) = claimed(database, "a", limit=1)
    assert finished(database, "a", own, by="first")
    assert finished(database, "a", own, by="first")
    assert not finished(database, "a", own, by="second")
    with database.reading() as session:
        assert states(session, JOB)[0].done == result_of(0, by="first")


def test_a_rolled_back_claim_has_no_effect(database: Database) -> None:
    def claim_and_fail(session: Session) -> None:
        assert claim(session, "parts", "a", job_id=JOB, attempt=1, now=NOW, lease=LEASE, limit=5)
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        database.write(claim_and_fail, by_row_locks=True)
    assert [each.number for each in claimed(database, "b", limit=5)] == [0, 1, 2, 3, 4]


def test_nothing_can_be_claimed_of_an_unknown_job_or_kind(database: Database) -> None:
    with database.transaction() as session:
        assert claim(session, "parts", "a", job_id="none", attempt=1, now=NOW, lease=LEASE, limit=5) == []
        with pytest.raises(ValueError, match="'jobs'"):
            claim(session, "jobs", "a", job_id=JOB, attempt=1, now=NOW, lease=LEASE, limit=5)  # type: ignore[arg-type]


def test_many_threads_share_the_work_without_claiming_a_piece_twice(database: Database) -> None:
    names = [f"thread-{number}" for number in range(8)]
    shares: dict[str, list[Claim]] = {}
    begin = threading.Barrier(len(names))

    def work(name: str) -> None:
        begin.wait()
        shares[name] = claim_until_nothing_is_left(database, name)

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = Counter(each.number for share in shares.values() for each in share)
    assert counts == Counter(range(PARTS))


# Other processes, which open the database themselves.


def share_of_a_process(engine: str, folder: str, holder: str, results: Connection) -> None:
    """Claim until nothing is left, and report the numbers."""
    database = ENGINES[engine](folder)
    results.send("ready")
    results.recv()
    results.send([each.number for each in claim_until_nothing_is_left(database, holder)])


def claim_and_hang(engine: str, folder: str, holder: str, commits: bool, results: Connection) -> None:
    """Claim five pieces, report it before or after the commit, and hang."""
    database = ENGINES[engine](folder)

    def function(session: Session) -> list[Claim]:
        own = claim(session, "parts", holder, job_id=JOB, attempt=1, now=NOW, lease=LEASE, limit=5)
        if not commits:
            results.send([each.fence for each in own])
            results.recv()
        return own

    own = database.write(function, by_row_locks=True)
    results.send([each.fence for each in own])
    results.recv()


def started(target: Callable[..., None], *arguments: object) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    """Start a process that shares only a pipe with this one."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=target, args=(*arguments, there), daemon=True)
    process.start()
    there.close()
    return process, here


@pytest.mark.costs(2, reason="three processes are started that load the product's code")
def test_processes_share_the_work_without_claiming_a_piece_twice(
    engine: str, database: Database, tmp_path: Path
) -> None:
    running = [started(share_of_a_process, engine, str(tmp_path), f"process-{number}") for number in range(3)]
    for _, results in running:
        assert results.recv() == "ready"
    for _, results in running:
        results.send("go")
    numbers = [number for _, results in running for number in results.recv()]
    for process, _ in running:
        process.join()
    assert sorted(numbers) == list(range(PARTS))


@pytest.mark.costs(0.5, reason="a process is started that loads the product's code")
@pytest.mark.parametrize("commits", [False, True], ids=["before its commit", "after its commit"])
def test_a_killed_claimant_holds_nothing_longer_than_its_lease(
    engine: str, database: Database, tmp_path: Path, commits: bool
) -> None:
    process, results = started(claim_and_hang, engine, str(tmp_path), "victim", commits)
    fences = results.recv()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    database.write_nothing(DEADLINE)  # The database has noticed it.
    at_once = [each.number for each in claimed(database, "heir", limit=5)]
    assert at_once == ([5, 6, 7, 8, 9] if commits else [0, 1, 2, 3, 4])
    if commits:
        late = claimed(database, "heir", limit=5, now=NOW + LEASE)
        assert [each.number for each in late][:5] == [0, 1, 2, 3, 4]
        assert [each.fence for each in late] == [fence + 1 for fence in fences]
        assert not finished(database, "victim", Claim(0, fences[0]))
