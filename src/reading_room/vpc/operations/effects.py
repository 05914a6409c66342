"""The effect of each parameter of EC2's operations here: the texts of docs/reference/ec2.md.

``EFFECTS`` has a sentence for each parameter, or for ``Operation.Parameter`` if one operation differs. A sentence that
begins with "refused" names the error. A parameter that ``@ec2`` does not declare is refused and has no sentence. Tests
check that every declared parameter has a sentence, and a test that sends it.
"""

from __future__ import annotations

from collections.abc import Mapping

REFUSED: Mapping[str, tuple[str, ...]] = {
    "Network ACLs other than the default ones": (
        "CreateNetworkAcl",
        "CreateNetworkAclEntry",
        "DeleteNetworkAcl",
        "DeleteNetworkAclEntry",
        "ReplaceNetworkAclAssociation",
        "ReplaceNetworkAclEntry",
    ),
    "VPC peering": (
        "AcceptVpcPeeringConnection",
        "CreateVpcPeeringConnection",
        "DeleteVpcPeeringConnection",
        "DescribeVpcPeeringConnections",
        "ModifyVpcPeeringConnectionOptions",
        "RejectVpcPeeringConnection",
    ),
    "IPv6": (
        "AssignIpv6Addresses",
        "AssociateSubnetCidrBlock",
        "CreateEgressOnlyInternetGateway",
        "DeleteEgressOnlyInternetGateway",
        "DescribeEgressOnlyInternetGateways",
        "DisassociateSubnetCidrBlock",
        "UnassignIpv6Addresses",
    ),
    "Endpoint services of customers": (
        "AcceptVpcEndpointConnections",
        "CreateVpcEndpointServiceConfiguration",
        "DeleteVpcEndpointServiceConfigurations",
        "DescribeVpcEndpointConnections",
        "DescribeVpcEndpointServiceConfigurations",
        "DescribeVpcEndpointServicePermissions",
        "ModifyVpcEndpointServiceConfiguration",
        "ModifyVpcEndpointServicePermissions",
        "RejectVpcEndpointConnections",
    ),
}
"""Operations that do not exist here, by feature: each returns ``InvalidAction`` and changes nothing."""

_NO_SUCH_TARGET = "refused as not found, since no such target exists here"
_FLAT = "the older form of a rule with one peer"
_STORED = "stored and shown, but without effect, since nothing is launched here"

