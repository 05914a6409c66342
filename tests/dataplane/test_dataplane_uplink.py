"""The way out of a VPC: policy routing in its router, the uplink namespace, and the translated flows that continue."""

from __future__ import annotations

from dataclasses import replace

from reading_room.dataplane.rules.compile import compile_host
from reading_room.dataplane.rules.host import RouterConfig, Translation
from reading_room.dataplane.rules.plan import plan_router
from reading_room.dataplane.rules.steps import (
    AddSecondary,
    ApplyRuleset,
    ChangeBlackholes,
    ChangePolicyRules,
    ChangeTableRoutes,
    CreateLink,
    CreateUplink,
    DeleteUplink,
    ForgetFlows,
    ForgetTranslations,
    ObservedLink,
    ObservedRouter,
    RemoveSecondary,
    RemoveStray,
    Stray,
)
from reading_room.dataplane.rules.tracked_flows import Entry, Tuple
from reading_room.dataplane.rules.translations import Explained, own_addresses
from reading_room.dataplane.rules.uplink import (
    BUILT_IN_RULES,
    SLIRP,
    VETH,
    PolicyRule,
    UplinkConfig,
    Wire,
    main_blackholes,
    policy_rules,
    table_routes,
    uplink_ruleset,
    wire_name,
    wire_of,
)
from reading_room.dataplane.rules.uplink_plan import (
    RULES,
    MakeOutside,
    ObservedUplink,
    PublicRoute,
    ReadyOutside,
    UplinkPolicy,
    UplinkRoutes,
    UplinkRules,
    plan_uplink,
)
from reading_room.dataplane.spec import ElasticAddress, NetworkSpec, Route
from tests.worlds.dataplane import small_network

EIP, PRIVATE = "198.51.100.5", "10.0.1.5"


def with_gateway(spec: NetworkSpec) -> NetworkSpec:
    """Return the network with an internet gateway, a route to it and an Elastic IP."""
    vpc = spec.vpcs[0]
    first = replace(vpc.route_tables[0], routes=(*vpc.route_tables[0].routes, Route("0.0.0.0/0", "igw-01")))
    changed = replace(
        vpc,
        internet_gateway="igw-01",
        route_tables=(first, *vpc.route_tables[1:]),
        elastic_addresses=(ElasticAddress("eipalloc-01", EIP, PRIVATE),),
    )
    return replace(spec, vpcs=(changed,))


def router_of(spec: NetworkSpec) -> RouterConfig:
    """Return the only router."""
    return compile_host(spec).routers[0]


def realized(router: RouterConfig) -> ObservedRouter:
    """Return the observed state of a router that is as wanted."""
    return ObservedRouter(
        vpc_id=router.vpc_id,
        namespace=router.namespace,
        addresses=(*router.addresses, *router.endpoint_addresses),
        blackholes=main_blackholes(router),
        links=tuple(
            ObservedLink(each.name, each.interface_id, each.address, each.container_id, each.secondary)
            for each in router.links
        ),
        listeners=router.listeners,
        ruleset=router.ruleset,
        reach=router.reach,
        translations=router.translations,
        uplink=True if router.uplink is not None else None,
        routes=table_routes(router),
        rules=policy_rules(router),
    )


def test_a_router_with_an_uplink_is_settled_too() -> None:
    """If nothing differs, nothing is done."""
    router = router_of(with_gateway(small_network()))
    assert plan_router(router, realized(router)) == ()


def test_an_internet_gateway_opens_its_way_last() -> None:
    """First the ruleset, then wire, routes and policy rules. The blackhole for everything goes last."""
    plain, wanted = router_of(small_network()), router_of(with_gateway(small_network()))
    kinds = [type(step) for step in plan_router(wanted, realized(plain))]
    assert kinds[0] is ApplyRuleset
    order = [kinds.index(each) for each in (ApplyRuleset, CreateUplink, ChangeTableRoutes, ChangePolicyRules)]
    assert order == sorted(order)
    assert kinds[-1] is ChangeBlackholes


