"""Plans from the observed to the desired state."""

from __future__ import annotations

from dataclasses import replace

from reading_room.dataplane.rules.compile import compile_host, compile_vpc
from reading_room.dataplane.rules.host import UPLINK_DEVICE, HostConfig, RouterConfig
from reading_room.dataplane.rules.plan import plan, plan_router
from reading_room.dataplane.rules.steps import (
    AddSecondary,
    ApplyRuleset,
    ChangeAddresses,
    ChangeBlackholes,
    ChangePolicyRules,
    ChangeTableRoutes,
    CloseListener,
    CreateLink,
    CreateNamespace,
    CreateUplink,
    CutConnections,
    DeleteLink,
    DeleteNamespace,
    DeleteUplink,
    ForgetFlows,
    ForgetTranslations,
    ObservedHost,
    ObservedLink,
    ObservedRouter,
    OpenListener,
    RemoveSecondary,
    RemoveStray,
    Step,
    Stray,
)
from reading_room.dataplane.rules.transactions import creation
from reading_room.dataplane.rules.uplink import BUILT_IN_RULES, main_blackholes, policy_rules, table_routes
from reading_room.dataplane.spec import NetworkSpec
from tests.worlds.dataplane import small_network
from tests.worlds.dataplane_far import far_network


def router_of(spec: NetworkSpec) -> RouterConfig:
    """Return the only router."""
    return compile_host(spec).routers[0]


def realized(router: RouterConfig) -> ObservedRouter:
    """Return the observed state of a router that is as wanted."""
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
    """The second plan for the same network is empty."""
    router = router_of(small_network())
    assert plan(HostConfig((router,)), ObservedHost((realized(router),))) == ()


def test_rules_are_in_force_before_the_first_link() -> None:
    """So no packet ever passes without the rules."""
    router = router_of(small_network())
    kinds = [type(step) for step in plan(HostConfig((router,)), ObservedHost())]
    assert kinds[:2] == [CreateNamespace, ApplyRuleset]
    assert kinds.count(CreateLink) == 3
    assert kinds.index(ChangeAddresses) < kinds.index(CreateLink) < kinds.index(OpenListener)


def test_a_removed_interface_loses_wire_then_rules_then_its_flows() -> None:
    """Its address is clean when it is used again."""
    spec = small_network()
    steps = plan_router(router_of(without(spec, "eni-00002")), realized(router_of(spec)))
    # The interface's connections to the endpoint are cut, too; those of its neighbour continue.
    assert [type(step) for step in steps] == [DeleteLink, ApplyRuleset, ForgetFlows, CutConnections, CutConnections]
    assert [step.address for step in steps if isinstance(step, ForgetFlows)] == ["10.0.1.6"]
    assert {step.keep for step in steps if isinstance(step, CutConnections)} == {("10.0.1.5",)}


def test_a_lost_endpoint_closes_its_listeners_and_cuts_every_connection() -> None:
    """No connection to storage through a deleted endpoint continues."""
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


def test_a_new_association_breaks_no_connection() -> None:
    """Gaining a way is no reason to lose a connection."""
    steps = plan_router(router_of(small_network()), realized(router_of(small_network(endpoint=False))))
    assert not any(isinstance(step, CutConnections) for step in steps)


def test_after_a_restart_links_are_adopted_and_an_unknown_table_is_recreated() -> None:
    """The wires stay, and so do the connections that still have a route."""
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


def test_a_router_in_another_namespace_goes_before_the_new_one_comes() -> None:
    router = router_of(small_network())
    steps = plan_router(router, replace(realized(router), namespace="vpc-old"))
    kinds = [type(step) for step in steps]
    gone = kinds.index(DeleteNamespace)
    assert steps[gone] == DeleteNamespace("vpc-01", "vpc-old", "the VPC is not wanted here")
    assert kinds[gone + 1 :] == [type(step) for step in plan_router(router, None)]


def test_unwanted_vpcs_go_before_wanted_ones_come() -> None:
    router = router_of(small_network())
    steps = plan(HostConfig((router,)), ObservedHost((replace(realized(router), vpc_id="vpc-00"),)))
    kinds = [type(step) for step in steps]
    assert kinds.index(DeleteNamespace) < kinds.index(CreateNamespace)


def test_an_unwanted_vpc_with_an_uplink_loses_it_behind_its_links() -> None:
    router = compile_host(far_network()).routers[0]
    there = replace(realized(router), uplink=False)
    kinds = [type(step) for step in plan(HostConfig(()), ObservedHost((there,)))]
    assert kinds.count(DeleteUplink) == 1
    assert kinds.index(DeleteUplink) > len(router.links) - 1
    assert kinds.index(DeleteUplink) < kinds.index(ForgetFlows)


def changed(**changes: object) -> list[Step]:
    """Return the steps for the small network's router if its observed state has these changes."""
    router = router_of(small_network())
    return list(plan_router(router, replace(realized(router), **changes)))  # type: ignore[arg-type]


def test_what_is_not_ours_goes_first() -> None:
    stray = Stray("a route to 1.2.3.4", 25, b"")
    first, *others = changed(strays=(stray,))
    assert first == RemoveStray("vpc-01", stray, "a route to 1.2.3.4 is not ours")
    assert others == []


def test_a_link_with_another_name_or_address_is_recreated() -> None:
    links = realized(router_of(small_network())).links
    for wrong in (replace(links[0], name="e9"), replace(links[0], address="10.0.1.9"), replace(links[0], address="")):
        kinds = [type(step) for step in changed(links=(wrong, *links[1:]))]
        flows = [ForgetFlows] if wrong.address else []
        assert kinds == [DeleteLink, *flows, CreateLink]


