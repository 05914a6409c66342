"""The plan: the steps from what exists to what should, in order, each with its reason. Pure.

``kernel.py`` carries the steps out in order, and each VPC's ``vpc_keeper.py`` leaves out the later steps if one fails.
Any prefix of a plan leaves a safe network: a ruleset is in force before the links that it protects exist, and links go
before their rules. If somebody else put something into a namespace, a step removes it, and its reason says what it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reading_room.dataplane.rules.host import UPLINK_DEVICE, EndpointReach, HostConfig, RouterConfig, Tunnel
from reading_room.dataplane.rules.steps import (
    AddByTunnel,
    AddSecondary,
    ApplyRuleset,
    ChangeAddresses,
    ChangeBlackholes,
    ChangePolicyRules,
    ChangeTableRoutes,
    CloseListener,
    CreateLink,
    CreateNamespace,
    CreateTunnel,
    CreateUplink,
    CutConnections,
    DeleteLink,
    DeleteNamespace,
    DeleteTunnel,
    DeleteUplink,
    ForgetFlows,
    ForgetTranslations,
    LeadThrough,
    ObservedHost,
    ObservedLink,
    ObservedRouter,
    OpenListener,
    RemoveByTunnel,
    RemoveSecondary,
    RemoveStray,
    Step,
    compare,
)
from reading_room.dataplane.rules.transactions import creation, differences
from reading_room.dataplane.rules.uplink import (
    NOT_THROUGH,
    THROUGH,
    PolicyRule,
    link_routes,
    main_blackholes,
    policy_rules,
    table_routes,
)


def plan(desired: HostConfig, observed: ObservedHost) -> tuple[Step, ...]:
    """Return the steps from ``observed`` to ``desired``, or none if they agree. Unwanted VPCs are removed first."""
    wanted = {router.vpc_id: router for router in desired.routers}
    present = {router.vpc_id: router for router in observed.routers}
    steps: list[Step] = []
    for vpc_id, there in present.items():
        if vpc_id not in wanted:
            steps += _removal(there)
    for vpc_id, router in wanted.items():
        steps += plan_router(router, present.get(vpc_id))
    return tuple(steps)


def plan_router(desired: RouterConfig, observed: ObservedRouter | None) -> tuple[Step, ...]:
    """Return the steps for one VPC; ``observed`` is ``None`` if its namespace does not exist."""
    if observed is not None and observed.namespace != desired.namespace:
        return (*_removal(observed), *plan_router(desired, None))
    if observed is None:
        first: list[Step] = [CreateNamespace(desired.vpc_id, desired.namespace, "the VPC has no router here")]
        observed = ObservedRouter(desired.vpc_id, desired.namespace, reach=())
        return (*first, *_changes(desired, observed))
    return tuple(_changes(desired, observed))


def _changes(desired: RouterConfig, observed: ObservedRouter) -> Iterator[Step]:
    vpc_id = desired.vpc_id
    kept, unwanted = _compare_links(desired, observed)
    on_lo = (*desired.addresses, *desired.endpoint_addresses)
    add_address, drop_address = compare(on_lo, observed.addresses)
    for stray in observed.strays:
        yield RemoveStray(vpc_id, stray, f"{stray.what} is not ours")
    for found, why in unwanted:
        yield DeleteLink(vpc_id, found.name, found.interface_id, why)
    if observed.uplink is not None and (desired.uplink is None or not observed.uplink):
        yield DeleteUplink(vpc_id, "it does not work" if desired.uplink else "the VPC has no internet gateway here")
    yield from _tunnel_cuts(vpc_id, desired.tunnel, observed.tunnel)
    lost = {
        each.interface_id: compare(each.secondary, kept[each.interface_id].secondary)[1]
        for each in desired.links
        if each.interface_id in kept
    }
    for link in desired.links:
        if addresses := lost.get(link.interface_id):
            yield RemoveSecondary(vpc_id, link, addresses, "the interface no longer has them")
    # Before the ruleset sets their marks: without these rules, such packets would go where their addresses say.
    led = tuple(each for each in policy_rules(desired) if _by_interface(each) and each not in observed.rules)
    if led:
        yield ChangePolicyRules(vpc_id, led, (), "routes lead to an interface for other addresses")
    if observed.ruleset is None:
        why = "the rules in force are unknown"
        yield ApplyRuleset(vpc_id, creation(desired.ruleset), desired.ruleset, why)
    elif transactions := differences(observed.ruleset, desired.ruleset):
        yield ApplyRuleset(vpc_id, transactions, desired.ruleset, "groups, routes, endpoints or interfaces changed")
    gone = {address for found, _ in unwanted for address in (found.address, *found.secondary) if address}
    gone.update(drop_address, *lost.values(), _moved(desired, observed))
    # Before flows are forgotten: the reset that ends a connection passes as a part of it.
    for label in observed.listeners:
        if label not in desired.listeners:
            yield CloseListener(label, f"no {label.kind} is wanted at {label.address}:{label.port}")
    for address in sorted(gone):
        yield ForgetFlows(vpc_id, address, "its interface is gone")
    yield from _cuts(desired, observed)
    if observed.translations is None or any(each not in desired.translations for each in observed.translations):
        yield ForgetTranslations(vpc_id, desired.translations, "gateways, public addresses or routes changed")
    if add_address or drop_address:
        why = "the router's addresses follow subnets, DNS support and endpoints"
        yield ChangeAddresses(vpc_id, add_address, drop_address, why)
    yield from _routing(desired, observed)
    yield from _tunnel(vpc_id, desired.tunnel, observed.tunnel)
    for link in desired.links:
        there = kept.get(link.interface_id)
        if there is None:
            yield CreateLink(vpc_id, link, "the interface has no wire")
        elif addresses := compare(link.secondary, there.secondary)[0]:
            yield AddSecondary(vpc_id, link, addresses, "the interface has further addresses")
    devices = {link.name for link in kept.values()}
    if observed.tunnel is not None and _same_device(desired.tunnel, observed.tunnel):
        devices.add(observed.tunnel.device)
    there_by_links = {each for each in observed.routes if each.device in devices}
    if missing := tuple(each for each in link_routes(desired) if each not in there_by_links):
        yield LeadThrough(vpc_id, missing, "routes lead to an interface for other addresses, or to another host")
    for label in desired.listeners:
        if label not in observed.listeners:
            yield OpenListener(label, f"{label.kind} is not served yet")


def _routing(desired: RouterConfig, observed: ObservedRouter) -> Iterator[Step]:
    """Yield the changes of routes and policy rules, in an order that never opens anything.

    Blackholes are added first and removed last. A rule is added only when the routes of its table exist, or together
    with a blackhole after it, as the rules for interfaces are.
    """
    vpc_id, why = desired.vpc_id, "packets that no interface takes are dropped silently"
    add_blackholes, drop_blackholes = compare(main_blackholes(desired), observed.blackholes)
    if add_blackholes:
        yield ChangeBlackholes(vpc_id, add_blackholes, (), why)
    rules, routes = policy_rules(desired), table_routes(desired)
    there = tuple(each for each in observed.routes if observed.uplink or each.device != UPLINK_DEVICE)
    drop_rules = tuple(each for each in observed.rules if each not in rules)
    if drop_rules:
        yield ChangePolicyRules(vpc_id, (), drop_rules, "no route table leads there")
    if desired.uplink is not None and not observed.uplink:
        yield CreateUplink(vpc_id, "the VPC has an internet gateway")
    add = tuple(each for each in routes if each not in there)
    drop = tuple(each for each in there if each not in (*routes, *link_routes(desired)))
    if add or drop:
        yield ChangeTableRoutes(vpc_id, add, drop, "routes follow route tables and public addresses")
    add_rules = tuple(each for each in rules if each not in observed.rules and not _by_interface(each))
    if add_rules:
        yield ChangePolicyRules(vpc_id, add_rules, (), "packets follow the table of their route table")
    if drop_blackholes:
        yield ChangeBlackholes(vpc_id, (), drop_blackholes, "route tables lead to the outside")


def _same_device(desired: Tunnel | None, observed: Tunnel | None) -> bool:
    """Return whether the device that exists is the desired one, whatever leads to it."""
    if desired is None or observed is None:
        return False
    return replace(desired, hosts=(), routes=()) == replace(observed, hosts=(), routes=())


def _tunnel_cuts(vpc_id: str, desired: Tunnel | None, observed: Tunnel | None) -> Iterator[Step]:
    """Yield what removes a wrong tunnel, and hosts and routes that are no longer wanted, before the rules change."""
    if observed is None:
        return
    if desired is None or not _same_device(desired, observed):
        yield DeleteTunnel(vpc_id, observed.device, "it is not the tunnel of the VPC" if desired else "no other host")
        return
    hosts, routes = compare(desired.hosts, observed.hosts)[1], compare(desired.routes, observed.routes)[1]
    if hosts or routes:
        yield RemoveByTunnel(vpc_id, observed.device, hosts, routes, "addresses left other hosts")


def _tunnel(vpc_id: str, desired: Tunnel | None, observed: Tunnel | None) -> Iterator[Step]:
    """Yield what creates the tunnel, and adds hosts and routes, after the rules know the addresses."""
    if desired is None:
        return
    there = observed if observed is not None and _same_device(desired, observed) else None
    if there is None:
        yield CreateTunnel(vpc_id, desired, "the VPC may be on several hosts")
        there = replace(desired, hosts=(), routes=())
    hosts, routes = compare(desired.hosts, there.hosts)[0], compare(desired.routes, there.routes)[0]
    if hosts or routes:
        yield AddByTunnel(vpc_id, desired.device, hosts, routes, "addresses are on other hosts")


def _moved(desired: RouterConfig, observed: ObservedRouter) -> set[str]:
    """Return the addresses that are no longer on the other host where they were."""
    before = set(observed.tunnel.routes) if observed.tunnel is not None else set()
    return {route.address for route in before.difference(desired.tunnel.routes if desired.tunnel is not None else ())}


def _by_interface(rule: PolicyRule) -> bool:
    return rule.preference in (THROUGH, NOT_THROUGH)


def _removal(observed: ObservedRouter) -> list[Step]:
    vpc_id, why = observed.vpc_id, "the VPC is not wanted here"
    steps: list[Step] = [DeleteLink(vpc_id, link.name, link.interface_id, why) for link in observed.links]
    if observed.uplink is not None:
        steps.append(DeleteUplink(vpc_id, why))
    if observed.tunnel is not None:
        steps.append(DeleteTunnel(vpc_id, observed.tunnel.device, why))
    gone = [address for link in observed.links for address in (link.address, *link.secondary) if address]
    steps += [ForgetFlows(vpc_id, address, why) for address in gone]
    steps += [CloseListener(label, why) for label in observed.listeners]
    ports = sorted({port for reach in observed.reach or () for port in reach.ports})
    steps += [CutConnections(vpc_id, port, (), why) for port in ports]
    return [*steps, DeleteNamespace(vpc_id, observed.namespace, why)]


def _compare_links(
    desired: RouterConfig, observed: ObservedRouter
) -> tuple[dict[str, ObservedLink], list[tuple[ObservedLink, str]]]:
    """Return the links that stay, by interface, and the links that go, each with the reason."""
    wanted = {link.interface_id: link for link in desired.links}
    kept: dict[str, ObservedLink] = {}
    unwanted: list[tuple[ObservedLink, str]] = []
    for link in observed.links:
        config = wanted.get(link.interface_id)
        if config is None:
            unwanted.append((link, "no interface is wanted there"))
        elif (link.name, link.address) != (config.name, config.address):
            unwanted.append((link, "its name or address is not the interface's"))
        elif link.container_id not in (None, config.container_id):
            unwanted.append((link, "the interface belongs to another container now"))
        else:
            kept[link.interface_id] = link
    return kept, unwanted


Way = tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
"""How a source reaches an endpoint: pairs of networks and the addresses that the listener sees."""


def _cuts(desired: RouterConfig, observed: ObservedRouter) -> Iterator[Step]:
    """Yield a cut for every endpoint port that a source can no longer reach, or for all if that is unknown."""
    before = None if observed.reach is None else _ways(observed.reach)
    after = _ways(desired.reach)
    for port in sorted(set(before or ()) | set(after)):
        now = after.get(port, {})
        if before is None:
            yield CutConnections(
                desired.vpc_id, port, tuple(now), "connections from before a restart must have a route"
            )
            continue
        then = before.get(port, {})
        keep = tuple(source for source, way in now.items() if then.get(source, way) == way)
        if any(now.get(source) != way for source, way in then.items()):
            yield CutConnections(desired.vpc_id, port, keep, "the endpoint, its route or the source is gone")


def _ways(reach: tuple[EndpointReach, ...]) -> dict[int, dict[str, Way]]:
    """Return the sources of every endpoint port, each with its ways to the endpoint."""
    ways: dict[int, dict[str, Way]] = {}
    for each in reach:
        for port in each.ports:
            known = ways.setdefault(port, {})
            for source in each.sources:
                known[source] = (*known.get(source, ()), (each.networks, each.peers))
    return ways
