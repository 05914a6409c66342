"""Operations on VPC endpoints, endpoint services, and the prefix lists of services."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.vpc import idempotency, lookup, tags
from reading_room.vpc.addressing import prefix_lists
from reading_room.vpc.endpoints import endpoint_services, endpoints, interface_endpoints
from reading_room.vpc.endpoints.endpoint_services import EndpointService
from reading_room.vpc.endpoints.errors import (
    EndpointTypeNotOffered,
    InboundOnlyNotApplicable,
    NotForGatewayEndpoints,
    RouteTablesForGatewayOnly,
)
from reading_room.vpc.endpoints.interface_endpoints import Wanted
from reading_room.vpc.endpoints.views import endpoint_views, service_view
from reading_room.vpc.errors import (
    Ec2Error,
    InvalidParameterCombination,
    MissingParameter,
    UnsupportedParameter,
)
from reading_room.vpc.identifiers import ROUTE_TABLE, SECURITY_GROUP, SUBNET, VPC, VPC_ENDPOINT
from reading_room.vpc.operations.binding import Ec2Operations, Request, Response, ec2
from reading_room.vpc.operations.describing import shown
from reading_room.vpc.operations.scope import about, created, existing, listed, value
from reading_room.vpc.pagination import Paging
from reading_room.vpc.tables import Vpc, VpcEndpoint

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
ASSOCIATION_FILTERS = {
    "vpc-endpoint-id": "VpcEndpointId",
    "associated-resource-accessibility": "AssociatedResourceAccessibility",
    "association-id": "Id",
    "associated-resource-id": "AssociatedResourceId",
    "service-network-arn": "ServiceNetworkArn",
    "resource-configuration-group-arn": "ResourceConfigurationGroupArn",
}
_GATEWAY_LACKS = (
    "SubnetIds",
    "SecurityGroupIds",
    "SubnetConfigurations",
    "PrivateDnsEnabled",
    "AddSubnetIds",
    "RemoveSubnetIds",
    "AddSecurityGroupIds",
    "RemoveSecurityGroupIds",
)
_NEVER_MORE = 1_000_000
"""The API model has no upper bound for the page size of these operations."""


class EndpointOperations(Ec2Operations):
    """CreateVpcEndpoint and related operations."""

    @ec2(
        "CreateVpcEndpoint",
        "VpcId VpcEndpointType ServiceName PolicyDocument RouteTableIds SubnetIds SecurityGroupIds IpAddressType "
        "DnsOptions ClientToken PrivateDnsEnabled TagSpecifications SubnetConfigurations ServiceRegion",
        scope=about(
            created(VPC_ENDPOINT),
            existing(VPC, "VpcId"),
            existing(ROUTE_TABLE, "RouteTableIds"),
            existing(SUBNET, "SubnetIds"),
            listed(SUBNET, "SubnetConfigurations", "SubnetId"),
            existing(SECURITY_GROUP, "SecurityGroupIds"),
            value("ec2:VpceServiceName", "ServiceName"),
        ),
    )
    def create_vpc_endpoint(self, call: Call, request: Request) -> Response:
        """Create an endpoint. An interface endpoint is shown as pending, as EC2 creates it in the background."""
        wanted_tags = self.authorize_tags(call, request, VPC_ENDPOINT)
        service = _service(call.region, request)
        token = {"ClientToken": request["ClientToken"]} if request.get("ClientToken") else {}
        with self.database.transaction() as session:
            earlier = idempotency.earlier(session, call.account, "CreateVpcEndpoint", request)
            if earlier is not None:
                row = lookup.one(session, VPC_ENDPOINT, call.account, earlier[0])
                return {"VpcEndpoint": endpoint_views(session, call.region, [row])[0], **token}
            vpc = lookup.one(session, VPC, call.account, request["VpcId"])
            row = self._create(session, vpc, service, request)
            tags.put(session, VPC_ENDPOINT, call.account, row.vpc_endpoint_id, wanted_tags)
            idempotency.remember(
                session, call.account, "CreateVpcEndpoint", request, [row.vpc_endpoint_id], self.clock()
            )
            view = endpoint_views(session, call.region, [row])[0]
        return {"VpcEndpoint": view | ({"State": "pending"} if service.kind == "Interface" else {}), **token}

    def _create(self, session: Session, vpc: Vpc, service: EndpointService, request: Request) -> VpcEndpoint:
        policy = request.get("PolicyDocument")
        if service.kind == "Gateway":
            _refuse_for_gateways("CreateVpcEndpoint", request)
            tables = request.get("RouteTableIds") or ()
            return endpoints.create(
                session, vpc, service.region, service.name, tables, policy, self.clock(), quotas=self.quotas
            )
        if request.get("RouteTableIds"):
            raise RouteTablesForGatewayOnly
        wanted = _wanted("CreateVpcEndpoint", request, "SubnetIds", "SecurityGroupIds")
        return interface_endpoints.create(session, vpc, service, wanted, self.clock(), quotas=self.quotas)

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
        "VpcEndpointId ResetPolicy PolicyDocument AddRouteTableIds RemoveRouteTableIds AddSubnetIds RemoveSubnetIds "
        "AddSecurityGroupIds RemoveSecurityGroupIds IpAddressType DnsOptions PrivateDnsEnabled SubnetConfigurations",
        scope=about(
            existing(VPC_ENDPOINT, "VpcEndpointId"),
            existing(ROUTE_TABLE, "AddRouteTableIds", "RemoveRouteTableIds"),
            existing(SUBNET, "AddSubnetIds", "RemoveSubnetIds"),
            listed(SUBNET, "SubnetConfigurations", "SubnetId"),
            existing(SECURITY_GROUP, "AddSecurityGroupIds", "RemoveSecurityGroupIds"),
        ),
    )
    def modify_vpc_endpoint(self, call: Call, request: Request) -> Response:
        """Change an endpoint's policy, route tables, subnets, groups or private DNS."""
        if request.get("ResetPolicy") and request.get("PolicyDocument") is not None:
            raise InvalidParameterCombination(
                "The parameter resetPolicy cannot be used with the parameter policyDocument"
            )
        with self.database.transaction() as session:
            row: VpcEndpoint = lookup.one(session, VPC_ENDPOINT, call.account, request["VpcEndpointId"])
            if request.get("ResetPolicy") or request.get("PolicyDocument") is not None:
                row.policy = endpoints.checked_policy(request.get("PolicyDocument"), row.kind)
            if row.kind == "Gateway":
                _refuse_for_gateways("ModifyVpcEndpoint", request)
                endpoints.remove_route_tables(session, row, request.get("RemoveRouteTableIds") or ())
                endpoints.add_route_tables(session, row, request.get("AddRouteTableIds") or ())
                return {"Return": True}
            if request.get("AddRouteTableIds") or request.get("RemoveRouteTableIds"):
                raise RouteTablesForGatewayOnly
            interface_endpoints.modify(
                session,
                session.get_one(Vpc, row.vpc_id),
                row,
                endpoint_services.find(call.region, row.service_name)["Interface"],
                _wanted("ModifyVpcEndpoint", request, "AddSubnetIds", "AddSecurityGroupIds"),
                Wanted(request.get("RemoveSubnetIds") or (), request.get("RemoveSecurityGroupIds") or ()),
                self.clock(),
                quotas=self.quotas,
            )
        return {"Return": True}

    @ec2("DeleteVpcEndpoints", "VpcEndpointIds", scope=about(existing(VPC_ENDPOINT, "VpcEndpointIds")))
    def delete_vpc_endpoints(self, call: Call, request: Request) -> Response:
        """Delete endpoints; those that could not be deleted are listed."""
        unsuccessful: list[dict[str, Any]] = []
        with self.database.transaction() as session:
            for identifier in dict.fromkeys(request["VpcEndpointIds"]):
                try:
                    row = endpoints.to_delete(session, call.account, identifier)
                except Ec2Error as error:
                    unsuccessful.append(
                        {"ResourceId": identifier, "Error": {"Code": error.code, "Message": error.message}}
                    )
                    continue
                interface_endpoints.remove(session, row, self.clock())
                endpoints.delete_endpoint(session, call.account, identifier)
        return {"Unsuccessful": unsuccessful}

    @ec2("DescribeVpcEndpointServices", "ServiceNames Filters MaxResults NextToken ServiceRegions")
    def describe_vpc_endpoint_services(self, call: Call, request: Request) -> Response:
        """List the services that have endpoints."""
        known = [service_view(service) for service in endpoint_services.services_of(call.region)]
        names = request.get("ServiceNames") or ()
        for name in names:
            endpoint_services.find(call.region, name)
        regions = request.get("ServiceRegions") or [call.region]
        views = [view for view in known if call.region in regions and (not names or view["ServiceName"] in names)]
        paging = Paging("DescribeVpcEndpointServices", "ServiceId", least=1, most=_NEVER_MORE)
        answer = shown(views, request, "ServiceDetails", SERVICE_FILTERS, paging)
        found = dict.fromkeys(sorted(view["ServiceName"] for view in answer["ServiceDetails"]))
        return {**answer, "ServiceNames": list(found)}

    @ec2("DescribeVpcEndpointAssociations", "VpcEndpointIds Filters MaxResults NextToken")
    def describe_vpc_endpoint_associations(self, call: Call, request: Request) -> Response:
        """List the resources and service networks of endpoints: Gateway and Interface endpoints have none."""
        with self.database.reading() as session:
            lookup.described(session, VPC_ENDPOINT, call.account, request.get("VpcEndpointIds") or ())
        paging = Paging("DescribeVpcEndpointAssociations", "Id", least=1, most=100)
        return shown([], request, "VpcEndpointAssociations", ASSOCIATION_FILTERS, paging)

    @ec2("DescribePrefixLists", "PrefixListIds Filters MaxResults NextToken")
    def describe_prefix_lists(self, call: Call, request: Request) -> Response:
        """List the prefix lists of AWS services and their networks."""
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


