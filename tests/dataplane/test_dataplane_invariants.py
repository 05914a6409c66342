"""What stands between a compiled host and the kernel, and what text can get into a ruleset."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reading_room.dataplane.linux.compile import compile_host
from reading_room.dataplane.linux.host import HostConfig, RouterConfig, link_name
from reading_room.dataplane.linux.invariants import check
from reading_room.dataplane.linux.nftables import (
    Accept,
    Chain,
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
from reading_room.dataplane.spec import Interface, ListenerLabel
from tests.worlds.dataplane import small_network

SPEC = small_network()
ROUTER = compile_host(SPEC).routers[0]


def problems(router: RouterConfig) -> list[str]:
    """Return the problems of a spoilt router."""
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


def test_the_small_network_has_no_problem() -> None:
    """The tests below spoil a sound one."""
    assert problems(ROUTER) == []


@pytest.mark.parametrize(
    "spoilt",
    [
        with_chain("ig_sg-0web", Rule((), (Accept(),))),
        with_chain("ig_sg-0web", Rule((), (Accept(),), "sgr-0web")),
        with_chain("ig_sg-0web", Rule((Equals(Field.SOURCE, "10.0.0.0/8"),), (Accept(),), "sgr-0stranger")),
        with_chain("ig_sg-0web", Rule((Equals(Field.DESTINATION, "10.0.0.0/8"),), (Accept(),), "sgr-0web")),
        with_chain("ig_sg-0web", Rule((Lookup((Field.SOURCE,), "to_attached"),), (Accept(),), "sg-0web")),
        with_chain("ig_sg-0web", Rule((), (Jump("eg_sg-0job"),))),
        with_chain("pre_egress", Rule((), (Accept(),))),
        with_elements("egport_sg-0job", Element(("0.0.0.0/0", "6", "22"))),
        with_elements("if_ingress", Element((ROUTER.links[0].name,), Accept())),
        with_elements("if_egress", Element(("e0stranger",), Jump("eg_sg-0job"))),
        with_elements("if_mark", Element((ROUTER.links[0].name, "10.0.1.77"), ("1",))),
        with_elements("to_attached", Element(("198.51.100.7",))),
        with_elements("to_exempt", Element(("169.254.170.1", "6", "20002"))),
        with_elements("to_endpoint", Element(("1", "10.0.2.0/24", "443"), ("169.254.170.1", "20003"), "vpce-01")),
        with_elements("to_endpoint", Element(("9", "3.6.0.0/24", "443"), ("169.254.170.1", "20003"), "vpce-01")),
        with_elements("to_endpoint", Element(("1", "3.6.0.0/24", "443"), ("169.254.170.1", "20002"), "vpce-01")),
        replace(ROUTER, addresses=(*ROUTER.addresses, "192.0.2.1")),
        replace(ROUTER, blackholes=("10.0.0.0/16",)),
        replace(ROUTER, namespace="../other"),
        replace(ROUTER, links=(replace(ROUTER.links[0], address="10.0.1.1"), *ROUTER.links[1:])),
        replace(ROUTER, links=(replace(ROUTER.links[0], name="lo"), *ROUTER.links[1:])),
        replace(ROUTER, links=ROUTER.links[1:]),
        replace(ROUTER, listeners=(*ROUTER.listeners, ListenerLabel("vpc-01", "credentials", "10.0.1.1", 80))),
        replace(
            ROUTER,
            listeners=(*ROUTER.listeners, ListenerLabel("vpc-01", "endpoint-http", "169.254.170.1", 20004, "vpce-02")),
        ),
    ],
)
def test_a_router_that_would_open_something_is_refused(spoilt: RouterConfig) -> None:
    """Every one of these is named, and never reaches a kernel."""
    assert problems(spoilt) != []


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


def test_a_wish_with_a_foreign_group_does_not_compile() -> None:
    """The interface's group must be one of its VPC."""
    vpc = SPEC.vpcs[0]
    stray = replace(vpc.interfaces[0], group_ids=("sg-0elsewhere",))
    with pytest.raises(ValueError, match="sg-0elsewhere"):
        compile_host(replace(SPEC, vpcs=(replace(vpc, interfaces=(stray,)),)))


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
    """Ids come from the control plane, which the privileged side does not trust."""
    assert callable(write)
    with pytest.raises(ValueError):
        write()
