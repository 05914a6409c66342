"""The tunnel of a VPC to other hosts: a VXLAN device with permanent neighbours, forwarding entries and routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reading_room.dataplane.linux import rtnetlink
from reading_room.dataplane.linux.rtnetlink import RT_TABLE_MAIN, FoundLink, FoundRoute, RouteSocket
from reading_room.dataplane.rules.host import TUNNEL_PORT, Tunnel, TunnelHost, TunnelRoute


def create_tunnel(underlay: RouteSocket, index: int, namespace: int, tunnel: Tunnel) -> None:
    """Create the device of a tunnel in the router's ``namespace``, but leave it down; ``finish_tunnel`` sets it up.

    ``underlay`` is a socket in the namespace that carries its UDP packets. Raises ``NetlinkError``.
    """
    underlay.batch(
        [
            rtnetlink.create_vxlan(
                *(tunnel.device, index, namespace, tunnel.vni, tunnel.mac, tunnel.underlay, TUNNEL_PORT, tunnel.mtu)
            )
        ]
    )


def finish_tunnel(router: RouteSocket, index: int, tunnel: Tunnel, vpc_id: str) -> None:
    """Set the device up; the alias comes last and says that it is complete."""
    router.batch([rtnetlink.set_up(index, tunnel.device), rtnetlink.set_up(index, tunnel.device, vpc_id)])


def add_by_tunnel(router: RouteSocket, index: int, hosts: Iterable[TunnelHost], routes: Iterable[TunnelRoute]) -> None:
    """Add hosts, and then routes to addresses on them."""
    requests = []
    for host in hosts:
        requests.append(rtnetlink.add_forwarding(index, host.mac, host.underlay))
        requests.append(rtnetlink.add_neighbour(index, host.hop, host.mac))
    requests += [
        rtnetlink.add_route(RT_TABLE_MAIN, "unicast", f"{each.address}/32", index, each.hop, onlink=True)
        for each in routes
    ]
    router.batch(requests)


def remove_by_tunnel(
    router: RouteSocket, index: int, hosts: Iterable[TunnelHost], routes: Iterable[TunnelRoute]
) -> None:
    """Remove routes, and then hosts, of which the kernel may have only one of the two entries."""
    requests = [rtnetlink.delete_route(RT_TABLE_MAIN, "unicast", f"{each.address}/32", index) for each in routes]
    for host in hosts:
        if host.hop:
            requests.append(rtnetlink.delete_neighbour(index, host.hop))
        if host.underlay:
            requests.append(rtnetlink.delete_forwarding(index, host.mac, host.underlay))
    router.batch(requests)


def is_tunnel(link: FoundLink) -> bool:
    """Return whether a link is a VXLAN device with a name of ours."""
    return link.tunnel is not None and link.name.startswith("vx")


def is_tunnel_link(link: FoundLink | None) -> bool:
    """Return whether a link exists and is a tunnel."""
    return link is not None and is_tunnel(link)


def is_tunnel_route(route: FoundRoute, link: FoundLink | None) -> bool:
    """Return whether a route is one of ours to an address on another host."""
    ours = (route.table, route.kind, route.protocol) == (RT_TABLE_MAIN, "unicast", rtnetlink.RTPROT_STATIC)
    return ours and is_tunnel_link(link) and route.destination.endswith("/32") and bool(route.gateway)


def found_tunnel(
    link: FoundLink,
    vpc_id: str,
    neighbours: Mapping[str, str],
    forwarding: Iterable[tuple[str, str]],
    routes: Iterable[FoundRoute],
) -> Tunnel:
    """Return a tunnel as the kernel has it. One that is incomplete, or that learns, has no MAC address.

    ``neighbours`` maps the addresses of the device's permanent neighbours to their MAC addresses. ``forwarding`` are
    its entries: MAC address and host.
    """
    found = link.tunnel
    if found is None:
        raise ValueError(f"{link.name} is not a tunnel")
    entries = list(forwarding)
    hosts = [TunnelHost(hop, mac, to) for hop, mac in neighbours.items() for known, to in entries if known == mac]
    hosts += [TunnelHost(hop, mac, "") for hop, mac in neighbours.items() if mac not in {known for known, _ in entries}]
    hosts += [TunnelHost("", mac, to) for mac, to in entries if mac not in neighbours.values()]
    complete = link.up and link.alias == vpc_id and not found.learning and found.port == TUNNEL_PORT
    return Tunnel(
        device=link.name,
        vni=found.vni,
        mac=link.mac if complete else "",
        underlay=found.local,
        mtu=link.mtu,
        hosts=tuple(sorted(hosts)),
        routes=tuple(sorted(TunnelRoute(each.destination.removesuffix("/32"), each.gateway) for each in routes)),
    )