def test_addresses_on_the_router_and_on_links_follow_the_spec() -> None:
    router = router_of(small_network())
    (step,) = changed(addresses=router.addresses[1:])
    assert isinstance(step, ChangeAddresses)
    assert (step.add, step.remove) == (router.addresses[:1], ())
    forget, step = changed(addresses=(*router.addresses, "10.0.9.1"))
    assert isinstance(step, ChangeAddresses)
    assert (step.add, step.remove) == ((), ("10.0.9.1",))
    assert isinstance(forget, ForgetFlows)
    assert forget.address == "10.0.9.1"
    links = realized(router).links
    remove, forget = changed(links=(replace(links[0], secondary=("10.0.1.77",)), *links[1:]))
    assert isinstance(remove, RemoveSecondary)
    assert remove.addresses == ("10.0.1.77",)
    assert isinstance(forget, ForgetFlows)
    assert forget.address == "10.0.1.77"


def test_further_addresses_of_an_interface_come_with_its_wire_or_are_added() -> None:
    router = compile_host(far_network()).routers[0]
    there = observed(router)
    assert plan_router(router, there) == ()
    bare = replace(there, links=tuple(replace(link, secondary=()) for link in there.links))
    (step,) = plan_router(router, bare)
    assert isinstance(step, AddSecondary)
    assert step.addresses == ("10.0.1.7",)


def observed(router: RouterConfig) -> ObservedRouter:
    """Return the observed state of a router with gateways that is as wanted."""
    links = tuple(
        ObservedLink(link.name, link.interface_id, link.address, link.container_id, link.secondary)
        for link in router.links
    )
    return replace(
        realized(router),
        addresses=(*router.addresses, *router.endpoint_addresses),
        blackholes=main_blackholes(router),
        links=links,
        translations=router.translations,
        uplink=router.uplink is not None or None,
        routes=table_routes(router),
        rules=policy_rules(router),
    )


def test_an_uplink_comes_before_the_routes_that_lead_there_and_rules_after_them() -> None:
    router = compile_host(far_network()).routers[0]
    fresh = replace(observed(router), uplink=None, routes=(), rules=BUILT_IN_RULES, blackholes=())
    kinds = [type(step) for step in plan_router(router, fresh)]
    assert kinds == [ChangeBlackholes, CreateUplink, ChangeTableRoutes, ChangePolicyRules]


def test_an_uplink_that_does_not_work_is_recreated_with_the_routes_that_led_there() -> None:
    router = compile_host(far_network()).routers[0]
    steps = plan_router(router, replace(observed(router), uplink=False))
    assert [type(step) for step in steps] == [DeleteUplink, CreateUplink, ChangeTableRoutes]
    (routes,) = (step for step in steps if isinstance(step, ChangeTableRoutes))
    assert routes.remove == ()
    assert routes.add == tuple(each for each in table_routes(router) if each.device == UPLINK_DEVICE)


def test_without_an_internet_gateway_the_uplink_goes_and_what_led_there_with_it() -> None:
    spec = far_network()
    router = compile_host(spec).routers[0]
    closed = compile_vpc(replace(spec.vpcs[0], internet_gateway=None), spec.prefix_lists)
    kinds = [type(step) for step in plan_router(closed, observed(router))]
    order = [DeleteUplink, ApplyRuleset, CutConnections, ForgetTranslations, ChangeTableRoutes]
    assert [kind for kind in dict.fromkeys(kinds) if kind in order] == order
    assert CreateUplink not in kinds


def test_translations_that_are_gone_or_unknown_are_forgotten_and_new_ones_are_not() -> None:
    router = compile_host(far_network()).routers[0]
    there = observed(router)
    assert plan_router(router, replace(there, translations=router.translations[1:])) == ()
    for before in (None, (*router.translations, replace(router.translations[0], sources=("10.0.9.9",)))):
        (step,) = plan_router(router, replace(there, translations=before))
        assert isinstance(step, ForgetTranslations)
        assert step.translations == router.translations


def test_a_source_that_appears_with_another_address_loses_its_connections() -> None:
    router = router_of(small_network())
    there = realized(router)
    assert there.reach is not None
    moved = tuple(replace(each, peers=("198.51.100.1",)) for each in there.reach)
    steps = plan_router(router, replace(there, reach=moved))
    assert [type(step) for step in steps] == [CutConnections, CutConnections]
    assert [step.keep for step in steps if isinstance(step, CutConnections)] == [(), ()]


def test_every_step_says_which_vpc_it_is_for_and_why() -> None:
    spec = far_network()
    router = compile_host(spec).routers[0]
    closed = compile_vpc(replace(spec.vpcs[0], internet_gateway=None, interfaces=()), spec.prefix_lists)
    unknown = replace(observed(router), ruleset=None, reach=None, translations=None, listeners=(), uplink=False)
    strays = replace(observed(router), strays=(Stray("a route", 25, b""),))
    for wanted, there in ((router, None), (closed, observed(router)), (router, unknown), (router, strays)):
        for step in plan_router(wanted, there):
            vpc_id = step.label.vpc_id if isinstance(step, OpenListener | CloseListener) else step.vpc_id
            assert vpc_id == "vpc-01"
            assert step.reason
    for step in plan(HostConfig(()), ObservedHost((observed(router),))):
        vpc_id = step.label.vpc_id if isinstance(step, OpenListener | CloseListener) else step.vpc_id
        assert vpc_id == "vpc-01"


def test_a_new_vpc_has_no_connections_to_cut() -> None:
    """There are none, because the namespace is new."""
    router = router_of(small_network())
    first, *others = plan_router(router, None)
    assert first == CreateNamespace("vpc-01", router.namespace, "the VPC has no router here")
    assert not any(isinstance(step, CutConnections | ForgetFlows | ForgetTranslations) for step in others)
