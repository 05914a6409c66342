"""Refused unauthenticated requests: which are recorded, which are only counted, and what busy addresses may do."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from dataclasses import dataclass
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.aws.call import NetworkPath
from reading_room.aws.counts import OTHERS, Counts, RefusedRequests, site_of, source_of
from reading_room.aws.errors import AwsError
from reading_room.aws.refusals import Refusals
from reading_room.aws.throttling import Buckets, Rate

HERE, THERE = NetworkPath(source_ip="192.0.2.1"), NetworkPath(source_ip="192.0.2.2")
INSIDE = NetworkPath(vpc_id="vpc-1", vpc_endpoint_id="vpce-1", vpc_source_ip="10.0.0.7")
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
NEVER = 3600.0
"""The reporting interval in seconds for tests that call ``report`` themselves."""


@dataclass
class ManualClock:
    """A clock that only the test advances."""

    at: float = 0.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.at


def make_refusals(
    now: ManualClock, reported: list[RefusedRequests], of_all: float = 100, proving: int = 10
) -> tuple[Refusals, Counts]:
    """Return refusals that record three per address, and the counts of the others."""
    counts = Counts(reported.append, lambda: NOON, NEVER)
    one, everybody = Rate(3, 1), Rate(of_all, 1)
    return Refusals(counts, Buckets(now), of_one=one, of_all=everybody, proving=proving), counts


def test_the_first_refusals_of_an_address_are_recorded_and_the_others_counted(caplog: pytest.LogCaptureFixture) -> None:
    reported: list[RefusedRequests] = []
    refusals, counts = make_refusals(ManualClock(), reported)
    assert [refusals.should_record(HERE, "ec2", "AuthFailure") for _ in range(10)] == [True] * 3 + [False] * 7
    assert refusals.should_record(THERE, "ec2", "AuthFailure")
    refusals.should_record(HERE, "s3", "AccessDenied")
    with caplog.at_level(logging.WARNING):
        counts.report()
        counts.report()
    assert [record.getMessage() for record in caplog.records] == [
        "7 requests from 192.0.2.1 refused by ec2 with AuthFailure in the last second",
        "1 requests from 192.0.2.1 refused by s3 with AccessDenied in the last second",
    ]
    assert [(each.path, each.service, each.code, each.count) for each in reported] == [
        (HERE, "ec2", "AuthFailure", 7),
        (HERE, "s3", "AccessDenied", 1),
    ]


def test_an_address_is_no_longer_busy_when_its_bucket_refills() -> None:
    now = ManualClock()
    refusals, counts = make_refusals(now, [])
    for _ in range(4):
        refusals.should_record(HERE, "ec2", "AuthFailure")
    assert refusals.is_busy(HERE)
    assert not refusals.is_busy(THERE)
    now.at = 1.0
    assert not refusals.is_busy(HERE)
    assert refusals.should_record(HERE, "ec2", "AuthFailure")
    counts.report()


def test_all_addresses_together_share_a_bucket() -> None:
    """A client with a thousand addresses cannot fill the log either, and makes none of them busy."""
    reported: list[RefusedRequests] = []
    refusals, counts = make_refusals(ManualClock(), reported, of_all=5)
    paths = [NetworkPath(source_ip=f"192.0.2.{number}") for number in range(200)]
    assert sum(refusals.should_record(path, "ec2", "AuthFailure") for path in paths) == 5
    assert not refusals.is_busy(paths[-1])
    counts.report()
    assert len(reported) == 101
    assert (reported[-1].path, reported[-1].count) == (None, 95)


def test_counts_are_reported_after_an_interval() -> None:
    async def scenario() -> RefusedRequests:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[RefusedRequests] = loop.create_future()

        def reported(each: RefusedRequests) -> None:
            loop.call_soon_threadsafe(found.set_result, each)

        counts = Counts(reported, seconds=0.001)
        counts.add(INSIDE, "s3", "SlowDown")
        return await asyncio.wait_for(found, 60)

    assert asyncio.run(scenario()).path == INSIDE


def test_equal_addresses_in_several_vpcs_are_distinguished() -> None:
    assert source_of(INSIDE) == "10.0.0.7 in vpc-1"
    assert source_of(HERE) == "192.0.2.1"


@given(st.integers(1, (1 << 64) - 1), st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 64) - 1))
def test_an_ipv6_network_shares_one_bucket(network: int, one: int, other: int) -> None:
    assert len({site_of(str(IPv6Address(network << 64 | each))) for each in (one, other)}) == 1


def test_other_addresses_have_a_bucket_each() -> None:
    assert site_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert site_of("fe80::1%eth0") == "fe80::/64"
    assert site_of("no:address") == "no:address"


def test_only_so_many_signatures_of_busy_addresses_may_wait() -> None:
    refusals, _ = make_refusals(ManualClock(), [], proving=2)

    async def scenario() -> list[object]:
        proofs = [refusals.prove("ec2", int, str(number)) for number in range(4)]
        return await asyncio.gather(*proofs, return_exceptions=True)

    found = asyncio.run(scenario())
    assert found[:2] == [0, 1]
    assert [each.code for each in found[2:] if isinstance(each, AwsError)] == ["RequestLimitExceeded"] * 2
    refusals.close()


def test_excess_kinds_of_refusals_are_reported_together(caplog: pytest.LogCaptureFixture) -> None:
    counts = Counts(None, lambda: NOON, NEVER, kinds=2)
    for number in range(5):
        counts.add(NetworkPath(source_ip=f"192.0.2.{number}"), "", "BadRequest")
    counts.report()
    assert f"3 requests from {OTHERS} refused with BadRequest in the last second" in caplog.text
