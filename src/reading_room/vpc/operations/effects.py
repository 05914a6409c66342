"""What each parameter of EC2's operations does here, in a few words: the text of docs/reference/ec2.md.

``EFFECTS`` has a sentence by parameter, or by ``Operation.Parameter`` if one operation differs. A sentence that
begins with "refused" names the error instead. A parameter that ``@ec2`` does not declare has none and is refused. Tests
check that every declared parameter has a sentence, and a test that sends it.
"""

from __future__ import annotations

from collections.abc import Mapping

REFUSED: Mapping[str, tuple[str, ...]] = {
    "Network access lists other than the default ones": (
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
"""Operations that do not exist here, by what they are about: each answers ``InvalidAction`` and changes nothing."""

_NO_SUCH_TARGET = "refused, because no such target exists here: the error says that it was not found"
_FLAT = "the older form of a rule with one peer"
_STORED = "stored and shown, without effect: nothing is launched here"

EFFECTS: Mapping[str, str] = {
    # What means the same in every operation.
    "DryRun": "answers DryRunOperation if the call would be allowed, and changes nothing",
    "ClientToken": "repeating it with the same parameters returns the first result, with other parameters an error",
    "TagSpecifications": "tags on what is made; needs ec2:CreateTags",
    "Filters": "shows only what matches all filters",
    "Filter": "shows only what matches all filters",
    "MaxResults": "the size of a page, within the operation's bounds",
    "NextToken": "continues after a page",
    # Which resources a call is about.
    "AllocationId": "the Elastic IP address that the call is about",
    "AllocationIds": "the Elastic IP addresses that the call is about; an unknown one is an error",
    "AssociationId": "the association that the call is about",
    "AssociationIds": "the associations of Elastic IP addresses to remove",
    "DhcpOptionsId": "the set that the call is about",
    "AssociateDhcpOptions.DhcpOptionsId": (
        "the VPC's new set; `default` means none: no name server, no name resolution. Containers read it when "
        "they get their job"
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
        "the route's target; unless its source/destination check is off, packets end there"
    ),
    "ReplaceRoute.NetworkInterfaceId": "the route's new target",
    "NetworkInterfaceIds": "shows only these; an unknown one is an error",
    "NetworkInterfacePermissionId": "the permission that the call is about",
    "NetworkInterfacePermissionIds": "shows only these; an unknown one is an error",
    "PrefixListId": "the prefix list that the call is about",
    "PrefixListIds": "shows only these; an unknown one is an error",
    "ResourceIds": "the VPCs, subnets or interfaces to log; each gets a flow log of its own",
    "Resources": "the resources, of any kind, whose tags change",
    "RouteTableId": "the route table that the call is about",
    "RouteTableIds": "shows only these; an unknown one is an error",
    "CreateVpcEndpoint.RouteTableIds": "the tables that get a route to a gateway endpoint",
    "SecurityGroupRuleIds": "the rules that the call is about; an unknown one is an error",
    "ServiceNames": "shows only these services; an unknown one is an error",
    "ServiceRegions": "shows nothing unless this region is among them",
    "SubnetId": "the subnet that the call is about",
    "CreateNatGateway.SubnetId": "the subnet of the gateway's interface; its route table routes the gateway's packets",
    "SubnetIds": "shows only these; an unknown one is an error",
    "CreateVpcEndpoint.SubnetIds": "the subnets, one per zone, in which an interface endpoint gets an interface",
    "VpcEndpointId": "the endpoint that the call is about",
    "CreateRoute.VpcEndpointId": (
        "refused with RouteNotSupported: a gateway endpoint's routes are made with ModifyVpcEndpoint"
    ),
    "ReplaceRoute.VpcEndpointId": (
        "refused with RouteNotSupported: a gateway endpoint's routes are made with ModifyVpcEndpoint"
    ),
    "VpcEndpointIds": "the endpoints that the call is about",
    "VpcId": "the VPC that the call is about",
    "VpcIds": "shows only these; an unknown one is an error",
    "ZoneIds": "shows only these; an unknown one is an error",
    "ZoneNames": "shows only these; an unknown one is an error",
    # VPCs and subnets.
    "CreateVpc.CidrBlock": "the primary block, /16 to /28",
    "AssociateVpcCidrBlock.CidrBlock": "the block to add; every route table gets its local route immediately",
    "CreateSubnet.CidrBlock": "the subnet's block, inside one of the VPC's",
    "InstanceTenancy": "`default`, `dedicated` or `host`; jobs run only in VPCs with default tenancy",
    "ModifyVpcTenancy.InstanceTenancy": "`default`, the only value: from then on jobs run in the VPC",
    "AvailabilityZone": "the zone, by name; by default the first",
    "AvailabilityZoneId": "the zone, by id; by default the first",
    "DescribeVpcAttribute.Attribute": "which attribute is shown",
    "EnableDnsSupport": "whether the VPC's resolver answers",
    "EnableDnsHostnames": "whether public names are shown and endpoints may have private DNS; needs DNS support",
    "EnableNetworkAddressUsageMetrics": "stored and shown, without effect: there are no metrics here",
    "MapPublicIpOnLaunch": _STORED,
    "PrivateDnsHostnameTypeOnLaunch": _STORED,
    "EnableResourceNameDnsARecordOnLaunch": _STORED,
    "DhcpConfigurations": (
        "domain-name-servers and domain-name become the containers' resolv.conf; ntp-servers, netbios-name-servers "
        "and netbios-node-type are stored and shown, without effect; ipv6-address-preferred-lease-time is "
        "refused with UnsupportedOperation"
    ),
    # Security groups.
    "Description": "the interface's description",
    "CreateSecurityGroup.Description": "the group's description, which cannot be changed",
    "IpPermissions": (
        "the rules: protocol, ports or ICMP type and code, and peers; a rule for an IPv6 network is stored and shown, "
        "but matches no packet, because no VPC has IPv6"
    ),
    "IpProtocol": _FLAT,
    "FromPort": _FLAT,
    "ToPort": _FLAT,
    "CidrIp": _FLAT,
    "SourceSecurityGroupName": "the older form of a rule whose peer is a group of the default VPC",
    "SourceSecurityGroupOwnerId": "the account of that group, which must be the caller's",
    "SecurityGroupRules": "the new rules; ids, direction and the kind of peer stay",
    "SecurityGroupRuleDescriptions": "new descriptions, by rule id",
    # Prefix lists.
    "PrefixListName": "the list's name",
    "AddressFamily": "`IPv4`; `IPv6` is refused with UnsupportedOperation",
    "Entries": "the networks of the first version",
    "MaxEntries": "the list's size, which counts against the limits of the groups and tables that use it",
    "AddEntries": "networks to add in the next version, which applies immediately wherever the list is used",
    "RemoveEntries": "networks to remove in the next version",
    "CurrentVersion": "must be the current version if entries change",
    "TargetVersion": "which version is shown; by default the current one",
    # Network interfaces.
    "Groups": "the groups whose rules apply to the interface's packets; by default the VPC's default one",
    "InterfaceType": "`interface`; others are refused with UnsupportedOperation",
    "IncludeManagedResources": "accepted: interfaces that AWS manages are always shown",
    "PrivateIpAddress": "the primary address; by default the first free one",
    "AssociateAddress.PrivateIpAddress": "the interface's address that gets the public one; by default the primary",
    "CreateNatGateway.PrivateIpAddress": "the gateway's private address; by default the first free one",
    "PrivateIpAddresses": "chosen addresses: the primary one and secondary ones",
    "AssignPrivateIpAddresses.PrivateIpAddresses": "chosen secondary addresses; a running container gets them at once",
    "UnassignPrivateIpAddresses.PrivateIpAddresses": "the secondary addresses to release",
    "AssociateNatGatewayAddress.PrivateIpAddresses": "the private addresses that go with the public ones",
    "AssignPrivateNatGatewayAddress.PrivateIpAddresses": "chosen secondary addresses of a private gateway",
    "UnassignPrivateNatGatewayAddress.PrivateIpAddresses": "the secondary addresses that a private gateway releases",
    "SecondaryPrivateIpAddressCount": "how many free addresses to assign as secondary ones",
    "AllowReassignment": "allows moving another interface's secondary address, with its Elastic IP address",
    "SourceDestCheck": (
        "`false`: the interface receives what a route sends to it for another address, if its groups allow it; what it "
        "sends must still come from an address of its own"
    ),
    "ResetNetworkInterfaceAttribute.SourceDestCheck": "turns the check on",
    "Attachment": "refused: OperationNotPermitted for `ela-attach-`, otherwise InvalidAttachmentID.NotFound",
    "AttachmentId": "refused: OperationNotPermitted for `ela-attach-`, otherwise InvalidAttachmentID.NotFound",
    "DetachNetworkInterface.Force": "makes no difference: see AttachmentId",
    "AttachNetworkInterface.InstanceId": "refused: InvalidInstanceID.NotFound, because there are no instances here",
    "AttachNetworkInterface.DeviceIndex": "see InstanceId",
    "AttachNetworkInterface.NetworkCardIndex": "see InstanceId",
    "DescribeNetworkInterfaceAttribute.Attribute": "which attribute is shown",
    "Permission": "`INSTANCE-ATTACH`; EIP-ASSOCIATE is refused with UnsupportedOperation",
    "AwsAccountId": "the account that may attach the interface",
    "DeleteNetworkInterfacePermission.Force": "detaches the interface as well",
    # Route tables.
    "DestinationCidrBlock": "the network that the route is for",
    "DestinationPrefixListId": "the prefix list whose networks the route is for",
    "DestinationIpv6CidrBlock": "refused with UnsupportedOperation: no VPC has IPv6",
    "GatewayId": "the internet gateway that takes the packets",
    "LocalTarget": "points a local route back to the VPC",
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
    "Address": "an address that the account released, if nobody else has it",
    "NetworkBorderGroup": "the region, the only group",
    "PublicIp": "refused: in a VPC, EC2 requires the id of the allocation or association",
    "AssociateAddress.PublicIp": "the Elastic IP address that the call is about, instead of AllocationId",
    "PublicIps": "shows only these; an unknown one is an error",
    "DescribeAddressesAttribute.Attribute": "which attribute is shown",
    "AllowReassociation": "allows moving an address that is already associated",
    "AvailabilityMode": "`zonal`; `regional` is refused",
    "ConnectivityType": "`public`, with an Elastic IP address, or `private`",
    "SecondaryAllocationIds": "additional Elastic IP addresses, which share the connections",
    "SecondaryPrivateIpAddresses": "chosen secondary private addresses",
    "PrivateIpAddressCount": "how many free addresses to assign as secondary ones",
    "CreateNatGateway.AllocationId": "the Elastic IP address that a public gateway's packets leave with",
    # VPC endpoints.
    "VpcEndpointType": "`Gateway` or `Interface`",
    "ServiceName": "the service that the endpoint leads to",
    "ServiceRegion": "this region, the only one",
    "PolicyDocument": "which requests may pass the endpoint; evaluated for every request",
    "ResetPolicy": "restores the default policy, which allows everything",
    "PrivateDnsEnabled": "whether the service's usual names lead to an interface endpoint",
    "DnsOptions": "IPv4 records, and whether private DNS of S3 is for inbound resolvers only",
    "IpAddressType": "`ipv4`",
    "SecurityGroupIds": "the groups whose ingress rules must allow an interface endpoint's clients",
    "SubnetConfigurations": "chosen addresses of an interface endpoint's interfaces",
    "AddRouteTableIds": "tables that get a route to a gateway endpoint",
    "RemoveRouteTableIds": "tables whose route is removed; connections through it break",
    "AddSubnetIds": "subnets in which an interface endpoint gets an interface",
    "RemoveSubnetIds": "subnets in which its interface is deleted",
    "AddSecurityGroupIds": "groups to add to an interface endpoint",
    "RemoveSecurityGroupIds": "groups to remove from it",
    # Flow logs.
    "ResourceType": "`VPC`, `Subnet` or `NetworkInterface`",
    "TrafficType": "`ACCEPT`, `REJECT` or `ALL`",
    "LogDestinationType": "`cloud-watch-logs` or `s3`",
    "LogDestination": "the log group's or the bucket's ARN",
    "LogGroupName": "the log group",
    "DeliverLogsPermissionArn": "the role that puts records into the log group; needs iam:PassRole",
    "LogFormat": "the fields of a record; an unknown one is refused",
    "MaxAggregationInterval": "60 or 600 seconds",
    "DestinationOptions": "plain text or Parquet, Hive prefixes, hourly partitions",
    # Network insights.
    "Source": "where a path begins: an interface, an internet gateway or an endpoint, by id or ARN",
    "Destination": "where it ends, likewise; an endpoint of either type",
    "SourceIp": "the source address that leaves the source",
    "DestinationIp": "the destination address, alone or as it arrives at the destination",
    "DestinationPort": "the destination port; without it, any reachable port is enough",
    "Protocol": "`tcp` or `udp`",
    "FilterAtSource": "addresses and port ranges of the packet that leaves the source",
    "FilterAtDestination": "addresses and port ranges of the packet that arrives",
    "NetworkInsightsPathId": "the path that the call is about",
    "NetworkInsightsPathIds": "shows only these; an unknown one is an error",
    "NetworkInsightsAnalysisId": "the analysis that the call is about",
    "NetworkInsightsAnalysisIds": "shows only these; an unknown one is an error",
    "FilterInArns": "components that the path must pass, otherwise COMPONENT_FILTER_RESTRICTION",
    "FilterOutArns": "components that the path must not pass, likewise",
    "AnalysisStartTime": "shows only analyses that started then or later",
    "AnalysisEndTime": "shows only analyses that started then or earlier",
    # Tags, and what an account is given.
    "Tags": "the tags; DeleteTags with a value removes only a tag of that value",
    "AllAvailabilityZones": "accepted: all zones are always shown",
    "AllRegions": "accepted: the one region is always shown",
    "RegionNames": "shows only these; an unknown one is an error",
    "AttributeNames": "shows only these; an unknown one is an error",
}


def effect_of(operation: str, parameter: str) -> str | None:
    """Return the sentence on a parameter, or ``None`` if it has none."""
    return EFFECTS.get(f"{operation}.{parameter}", EFFECTS.get(parameter))