def test_a_detached_internet_gateway_closes_its_way_first() -> None:
    """The wire goes before its rules, and the blackhole comes before the policy rules go."""
    plain, there = router_of(small_network()), router_of(with_gateway(small_network()))
    steps = plan_router(plain, realized(there))
    kinds = [type(step) for step in steps]
    assert kinds.index(DeleteUplink) < kinds.index(ApplyRuleset)
    assert kinds.index(ChangeBlackholes) < kinds.index(ChangePolicyRules)
    assert ForgetTranslations in kinds
    assert all(step.reason for step in steps)


def test_a_wire_that_does_not_work_is_made_again_with_its_routes() -> None:
    """Such a link is down, has lost its neighbour, or was never completed."""
    router = router_of(with_gateway(small_network()))
    steps = plan_router(router, replace(realized(router), uplink=False))
    assert [type(step) for step in steps] == [DeleteUplink, CreateUplink, ChangeTableRoutes]


def test_foreign_entries_are_removed_first() -> None:
    """The reason of the step says what it was."""
    router = router_of(small_network())
    stray = Stray("the route to 192.0.2.0/24", 25, b"")
    (step,) = plan_router(router, replace(realized(router), strays=(stray,)))
    assert isinstance(step, RemoveStray)
    assert step.reason == "the route to 192.0.2.0/24 is not ours"


def test_a_foreign_policy_rule_goes_and_a_missing_one_comes() -> None:
    """The rules that every namespace starts with are included."""
    router = router_of(with_gateway(small_network()))
    there = realized(router)
    foreign = PolicyRule(100, 77)
    rules = tuple(each for each in (*there.rules, foreign) if each != BUILT_IN_RULES[1])
    steps = plan_router(router, replace(there, rules=rules))
    changes = [(step.add, step.remove) for step in steps if isinstance(step, ChangePolicyRules)]
    assert changes == [((), (foreign,)), ((BUILT_IN_RULES[1],), ())]


def test_marks_are_looked_up_after_the_main_table_and_before_the_blackhole() -> None:
    """So no route table wins over an attached interface, and every packet meets a route or the blackhole."""
    preferences = [each.preference for each in policy_rules(router_of(with_gateway(small_network())))]
    assert preferences == sorted(preferences)
    marked = [each for each in policy_rules(router_of(with_gateway(small_network()))) if each.mark]
    assert marked
    assert all(32_766 < each.preference < 50_000 for each in marked)
    assert policy_rules(router_of(small_network())) == BUILT_IN_RULES


def test_secondary_addresses_change_in_place() -> None:
    """A new one is added after the rules, an old one is removed before them, and its flows are forgotten."""
    spec = small_network()
    router = router_of(spec)
    link = replace(router.links[0], secondary=("10.0.1.50",))
    wanted = replace(router, links=(link, *router.links[1:]))
    there = realized(router)
    first = replace(there.links[0], secondary=("10.0.1.60",))
    steps = plan_router(wanted, replace(there, links=(first, *there.links[1:])))
    assert [type(step) for step in steps] == [RemoveSecondary, ForgetFlows, AddSecondary]
    assert [step.address for step in steps if isinstance(step, ForgetFlows)] == ["10.0.1.60"]
    assert not any(isinstance(step, CreateLink) for step in steps)


def wires() -> tuple[Wire, Wire]:
    """Return two wires."""
    return Wire("u01", "vpc-01", (EIP,)), Wire("u02", "vpc-02", ("198.51.100.6", "198.51.100.7"))


def settled(config: UplinkConfig) -> ObservedUplink:
    """Return the observed state of an uplink namespace that is as wanted."""
    routes = tuple(PublicRoute(address, wire.device) for wire in config.wires for address in wire.public)
    return ObservedUplink(
        wires=tuple((wire.device, wire.vpc_id) for wire in config.wires),
        routes=routes,
        outside=config.outside is not None,
        ready=config.outside is not None,
        rules=RULES,
        ruleset=uplink_ruleset(config),
    )


def test_a_settled_uplink_namespace_is_left_alone() -> None:
    """This holds with and without an outside."""
    for outside in (None, VETH, SLIRP):
        config = UplinkConfig(wires(), outside)
        assert list(plan_uplink(config, settled(config))) == []


