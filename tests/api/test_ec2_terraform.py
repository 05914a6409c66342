"""The calls that Terraform makes for networks, in order, and the error codes that it handles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.worlds.ec2 import Ec2World, code_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

DIGITS = "0123456789abcdef0"
S3 = "com.amazonaws.us-east-1.s3"


def filters(**wanted: str) -> Any:
    return [{"Name": name.replace("__", ".").replace("_", "-"), "Values": [value]} for name, value in wanted.items()]


def tagged(kind: str) -> Any:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": "tf"}]}]


def assert_refused(call: Callable[..., Any], code: str, **parameters: Any) -> None:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    assert code_of(caught.value) == code


def refresh_vpc(ec2: EC2Client, vpc_id: str) -> dict[str, Any]:
    """Make the calls of each refresh of an aws_vpc."""
    (vpc,) = ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"]
    for attribute in ("enableDnsHostnames", "enableDnsSupport", "enableNetworkAddressUsageMetrics"):
        ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute=attribute)
    (acl,) = ec2.describe_network_acls(Filters=filters(default="true", vpc_id=vpc_id))["NetworkAcls"]
    (table,) = ec2.describe_route_tables(Filters=filters(association__main="true", vpc_id=vpc_id))["RouteTables"]
    (group,) = ec2.describe_security_groups(Filters=filters(group_name="default", vpc_id=vpc_id))["SecurityGroups"]
    assert acl["IsDefault"]
    assert table["Associations"][0]["Main"]
    return {"vpc": vpc, "group": group["GroupId"], "table": table["RouteTableId"]}


def test_aws_vpc(ec2: EC2Client) -> None:
    vpc_id = ec2.create_vpc(
        CidrBlock="10.0.0.0/16",
        InstanceTenancy="default",
        AmazonProvidedIpv6CidrBlock=False,
        TagSpecifications=tagged("vpc"),
    )["Vpc"]["VpcId"]
    ec2.get_waiter("vpc_exists").wait(VpcIds=[vpc_id])
    ec2.get_waiter("vpc_available").wait(VpcIds=[vpc_id])
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsSupport={"Value": True})
    assert refresh_vpc(ec2, vpc_id)["vpc"]["State"] == "available"
    ec2.create_tags(Resources=[vpc_id], Tags=[{"Key": "Name", "Value": "other"}])
    refresh_vpc(ec2, vpc_id)
    ec2.delete_vpc(VpcId=vpc_id)
    assert_refused(ec2.describe_vpcs, "InvalidVpcID.NotFound", VpcIds=[vpc_id])


def test_aws_subnet(ec2: EC2Client, vpc_id: str) -> None:
    made = ec2.create_subnet(
        VpcId=vpc_id,
        CidrBlock="10.0.1.0/24",
        AvailabilityZone="us-east-1b",
        TagSpecifications=tagged("subnet"),
    )["Subnet"]
    ec2.get_waiter("subnet_available").wait(SubnetIds=[made["SubnetId"]])
    for change in (
        {"MapPublicIpOnLaunch": {"Value": True}},
        {"EnableResourceNameDnsARecordOnLaunch": {"Value": True}},
        {"PrivateDnsHostnameTypeOnLaunch": "resource-name"},
        {"AssignIpv6AddressOnCreation": {"Value": False}},
        {"EnableDns64": {"Value": False}},
    ):
        ec2.modify_subnet_attribute(SubnetId=made["SubnetId"], **change)
    (seen,) = ec2.describe_subnets(SubnetIds=[made["SubnetId"]])["Subnets"]
    assert seen["MapPublicIpOnLaunch"]
    assert seen["PrivateDnsNameOptionsOnLaunch"]["EnableResourceNameDnsARecord"]
    ec2.delete_subnet(SubnetId=made["SubnetId"])
    assert_refused(ec2.describe_subnets, "InvalidSubnetID.NotFound", SubnetIds=[made["SubnetId"]])


def test_aws_security_group(ec2: EC2Client, vpc_id: str) -> None:
    group_id = ec2.create_security_group(
        GroupName="tf-web", Description="Managed by Terraform", VpcId=vpc_id, TagSpecifications=tagged("security-group")
    )["GroupId"]
    ec2.get_waiter("security_group_exists").wait(GroupIds=[group_id])
    ec2.revoke_security_group_egress(
        GroupId=group_id,
        IpPermissions=[{"IpProtocol": "-1", "FromPort": 0, "ToPort": 0, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    )
    assert_refused(
        ec2.revoke_security_group_egress,
        "InvalidPermission.NotFound",
        GroupId=group_id,
        IpPermissions=[{"IpProtocol": "-1", "FromPort": 0, "ToPort": 0, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}],
    )
    rule: Any = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": group_id}]}]
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=rule)
    (seen,) = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    assert seen["IpPermissionsEgress"] == []
    assert ec2.describe_network_interfaces(Filters=filters(group_id=group_id))["NetworkInterfaces"] == []
    ec2.delete_security_group(GroupId=group_id)
    assert_refused(ec2.describe_security_groups, "InvalidGroup.NotFound", GroupIds=[group_id])


def test_aws_vpc_security_group_ingress_rule(ec2: EC2Client, vpc_id: str) -> None:
    group_id = ec2.create_security_group(GroupName="tf-web", Description="tf", VpcId=vpc_id)["GroupId"]
    answer = ec2.authorize_security_group_ingress(
        GroupId=group_id,
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}],
        TagSpecifications=tagged("security-group-rule"),
    )
    rule_id = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule_id])
    change: Any = {"IpProtocol": "tcp", "FromPort": 81, "ToPort": 81, "CidrIpv4": "10.0.0.0/8", "Description": "x"}
    ec2.modify_security_group_rules(
        GroupId=group_id, SecurityGroupRules=[{"SecurityGroupRuleId": rule_id, "SecurityGroupRule": change}]
    )
    (seen,) = ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule_id])["SecurityGroupRules"]
    assert (seen["FromPort"], seen["Tags"]) == (81, [{"Key": "Name", "Value": "tf"}])
    ec2.revoke_security_group_ingress(GroupId=group_id, SecurityGroupRuleIds=[rule_id])
    assert_refused(
        ec2.describe_security_group_rules, "InvalidSecurityGroupRuleId.NotFound", SecurityGroupRuleIds=[rule_id]
    )


def test_aws_vpc_dhcp_options_and_their_association(ec2: EC2Client, vpc_id: str) -> None:
    set_id = ec2.create_dhcp_options(
        DhcpConfigurations=[{"Key": "domain-name", "Values": ["tf.example"]}],
        TagSpecifications=tagged("dhcp-options"),
    )["DhcpOptions"]["DhcpOptionsId"]
    ec2.describe_dhcp_options(DhcpOptionsIds=[set_id])
    ec2.associate_dhcp_options(DhcpOptionsId=set_id, VpcId=vpc_id)
    assert ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]["DhcpOptionsId"] == set_id
    ec2.associate_dhcp_options(DhcpOptionsId="default", VpcId=vpc_id)
    assert ec2.describe_vpcs(Filters=filters(dhcp_options_id=set_id))["Vpcs"] == []
    ec2.delete_dhcp_options(DhcpOptionsId=set_id)
    assert_refused(ec2.describe_dhcp_options, "InvalidDhcpOptionID.NotFound", DhcpOptionsIds=[set_id])


def test_aws_vpc_ipv4_cidr_block_association(ec2: EC2Client, vpc_id: str) -> None:
    association = ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock="10.7.0.0/16")["CidrBlockAssociation"]
    by_id = {"cidr_block_association__association_id": association["AssociationId"]}
    (vpc,) = ec2.describe_vpcs(Filters=filters(**by_id))["Vpcs"]
    states = {block["AssociationId"]: block["CidrBlockState"]["State"] for block in vpc["CidrBlockAssociationSet"]}
    assert states[association["AssociationId"]] == "associated"
    ec2.disassociate_vpc_cidr_block(AssociationId=association["AssociationId"])
    assert ec2.describe_vpcs(Filters=filters(**by_id))["Vpcs"] == []


def test_aws_ec2_managed_prefix_list(ec2: EC2Client) -> None:
    made = ec2.create_managed_prefix_list(
        PrefixListName="tf",
        AddressFamily="IPv4",
        MaxEntries=3,
        Entries=[{"Cidr": "192.0.2.0/24", "Description": "a"}],
        TagSpecifications=tagged("prefix-list"),
    )["PrefixList"]
    list_id = made["PrefixListId"]

    def state() -> Any:
        return ec2.describe_managed_prefix_lists(PrefixListIds=[list_id])["PrefixLists"][0]

    assert state()["State"] == "create-complete"
    # Another description of the same network: Terraform removes the entry first, then adds it.
    removed = ec2.modify_managed_prefix_list(
        PrefixListId=list_id, CurrentVersion=state()["Version"], RemoveEntries=[{"Cidr": "192.0.2.0/24"}]
    )["PrefixList"]
    ec2.modify_managed_prefix_list(
        PrefixListId=list_id,
        CurrentVersion=removed["Version"],
        AddEntries=[{"Cidr": "192.0.2.0/24", "Description": "b"}],
    )
    assert (state()["State"], state()["Version"]) == ("modify-complete", 3)
    ec2.modify_managed_prefix_list(PrefixListId=list_id, MaxEntries=5)
    assert state()["MaxEntries"] == 5
    pages = ec2.get_paginator("get_managed_prefix_list_entries").paginate(PrefixListId=list_id)
    assert [entry for page in pages for entry in page["Entries"]] == [{"Cidr": "192.0.2.0/24", "Description": "b"}]
    ec2.delete_managed_prefix_list(PrefixListId=list_id)
    assert_refused(ec2.describe_managed_prefix_lists, "InvalidPrefixListID.NotFound", PrefixListIds=[list_id])


def test_aws_network_interface(ec2: EC2Client, subnet_id: str) -> None:
    made = ec2.create_network_interface(
        SubnetId=subnet_id,
        ClientToken="tf-token",
        PrivateIpAddresses=[
            {"PrivateIpAddress": "10.0.0.10", "Primary": True},
            {"PrivateIpAddress": "10.0.0.11", "Primary": False},
        ],
        TagSpecifications=tagged("network-interface"),
    )["NetworkInterface"]
    interface_id = made["NetworkInterfaceId"]
    ec2.get_waiter("network_interface_available").wait(NetworkInterfaceIds=[interface_id])
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface_id, SourceDestCheck={"Value": True})
    ec2.unassign_private_ip_addresses(NetworkInterfaceId=interface_id, PrivateIpAddresses=["10.0.0.11"])
    ec2.assign_private_ip_addresses(NetworkInterfaceId=interface_id, PrivateIpAddresses=["10.0.0.12"])
    (seen,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface_id])["NetworkInterfaces"]
    assert [entry["PrivateIpAddress"] for entry in seen["PrivateIpAddresses"]] == ["10.0.0.10", "10.0.0.12"]
    ec2.delete_network_interface(NetworkInterfaceId=interface_id)
    assert_refused(
        ec2.describe_network_interfaces, "InvalidNetworkInterfaceID.NotFound", NetworkInterfaceIds=[interface_id]
    )


def test_aws_default_vpc_is_adopted_and_cannot_be_created_twice(ec2: EC2Client) -> None:
    (vpc,) = ec2.describe_vpcs(Filters=filters(is_default="true"))["Vpcs"]
    assert refresh_vpc(ec2, vpc["VpcId"])["vpc"]["IsDefault"]
    assert_refused(ec2.create_default_vpc, "DefaultVpcAlreadyExists")


class Codes:
    """What the calls of ``CODES`` need to get each error."""

    def __init__(self, ec2: EC2Client, vpc_id: str, subnet_id: str) -> None:
        self.ec2, self.vpc_id, self.subnet_id = ec2, vpc_id, subnet_id
        self.interface_id = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
        self.group_id = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc_id)["GroupId"]
        self.table_id = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
        self.gateway_id = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.list_id = ec2.create_managed_prefix_list(PrefixListName="p", MaxEntries=1, AddressFamily="IPv4")[
            "PrefixList"
        ]["PrefixListId"]
        self.rule: Any = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
        ec2.authorize_security_group_ingress(GroupId=self.group_id, IpPermissions=self.rule)
        self.route: Any = {
            "RouteTableId": self.table_id,
            "DestinationCidrBlock": "192.0.2.0/24",
            "NetworkInterfaceId": self.interface_id,
        }
        ec2.create_route(**self.route)

    def nat_interface(self) -> str:
        """Return the interface of a private NAT gateway, which the gateway's owner cannot change."""
        self.ec2.create_nat_gateway(SubnetId=self.subnet_id, ConnectivityType="private")
        managed = filters(requester_managed="true")
        return self.ec2.describe_network_interfaces(Filters=managed)["NetworkInterfaces"][0]["NetworkInterfaceId"]


