"""Ids that a seed gives, and the clock that tests move."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room import ids
from reading_room.client import connect
from reading_room.clock import MovableClock, system_clock
from reading_room.settings import Settings
from reading_room.testing import Service, running
from reading_room.wiring.for_tests import STANDING_AT, KeptClock
from reading_room.wiring.running import ServerError
from reading_room.wiring.server import run_server
from tests.worlds.databases import SEALER
from tests.worlds.extension import SERVICE, allow, keys_of, policy, trust

SECONDS = dt.timedelta(seconds=60)
"""More than a test takes here."""


@pytest.fixture
def unseeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ids random again after the test."""
    monkeypatch.setattr(ids, "_seeded", None)


def one_of_each() -> list[str]:
    """Return an id of each form."""
    makers: list[Callable[[], str]] = [ids.job_id, ids.request_id, ids.account_number, ids.dns_label, ids.upload_id]
    return [ids.resource_id("vpc"), ids.iam_unique_id("AROA"), ids.access_key_id("AKIA"), *(make() for make in makers)]


@pytest.mark.usefixtures("unseeded")
def test_a_seed_gives_the_same_ids_in_each_run_and_never_one_twice() -> None:
    ids.seed("a")
    first = [one_of_each() for _ in range(100)]
    ids.seed("a")
    assert [one_of_each() for _ in range(100)] == first
    ids.seed("b")
    assert len({each for made in (*first, one_of_each()) for each in made}) == 101 * len(first[0])


@pytest.mark.usefixtures("unseeded")
def test_ids_have_the_same_forms_with_a_seed() -> None:
    random = one_of_each()
    ids.seed("a")
    assert [len(each) for each in one_of_each()] == [len(each) for each in random] == [21, 21, 20, 32, 36, 12, 8, 64]


@pytest.mark.usefixtures("unseeded")
def test_clock_and_ids_go_on_after_a_restart(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, testing="on", testing_seed="a")
    clock = KeptClock(settings)
    before = ids.job_id()
    assert clock() == STANDING_AT
    assert clock.move(90) == STANDING_AT + dt.timedelta(seconds=90)
    again = KeptClock(settings)
    assert again() == STANDING_AT + dt.timedelta(seconds=90)
    assert ids.job_id() != before


def test_a_clock_without_a_seed_runs_and_moves_only_forward() -> None:
    clock = MovableClock()
    assert abs(clock() - system_clock()) < SECONDS
    clock.move(86_400)
    assert abs(clock() - system_clock() - dt.timedelta(days=1)) < SECONDS
    assert abs(clock.machine_time(clock()) - system_clock()) < SECONDS
    with pytest.raises(ValueError, match="only moves forward"):
        clock.move(-1)


def test_a_seed_is_only_for_tests(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="set READING_ROOM_TESTING=on too"):
        run_server(Settings(data=tmp_path, testing_seed="a"), SEALER, lambda: None, lambda: None)
    assert not list(tmp_path.iterdir())


def story_of_a_run(service: Service) -> list[Any]:
    """Make things, and return the ids and times of the answers."""
    with service.new_account() as account:
        ec2, s3, iam, sts = (account.clients(name) for name in ("ec2", "s3", "iam", "sts"))
        s3.create_bucket(Bucket="papers")
        s3.put_object(Bucket="papers", Key="a", Body=b"text")
        role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust({"Service": SERVICE}))["Role"]
        iam.put_role_policy(RoleName="reader", PolicyName="s3", PolicyDocument=policy(allow("s3:*")))
        service.move_clock(3600)
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")
        del vpc["ResponseMetadata"]["HTTPHeaders"]
        job = account.clients("comprehend").start_entities_detection_job(
            InputDataConfig={"S3Uri": "s3://papers/"},
            OutputDataConfig={"S3Uri": "s3://papers/out/"},
            DataAccessRoleArn=role["Arn"],
            LanguageCode="en",
        )
        return [
            account.number,
            account.access_key_id,
            s3.head_object(Bucket="papers", Key="a")["LastModified"],
            {name: role[name] for name in ("Arn", "RoleId", "CreateDate")},
            vpc,
            [(each["VpcId"], each["DhcpOptionsId"]) for each in ec2.describe_vpcs()["Vpcs"]],
            [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]],
            sts.get_session_token()["Credentials"]["Expiration"],
            account.wait_for_job(job),
        ]


@pytest.mark.e2e
@pytest.mark.costs(20, reason="two products are started, and a job runs in each")
def test_two_seeded_runs_have_the_same_ids_and_times(tmp_path: Path) -> None:
    stories = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        with running(tmp_path / name, testing_seed="papers") as service:
            stories.append(story_of_a_run(service))
    assert stories[0] == stories[1]
    assert stories[0][2] == STANDING_AT
    assert stories[0][-1]["JobStatus"] == "COMPLETED"
    assert stories[0][-1]["EndTime"] == STANDING_AT + dt.timedelta(hours=1)


@pytest.mark.e2e
@pytest.mark.costs(10, reason="a product is started")
def test_what_expires_when_the_clock_is_moved(tmp_path: Path) -> None:
    with running(tmp_path) as service, service.new_account() as account:
        s3, sts, logs = (account.clients(name) for name in ("s3", "sts", "logs"))
        s3.create_bucket(Bucket="papers")
        s3.put_object(Bucket="papers", Key="a", Body=b"text")
        given = sts.get_session_token(DurationSeconds=3600)["Credentials"]
        temporary = connect("s3", account.endpoint_url, **keys_of(given))
        assert temporary.list_buckets()["Buckets"]
        logs.create_log_group(logGroupName="/a")
        logs.create_log_stream(logGroupName="/a", logStreamName="b")
        logs.put_retention_policy(logGroupName="/a", retentionInDays=1)
        now = round(service.move_clock(0).timestamp() * 1000)
        where = {"logGroupName": "/a", "logStreamName": "b"}
        logs.put_log_events(**where, logEvents=[{"timestamp": now, "message": "kept for a day"}])
        assert logs.get_log_events(**where)["events"]

        moved = service.move_clock(2 * 86_400)
        assert abs(moved - system_clock() - dt.timedelta(days=2)) < SECONDS
        with pytest.raises(ClientError, match="ExpiredToken"):
            temporary.list_buckets()
        assert not logs.get_log_events(**where)["events"]
        s3.put_object(Bucket="papers", Key="b", Body=b"text")
        assert s3.head_object(Bucket="papers", Key="b")["LastModified"] - system_clock() > dt.timedelta(days=1)
        assert sts.get_session_token()["Credentials"]["Expiration"] > moved