EFFECTS: Mapping[str, str] = {
    # The same in every operation.
    "DryRun": "answers DryRunOperation if the call would be allowed, and changes nothing",
    "ClientToken": "the same token with the same parameters returns the first result, with others an error",
    "TagSpecifications": "tags of the new resource; needs ec2:CreateTags",
    "Filters": "shows only what matches all filters",
    "Filter": "shows only what matches all filters",
    "MaxResults": "the size of a page, within the operation's bounds",
    "NextToken": "continues after the previous page",
    # The resources that a call is about.
    "AllocationId": "the Elastic IP address that the call is about",
    "AllocationIds": "the Elastic IP addresses that the call is about; an unknown one is an error",
    "AssociationId": "the association that the call is about",
    "AssociationIds": "the associations of Elastic IP addresses to remove",
    "DhcpOptionsId": "the set that the call is about",
    "AssociateDhcpOptions.DhcpOptionsId": (
        "the set that the VPC gets; `default` means none: no name server, no name resolution. Containers read it when "
        "they start a job"
    ),
    "DhcpOptionsIds": "shows only these; an unknown one is an error",
    "FlowLogIds": "the flow logs that the call is about",
    "GroupId": "the security group that the call is about",
    "GroupIds": "shows only these; an unknown one is an error",
    "GroupName": "the security group that the call is about, by its name in the default VPC",
    "CreateSecurityGroup.GroupName": "the name, unique in the VPC",
    "GroupNames": "shows only these groups of the default VPC; an unknown one is an error",
    "InternetGatewayId": "the internet gateway that the call is about",
    "InternetGatewayIds": "shows only these; an unknown one is an error",
    "NatGatewayId": "the NAT gateway that the call is about",
    "CreateRoute.NatGatewayId": "the route's target",
    "ReplaceRoute.NatGatewayId": "the route's new target",
    "NatGatewayIds": "shows only these; an unknown one is an error",
    "NetworkAclIds": "shows only these; an unknown one is an error",
    "NetworkInterfaceId": "the network interface that the call is about",
    "CreateRoute.NetworkInterfaceId": (
        "the route's target; unless its source/destination check is off, it drops the packets"
    ),
    "ReplaceRoute.NetworkInterfaceId": "the route's new target",
    "NetworkInterfaceIds": "shows only these; an unknown one is an error",
    "NetworkInterfacePermissionId": "the permission that the call is about",
    "NetworkInterfacePermissionIds": "shows only these; an unknown one is an error",
    "PrefixListId": "the prefix list that the call is about",
    "PrefixListIds": "shows only these; an unknown one is an error",
    "ResourceIds": "the VPCs, subnets or interfaces to record; each gets its own flow log",
    "Resources": "the resources of any kind whose tags change",
    "RouteTableId": "the route table that the call is about",
    "RouteTableIds": "shows only these; an unknown one is an error",
    "CreateVpcEndpoint.RouteTableIds": "the tables that get a route to a gateway endpoint",
    "SecurityGroupRuleIds": "the rules that the call is about; an unknown one is an error",
    "ServiceNames": "shows only these services; an unknown one is an error",
    "ServiceRegions": "shows nothing unless this region is among them",
    "SubnetId": "the subnet that the call is about",
    "CreateNatGateway.SubnetId": "the subnet of the gateway's interface, whose route table applies to its packets",
    "SubnetIds": "shows only these; an unknown one is an error",
    "CreateVpcEndpoint.SubnetIds": "the subnets, one per zone, in which an interface endpoint gets an interface",
    "VpcEndpointId": "the endpoint that the call is about",
    "CreateRoute.VpcEndpointId": (
        "refused with RouteNotSupported: ModifyVpcEndpoint adds the routes to a gateway endpoint"
    ),
    "ReplaceRoute.VpcEndpointId": (
        "refused with RouteNotSupported: ModifyVpcEndpoint adds the routes to a gateway endpoint"
    ),
    "VpcEndpointIds": "the endpoints that the call is about",
    "VpcId": "the VPC that the call is about",
    "VpcIds": "shows only these; an unknown one is an error",
    "ZoneIds": "shows only these; an unknown one is an error",
    "ZoneNames": "shows only these; an unknown one is an error",
    # VPCs and subnets.
    "CreateVpc.CidrBlock": "the primary block, /16 to /28",
    "AssociateVpcCidrBlock.CidrBlock": "the block to add; every route table has its local route at once",
    "CreateSubnet.CidrBlock": "the subnet's block, inside a block of the VPC",
    "InstanceTenancy": "`default`, `dedicated` or `host`; jobs run only in VPCs of default tenancy",
    "ModifyVpcTenancy.InstanceTenancy": "`default`, the only value: from then on jobs can run in the VPC",
    "AvailabilityZone": "the zone, by name; by default the first",
    "AvailabilityZoneId": "the zone, by id; by default the first",
    "DescribeVpcAttribute.Attribute": "which attribute to show",
    "EnableDnsSupport": "whether the VPC's resolver answers",
    "EnableDnsHostnames": "whether public names are shown and endpoints may have private DNS; needs DNS support",
    "EnableNetworkAddressUsageMetrics": "stored and shown, but without effect, since these metrics do not exist here",
    "MapPublicIpOnLaunch": _STORED,
    "PrivateDnsHostnameTypeOnLaunch": _STORED,
    "EnableResourceNameDnsARecordOnLaunch": _STORED,
    "DhcpConfigurations": (
        "domain-name-servers and domain-name become the containers' resolv.conf; ntp-servers, netbios-name-servers "
        "and netbios-node-type are stored and shown, but no container uses them; ipv6-address-preferred-lease-time is "
        "refused with UnsupportedOperation"
    ),
    # Security groups.
    "Description": "the interface's description",
    "CreateSecurityGroup.Description": "the group's description, which cannot be changed",
    "IpPermissions": (
        "the rules: protocol, ports or ICMP type and code, and peers; a rule for an IPv6 network is stored and shown, "
        "but matches no packet, since no VPC has IPv6"
    ),
    "IpProtocol": _FLAT,
    "FromPort": _FLAT,
    "ToPort": _FLAT,
    "CidrIp": _FLAT,
    "SourceSecurityGroupName": "the older form of a rule whose peer is a group of the default VPC",
    "SourceSecurityGroupOwnerId": "the account of that group, which must be the caller's",
    "SecurityGroupRules": "the new rules; ids, direction and the kind of peer stay the same",
    "SecurityGroupRuleDescriptions": "new descriptions, by rule id",
    # Prefix lists.
    "PrefixListName": "the list's name",
    "AddressFamily": "`IPv4`; `IPv6` is refused with UnsupportedOperation",
    "Entries": "the networks of the first version",
    "MaxEntries": "the list's size, which counts against the quotas of the groups and tables that use it",
    "AddEntries": "networks to add in the next version, which takes effect at once wherever the list is used",
    "RemoveEntries": "networks to remove in the next version",
    "CurrentVersion": "must be the latest version when entries change",
    "TargetVersion": "which version to show; by default the latest",
    # Network interfaces.
    "Groups": "the security groups of the interface; by default the VPC's default group",
    "InterfaceType": "`interface`; others are refused with UnsupportedOperation",
    "IncludeManagedResources": "accepted: interfaces that AWS manages are always shown",
    "PrivateIpAddress": "the primary address; by default the first free one",
    "AssociateAddress.PrivateIpAddress": "the interface's address that gets the public one; by default the primary",
    "CreateNatGateway.PrivateIpAddress": "the gateway's private address; by default the first free one",
    "PrivateIpAddresses": "chosen addresses, the primary and secondary ones",
    "AssignPrivateIpAddresses.PrivateIpAddresses": "chosen secondary addresses; a running container has them at once",
    "UnassignPrivateIpAddresses.PrivateIpAddresses": "the secondary addresses to unassign",
    "AssociateNatGatewayAddress.PrivateIpAddresses": "the private addresses for the Elastic IP addresses",
    "AssignPrivateNatGatewayAddress.PrivateIpAddresses": "chosen secondary addresses of a private gateway",
    "UnassignPrivateNatGatewayAddress.PrivateIpAddresses": "the secondary addresses to take from a private gateway",
    "SecondaryPrivateIpAddressCount": "how many free addresses to assign as secondary ones",
    "AllowReassignment": "moves a secondary address from another interface, with its Elastic IP address",
    "SourceDestCheck": (
        "`false`: the interface accepts packets for other addresses that a route sends to it, if its groups allow "
        "them; the packets that it sends must still have its own address"
    ),
    "ResetNetworkInterfaceAttribute.SourceDestCheck": "turns the check on",
    "Attachment": "refused: OperationNotPermitted for `ela-attach-`, else InvalidAttachmentID.NotFound",
    "AttachmentId": "refused: OperationNotPermitted for `ela-attach-`, else InvalidAttachmentID.NotFound",
    "DetachNetworkInterface.Force": "changes nothing: the call is refused as AttachmentId says",
    "AttachNetworkInterface.InstanceId": "refused: InvalidInstanceID.NotFound, since there are no instances here",
    "AttachNetworkInterface.DeviceIndex": "as InstanceId",
    "AttachNetworkInterface.NetworkCardIndex": "as InstanceId",
    "DescribeNetworkInterfaceAttribute.Attribute": "which attribute to show",
    "Permission": "`INSTANCE-ATTACH`; EIP-ASSOCIATE is refused with UnsupportedOperation",
    "AwsAccountId": "the account that may attach the interface",
    "DeleteNetworkInterfacePermission.Force": "also detaches the interface",
    # Route tables.
    "DestinationCidrBlock": "the network that the route is for",
    "DestinationPrefixListId": "the prefix list whose networks the route is for",
    "DestinationIpv6CidrBlock": "refused with UnsupportedOperation: no VPC has IPv6",
    "GatewayId": "the internet gateway, the route's target",
    "LocalTarget": "makes the target of a local route `local` again",
    "InstanceId": _NO_SUCH_TARGET,
    "VpcPeeringConnectionId": _NO_SUCH_TARGET,
    "TransitGatewayId": _NO_SUCH_TARGET,
    "EgressOnlyInternetGatewayId": _NO_SUCH_TARGET,
    "LocalGatewayId": _NO_SUCH_TARGET,
    "CarrierGatewayId": _NO_SUCH_TARGET,
    "CoreNetworkArn": _NO_SUCH_TARGET,
    "OdbNetworkArn": _NO_SUCH_TARGET,
    # Elastic IP addresses and NAT gateways.
    "Domain": "`vpc`, the only domain",
    "Address": "an address that the account released, unless another account has it now",
    "NetworkBorderGroup": "the region, the only group",
    "PublicIp": "refused: in a VPC, EC2 requires the id of the allocation or association",
    "AssociateAddress.PublicIp": "the Elastic IP address that the call is about, instead of AllocationId",
    "PublicIps": "shows only these; an unknown one is an error",
    "DescribeAddressesAttribute.Attribute": "which attribute to show",
    "AllowReassociation": "moves an address that is already associated",
    "AvailabilityMode": "`zonal`; `regional` is refused",
    "ConnectivityType": "`public`, with an Elastic IP address, or `private`",
    "SecondaryAllocationIds": "secondary Elastic IP addresses, which share the connections",
    "SecondaryPrivateIpAddresses": "chosen secondary private addresses",
    "PrivateIpAddressCount": "how many free addresses to assign as secondary ones",
    "CreateNatGateway.AllocationId": "the Elastic IP address that is the source of a public gateway's packets",
    # VPC endpoints.
    "VpcEndpointType": "`Gateway` or `Interface`",
    "ServiceName": "the service that the endpoint leads to",
    "ServiceRegion": "this region, the only one",
    "PolicyDocument": "which requests may pass the endpoint, evaluated at every request",
    "ResetPolicy": "restores the default policy, which allows everything",
    "PrivateDnsEnabled": "whether the service's usual names resolve to an interface endpoint",
    "DnsOptions": "IPv4 records, and whether private DNS of S3 is for inbound resolvers only",
    "IpAddressType": "`ipv4`",
    "SecurityGroupIds": "the groups of an interface endpoint, whose ingress rules apply to its clients",
    "SubnetConfigurations": "chosen addresses of an interface endpoint's interfaces",
    "AddRouteTableIds": "tables that get a route to a gateway endpoint",
    "RemoveRouteTableIds": "tables that lose this route; connections through the endpoint break",
    "AddSubnetIds": "subnets in which an interface endpoint gets an interface",
    "RemoveSubnetIds": "subnets in which an interface endpoint loses its interface",
    "AddSecurityGroupIds": "groups to add to an interface endpoint",
    "RemoveSecurityGroupIds": "groups to remove from an interface endpoint",
    # Flow logs.
    "ResourceType": "`VPC`, `Subnet` or `NetworkInterface`",
    "TrafficType": "`ACCEPT`, `REJECT` or `ALL`",
    "LogDestinationType": "`cloud-watch-logs` or `s3`",
    "LogDestination": "the ARN of the log group or bucket",
    "LogGroupName": "the log group",
    "DeliverLogsPermissionArn": "the role that writes records to the log group; needs iam:PassRole",
    "LogFormat": "the fields of a record; an unknown one is refused",
    "MaxAggregationInterval": "60 or 600 seconds",
    "DestinationOptions": "plain text or Parquet, Hive prefixes, hourly partitions",
    # Network insights.
    "Source": "the start of the path: an interface, an internet gateway or an endpoint, by id or ARN",
    "Destination": "the end of the path: the same, with endpoints of either type",
    "SourceIp": "the source address of the packet when it leaves the source",
    "DestinationIp": "the destination address, alone or when the packet arrives at the destination",
    "DestinationPort": "the destination port; by default any port",
    "Protocol": "`tcp` or `udp`",
    "FilterAtSource": "addresses and port ranges of the packet that leaves the source",
    "FilterAtDestination": "addresses and port ranges of the packet that arrives",
    "NetworkInsightsPathId": "the path that the call is about",
    "NetworkInsightsPathIds": "shows only these; an unknown one is an error",
    "NetworkInsightsAnalysisId": "the analysis that the call is about",
    "NetworkInsightsAnalysisIds": "shows only these; an unknown one is an error",
    "FilterInArns": "components that the path must go through, else COMPONENT_FILTER_RESTRICTION",
    "FilterOutArns": "components that the path must not go through, else COMPONENT_FILTER_RESTRICTION",
    "AnalysisStartTime": "shows only analyses that started then or later",
    "AnalysisEndTime": "shows only analyses that started then or earlier",
    # Tags, zones, regions and account attributes.
    "Tags": "the tags; DeleteTags with a value removes a tag only if it has that value",
    "AllAvailabilityZones": "accepted: all zones are always shown",
    "AllRegions": "accepted: the one region is always shown",
    "RegionNames": "shows only these; an unknown one is an error",
    "AttributeNames": "shows only these; an unknown one is an error",
}


def effect_of(operation: str, parameter: str) -> str | None:
    """Return the sentence for a parameter of an operation, or ``None`` if there is none."""
    return EFFECTS.get(f"{operation}.{parameter}", EFFECTS.get(parameter))
