"""Spans of addresses, the connections that continue, and the destinations behind the uplink."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.dataplane.rules.compile import compile_vpc
from reading_room.dataplane.rules.compile.gateways import shares
from reading_room.dataplane.rules.compile.spans import common, innermost, networks
from reading_room.dataplane.rules.host import EndpointReach, RouterConfig, Translation
from reading_room.dataplane.spec import ElasticAddress, PrefixList, Route, Vpc
from tests.worlds.dataplane_far import far_network

NETWORKS = st.builds(
    lambda number, length: IPv4Network((number, length), strict=False),
    st.integers(0, 255).map(lambda octet: octet << 24 | octet),
    st.sampled_from((0, 1, 4, 6, 7, 8, 24, 31, 32)),
)
OWNERS = st.dictionaries(NETWORKS, st.sampled_from("abc"), max_size=12)
ADDRESSES = st.integers(0, 255).map(lambda octet: octet << 24 | octet)


def compiled(vpc: Vpc | None = None) -> RouterConfig:
    """Return the router of the network with gateways, or of another VPC."""
    spec = far_network()
    return compile_vpc(vpc or spec.vpcs[0], spec.prefix_lists)


@given(OWNERS, ADDRESSES)
def test_an_address_belongs_to_the_smallest_network_that_holds_it(owners: dict[IPv4Network, str], number: int) -> None:
    address = IPv4Address(number)
    holding = [network for network in owners if address in network]
    wanted = [owners[max(holding, key=lambda each: each.prefixlen)]] if holding else []
    assert [owner for first, last, owner in innermost(owners) if first <= number <= last] == wanted


@given(OWNERS, OWNERS, ADDRESSES)
def test_what_two_lists_have_in_common_is_in_both(
    one: dict[IPv4Network, str], other: dict[IPv4Network, str], number: int
) -> None:
    spans, others = innermost(one), [(first, last) for first, last, _ in innermost(other)]
    inside = [owner for first, last, owner in spans if first <= number <= last]
    wanted = inside if any(first <= number <= last for first, last in others) else []
    assert [owner for first, last, owner in common(spans, others) if first <= number <= last] == wanted


@given(OWNERS, ADDRESSES)
def test_networks_cover_exactly_their_spans(owners: dict[IPv4Network, str], number: int) -> None:
    spans = [(first, last) for first, last, _ in innermost(owners)]
    covered = [each for each in networks(spans) if IPv4Address(number) in IPv4Network(each)]
    assert len(covered) == any(first <= number <= last for first, last in spans)


@given(st.integers(1, 8))
def test_the_addresses_of_a_nat_gateway_share_every_port(count: int) -> None:
    pieces = [tuple(map(int, ports.split("-"))) for ports, _ in shares([f"198.51.100.{n}" for n in range(count)])]
    assert [first for first, _ in pieces[1:]] == [last + 1 for _, last in pieces[:-1]]
    assert (pieces[0][0], pieces[-1][1]) == (0, 65_535)


@pytest.mark.costs(0.2, reason="a thousand networks are compiled")
def test_a_thousand_networks_in_a_default_route_compile_quickly_to_what_they_say() -> None:
    """A customer's prefix list before a default route: its networks and the rest, without overlap."""
    spec = far_network()
    listed = PrefixList("pl-0a", tuple(f"{20 + n // 200}.{n % 200}.0.0/24" for n in range(1_000)))
    vpc = spec.vpcs[0]
    table = replace(vpc.route_tables[0], routes=(*vpc.route_tables[0].routes, Route("pl-0a", "nat-01")))
    router = compile_vpc(replace(vpc, route_tables=(table, *vpc.route_tables[1:])), (*spec.prefix_lists, listed))
    sets = {each.name: each.elements for each in router.ruleset.sets}
    assert {key[1] for key in (each.key for each in sets["by_nat"]) if key[0] == "1"} == set(listed.cidrs)


def reach_of(router: RouterConfig, endpoint_id: str) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the sources and peers that reach an endpoint."""
    return {(each.sources, each.peers) for each in router.reach if each.endpoint_id == endpoint_id}


def test_callers_of_an_endpoint_are_listed_with_the_address_that_it_sees() -> None:
    router = compiled()
    assert reach_of(router, "vpce-01") == {
        ((), ()),
        (("10.0.2.5",), ("10.0.3.4", "10.0.3.5")),
        (("10.0.4.5",), ("10.0.3.9",)),
    }
    assert reach_of(router, "far-s3") == {(("10.0.1.5",), ("198.51.100.11",))}
    assert (("10.0.2.5",), ("198.51.100.1", "198.51.100.2")) in reach_of(router, "far-api")
    assert all(isinstance(each, EndpointReach) for each in router.reach)


def may_live(router: RouterConfig, source: str, destination: str, given_source: str) -> bool:
    """Return whether a translated flow may continue, as ``Translation`` says."""
    return any(
        source in each.sources
        and given_source in each.addresses
        and any(IPv4Address(destination) in IPv4Network(network) for network in each.networks)
        for each in router.translations
    )


def test_a_translated_flow_lives_as_long_as_its_way_and_its_address() -> None:
    router = compiled()
    assert may_live(router, "10.0.2.5", "203.0.113.9", "198.51.100.1")
    assert may_live(router, "10.0.1.5", "203.0.113.9", "198.51.100.11")
    assert may_live(router, "10.0.4.5", "10.0.2.8", "10.0.3.5")
    assert not may_live(router, "10.0.1.6", "203.0.113.9", "198.51.100.11")
    vpc = far_network().vpcs[0]
    moved = compiled(replace(vpc, elastic_addresses=(ElasticAddress("eipalloc-01", "198.51.100.11", "10.0.1.6"),)))
    assert not may_live(moved, "10.0.1.5", "203.0.113.9", "198.51.100.11")
    assert may_live(moved, "10.0.1.6", "203.0.113.9", "198.51.100.11")
    assert Translation(("10.0.1.6",), moved.translations[-1].networks, ("198.51.100.11",), True) in moved.translations


def test_an_elastic_ip_of_an_interface_without_a_wire_leads_nowhere() -> None:
    vpc = far_network().vpcs[0]
    resting = (replace(vpc.interfaces[0], container_id=None), *vpc.interfaces[1:])
    router = compiled(replace(vpc, interfaces=resting))
    sets = {each.name: each.elements for each in router.ruleset.sets}
    assert (sets["elastic_to"], sets["source_elastic"], sets["from_elastic"]) == ((), (), ())
    assert router.uplink is not None
    assert "198.51.100.11" in router.uplink.public


def test_the_uplink_takes_what_route_tables_send_out_and_nothing_of_the_vpc() -> None:
    router = compiled()
    assert router.uplink is not None
    by_table = {each.number: [IPv4Network(network) for network in each.networks] for each in router.uplink.routes}
    assert by_table.keys() == {1, 2, 3}
    assert not any(network.overlaps(IPv4Network("10.0.0.0/16")) for found in by_table.values() for network in found)
    assert any(IPv4Address("192.0.2.200") in network for network in by_table[2])
    assert not any(IPv4Address("192.0.2.7") in network for network in by_table[2])
