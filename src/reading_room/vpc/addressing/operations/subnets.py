"""Operations on subnets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.orm import Session

from reading_room.arns import ec2_arn
from reading_room.aws.call import Call
from reading_room.vpc import lookup, tags, zones
from reading_room.vpc.addressing import addresses, subnets
from reading_room.vpc.errors import (
    ExactlyOneOf,
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
    UnknownZone,
)
from reading_room.vpc.identifiers import SUBNET, VPC
from reading_room.vpc.operations.binding import Ec2Operations, Request, Response, ec2
from reading_room.vpc.operations.describing import shown
from reading_room.vpc.operations.scope import about, created, existing
from reading_room.vpc.pagination import Paging
from reading_room.vpc.tables import Subnet

SUBNET_FILTERS = {
    "availability-zone": "AvailabilityZone",
    "availabilityZone": "AvailabilityZone",
    "availability-zone-id": "AvailabilityZoneId",
    "availabilityZoneId": "AvailabilityZoneId",
    "available-ip-address-count": "AvailableIpAddressCount",
    "cidr": "CidrBlock",
    "cidrBlock": "CidrBlock",
    "cidr-block": "CidrBlock",
    "customer-owned-ipv4-pool": "CustomerOwnedIpv4Pool",
    "default-for-az": "DefaultForAz",
    "defaultForAz": "DefaultForAz",
    "enable-dns64": "EnableDns64",
    "enable-lni-at-device-index": "EnableLniAtDeviceIndex",
    "ipv6-cidr-block-association.ipv6-cidr-block": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock",
    "ipv6-cidr-block-association.association-id": "Ipv6CidrBlockAssociationSet.AssociationId",
    "ipv6-cidr-block-association.state": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State",
    "ipv6-native": "Ipv6Native",
    "map-customer-owned-ip-on-launch": "MapCustomerOwnedIpOnLaunch",
    "map-public-ip-on-launch": "MapPublicIpOnLaunch",
    "outpost-arn": "OutpostArn",
    "owner-id": "OwnerId",
    "private-dns-name-options-on-launch.hostname-type": "PrivateDnsNameOptionsOnLaunch.HostnameType",
    "private-dns-name-options-on-launch.enable-resource-name-dns-a-record": (
        "PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsARecord"
    ),
    "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record": (
        "PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsAAAARecord"
    ),
    "state": "State",
    "subnet-arn": "SubnetArn",
    "subnet-id": "SubnetId",
    "tag-key": "",
    "vpc-id": "VpcId",
    "vpcId": "VpcId",
}


def _zone(session: Session, call: Call) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the zone of a new subnet as a condition key, whether the call gives its name, its id or neither."""
    parameters = call.parameters
    try:
        zone = zones.choose(call.region, parameters.get("AvailabilityZone"), parameters.get("AvailabilityZoneId"))
    except (InvalidParameterCombination, UnknownZone):
        # The operation reports the bad zone, to a caller who may create subnets.
        return
    yield "", {"ec2:AvailabilityZone": zone.name}


