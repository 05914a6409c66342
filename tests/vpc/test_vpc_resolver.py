"""The names that the resolver of a VPC answers, and that it answers no others."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reading_room.ids import resource_id
from reading_room.vpc.addressing.prefix_lists import API_ADDRESS, S3_ADDRESS
from reading_room.vpc.endpoints import interface_endpoints, resolver
from reading_room.vpc.endpoints.endpoint_services import find
from reading_room.vpc.endpoints.interface_endpoints import Wanted
from reading_room.vpc.endpoints.resolver import ADDRESS, ANY, POINTER, Found, Zones, look_up
from reading_room.vpc.interfaces import network_interfaces
from reading_room.vpc.tables import ElasticAddress, SecondaryAddress, VpcEndpoint
from reading_room.vpc.zones import zones_of
from tests.worlds.vpc import ACCOUNT, NOW, REGION, Network, network

ZONES = Zones("us-east-1", "ec2.internal", True, frozenset({"10.0.1.5"}))


KINDS = {"A": ADDRESS, "AAAA": 28, "PTR": POINTER, "ANY": ANY, "TXT": 16, "NULL": 10, "MX": 15, "CNAME": 5}


def ask(name: str, kind: str = "A", zones: Zones = ZONES) -> Found:
    found = look_up(name.lower(), KINDS[kind], zones)
    assert found is not None
    return found


def values(found: Found) -> list[str]:
    return [value for _, _, value in found.records or ()]


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
        "amazonlinux.us-east-1.amazonaws.com",
        "packages.us-east-1.amazonaws.com",
        "repo.us-east-1.amazonaws.com",
    ],
)
def test_every_name_of_s3_in_the_region_leads_to_the_prefix_list(name: str) -> None:
    reply = ask(name)
    assert values(reply) == [S3_ADDRESS]


@pytest.mark.parametrize(
    "name",
    [
        "comprehend.us-east-1.amazonaws.com",
        "ec2.us-east-1.amazonaws.com",
        "logs.us-east-1.amazonaws.com",
        "sts.us-east-1.amazonaws.com",
        "sts.amazonaws.com",
        "iam.amazonaws.com",
    ],
)
def test_every_name_of_another_service_leads_to_its_public_address(name: str) -> None:
    assert values(ask(name)) == [API_ADDRESS]


@pytest.mark.parametrize(
    "name",
    [
        "example.com",
        "amazonaws.com",
        "xs3.amazonaws.com",
        "s3.eu-west-1.amazonaws.com",
        "comprehend.eu-west-1.amazonaws.com",
        "data.comprehend.us-east-1.amazonaws.com",
        "lambda.us-east-1.amazonaws.com",
        "x.packages.us-east-1.amazonaws.com",
        "vpce-1-x.logs.us-east-1.vpce.amazonaws.com",
        "ec2-198-51-100-7.compute-1.amazonaws.com",
        "s3.amazonaws.com.example.com",
        "ip-10-0-1-6.ec2.internal",
        "ip-10-0-1-5.example.com",
        "secret.data.attacker.example",
        ".",
    ],
)
def test_any_other_name_does_not_exist(name: str) -> None:
    reply = ask(name)
    assert reply.records is None
    assert values(reply) == []


def test_a_name_of_s3_has_no_ipv6_address() -> None:
    reply = ask("s3.amazonaws.com", "AAAA")
    assert reply.records == ()
    assert values(reply) == []


def test_the_vpcs_own_interfaces_have_names_both_ways() -> None:
    assert values(ask("ip-10-0-1-5.ec2.internal")) == ["10.0.1.5"]
    assert values(ask("5.1.0.10.in-addr.arpa", "PTR")) == ["ip-10-0-1-5.ec2.internal"]
    assert ask("6.1.0.10.in-addr.arpa", "PTR").records is None


def test_nothing_answers_while_dns_support_is_off() -> None:
    assert look_up("s3.amazonaws.com", ADDRESS, Zones("us-east-1", "ec2.internal", False)) is None


@given(
    st.lists(st.from_regex(r"[a-z0-9_-]{1,40}", fullmatch=True), min_size=1, max_size=4),
    st.sampled_from(
        ["attacker.example", "amazonaws.com", "us-east-1.amazonaws.com", "ec2.internal", "vpce.amazonaws.com", "aws"]
    ),
    st.sampled_from(["A", "TXT", "NULL", "MX", "ANY", "CNAME"]),
)
@settings(max_examples=300)
def test_no_query_is_forwarded(labels: list[str], domain: str, kind: str) -> None:
    name = ".".join([*labels, domain])
    reply = ask(name, kind)
    known = resolver.addresses_of(name, ZONES)
    assert known is None or set(known) <= {S3_ADDRESS, API_ADDRESS, "10.0.1.5"}
    assert (reply.records is None) == (known is None)
    assert set(values(reply)) <= set(known or ())


def test_zones_follow_the_vpcs_attributes_and_interfaces() -> None:
    with network() as world:
        made = network_interfaces.create(world.session, world.account, world.subnet, [], NOW, requester_id="me")
        zones = resolver.zones_of(world.session, world.vpc.vpc_id)
        assert zones == Zones("us-east-1", "ec2.internal", True, frozenset({made.address}))
        assert resolver.base_resolver_address(world.session, world.vpc.vpc_id) == "10.0.0.2"
        world.vpc.enable_dns_support = False
        assert not resolver.zones_of(world.session, world.vpc.vpc_id).dns_support
        assert not resolver.zones_of(world.session, "vpc-00000000000000000").dns_support


def endpoint(world: Network, service: str, wanted: Wanted) -> VpcEndpoint:
    found = find(REGION, f"com.amazonaws.{REGION}.{service}")["Interface"]
    return interface_endpoints.create(world.session, world.vpc, found, wanted, NOW)


def zones_now(world: Network) -> Zones:
    return resolver.zones_of(world.session, world.vpc.vpc_id)


def other_zone(world: Network) -> str:
    """Create a subnet in another zone."""
    made = world.another_subnet("10.0.1.0/24")
    made.availability_zone = zones_of(REGION)[1].name
    return made.subnet_id


def test_an_interface_endpoint_has_a_name_for_all_its_addresses_and_one_for_each_zone() -> None:
    with network() as world:
        subnets = [world.subnet.subnet_id, other_zone(world)]
        made = endpoint(world, "logs", Wanted(subnets, private_dns=False))
        first = f"{made.vpc_endpoint_id}-{made.dns_label}"
        zones = zones_now(world)
        by_zone = [f"{first}-{REGION}{letter}.logs.us-east-1.vpce.amazonaws.com" for letter in "ab"]
        assert sorted(values(ask(f"{first}.logs.us-east-1.vpce.amazonaws.com", zones=zones))) == [
            "10.0.0.4",
            "10.0.1.4",
        ]
        assert [values(ask(name, zones=zones)) for name in by_zone] == [["10.0.0.4"], ["10.0.1.4"]]
        assert values(ask("logs.us-east-1.amazonaws.com", zones=zones)) == [API_ADDRESS]
        assert values(ask("4.0.0.10.in-addr.arpa", "PTR", zones)) == ["ip-10-0-0-4.ec2.internal"]


def test_private_dns_resolves_the_service_s_name_to_the_endpoint_in_its_vpc() -> None:
    with network() as world:
        world.vpc.enable_dns_hostnames = True
        other = world.another_vpc()
        world.another_subnet("10.9.0.0/24", other)
        endpoint(world, "logs", Wanted([world.subnet.subnet_id]))
        assert values(ask("logs.us-east-1.amazonaws.com", zones=zones_now(world))) == ["10.0.0.4"]
        there = resolver.zones_of(world.session, other.vpc_id)
        assert values(ask("logs.us-east-1.amazonaws.com", zones=there)) == [API_ADDRESS]
        assert there.records == {}


def test_private_dns_without_a_subnet_leaves_the_name_without_an_address() -> None:
    with network() as world:
        world.vpc.enable_dns_hostnames = True
        endpoint(world, "logs", Wanted())
        reply = ask("logs.us-east-1.amazonaws.com", zones=zones_now(world))
        assert reply.records == ()


def test_an_s3_interface_endpoint_has_names_for_buckets_and_with_private_dns_the_regional_ones() -> None:
    with network() as world:
        world.vpc.enable_dns_hostnames = True
        made = endpoint(world, "s3", Wanted([world.subnet.subnet_id], private_dns=True, inbound_only=False))
        own = f"{made.vpc_endpoint_id}-{made.dns_label}.s3.us-east-1.vpce.amazonaws.com"
        zones = zones_now(world)
        ours = [f"bucket.{own}", f"a.b.bucket.{own}", "s3.us-east-1.amazonaws.com", "b.s3.us-east-1.amazonaws.com"]
        assert [values(ask(name, zones=zones)) for name in ours] == [["10.0.0.4"]] * 4
        public = ["s3.amazonaws.com", "b.s3.amazonaws.com", "repo.us-east-1.amazonaws.com"]
        assert [values(ask(name, zones=zones)) for name in public] == [[S3_ADDRESS]] * 3
        assert ask(own, zones=zones).records is None


def test_secondary_addresses_also_have_names() -> None:
    with network() as world:
        made = network_interfaces.create(world.session, world.account, world.subnet, [], NOW, requester_id="me")
        world.session.add(
            SecondaryAddress(
                vpc_id=world.vpc.vpc_id,
                address="10.0.0.77",
                interface_id=made.interface_id,
                subnet_id=world.subnet.subnet_id,
            )
        )
        world.session.flush()
        assert values(ask("ip-10-0-0-77.ec2.internal", zones=zones_now(world))) == ["10.0.0.77"]


def test_a_public_name_resolves_to_the_private_address_in_its_vpc_and_to_the_public_one_elsewhere() -> None:
    with network() as world:
        other = world.another_vpc()
        world.another_subnet("10.9.0.0/24", other)
        made = network_interfaces.create(world.session, world.account, world.subnet, [], NOW, requester_id="me")
        world.session.add(
            ElasticAddress(
                allocation_id=resource_id("eipalloc"),
                account=ACCOUNT,
                public_ip="198.51.100.7",
                association_id=resource_id("eipassoc"),
                interface_id=made.interface_id,
                private_address=made.address,
                created_at=NOW,
            )
        )
        name = "ec2-198-51-100-7.compute-1.amazonaws.com"
        assert ask(name, zones=zones_now(world)).records is None
        world.vpc.enable_dns_hostnames = True
        assert values(ask(name, zones=zones_now(world))) == [made.address]
        there = resolver.zones_of(world.session, other.vpc_id)
        assert values(ask(name, zones=there)) == ["198.51.100.7"]
        assert values(ask("7.100.51.198.in-addr.arpa", "PTR", there)) == [name]
