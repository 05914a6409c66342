"""PostgreSQL against SQLite: calls that read and write, and claims of parts. Needs the server that the tests use.

Both databases are asked in turn in this process, so that the machine's other load affects both. The server syncs.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from multiprocessing.queues import SimpleQueue
from pathlib import Path

from sqlalchemy.orm import Session

from bench.report import Row, median, record
from reading_room.database.address import address_of
from reading_room.database.engine import Database
from reading_room.jobs.claims import Claim, claim
from reading_room.jobs.parts import finish, register
from tests.worlds import databases, postgresql
from tests.worlds.ec2 import ACCOUNT, Ec2World
from tests.worlds.parts import JOB, NOW, add_job, digest_of, result_of

ROUNDS = int(os.environ.get("BENCH_POSTGRESQL_ROUNDS", "60"))
VPCS = 100
CLAIMANTS, PARTS = 4, int(os.environ.get("BENCH_POSTGRESQL_PARTS", "2000"))


def main() -> None:
    """Measure and record."""
    programs = postgresql.programs()
    if programs is None:
        raise SystemExit("PostgreSQL is not installed: as root, scripts/setup unpacks it into .venv")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = postgresql.Server(programs, fsync="on", synchronous_commit="on", full_page_writes="on")
        stack.callback(server.close)
        name = server.new()
        address = server.address(name)
        with closing(Database.connect(address, sealer=databases.SEALER)) as database:
            databases.fill(database, ACCOUNT)
        rows = [*_calls(folder, address.url), _claims(address.url)]
    record("PostgreSQL", rows)


def _calls(folder: Path, url: str) -> list[Row]:
    with ExitStack() as stack:
        was = Ec2World(folder)
        now = Ec2World(folder, opened=partial(Database.connect, address_of(url), sealer=databases.SEALER))
        clients = []
        for world in (was, now):
            stack.callback(world.close)
            client = world.client()
            for _ in range(VPCS - 1):
                client.create_vpc(CidrBlock="10.0.0.0/16")
            clients.append((client, client.describe_vpcs()["Vpcs"][0]["VpcId"]))
        calls: dict[str, Callable[[int, int], object]] = {
            f"DescribeVpcs of {VPCS}": lambda which, _: clients[which][0].describe_vpcs(),
            "CreateTags": lambda which, n: clients[which][0].create_tags(
                Resources=[clients[which][1]], Tags=[{"Key": f"k{n % 40}", "Value": str(n)}]
            ),
            "CreateVpc": lambda which, _: clients[which][0].create_vpc(CidrBlock="10.0.0.0/16"),
        }
        return [_pair(what, call) for what, call in calls.items()]


def _pair(what: str, call: Callable[[int, int], object]) -> Row:
    spent: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS):
        for which in (0, 1) if number % 2 else (1, 0):
            began = time.perf_counter()
            call(which, number)
            spent[which].append(time.perf_counter() - began)
    lite, post = median(spent[0]), median(spent[1])
    bar = "at most 1.5 ×" if what.startswith("Describe") else "reported"
    how = f"medians of {ROUNDS} calls in this process, in turn"
    return Row(f"{what}, relative to SQLite", f"{post / lite:.2f} × ({post * 1e3:.1f} ms)", bar, how)


def _claims(url: str) -> Row:
    with closing(Database.connect(address_of(url))) as database:
        add_job(database)
        with database.transaction() as session:
            register(session, JOB, 0, "nobody", digest_of("plan"), [(1, None)] * PARTS, NOW)
    context = multiprocessing.get_context("spawn")
    results: SimpleQueue[int] = context.SimpleQueue()
    workers = [context.Process(target=_work, args=(url, f"holder-{n}", results)) for n in range(CLAIMANTS)]
    for worker in workers:
        worker.start()
    for _ in workers:
        results.get()  # It is connected.
    began = time.perf_counter()
    done = sum(results.get() for _ in workers)
    seconds = time.perf_counter() - began
    for worker in workers:
        worker.join()
    assert done == PARTS, done
    how = f"{CLAIMANTS} processes, one part at a time, {PARTS} parts; from the first process that is ready to the last"
    return Row("Claims and completions of parts", f"{done / seconds:.0f} a second", "at least 300 a second", how)


def _work(url: str, holder: str, results: SimpleQueue[int]) -> None:
    lease, done = dt.timedelta(hours=1), 0

    def take(session: Session) -> list[Claim]:
        return claim(session, "parts", holder, job_id=JOB, attempt=1, now=NOW, lease=lease, limit=1)

    with closing(Database.connect(address_of(url))) as database:
        results.put(0)
        while True:
            taken = database.write(take, by_row_locks=True)
            if not taken:
                results.put(done)
                return
            done += database.write(partial(_finish, taken[0], holder), by_row_locks=True)


def _finish(own: Claim, holder: str, session: Session) -> bool:
    return finish(session, JOB, own.number, holder, own.fence, result_of(own.number, by=holder))
