"""Refused requests that prove nobody: which are written down, which are counted, and what busy addresses may do."""

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
"""Seconds after which counts are told, in tests that ask for it themselves."""


@dataclass
class Seconds:
    """A clock that stands still until told."""

    at: float = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.at


def refusals(
    now: Seconds, told: list[RefusedRequests], of_all: float = 100, proving: int = 10
) -> tuple[Refusals, Counts]:
    """Return refusals of which an address has three written down, and what counts the others."""
    counts = Counts(told.append, lambda: NOON, NEVER)
    one, everybody = Rate(3, 1), Rate(of_all, 1)
    return Refusals(counts, Buckets(now), of_one=one, of_all=everybody, proving=proving), counts


def test_an_address_has_some_refusals_written_down_and_the_others_counted(caplog: pytest.LogCaptureFixture) -> None:
    told: list[RefusedRequests] = []
    here, counts = refusals(Seconds(), told)
    assert [here.should_record(HERE, "ec2", "AuthFailure") for _ in range(10)] == [True] * 3 + [False] * 7
    assert here.should_record(THERE, "ec2", "AuthFailure")
    here.should_record(HERE, "s3", "AccessDenied")
    with caplog.at_level(logging.WARNING):
        counts.report()
        counts.report()
    assert [record.getMessage() for record in caplog.records] == [
        "7 requests from 192.0.2.1 refused by ec2 with AuthFailure in the last second",
        "1 requests from 192.0.2.1 refused by s3 with AccessDenied in the last second",
    ]
    assert [(each.path, each.service, each.code, each.count) for each in told] == [
        (HERE, "ec2", "AuthFailure", 7),
        (HERE, "s3", "AccessDenied", 1),
    ]


def test_a_bucket_fills_again_and_the_address_is_busy_no_more() -> None:
    now = Seconds()
    here, counts = refusals(now, [])
    for _ in range(4):
        here.should_record(HERE, "ec2", "AuthFailure")
    assert here.is_busy(HERE)
    assert not here.is_busy(THERE)
    now.at = 1.0
    assert not here.is_busy(HERE)
    assert here.should_record(HERE, "ec2", "AuthFailure")
    counts.report()


def test_all_addresses_together_have_a_bucket_too() -> None:
    """Whoever comes from a thousand addresses fills no log either, and none of them is busy."""
    told: list[RefusedRequests] = []
    here, counts = refusals(Seconds(), told, of_all=5)
    paths = [NetworkPath(source_ip=f"192.0.2.{number}") for number in range(200)]
    assert sum(here.should_record(path, "ec2", "AuthFailure") for path in paths) == 5
    assert not here.is_busy(paths[-1])
    counts.report()
    assert len(told) == 101
    assert (told[-1].path, told[-1].count) == (None, 95)


def test_counts_are_told_by_themselves_after_a_while() -> None:
    async def scenario() -> RefusedRequests:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[RefusedRequests] = loop.create_future()

        def told(each: RefusedRequests) -> None:
            loop.call_soon_threadsafe(found.set_result, each)

        counts = Counts(told, seconds=0.001)
        counts.add(INSIDE, "s3", "SlowDown")
        return await asyncio.wait_for(found, 60)

    assert asyncio.run(scenario()).path == INSIDE


def test_jobs_of_several_vpcs_with_one_address_are_told_apart() -> None:
    assert source_of(INSIDE) == "10.0.0.7 in vpc-1"
    assert source_of(HERE) == "192.0.2.1"


@given(st.integers(1, (1 << 64) - 1), st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 64) - 1))
def test_whoever_has_a_network_of_ipv6_has_one_bucket(network: int, one: int, other: int) -> None:
    assert len({site_of(str(IPv6Address(network << 64 | each))) for each in (one, other)}) == 1


def test_what_is_no_ipv6_address_is_its_own_site() -> None:
    assert site_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert site_of("fe80::1%eth0") == "fe80::/64"
    assert site_of("no:address") == "no:address"


def test_so_many_signatures_of_busy_addresses_wait_and_no_more() -> None:
    here, _ = refusals(Seconds(), [], proving=2)

    async def scenario() -> list[object]:
        asked = [here.prove("ec2", int, str(number)) for number in range(4)]
        return await asyncio.gather(*asked, return_exceptions=True)

    found = asyncio.run(scenario())
    assert found[:2] == [0, 1]
    assert [each.code for each in found[2:] if isinstance(each, AwsError)] == ["RequestLimitExceeded"] * 2
    here.close()


def test_more_kinds_than_are_told_are_told_together(caplog: pytest.LogCaptureFixture) -> None:
    counts = Counts(None, lambda: NOON, NEVER, kinds=2)
    for number in range(5):
        counts.add(NetworkPath(source_ip=f"192.0.2.{number}"), "", "BadRequest")
    counts.report()
    assert f"3 requests from {OTHERS} refused with BadRequest in the last second" in caplog.text
