"""What the resolver of a VPC answers, and that it answers nothing else."""

from __future__ import annotations

import struct

import pytest
from dnslib import RCODE, DNSRecord
from hypothesis import given, settings
from hypothesis import strategies as st
from vpc_world import NOW, network

from reading_room.vpc import network_interfaces, resolver
from reading_room.vpc.prefix_lists import S3_ADDRESS
from reading_room.vpc.resolver import RateLimiter, Zones, answer

ZONES = Zones("us-east-1", "ec2.internal", True, frozenset({"10.0.1.5"}))


def ask(name: str, kind: str = "A", zones: Zones = ZONES) -> DNSRecord:
    return DNSRecord.parse(answer(DNSRecord.question(name, kind).pack(), zones))


def values(reply: DNSRecord) -> list[str]:
    return [str(record.rdata) for record in reply.rr]


@pytest.mark.parametrize(
    "name",
    [
        "s3.amazonaws.com",
        "s3.us-east-1.amazonaws.com",
        "s3-us-east-1.amazonaws.com",
        "s3.dualstack.us-east-1.amazonaws.com",
        "my.bucket.s3.amazonaws.com",
        "bucket.s3.us-east-1.amazonaws.com",
        "BUCKET.S3-us-east-1.AMAZONAWS.com",
        "bucket.s3.dualstack.us-east-1.amazonaws.com",
    ],
)
def test_every_name_of_s3_in_the_region_leads_to_the_prefix_list(name: str) -> None:
    reply = ask(name)
    assert values(reply) == [S3_ADDRESS]
    assert str(reply.q.qname).rstrip(".") == name


@pytest.mark.parametrize(
    "name",
    [
        "example.com",
        "amazonaws.com",
        "xs3.amazonaws.com",
        "s3.eu-west-1.amazonaws.com",
        "comprehend.us-east-1.amazonaws.com",
        "s3.amazonaws.com.example.com",
        "ip-10-0-1-6.ec2.internal",
        "ip-10-0-1-5.example.com",
        "secret.data.attacker.example",
        ".",
    ],
)
def test_any_other_name_does_not_exist(name: str) -> None:
    reply = ask(name)
    assert reply.header.rcode == RCODE.NXDOMAIN
    assert values(reply) == []


def test_a_name_of_s3_has_no_ipv6_address() -> None:
    reply = ask("s3.amazonaws.com", "AAAA")
    assert reply.header.rcode == RCODE.NOERROR
    assert values(reply) == []


def test_the_vpcs_own_interfaces_have_names_both_ways() -> None:
    assert values(ask("ip-10-0-1-5.ec2.internal")) == ["10.0.1.5"]
    assert values(ask("5.1.0.10.in-addr.arpa", "PTR")) == ["ip-10-0-1-5.ec2.internal."]
    assert ask("6.1.0.10.in-addr.arpa", "PTR").header.rcode == RCODE.NXDOMAIN


def test_nothing_answers_while_dns_support_is_off() -> None:
    assert answer(DNSRecord.question("s3.amazonaws.com").pack(), Zones("us-east-1", "ec2.internal", False)) == b""


def test_an_answer_is_not_answered_and_what_cannot_be_read_is_a_format_error() -> None:
    query = DNSRecord.question("s3.amazonaws.com").pack()
    assert answer(answer(query, ZONES), ZONES) == b""
    assert answer(query[:11], ZONES) == b""
    broken = answer(query[:-3], ZONES)
    assert broken[:2] == query[:2]
    assert DNSRecord.parse(broken).header.rcode == RCODE.FORMERR
    update = struct.pack("!HHHHHH", 7, 5 << 11, 0, 0, 0, 0)
    assert DNSRecord.parse(answer(update, ZONES)).header.rcode == RCODE.NOTIMP


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_no_packet_breaks_the_resolver_or_is_answered_at_length(packet: bytes) -> None:
    reply = answer(packet, ZONES)
    assert len(reply) <= len(packet) + 64
    if reply:
        assert reply[:2] == packet[:2]


def test_zones_follow_the_vpcs_attributes_and_interfaces() -> None:
    with network() as world:
        made = network_interfaces.create(world.session, world.account, world.subnet, [], NOW, requester_id="me")
        zones = resolver.zones_of(world.session, world.vpc.vpc_id)
        assert zones == Zones("us-east-1", "ec2.internal", True, frozenset({made.address}))
        assert resolver.base_resolver_address(world.session, world.vpc.vpc_id) == "10.0.0.2"
        world.vpc.enable_dns_support = False
        assert not resolver.zones_of(world.session, world.vpc.vpc_id).dns_support
        assert not resolver.zones_of(world.session, "vpc-00000000000000000").dns_support


def test_each_source_has_its_own_rate_and_recovers_with_time() -> None:
    limiter = RateLimiter(per_second=10, sources=2)
    assert [limiter.allows("a", 0.0) for _ in range(11)] == [True] * 10 + [False]
    assert limiter.allows("b", 0.0)
    assert limiter.allows("a", 0.1)
    assert not limiter.allows("a", 0.1)
    assert [limiter.allows("a", 100.0) for _ in range(11)].count(True) == 10
