"""Operations on Elastic IP addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.aws.operations import Authorizer
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.vpc import filters, lookup, tags
from reading_room.vpc.errors import InvalidParameterCombination, InvalidParameterValue, MissingParameter
from reading_room.vpc.gateways import elastic_addresses
from reading_room.vpc.gateways.errors import AddressNotFound, AllocationIdNeededToRelease, AssociationIdNeeded
from reading_room.vpc.identifiers import ELASTIC_ADDRESS, NETWORK_INTERFACE
from reading_room.vpc.operations.binding import Ec2Operations, Request, Response, ec2
from reading_room.vpc.operations.describing import shown
from reading_room.vpc.operations.scope import about, created, describe, existing
from reading_room.vpc.pagination import Paging
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.routing.errors import GatewayNotFound
from reading_room.vpc.tables import ElasticAddress

ADDRESS_FILTERS = {
    "allocation-id": "AllocationId",
    "association-id": "AssociationId",
    "domain": "Domain",
    "instance-id": "InstanceId",
    "network-border-group": "NetworkBorderGroup",
    "network-interface-id": "NetworkInterfaceId",
    "network-interface-owner-id": "NetworkInterfaceOwnerId",
    "private-ip-address": "PrivateIpAddress",
    "public-ip": "PublicIp",
    "tag-key": "",
}
_ADDRESS = existing(ELASTIC_ADDRESS, "AllocationId")


def _named_by_itself(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the address that PublicIp names, as if the call named its allocation id."""
    wanted = call.parameters.get("PublicIp")
    row = session.scalar(select(ElasticAddress).where(ElasticAddress.public_ip == wanted)) if wanted else None
    if row is not None and row.account == call.account:
        yield from describe(session, call, ELASTIC_ADDRESS, row.allocation_id)


