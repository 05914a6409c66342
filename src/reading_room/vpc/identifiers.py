"""The kinds of EC2 resources: the prefix of their ids, EC2's word for them, and their errors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from reading_room.vpc import tables
from reading_room.vpc.errors import Ec2Error, InvalidId
from reading_room.vpc.not_found import (
    AllocationNotFound,
    AnalysisNotFound,
    DhcpOptionsNotFound,
    FlowLogNotFound,
    InternetGatewayNotFound,
    MalformedId,
    NatGatewayNotFound,
    NetworkInterfaceNotFound,
    PathNotFound,
    PermissionNotFound,
    PrefixListNotFound,
    RouteTableNotFound,
    SecurityGroupNotFound,
    SecurityGroupRuleNotFound,
    SubnetNotFound,
    VpcEndpointNotFound,
    VpcNotFound,
)

_DIGITS = re.compile(r"[0-9a-f]{8}(?:[0-9a-f]{9})?")


def check_id(malformed_code: str, expected: str, value: str) -> None:
    """Raise ``MalformedId`` with this code unless ``value`` is an id with the prefix ``expected``."""
    prefix, separator, digits = value.rpartition("-")
    if prefix != expected or not separator or not _DIGITS.fullmatch(digits):
        raise MalformedId(malformed_code, value, expected)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource. ``word`` is the ``ResourceType`` of tags and the part of ARNs before the id."""

    word: str
    prefix: str
    table: type[Any]
    key: str
    """The table's attribute that holds the id."""
    not_found: type[Ec2Error]
    malformed_code: str

    def check(self, value: str) -> None:
        """Raise ``MalformedId`` unless ``value`` looks like an id of this kind."""
        check_id(self.malformed_code, self.prefix, value)

    def missing(self, identifier: str) -> Ec2Error:
        """Return the error for an id that does not exist."""
        return self.not_found(identifier)


VPC = Kind("vpc", "vpc", tables.Vpc, "vpc_id", VpcNotFound, "InvalidVpcID.Malformed")
SUBNET = Kind("subnet", "subnet", tables.Subnet, "subnet_id", SubnetNotFound, "InvalidSubnetID.Malformed")
SECURITY_GROUP = Kind(
    "security-group", "sg", tables.SecurityGroup, "group_id", SecurityGroupNotFound, "InvalidGroupId.Malformed"
)
SECURITY_GROUP_RULE = Kind(
    "security-group-rule",
    "sgr",
    tables.SecurityGroupRule,
    "rule_id",
    SecurityGroupRuleNotFound,
    "InvalidSecurityGroupRuleId.Malformed",
)
ROUTE_TABLE = Kind(
    "route-table", "rtb", tables.RouteTable, "route_table_id", RouteTableNotFound, "InvalidRouteTableId.Malformed"
)
NETWORK_INTERFACE = Kind(
    "network-interface",
    "eni",
    tables.NetworkInterface,
    "interface_id",
    NetworkInterfaceNotFound,
    "InvalidNetworkInterfaceId.Malformed",
)
INTERFACE_PERMISSION = Kind(
    "network-interface-permission",
    "eni-perm",
    tables.NetworkInterfacePermission,
    "permission_id",
    PermissionNotFound,
    "InvalidPermissionID.Malformed",
)
VPC_ENDPOINT = Kind(
    "vpc-endpoint", "vpce", tables.VpcEndpoint, "vpc_endpoint_id", VpcEndpointNotFound, "InvalidVpcEndpointId.Malformed"
)
FLOW_LOG = Kind("vpc-flow-log", "fl", tables.FlowLog, "flow_log_id", FlowLogNotFound, "InvalidFlowLogId.Malformed")
DHCP_OPTIONS = Kind(
    "dhcp-options", "dopt", tables.DhcpOptions, "dhcp_options_id", DhcpOptionsNotFound, "InvalidDhcpOptionsId.Malformed"
)

PREFIX_LIST = Kind(
    "prefix-list", "pl", tables.PrefixList, "prefix_list_id", PrefixListNotFound, "InvalidPrefixListId.Malformed"
)
INTERNET_GATEWAY = Kind(
    "internet-gateway",
    "igw",
    tables.InternetGateway,
    "internet_gateway_id",
    InternetGatewayNotFound,
    "InvalidInternetGatewayId.Malformed",
)
ELASTIC_ADDRESS = Kind(
    "elastic-ip",
    "eipalloc",
    tables.ElasticAddress,
    "allocation_id",
    AllocationNotFound,
    "InvalidAllocationID.Malformed",
)
NAT_GATEWAY = Kind("natgateway", "nat", tables.NatGateway, "nat_gateway_id", NatGatewayNotFound, "NatGatewayMalformed")
NETWORK_INSIGHTS_PATH = Kind(
    "network-insights-path",
    "nip",
    tables.NetworkInsightsPath,
    "path_id",
    PathNotFound,
    "InvalidNetworkInsightsPathId.Malformed",
)
NETWORK_INSIGHTS_ANALYSIS = Kind(
    "network-insights-analysis",
    "nia",
    tables.NetworkInsightsAnalysis,
    "analysis_id",
    AnalysisNotFound,
    "InvalidNetworkInsightsAnalysisId.Malformed",
)

KINDS: tuple[Kind, ...] = (
    VPC,
    SUBNET,
    SECURITY_GROUP,
    SECURITY_GROUP_RULE,
    ROUTE_TABLE,
    NETWORK_INTERFACE,
    INTERFACE_PERMISSION,
    VPC_ENDPOINT,
    FLOW_LOG,
    DHCP_OPTIONS,
    PREFIX_LIST,
    INTERNET_GATEWAY,
    ELASTIC_ADDRESS,
    NAT_GATEWAY,
    NETWORK_INSIGHTS_PATH,
    NETWORK_INSIGHTS_ANALYSIS,
)
_BY_PREFIX = {kind.prefix: kind for kind in KINDS}


def kind_of(identifier: str) -> Kind:
    """Return the kind with the prefix of an id. Raises ``InvalidId`` if no kind has it."""
    kind = _BY_PREFIX.get(identifier.rpartition("-")[0])
    if kind is None:
        raise InvalidId(identifier)
    return kind