def _service(region: str, request: Request) -> EndpointService:
    """Return the service that a CreateVpcEndpoint request names, with the type of endpoint that it asks for."""
    name = request.get("ServiceName")
    if not name:
        raise MissingParameter("ServiceName")
    if request.get("ServiceRegion", region) != region:
        raise UnsupportedParameter("CreateVpcEndpoint", f"ServiceRegion={request['ServiceRegion']}")
    kinds = endpoint_services.find(region, name)
    kind = request.get("VpcEndpointType", "Gateway")
    if kind not in kinds:
        raise EndpointTypeNotOffered(kind, tuple(kinds))
    return kinds[kind]


def _refuse_for_gateways(operation: str, request: Request) -> None:
    for parameter in _GATEWAY_LACKS:
        if request.get(parameter):
            raise NotForGatewayEndpoints(parameter)
    if "PrivateDnsOnlyForInboundResolverEndpoint" in (request.get("DnsOptions") or {}):
        raise InboundOnlyNotApplicable("Interface VPC Endpoints")
    _refuse_what_is_not_ipv4(operation, request)


def _refuse_what_is_not_ipv4(operation: str, request: Request) -> None:
    options = request.get("DnsOptions") or {}
    for name, given in (("IpAddressType", request.get("IpAddressType")), *options.items()):
        if name == "PrivateDnsOnlyForInboundResolverEndpoint":
            continue
        if given not in (None, [], "ipv4"):
            raise UnsupportedParameter(operation, f"{name}={given}")


