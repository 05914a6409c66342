"""The addresses that S3 may see as the source of an interface's requests: its own, and those of gateways."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.vpc.gateways import elastic_addresses
from reading_room.vpc.tables import NatGateway, NetworkInterface


class SourceAddresses(NamedTuple):
    """``inside`` are seen through the VPC's endpoints as ``aws:VpcSourceIp``, ``outside`` as ``aws:SourceIp``."""

    inside: tuple[str, ...]
    outside: tuple[str, ...]


def of(session: Session, interface: NetworkInterface) -> SourceAddresses:
    """Return the addresses of an interface, and those of the NAT gateways that its requests may go through."""
    public = elastic_addresses.of(session, [interface.interface_id])[interface.interface_id].get(interface.address)
    inside = [interface.address]
    outside = [] if public is None else [public.public_ip]
    gateways = session.scalars(
        select(NatGateway)
        .where(NatGateway.vpc_id == interface.vpc_id, NatGateway.state == "available")
        .order_by(NatGateway.nat_gateway_id)
    )
    for gateway in gateways:
        for address in gateway.addresses:
            inside.append(address["PrivateIp"])
            outside += [address["PublicIp"]] if "PublicIp" in address else []
    return SourceAddresses(tuple(inside), tuple(outside))
