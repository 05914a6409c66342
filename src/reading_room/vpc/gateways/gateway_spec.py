"""Gateways and public addresses in the form of ``NetworkSpec``; each table is read once, for all VPCs.

The services' public addresses are reached through a VPC's internet gateway. Two endpoints of kind ``far`` represent
them: one for S3 and one for all other services.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.database import rows
from reading_room.dataplane import spec
from reading_room.vpc.addressing import prefix_lists
from reading_room.vpc.tables import ElasticAddress, InternetGateway, NatGateway

FAR_ENDPOINTS = (
    spec.Endpoint("far-s3", "far", "s3", prefix_lists.S3_PREFIX_LIST_ID, 1999),
    spec.Endpoint("far-api", "far", "api", prefix_lists.API_PREFIX_LIST_ID, 2000),
)
"""Their numbers are higher than those of customers' endpoints (``endpoints.MAX_NUMBER``)."""
_ATTACHED = select(rows.table(InternetGateway).c.vpc_id, rows.table(InternetGateway).c.internet_gateway_id).where(
    InternetGateway.vpc_id.is_not(None)
)
_AVAILABLE = select(NatGateway).where(NatGateway.state == "available").order_by(NatGateway.nat_gateway_id)
_ASSOCIATED = (
    select(ElasticAddress).where(ElasticAddress.association_id.is_not(None)).order_by(ElasticAddress.allocation_id)
)


class Gateways:
    """The internet gateways, Elastic IP addresses and NAT gateways of all VPCs.

    ``addresses`` are the private addresses of the interfaces of NAT gateways, by interface id, the primary one first.
    ``open_interfaces`` maps the interfaces that a container uses with the source/destination check off to their VPCs.
    """

    def __init__(
        self,
        session: Session,
        nat_interfaces: Mapping[str, str],
        addresses: Mapping[str, Sequence[str]],
        open_interfaces: Mapping[str, str],
    ):
        self._internet = {str(row.vpc_id): row.internet_gateway_id for row in session.execute(_ATTACHED)}
        self._nat: dict[str, list[NatGateway]] = defaultdict(list)
        for gateway in session.scalars(_AVAILABLE):
            self._nat[gateway.vpc_id].append(gateway)
        self._public: dict[str, list[ElasticAddress]] = defaultdict(list)
        for address in session.scalars(_ASSOCIATED):
            self._public[str(address.interface_id)].append(address)
        self._nat_interfaces = nat_interfaces
        self._open_interfaces = open_interfaces
        self._addresses = addresses

    def internet_gateway(self, vpc_id: str) -> str | None:
        """Return the id of a VPC's internet gateway."""
        return self._internet.get(vpc_id)

    def far_endpoints(self, vpc_id: str) -> tuple[spec.Endpoint, ...]:
        """Return the services that a VPC reaches through its internet gateway; none if it has no gateway."""
        return FAR_ENDPOINTS if vpc_id in self._internet else ()

    def elastic_addresses(self, interface_ids: Sequence[str]) -> tuple[spec.ElasticAddress, ...]:
        """Return the public addresses of interfaces, except those of NAT gateways."""
        found = (
            spec.ElasticAddress(row.allocation_id, row.public_ip, str(row.private_address))
            for interface_id in interface_ids
            for row in self._public[interface_id]
        )
        return tuple(sorted(found, key=lambda address: address.allocation_id))

    def nat_gateways(self, vpc_id: str) -> tuple[spec.NatGateway, ...]:
        """Return the NAT gateways of a VPC that are available."""
        return tuple(self._nat_gateway(row) for row in self._nat[vpc_id])

    def target(self, target: str, vpc_id: str) -> str:
        """Return the effective target of a route in a VPC: the target, or ``blackhole``.

        An interface drops packets for other addresses, so a route to one is a blackhole unless its check is off.
        """
        if self._open_interfaces.get(target) == vpc_id:
            return target
        if target.startswith("vpce-") or target == self._internet.get(vpc_id):
            return target
        if any(target == row.nat_gateway_id for row in self._nat[vpc_id]):
            return target
        return "blackhole"

    def _nat_gateway(self, row: NatGateway) -> spec.NatGateway:
        interface_id = self._nat_interfaces[row.nat_gateway_id]
        private = self._addresses[interface_id]
        public = {str(address.private_address): address.public_ip for address in self._public[interface_id]}
        return spec.NatGateway(
            row.nat_gateway_id,
            row.subnet_id,
            interface_id,
            private=tuple(private),
            public=tuple(public[address] for address in private if address in public),
        )
