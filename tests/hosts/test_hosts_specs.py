"""The spec of a host, and the effects of an agent's messages."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence, Set
from pathlib import Path
from typing import Any

import pytest

import reading_room.wiring.server  # noqa: F401 # declares every table
from reading_room.agent.frames import Greeting
from reading_room.agent.spec import HostReport, HostSpec
from reading_room.containers.spec import RealtimeSpec
from reading_room.database.engine import Database
from reading_room.database.opening import open_database
from reading_room.dataplane.spec import FlowEvent, ListenerLabel, Problem
from reading_room.hosts.desired import DesiredHosts
from reading_room.hosts.listeners import VpcListeners
from reading_room.hosts.names import VpcNames
from reading_room.hosts.realtime import RealtimePool
from reading_room.hosts.server_side import ServerSide
from reading_room.jobs.submission import NewJob, submit
from reading_room.settings import Settings
from reading_room.vpc.endpoints.resolver import ADDRESS, Found
from reading_room.vpc.tables import Vpc
from reading_room.vpc.vpcs import service_network
from tests.worlds.databases import SEALER


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database with the service's own network in it."""
    database = open_database(tmp_path, SEALER)
    with database.transaction() as session:
        service_network.ensure(session, "us-east-1")
    yield database
    database.close()


def only(desired: DesiredHosts) -> HostSpec:
    """Return the spec of the one host."""
    ((host, spec),) = desired.read().items()
    assert host == spec.host == "local"
    return spec


def test_an_unchanged_spec_is_the_same_object_and_a_change_raises_its_generation(database: Database) -> None:
    realtime: list[RealtimeSpec] = []
    desired = DesiredHosts(database=database, settings=Settings(), host="local", realtime=lambda _: tuple(realtime))
    first = only(desired)
    assert only(desired) is first
    realtime.append(RealtimeSpec("rt-0123456789abcdef", "000000000001", "entities-en"))
    second = only(desired)
    assert second.generation > first.generation
    assert second.realtime == tuple(realtime)
    assert {each.engine: each.count for each in second.standby} == {"entities-en": 1, "dominant-language": 1}


def submit_job(database: Database, engine: str, at: dt.datetime) -> None:
    job_id = secrets.token_hex(16)
    new = NewJob(
        job_id=job_id,
        account="000000000001",
        region="us-east-1",
        kind="sentiment-detection-job",
        arn=f"arn:aws:comprehend:us-east-1:000000000001:sentiment-detection-job/{job_id}",
        role_arn="arn:aws:iam::000000000001:role/reader",
        engine=engine,
        analysis="sentiment",
        input_uri="s3://bucket/in",
        input_format="ONE_DOC_PER_LINE",
        output_uri="s3://bucket/out/output.tar.gz",
        document_limit=5120,
        parameters={},
    )
    with database.transaction() as session:
        submit(session, new, at)


def test_at_most_two_engines_of_recent_jobs_wait_too(database: Database) -> None:
    now = dt.datetime(2026, 11, 25, 12, 0, tzinfo=dt.UTC)
    moment = [now]
    desired = DesiredHosts(
        database=database, settings=Settings(), host="local", realtime=lambda _: (), clock=lambda: moment[0]
    )

    def waiting() -> list[str]:
        return [each.engine for each in only(desired).standby]

    assert waiting() == ["entities-en", "dominant-language"]
    for seconds, engine in enumerate(("key-phrases-en", "entities-en", "sentiment-en", "topics")):
        submit_job(database, engine, now + dt.timedelta(seconds=seconds))
    assert waiting() == ["entities-en", "dominant-language", "topics", "sentiment-en"]
    moment[0] = now + dt.timedelta(minutes=15, seconds=2.5)
    assert waiting() == ["entities-en", "dominant-language", "topics"]
    moment[0] = now + dt.timedelta(minutes=16)
    assert waiting() == ["entities-en", "dominant-language"]


def test_a_restarted_server_continues_above_its_earlier_generations(database: Database) -> None:
    first = only(DesiredHosts(database=database, settings=Settings(), host="local", realtime=lambda _: ()))
    assert (
        only(DesiredHosts(database=database, settings=Settings(), host="local", realtime=lambda _: ())).generation
        >= first.generation
    )


def test_a_process_that_leads_again_continues_above_the_generations_of_the_leader_between(database: Database) -> None:
    def process() -> DesiredHosts:
        return DesiredHosts(database=database, settings=Settings(), host="local", realtime=lambda _: ())

    again, between = process(), process()
    first = only(again)
    while only(between).generation <= first.generation:
        between = process()  # It began in the same millisecond.
    again.begin()
    assert only(again).generation >= only(between).generation


