"""The network interfaces that a request may have come from, given the VPC whose router received it and its address.

Interfaces are identified by id, from the current state of the tables. The address only distinguishes the interfaces of
one VPC, whose router lets no interface send from another's address.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.aws.call import NetworkPath
from reading_room.vpc.tables import (
    ElasticAddress,
    NatGateway,
    NetworkInterface,
    Route,
    RouteTableAssociation,
    SecondaryAddress,
    Subnet,
    Vpc,
)

SENDER_TABLES = (
    ElasticAddress,
    NatGateway,
    NetworkInterface,
    Route,
    RouteTableAssociation,
    SecondaryAddress,
    Subnet,
    Vpc,
)
"""The tables that the results depend on."""


def senders(session: Session, path: NetworkPath) -> frozenset[str]:
    """Return the ids of the interfaces that may have sent what arrived by a path.

    This is one interface, or none if the path comes from no VPC or from an unused address. Behind a NAT gateway, all
    interfaces whose route tables lead to the gateway may be the sender, so all of them are returned.
    """
    interface = _interface(session, path)
    if interface is None:
        return frozenset()
    if interface.nat_gateway_id is None:
        return frozenset((interface.interface_id,))
    return frozenset(_behind(session, interface.vpc_id, interface.nat_gateway_id))


def _interface(session: Session, path: NetworkPath) -> NetworkInterface | None:
    if path.vpc_id is not None:
        return None if path.vpc_source_ip is None else _by_private(session, path.vpc_id, path.vpc_source_ip)
    if path.router_vpc_id is None or path.source_ip is None:
        return None
    vpc = session.get(Vpc, path.router_vpc_id)
    if vpc is None:
        return None
    # The service's own network translates no address. No packet leaves any other VPC with a private address.
    find = _by_private if vpc.internal else _by_public
    return find(session, vpc.vpc_id, path.source_ip)


def _by_private(session: Session, vpc_id: str, address: str) -> NetworkInterface | None:
    here = NetworkInterface.vpc_id == vpc_id
    found = session.scalar(select(NetworkInterface).where(here, NetworkInterface.address == address))
    if found is not None:
        return found
    secondary = session.get(SecondaryAddress, (vpc_id, address))
    return None if secondary is None else session.get(NetworkInterface, secondary.interface_id)


def _by_public(session: Session, vpc_id: str, address: str) -> NetworkInterface | None:
    query = select(NetworkInterface).join(ElasticAddress, ElasticAddress.interface_id == NetworkInterface.interface_id)
    return session.scalar(query.where(ElasticAddress.public_ip == address, NetworkInterface.vpc_id == vpc_id))


def _behind(session: Session, vpc_id: str, nat_gateway_id: str) -> set[str]:
    """Return the interfaces whose packets a NAT gateway may have forwarded, directly or through other gateways."""
    tables = _tables(session, vpc_id)
    gateways = session.scalars(select(NatGateway).where(NatGateway.vpc_id == vpc_id, NatGateway.state == "available"))
    subnet_of = {gateway.nat_gateway_id: gateway.subnet_id for gateway in gateways}
    routes = session.execute(select(Route.route_table_id, Route.target).where(Route.target.in_(subnet_of)))
    leading: dict[str, set[str]] = {}
    for table, target in routes:
        leading.setdefault(target, set()).add(table)
    behind: set[str] = set()
    waiting, seen = [nat_gateway_id], {nat_gateway_id}
    while waiting:
        here = leading.get(waiting.pop(), set())
        behind |= {subnet for subnet, table in tables.items() if table in here}
        further = {gateway for gateway, subnet in subnet_of.items() if subnet in behind} - seen
        seen |= further
        waiting.extend(further)
    return set(session.scalars(select(NetworkInterface.interface_id).where(NetworkInterface.subnet_id.in_(behind))))


def _tables(session: Session, vpc_id: str) -> dict[str, str]:
    """Return the route table that each subnet of a VPC uses."""
    associations = session.scalars(select(RouteTableAssociation).where(RouteTableAssociation.vpc_id == vpc_id))
    chosen = {row.subnet_id: row.route_table_id for row in associations}
    subnets = session.scalars(select(Subnet.subnet_id).where(Subnet.vpc_id == vpc_id))
    return {subnet: chosen.get(subnet, chosen[None]) for subnet in subnets}
