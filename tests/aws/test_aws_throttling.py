"""Rates of calls: what passes, what is refused in each service's words, and what one caller costs another."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.aws.errors import AwsError
from reading_room.aws.throttling import MACHINE_OTHERS, Rate, Throttle, aws_rate

ANA, BEN = "arn:aws:iam::000000000001:user/ana", "arn:aws:iam::000000000001:user/ben"
ACCOUNT, OTHER = "000000000001", "000000000002"


@dataclass
class Seconds:
    """A clock that stands still until told."""

    at: float = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.at


def passed(throttle: Throttle, tries: int, service: str = "ec2", operation: str = "DescribeVpcs", **who: str) -> int:
    """How many of so many calls are admitted."""
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
def test_each_service_refuses_in_its_own_words(service: str, code: str, status: int, message: str) -> None:
    throttle = Throttle(now=Seconds(), of_machine=lambda service: Rate(1, 1))
    throttle.admit(service, "GetCallerIdentity", ANA, ACCOUNT)
    with pytest.raises(AwsError) as refused:
        throttle.admit(service, "GetCallerIdentity", ANA, ACCOUNT)
    assert (refused.value.code, refused.value.status, refused.value.message) == (code, status, message)


def test_the_open_profile_bounds_only_what_one_principal_could_do_to_the_machine() -> None:
    throttle = Throttle("open", Seconds())
    burst = int(MACHINE_OTHERS.burst)
    assert passed(throttle, burst + 10) == burst
    assert passed(throttle, 10, caller=BEN) == 10
    assert passed(throttle, 10, "logs", "GetLogEvents") == 10


def test_a_bucket_fills_at_its_rate_and_no_further_than_its_size() -> None:
    clock = Seconds()
    throttle = Throttle("aws", clock)
    assert passed(throttle, 200) == 100
    clock.at += 2
    assert passed(throttle, 200) == 40
    clock.at += 3600
    assert passed(throttle, 200) == 100


def test_the_profile_of_aws_counts_an_operation_of_an_account_whoever_calls() -> None:
    throttle = Throttle("aws", Seconds())
    assert passed(throttle, 60, "ec2", "CreateSubnet") == 50
    assert passed(throttle, 5, "ec2", "CreateSubnet", caller=BEN) == 0
    assert passed(throttle, 5, "ec2", "CreateVpc") == 5
    assert passed(throttle, 5, "ec2", "CreateSubnet", account=OTHER, caller=f"arn:aws:iam::{OTHER}:root") == 5
    assert passed(throttle, 5, "ec2", "CreateVpcEndpoint") == 4


def test_s3_counts_by_bucket() -> None:
    throttle = Throttle("aws", Seconds())
    assert passed(throttle, 3_600, "s3", "PutObject", bucket="one") == 3_500
    assert passed(throttle, 10, "s3", "PutObject", bucket="two") == 10
    assert passed(throttle, 10, "s3", "GetObject", bucket="one") == 10


def test_comprehend_has_quotas_of_its_own_and_is_not_counted_twice() -> None:
    assert aws_rate("comprehend", "DetectEntities") is None


def test_names_made_up_by_the_thousand_fill_no_memory() -> None:
    throttle = Throttle("open", Seconds(), kept=50)
    for number in range(500):
        throttle.admit("sts", "GetCallerIdentity", f"session/{number}", ACCOUNT)
    assert len(throttle._buckets) == 50


@given(st.lists(st.floats(0, 10), max_size=60))
def test_never_do_more_calls_pass_than_burst_and_rate_allow(pauses: list[float]) -> None:
    clock = Seconds()
    throttle = Throttle("aws", clock)
    admitted = 0
    for pause in pauses:
        clock.at += pause
        admitted += passed(throttle, 3, "ec2", "CreateVpcEndpoint")
    assert admitted <= 4 + 0.3 * clock.at + 1e-6