class SubnetOperations(Ec2Operations):
    """CreateSubnet and related operations."""

    @ec2(
        "CreateSubnet",
        "VpcId CidrBlock AvailabilityZone AvailabilityZoneId TagSpecifications",
        scope=about(created(SUBNET), existing(VPC, "VpcId"), _zone),
    )
    def create_subnet(self, call: Call, request: Request) -> Response:
        """Create a subnet."""
        wanted = self.authorize_tags(call, request, SUBNET)
        with self.database.transaction() as session:
            vpc = lookup.one(session, VPC, call.account, request["VpcId"])
            if not request.get("CidrBlock"):
                raise MissingParameter("CidrBlock")
            zone = zones.choose(call.region, request.get("AvailabilityZone"), request.get("AvailabilityZoneId"))
            subnet = subnets.create(session, vpc, request["CidrBlock"], zone, self.clock(), quotas=self.quotas)
            tags.put(session, SUBNET, call.account, subnet.subnet_id, wanted)
            return {"Subnet": subnet_views(session, call.region, [subnet])[0]}

    @ec2("CreateDefaultSubnet", "AvailabilityZone AvailabilityZoneId", scope=about(created(SUBNET), _zone))
    def create_default_subnet(self, call: Call, request: Request) -> Response:
        """Create the default subnet of a zone again after it was deleted."""
        if not request.get("AvailabilityZone") and not request.get("AvailabilityZoneId"):
            raise MissingParameter("AvailabilityZone")
        zone = zones.choose(call.region, request.get("AvailabilityZone"), request.get("AvailabilityZoneId"))
        with self.database.transaction() as session:
            subnet = subnets.create_default(session, call.account, zone, self.clock(), quotas=self.quotas)
            return {"Subnet": subnet_views(session, call.region, [subnet])[0]}

    @ec2("DescribeSubnets", "SubnetIds Filters MaxResults NextToken")
    def describe_subnets(self, call: Call, request: Request) -> Response:
        """List subnets."""
        with self.database.reading() as session:
            rows = lookup.described(session, SUBNET, call.account, request.get("SubnetIds") or ())
            views = subnet_views(session, call.region, rows)
        paging = Paging("DescribeSubnets", "SubnetId", ids="SubnetIds")
        return shown(views, request, "Subnets", SUBNET_FILTERS, paging)

    @ec2("DeleteSubnet", "SubnetId", scope=about(existing(SUBNET, "SubnetId")))
    def delete_subnet(self, call: Call, request: Request) -> None:
        """Delete a subnet."""
        with self.database.transaction() as session:
            subnets.delete_subnet(session, call.account, request["SubnetId"])

    @ec2(
        "ModifySubnetAttribute",
        "SubnetId MapPublicIpOnLaunch PrivateDnsHostnameTypeOnLaunch EnableResourceNameDnsARecordOnLaunch",
        scope=about(existing(SUBNET, "SubnetId")),
    )
    def modify_subnet_attribute(self, call: Call, request: Request) -> None:
        """Set one attribute of a subnet.

        IPv6, Outposts and customer-owned addresses do not exist here: turning them off changes nothing, and turning
        them on fails.
        """
        given = [name for name in request if name not in ("SubnetId", "DryRun")]
        if len(given) != 1:
            raise ExactlyOneOf(("MapPublicIpOnLaunch", "PrivateDnsHostnameTypeOnLaunch", "…"))
        name, wanted = given[0], request[given[0]]
        with self.database.transaction() as session:
            subnet: Subnet = lookup.one(session, SUBNET, call.account, request["SubnetId"])
            if name == "MapPublicIpOnLaunch":
                subnet.map_public_ip_on_launch = bool(wanted.get("Value", False))
            elif name == "EnableResourceNameDnsARecordOnLaunch":
                subnet.resource_name_dns_a_record = bool(wanted.get("Value", False))
            elif name == "PrivateDnsHostnameTypeOnLaunch":
                if wanted not in ("ip-name", "resource-name"):
                    raise InvalidParameterValue(
                        "privateDnsHostnameTypeOnLaunch", wanted, "Expecting ip-name or resource-name."
                    )
                subnet.hostname_type = wanted


def subnet_views(session: Session, region: str, rows: list[Subnet]) -> list[dict[str, Any]]:
    """Return subnets as EC2 shows them."""
    tagged = tags.of(session, [row.subnet_id for row in rows])
    free = addresses.free_counts(session, rows)
    return [
        {
            "SubnetId": row.subnet_id,
            "SubnetArn": ec2_arn(region, row.account, "subnet", row.subnet_id),
            "VpcId": row.vpc_id,
            "OwnerId": row.account,
            "State": "available",
            "CidrBlock": row.cidr,
            "AvailableIpAddressCount": free[row.subnet_id],
            "AvailabilityZone": row.availability_zone,
            "AvailabilityZoneId": row.availability_zone_id,
            "DefaultForAz": row.default_for_az,
            "MapPublicIpOnLaunch": row.map_public_ip_on_launch,
            "MapCustomerOwnedIpOnLaunch": False,
            "AssignIpv6AddressOnCreation": False,
            "Ipv6CidrBlockAssociationSet": [],
            "Ipv6Native": False,
            "EnableDns64": False,
            "PrivateDnsNameOptionsOnLaunch": {
                "HostnameType": row.hostname_type,
                "EnableResourceNameDnsARecord": row.resource_name_dns_a_record,
                "EnableResourceNameDnsAAAARecord": False,
            },
            "Tags": tagged[row.subnet_id],
        }
        for row in rows
    ]
