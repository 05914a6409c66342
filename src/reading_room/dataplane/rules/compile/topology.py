"""Attached interfaces: links, addresses, and the sets that contain them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reading_room.dataplane.rules import parsed
from reading_room.dataplane.rules.compile import names
from reading_room.dataplane.rules.host import LinkConfig, link_name
from reading_room.dataplane.rules.nftables import Element, KeyType, NamedSet
from reading_room.dataplane.spec import (
    LOCAL_CREDENTIALS_ADDRESS,
    LOCAL_ENDPOINT_ADDRESS,
    LOCAL_RESOLVER_ADDRESS,
    Interface,
    ListenerLabel,
    RouteTable,
    Subnet,
    Vpc,
)

DNS_PORT = 53
CREDENTIALS_PORT = 80


def subnet_router(subnet: Subnet) -> str:
    """Return a subnet's router address: its base plus one."""
    return str(parsed.network(subnet.cidr)[1])


def resolver_addresses(vpc: Vpc) -> tuple[str, ...]:
    """Return the resolver's addresses: the first network's base plus two, and link-local; none without DNS."""
    if not vpc.dns_support:
        return ()
    return (str(parsed.network(vpc.cidrs[0])[2]), LOCAL_RESOLVER_ADDRESS)


def router_addresses(vpc: Vpc) -> tuple[str, ...]:
    """Return every address of the router once, sorted as text."""
    addresses = {LOCAL_ENDPOINT_ADDRESS, LOCAL_CREDENTIALS_ADDRESS, *resolver_addresses(vpc)}
    addresses.update(subnet_router(subnet) for subnet in vpc.subnets)
    return tuple(sorted(addresses))


def local_listeners(vpc: Vpc) -> list[ListenerLabel]:
    """Return the listeners that every VPC has: credentials, and the resolver if DNS is supported."""
    labels = [ListenerLabel(vpc.vpc_id, "credentials", LOCAL_CREDENTIALS_ADDRESS, CREDENTIALS_PORT)]
    for address in resolver_addresses(vpc):
        labels.append(ListenerLabel(vpc.vpc_id, "resolver-udp", address, DNS_PORT))
        labels.append(ListenerLabel(vpc.vpc_id, "resolver-tcp", address, DNS_PORT))
    return labels


def exempt(vpc: Vpc) -> NamedSet:
    """Return the set of services that security groups do not filter: the resolver and the credentials address.

    There are no other exemptions. EC2 exempts its resolver and the metadata and credentials addresses, too.
    """
    services = [(LOCAL_CREDENTIALS_ADDRESS, "6", str(CREDENTIALS_PORT))]
    for address in resolver_addresses(vpc):
        services += [(address, "6", str(DNS_PORT)), (address, "17", str(DNS_PORT))]
    return NamedSet(names.EXEMPT, names.SERVICE_KEY, tuple(Element(service) for service in services))


def attached(vpc: Vpc) -> tuple[Interface, ...]:
    """Return the interfaces that have a wire."""
    return tuple(interface for interface in vpc.interfaces if interface.container_id is not None)


def links(vpc: Vpc, interfaces: Iterable[Interface]) -> tuple[LinkConfig, ...]:
    """Return the links of attached interfaces."""
    gateways = {subnet.subnet_id: subnet_router(subnet) for subnet in vpc.subnets}
    return tuple(
        LinkConfig(
            link_name(interface.interface_id),
            interface.interface_id,
            interface.container_id,
            interface.mac,
            interface.address,
            gateways[interface.subnet_id],
            secondary=tuple(sorted(interface.secondary)),
        )
        for interface in interfaces
        if interface.container_id is not None
    )


def tables_by_subnet(vpc: Vpc) -> dict[str, RouteTable]:
    """Return the route table of every subnet."""
    tables = {table.route_table_id: table for table in vpc.route_tables}
    return {subnet.subnet_id: tables[subnet.route_table_id] for subnet in vpc.subnets}


def topology_sets(
    vpc: Vpc,
    interfaces: Iterable[Interface],
    services: Iterable[Interface],
    tables: Mapping[str, RouteTable],
    elsewhere: tuple[Sequence[Element], Sequence[Element]] = ((), ()),
) -> list[NamedSet]:
    """Return the sets of devices and addresses.

    ``interfaces`` are those with a wire, ``services`` those of interface endpoints. ``tables`` maps a subnet's id to
    its route table. ``elsewhere`` are the elements of ``MARKS`` and ``ATTACHED`` for addresses on other hosts.
    """
    marks = list(elsewhere[0])
    there = list(elsewhere[1])
    for each in interfaces:
        for address in each.addresses:
            key = (link_name(each.interface_id), address)
            marks.append(Element(key, (str(tables[each.subnet_id].number),), each.interface_id))
            there.append(Element((address,)))
    there += [Element((address,)) for each in services for address in each.addresses]
    router = tuple(Element((address,)) for address in router_addresses(vpc))
    return [
        NamedSet(names.MARKS, (KeyType.DEVICE, KeyType.ADDRESS), tuple(marks), value=(KeyType.MARK,)),
        NamedSet(names.ATTACHED, (KeyType.ADDRESS,), tuple(there)),
        NamedSet(names.ROUTER, (KeyType.ADDRESS,), router),
        exempt(vpc),
    ]
