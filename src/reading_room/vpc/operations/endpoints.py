"""Operations on VPC endpoints, the services that they lead to, and prefix lists."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from reading_room.arns import ec2_arn
from reading_room.aws.call import Call
from reading_room.vpc import endpoints, idempotency, lookup, prefix_lists, tags
from reading_room.vpc.errors import Ec2Error, InvalidParameterCombination
from reading_room.vpc.identifiers import ROUTE_TABLE, VPC, VPC_ENDPOINT
from reading_room.vpc.operations.binding import Ec2Operations, Request, Response, ec2
from reading_room.vpc.operations.describing import shown
from reading_room.vpc.operations.scope import about, created, existing, value
from reading_room.vpc.pagination import Paging
from reading_room.vpc.service_errors import EndpointTypeNotOffered, InvalidServiceName, NotForGatewayEndpoints
from reading_room.vpc.tables import VpcEndpoint
from reading_room.vpc.zones import zones_of

ENDPOINT_FILTERS = {
    "ip-address-type": "IpAddressType",
    "service-name": "ServiceName",
    "service-region": "ServiceRegion",
    "tag-key": "",
    "vpc-id": "VpcId",
    "vpc-endpoint-id": "VpcEndpointId",
    "vpc-endpoint-state": "State",
    "vpc-endpoint-type": "VpcEndpointType",
}
SERVICE_FILTERS = {
    "owner": "Owner",
    "service-name": "ServiceName",
    "service-region": "ServiceRegion",
    "service-type": "ServiceType.ServiceType",
    "supported-ip-address-types": "SupportedIpAddressTypes",
    "tag-key": "",
}
PREFIX_LIST_FILTERS = {"prefix-list-id": "PrefixListId", "prefix-list-name": "PrefixListName"}
MANAGED_PREFIX_LIST_FILTERS = {**PREFIX_LIST_FILTERS, "owner-id": "OwnerId", "tag-key": ""}
_INTERFACE_ONLY = ("SubnetIds", "SecurityGroupIds", "SubnetConfigurations", "PrivateDnsEnabled", "DnsOptions")
_NEVER_MORE = 1_000_000
"""The model has no bound for the pages of these operations."""


class EndpointOperations(Ec2Operations):
    """CreateVpcEndpoint and what goes with it."""

    @ec2(
        "CreateVpcEndpoint",
        "VpcId VpcEndpointType ServiceName PolicyDocument RouteTableIds IpAddressType ClientToken TagSpecifications "
        + " ".join(_INTERFACE_ONLY),
        scope=about(
            created(VPC_ENDPOINT),
            existing(VPC, "VpcId"),
            existing(ROUTE_TABLE, "RouteTableIds"),
            value("ec2:VpceServiceName", "ServiceName"),
        ),
    )
    def create_vpc_endpoint(self, call: Call, request: Request) -> Response:
        """Make a gateway endpoint."""
        wanted = self.authorize_tags(call, request, VPC_ENDPOINT)
        name = str(request.get("ServiceName"))
        if name != prefix_lists.s3_service_name(call.region):
            raise InvalidServiceName(name)
        endpoint_type = request.get("VpcEndpointType", "Gateway")
        if endpoint_type != "Gateway":
            raise EndpointTypeNotOffered(endpoint_type, name)
        _refuse_interface_parameters(request)
        token = {"ClientToken": request["ClientToken"]} if request.get("ClientToken") else {}
        with self.database.transaction() as session:
            earlier = idempotency.earlier(session, call.account, "CreateVpcEndpoint", request)
            if earlier is not None:
                row = lookup.one(session, VPC_ENDPOINT, call.account, earlier[0])
            else:
                row = endpoints.create(
                    session,
                    lookup.one(session, VPC, call.account, request["VpcId"]),
                    call.region,
                    name,
                    request.get("RouteTableIds") or (),
                    request.get("PolicyDocument"),
                    self.clock(),
                    quotas=self.quotas,
                )
                tags.put(session, VPC_ENDPOINT, call.account, row.vpc_endpoint_id, wanted)
                idempotency.remember(
                    session, call.account, "CreateVpcEndpoint", request, [row.vpc_endpoint_id], self.clock()
                )
            return {"VpcEndpoint": endpoint_views(session, call.region, [row])[0], **token}

    @ec2("DescribeVpcEndpoints", "VpcEndpointIds Filters MaxResults NextToken")
    def describe_vpc_endpoints(self, call: Call, request: Request) -> Response:
        """List VPC endpoints."""
        with self.database.reading() as session:
            rows = lookup.described(session, VPC_ENDPOINT, call.account, request.get("VpcEndpointIds") or ())
            views = endpoint_views(session, call.region, rows)
        paging = Paging("DescribeVpcEndpoints", "VpcEndpointId", least=1, most=_NEVER_MORE)
        return shown(views, request, "VpcEndpoints", ENDPOINT_FILTERS, paging)

    @ec2(
        "ModifyVpcEndpoint",
        "VpcEndpointId ResetPolicy PolicyDocument AddRouteTableIds RemoveRouteTableIds PrivateDnsEnabled",
        scope=about(
            existing(VPC_ENDPOINT, "VpcEndpointId"), existing(ROUTE_TABLE, "AddRouteTableIds", "RemoveRouteTableIds")
        ),
    )
    def modify_vpc_endpoint(self, call: Call, request: Request) -> Response:
        """Change an endpoint's policy or its route tables."""
        _refuse_interface_parameters(request)
        if request.get("ResetPolicy") and request.get("PolicyDocument") is not None:
            raise InvalidParameterCombination(
                "The parameter resetPolicy cannot be used with the parameter policyDocument"
            )
        with self.database.transaction() as session:
            row: VpcEndpoint = lookup.one(session, VPC_ENDPOINT, call.account, request["VpcEndpointId"])
            if request.get("ResetPolicy"):
                row.policy = endpoints.DEFAULT_POLICY
            elif request.get("PolicyDocument") is not None:
                row.policy = endpoints.checked_policy(request["PolicyDocument"])
            endpoints.remove_route_tables(session, row, request.get("RemoveRouteTableIds") or ())
            endpoints.add_route_tables(session, row, call.region, request.get("AddRouteTableIds") or ())
        return {"Return": True}

    @ec2("DeleteVpcEndpoints", "VpcEndpointIds", scope=about(existing(VPC_ENDPOINT, "VpcEndpointIds")))
    def delete_vpc_endpoints(self, call: Call, request: Request) -> Response:
        """Delete endpoints; those that could not be deleted are listed."""
        unsuccessful: list[dict[str, Any]] = []
        with self.database.transaction() as session:
            for identifier in dict.fromkeys(request["VpcEndpointIds"]):
                try:
                    endpoints.delete_endpoint(session, call.account, identifier)
                except Ec2Error as error:
                    unsuccessful.append(
                        {"ResourceId": identifier, "Error": {"Code": error.code, "Message": error.message}}
                    )
        return {"Unsuccessful": unsuccessful}

    @ec2("DescribeVpcEndpointServices", "ServiceNames Filters MaxResults NextToken ServiceRegions")
    def describe_vpc_endpoint_services(self, call: Call, request: Request) -> Response:
        """List the services that endpoints can be made for."""
        known = [_service_view(call.region, entry) for entry in prefix_lists.lists_of(call.region)]
        names = request.get("ServiceNames") or ()
        for name in names:
            if name not in {view["ServiceName"] for view in known}:
                raise InvalidServiceName(name)
        regions = request.get("ServiceRegions") or [call.region]
        views = [view for view in known if call.region in regions and (not names or view["ServiceName"] in names)]
        paging = Paging("DescribeVpcEndpointServices", "ServiceName", least=1, most=_NEVER_MORE)
        answer = shown(views, request, "ServiceDetails", SERVICE_FILTERS, paging)
        return {**answer, "ServiceNames": [view["ServiceName"] for view in answer["ServiceDetails"]]}

    @ec2("DescribePrefixLists", "PrefixListIds Filters MaxResults NextToken")
    def describe_prefix_lists(self, call: Call, request: Request) -> Response:
        """List the prefix lists of AWS services with their networks."""
        views = [
            {
                "PrefixListId": entry.prefix_list_id,
                "PrefixListName": entry.name,
                "Cidrs": list(entry.cidrs),
            }
            for entry in _named_lists(call.region, request)
        ]
        paging = Paging("DescribePrefixLists", "PrefixListId", least=1, most=_NEVER_MORE)
        return shown(views, request, "PrefixLists", PREFIX_LIST_FILTERS, paging)

    @ec2("DescribeManagedPrefixLists", "PrefixListIds Filters MaxResults NextToken")
    def describe_managed_prefix_lists(self, call: Call, request: Request) -> Response:
        """List the prefix lists; all of them are AWS's."""
        views = [
            {
                "PrefixListId": entry.prefix_list_id,
                "PrefixListName": entry.name,
                "PrefixListArn": ec2_arn(call.region, "aws", "prefix-list", entry.prefix_list_id),
                "AddressFamily": "IPv4",
                "State": "create-complete",
                "OwnerId": prefix_lists.PREFIX_LIST_OWNER,
                "Tags": [],
            }
            for entry in _named_lists(call.region, request)
        ]
        paging = Paging("DescribeManagedPrefixLists", "PrefixListId", least=1, most=100)
        return shown(views, request, "PrefixLists", MANAGED_PREFIX_LIST_FILTERS, paging)

    @ec2("GetManagedPrefixListEntries", "PrefixListId MaxResults NextToken")
    def get_managed_prefix_list_entries(self, call: Call, request: Request) -> Response:
        """List the networks of a prefix list."""
        entries = _named_lists(call.region, {"PrefixListIds": [request["PrefixListId"]]})
        views = [{"Cidr": cidr} for entry in entries for cidr in entry.cidrs]
        return shown(views, request, "Entries", {}, Paging("GetManagedPrefixListEntries", "Cidr", least=1, most=100))


