"""Rates of calls: which are admitted, the error of each service, and whether callers affect each other."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.aws.errors import AwsError
from reading_room.aws.throttling import MACHINE_OTHERS, Buckets, Rate, Throttle, aws_rate

ANA, BEN = "arn:aws:iam::000000000001:user/ana", "arn:aws:iam::000000000001:user/ben"
ACCOUNT, OTHER = "000000000001", "000000000002"


@dataclass
class ManualClock:
    """A clock that only the test advances."""

    at: float = 0.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.at


def admitted_calls(
    throttle: Throttle, tries: int, service: str = "ec2", operation: str = "DescribeVpcs", **who: str
) -> int:
    """Make ``tries`` calls and return how many were admitted."""
    found = 0
    for _ in range(tries):
        try:
            throttle.admit(service, operation, who.get("caller", ANA), who.get("account", ACCOUNT), who.get("bucket"))
            found += 1
        except AwsError:
            continue
    return found


@pytest.mark.parametrize(
    ("service", "code", "status", "message"),
    [
        ("ec2", "RequestLimitExceeded", 503, "Request limit exceeded."),
        ("iam", "Throttling", 400, "Rate exceeded"),
        ("sts", "Throttling", 400, "Rate exceeded"),
        ("logs", "ThrottlingException", 400, "Rate exceeded"),
        ("cloudtrail", "ThrottlingException", 400, "Rate exceeded"),
        ("comprehend", "ThrottlingException", 400, "Rate exceeded"),
        ("s3", "SlowDown", 503, "Please reduce your request rate."),
    ],
)
def test_each_service_throttles_with_its_error(service: str, code: str, status: int, message: str) -> None:
    throttle = Throttle(now=ManualClock(), of_machine=lambda service: Rate(1, 1))
    throttle.admit(service, "GetCallerIdentity", ANA, ACCOUNT)
    with pytest.raises(AwsError) as refused:
        throttle.admit(service, "GetCallerIdentity", ANA, ACCOUNT)
    assert (refused.value.code, refused.value.status, refused.value.message) == (code, status, message)


def test_the_open_profile_limits_only_the_load_from_each_principal() -> None:
    throttle = Throttle("open", ManualClock())
    burst = int(MACHINE_OTHERS.burst)
    assert admitted_calls(throttle, burst + 10) == burst
    assert admitted_calls(throttle, 10, caller=BEN) == 10
    assert admitted_calls(throttle, 10, "logs", "GetLogEvents") == 10


def test_a_bucket_refills_at_its_rate_up_to_its_size() -> None:
    clock = ManualClock()
    throttle = Throttle("aws", clock)
    assert admitted_calls(throttle, 200) == 100
    clock.at += 2
    assert admitted_calls(throttle, 200) == 40
    clock.at += 3600
    assert admitted_calls(throttle, 200) == 100


def test_a_call_may_cost_more_than_a_bucket_has_and_the_rest_is_owed() -> None:
    seconds = 0.0
    buckets = Buckets(lambda: seconds)
    rate, key = Rate(100, 100), ("endpoint",)
    assert buckets.take(rate, key, 1_000)
    seconds = 9.0
    assert not buckets.take(rate, key, 1), "900 of 1,000 are paid"
    seconds = 9.02
    assert buckets.take(rate, key, 1)


def test_what_others_took_is_owed_in_whole() -> None:
    seconds = 0.0
    buckets = Buckets(lambda: seconds)
    rate, key = Rate(100, 100), ("endpoint",)
    buckets.charge(rate, key, 1_000)
    seconds = 8.9
    assert not buckets.has(rate, key)
    seconds = 9.1
    assert buckets.has(rate, key)


def test_the_aws_profile_limits_each_operation_per_account() -> None:
    throttle = Throttle("aws", ManualClock())
    assert admitted_calls(throttle, 60, "ec2", "CreateSubnet") == 50
    assert admitted_calls(throttle, 5, "ec2", "CreateSubnet", caller=BEN) == 0
    assert admitted_calls(throttle, 5, "ec2", "CreateVpc") == 5
    assert admitted_calls(throttle, 5, "ec2", "CreateSubnet", account=OTHER, caller=f"arn:aws:iam::{OTHER}:root") == 5
    assert admitted_calls(throttle, 5, "ec2", "CreateVpcEndpoint") == 4


def test_s3_calls_are_limited_per_bucket() -> None:
    throttle = Throttle("aws", ManualClock())
    assert admitted_calls(throttle, 3_600, "s3", "PutObject", bucket="one") == 3_500
    assert admitted_calls(throttle, 10, "s3", "PutObject", bucket="two") == 10
    assert admitted_calls(throttle, 10, "s3", "GetObject", bucket="one") == 10


def test_comprehend_has_separate_quotas_and_no_aws_rate_here() -> None:
    assert aws_rate("comprehend", "DetectEntities") is None


def test_thousands_of_invented_names_do_not_fill_the_memory() -> None:
    throttle = Throttle("open", ManualClock(), kept=50)
    for number in range(500):
        throttle.admit("sts", "GetCallerIdentity", f"session/{number}", ACCOUNT)
    assert len(throttle._buckets) == 50


@given(st.lists(st.floats(0, 10), max_size=60))
def test_no_more_calls_are_admitted_than_burst_and_rate_allow(pauses: list[float]) -> None:
    clock = ManualClock()
    throttle = Throttle("aws", clock)
    admitted = 0
    for pause in pauses:
        clock.at += pause
        admitted += admitted_calls(throttle, 3, "ec2", "CreateVpcEndpoint")
    assert admitted <= 4 + 0.3 * clock.at + 1e-6
