"""CloudWatch Logs over the wire: what the AWS CLI and boto3 need to read flow logs and job logs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from reading_room.aws.dispatch import Dispatcher
from reading_room.aws.operations import OperationTable
from reading_room.aws.server import AwsApplication
from reading_room.client import InProcess
from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.iam import inline_policies, users
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.iam.credentials import StoredCredentials
from reading_room.logs import reading, streams
from reading_room.logs.filter_patterns import parse_filter_pattern
from reading_room.logs.operations import LogOperations
from reading_room.logs.streams import NewEvent
from tests.worlds import databases
from tests.worlds.alternating import alternating, as_others

ACCOUNT, REGION = "000000000001", "us-east-1"
ALLOW_LOGS = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"logs:*","Resource":"%s"}}'


class Logs:
    """One account whose only service is CloudWatch Logs."""

    def __init__(self, folder: Path) -> None:
        opened = partial(databases.made, folder / "db.sqlite")
        self.databases = as_others(opened(), opened)
        self.database = self.databases[0]
        self.apps = [self._application(each) for each in self.databases]
        self.process = InProcess(alternating(self.apps))

    def _application(self, database: Database) -> AwsApplication:
        authorizer = PolicyAuthorizer(database=database, region=REGION, clock=system_clock)
        table = OperationTable(LogOperations(database, system_clock))
        dispatcher = Dispatcher(table=table, authorizer=authorizer)
        return AwsApplication(dispatcher, StoredCredentials(database), _no_s3, region=REGION)

    def close(self) -> None:
        """Close everything."""
        self.process.close()
        for app in self.apps:
            app.close()
        for database in self.databases:
            database.close()

    def client(self, name: str, resource: str = "*") -> Any:
        """Return a client of a new user with all permissions on a resource of CloudWatch Logs."""
        with self.database.transaction() as session:
            user = users.create(session, ACCOUNT, name, system_clock())
            inline_policies.put(session, "user", user.unique_id, name, "logs", ALLOW_LOGS % resource)
            key = users.create_access_key(session, user, system_clock())
        return self.process.client("logs", access_key_id=key.access_key_id, secret_access_key=key.secret_access_key)


async def _no_s3(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 501, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Logs]:
    world = Logs(tmp_path)
    yield world
    world.close()


@pytest.fixture
def logs(world: Logs) -> Any:
    client = world.client("alice")
    client.create_log_group(logGroupName="/flow", tags={"team": "x"})
    client.create_log_stream(logGroupName="/flow", logStreamName="eni-1")
    return client


def now() -> int:
    return streams.milliseconds(dt.datetime.now(dt.UTC))


def put(client: Any, count: int, start: int, stream: str = "eni-1") -> list[str]:
    messages = [f"{stream} line {number}" for number in range(count)]
    client.put_log_events(
        logGroupName="/flow",
        logStreamName=stream,
        logEvents=[{"timestamp": start + number, "message": text} for number, text in enumerate(messages)],
    )
    return messages


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_groups_and_streams_are_described(logs: Any) -> None:
    (group,) = logs.describe_log_groups(logGroupNamePrefix="/f")["logGroups"]
    assert group["logGroupArn"] == f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/flow"
    assert group["arn"] == group["logGroupArn"] + ":*"
    assert logs.list_tags_for_resource(resourceArn=group["logGroupArn"])["tags"] == {"team": "x"}
    (stream,) = logs.describe_log_streams(logGroupIdentifier=group["logGroupArn"])["logStreams"]
    assert stream["logStreamName"] == "eni-1"
    assert "lastEventTimestamp" not in stream
    start = now()
    put(logs, 3, start)
    (stream,) = logs.describe_log_streams(logGroupName="/flow", orderBy="LastEventTime")["logStreams"]
    assert (stream["firstEventTimestamp"], stream["lastEventTimestamp"]) == (start, start + 2)


def test_existing_and_missing_groups_and_streams_are_reported(logs: Any) -> None:
    with pytest.raises(ClientError) as error:
        logs.create_log_group(logGroupName="/flow")
    assert code(error) == "ResourceAlreadyExistsException"
    with pytest.raises(ClientError) as error:
        logs.get_log_events(logGroupName="/flow", logStreamName="eni-2")
    assert error.value.response["Error"]["Message"] == "The specified log stream does not exist."
    with pytest.raises(ClientError) as error:
        logs.filter_log_events(logGroupName="/other")
    assert error.value.response["Error"]["Message"] == "The specified log group does not exist."
    with pytest.raises(ClientError) as error:
        logs.describe_log_streams(logGroupName="/flow", logGroupIdentifier="/flow")
    assert code(error) == "ValidationException"


def test_a_stream_is_read_from_its_head_page_by_page_to_a_repeated_token(logs: Any) -> None:
    messages = put(logs, 7, now())
    texts: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = logs.get_log_events(logGroupName="/flow", logStreamName="eni-1", startFromHead=True, limit=3, **token)
        texts += [event["message"] for event in page["events"]]
        if token.get("nextToken") == page["nextForwardToken"]:
            break
        token = {"nextToken": page["nextForwardToken"]}
    assert texts == messages
    more = put(logs, 1, now() + 1000)
    page = logs.get_log_events(logGroupName="/flow", logStreamName="eni-1", **token)
    assert [event["message"] for event in page["events"]] == more


def test_without_a_token_the_newest_page_is_returned_and_leads_back(logs: Any) -> None:
    messages = put(logs, 7, now())
    page = logs.get_log_events(logGroupName="/flow", logStreamName="eni-1", limit=3)
    assert [event["message"] for event in page["events"]] == messages[4:]
    page = logs.get_log_events(
        logGroupName="/flow", logStreamName="eni-1", limit=3, nextToken=page["nextBackwardToken"]
    )
    assert [event["message"] for event in page["events"]] == messages[1:4]


def test_time_bounds_are_half_open_in_a_stream_and_closed_in_a_filter(logs: Any) -> None:
    start = now()
    messages = put(logs, 5, start)
    bounds = {"startTime": start + 1, "endTime": start + 3}
    page = logs.get_log_events(logGroupName="/flow", logStreamName="eni-1", startFromHead=True, **bounds)
    assert [event["message"] for event in page["events"]] == messages[1:3]
    page = logs.filter_log_events(logGroupName="/flow", **bounds)
    assert [event["message"] for event in page["events"]] == messages[1:4]


def test_a_filter_reads_across_streams_in_order_of_time(logs: Any) -> None:
    logs.create_log_stream(logGroupName="/flow", logStreamName="eni-2")
    start = now()
    put(logs, 3, start)
    put(logs, 3, start, "eni-2")
    paginator = logs.get_paginator("filter_log_events")
    pages = paginator.paginate(
        logGroupName="/flow", filterPattern='"line 1"', interleaved=True, PaginationConfig={"PageSize": 1}
    )
    events = [event for page in pages for event in page["events"]]
    assert [(event["logStreamName"], event["message"]) for event in events] == [
        ("eni-1", "eni-1 line 1"),
        ("eni-2", "eni-2 line 1"),
    ]
    assert len({event["eventId"] for event in events}) == 2
    only = logs.filter_log_events(logGroupName="/flow", logStreamNames=["eni-2"])["events"]
    assert {event["logStreamName"] for event in only} == {"eni-2"}
    newest = logs.filter_log_events(logGroupName="/flow", startFromHead=False, startTime=start, limit=1)
    assert newest["events"][0]["message"] == "eni-2 line 2"


def test_events_too_old_or_too_new_are_rejected_and_reported(logs: Any) -> None:
    hour = 3_600_000
    answer = logs.put_log_events(
        logGroupName="/flow",
        logStreamName="eni-1",
        logEvents=[
            {"timestamp": now() + 1 * hour, "message": "kept"},
            {"timestamp": now() + 3 * hour, "message": "too new"},
        ],
    )
    assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
    answer = logs.put_log_events(
        logGroupName="/flow", logStreamName="eni-1", logEvents=[{"timestamp": 5, "message": "old"}]
    )
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    assert len(logs.filter_log_events(logGroupName="/flow")["events"]) == 1


def test_a_batch_out_of_order_is_refused(logs: Any) -> None:
    with pytest.raises(ClientError) as error:
        logs.put_log_events(
            logGroupName="/flow",
            logStreamName="eni-1",
            logEvents=[{"timestamp": now(), "message": "b"}, {"timestamp": now() - 5000, "message": "a"}],
        )
    assert code(error) == "InvalidParameterException"


def test_tokens_that_were_never_issued_are_refused(logs: Any) -> None:
    for token in ("x", "f/1/s", "f/" + "9" * 56 + "/s"):
        with pytest.raises(ClientError) as error:
            logs.get_log_events(logGroupName="/flow", logStreamName="eni-1", nextToken=token)
        assert code(error) == "InvalidParameterException"
    with pytest.raises(ClientError):
        logs.describe_log_groups(nextToken="x")


def test_deleting_a_group_deletes_its_events(logs: Any, world: Logs) -> None:
    put(logs, 3, now())
    logs.delete_log_group(logGroupName="/flow")
    assert logs.describe_log_groups()["logGroups"] == []
    with world.database.reading() as session:
        assert session.connection().exec_driver_sql("select count(*) from log_events").scalar() == 0


def test_a_policy_on_one_group_allows_only_that_group(logs: Any, world: Logs) -> None:
    bob = world.client("bob", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/flow:*")
    logs.create_log_group(logGroupName="/secret")
    bob.filter_log_events(logGroupName="/flow")
    bob.filter_log_events(logGroupIdentifier=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/flow")
    for call, parameters in (
        (bob.filter_log_events, {"logGroupName": "/secret"}),
        (bob.describe_log_streams, {"logGroupIdentifier": "/secret"}),
        (bob.describe_log_groups, {}),
    ):
        with pytest.raises(ClientError) as error:
            call(**parameters)
        assert code(error) == "AccessDeniedException"


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=25),
    st.integers(1, 4),
    st.booleans(),
)
def test_pages_in_either_direction_return_every_event_once(
    events: list[tuple[int, int]], limit: int, from_head: bool
) -> None:
    database = Database.open(None)
    database.create_tables()
    base = 1_750_000_000_000
    with database.transaction() as session:
        for number, (moment, stream) in enumerate(events):
            streams.append(session, ACCOUNT, REGION, "g", f"s{stream}", [NewEvent(base + moment, str(number))], base)
        group = streams.get_group(session, ACCOUNT, "g") if events else None
        found = streams.streams(session, group) if group is not None else []
        token, texts = None, []
        while True:
            page = reading.filter_events(
                session, found, parse_filter_pattern(""), from_head=from_head, limit=limit, token=token
            )
            texts += [event.message for event, _ in page.events]
            token = page.token
            if token is None:
                break
        expected = [str(number) for number, _ in sorted(enumerate(events), key=lambda entry: entry[1][0])]
        assert texts == (expected if from_head else expected[::-1])
    database.close()


@pytest.mark.parametrize("hours", [-24 * 15, -1, 1, 24])
def test_no_event_of_the_service_is_rejected_for_its_time(hours: int) -> None:
    database = Database.open(None)
    database.create_tables()
    now = 1_750_000_000_000
    with database.transaction() as session:
        rejected = streams.append(
            session, ACCOUNT, REGION, "g", "s", [NewEvent(now + hours * 3_600_000, "before the clock was set")], now
        )
        assert rejected == streams.Rejected()
        found = streams.streams(session, streams.get_group(session, ACCOUNT, "g"))
        page = reading.filter_events(session, found, parse_filter_pattern(""), from_head=True, limit=1, token=None)
        assert [event.message for event, _ in page.events] == ["before the clock was set"]
    database.close()
