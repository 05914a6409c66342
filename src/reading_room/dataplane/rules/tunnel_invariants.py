"""The invariants of a VPC's tunnel to other hosts. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from reading_room.dataplane.rules import parsed
from reading_room.dataplane.rules.compile.between_hosts import GATEWAY_BY, GATEWAY_MARK, HERE, LEASE, LED
from reading_room.dataplane.rules.compile.names import BY_INTERFACE, INNER_INTERFACE
from reading_room.dataplane.rules.host import RouterConfig, Tunnel, tunnel_device
from reading_room.dataplane.spec import Vpc


def check_tunnel(router: RouterConfig, vpc: Vpc) -> Iterator[str]:
    """Yield a sentence for each problem of the tunnel, and of the sets that only a VPC with a tunnel has."""
    tunnel = router.tunnel
    sets = {each.name: each for each in router.ruleset.sets}
    if tunnel is None:
        if vpc.placements:
            yield f"{vpc.placements[0].address} is on another host, but there is no tunnel"
        elif vpc.gateway_host is not None:
            yield f"its gateways are on {vpc.gateway_host}, but there is no tunnel"
        return
    if (tunnel.device, tunnel.vni) != (tunnel_device(vpc.vni), vpc.vni):
        yield f"its tunnel is {tunnel.device} with the VNI {tunnel.vni}, which is not that of the VPC"
    here = {address for link in router.links for address in (link.address, *link.secondary)}
    own = here.union(router.addresses, router.endpoint_addresses)
    away = [route.address for route in tunnel.routes]
    if len(set(away)) < len(away):
        yield "an address is on two hosts"
    yield from (f"{address} is on this host and on another" for address in sorted(own.intersection(away)))
    if sorted(away) != sorted(each.address for each in vpc.placements):
        yield "the routes of its tunnel do not lead to the VPC's addresses on other hosts"
    hops = {host.hop for host in tunnel.hosts}
    if len(hops) < len(tunnel.hosts) or len({host.underlay for host in tunnel.hosts}) < len(tunnel.hosts):
        yield "two hosts have one place in the underlay"
    if tunnel.underlay in {host.underlay for host in tunnel.hosts} or tunnel.mac in {host.mac for host in tunnel.hosts}:
        yield "another host has the place of this one"
    yield from (f"the route to {each.address} leads to no host" for each in tunnel.routes if each.hop not in hops)
    if LEASE not in sets or sets[LEASE].filled != "lease" or sets[LEASE].elements:
        yield "the end of the host's lease would not stop its packets"
    gateway = router.remote_gateway
    if gateway is not None and gateway.hop not in hops:
        yield "the way to its internet gateway leads to no host"
    by = {(tunnel.device,)} if gateway is not None else set()
    if GATEWAY_BY not in sets or {each.key for each in sets[GATEWAY_BY].elements} != by:
        yield "packets from outside could come by the tunnel although the internet gateway is here, or could not"
    marks = [] if gateway is None else [(str(gateway.number),)]
    if GATEWAY_MARK not in sets or [each.value for each in sets[GATEWAY_MARK].elements] != marks:
        yield "flows by the internet gateway of another host would not have that host's mark"
    if HERE not in sets or {each.key[0] for each in sets[HERE].elements} != here:
        yield "what may come by the tunnel is not for its links alone"
    if LED not in sets or {each.key for each in sets[LED].elements} != _led(router, vpc):
        yield "what routes lead here from the tunnel is not for its links alone"


def _led(router: RouterConfig, vpc: Vpc) -> set[tuple[str, ...]]:
    """Return the networks of source and destination that the ruleset's marks lead to links of this host."""
    links = {link.name for link in router.links}
    here = {(str(each.number),) for each in router.through if each.device in links}
    using: dict[str, list[str]] = {}
    numbers = {table.route_table_id: str(table.number) for table in vpc.route_tables}
    for subnet in vpc.subnets:
        using.setdefault(numbers.get(subnet.route_table_id, ""), []).append(subnet.cidr)
    found: set[tuple[str, ...]] = set()
    for each in router.ruleset.sets:
        for element in each.elements if each.name in (BY_INTERFACE, INNER_INTERFACE) else ():
            if element.value in here:
                sources = [element.key[0]] if each.name == INNER_INTERFACE else using.get(element.key[0], [])
                found.update((source, element.key[1]) for source in sources)
    return found


def table_marks(tunnel: Tunnel, vpc: Vpc) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return what ``names.MARKS`` must have for addresses on other hosts: the mark of their subnet's route table."""
    numbers = {table.route_table_id: str(table.number) for table in vpc.route_tables}
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for route in tunnel.routes:
        for subnet in vpc.subnets:
            if parsed.address(route.address) in parsed.network(subnet.cidr):
                found[tunnel.device, route.address] = (numbers.get(subnet.route_table_id, ""),)
    return found
