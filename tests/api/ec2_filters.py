"""The filters and page sizes in EC2's model, for each operation."""

from __future__ import annotations

FILTERS = {
    "DescribeVpcs": (
        "cidr cidr-block-association.cidr-block cidr-block-association.association-id "
        "cidr-block-association.state dhcp-options-id ipv6-cidr-block-association.ipv6-cidr-block "
        "ipv6-cidr-block-association.ipv6-pool ipv6-cidr-block-association.association-id "
        "ipv6-cidr-block-association.state is-default owner-id state tag tag-key vpc-id"
    ),
    "DescribeSubnets": (
        "availability-zone availability-zone-id available-ip-address-count cidr-block customer-owned-ipv4-pool "
        "default-for-az enable-dns64 enable-lni-at-device-index ipv6-cidr-block-association.ipv6-cidr-block "
        "ipv6-cidr-block-association.association-id ipv6-cidr-block-association.state ipv6-native "
        "map-customer-owned-ip-on-launch map-public-ip-on-launch outpost-arn owner-id "
        "private-dns-name-options-on-launch.hostname-type "
        "private-dns-name-options-on-launch.enable-resource-name-dns-a-record "
        "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record state subnet-arn subnet-id tag "
        "tag-key vpc-id"
    ),
    "DescribeSecurityGroups": (
        "description egress.ip-permission.cidr egress.ip-permission.from-port egress.ip-permission.group-id "
        "egress.ip-permission.group-name egress.ip-permission.ipv6-cidr egress.ip-permission.prefix-list-id "
        "egress.ip-permission.protocol egress.ip-permission.to-port egress.ip-permission.user-id group-id "
        "group-name ip-permission.cidr ip-permission.from-port ip-permission.group-id ip-permission.group-name "
        "ip-permission.ipv6-cidr ip-permission.prefix-list-id ip-permission.protocol ip-permission.to-port "
        "ip-permission.user-id owner-id tag tag-key vpc-id"
    ),
    "DescribeSecurityGroupRules": "group-id security-group-rule-id tag",
    "GetSecurityGroupsForVpc": "group-id description group-name owner-id primary-vpc-id",
    "DescribeRouteTables": (
        "association.gateway-id association.route-table-association-id association.route-table-id "
        "association.subnet-id association.main owner-id route-table-id route.destination-cidr-block "
        "route.destination-ipv6-cidr-block route.destination-prefix-list-id route.egress-only-internet-gateway-id "
        "route.gateway-id route.instance-id route.nat-gateway-id route.transit-gateway-id route.origin "
        "route.state route.vpc-peering-connection-id tag tag-key vpc-id"
    ),
    "DescribeInternetGateways": "attachment.state attachment.vpc-id internet-gateway-id owner-id tag tag-key",
    "DescribeAddresses": (
        "allocation-id association-id domain instance-id network-border-group network-interface-id "
        "network-interface-owner-id private-ip-address public-ip tag tag-key"
    ),
    "DescribeNatGateways": "nat-gateway-id state subnet-id tag tag-key vpc-id",
    "DescribeVpcEndpoints": (
        "ip-address-type service-name service-region tag tag-key vpc-id vpc-endpoint-id vpc-endpoint-state "
        "vpc-endpoint-type"
    ),
    "DescribeVpcEndpointServices": (
        "owner service-name service-region service-type supported-ip-address-types tag tag-key"
    ),
    "DescribePrefixLists": "prefix-list-id prefix-list-name",
    "DescribeVpcEndpointAssociations": (
        "vpc-endpoint-id associated-resource-accessibility association-id associated-resource-id "
        "service-network-arn resource-configuration-group-arn"
    ),
    "DescribeManagedPrefixLists": "owner-id prefix-list-id prefix-list-name",
    "DescribeNetworkInterfaces": (
        "association.allocation-id association.association-id addresses.association.owner-id "
        "addresses.association.public-ip addresses.primary addresses.private-ip-address association.ip-owner-id "
        "association.public-ip association.public-dns-name attachment.attach-time attachment.attachment-id "
        "attachment.delete-on-termination attachment.device-index attachment.instance-id "
        "attachment.instance-owner-id attachment.status availability-zone availability-zone-id description "
        "group-id group-name ipv6-addresses.ipv6-address interface-type mac-address network-interface-id "
        "operator.managed operator.principal owner-id private-dns-name private-ip-address requester-id "
        "requester-managed source-dest-check status subnet-id tag tag-key vpc-id"
    ),
    "DescribeNetworkInsightsAnalyses": "path-found status",
    "DescribeNetworkInsightsPaths": (
        "destination filter-at-source.source-address filter-at-source.source-port-range "
        "filter-at-source.destination-address filter-at-source.destination-port-range "
        "filter-at-destination.source-address filter-at-destination.source-port-range "
        "filter-at-destination.destination-address filter-at-destination.destination-port-range protocol source"
    ),
    "DescribeNetworkInterfacePermissions": (
        "network-interface-permission.network-interface-permission-id "
        "network-interface-permission.network-interface-id network-interface-permission.aws-account-id "
        "network-interface-permission.aws-service network-interface-permission.permission"
    ),
    "DescribeFlowLogs": (
        "deliver-log-status log-destination-type flow-log-id log-group-name resource-id traffic-type tag tag-key"
    ),
    "DescribeDhcpOptions": "dhcp-options-id key value owner-id tag tag-key",
    "DescribeTags": "key resource-id resource-type tag value",
    "DescribeAvailabilityZones": (
        "group-long-name group-name message opt-in-status parent-zone-id parent-zone-name region-name state "
        "zone-id zone-name zone-type"
    ),
    "DescribeRegions": "endpoint opt-in-status region-name",
    "DescribeNetworkAcls": (
        "association.association-id association.network-acl-id association.subnet-id default entry.cidr "
        "entry.icmp.code entry.icmp.type entry.ipv6-cidr entry.port-range.from entry.port-range.to entry.protocol "
        "entry.rule-action entry.egress entry.rule-number network-acl-id owner-id tag tag-key vpc-id"
    ),
    "DescribeVpcPeeringConnections": (
        "accepter-vpc-info.cidr-block accepter-vpc-info.owner-id accepter-vpc-info.vpc-id expiration-time "
        "requester-vpc-info.cidr-block requester-vpc-info.owner-id requester-vpc-info.vpc-id status-code "
        "status-message tag tag-key vpc-peering-connection-id"
    ),
    "DescribeEgressOnlyInternetGateways": "tag tag-key",
    "DescribeVpcEndpointServiceConfigurations": (
        "service-name service-id service-state supported-ip-address-types tag tag-key"
    ),
    "DescribeVpcEndpointServicePermissions": "permission-type principal principal-type",
    "DescribeVpcEndpointConnections": (
        "ip-address-type service-id transit-gateway-attachment-id vpc-endpoint-owner vpc-endpoint-region "
        "vpc-endpoint-state vpc-endpoint-id"
    ),
}
"""Names separated by spaces; ``tag`` stands for ``tag:KEY``. From the model and editions of the EC2 API Reference."""
LEGACY_FILTERS = {
    "DescribeVpcs": "cidrBlock dhcpOptionsId isDefault vpcId",
    "DescribeSubnets": "availabilityZone availabilityZoneId cidrBlock cidr defaultForAz vpcId",
    "DescribeDhcpOptions": "dhcpOptionsId",
}
"""Older spellings that EC2 still accepts."""
PAGE_SIZES = {
    "DescribeVpcs": (5, 1000),
    "DescribeSubnets": (5, 1000),
    "DescribeSecurityGroups": (5, 1000),
    "DescribeSecurityGroupRules": (5, 1000),
    "DescribeStaleSecurityGroups": (5, 255),
    "GetSecurityGroupsForVpc": (5, 1000),
    "DescribeRouteTables": (5, 100),
    "DescribeInternetGateways": (5, 1000),
    "DescribeAddressesAttribute": (1, 1000),
    "DescribeNatGateways": (5, 1000),
    "DescribeVpcEndpointAssociations": (1, 100),
    "DescribeManagedPrefixLists": (1, 100),
    "GetManagedPrefixListEntries": (1, 100),
    "GetManagedPrefixListAssociations": (5, 255),
    "DescribeNetworkInterfaces": (5, 1000),
    "DescribeNetworkInterfacePermissions": (5, 255),
    "DescribeDhcpOptions": (5, 1000),
    "DescribeNetworkAcls": (5, 1000),
    "DescribeVpcPeeringConnections": (5, 1000),
    "DescribeEgressOnlyInternetGateways": (5, 255),
    "DescribeNetworkInsightsPaths": (1, 100),
    "DescribeNetworkInsightsAnalyses": (1, 100),
}
"""The smallest and the largest ``MaxResults``."""
