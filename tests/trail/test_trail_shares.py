"""Each account has a daily share of a book, so that one account's calls never displace another's in the trail."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from pathlib import Path
from typing import Any

import pytest

from reading_room.aws.errors import ServiceUnavailable
from reading_room.iam.policy.evaluate import Decision, Reason
from reading_room.trail.chain import event_in, files_of
from reading_room.trail.recording import Trail
from tests.worlds.trail import ACCOUNT, OTHER, USER, Clock, record

SHARE = 4_000
NEIGHBOUR = dataclasses.replace(USER, account=OTHER, arn=f"arn:aws:iam::{OTHER}:user/bob")


@pytest.fixture
def clock() -> Clock:
    """A clock that the test moves."""
    return Clock()


@pytest.fixture
def trail(tmp_path: Path, clock: Clock) -> Trail:
    """A trail in which each account can add about four events to a book per day."""
    return Trail(folder=tmp_path / "trail", clock=clock, days=90, most_of_account=SHARE)


def book(trail: Trail, name: str) -> list[dict[str, Any]]:
    """Return the events of a book, oldest first."""
    assert trail.flush()
    lines = [line for _, path in files_of(trail.folder, name) for line in path.read_bytes().splitlines()]
    return [event for line in lines if (event := event_in(line)) is not None]


def use_up(trail: Trail) -> None:
    """Let an account use up its share of the book of calls."""
    for _ in range(SHARE // 500):
        trail.record(record())
    assert trail.flush()


def test_an_account_beyond_its_share_is_refused_until_tomorrow_and_others_are_not(
    trail: Trail, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    trail.check("ec2", "CreateVpc", ACCOUNT)
    with caplog.at_level(logging.WARNING):
        use_up(trail)
    with pytest.raises(ServiceUnavailable, match=f"account {ACCOUNT} has used up its share of the book management"):
        trail.check("ec2", "CreateVpc", ACCOUNT)
    trail.check("ec2", "CreateVpc", OTHER)
    trail.check("ec2", "CreateVpc")
    trail.check("s3", "GetObject", ACCOUNT)
    assert caplog.text.count("READING_ROOM_TRAIL_BYTES_PER_ACCOUNT") == 1
    clock.now += dt.timedelta(days=1)
    trail.check("ec2", "CreateVpc", ACCOUNT)
    trail.close()


def test_calls_refused_for_the_share_are_counted_and_completed_calls_recorded(trail: Trail) -> None:
    use_up(trail)
    before = len(book(trail, "management"))
    with pytest.raises(ServiceUnavailable) as refused:
        trail.check("ec2", "CreateVpc", ACCOUNT)
    for _ in range(50):
        trail.record(record(error=refused.value, output=None))
    # It had begun before the share was used up.
    trail.record(record(request_id="begun-before"))
    trail.record(record(principal=NEIGHBOUR, error=refused.value, output=None))
    assert [each["requestID"] for each in book(trail, "management")[before:]] == [
        "begun-before",
        "11111111-2222-3333-4444-555555555555",
    ]
    trail.close()
    (counted,) = [
        event
        for _, path in files_of(trail.folder, "unidentified")
        for line in path.read_bytes().splitlines()
        if (event := event_in(line)) is not None
    ]
    assert counted["serviceEventDetails"]["refused"] == 50


def test_denials_of_one_account_leave_room_for_those_of_others(trail: Trail) -> None:
    def deny(arn: str) -> None:
        because = (Reason("identity"),)
        trail.denied("a-request", Decision("implicitDeny", because, arn, "s3:GetObject", "arn:aws:s3:::b/k"))

    for _ in range(100):
        deny(USER.arn)
        assert trail.flush()
    mine = len(book(trail, "denials"))
    assert mine < 50
    deny(NEIGHBOUR.arn)
    assert len(book(trail, "denials")) == mine + 1
    trail.close()
