"""LookupEvents: accounts, attributes, order and pages."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reading_room.aws.call import Call, NetworkPath, Principal
from reading_room.trail.errors import InvalidLookupAttributes, InvalidNextToken, InvalidTimeRange
from reading_room.trail.lookup import SCANNED
from reading_room.trail.operations import TrailOperations
from reading_room.trail.recording import Trail
from tests.worlds.trail import ACCOUNT, NOON, OTHER, REGION, SESSION, Clock, record, s3_record


class World:
    """A trail and its operation."""

    def __init__(self, folder: Path, most_scanned: int = SCANNED) -> None:
        self.clock = Clock()
        self.trail = Trail(folder=folder / "trail", clock=self.clock, days=90)
        self.operations = TrailOperations(self.trail, self.clock, most_scanned)

    def make(self, name: str = "CreateVpc", **changes: Any) -> None:
        """Record a call now, and advance the clock by a second."""
        self.trail.record(record(operation=name, ended_at=self.clock.now, **changes))
        self.clock.now += dt.timedelta(seconds=1)

    def look(self, account: str = ACCOUNT, **request: Any) -> dict[str, Any]:
        """Call LookupEvents as a user of an account."""
        caller = Principal("user", account, f"arn:aws:iam::{account}:user/ann", "AIDAANN", user_name="ann")
        call = Call("cloudtrail", "LookupEvents", request, caller, account, REGION, NetworkPath(), "r")
        return dict(self.operations.lookup_events(call, request))

    def close(self) -> None:
        """End the trail."""
        self.trail.close()

    def names(self, **request: Any) -> list[str]:
        """Return the names of the events on one page."""
        return [event["EventName"] for event in self.look(**request)["Events"]]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A trail in an empty folder."""
    world = World(tmp_path)
    yield world
    world.close()


def test_events_from_before_the_clock_was_set_back_are_found(world: World) -> None:
    world.make("CreateVpc")
    world.clock.now -= dt.timedelta(hours=23)
    world.make("CreateSubnet")
    world.clock.now += dt.timedelta(hours=23)
    assert world.names(StartTime=world.clock.now - dt.timedelta(minutes=1)) == ["CreateVpc"]


def by(key: str, value: str) -> list[dict[str, str]]:
    """Return a lookup attribute."""
    return [{"AttributeKey": key, "AttributeValue": value}]


def test_events_are_returned_newest_first_and_right_after_their_calls(world: World) -> None:
    for name in ("CreateVpc", "CreateSubnet", "DeleteVpc"):
        world.make(name)
    assert world.names() == ["DeleteVpc", "CreateSubnet", "CreateVpc"]


def test_a_summary_has_user_key_resources_and_the_full_event(world: World) -> None:
    world.make(output={"Vpc": {"VpcId": "vpc-1", "DhcpOptionsId": "dopt-1"}})
    (event,) = world.look()["Events"]
    assert (event["Username"], event["AccessKeyId"], event["ReadOnly"]) == ("ann", "AKIAANN", "false")
    assert event["EventTime"] == NOON
    assert event["Resources"] == [
        {"ResourceType": "AWS::EC2::VPC", "ResourceName": "vpc-1"},
        {"ResourceType": "AWS::EC2::DHCPOptions", "ResourceName": "dopt-1"},
    ]
    assert json.loads(event["CloudTrailEvent"])["eventID"] == event["EventId"]


def test_an_account_sees_its_own_events_and_no_data_events(world: World) -> None:
    world.make()
    other = Principal("user", OTHER, f"arn:aws:iam::{OTHER}:user/bo", "AIDABO", user_name="bo")
    world.make("DeleteVpc", principal=other)
    world.trail.record(s3_record("GetObject"))
    world.trail.record(s3_record("CreateBucket", key=None))
    world.make("DescribeVpcs", principal=None)
    assert world.names() == ["CreateBucket", "CreateVpc"]
    assert world.names(account=OTHER) == ["DeleteVpc"]


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("EventName", "CreateVpc", ["CreateVpc"]),
        ("EventName", "createvpc", []),
        ("EventSource", "ec2.amazonaws.com", ["DescribeVpcs", "CreateVpc"]),
        ("ReadOnly", "true", ["DescribeVpcs"]),
        ("ReadOnly", "false", ["DeleteUser", "CreateVpc"]),
        ("Username", "job", ["DeleteUser"]),
        ("AccessKeyId", "ASIAJOB", ["DeleteUser"]),
        ("ResourceName", "vpc-1", ["CreateVpc"]),
        ("ResourceType", "AWS::IAM::User", ["DeleteUser"]),
    ],
)
def test_each_attribute_finds_its_events(world: World, key: str, value: str, found: list[str]) -> None:
    world.make()
    world.make("DescribeVpcs", output=None)
    world.make(
        "DeleteUser",
        service="iam",
        parameters={"UserName": 'q"uote'},
        output=None,
        principal=SESSION,
        access_key_id="ASIAJOB",
    )
    assert world.names(LookupAttributes=by(key, value)) == found


