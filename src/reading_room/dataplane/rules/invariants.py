"""Invariants of every compiled host, checked before the kernel is touched. Pure.

A problem here means either that a network spec contradicts itself or that the compiler has a bug. In both cases the
VPC's old rules stay in force and the problem is reported: no change is better than a change that opens something.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Network

from reading_room.dataplane.rules import parsed
from reading_room.dataplane.rules.compile import names
from reading_room.dataplane.rules.compile.base_chains import FIXED_CHAINS, base_chains
from reading_room.dataplane.rules.compile.flow_logs import LOGGED, LOGGED_ADDRESSES
from reading_room.dataplane.rules.compile.routes import UNROUTABLE
from reading_room.dataplane.rules.gateway_invariants import check_gateways
from reading_room.dataplane.rules.host import HostConfig, RouterConfig, link_name, namespace_name
from reading_room.dataplane.rules.interface_invariants import check_interfaces
from reading_room.dataplane.rules.nftables import (
    Accept,
    Chain,
    Drop,
    Element,
    Equals,
    Field,
    Goto,
    Jump,
    Lookup,
    NamedSet,
    Rule,
)
from reading_room.dataplane.rules.tunnel_invariants import check_tunnel, table_marks
from reading_room.dataplane.spec import (
    LOCAL_CREDENTIALS_ADDRESS,
    LOCAL_ENDPOINT_ADDRESS,
    LOCAL_RESOLVER_ADDRESS,
    Endpoint,
    Interface,
    ListenerLabel,
    NetworkSpec,
    Vpc,
    endpoint_ports,
)

_ID = re.compile(r"[a-z]{2,8}-[0-9a-z]{1,32}\Z")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}\Z")
_LOCAL = {LOCAL_CREDENTIALS_ADDRESS, LOCAL_ENDPOINT_ADDRESS, LOCAL_RESOLVER_ADDRESS}
_GROUP_CHAIN = re.compile(r"(eg|ig)(?:all)?_")
_MOST_ENDPOINTS = 2000
_NO_NETWORK = ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4")


def check(config: HostConfig, spec: NetworkSpec) -> list[str]:
    """Return a sentence for each problem of a host's configuration. It begins with the id of its subject."""
    vpcs = {vpc.vpc_id: vpc for vpc in spec.vpcs}
    problems = [f"{each}: the VPC appears twice" for each in _twice(router.vpc_id for router in config.routers)]
    compiled = {router.vpc_id for router in config.routers}
    problems += [f"{vpc_id}: no router was compiled for it" for vpc_id in vpcs if vpc_id not in compiled]
    problems += _shared_containers(config)
    for router in config.routers:
        if router.vpc_id in vpcs:
            problems += check_router(router, vpcs[router.vpc_id])
        else:
            problems.append(f"{router.vpc_id}: no VPC wants this router")
    return problems


def check_router(router: RouterConfig, vpc: Vpc) -> list[str]:
    """Return the problems of one VPC's router."""
    problems = [
        *_check_names(router, vpc),
        *_check_links(router, vpc),
        *_check_addresses(router, vpc),
        *_check_listeners(router, vpc),
        *_check_chains(router, vpc),
        *_check_elements(router, vpc),
        *check_gateways(router, vpc),
        *check_interfaces(router, vpc),
        *check_tunnel(router, vpc),
    ]
    return [f"{router.vpc_id}: {problem}" for problem in problems]


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _shared_containers(config: HostConfig) -> list[str]:
    owners = [link.container_id for router in config.routers for link in router.links]
    return [f"{each}: the container has two interfaces, but one device" for each in _twice(owners)]


def _check_names(router: RouterConfig, vpc: Vpc) -> Iterator[str]:
    ids = [
        vpc.vpc_id,
        *(each.subnet_id for each in vpc.subnets),
        *(each.route_table_id for each in vpc.route_tables),
        *(each.group_id for each in vpc.groups),
        *(each.endpoint_id for each in vpc.endpoints),
        *(each.interface_id for each in vpc.interfaces),
        *(each.nat_gateway_id for each in vpc.nat_gateways),
        *(each.allocation_id for each in vpc.elastic_addresses),
        *([vpc.internet_gateway] if vpc.internet_gateway else []),
    ]
    yield from (f"{each!r} is not an id" for each in ids if not _ID.match(each))
    yield from (f"{each} appears twice" for each in _twice(ids))
    if router.namespace != namespace_name(router.vpc_id):
        yield f"its namespace is {router.namespace!r} instead of {namespace_name(router.vpc_id)!r}"
    numbers = [table.number for table in vpc.route_tables]
    if len(set(numbers)) < len(numbers) or any(not 1 <= number < 2**31 for number in numbers):
        yield f"its route tables need different numbers from 1: {numbers}"
    numbers = [endpoint.number for endpoint in vpc.endpoints]
    if len(set(numbers)) < len(numbers) or any(not 1 <= number <= _MOST_ENDPOINTS for number in numbers):
        yield f"its endpoints need different numbers from 1 to {_MOST_ENDPOINTS}: {numbers}"


