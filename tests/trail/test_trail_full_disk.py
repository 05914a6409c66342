"""Calls that the trail would have to record are refused while it cannot be written; afterwards, everything works again.

In all of these tests the kernel or SQLite really refuses the writes: the trail's folder is not a folder, or the process
has a file size limit.
"""

from __future__ import annotations

import datetime as dt
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError
from sqlalchemy.exc import OperationalError

from reading_room.aws.call import Call, NetworkPath
from reading_room.aws.errors import ServiceUnavailable, ServiceUnavailableException
from reading_room.full_disk import is_full
from reading_room.reconcile import Loop
from reading_room.trail.journal import Journal, Limits
from reading_room.trail.recording import Trail
from tests.trail.test_trail_kept_heads import plain
from tests.trail.test_trail_product import World
from tests.worlds.full_disk import files_of_at_most
from tests.worlds.trail import USER, Clock, record
from tests.worlds.waiting import DEADLINE, eventually

EAGER = Limits(batch_seconds=0.001, sync_seconds=0.001, retry_seconds=0.01)


@contextmanager
def blocked(folder: Path) -> Iterator[None]:
    """Prevent writes to the trail's folder, by moving the folder away and putting a file in its place."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.write_bytes(b"")
    try:
        yield
    finally:
        folder.unlink()
        aside.rename(folder)


def test_calls_are_refused_until_the_trail_can_be_written_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(tmp_path / "trail", plain, Clock(), 90, limits=EAGER)
    (tmp_path / "trail").write_bytes(b"")
    assert journal.refusal("management") is None
    journal.hand_over("a", 1)
    eventually(lambda: journal.refusal("management") is not None, what="a refusal")
    (tmp_path / "trail").unlink()
    eventually(lambda: journal.refusal("management") is None, what="the end of it")
    assert journal.flush()
    journal.close()
    logged = [each.getMessage() for each in caplog.records]
    assert sum("cannot be written" in text for text in logged) == 1
    assert sum("is written again" in text for text in logged) == 1


def test_what_comes_while_the_disk_refuses_other_events_is_written_when_it_takes_them(tmp_path: Path) -> None:
    """Even if nothing comes afterwards, as when the service ends: its end waits for the last event."""
    at_once = Limits(batch_seconds=0.001, sync_seconds=0.0, retry_seconds=0.01)
    journal = Journal(tmp_path / "trail", plain, Clock(), 90, limits=at_once)
    (tmp_path / "trail").write_bytes(b"")
    journal.hand_over("a", 1)
    eventually(lambda: journal.refusal("management") is not None, what="a refusal")
    journal.hand_over("b", 1)
    (tmp_path / "trail").unlink()
    assert journal.flush(DEADLINE)
    journal.close()


def test_a_nearly_full_disk_refuses_calls_before_a_record_is_lost(tmp_path: Path) -> None:
    reserved = Journal(tmp_path, plain, Clock(), 90, limits=Limits(reserve=1 << 60))
    assert reserved.refusal("management") == "the disk is full"
    assert Journal(tmp_path, plain, Clock(), 90).refusal("management") is None


def test_calls_are_refused_when_too_many_records_wait(tmp_path: Path) -> None:
    journal = Journal(tmp_path, plain, Clock(), 90, limits=Limits(items=3, batch_seconds=60))
    for item in "abc":
        assert journal.refusal("management") is None
        journal.hand_over(item, 1)
    assert journal.refusal("management") == "calls come faster than the disk takes their records"
    journal.close()


def test_a_full_book_refuses_its_calls_until_tomorrow(tmp_path: Path) -> None:
    clock = Clock()
    trail = Trail(folder=tmp_path / "trail", clock=clock, days=90, most=100)
    trail.record(record())
    assert trail.flush()
    with pytest.raises(ServiceUnavailable, match="its book management has reached its size for today"):
        trail.check("ec2", "DescribeVpcs")
    trail.check("s3", "GetObject")
    trail.check("logs", "PutLogEvents")
    clock.now += dt.timedelta(days=1)
    trail.check("ec2", "DescribeVpcs")
    trail.close()


@pytest.mark.parametrize(("service", "kind"), [("s3", ServiceUnavailable), ("logs", ServiceUnavailableException)])
def test_the_refusal_has_the_form_of_the_service(tmp_path: Path, service: str, kind: type[ServiceUnavailable]) -> None:
    trail = Trail(folder=tmp_path / "trail", clock=Clock(), days=90, most=1)
    trail.record(record(service=service, operation="CreateBucket" if service == "s3" else "CreateLogGroup"))
    assert trail.flush()
    with pytest.raises(kind) as refused:
        trail.check(service, "ListBuckets")
    assert (refused.value.code, refused.value.status) == (kind.code, 503)
    trail.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A product in this process, with a trail."""
    world = World(tmp_path)
    world.client("s3").create_bucket(Bucket="papers")
    world.client("s3").put_object(Bucket="papers", Key="a", Body=b"hello")
    world.product.access.trail.flush()
    yield world
    world.close()


def code_of(call: Callable[..., Any], **parameters: Any) -> tuple[str, int]:
    """Make a call that is refused; return its error code and status."""
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    response = refused.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def until_refused(call: Callable[[int], Any]) -> tuple[str, int]:
    """Make calls until one is refused, since some pages still have room; return its error code and status."""
    for number in range(100):
        try:
            call(number)
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError("nothing was refused")


def readiness(world: World) -> tuple[int, bytes]:
    """Return the status and the body of the readiness page."""
    response = world.process.send(AWSRequest("GET", "http://127.0.0.1/_reading_room/ready").prepare())
    return response.status_code, response.content


