"""The wires of a router: containers' interfaces with their addresses, and the wire to the uplink namespace.

A wire gets its alias last. One without an alias was left unfinished by a crash, and is deleted.
"""

from __future__ import annotations

from reading_room.dataplane.linux import namespaces, offloads, rtnetlink, sysctl
from reading_room.dataplane.linux.netlink import Request
from reading_room.dataplane.linux.router import Router
from reading_room.dataplane.linux.rtnetlink import LOOPBACK, RT_TABLE_MAIN, RTPROT_SECONDARY, RouteSocket
from reading_room.dataplane.linux.uplink_namespace import UplinkNamespace, finish_wire
from reading_room.dataplane.rules.host import CONTAINER_DEVICE, UPLINK_DEVICE, LinkConfig
from reading_room.dataplane.rules.uplink import ROUTER_MAC, UPLINK_HOP, UPLINK_MAC, UPLINK_MTU, TableRoute, wire_name


def router_mac(mac: str) -> str:
    """Return the MAC address of a link's router end: the container's, with one bit of the first byte flipped."""
    raw = bytearray(rtnetlink.mac_bytes(mac))
    raw[0] ^= 0x40
    return raw.hex(":")


def create_link(router: Router, link: LinkConfig, container: int) -> None:
    """Create an interface: both ends, addresses and routes, and last the alias, which says that it is complete.

    Both ends get permanent neighbour entries for each other, so no packet waits for ARP. On failure the pair is
    deleted.
    """
    index = router.new_index()
    mac = router_mac(link.mac)
    with namespaces.inside(container):
        sysctl.forbid_ipv6_of_new_links()
        sysctl.forbid_forwarding()
    router.routes.batch([rtnetlink.create_veth(link.name, index, link.mtu, container, link.mac, mac, CONTAINER_DEVICE)])
    try:
        with namespaces.inside(container):
            if not router.segmentation:
                offloads.switch_off(CONTAINER_DEVICE)
            inner = RouteSocket()
        try:
            device = inner.index_of(CONTAINER_DEVICE)
            inner.batch(
                [
                    rtnetlink.set_up(LOOPBACK, "lo"),
                    rtnetlink.set_up(device, CONTAINER_DEVICE),
                    *(rtnetlink.add_address(device, each) for each in (link.address, *link.secondary)),
                    rtnetlink.add_neighbour(device, link.gateway, mac),
                    rtnetlink.add_route(RT_TABLE_MAIN, "unicast", "0.0.0.0/0", device, link.gateway, onlink=True),
                ]
            )
            if not router.segmentation:
                with namespaces.inside(router.descriptor):
                    offloads.switch_off(link.name)
            router.routes.batch(
                [
                    rtnetlink.set_up(index, link.name),
                    rtnetlink.add_neighbour(index, link.address, link.mac),
                    rtnetlink.add_route(RT_TABLE_MAIN, "unicast", f"{link.address}/32", index),
                    *(request for each in link.secondary for request in _secondary_way(index, each, link.mac)),
                ]
            )
            inner.wait_until_it_sends(CONTAINER_DEVICE)
        finally:
            inner.close()
        router.routes.batch([rtnetlink.set_up(index, link.name, link.interface_id)])
    except BaseException:
        router.routes.batch([rtnetlink.delete_link(index, link.name)])
        raise
    router.indexes[link.name] = index
    router.containers[link.interface_id] = link.container_id


def _secondary_way(index: int, address: str, mac: str) -> list[Request]:
    """Return the requests that lead packets for a further address to a link; the route's protocol marks it as such."""
    route = rtnetlink.add_route(RT_TABLE_MAIN, "unicast", f"{address}/32", index, protocol=RTPROT_SECONDARY)
    return [rtnetlink.add_neighbour(index, address, mac), route]


def add_secondary(router: Router, link: LinkConfig, addresses: tuple[str, ...], container: int) -> None:
    """Give a link further addresses: first in the container, so that no packet arrives for an unknown address."""
    with namespaces.inside(container):
        inner = RouteSocket()
    try:
        device = inner.index_of(CONTAINER_DEVICE)
        inner.batch([rtnetlink.add_address(device, each) for each in addresses])
    finally:
        inner.close()
    index = router.indexes[link.name]
    router.routes.batch([request for each in addresses for request in _secondary_way(index, each, link.mac)])


def remove_secondary(router: Router, link: LinkConfig, addresses: tuple[str, ...], container: int | None) -> None:
    """Remove further addresses from a link. ``container`` is ``None`` if the container's namespace is gone."""
    index = router.indexes[link.name]
    router.routes.batch([rtnetlink.delete_route(RT_TABLE_MAIN, "unicast", f"{each}/32", index) for each in addresses])
    if container is None:
        return
    with namespaces.inside(container):
        inner = RouteSocket()
    try:
        device = inner.index_of(CONTAINER_DEVICE)
        inner.batch([rtnetlink.delete_address(device, each) for each in addresses])
    finally:
        inner.close()


def create_uplink(router: Router, uplink: UplinkNamespace) -> None:
    """Create the wire between a router and the uplink namespace; the alias comes last. On failure it is deleted."""
    index, device = router.new_index(), wire_name(router.vpc_id)
    router.routes.batch(
        [rtnetlink.create_veth(UPLINK_DEVICE, index, UPLINK_MTU, uplink.descriptor, UPLINK_MAC, ROUTER_MAC, device)]
    )
    try:
        if not router.segmentation:
            with namespaces.inside(router.descriptor):
                offloads.switch_off(UPLINK_DEVICE)
            with namespaces.inside(uplink.descriptor):
                offloads.switch_off(device)
        finish_wire(uplink, device, router.vpc_id)
        router.routes.batch(
            [
                rtnetlink.set_up(index, UPLINK_DEVICE),
                rtnetlink.add_neighbour(index, UPLINK_HOP, UPLINK_MAC),
                rtnetlink.set_up(index, UPLINK_DEVICE, router.vpc_id),
            ]
        )
        router.routes.wait_until_it_sends(UPLINK_DEVICE)
        uplink.routes.wait_until_it_sends(device)
    except BaseException:
        router.routes.batch([rtnetlink.delete_link(index, UPLINK_DEVICE)])
        raise
    router.indexes[UPLINK_DEVICE] = index


def table_route(router: Router, route: TableRoute, *, gone: bool = False) -> Request:
    """Return the request that adds a route of our own tables or, if ``gone``, deletes it."""
    index = LOOPBACK if route.device == "lo" else router.indexes.get(route.device, 0)
    if gone:
        return rtnetlink.delete_route(route.table, "unicast", route.destination, index)
    hop = UPLINK_HOP if route.device == UPLINK_DEVICE else route.hop
    return rtnetlink.add_route(route.table, "unicast", route.destination, index, hop, onlink=bool(hop))