def _check_links(router: RouterConfig, vpc: Vpc) -> Iterator[str]:
    subnets = {subnet.subnet_id: parsed.network(subnet.cidr) for subnet in vpc.subnets}
    wanted = {each.interface_id: each for each in vpc.interfaces if each.container_id is not None}
    yield from (f"two interfaces would share the device {each}" for each in _twice(link.name for link in router.links))
    there = [address for link in router.links for address in (link.address, *link.secondary)]
    yield from (f"two interfaces share the address {each}" for each in _twice((*there, *router.endpoint_addresses)))
    if {link.interface_id for link in router.links} != wanted.keys():
        yield "its links are not those of its interfaces"
    for link in router.links:
        interface = wanted.get(link.interface_id)
        if interface is None:
            continue
        network = subnets[interface.subnet_id]
        if link.name != link_name(link.interface_id):
            yield f"{link.interface_id} has the device {link.name!r}, which is not its own"
        expected = (interface.address, tuple(sorted(interface.secondary)), interface.container_id, interface.mac)
        if (link.address, link.secondary, link.container_id, link.mac) != expected:
            yield f"{link.interface_id} differs from the VPC's interface"
        if not _MAC.match(link.mac):
            yield f"{link.interface_id} has {link.mac!r}, which is no hardware address"
        for address in (link.address, *link.secondary):
            if not _inside(address, network) or address in router.addresses:
                yield f"{link.interface_id} has {address}, which is not free for it in {network}"
        if link.gateway not in router.addresses or not _inside(link.gateway, network):
            yield f"{link.interface_id} has the router {link.gateway}, which is not that of {network}"


def _inside(address: str, network: IPv4Network) -> bool:
    value = int(parsed.address(address))
    return int(network.network_address) <= value <= int(network.broadcast_address)


def _check_addresses(router: RouterConfig, vpc: Vpc) -> Iterator[str]:
    own = [parsed.network(cidr) for cidr in vpc.cidrs]
    yield from (f"the router has {each} twice" for each in _twice(router.addresses))
    for address in router.addresses:
        if address not in _LOCAL and not any(_inside(address, network) for network in own):
            yield f"the router may not have {address}, which is outside of {', '.join(vpc.cidrs)}"
    wanted = {address for each in _listening(vpc) for address in each.addresses}
    if set(router.endpoint_addresses) != wanted or wanted & set(router.addresses):
        yield "the addresses of its interface endpoints are not those of their interfaces"
    if set(router.blackholes) != {"0.0.0.0/0", *vpc.cidrs}:
        yield "what no interface takes would not be dropped everywhere"
    for subnet in vpc.subnets:
        if not any(parsed.network(subnet.cidr).subnet_of(network) for network in own):
            yield f"{subnet.subnet_id} ({subnet.cidr}) is outside of {', '.join(vpc.cidrs)}"
    for network in own:
        if any(network.overlaps(parsed.network(each)) for each in _NO_NETWORK):
            yield f"{network} holds addresses of the router's own services, or such as no router carries"


def _listening(vpc: Vpc) -> list[Interface]:
    ids = {endpoint.endpoint_id for endpoint in vpc.endpoints if endpoint.kind == "interface"}
    return [interface for interface in vpc.interfaces if interface.endpoint_id in ids]


def _check_listeners(router: RouterConfig, vpc: Vpc) -> Iterator[str]:
    where = [(label.address, label.port, label.kind == "resolver-udp") for label in router.listeners]
    if len(set(where)) < len(where):
        yield "two listeners want the same address and port"
    places: dict[str, set[str]] = {each.endpoint_id: {LOCAL_ENDPOINT_ADDRESS} for each in vpc.endpoints}
    for endpoint in vpc.endpoints:
        if endpoint.kind == "interface":
            places[endpoint.endpoint_id] = set()
    for interface in _listening(vpc):
        places[interface.endpoint_id or ""].update(interface.addresses)
    endpoints = {each.endpoint_id: each for each in vpc.endpoints}
    for label in router.listeners:
        if label.kind.startswith("endpoint"):
            spoken_for = endpoints.get(label.endpoint_id or "")
            fits = spoken_for is not None and _speaks_for(label, spoken_for, places[spoken_for.endpoint_id])
        else:
            fits = label.endpoint_id is None and _is_local(label, router)
        if label.vpc_id != router.vpc_id or not fits:
            yield f"no listener of kind {label.kind} belongs at {label.address}:{label.port}"


