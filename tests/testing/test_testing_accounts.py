"""Accounts and jobs in a product for tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from reading_room.analysis.kinds import JOB_KINDS
from reading_room.cli import reading
from reading_room.client import connect
from reading_room.comprehend.models.models import MODEL_KINDS
from reading_room.testing import Account, JobNotCompleted, Service, running, waiters
from tests.worlds.place import Place
from tests.worlds.product import Product
from tests.worlds.waiting import settled

FAST = {"Delay": 0.1, "MaxAttempts": 600}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A product that was started for tests."""
    found = Product(tmp_path_factory.mktemp("for-tests"), TESTING="on")
    try:
        found.start()
        yield found
    finally:
        found.clear()


@pytest.fixture(scope="module")
def service(product: Product) -> Service:
    """The same, as ``running`` yields it."""
    return Service(product.endpoint(), product.read_settings().account, product.log)


def place_of(product: Product, account: Account) -> Place:
    """Make a bucket, a network and a role in an account."""
    return Place(product, account=reading.Account(account.endpoint))


@pytest.mark.e2e
def test_a_client_for_another_region_is_refused_with_the_products_region(service: Service) -> None:
    with service.new_account() as account:
        s3 = account.clients("s3", region="us-east-1")
        assert s3 is account.clients("s3")
        s3.create_bucket(Bucket="in-one-region")
        for name, call in (("s3", "list_buckets"), ("ec2", "describe_vpcs"), ("comprehend", "list_endpoints")):
            client = account.clients(name, region="eu-west-1")
            with pytest.raises(ClientError, match=r"'eu-west-1'.*'us-east-1'"):
                getattr(client, call)()


@pytest.mark.e2e
@pytest.mark.costs(15, reason="two jobs run")
def test_jobs_are_waited_for(product: Product, service: Service) -> None:
    with service.new_account() as account:
        place = place_of(product, account)
        place.put("a/", 3)
        job = place.start("a/", "entities")
        assert account.wait_for_job(job)["JobStatus"] == "COMPLETED"
        comprehend = account.clients("comprehend")
        waiters(comprehend)["entities_detection_job_completed"].wait(JobId=job, WaiterConfig=FAST)
        comprehend.get_waiter("entities_detection_job_completed").wait(JobId=job, WaiterConfig=FAST)
        place.allow("s3:ListBucket")
        failing = place.start("a/", "entities")
        with pytest.raises(JobNotCompleted, match=r"(?s)is FAILED.*s3:GetObject"):
            account.wait_for_job({"JobId": failing})
        with pytest.raises(WaiterError, match="failure"):
            waiters(comprehend)["entities_detection_job_completed"].wait(JobId=failing, WaiterConfig=FAST)
        with pytest.raises(LookupError, match="f" * 32):
            account.wait_for_job("f" * 32)


@pytest.mark.e2e
@pytest.mark.costs(15, reason="a job runs until its account is deleted")
def test_an_account_goes_with_its_running_job_and_leaves_nothing(product: Product, service: Service) -> None:
    with service.new_account("000000000077") as account:
        place = place_of(product, account)
        place.log_flows()
        place.put("large/", 3_000)
        job = place.start("large/", "entities")
        with place.holding(job):
            pass
        account.clients("s3").put_object(Bucket=place.bucket, Key="file", Body=b"x" * 100_000)
        account.clients("s3").create_multipart_upload(Bucket=place.bucket, Key="never")
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        account.clients("s3").list_buckets()
    settled(product.leftovers)  # The agent removes what is left of a container after it reported its end.
    with product.database() as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        having = [name for name in tables if _has_column(database, name, "account")]
        left = {
            name: count
            for name in having
            for (count,) in database.execute(f"SELECT count(*) FROM {name} WHERE account = '000000000077'")
        }
    assert not any(left.values()), left
    with service.new_account("000000000077") as account:
        assert account.clients("s3").list_buckets()["Buckets"] == []


def _has_column(database: Any, table: str, column: str) -> bool:
    return any(name == column for _, name, *_ in database.execute(f"PRAGMA table_info({table})"))


def test_there_is_a_waiter_for_every_kind_of_job_and_model_and_for_endpoints_and_flywheels() -> None:
    client = connect("comprehend", "http://127.0.0.1:1", access_key_id="a", secret_access_key="b")
    jobs = {f"{kind.describe.removeprefix('Describe')}Completed" for kind in JOB_KINDS}
    models = {kind.describe.removeprefix("Describe") for kind in MODEL_KINDS.values()}
    wanted = jobs | {f"{name}{end}" for name in models for end in ("Trained", "Deleted")}
    wanted |= {"EndpointInService", "EndpointDeleted", "FlywheelActive", "FlywheelDeleted"}
    wanted |= {"DatasetCompleted", "FlywheelIterationCompleted"}
    assert len(waiters(client)) == len(wanted)
    assert {name.replace("_", "") for name in client.waiter_names} == {name.lower() for name in wanted}


def test_a_setting_that_does_not_exist_is_refused() -> None:
    for wrong in ("jobs_at_onse", "port", "testing"):
        given: dict[str, Any] = {wrong: "1"}
        with pytest.raises(TypeError, match=wrong), running(**given):
            pass
