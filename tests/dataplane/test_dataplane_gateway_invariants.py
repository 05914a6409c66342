"""Routers with gateways that would open something are refused before they reach the kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reading_room.dataplane.rules.compile import compile_vpc
from reading_room.dataplane.rules.host import RouterConfig, Uplink, UplinkRoutes
from reading_room.dataplane.rules.invariants import check_router
from reading_room.dataplane.rules.nftables import Accept, Drop, Element, Goto, Jump
from reading_room.dataplane.spec import ListenerLabel
from tests.worlds.dataplane_far import far_network

SPEC = far_network()
VPC = SPEC.vpcs[0]
ROUTER = compile_vpc(VPC, SPEC.prefix_lists)


def with_set(name: str, change: Callable[[tuple[Element, ...]], tuple[Element, ...]]) -> RouterConfig:
    """Return the router with the elements of one set changed."""
    assert any(each.name == name for each in ROUTER.ruleset.sets)
    sets = tuple(
        replace(each, elements=change(each.elements)) if each.name == name else each for each in ROUTER.ruleset.sets
    )
    return replace(ROUTER, ruleset=replace(ROUTER.ruleset, sets=sets))


def more(name: str, *elements: Element) -> RouterConfig:
    """Return the router with more elements in one set."""
    return with_set(name, lambda old: (*old, *elements))


def fewer(name: str) -> RouterConfig:
    """Return the router with one element removed from one set."""
    return with_set(name, lambda old: old[1:])


def valued(name: str, value: tuple[str, ...] | Accept | Drop | Goto | Jump) -> RouterConfig:
    """Return the router with another value for the first element of a map."""
    return with_set(name, lambda old: (replace(old[0], value=value), *old[1:]))


def uplink(**changes: object) -> RouterConfig:
    """Return the router with another uplink."""
    assert isinstance(ROUTER.uplink, Uplink)
    return replace(ROUTER, uplink=replace(ROUTER.uplink, **changes))  # type: ignore[arg-type]


def without_chain(name: str) -> RouterConfig:
    """Return the router without a chain."""
    chains = tuple(each for each in ROUTER.ruleset.chains if each.name != name)
    return replace(ROUTER, ruleset=replace(ROUTER.ruleset, chains=chains))


BROKEN: dict[str, tuple[str, RouterConfig]] = {
    "a private address may leave": (
        "the public addresses that may leave are not those of its Elastic IPs",
        more("own_public", Element(("10.0.1.5",))),
    ),
    "a public address may not leave": (
        "the public addresses that may leave are not those of its Elastic IPs",
        fewer("own_public"),
    ),
    "a route to outside that the rules do not know": (
        "what routing sends to the uplink is not what the ruleset lets go there",
        uplink(routes=(UplinkRoutes(1, ("0.0.0.0/0",)),)),
    ),
    "no route to outside": (
        "what routing sends to the uplink is not what the ruleset lets go there",
        uplink(routes=()),
    ),
    "another's public address": (
        "the public addresses that may leave are not those of its Elastic IPs",
        uplink(public=("198.51.100.77",)),
    ),
    "an uplink that is missing": (
        "it has an uplink without an internet gateway, or the gateway without it",
        replace(ROUTER, uplink=None),
    ),
    "the VPC's own network by the internet gateway": (
        "10.0.9.0/24 is inside the VPC and cannot leave it",
        more("by_internet", Element(("1", "10.0.9.0/24"), None, "igw-01")),
    ),
    "a link-local network by the internet gateway": (
        "169.254.0.0/24 is inside the VPC and cannot leave it",
        more("by_internet", Element(("1", "169.254.0.0/24"), None, "igw-01")),
    ),
    "a table that does not exist": (
        "route tables that do not exist send packets out: 9",
        more("by_internet", Element(("9", "192.0.2.0/24"), None, "igw-01")),
    ),
    "sources of the VPC from outside": (
        "packets from outside could have a source of the VPC's own",
        fewer("own_closed"),
    ),
    "an Elastic IP for another": (
        "an interface would leave with an Elastic IP that is not its own",
        valued("source_elastic", ("198.51.100.1",)),
    ),
    "an Elastic IP that leads to another": (
        "an Elastic IP would lead to an interface that does not have it",
        valued("elastic_to", ("10.0.1.6",)),
    ),
    "an Elastic IP that leads to the router": (
        "an Elastic IP would lead to an interface that does not have it",
        valued("elastic_to", ("169.254.170.1",)),
    ),
    "passage without an Elastic IP": (
        "an interface without an Elastic IP could pass the internet gateway",
        more("from_elastic", Element(("10.0.1.6",))),
    ),
    "a NAT gateway with a stranger's address": (
        "1.0.0.0/8 would leave with 203.0.113.9, which nat-01 does not have",
        valued("source_nat", ("203.0.113.9",)),
    ),
    "a source port that no NAT gateway translates": (
        "would not translate every source port from 2 to 1.0.0.0/8",
        fewer("source_nat"),
    ),
    "a source port that none inside translates": (
        "would not translate every source port from 10.0.4.0/24 to 10.0.2.0/24",
        fewer("source_inner"),
    ),
    "a NAT gateway's way without translation": (
        "192.0.2.0/24 would leave by nat-02 without a public address",
        more("by_nat", Element(("4", "192.0.2.0/24"), None, "nat-02")),
    ),
    "a route inside that admits": (
        "10.0.2.0/24 to 10.0.1.0/24 would be decided by a route alone",
        valued("inner_way", Accept()),
    ),
    "a route inside that leads to groups": (
        "10.0.2.0/24 to 10.0.1.0/24 would be decided by a route alone",
        valued("inner_way", Jump("ig_sg-0job")),
    ),
    "a route inside a subnet": (
        "10.0.1.0/24 to 10.0.1.0/24 is not from one subnet to another",
        more("inner_way", Element(("10.0.1.0/24", "10.0.1.0/24"), Goto("end_nobody"), "x")),
    ),
    "a NAT gateway inside that does not translate": (
        "would pass packets with their own source",
        with_set("source_inner", lambda _old: ()),
    ),
    "a NAT gateway inside with another's address": (
        "would arrive from an address that nat-01 does not have",
        valued("source_inner", ("10.0.1.5",)),
    ),
    "a far listener for private sources": (
        "far-s3 would see a private source from 3.5.0.0/25",
        more("to_endpoint", Element(("4", "3.5.0.0/25", "443"), ("169.254.170.1", "23999"), "far-s3")),
    ),
    "an endpoint as a far service": (
        "vpce-01 is not beyond the internet gateway, but to_far leads to it",
        more("to_far", Element(("1", "192.0.2.0/24", "443"), ("169.254.170.1", "20003"), "vpce-01")),
    ),
    "an interface endpoint at another port": (
        "interface endpoints would be open elsewhere than where they listen",
        more("to_service", Element(("10.0.2.8", "6", "22"))),
    ),
    "an interface endpoint without groups": (
        "ad_ingress lets 10.0.2.8 pass without its groups",
        valued("ad_ingress", Accept()),
    ),
    "an interface endpoint judged by egress rules": (
        "ad_ingress leads 10.0.2.8 to eg_sg-0job, which is not a chain of groups",
        valued("ad_ingress", Jump("eg_sg-0job")),
    ),
    "groups for an address that is no endpoint's": (
        "ad_ingress has an element for 10.0.1.5, which is not of this VPC",
        more("ad_ingress", Element(("10.0.1.5",), Jump("ig_sg-0job"))),
    ),
    "a logged address that is no endpoint's": (
        "10.0.1.5 is logged, but not of this VPC",
        more("ad_logged", Element(("10.0.1.5",))),
    ),
    "an interface endpoint's address at the router": (
        "the addresses of its interface endpoints are not those of their interfaces",
        replace(ROUTER, addresses=(*ROUTER.addresses, "10.0.2.8")),
    ),
    "an interface endpoint that is nowhere": (
        "the addresses of its interface endpoints are not those of their interfaces",
        replace(ROUTER, endpoint_addresses=()),
    ),
    "answers that do not return": (
        "answers to translated senders would not find their way",
        replace(ROUTER, returns=()),
    ),
    "an unwanted secondary address": (
        "eni-00001 differs from the VPC's interface",
        replace(ROUTER, links=(replace(ROUTER.links[0], secondary=("10.0.1.7", "10.0.1.8")), *ROUTER.links[1:])),
    ),
    "a listener that says it is another service's": (
        "no listener of kind endpoint-https belongs at 10.0.2.8:443",
        replace(ROUTER, listeners=tuple(replace(each, service="ec2") for each in ROUTER.listeners)),
    ),
    "a listener that says its peers are public": (
        "no listener of kind endpoint-https belongs at 169.254.170.1:20003",
        replace(ROUTER, listeners=tuple(replace(each, public=not each.public) for each in ROUTER.listeners)),
    ),
    "a listener at a job's address": (
        "no listener of kind endpoint-https belongs at 10.0.1.5:443",
        replace(
            ROUTER,
            listeners=(
                *ROUTER.listeners,
                ListenerLabel("vpc-01", "endpoint-https", "10.0.1.5", 443, "vpce-02", "logs"),
            ),
        ),
    ),
    "no end for what nobody takes": (
        "it lacks a chain that every VPC has, or has another in its place",
        without_chain("end_nobody"),
    ),
    "no end for what is too much": (
        "it lacks a chain that every VPC has, or has another in its place",
        without_chain("end_contained"),
    ),
}
"""The name of each error, the message about it, and the broken router."""


def test_the_router_is_sound_before_it_is_broken() -> None:
    assert check_router(ROUTER, VPC) == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_router_with_gateways_that_would_open_something_is_refused(name: str) -> None:
    message, broken = BROKEN[name]
    problems = check_router(broken, VPC)
    assert any(message in problem for problem in problems), problems


def problems_of_vpc_with(**changes: object) -> list[str]:
    """Return the problems of the router for a changed VPC."""
    vpc = replace(VPC, **changes)  # type: ignore[arg-type]
    return check_router(compile_vpc(vpc, SPEC.prefix_lists), vpc)


@pytest.mark.parametrize("name", ["private", "public"])
def test_two_elastic_ips_with_one_address_are_refused(name: str) -> None:
    first, *others = VPC.elastic_addresses
    twice = replace(first, allocation_id="eipalloc-0two", **{name: "10.0.1.6" if name == "private" else "198.51.100.9"})
    assert "vpc-01: two Elastic IPs have one address" in problems_of_vpc_with(elastic_addresses=(first, twice, *others))


def test_without_an_internet_gateway_nothing_leaves() -> None:
    """The Elastic IPs and NAT gateways stay allocated, but lead nowhere."""
    assert problems_of_vpc_with(internet_gateway=None) == []
    router = compile_vpc(replace(VPC, internet_gateway=None), SPEC.prefix_lists)
    opened = replace(router, uplink=ROUTER.uplink)
    problems = check_router(opened, replace(VPC, internet_gateway=None))
    assert "vpc-01: it has an uplink without an internet gateway, or the gateway without it" in problems


def test_a_table_without_the_sets_of_gateways_is_reported() -> None:
    sets = tuple(each for each in ROUTER.ruleset.sets if each.name != "by_nat")
    bare = replace(ROUTER, ruleset=replace(ROUTER.ruleset, sets=sets))
    assert check_router(bare, VPC) == ["vpc-01: it lacks the sets by_nat"]
