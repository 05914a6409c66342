"""The checks between a compiled host and the kernel, and on the text of a ruleset."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from reading_room.dataplane.rules.compile import compile_host
from reading_room.dataplane.rules.host import HostConfig, RouterConfig, link_name
from reading_room.dataplane.rules.invariants import check
from reading_room.dataplane.rules.nftables import (
    Accept,
    Chain,
    Drop,
    Element,
    Equals,
    Field,
    Jump,
    KeyType,
    Log,
    Lookup,
    NamedSet,
    Rule,
)
from reading_room.dataplane.spec import (
    Interface,
    ListenerLabel,
    NatGateway,
    NetworkSpec,
    SecurityGroup,
    Service,
    Subnet,
)
from tests.worlds.dataplane import small_network

SPEC = small_network()
VPC = SPEC.vpcs[0]
ROUTER = compile_host(SPEC).routers[0]
DEVICE = ROUTER.links[0].name
ListenerKind = Literal["resolver-udp", "resolver-tcp", "credentials", "endpoint-http", "endpoint-https"]
LISTENER, CREDENTIALS = "169.254.170.1", "169.254.170.2"


def problems(router: RouterConfig) -> list[str]:
    """Return the problems of a broken router."""
    return check(HostConfig((router,)), SPEC)


def with_chain(name: str, *rules: Rule) -> RouterConfig:
    """Return the router with one chain replaced."""
    chains = tuple(replace(each, rules=rules) if each.name == name else each for each in ROUTER.ruleset.chains)
    return replace(ROUTER, ruleset=replace(ROUTER.ruleset, chains=chains))


def with_elements(name: str, *elements: Element) -> RouterConfig:
    """Return the router with more elements in one set."""
    sets = tuple(
        replace(each, elements=(*each.elements, *elements)) if each.name == name else each
        for each in ROUTER.ruleset.sets
    )
    return replace(ROUTER, ruleset=replace(ROUTER.ruleset, sets=sets))


def without_set(name: str) -> RouterConfig:
    """Return the router without a set."""
    sets = tuple(each for each in ROUTER.ruleset.sets if each.name != name)
    return replace(ROUTER, ruleset=replace(ROUTER.ruleset, sets=sets))


def more_sets(*sets: NamedSet) -> RouterConfig:
    """Return the router with more sets."""
    return replace(ROUTER, ruleset=replace(ROUTER.ruleset, sets=(*ROUTER.ruleset.sets, *sets)))


def more_chains(*chains: Chain) -> RouterConfig:
    """Return the router with more chains."""
    return replace(ROUTER, ruleset=replace(ROUTER.ruleset, chains=(*ROUTER.ruleset.chains, *chains)))


def with_link(**changes: object) -> RouterConfig:
    """Return the router with a changed link for the first interface."""
    return replace(ROUTER, links=(replace(ROUTER.links[0], **changes), *ROUTER.links[1:]))  # type: ignore[arg-type]


def with_listener(
    kind: ListenerKind, address: str, port: int, endpoint_id: str | None = None, service: Service = "s3"
) -> RouterConfig:
    """Return the router with one more listener."""
    label = ListenerLabel("vpc-01", kind, address, port, endpoint_id, service)
    return replace(ROUTER, listeners=(*ROUTER.listeners, label))


def test_the_small_network_has_no_problem() -> None:
    """The tests below break this correct network."""
    assert problems(ROUTER) == []


@pytest.mark.parametrize(
    ("message", "broken"),
    [
        ("ig_sg-0web accepts without a group rule", with_chain("ig_sg-0web", Rule((), (Accept(),)))),
        ("ig_sg-0web accepts without a group rule", with_chain("ig_sg-0web", Rule((), (Accept(),), "sgr-0web"))),
        (
            "ig_sg-0web accepts without a group rule",
            with_chain("ig_sg-0web", Rule((Equals(Field.SOURCE, "10.0.0.0/8"),), (Accept(),), "sgr-0stranger")),
        ),
        (
            "ig_sg-0web accepts without a group rule",
            with_chain("ig_sg-0web", Rule((Equals(Field.DESTINATION, "10.0.0.0/8"),), (Accept(),), "sgr-0web")),
        ),
        (
            "ig_sg-0web accepts without a group rule",
            with_chain("ig_sg-0web", Rule((Lookup((Field.SOURCE,), "to_attached"),), (Accept(),), "sg-0web")),
        ),
        (
            "ig_sg-0web accepts without a group rule",
            with_chain("ig_sg-0web", Rule((Lookup((Field.SOURCE,), "member_sg-0gone"),), (Accept(),), "sgr-0web")),
        ),
        (
            "ig_sg-0web accepts without a group rule",
            with_chain(
                "ig_sg-0web", Rule((Lookup((Field.SOURCE,), "member_sg-0job", negated=True),), (Accept(),), "sgr-0web")
            ),
        ),
        (
            "ig_sg-0web accepts without a group rule",
            with_chain("ig_sg-0web", Rule((Lookup((Field.DESTINATION,), "member_sg-0job"),), (Accept(),), "sgr-0web")),
        ),
        ("ig_sg-0web does what no group asks for", with_chain("ig_sg-0web", Rule((), (Jump("eg_sg-0job"),)))),
        ("ig_sg-0web does what no group asks for", with_chain("ig_sg-0web", Rule((), (Jump("ig_sg-0gone"),)))),
        ("ig_sg-0web does what no group asks for", with_chain("ig_sg-0web", Rule((), (Drop(),)))),
        ("the chain other_x is neither a base chain nor one of a group", more_chains(Chain("other_x"))),
        ("two chains or two sets have one name", more_chains(Chain("ig_sg-0web"))),
        ("two chains or two sets have one name", more_sets(ROUTER.ruleset.sets[0])),
        ("its base chains are not those of every VPC", with_chain("pre_egress", Rule((), (Accept(),)))),
        ("it lacks a chain that every VPC has", with_chain("end_nobody", Rule((), (Accept(),)))),
        ("it lacks the sets if_mark", without_set("if_mark")),
        ("eg_sg-0job accepts without a group rule", with_elements("egport_sg-0job", Element(("0.0.0.0/0", "6", "22")))),
        ("if_ingress lets e00001 pass without its groups", with_elements("if_ingress", Element((DEVICE,), Accept()))),
        (
            "if_ingress leads e00001 to eg_sg-0job, which is not a chain of groups",
            with_elements("if_ingress", Element((DEVICE,), Jump("eg_sg-0job"))),
        ),
        (
            "if_egress leads e00001 to eg_sg-0gone, which is not a chain of groups",
            with_elements("if_egress", Element((DEVICE,), Jump("eg_sg-0gone"))),
        ),
        (
            "if_egress has an element for e0stranger, which is not of this VPC",
            with_elements("if_egress", Element(("e0stranger",), Jump("eg_sg-0job"))),
        ),
        ("e0stranger is logged, but not of this VPC", with_elements("if_logged", Element(("e0stranger",)))),
        (
            "devices, source addresses and route tables do not match",
            with_elements("if_mark", Element((DEVICE, "10.0.1.77"), ("1",))),
        ),
        ("the addresses that packets may go to", with_elements("to_attached", Element(("198.51.100.7",)))),
        ("the addresses of the router are not those that it has", with_elements("to_router", Element(("10.0.3.1",)))),
        (
            "groups would not filter something else than the resolver",
            with_elements("to_exempt", Element(("169.254.170.1", "6", "20002"))),
        ),
        (
            "10.0.2.0/24 is inside the VPC and cannot be sent to vpce-01",
            with_elements("to_endpoint", Element(("1", "10.0.2.0/24", "443"), (LISTENER, "20003"), "vpce-01")),
        ),
        (
            "3.6.0.0/24 is sent to vpce-01 by a route table that does not exist (9)",
            with_elements("to_endpoint", Element(("9", "3.6.0.0/24", "443"), (LISTENER, "20003"), "vpce-01")),
        ),
        (
            "3.6.0.0/24 port 443 leads to no listener of vpce-01",
            with_elements("to_endpoint", Element(("1", "3.6.0.0/24", "443"), (LISTENER, "20002"), "vpce-01")),
        ),
        (
            "3.6.0.0/24 port 443 leads to no listener of vpce-02",
            with_elements("to_endpoint", Element(("1", "3.6.0.0/24", "443"), (LISTENER, "20003"), "vpce-02")),
        ),
        (
            "3.6.0.0/24 port 22 leads to no listener of vpce-01",
            with_elements("to_endpoint", Element(("1", "3.6.0.0/24", "22"), (LISTENER, "20003"), "vpce-01")),
        ),
        (
            "the router may not have 192.0.2.1, which is outside of 10.0.0.0/16",
            replace(ROUTER, addresses=(*ROUTER.addresses, "192.0.2.1")),
        ),
        ("the router has 10.0.1.1 twice", replace(ROUTER, addresses=(*ROUTER.addresses, "10.0.1.1"))),
        ("what no interface takes would not be dropped everywhere", replace(ROUTER, blackholes=("10.0.0.0/16",))),
        ("its namespace is '../other' instead of 'vpc-01'", replace(ROUTER, namespace="../other")),
        ("eni-00001 differs from the VPC's interface", with_link(address="10.0.1.77")),
        ("eni-00001 differs from the VPC's interface", with_link(secondary=("10.0.1.77",))),
        ("eni-00001 differs from the VPC's interface", with_link(container_id="c9")),
        ("eni-00001 differs from the VPC's interface", with_link(mac="02:00:00:00:00:09")),
        ("eni-00001 has '02:00:00:00:00', which is no hardware address", with_link(mac="02:00:00:00:00")),
        ("eni-00001 has 10.0.1.1, which is not free for it in 10.0.1.0/24", with_link(address="10.0.1.1")),
        ("eni-00001 has 10.0.2.77, which is not free for it in 10.0.1.0/24", with_link(secondary=("10.0.2.77",))),
        ("eni-00001 has the router 10.0.1.9, which is not that of 10.0.1.0/24", with_link(gateway="10.0.1.9")),
        ("eni-00001 has the router 10.0.2.1, which is not that of 10.0.1.0/24", with_link(gateway="10.0.2.1")),
        ("two interfaces share the address 10.0.1.6", with_link(address="10.0.1.6")),
        ("two interfaces share the address 10.0.1.6", with_link(secondary=("10.0.1.6",))),
        ("two interfaces would share the device e00002", with_link(name="e00002")),
        ("eni-00001 has the device 'lo', which is not its own", with_link(name="lo")),
        ("its links are not those of its interfaces", replace(ROUTER, links=ROUTER.links[1:])),
        ("its links are not those of its interfaces", with_link(interface_id="eni-00009")),
        ("c2: the container has two interfaces, but one device", with_link(container_id="c2")),
        ("no listener of kind credentials belongs at 10.0.1.1:80", with_listener("credentials", "10.0.1.1", 80)),
        ("no listener of kind credentials belongs at 169.254.170.2:81", with_listener("credentials", CREDENTIALS, 81)),
        ("no listener of kind resolver-udp belongs at 10.0.1.1:54", with_listener("resolver-udp", "10.0.1.1", 54)),
        ("no listener of kind resolver-tcp belongs at 10.0.1.9:53", with_listener("resolver-tcp", "10.0.1.9", 53)),
        (
            "no listener of kind resolver-udp belongs at 169.254.170.2:53",
            with_listener("resolver-udp", CREDENTIALS, 53),
        ),
        (
            "no listener of kind resolver-udp belongs at 10.0.1.1:53",
            with_listener("resolver-udp", "10.0.1.1", 53, "vpce-01"),
        ),
        (
            "no listener of kind endpoint-http belongs at 169.254.170.1:20004",
            with_listener("endpoint-http", LISTENER, 20004, "vpce-02"),
        ),
        (
            "no listener of kind endpoint-http belongs at 169.254.170.1:20003",
            with_listener("endpoint-http", LISTENER, 20003, "vpce-01", "s3"),
        ),
        (
            "no listener of kind credentials belongs at 169.254.170.2:80",
            replace(ROUTER, listeners=tuple(replace(each, vpc_id="vpc-02") for each in ROUTER.listeners)),
        ),
        ("two listeners want the same address and port", replace(ROUTER, listeners=ROUTER.listeners * 2)),
    ],
)
def test_a_router_that_would_open_something_is_refused(message: str, broken: RouterConfig) -> None:
    """The message names the error, and the router never reaches a kernel."""
    assert any(message in problem for problem in problems(broken)), problems(broken)


def with_changes(**changes: object) -> NetworkSpec:
    """Return the small network with a changed VPC."""
    return replace(SPEC, vpcs=(replace(VPC, **changes),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("message", "spec"),
    [
        ("'sg_1' is not an id", with_changes(groups=(*VPC.groups, SecurityGroup("sg_1", (), (), ())))),
        ("sg-0job appears twice", with_changes(groups=(*VPC.groups, VPC.groups[0]))),
        (
            "its route tables need different numbers from 1: [1, 1]",
            with_changes(route_tables=tuple(replace(each, number=1) for each in VPC.route_tables)),
        ),
        (
            "its route tables need different numbers from 1: [0, 2]",
            with_changes(route_tables=(replace(VPC.route_tables[0], number=0), VPC.route_tables[1])),
        ),
        (
            f"its route tables need different numbers from 1: [{2**31}, 2]",
            with_changes(route_tables=(replace(VPC.route_tables[0], number=2**31), VPC.route_tables[1])),
        ),
        (
            "its endpoints need different numbers from 1 to 2000: [2001]",
            with_changes(endpoints=(replace(VPC.endpoints[0], number=2001),)),
        ),
        ("its endpoints need different numbers", with_changes(endpoints=(replace(VPC.endpoints[0], number=0),))),
        (
            "its endpoints need different numbers from 1 to 2000: [1, 1]",
            with_changes(endpoints=(*VPC.endpoints, replace(VPC.endpoints[0], endpoint_id="vpce-02"))),
        ),
        (
            "subnet-03 (10.1.0.0/24) is outside of 10.0.0.0/16",
            with_changes(subnets=(*VPC.subnets, Subnet("subnet-03", "10.1.0.0/24", "rtb-01"))),
        ),
        *(
            (f"{cidr} holds addresses of the router's own services", with_changes(cidrs=("10.0.0.0/16", cidr)))
            for cidr in ("0.1.0.0/16", "127.1.0.0/16", "169.254.1.0/24", "239.0.0.0/16")
        ),
    ],
)
def test_a_spec_that_contradicts_itself_is_refused(message: str, spec: NetworkSpec) -> None:
    """The compiler accepts it, but the check returns the reason instead of a router."""
    found = check(compile_host(spec), spec)
    assert any(message in problem for problem in found), found


def test_numbers_up_to_the_last_are_allowed() -> None:
    last = replace(VPC.route_tables[0], number=2**31 - 1), VPC.route_tables[1]
    spec = with_changes(route_tables=last, endpoints=(replace(VPC.endpoints[0], number=2000),))
    assert check(compile_host(spec), spec) == []


def test_a_host_has_each_wanted_vpc_once_and_no_other() -> None:
    nothing = NetworkSpec((), SPEC.prefix_lists)
    assert check(HostConfig(()), SPEC) == ["vpc-01: no router was compiled for it"]
    assert "vpc-01: the VPC appears twice" in check(HostConfig((ROUTER, ROUTER)), SPEC)
    assert check(HostConfig((ROUTER,)), nothing) == ["vpc-01: no VPC wants this router"]


def test_two_interfaces_whose_devices_would_clash_are_refused() -> None:
    """Device names are shorter than ids."""
    vpc = SPEC.vpcs[0]
    long = "0123456789abcdef0"
    clash = (
        Interface(f"eni-{long}", "subnet-01", "10.0.1.20", "02:00:00:00:00:20", ("sg-0job",), "c20"),
        Interface(f"eni-f{long[1:]}", "subnet-01", "10.0.1.21", "02:00:00:00:00:21", ("sg-0job",), "c21"),
    )
    spec = replace(SPEC, vpcs=(replace(vpc, interfaces=(*vpc.interfaces, *clash)),))
    assert link_name(clash[0].interface_id) == link_name(clash[1].interface_id)
    assert any("would share the device" in problem for problem in check(compile_host(spec), spec))


@pytest.mark.parametrize(
    ("message", "spec"),
    [
        ("sg-0elsewhere", with_changes(interfaces=(replace(VPC.interfaces[0], group_ids=("sg-0elsewhere",)),))),
        (
            "eni-00001 is in subnet-09, which vpc-01",
            with_changes(interfaces=(replace(VPC.interfaces[0], subnet_id="subnet-09"),)),
        ),
        (
            "subnet-01 uses rtb-09, which vpc-01",
            with_changes(subnets=(replace(VPC.subnets[0], route_table_id="rtb-09"),)),
        ),
        (
            "nat-01 is in subnet-09, which vpc-01",
            with_changes(nat_gateways=(NatGateway("nat-01", "subnet-09", "eni-0", ()),)),
        ),
        ("vpc-01 has no network of its own", with_changes(cidrs=(), subnets=(), interfaces=())),
    ],
)
def test_a_spec_that_refers_to_nothing_does_not_compile(message: str, spec: NetworkSpec) -> None:
    """Everything that a VPC refers to must belong to the VPC."""
    with pytest.raises(ValueError, match=message):
        compile_host(spec)


@pytest.mark.parametrize(
    "write",
    [
        lambda: Chain("eg_sg-1; flush ruleset").declaration(),
        lambda: Jump("eg_x\nflush ruleset").text(),
        lambda: Lookup((Field.SOURCE,), "a_b }").text(),
        lambda: Equals(Field.SOURCE, "0.0.0.0/0 accept").text(),
        lambda: Equals(Field.PORT, "1-2; drop").text(),
        lambda: Log(1, 'x" accept comment "').text(),
        lambda: Rule((), (Accept(),), 'sgr-1" accept').text(),
        lambda: NamedSet("x_y", (KeyType.DEVICE,)).element_text(Element(('e" }',))),
        lambda: NamedSet("x_y", (KeyType.ADDRESS,)).element_text(Element(("10.0.0.1", "80"))),
    ],
)
def test_no_text_gets_into_a_ruleset_that_is_not_a_name_or_a_value(write: object) -> None:
    """Ids come from the control plane, which the privileged agent does not trust."""
    assert callable(write)
    with pytest.raises(ValueError):
        write()