def test_a_server_that_starts_after_the_clock_was_set_back_continues_above_what_the_agent_reports(
    database: Database,
) -> None:
    desired = DesiredHosts(database=database, settings=Settings(), host="local", realtime=lambda _: ())
    in_force = HostReport("local", only(desired).generation + 3_600_000)
    assert desired.behind(in_force)
    assert only(desired).generation > in_force.generation
    assert only(desired) is only(desired)
    assert not desired.behind(in_force)


def test_names_follow_the_tables_at_once(database: Database) -> None:
    names = VpcNames(database)
    with database.reading() as session:
        vpc_id = service_network.ensure(session, "us-east-1").vpc_id
    found = names.look_up(vpc_id, "bucket.s3.amazonaws.com", ADDRESS)
    assert found is not None
    assert found.records is not None
    assert [value for _, _, value in found.records] == ["52.216.0.10"]
    with database.transaction() as session:
        session.get_one(Vpc, vpc_id).enable_dns_support = False
    assert names.look_up(vpc_id, "bucket.s3.amazonaws.com", ADDRESS) is None
    assert names.look_up("vpc-nobody", "bucket.s3.amazonaws.com", ADDRESS) is None


class Heard:
    """The receivers of an agent's messages."""

    def __init__(self) -> None:
        self.words: list[tuple[str, Any]] = []

    def report(self, report: HostReport) -> None:
        self.words.append(("report", report.generation))

    def flows(self, events: Sequence[FlowEvent]) -> None:
        self.words.append(("flows", len(events)))

    def seen(self, interfaces: Set[str]) -> None:
        self.words.append(("seen", sorted(interfaces)))

    def gone(self, interface: str) -> None:
        self.words.append(("gone", interface))

    def replaced(self) -> None:
        self.words.append(("replaced", None))


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a separate thread, like the server's."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


@pytest.fixture
def server_side(loop: asyncio.AbstractEventLoop) -> Callable[[Heard], tuple[ServerSide, VpcListeners]]:
    """Make a server's side with its listeners."""

    async def s3(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("nobody calls")

    class Silent:
        def look_up(self, vpc_id: str, name: str, kind: int) -> Found | None:
            return None

        def expects(self, *_: Any) -> bool:
            raise AssertionError("nobody calls")

        def handle(self, *_: Any) -> Any:
            raise AssertionError("nobody calls")

    def make(heard: Heard) -> tuple[ServerSide, VpcListeners]:
        listeners = VpcListeners(
            s3=s3, api=s3, resolver=Silent(), credentials=Silent(), certificate=lambda endpoint: ""
        )
        pool = RealtimePool(lambda: None)
        return ServerSide(
            loop=loop,
            listeners=listeners,
            realtime=pool,
            take_report=heard.report,
            take_flows=heard.flows,
            interfaces_seen=heard.seen,
            interface_gone=heard.gone,
            agent_replaced=heard.replaced,
        ), listeners

    return make


def test_a_new_agent_that_replaces_another_is_reported(
    server_side: Callable[[Heard], tuple[ServerSide, VpcListeners]],
) -> None:
    heard = Heard()
    side, _ = server_side(heard)
    side.connected(Greeting())
    assert heard.words == []
    side.disconnected()
    side.connected(Greeting())
    assert heard.words == [("replaced", None)]


def test_new_and_removed_interfaces_are_reported_before_the_report_is_handled(
    server_side: Callable[[Heard], tuple[ServerSide, VpcListeners]],
) -> None:
    heard = Heard()
    side, _ = server_side(heard)
    side.report(HostReport("local", 1, interfaces=("eni-1",)))
    side.flows([])
    side.report(HostReport("local", 2))
    assert heard.words == [("seen", ["eni-1"]), ("report", 1), ("flows", 0), ("gone", "eni-1"), ("report", 2)]


def test_a_problem_is_logged_once_and_again_after_it_was_gone(
    server_side: Callable[[Heard], tuple[ServerSide, VpcListeners]], caplog: pytest.LogCaptureFixture
) -> None:
    side, _ = server_side(Heard())
    broken = HostReport("local", 1, problems=(Problem("vpc-1", "no namespace"),))
    for report in (broken, broken, HostReport("local", 2), broken):
        side.report(report)
    assert sum("vpc-1: no namespace" in record.message for record in caplog.records) == 2


def test_listeners_are_known_until_the_agent_sends_others(
    server_side: Callable[[Heard], tuple[ServerSide, VpcListeners]], loop: asyncio.AbstractEventLoop
) -> None:
    side, listeners = server_side(Heard())
    label = ListenerLabel("vpc-1", "endpoint-http", "127.0.0.1", 20_000, "vpce-1")

    def known() -> frozenset[ListenerLabel]:
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(5)
        return listeners.labels

    side.listeners((label,))
    assert known() == {label}
    side.disconnected()
    assert known() == {label}
    side.listeners(())
    assert known() == frozenset()