def _wanted(operation: str, request: Request, subnets: str, groups: str) -> Wanted:
    """Return the requested settings; ``subnets`` and ``groups`` are the names of the parameters that hold them."""
    _refuse_what_is_not_ipv4(operation, request)
    addresses: dict[str, str] = {}
    chosen: Sequence[dict[str, str]] = request.get("SubnetConfigurations") or ()
    for entry in chosen:
        if entry.get("Ipv6"):
            raise UnsupportedParameter(operation, "SubnetConfigurations.Ipv6")
        if not entry.get("SubnetId"):
            raise MissingParameter("SubnetConfigurations.SubnetId")
        if entry.get("Ipv4"):
            addresses[entry["SubnetId"]] = entry["Ipv4"]
    return Wanted(
        subnets=[*(request.get(subnets) or ()), *(entry["SubnetId"] for entry in chosen)],
        groups=request.get(groups) or (),
        addresses=addresses,
        private_dns=request.get("PrivateDnsEnabled"),
        inbound_only=(request.get("DnsOptions") or {}).get("PrivateDnsOnlyForInboundResolverEndpoint"),
        policy=request.get("PolicyDocument"),
    )


def _named_lists(region: str, request: Request) -> list[prefix_lists.ManagedPrefixList]:
    wanted = request.get("PrefixListIds") or ()
    for prefix_list_id in wanted:
        prefix_lists.require(prefix_list_id)
    return [entry for entry in prefix_lists.lists_of(region) if not wanted or entry.prefix_list_id in wanted]
