"""From what is to what should be."""

from __future__ import annotations

from dataclasses import replace

from reading_room.dataplane.linux.compile import compile_host
from reading_room.dataplane.linux.host import HostConfig, RouterConfig
from reading_room.dataplane.linux.plan import plan, plan_router
from reading_room.dataplane.linux.steps import (
    ApplyRuleset,
    ChangeAddresses,
    CloseListener,
    CreateLink,
    CreateNamespace,
    CutConnections,
    DeleteLink,
    DeleteNamespace,
    ForgetFlows,
    ObservedHost,
    ObservedLink,
    ObservedRouter,
    OpenListener,
)
from reading_room.dataplane.linux.transactions import creation
from reading_room.dataplane.spec import NetworkSpec
from tests.worlds.dataplane import small_network


def router_of(spec: NetworkSpec) -> RouterConfig:
    """Return the only router."""
    return compile_host(spec).routers[0]


def realized(router: RouterConfig) -> ObservedRouter:
    """Return what is observed once a router is as wanted."""
    return ObservedRouter(
        router.vpc_id,
        router.namespace,
        router.addresses,
        router.blackholes,
        tuple(ObservedLink(link.name, link.interface_id, link.address, link.container_id) for link in router.links),
        router.listeners,
        router.ruleset,
        router.reach,
    )


def without(spec: NetworkSpec, interface_id: str) -> NetworkSpec:
    """Return the network without an interface, which its groups' members still name."""
    vpc = spec.vpcs[0]
    rest = tuple(each for each in vpc.interfaces if each.interface_id != interface_id)
    return replace(spec, vpcs=(replace(vpc, interfaces=rest),))


def test_nothing_is_done_where_nothing_differs() -> None:
    """The second turn with the same wish is empty."""
    router = router_of(small_network())
    assert plan(HostConfig((router,)), ObservedHost((realized(router),))) == ()


def test_rules_are_in_force_before_the_first_link() -> None:
    """There is no moment in which a packet passes unjudged."""
    router = router_of(small_network())
    kinds = [type(step) for step in plan(HostConfig((router,)), ObservedHost())]
    assert kinds[:2] == [CreateNamespace, ApplyRuleset]
    assert kinds.count(CreateLink) == 3
    assert kinds.index(ChangeAddresses) < kinds.index(CreateLink) < kinds.index(OpenListener)


def test_a_removed_interface_loses_wire_then_rules_then_its_flows() -> None:
    """Its address is clean when it is used again."""
    spec = small_network()
    steps = plan_router(router_of(without(spec, "eni-00002")), realized(router_of(spec)))
    # The endpoint's connections of the interface are cut as well, those of its neighbour live.
    assert [type(step) for step in steps] == [DeleteLink, ApplyRuleset, ForgetFlows, CutConnections, CutConnections]
    assert [step.address for step in steps if isinstance(step, ForgetFlows)] == ["10.0.1.6"]
    assert {step.keep for step in steps if isinstance(step, CutConnections)} == {("10.0.1.5",)}


def test_a_lost_endpoint_closes_its_listeners_and_cuts_every_connection() -> None:
    """Nobody keeps talking to storage through an endpoint that is gone."""
    steps = plan_router(router_of(small_network(endpoint=False)), realized(router_of(small_network())))
    assert [type(step) for step in steps] == [
        ApplyRuleset,
        CloseListener,
        CloseListener,
        CutConnections,
        CutConnections,
    ]
    assert [(step.port, step.keep) for step in steps if isinstance(step, CutConnections)] == [(20002, ()), (20003, ())]


def test_a_lost_association_cuts_although_the_endpoint_stays() -> None:
    """The listener stays open for other route tables."""
    spec = small_network()
    vpc = spec.vpcs[0]
    tables = (replace(vpc.route_tables[0], routes=()), vpc.route_tables[1])
    steps = plan_router(router_of(replace(spec, vpcs=(replace(vpc, route_tables=tables),))), realized(router_of(spec)))
    assert [type(step) for step in steps] == [ApplyRuleset, CutConnections, CutConnections]


def test_a_new_association_cuts_nobody() -> None:
    """Gaining a way is no reason to lose a connection."""
    steps = plan_router(router_of(small_network()), realized(router_of(small_network(endpoint=False))))
    assert not any(isinstance(step, CutConnections) for step in steps)


def test_after_a_restart_links_are_adopted_and_an_unknown_table_is_made_anew() -> None:
    """The wires stay; the connections that still have a route stay too."""
    router = router_of(small_network())
    links = tuple(ObservedLink(link.name, link.interface_id, link.address) for link in router.links)
    found = replace(realized(router), links=links, listeners=(), ruleset=None, reach=None)
    steps = plan_router(router, found)
    applied = [step for step in steps if isinstance(step, ApplyRuleset)]
    assert applied[0].transactions == creation(router.ruleset)
    assert not any(isinstance(step, CreateLink | DeleteLink) for step in steps)
    assert {step.keep for step in steps if isinstance(step, CutConnections)} == {("10.0.1.5", "10.0.1.6")}
    assert sum(isinstance(step, OpenListener) for step in steps) == len(router.listeners)


def test_an_interface_that_moved_to_another_container_gets_a_new_wire() -> None:
    """The old wire goes before the new one comes."""
    router = router_of(small_network())
    there = realized(router)
    moved = replace(there, links=(replace(there.links[0], container_id="another"), *there.links[1:]))
    kinds = [type(step) for step in plan_router(router, moved)]
    assert kinds == [DeleteLink, ForgetFlows, CreateLink]


def test_an_unwanted_vpc_goes_whole_and_first() -> None:
    """Links, flows, listeners and connections before the namespace."""
    router = router_of(small_network())
    steps = plan(HostConfig(()), ObservedHost((realized(router),)))
    kinds = [type(step) for step in steps]
    assert kinds[-1] is DeleteNamespace
    assert kinds.count(DeleteLink) == kinds.count(ForgetFlows) == 3
    assert kinds.count(CutConnections) == 2
    assert all(step.reason for step in steps)
