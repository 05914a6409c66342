"""AWS's call rates over HTTP: the whole product in the profile ``aws``, called too often."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from reading_room.aws.throttling import Rate, Throttle, aws_rate, machine_rate
from reading_room.cli.running import endpoint_of
from reading_room.client import InProcess
from reading_room.clock import system_clock
from reading_room.hosts.realtime import RealtimePool
from reading_room.s3.backends.memory import memory_backend
from reading_room.settings import Settings
from reading_room.wiring.product import Product
from tests.worlds import databases

ONCE = Config(retries={"total_max_attempts": 1, "mode": "standard"}, s3={"addressing_style": "path"})


class ThrottledProduct:
    """The product in one profile, and clients of its first administrator. Its token buckets never refill."""

    def __init__(
        self,
        folder: Path,
        profile: Literal["open", "aws"] = "aws",
        of_machine: Callable[[str], Rate] = machine_rate,
        of_aws: Callable[[str, str], Rate | None] = aws_rate,
    ) -> None:
        throttle = Throttle(profile, lambda: 0.0, of_machine=of_machine, of_aws=of_aws)
        self.settings = Settings.from_environment({}, data=folder, profile=profile)
        self.database = databases.made(folder / "db.sqlite")
        backend = memory_backend(self.database, self.settings.region, system_clock)
        pool = RealtimePool(lambda: None)
        self.product = Product(
            settings=self.settings, database=self.database, backend=backend, engines=pool, throttle=throttle
        )
        self.product.first_start()
        self.process = InProcess(self.product.app)

    def client(self, service: str) -> Any:
        """Return a client that does not retry."""
        endpoint = endpoint_of(self.settings)
        keys: dict[str, Any] = {
            "access_key_id": endpoint.access_key_id,
            "secret_access_key": endpoint.secret_access_key,
        }
        return self.process.client(service, config=ONCE, **keys)

    def close(self) -> None:
        """Close the product."""
        self.process.close()
        self.product.close()
        self.database.close()


def refusal(call: Any, tries: int) -> dict[str, Any]:
    """Call until a call is throttled; return its error, with the number of calls before it."""
    for number in range(tries):
        try:
            call()
        except ClientError as error:
            if error.response["Error"]["Code"] in ("RequestLimitExceeded", "SlowDown", "Throttling"):
                return {**error.response, "passed": number}
    raise AssertionError(f"all of {tries} calls passed")


def test_ec2_throttles_an_operation_beyond_its_token_bucket_and_no_other(tmp_path: Path) -> None:
    with closing(ThrottledProduct(tmp_path)) as place:
        ec2 = place.client("ec2")
        refused = refusal(lambda: ec2.delete_vpc_endpoints(VpcEndpointIds=["vpce-0123456789abcdef0"]), 20)
        assert refused["passed"] == 4
        assert (refused["Error"]["Code"], refused["Error"]["Message"]) == (
            "RequestLimitExceeded",
            "Request limit exceeded.",
        )
        assert refused["ResponseMetadata"]["HTTPStatusCode"] == 503
        assert "retry-after" not in refused["ResponseMetadata"]["HTTPHeaders"]
        assert ec2.describe_vpcs()["Vpcs"]


def test_s3_throttles_the_writes_to_a_bucket_in_its_own_words(tmp_path: Path) -> None:
    def of_aws(service: str, operation: str) -> Rate | None:
        return Rate(2, 1) if operation == "PutObject" else aws_rate(service, operation)

    with closing(ThrottledProduct(tmp_path, of_aws=of_aws)) as place:
        s3 = place.client("s3")
        s3.create_bucket(Bucket="throttled")
        # The earlier bucket had a larger capacity than this one.
        refused = refusal(lambda: s3.put_object(Bucket="throttled", Key="k", Body=b""), 10)
        assert (refused["Error"]["Code"], refused["ResponseMetadata"]["HTTPStatusCode"]) == ("SlowDown", 503)
        assert s3.get_bucket_location(Bucket="throttled")


def test_iam_throttles_a_principal_in_its_own_words(tmp_path: Path) -> None:
    with closing(ThrottledProduct(tmp_path, of_machine=lambda service: Rate(2, 1))) as place:
        refused = refusal(place.client("iam").list_users, 10)
        assert (refused["Error"]["Code"], refused["Error"]["Message"]) == ("Throttling", "Rate exceeded")


@pytest.mark.costs(0.35, reason="it starts the whole product and calls it 120 times")
def test_the_open_profile_does_not_have_awss_rates(tmp_path: Path) -> None:
    with closing(ThrottledProduct(tmp_path, "open")) as place:
        ec2 = place.client("ec2")
        for _ in range(120):
            with pytest.raises(ClientError, match="InvalidVpcEndpointId"):
                ec2.modify_vpc_endpoint(VpcEndpointId="vpce-0123456789abcdef0", ResetPolicy=True)


def test_a_request_with_a_wrong_signature_does_not_count(tmp_path: Path) -> None:
    """A sender without a key of an account must not be able to use up the account's rate."""
    with closing(ThrottledProduct(tmp_path, of_machine=lambda service: Rate(3, 1))) as place:
        endpoint = endpoint_of(place.settings)
        forger = place.process.client(
            "iam", config=ONCE, access_key_id=endpoint.access_key_id, secret_access_key="not the secret at all"
        )
        for _ in range(10):
            with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
                forger.list_users()
        assert place.client("iam").list_users()["Users"]
