"""Routers with gateways that would open something are refused before the kernel hears of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reading_room.dataplane.linux.compile import compile_vpc
from reading_room.dataplane.linux.host import RouterConfig, Uplink, UplinkRoutes
from reading_room.dataplane.linux.invariants import check_router
from reading_room.dataplane.linux.nftables import Accept, Drop, Element, Goto, Jump
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
    """Return the router with one element less in one set."""
    return with_set(name, lambda old: old[1:])


def valued(name: str, value: tuple[str, ...] | Accept | Drop | Goto | Jump) -> RouterConfig:
    """Return the router with another value at the first element of a map."""
    return with_set(name, lambda old: (replace(old[0], value=value), *old[1:]))


def uplink(**changes: object) -> RouterConfig:
    """Return the router with another uplink."""
    assert isinstance(ROUTER.uplink, Uplink)
    return replace(ROUTER, uplink=replace(ROUTER.uplink, **changes))  # type: ignore[arg-type]


def without_chain(name: str) -> RouterConfig:
    """Return the router without a chain."""
    chains = tuple(each for each in ROUTER.ruleset.chains if each.name != name)
    return replace(ROUTER, ruleset=replace(ROUTER.ruleset, chains=chains))


SPOILT = {
    "a private address may leave": more("own_public", Element(("10.0.1.5",))),
    "a public address may not leave": fewer("own_public"),
    "a route to outside that the rules do not know": uplink(routes=(UplinkRoutes(1, ("0.0.0.0/0",)),)),
    "no route to outside": uplink(routes=()),
    "another's public address": uplink(public=("198.51.100.77",)),
    "an uplink that is missing": replace(ROUTER, uplink=None),
    "the VPC's own network by the internet gateway": more("by_internet", Element(("1", "10.0.9.0/24"), None, "igw-01")),
    "a link-local network by the internet gateway": more(
        "by_internet", Element(("1", "169.254.0.0/24"), None, "igw-01")
    ),
    "a table that does not exist": more("by_internet", Element(("9", "192.0.2.0/24"), None, "igw-01")),
    "sources of the VPC from outside": fewer("own_closed"),
    "an Elastic IP for another": valued("source_elastic", ("198.51.100.1",)),
    "an Elastic IP that leads to another": valued("elastic_to", ("10.0.1.6",)),
    "an Elastic IP that leads to the router": valued("elastic_to", ("169.254.170.1",)),
    "passage without an Elastic IP": more("from_elastic", Element(("10.0.1.6",))),
    "a NAT gateway with a stranger's address": valued("source_nat", ("203.0.113.9",)),
    "a source port that no NAT gateway translates": fewer("source_nat"),
    "a source port that none inside translates": fewer("source_inner"),
    "a NAT gateway's way without translation": more("by_nat", Element(("4", "192.0.2.0/24"), None, "nat-02")),
    "a route inside that admits": valued("inner_way", Accept()),
    "a route inside that leads to groups": valued("inner_way", Jump("ig_sg-0job")),
    "a route inside a subnet": more("inner_way", Element(("10.0.1.0/24", "10.0.1.0/24"), Goto("end_nobody"), "x")),
    "a NAT gateway inside that does not translate": with_set("source_inner", lambda _old: ()),
    "a NAT gateway inside with another's address": valued("source_inner", ("10.0.1.5",)),
    "a far listener for private sources": more(
        "to_endpoint", Element(("4", "3.5.0.0/25", "443"), ("169.254.170.1", "23999"), "far-s3")
    ),
    "an endpoint as a far service": more(
        "to_far", Element(("1", "192.0.2.0/24", "443"), ("169.254.170.1", "20003"), "vpce-01")
    ),
    "an interface endpoint at another port": more("to_service", Element(("10.0.2.8", "6", "22"))),
    "an interface endpoint without groups": valued("ad_ingress", Accept()),
    "an interface endpoint judged by egress rules": valued("ad_ingress", Jump("eg_sg-0job")),
    "groups for an address that is no endpoint's": more("ad_ingress", Element(("10.0.1.5",), Jump("ig_sg-0job"))),
    "a logged address that is no endpoint's": more("ad_logged", Element(("10.0.1.5",))),
    "an interface endpoint's address at the router": replace(ROUTER, addresses=(*ROUTER.addresses, "10.0.2.8")),
    "an interface endpoint that is nowhere": replace(ROUTER, endpoint_addresses=()),
    "answers that do not return": replace(ROUTER, returns=()),
    "a secondary address that nobody asked for": replace(
        ROUTER, links=(replace(ROUTER.links[0], secondary=("10.0.1.7", "10.0.1.8")), *ROUTER.links[1:])
    ),
    "a listener that says it is another service's": replace(
        ROUTER, listeners=tuple(replace(each, service="ec2") for each in ROUTER.listeners)
    ),
    "a listener that says its peers are public": replace(
        ROUTER, listeners=tuple(replace(each, public=not each.public) for each in ROUTER.listeners)
    ),
    "a listener at a job's address": replace(
        ROUTER,
        listeners=(*ROUTER.listeners, ListenerLabel("vpc-01", "endpoint-https", "10.0.1.5", 443, "vpce-02", "logs")),
    ),
    "no end for what nobody takes": without_chain("end_nobody"),
    "no end for what is too much": without_chain("end_contained"),
}


def test_the_router_is_sound_before_it_is_spoilt() -> None:
    assert check_router(ROUTER, VPC) == []


@pytest.mark.parametrize("name", SPOILT)
def test_a_router_with_gateways_that_would_open_something_is_refused(name: str) -> None:
    assert check_router(SPOILT[name], VPC) != []
