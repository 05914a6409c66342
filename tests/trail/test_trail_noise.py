"""Floods of unauthenticated requests to the whole product, and how log and trail record them and other requests."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from typer.testing import CliRunner

from reading_room.aws.call import NetworkPath
from reading_room.aws.errors import Throttling
from reading_room.aws.receive import PATH_KEY
from reading_room.cli import commands
from reading_room.clock import system_clock
from reading_room.trail.chain import FIRST, files_of, verify
from reading_room.trail.recording import Trail
from tests.trail.test_trail_product import World, denied
from tests.worlds.trail import record
from tests.worlds.waiting import eventually

pytestmark = pytest.mark.costs(0.6, reason="the whole product is made, and called a hundred times")

INSIDE = NetworkPath(vpc_id="vpc-1", vpc_source_ip="10.0.0.7")
FLOOD = 60
NOBODY = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
STRANGE = {"access_key_id": "ASIAAAAAAAAAAAAAAAAA", "secret_access_key": "x", "session_token": "y"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A product in this process."""
    world = World(tmp_path)
    yield world
    world.close()


def flood(call: Any, **parameters: Any) -> list[str]:
    """Make a call that is refused many times; return the error codes."""
    return [denied(call, **parameters)[0] for _ in range(FLOOD)]


def counted(world: World) -> list[tuple[int, str]]:
    """Return the numbers of counted refusals, with their codes."""
    world.product.access.refusals.report()
    events = [event for event in world.book("unidentified") if event.get("eventName") == "RequestsRefused"]
    details = [event["serviceEventDetails"] for event in events]
    return [(each["refused"], each["errorCode"]) for each in details]


def alone(world: World) -> list[dict[str, Any]]:
    """Return the refusals that are recorded individually."""
    return [event for event in world.book("unidentified") if event.get("eventName") not in (None, "RequestsRefused")]


def test_a_flood_of_unsigned_calls_is_counted_while_signed_ones_are_served(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    nobody = world.process.client("ec2", config=NOBODY)
    with caplog.at_level(logging.INFO):
        codes = flood(nobody.describe_vpcs)
        assert world.client("ec2").describe_vpcs()["Vpcs"]
        counts = counted(world)
    assert codes[0] == "MissingParameter"
    assert codes[-1] == "RequestLimitExceeded"
    one_by_one = alone(world)
    assert 20 <= len(one_by_one) < FLOOD
    assert len(one_by_one) + sum(number for number, _ in counts) == FLOOD
    assert "requests from 127.0.0.1 refused by ec2 with RequestLimitExceeded in the last second" in caplog.text
    assert len([each for each in caplog.records if "service=ec2" in each.getMessage()]) == len(one_by_one) + 1
    assert "DescribeVpcs" in [event["eventName"] for event in world.book("management")]
    assert not [event for event in world.book("management") if "errorCode" in event]


def test_wrong_signatures_and_unknown_keys_get_the_usual_errors_and_are_counted(world: World) -> None:
    wrong = world.client("ec2", **{**world.key, "secret_access_key": "wrong"})
    assert set(flood(wrong.describe_vpcs)) == {"AuthFailure"}
    assert set(flood(world.client("ec2", **STRANGE).describe_vpcs)) == {"AuthFailure"}
    assert sum(number for number, _ in counted(world)) + len(alone(world)) == 2 * FLOOD
    assert world.client("ec2").describe_vpcs()["Vpcs"]


def test_a_job_that_floods_storage_is_counted_while_others_read(world: World) -> None:
    """Denials of identified callers, and some of unidentified ones, still have all their reasons."""
    s3 = world.client("s3")
    s3.create_bucket(Bucket="papers")
    s3.put_object(Bucket="papers", Key="x", Body=b"content")
    nobody = world.inside.client("s3", scope={PATH_KEY: INSIDE}, config=NOBODY)
    codes = flood(nobody.get_object, Bucket="papers", Key="x")
    assert (codes[0], codes[-1]) == ("AccessDenied", "SlowDown")
    reader = world.inside.client("s3", scope={PATH_KEY: INSIDE}, **world.key)
    assert reader.get_object(Bucket="papers", Key="x")["Body"].read() == b"content"
    poor = world.inside.client("s3", scope={PATH_KEY: INSIDE}, **world.user("poor"))
    _, _, request_id = denied(poor.get_object, Bucket="papers", Key="x")
    assert "s3:GetObject" in world.explained(request_id)
    assert [each["requestID"] for each in world.book("denials")] == [request_id]
    (first, *_) = alone(world)
    assert "anonymous" in world.explained(first["requestID"])
    assert sum(number for number, _ in counted(world)) + len(alone(world)) == FLOOD
    sources = {event["sourceIPAddress"] for event in world.book("unidentified") if "sourceIPAddress" in event}
    assert sources == {"10.0.0.7"}
    names = [event["eventName"] for event in world.book("data") if event["eventName"] == "GetObject"]
    assert len(names) == 2


def test_a_thousand_refused_deletions_in_one_call_write_little(world: World) -> None:
    """The response is 200 with a thousand errors, so the call looks accepted."""
    world.client("s3").create_bucket(Bucket="papers")
    keys = {"Objects": [{"Key": str(number)} for number in range(1000)]}
    answer = world.process.client("s3", config=NOBODY).delete_objects(Bucket="papers", Delete=keys)
    assert len(answer["Errors"]) == 1000
    eventually(lambda: alone(world))
    assert world.book("data") == world.book("denials") == []
    assert len(world.book("unidentified")) == 11


def test_calls_that_a_policy_allows_everyone_are_recorded_individually(world: World) -> None:
    s3 = world.client("s3")
    s3.create_bucket(Bucket="papers")
    s3.delete_public_access_block(Bucket="papers")
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::papers/*"]}
    s3.put_bucket_policy(Bucket="papers", Policy=json.dumps({"Version": "2012-10-17", "Statement": statement}))
    nobody = world.process.client("s3", config=NOBODY)
    nobody.put_object(Bucket="papers", Key="x", Body=b"content")
    for _ in range(FLOOD):
        assert nobody.get_object(Bucket="papers", Key="x")["Body"].read() == b"content"
    eventually(lambda: len([e for e in world.book("data") if e["eventName"] == "GetObject"]) == FLOOD)
    assert world.book("unidentified") == []


def test_the_book_of_unidentified_requests_is_verified_like_the_others(world: World) -> None:
    flood(world.process.client("ec2", config=NOBODY).describe_vpcs)
    counted(world)
    done = CliRunner().invoke(commands.app, ["access", "verify-trail", "--data", str(world.data)])
    assert done.exit_code == 0, done.output
    assert "unidentified" in done.output
    assert verify(world.data / "trail", "unidentified").last_digest != FIRST


def test_unidentified_requests_fill_only_their_own_book(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    trail = Trail(folder=tmp_path / "trail", clock=system_clock, days=90, most_unidentified=20_000)
    for _ in range(50):
        trail.record(record(principal=None, access_key_id=None, error=Throttling()))
        assert trail.flush()
    trail.record(record())
    trail.close()
    sizes = {
        book: sum(path.stat().st_size for _, path in files_of(tmp_path / "trail", book))
        for book in ("management", "unidentified")
    }
    assert 0 < sizes["unidentified"] <= 20_000
    assert verify(tmp_path / "trail", "management").lines == 1
    assert "raise READING_ROOM_TRAIL_UNIDENTIFIED_BYTES" in caplog.text