def _associated(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the address and the interface of the association that the call names."""
    wanted = str(call.parameters.get("AssociationId"))
    row = session.scalar(select(ElasticAddress).where(ElasticAddress.association_id == wanted))
    if row is not None:
        yield from describe(session, call, ELASTIC_ADDRESS, row.allocation_id)
        yield from describe(session, call, NETWORK_INTERFACE, str(row.interface_id))


class ElasticAddressOperations(Ec2Operations):
    """AllocateAddress and related operations. ``pool`` is the network that the addresses come from."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        authorizer: Authorizer,
        quotas: Quotas = Quotas(),
        pool: str = elastic_addresses.DEFAULT_POOL,
    ) -> None:
        super().__init__(database, clock, authorizer, quotas)
        self._pool = pool

    @ec2(
        "AllocateAddress",
        "Domain Address NetworkBorderGroup TagSpecifications",
        scope=about(created(ELASTIC_ADDRESS)),
    )
    def allocate_address(self, call: Call, request: Request) -> Response:
        """Allocate a public address to the account."""
        wanted = self.authorize_tags(call, request, ELASTIC_ADDRESS)
        if request.get("Domain", "vpc") != "vpc":
            raise InvalidParameterValue("domain", request["Domain"], "Expecting vpc.")
        if request.get("NetworkBorderGroup", call.region) != call.region:
            raise InvalidParameterValue(
                "networkBorderGroup", request["NetworkBorderGroup"], f"Expecting {call.region}."
            )
        with self.database.transaction() as session:
            row = elastic_addresses.allocate(
                session, call.account, self._pool, self.clock(), wanted=request.get("Address"), quotas=self.quotas
            )
            tags.put(session, ELASTIC_ADDRESS, call.account, row.allocation_id, wanted)
            return _place(row, call.region)

    @ec2(
        "AssociateAddress",
        "AllocationId InstanceId PublicIp NetworkInterfaceId PrivateIpAddress AllowReassociation",
        scope=about(_ADDRESS, _named_by_itself, existing(NETWORK_INTERFACE, "NetworkInterfaceId")),
    )
    def associate_address(self, call: Call, request: Request) -> Response:
        """Associate a public address with a private one."""
        if request.get("PublicIp") and request.get("AllocationId"):
            raise InvalidParameterCombination(
                "You may specify public IP or allocation id, but not both in the same call"
            )
        if not request.get("PublicIp") and not request.get("AllocationId"):
            raise MissingParameter("AllocationId")
        if request.get("InstanceId"):
            if request.get("NetworkInterfaceId"):
                raise InvalidParameterCombination("You may specify instanceId or networkInterfaceId, but not both")
            raise GatewayNotFound(request["InstanceId"])
        if not request.get("NetworkInterfaceId"):
            raise MissingParameter("NetworkInterfaceId")
        with self.database.transaction() as session:
            allocation_id = request.get("AllocationId")
            if not allocation_id:
                (named,) = elastic_addresses.by_public_ips(session, call.account, [request["PublicIp"]])
                allocation_id = named.allocation_id
            row = elastic_addresses.associate(
                session,
                call.account,
                allocation_id,
                request["NetworkInterfaceId"],
                private_address=request.get("PrivateIpAddress"),
                reassociate=bool(request.get("AllowReassociation", True)),
            )
            return {"AssociationId": row.association_id}

    @ec2("DisassociateAddress", "AssociationId PublicIp", scope=about(_associated))
    def disassociate_address(self, call: Call, request: Request) -> None:
        """Disassociate a public address."""
        if request.get("PublicIp"):
            raise AssociationIdNeeded
        if not request.get("AssociationId"):
            raise MissingParameter("AssociationId")
        with self.database.transaction() as session:
            elastic_addresses.disassociate_by_id(session, call.account, request["AssociationId"])

    @ec2("ReleaseAddress", "AllocationId PublicIp NetworkBorderGroup", scope=about(_ADDRESS))
    def release_address(self, call: Call, request: Request) -> None:
        """Release a public address."""
        if request.get("PublicIp"):
            raise AllocationIdNeededToRelease
        if not request.get("AllocationId"):
            raise MissingParameter("AllocationId")
        if request.get("NetworkBorderGroup", call.region) != call.region:
            raise AddressNotFound(request["AllocationId"])
        with self.database.transaction() as session:
            elastic_addresses.release(session, call.account, request["AllocationId"], self.clock())

    @ec2("DescribeAddresses", "PublicIps AllocationIds Filters")
    def describe_addresses(self, call: Call, request: Request) -> Response:
        """List public addresses."""
        with self.database.reading() as session:
            views = address_views(session, call.region, self._described(session, call, request))
        return {"Addresses": filters.matching(views, request.get("Filters") or (), ADDRESS_FILTERS)}

    @ec2("DescribeAddressesAttribute", "AllocationIds Attribute MaxResults NextToken")
    def describe_addresses_attribute(self, call: Call, request: Request) -> Response:
        """List the reverse DNS names of public addresses: there are none."""
        if request.get("Attribute", "domain-name") != "domain-name":
            raise InvalidParameterValue("attribute", request["Attribute"], "Expecting domain-name.")
        with self.database.reading() as session:
            rows = self._described(session, call, request)
        views = [{"PublicIp": row.public_ip, "AllocationId": row.allocation_id} for row in rows]
        paging = Paging("DescribeAddressesAttribute", "AllocationId", least=1)
        return shown(views, request, "Addresses", {}, paging)

    def _described(self, session: Session, call: Call, request: Request) -> list[ElasticAddress]:
        """Return the addresses that match both the ids and the public addresses; without either, all of the account."""
        rows: list[ElasticAddress] = lookup.described(
            session, ELASTIC_ADDRESS, call.account, request.get("AllocationIds") or ()
        )
        if not request.get("PublicIps"):
            return rows
        named = elastic_addresses.by_public_ips(session, call.account, request["PublicIps"])
        return [row for row in named if row in rows]


def address_views(session: Session, region: str, rows: list[ElasticAddress]) -> list[dict[str, Any]]:
    """Return public addresses as EC2 shows them."""
    tagged = tags.of(session, [row.allocation_id for row in rows])
    return [_place(row, region) | _association(row) | {"Tags": tagged[row.allocation_id]} for row in rows]


def _place(row: ElasticAddress, region: str) -> dict[str, Any]:
    return {
        "PublicIp": row.public_ip,
        "AllocationId": row.allocation_id,
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": region,
        "Domain": "vpc",
    }


def _association(row: ElasticAddress) -> dict[str, Any]:
    if row.association_id is None:
        return {}
    return {
        "AssociationId": row.association_id,
        "NetworkInterfaceId": row.interface_id,
        "NetworkInterfaceOwnerId": row.account,
        "PrivateIpAddress": row.private_address,
    }