EACH: dict[str, Callable[[Codes], object]] = {
    "AuthFailure": lambda c: c.ec2.modify_network_interface_attribute(
        NetworkInterfaceId=c.nat_interface(), Description={"Value": "x"}
    ),
    "DependencyViolation": lambda c: c.ec2.delete_vpc(VpcId=c.vpc_id),
    "Gateway.NotAttached": lambda c: c.ec2.detach_internet_gateway(InternetGatewayId=c.gateway_id, VpcId=c.vpc_id),
    "InvalidAllocationID.NotFound": lambda c: c.ec2.release_address(AllocationId=f"eipalloc-{DIGITS}"),
    "InvalidAssociationID.NotFound": lambda c: c.ec2.disassociate_route_table(AssociationId=f"rtbassoc-{DIGITS}"),
    "InvalidAttachmentID.NotFound": lambda c: c.ec2.detach_network_interface(AttachmentId=f"eni-attach-{DIGITS}"),
    "InvalidDhcpOptionID.NotFound": lambda c: c.ec2.describe_dhcp_options(DhcpOptionsIds=[f"dopt-{DIGITS}"]),
    "InvalidGroup.NotFound": lambda c: c.ec2.describe_security_groups(GroupIds=[f"sg-{DIGITS}"]),
    "InvalidInternetGatewayID.NotFound": lambda c: c.ec2.describe_internet_gateways(
        InternetGatewayIds=[f"igw-{DIGITS}"]
    ),
    "InvalidNetworkAclID.NotFound": lambda c: c.ec2.describe_network_acls(NetworkAclIds=[f"acl-{DIGITS}"]),
    "InvalidNetworkInterfaceID.NotFound": lambda c: c.ec2.describe_network_interfaces(
        NetworkInterfaceIds=[f"eni-{DIGITS}"]
    ),
    "InvalidParameter": lambda c: c.ec2.create_network_interface(
        SubnetId=c.subnet_id,
        Groups=[c.ec2.create_security_group(GroupName="far", Description="far")["GroupId"]],
    ),
    "InvalidParameterValue": lambda c: c.ec2.create_vpc(CidrBlock="ten"),
    "InvalidPermission.Duplicate": lambda c: c.ec2.authorize_security_group_ingress(
        GroupId=c.group_id, IpPermissions=c.rule
    ),
    "InvalidPermission.NotFound": lambda c: c.ec2.revoke_security_group_egress(
        GroupId=c.group_id, IpPermissions=c.rule
    ),
    "InvalidPrefixListID.NotFound": lambda c: c.ec2.describe_managed_prefix_lists(PrefixListIds=[f"pl-{DIGITS}"]),
    "InvalidRoute.NotFound": lambda c: c.ec2.delete_route(
        RouteTableId=c.table_id, DestinationCidrBlock="203.0.113.0/24"
    ),
    "InvalidRouteTableID.NotFound": lambda c: c.ec2.describe_route_tables(RouteTableIds=[f"rtb-{DIGITS}"]),
    "InvalidSecurityGroupRuleId.NotFound": lambda c: c.ec2.describe_security_group_rules(
        SecurityGroupRuleIds=[f"sgr-{DIGITS}"]
    ),
    "InvalidServiceName": lambda c: c.ec2.create_vpc_endpoint(VpcId=c.vpc_id, ServiceName=f"{S3}.none"),
    "InvalidSubnetID.NotFound": lambda c: c.ec2.describe_subnets(SubnetIds=[f"subnet-{DIGITS}"]),
    "InvalidVpcEndpointId.NotFound": lambda c: c.ec2.describe_vpc_endpoints(VpcEndpointIds=[f"vpce-{DIGITS}"]),
    "InvalidVpcID.NotFound": lambda c: c.ec2.describe_vpcs(VpcIds=[f"vpc-{DIGITS}"]),
    "InvalidVpcPeeringConnectionID.NotFound": lambda c: c.ec2.create_route(
        RouteTableId=c.table_id, DestinationCidrBlock="203.0.113.0/24", VpcPeeringConnectionId=f"pcx-{DIGITS}"
    ),
    "NatGatewayNotFound": lambda c: c.ec2.describe_nat_gateways(NatGatewayIds=[f"nat-{DIGITS}"]),
    "OperationNotPermitted": lambda c: c.ec2.delete_managed_prefix_list(PrefixListId="pl-63a5400a"),
    "PrefixListVersionMismatch": lambda c: c.ec2.modify_managed_prefix_list(
        PrefixListId=c.list_id, CurrentVersion=7, AddEntries=[{"Cidr": "10.0.0.0/8"}]
    ),
    "RouteAlreadyExists": lambda c: c.ec2.create_route(**c.route),
    "UnsupportedOperation": lambda c: c.ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True),
}
"""The codes that Terraform handles, each with a call that gets it."""