def endpoint_views(session: Session, region: str, rows: list[VpcEndpoint]) -> list[dict[str, Any]]:
    """Return endpoints as EC2 shows them; the policy is the text as it was sent."""
    ids = [row.vpc_endpoint_id for row in rows]
    tagged = tags.of(session, ids)
    route_tables = endpoints.route_tables_of(session, ids)
    return [
        {
            "VpcEndpointId": row.vpc_endpoint_id,
            "VpcEndpointType": row.kind,
            "VpcId": row.vpc_id,
            "OwnerId": row.account,
            "ServiceName": row.service_name,
            "ServiceRegion": region,
            "State": row.state,
            "PolicyDocument": row.policy,
            "RouteTableIds": route_tables[row.vpc_endpoint_id],
            "SubnetIds": [],
            "Groups": [],
            "NetworkInterfaceIds": [],
            "DnsEntries": [],
            "PrivateDnsEnabled": False,
            "RequesterManaged": False,
            "IpAddressType": "ipv4",
            "CreationTimestamp": row.created_at,
            "Tags": tagged[row.vpc_endpoint_id],
        }
        for row in rows
    ]


def _refuse_interface_parameters(request: Request) -> None:
    for parameter in _INTERFACE_ONLY:
        if request.get(parameter):
            raise NotForGatewayEndpoints(parameter)
    if request.get("IpAddressType", "ipv4") != "ipv4":
        raise NotForGatewayEndpoints(f"IpAddressType {request['IpAddressType']}")


def _named_lists(region: str, request: Request) -> list[prefix_lists.ManagedPrefixList]:
    wanted = request.get("PrefixListIds") or ()
    for prefix_list_id in wanted:
        prefix_lists.require(prefix_list_id)
    return [entry for entry in prefix_lists.lists_of(region) if not wanted or entry.prefix_list_id in wanted]


def _service_view(region: str, entry: prefix_lists.ManagedPrefixList) -> dict[str, Any]:
    zones = zones_of(region)
    return {
        "ServiceName": entry.name,
        "ServiceId": f"vpce-svc-{entry.prefix_list_id.removeprefix('pl-')}",
        "ServiceType": [{"ServiceType": "Gateway"}],
        "ServiceRegion": region,
        "AvailabilityZones": [zone.name for zone in zones],
        "AvailabilityZoneIds": [zone.zone_id for zone in zones],
        "Owner": "amazon",
        "BaseEndpointDnsNames": [f"{entry.service}.{region}.amazonaws.com"],
        "VpcEndpointPolicySupported": True,
        "AcceptanceRequired": False,
        "ManagesVpcEndpoints": False,
        "SupportedIpAddressTypes": ["ipv4"],
        "Tags": [],
    }