@pytest.mark.costs(0.6, reason="the whole product is made, and its trail fails and comes back")
def test_refused_calls_change_nothing_while_the_trail_cannot_be_written(world: World) -> None:
    ec2, s3, iam = world.client("ec2"), world.client("s3"), world.client("iam")
    before = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]]
    assert world.product.access.trail.flush()
    with blocked(world.data / "trail"):
        world.product.access.trail._journal._books.clear()  # The files that are open would still be written.
        ec2.describe_vpcs()
        eventually(lambda: world.product.access.trail.fault() is not None, what="a trail that is known to fail")
        refusals = [
            code_of(ec2.describe_vpcs),
            code_of(ec2.create_vpc, CidrBlock="10.9.0.0/16"),
            code_of(iam.create_user, UserName="nora"),
            code_of(s3.put_object, Bucket="papers", Key="b", Body=b"x"),
            code_of(s3.get_object, Bucket="papers", Key="a"),
            code_of(s3.list_buckets),
            code_of(world.client("logs").create_log_group, logGroupName="g"),
            code_of(world.client("comprehend").list_entities_detection_jobs),
        ]
        assert set(refusals) == {("ServiceUnavailable", 503), ("ServiceUnavailableException", 503)}
        # The service's own calls are refused, too.
        own = Call("ec2", "DescribeVpcs", {}, USER, USER.account, "us-east-1", NetworkPath(secure=True), "a request")
        with pytest.raises(ServiceUnavailable, match="Calls that cannot be recorded"):
            world.product.dispatcher.act(own)
        # Unauthenticated calls get their usual error, and calls that are not recorded are answered.
        wrong = {**world.key, "secret_access_key": "wrong"}
        assert code_of(world.client("ec2", **wrong).describe_vpcs)[0] == "AuthFailure"
        live = world.process.send(AWSRequest("GET", "http://127.0.0.1/_reading_room/live").prepare())
        assert live.status_code == 200
        status, page = readiness(world)
        assert (status, b"calls are refused, as they cannot be recorded" in page) == (503, True)
    eventually(lambda: world.product.access.trail.fault() is None, what="a trail that is written again")
    assert [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]] == before
    assert [each["Key"] for each in s3.list_objects_v2(Bucket="papers")["Contents"]] == ["a"]
    iam.create_user(UserName="nora")
    # The refused calls are recorded as well.
    refused = {event["errorCode"] for event in world.book("management") if event["eventName"] == "CreateVpc"}
    assert refused == {"Server.ServiceUnavailable"}


@pytest.mark.costs(0.6, reason="the whole product is made, with a database that may not grow")
def test_a_full_database_is_a_service_error_without_a_traceback(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    iam, s3 = world.client("iam"), world.client("s3")
    with full(world):
        assert until_refused(lambda n: s3.put_object(Bucket="papers", Key=f"b{n}" * 50, Body=b"x" * 4000)) == (
            "InsufficientCapacity",
            507,
        )
        assert until_refused(lambda n: iam.create_user(UserName=f"nora-{n}", Path=f"/{'p' * 400}/")) == (
            "ServiceUnavailable",
            503,
        )
        assert s3.get_object(Bucket="papers", Key="a")["Body"].read() == b"hello"
    s3.put_object(Bucket="papers", Key="b", Body=b"x" * 9000)
    iam.create_user(UserName="nora")
    assert "database or disk is full" in caplog.text
    assert not any(each.exc_info for each in caplog.records)


@contextmanager
def full(world: World) -> Iterator[None]:
    """Let the database have no more pages, which is like a full disk for SQLite."""
    engine = world.database.engine
    with closing(engine.raw_connection()) as connection:
        pages = connection.cursor().execute("PRAGMA page_count").fetchone()[0]

    def limit(most: int) -> None:
        connections = [engine.raw_connection() for _ in range(20)]
        for each in connections:
            each.cursor().execute(f"PRAGMA max_page_count = {most}")
        for each in connections:
            each.close()

    limit(pages)
    try:
        yield
    finally:
        limit(1 << 30)


def test_errors_of_a_full_disk_are_distinguished_from_others(tmp_path: Path) -> None:
    with files_of_at_most(10), pytest.raises(OSError) as too_large:
        (tmp_path / "file").write_bytes(b"x" * 100)
    assert is_full(too_large.value)
    assert is_full(OSError(28, "No space left on device"))
    assert is_full(OSError(122, "Disk quota exceeded"))
    assert not is_full(OSError(5, "Input/output error"))
    assert not is_full(ValueError("full"))
    with closing(sqlite3.connect(tmp_path / "db")) as connection:
        connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(sqlite3.OperationalError) as of_sqlite:
            connection.execute("CREATE TABLE t (a)")
        assert is_full(of_sqlite.value)
        assert is_full(OperationalError("statement", {}, of_sqlite.value))
        with pytest.raises(sqlite3.OperationalError) as other:
            connection.execute("SELECT * FROM nothing")
        assert not is_full(other.value)


def test_a_loop_logs_a_full_disk_in_one_line_and_continues(caplog: pytest.LogCaptureFixture) -> None:
    turns: list[None] = []

    def turn() -> None:
        turns.append(None)
        if len(turns) == 1:
            raise OSError(28, "No space left on device")

    loop = Loop("test", turn, every=60, retry=0.001)
    loop.start()
    eventually(lambda: len(turns) > 1, what="another turn")
    loop.stop()
    (logged,) = [each for each in caplog.records if "found the disk full" in each.getMessage()]
    assert logged.exc_info is None