@pytest.fixture(scope="module")
def codes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Codes]:
    """One account for all of them: no call depends on the calls before it."""
    world = Ec2World(tmp_path_factory.mktemp("codes"))
    ec2 = world.client()
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    yield Codes(ec2, vpc_id, ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"])
    world.close()


@pytest.mark.parametrize("code", EACH)
def test_a_code_that_terraform_handles_is_spelt_as_it_expects(codes: Codes, code: str) -> None:
    with pytest.raises(ClientError) as caught:
        EACH[code](codes)
    assert code_of(caught.value) == code


def test_deleting_an_unknown_flow_log_lists_it_as_unsuccessful(ec2: EC2Client) -> None:
    (failed,) = ec2.delete_flow_logs(FlowLogIds=[f"fl-{DIGITS}"])["Unsuccessful"]
    assert failed["Error"]["Code"] == "InvalidFlowLogId.NotFound"


def test_codes_that_cannot_occur_here_are_old_spellings_or_of_missing_features() -> None:
    known = (
        "AuthFailure DependencyViolation Gateway.NotAttached IncorrectState InvalidAllocationID.NotFound "
        "InvalidAssociationID.NotFound InvalidAttachmentID.NotFound InvalidDhcpOptionID.NotFound "
        "InvalidDhcpOptionsID.NotFound InvalidFlowLogId.NotFound InvalidGroup.InUse InvalidGroup.NotFound "
        "InvalidInternetGatewayID.NotFound InvalidNetworkAclEntry.NotFound InvalidNetworkAclID.NotFound "
        "InvalidNetworkInterfaceID.NotFound InvalidParameter InvalidParameterValue InvalidPermission.Duplicate "
        "InvalidPermission.NotFound InvalidPrefixListID.NotFound InvalidPrefixListId.NotFound InvalidRoute.NotFound "
        "InvalidRouteTableID.NotFound InvalidRouteTableId.NotFound InvalidSecurityGroupID.NotFound "
        "InvalidSecurityGroupRuleId.NotFound InvalidServiceName InvalidSubnetID.NotFound InvalidSubnetId.NotFound "
        "InvalidVpcEndpointId.NotFound InvalidVpcID.NotFound InvalidVpcPeeringConnectionID.NotFound "
        "NatGatewayNotFound NetworkAclEntryAlreadyExists OperationNotPermitted PrefixListVersionMismatch "
        "ResourceNotReady RouteAlreadyExists UnsupportedOperation"
    )
    of_access_list_entries = {"InvalidNetworkAclEntry.NotFound", "NetworkAclEntryAlreadyExists"}
    of_waiting = {"IncorrectState", "ResourceNotReady"}
    elsewhere = {"InvalidFlowLogId.NotFound"}
    other_spellings = {
        "InvalidDhcpOptionsID.NotFound",
        "InvalidGroup.InUse",
        "InvalidPrefixListId.NotFound",
        "InvalidRouteTableId.NotFound",
        "InvalidSecurityGroupID.NotFound",
        "InvalidSubnetId.NotFound",
    }
    assert set(known.split()) - set(EACH) == of_access_list_entries | of_waiting | elsewhere | other_spellings
