"""Operations that show the region, its availability zones, and the account's attributes."""

from __future__ import annotations

from typing import Any

from reading_room.aws.call import Call
from reading_room.vpc import filters, lookup, zones
from reading_room.vpc.errors import InvalidParameterValue
from reading_room.vpc.operations.binding import Ec2Operations, Request, Response, ec2

ZONE_FILTERS = {
    "group-long-name": "GroupLongName",
    "group-name": "GroupName",
    "message": "Messages.Message",
    "opt-in-status": "OptInStatus",
    "parent-zone-id": "ParentZoneId",
    "parent-zone-name": "ParentZoneName",
    "region-name": "RegionName",
    "state": "State",
    "zone-id": "ZoneId",
    "zone-name": "ZoneName",
    "zone-type": "ZoneType",
}
REGION_FILTERS = {"endpoint": "Endpoint", "opt-in-status": "OptInStatus", "region-name": "RegionName"}
_OPTED = "opt-in-not-required"


class AccountOperations(Ec2Operations):
    """DescribeRegions, DescribeAvailabilityZones and DescribeAccountAttributes."""

    @ec2("DescribeAvailabilityZones", "ZoneNames ZoneIds AllAvailabilityZones Filters")
    def describe_availability_zones(self, call: Call, request: Request) -> Response:
        """List the availability zones of the region."""
        names, ids = request.get("ZoneNames") or (), request.get("ZoneIds") or ()
        known = zones.zones_of(call.region)
        for name in names:
            if name not in {zone.name for zone in known}:
                raise InvalidParameterValue("zoneName", name, "The zone does not exist.")
        for zone_id in ids:
            if zone_id not in {zone.zone_id for zone in known}:
                raise InvalidParameterValue("zoneId", zone_id, "The zone does not exist.")
        views = [
            _zone_view(call.region, zone)
            for zone in known
            if (not names or zone.name in names) and (not ids or zone.zone_id in ids)
        ]
        return {"AvailabilityZones": filters.matching(views, request.get("Filters") or (), ZONE_FILTERS)}

    @ec2("DescribeRegions", "RegionNames AllRegions Filters")
    def describe_regions(self, call: Call, request: Request) -> Response:
        """List the one region that exists here."""
        for name in request.get("RegionNames") or ():
            if name != call.region:
                raise InvalidParameterValue("regionName", name, f"The only region here is {call.region}.")
        view = {
            "RegionName": call.region,
            "Endpoint": f"ec2.{call.region}.amazonaws.com",
            "OptInStatus": _OPTED,
        }
        return {"Regions": filters.matching([view], request.get("Filters") or (), REGION_FILTERS)}

    @ec2("DescribeAccountAttributes", "AttributeNames")
    def describe_account_attributes(self, call: Call, request: Request) -> Response:
        """Show the account's default VPC and some of its quotas."""
        with self.database.reading() as session:
            default = lookup.default_vpc(session, call.account)
        known = {
            "supported-platforms": "VPC",
            "default-vpc": "none" if default is None else default.vpc_id,
            "max-instances": "0",
            "max-elastic-ips": str(self.quotas.elastic_addresses),
            "vpc-max-elastic-ips": str(self.quotas.elastic_addresses),
            "vpc-max-security-groups-per-interface": str(self.quotas.groups_per_interface),
        }
        names = request.get("AttributeNames") or tuple(known)
        for name in names:
            if name not in known:
                raise InvalidParameterValue("attributeName", name, f"Expecting one of {', '.join(known)}.")
        return {
            "AccountAttributes": [
                {"AttributeName": name, "AttributeValues": [{"AttributeValue": known[name]}]} for name in names
            ]
        }


def _zone_view(region: str, zone: zones.Zone) -> dict[str, Any]:
    return {
        "ZoneName": zone.name,
        "ZoneId": zone.zone_id,
        "RegionName": region,
        "State": "available",
        "OptInStatus": _OPTED,
        "ZoneType": "availability-zone",
        "GroupName": f"{region}-zg-1",
        "GroupLongName": f"{region} 1",
        "NetworkBorderGroup": region,
        "Messages": [],
    }