def test_a_name_with_json_escapes_is_found(world: World) -> None:
    world.make("DeleteUser", service="iam", parameters={"UserName": 'q"uöte'}, output=None)
    assert world.names(LookupAttributes=by("ResourceName", 'q"uöte')) == ["DeleteUser"]


def test_an_event_is_found_by_its_id(world: World) -> None:
    for _ in range(3):
        world.make()
    wanted = world.look()["Events"][1]["EventId"]
    found = world.look(LookupAttributes=by("EventId", wanted))["Events"]
    assert [event["EventId"] for event in found] == [wanted]


def test_pages_continue_across_days_and_end(world: World) -> None:
    for number in range(7):
        world.make(parameters={"CidrBlock": str(number)})
        world.clock.now += dt.timedelta(hours=9)
    found: list[str] = []
    token: dict[str, str] = {}
    for _ in range(10):
        page = world.look(MaxResults=2, **token)
        found += [json.loads(event["CloudTrailEvent"])["requestParameters"]["cidrBlock"] for event in page["Events"]]
        world.make("DescribeVpcs", output=None)  # What happens meanwhile moves no page.
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert found == ["6", "5", "4", "3", "2", "1", "0"]


def test_a_time_range_is_exact_to_the_second(world: World) -> None:
    for name in ("CreateVpc", "CreateSubnet", "DeleteVpc"):
        world.make(name)
    second = NOON + dt.timedelta(seconds=1)
    assert world.names(StartTime=second, EndTime=second) == ["CreateSubnet"]
    assert world.names(StartTime=second + dt.timedelta(milliseconds=300)) == ["DeleteVpc", "CreateSubnet"]
    with pytest.raises(InvalidTimeRange):
        world.look(StartTime=second, EndTime=NOON)


def test_events_older_than_ninety_days_are_not_found(world: World) -> None:
    world.make()
    world.clock.now += dt.timedelta(days=90, seconds=-1)
    assert world.names() == ["CreateVpc"]
    world.clock.now += dt.timedelta(seconds=2)
    assert world.names(StartTime=NOON - dt.timedelta(days=1)) == []


def test_a_long_search_returns_a_token_to_continue(tmp_path: Path) -> None:
    with closing(World(tmp_path, most_scanned=3000)) as world:
        world.make("DeleteVpc")
        for _ in range(20):
            world.make()
        pages = 0
        request: dict[str, Any] = {"LookupAttributes": by("EventName", "DeleteVpc")}
        while not (page := world.look(**request))["Events"]:
            request["NextToken"] = page["NextToken"]
            pages += 1
    assert pages > 3
    assert page["Events"][0]["EventName"] == "DeleteVpc"


def test_a_token_of_another_query_or_a_fake_one_is_refused(world: World) -> None:
    for _ in range(3):
        world.make()
    token = world.look(MaxResults=1)["NextToken"]
    with pytest.raises(InvalidNextToken):
        world.look(NextToken=token, LookupAttributes=by("EventName", "CreateVpc"))
    with pytest.raises(InvalidNextToken):
        world.look(account=OTHER, NextToken=token)
    fingerprint = json.loads(base64.urlsafe_b64decode(token))[0]
    forged = [fingerprint, "2026-03-01", 10**30]
    for text in (
        "",
        "x",
        "%%%",
        base64.urlsafe_b64encode(b"[1]").decode(),
        base64.urlsafe_b64encode(b"[" * 9999).decode(),
    ):
        with pytest.raises(InvalidNextToken):
            world.look(NextToken=text)
    for place in ("1e999", "-1", "[]", '"x"'):
        text = base64.urlsafe_b64encode(f'["{fingerprint}", "2026-03-01", {place}]'.encode()).decode()
        with pytest.raises(InvalidNextToken):
            world.look(NextToken=text)
    # A fake position shows only the account's own events.
    made_up = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode()
    assert len(world.look(NextToken=made_up)["Events"]) == 3


def test_only_one_attribute_is_allowed_and_read_only_is_boolean(world: World) -> None:
    with pytest.raises(InvalidLookupAttributes):
        world.look(LookupAttributes=by("EventName", "a") + by("Username", "b"))
    with pytest.raises(InvalidLookupAttributes):
        world.look(LookupAttributes=by("ReadOnly", "maybe"))


def test_there_are_no_insights(world: World) -> None:
    world.make()
    assert world.look(EventCategory="insight") == {"Events": []}


def test_an_empty_trail_has_no_events(world: World) -> None:
    assert world.look() == {"Events": []}