def _speaks_for(label: ListenerLabel, endpoint: Endpoint, places: set[str]) -> bool:
    http, https = (80, 443) if endpoint.kind == "interface" else endpoint_ports(endpoint)
    return (
        label.address in places
        and label.port == (http if label.kind == "endpoint-http" else https)
        and label.service == endpoint.service
        and label.public == (endpoint.kind in ("public", "far"))
    )


def _is_local(label: ListenerLabel, router: RouterConfig) -> bool:
    if label.address not in router.addresses:
        return False
    if label.kind == "credentials":
        return (label.address, label.port) == (LOCAL_CREDENTIALS_ADDRESS, 80)
    return label.port == 53 and label.address not in (LOCAL_ENDPOINT_ADDRESS, LOCAL_CREDENTIALS_ADDRESS)


def _check_chains(router: RouterConfig, vpc: Vpc) -> Iterator[str]:
    chains = {chain.name: chain for chain in router.ruleset.chains}
    sets = {each.name: each for each in router.ruleset.sets}
    if len(chains) < len(router.ruleset.chains) or len(sets) < len(router.ruleset.sets):
        yield "two chains or two sets have one name"
    if tuple(chain for chain in router.ruleset.chains if chain.hook) != base_chains(
        router.tunnel.device if router.tunnel else ""
    ):
        yield "its base chains are not those of every VPC"
    own = {rule.rule_id for group in vpc.groups for rule in (*group.ingress, *group.egress)}
    fixed = {chain.name: chain for chain in FIXED_CHAINS}
    if any(chains.get(name) != chain for name, chain in fixed.items()):
        yield "it lacks a chain that every VPC has, or has another in its place"
    for chain in router.ruleset.chains:
        if chain.hook is None and chain.name not in fixed:
            yield from _check_chain(chain, chains, sets, own)


def _check_chain(
    chain: Chain, chains: dict[str, Chain], sets: dict[str, NamedSet], own_rules: set[str]
) -> Iterator[str]:
    """Yield the problems of a group's chain: it must accept only by group rules, and match the right side."""
    name = _GROUP_CHAIN.match(chain.name)
    if name is None:
        yield f"the chain {chain.name} is neither a base chain nor one of a group"
        return
    field = Field.DESTINATION if name[1] == "eg" else Field.SOURCE
    for rule in chain.rules:
        match rule.statements:
            case (Accept(),):
                if not _is_granted(rule, field, sets, own_rules):
                    yield f"{chain.name} accepts without a group rule: {rule.text()}"
            case (Jump(target),) if target in chains and target.startswith(f"{name[1]}_"):
                pass
            case _:
                yield f"{chain.name} does what no group asks for: {rule.text()}"


def _is_granted(rule: Rule, field: Field, sets: dict[str, NamedSet], own_rules: set[str]) -> bool:
    """Return whether an accept comes from a rule of this VPC's groups and matches the other side's address."""
    looks = False
    for match in rule.matches:
        if isinstance(match, Lookup):
            expected = sets.get(match.set_name)
            if expected is None or match.negated or match.fields[0] is not field:
                return False
            looks = True
            if rule.comment not in own_rules and not all(each.comment in own_rules for each in expected.elements):
                return False
        elif isinstance(match, Equals) and match.field is field:
            looks = True
            if rule.comment not in own_rules:
                return False
    return looks