def test_a_new_uplink_namespace_gets_rules_before_anything_else() -> None:
    """It gets routes only for wires that exist."""
    kinds = [type(step) for step in plan_uplink(UplinkConfig(wires(), VETH), ObservedUplink())]
    assert kinds == [UplinkRules, UplinkPolicy, MakeOutside]
    config = UplinkConfig(wires())
    found = replace(settled(config), wires=(("u01", "vpc-01"),), routes=())
    (step,) = plan_uplink(config, found)
    assert isinstance(step, UplinkRoutes)
    assert step.add == (PublicRoute(EIP, "u01"),)


def test_a_programs_device_is_configured_when_it_appears_and_never_made() -> None:
    """slirp4netns creates it; until then there is nothing to do."""
    config = UplinkConfig(wires(), SLIRP)
    absent = replace(settled(config), outside=False, ready=False)
    assert list(plan_uplink(config, absent)) == []
    (step,) = plan_uplink(config, replace(absent, outside=True))
    assert isinstance(step, ReadyOutside)


def test_a_public_address_that_moves_is_taken_from_one_wire_and_given_to_the_other() -> None:
    """This takes one step, and the firewall's sets follow."""
    first, second = wires()
    before = UplinkConfig((first, second))
    after = UplinkConfig((replace(first, public=()), replace(second, public=(EIP, *second.public))))
    rules, routes = plan_uplink(after, settled(before))
    assert isinstance(rules, UplinkRules)
    assert isinstance(routes, UplinkRoutes)
    assert (routes.add, routes.remove) == ((PublicRoute(EIP, "u02"),), (PublicRoute(EIP, "u01"),))


def test_wires_are_named_after_their_vpc() -> None:
    """The names are not longer than a device's name may be."""
    assert wire_name("vpc-0123456789abcdef0") == "u3456789abcdef0"
    assert wire_of(router_of(small_network())) is None
    assert wire_of(router_of(with_gateway(small_network()))) == Wire("u01", "vpc-01", (EIP,))


def flow(source: str, destination: str, answers_from: str, answers_to: str) -> Entry:
    """Return a tracked connection by its ends in both directions."""
    there, back = Tuple(source, destination, 6, 1, 2), Tuple(answers_from, answers_to, 6, 2, 1)
    return Entry(there, back, 1, 1, 1, 1, 0.0, 0.0, b"")


def test_a_translated_flow_lives_on_only_while_its_translation_does() -> None:
    """Source, destination and new source must match; inbound, the Elastic IP must still have the same owner."""
    explained = Explained(
        (
            Translation(("10.0.2.5",), ("203.0.113.0/24",), ("198.51.100.7",)),
            Translation((PRIVATE,), ("0.0.0.0/0",), (EIP,), inbound=True),
        )
    )
    internet, other = "203.0.113.9", "192.0.2.9"
    assert explained(flow("10.0.2.5", internet, internet, "198.51.100.7"))
    assert not explained(flow("10.0.2.5", other, other, "198.51.100.7"))
    assert not explained(flow("10.0.2.5", internet, internet, EIP))
    assert explained(flow(PRIVATE, other, other, EIP))
    assert explained(flow(internet, EIP, PRIVATE, internet))
    assert not explained(flow(internet, EIP, "10.0.1.6", internet))
    assert explained(flow(PRIVATE, "10.0.1.6", "10.0.1.6", PRIVATE))
    assert explained(flow(PRIVATE, "52.216.0.10", "169.254.170.1", PRIVATE))


def test_the_own_addresses_of_a_flow_are_those_of_the_vpcs_networks() -> None:
    """After a restart, flows of addresses without an owner are forgotten. Ends in the internet are not ours."""
    mine = own_addresses(router_of(small_network()))
    assert mine(flow("203.0.113.9", EIP, PRIVATE, "203.0.113.9")) == {PRIVATE}
    assert mine(flow(PRIVATE, "52.216.0.10", "169.254.170.1", PRIVATE)) == {PRIVATE}
    assert mine(flow(PRIVATE, "10.0.2.5", "10.0.2.5", PRIVATE)) == {PRIVATE, "10.0.2.5"}
