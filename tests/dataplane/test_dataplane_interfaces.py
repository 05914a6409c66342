"""Routes to interfaces that receive packets for other addresses, and how such packets are kept from everybody else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reading_room.dataplane.rules.compile import compile_host, names
from reading_room.dataplane.rules.compile.base_chains import NOBODY
from reading_room.dataplane.rules.host import HostConfig, RouterConfig, Through, link_name
from reading_room.dataplane.rules.invariants import check
from reading_room.dataplane.rules.nftables import Element, Goto
from reading_room.dataplane.rules.plan import plan_router
from reading_room.dataplane.rules.semantics import TCP, Packet, Verdict, decide, storage_path
from reading_room.dataplane.rules.steps import (
    ApplyRuleset,
    ChangePolicyRules,
    ChangeTableRoutes,
    CreateLink,
    DeleteLink,
    ForgetTranslations,
    LeadThrough,
    ObservedLink,
    ObservedRouter,
)
from reading_room.dataplane.rules.trace import trace
from reading_room.dataplane.rules.tracked_flows import Entry, Tuple
from reading_room.dataplane.rules.translations import Explained
from reading_room.dataplane.rules.uplink import ANYWHERE, PolicyRule, TableRoute, link_routes, policy_rules
from reading_room.dataplane.spec import NetworkSpec
from tests.worlds.dataplane import S3, TAKER, led_network, small_network

SENDER = "eni-00001"
"""10.0.1.5 of the job."""
MARK = (1 << 31) | 0x0A000205
FAR = "192.0.2.7"


def ask(spec: NetworkSpec, destination: str, port: int = 80, **more: str) -> Verdict:
    """Return the verdict on a packet of the sender, after checking that the compiled rules agree."""
    packet = Packet("vpc-01", SENDER, destination, TCP, port, **more)  # type: ignore[arg-type]
    config = compile_host(spec)
    assert check(config, spec) == []
    verdict, done = decide(spec, packet), trace(config, packet)
    assert (done.outcome, done.delivered_to, done.source) == (verdict.outcome, verdict.delivered_to, verdict.source)
    return verdict


def test_what_is_for_another_address_goes_to_the_interface_and_no_further() -> None:
    verdict = ask(led_network("192.0.2.0/24"), FAR)
    assert (verdict.outcome, verdict.delivered_to, verdict.delivered) == ("forwarded", TAKER, False)
    assert "no container forwards packets" in verdict.sentence


def test_the_groups_of_the_interface_judge_it() -> None:
    verdict = ask(led_network("192.0.2.0/24"), FAR, port=81)
    assert verdict.outcome == "refused-ingress"
    assert TAKER in verdict.sentence


def test_a_route_to_another_subnet_leads_past_the_address_that_it_is_for() -> None:
    assert ask(small_network(), "10.0.2.6").outcome == "unrouted"
    assert ask(led_network("10.0.2.0/24"), "10.0.2.6").outcome == "forwarded"
    # Packets for the interface itself have arrived.
    assert ask(led_network("10.0.2.0/24"), "10.0.2.5").outcome == "delivered"


@pytest.mark.parametrize("kept", ["10.0.2.1", "10.0.1.1"])
def test_the_router_s_own_addresses_are_never_led_anywhere(kept: str) -> None:
    assert ask(led_network("10.0.2.0/24"), kept).outcome in ("unrouted", "ignored")


def test_an_interface_without_a_wire_takes_nothing() -> None:
    verdict = ask(led_network("192.0.2.0/24", target="eni-00004"), FAR)
    assert (verdict.outcome, "attached to nothing" in verdict.sentence) == ("unrouted", True)


def test_the_interface_sends_from_its_own_addresses_all_the_same() -> None:
    spec = led_network("192.0.2.0/24")
    forged = Packet("vpc-01", TAKER, "10.0.1.5", TCP, 8786, source=FAR)
    assert decide(spec, forged).outcome == trace(compile_host(spec), forged).outcome == "spoofed"
    marks = [
        {each.key: each.value for each in found.elements}
        for config in (compile_host(spec), compile_host(small_network(endpoint=False)))
        for found in config.routers[0].ruleset.sets
        if found.name == names.MARKS
    ]
    assert marks[0] == marks[1]


def test_storage_behind_an_interface_is_not_reached() -> None:
    spec = led_network(S3)
    assert not storage_path(spec, "vpc-01", SENDER, 443, "52.216.0.10").delivered


# The plan for the kernel


def router() -> RouterConfig:
    """Return the router of a network with both kinds of routes."""
    return compile_host(led_network("192.0.2.0/24", "10.0.2.0/24")).routers[0]


def test_a_mark_leads_to_the_link_or_nowhere_before_the_main_table() -> None:
    wanted = router()
    assert wanted.through == (Through(MARK, link_name(TAKER), "10.0.2.5"),)
    assert [rule for rule in policy_rules(wanted) if rule.mark == MARK] == [
        PolicyRule(31_000, MARK, MARK),
        PolicyRule(31_001, 0, MARK),
    ]
    assert link_routes(wanted) == (TableRoute(MARK, ANYWHERE, link_name(TAKER), "10.0.2.5"),)


def test_rules_come_before_marks_and_routes_after_their_links() -> None:
    kinds = [type(step) for step in plan_router(router(), None)]
    order = [ChangePolicyRules, ApplyRuleset, CreateLink, LeadThrough]
    assert [kind for kind in dict.fromkeys(kinds) if kind in order] == order
    assert ChangeTableRoutes not in kinds


def realized(wanted: RouterConfig) -> ObservedRouter:
    """Return the observed state of a router that is as wanted."""
    return ObservedRouter(
        wanted.vpc_id,
        wanted.namespace,
        wanted.addresses,
        wanted.blackholes,
        tuple(ObservedLink(link.name, link.interface_id, link.address, link.container_id) for link in wanted.links),
        wanted.listeners,
        wanted.ruleset,
        wanted.reach,
        wanted.translations,
        routes=link_routes(wanted),
        rules=policy_rules(wanted),
    )


def test_what_is_as_wanted_stays_and_what_is_not_wanted_goes() -> None:
    wanted = router()
    assert plan_router(wanted, realized(wanted)) == ()
    without = compile_host(small_network(endpoint=False)).routers[0]
    steps = plan_router(without, realized(wanted))
    (policy,) = (step for step in steps if isinstance(step, ChangePolicyRules))
    assert {rule.mark for rule in policy.remove} == {MARK}
    (routes,) = (step for step in steps if isinstance(step, ChangeTableRoutes))
    assert routes.remove == link_routes(wanted)


def test_a_link_that_is_recreated_gets_its_route_again() -> None:
    wanted = router()
    there = realized(wanted)
    links = tuple(replace(link, container_id="another") if link.interface_id == TAKER else link for link in there.links)
    steps = plan_router(wanted, replace(there, links=links))
    assert [step.name for step in steps if isinstance(step, DeleteLink)] == [link_name(TAKER)]
    assert [step.add for step in steps if isinstance(step, LeadThrough)] == [link_routes(wanted)]


def flow(source: str, destination: str, mark: int = MARK) -> Entry:
    """Return a tracked flow without answers."""
    there = Tuple(source, destination, 17, 40_000, 53)
    return Entry(there, Tuple(destination, source, 17, 53, 40_000), 1, 1, 0, 0, 0.0, 0.0, b"", mark=mark)


def test_a_flow_that_was_led_ends_with_its_route() -> None:
    wanted = router()
    explained = Explained(wanted.translations)
    assert explained(flow("10.0.1.5", FAR))
    assert explained(flow("10.0.1.5", "10.0.2.6"))
    assert explained(flow("10.0.1.5", "10.0.2.6", mark=0))
    assert not explained(flow("10.0.2.5", FAR))
    assert not explained(flow("10.0.1.5", "198.51.100.7"))
    assert not explained(flow("10.0.1.5", FAR, mark=MARK + 1))
    steps = plan_router(compile_host(small_network(endpoint=False)).routers[0], realized(wanted))
    assert [step.translations for step in steps if isinstance(step, ForgetTranslations)] == [()]


# Routers that would open something


def with_elements(name: str, *elements: Element) -> RouterConfig:
    """Return the router with these elements in a set."""
    sound = router()
    sets = tuple(replace(each, elements=elements) if each.name == name else each for each in sound.ruleset.sets)
    return replace(sound, ruleset=replace(sound.ruleset, sets=sets))


MARKED = (str(MARK),)
OUTSIDE = Element(("1", "192.0.2.0/24"), MARKED, TAKER)
INSIDE = Element(("10.0.1.0/24", "10.0.2.128/25"), MARKED, TAKER)


@pytest.mark.parametrize(
    ("message", "broken"),
    [
        ("would go to eni-00001", with_elements(names.BY_INTERFACE, replace(OUTSIDE, comment=SENDER))),
        ("would go to another interface", with_elements(names.BY_INTERFACE, replace(OUTSIDE, value=("1",)))),
        (
            "a route table that does not exist",
            with_elements(names.BY_INTERFACE, replace(OUTSIDE, key=("9", "192.0.2.0/24"))),
        ),
        ("is inside the VPC", with_elements(names.BY_INTERFACE, replace(OUTSIDE, key=("1", "10.0.0.0/24")))),
        (
            "is not from one subnet",
            with_elements(names.INNER_INTERFACE, replace(INSIDE, key=("10.0.2.0/24", "10.0.1.8/32"))),
        ),
        (
            "addresses of the VPC itself",
            with_elements(names.INNER_INTERFACE, replace(INSIDE, key=("10.0.1.0/24", "10.0.2.0/24"))),
        ),
        ("whose rest is dropped", with_elements(names.INNER)),
        ("to other interfaces than the ruleset", replace(router(), through=())),
        (
            "would share a mark",
            replace(router(), through=(*router().through, Through(MARK, "eother", "10.0.1.5"))),
        ),
        ("lacks the sets by_interface", None),
    ],
)
def test_a_router_that_would_lead_astray_is_refused(message: str, broken: RouterConfig | None) -> None:
    sound = router()
    if broken is None:
        sets = tuple(each for each in sound.ruleset.sets if each.name != names.BY_INTERFACE)
        broken = replace(sound, ruleset=replace(sound.ruleset, sets=sets))
    problems = check(HostConfig((broken,)), led_network("192.0.2.0/24", "10.0.2.0/24"))
    assert any(message in problem for problem in problems), problems


def test_what_a_route_inside_the_vpc_does_not_lead_on_is_dropped() -> None:
    inner = next(each for each in router().ruleset.sets if each.name == names.INNER)
    assert inner.elements == (Element(("10.0.1.0/24", "10.0.2.0/24"), Goto(NOBODY.name), "subnet-02"),)