def _check_elements(router: RouterConfig, vpc: Vpc) -> Iterator[str]:
    sets = {each.name: each for each in router.ruleset.sets}
    chains = {chain.name for chain in router.ruleset.chains}
    links = {link.name: link for link in router.links}
    needed = {getattr(names, name) for name in dir(names) if name.isupper() and isinstance(getattr(names, name), str)}
    if missing := sorted({*needed, LOGGED, LOGGED_ADDRESSES} - sets.keys()):
        yield f"it lacks the sets {', '.join(missing)}"
        return
    yield from _check_marks(sets[names.MARKS].elements, router, vpc)
    here = {address for link in router.links for address in (link.address, *link.secondary)}
    there = here | {route.address for route in router.tunnel.routes} if router.tunnel else here
    services = set(router.endpoint_addresses)
    if {each.key[0] for each in sets[names.ATTACHED].elements} != there | services:
        yield "the addresses that packets may go to are not those of its links, other hosts and interface endpoints"
    if {each.key[0] for each in sets[names.ROUTER].elements} != set(router.addresses):
        yield "the addresses of the router are not those that it has"
    known = {names.EGRESS: set(links), names.INGRESS: set(links), names.SERVICE_INGRESS: services}
    for name, owners in known.items():
        for element in sets[name].elements:
            if element.key[0] not in owners:
                yield f"{name} has an element for {element.key[0]}, which is not of this VPC"
            yield from _check_way_in(name, element, chains)
    for name, owners in ((LOGGED, set(links)), (LOGGED_ADDRESSES, services)):
        stray = (each.key[0] for each in sets[name].elements if each.key[0] not in owners)
        yield from (f"{each} is logged, but not of this VPC" for each in stray)
    exempt = {
        (label.address, "17" if label.kind == "resolver-udp" else "6", str(label.port))
        for label in router.listeners
        if not label.kind.startswith("endpoint")
    }
    if {each.key for each in sets[names.EXEMPT].elements} != exempt:
        yield "groups would not filter something else than the resolver and the credentials address"
    open_at = {(label.address, "6", str(label.port)) for label in router.listeners if label.address in services}
    if {each.key for each in sets[names.SERVICES].elements} != open_at:
        yield "interface endpoints would be open elsewhere than where they listen"
    for name in (names.ENDPOINTS, names.FAR):
        yield from _check_endpoints(name, sets[name].elements, router, vpc)


def _check_way_in(name: str, element: Element, chains: set[str]) -> Iterator[str]:
    """Yield the problems with an element that selects the chain of an interface's groups."""
    prefix = "eg" if name == names.EGRESS else "ig"
    if not isinstance(element.value, Jump | Goto | Drop):
        yield f"{name} lets {element.key[0]} pass without its groups"
    elif not isinstance(element.value, Drop) and (
        element.value.chain not in chains or not element.value.chain.startswith(prefix)
    ):
        yield f"{name} leads {element.key[0]} to {element.value.chain}, which is not a chain of groups"


def _check_marks(elements: Sequence[Element], router: RouterConfig, vpc: Vpc) -> Iterator[str]:
    numbers = {table.route_table_id: str(table.number) for table in vpc.route_tables}
    by_subnet = {subnet.subnet_id: numbers.get(subnet.route_table_id, "") for subnet in vpc.subnets}
    by_interface = {each.interface_id: by_subnet.get(each.subnet_id, "") for each in vpc.interfaces}
    wanted: dict[tuple[str, ...], tuple[str, ...]] = {
        (link.name, address): (by_interface.get(link.interface_id, ""),)
        for link in router.links
        for address in (link.address, *link.secondary)
    }
    if router.tunnel is not None:
        wanted |= table_marks(router.tunnel, vpc)
    if {element.key: element.value for element in elements} != wanted:
        yield "devices, source addresses and route tables do not match the VPC's"


def _check_endpoints(name: str, elements: Sequence[Element], router: RouterConfig, vpc: Vpc) -> Iterator[str]:
    """Yield the problems with a map to listeners: each element must lead to the listener of the endpoint it names."""
    numbers = {str(table.number) for table in vpc.route_tables}
    far = {endpoint.endpoint_id for endpoint in vpc.endpoints if endpoint.kind == "far"}
    listeners: dict[tuple[str, ...], ListenerLabel] = {
        (label.address, str(label.port)): label for label in router.listeners if label.address == LOCAL_ENDPOINT_ADDRESS
    }
    closed = [parsed.network(cidr) for cidr in (*vpc.cidrs, *UNROUTABLE)]
    for element in elements:
        mark, network, port = element.key
        label = listeners.get(element.value) if isinstance(element.value, tuple) else None
        kind = {"80": "endpoint-http", "443": "endpoint-https"}.get(port)
        if label is None or label.kind != kind or label.endpoint_id != element.comment:
            yield f"{network} port {port} leads to no listener of {element.comment}"
        if name == names.FAR and element.comment not in far:
            yield f"{element.comment} is not beyond the internet gateway, but {name} leads to it"
        if mark not in numbers:
            yield f"{network} is sent to {element.comment} by a route table that does not exist ({mark})"
        if any(parsed.network(network).overlaps(each) for each in closed):
            yield f"{network} is inside the VPC and cannot be sent to {element.comment}"
