"""Describe calls that name resources, tags on new resources, and route targets that do not exist here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.worlds.ec2 import REGION, code_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

DIGITS = "0123456789abcdef0"
S3 = "pl-63a5400a"


def test_a_route_target_that_does_not_exist_here_is_not_found(ec2: EC2Client, vpc_id: str, subnet_id: str) -> None:
    table_id = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    interface = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="192.0.2.0/24", NetworkInterfaceId=interface)
    targets = {
        "CarrierGatewayId": f"cagw-{DIGITS}",
        "CoreNetworkArn": "arn:aws:networkmanager::1:core-network/x",
        "EgressOnlyInternetGatewayId": f"eigw-{DIGITS}",
        "InstanceId": f"i-{DIGITS}",
        "LocalGatewayId": f"lgw-{DIGITS}",
        "OdbNetworkArn": "arn:aws:odb:us-east-1:1:odb-network/x",
        "TransitGatewayId": f"tgw-{DIGITS}",
        "VpcEndpointId": f"vpce-{DIGITS}",
        "VpcPeeringConnectionId": f"pcx-{DIGITS}",
    }
    before = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
    for name, value in targets.items():
        target: Any = {name: value}
        with pytest.raises(ClientError) as caught:
            ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="198.51.100.0/24", **target)
        assert code_of(caught.value).endswith("NotFound"), name
        with pytest.raises(ClientError) as caught:
            ec2.replace_route(RouteTableId=table_id, DestinationCidrBlock="192.0.2.0/24", **target)
        assert code_of(caught.value).endswith("NotFound"), name
    assert ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"] == before


def test_a_route_has_an_ipv4_destination(ec2: EC2Client, vpc_id: str, subnet_id: str) -> None:
    table_id = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    interface = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    with pytest.raises(ClientError) as caught:
        ec2.create_route(RouteTableId=table_id, DestinationIpv6CidrBlock="::/0", NetworkInterfaceId=interface)
    assert code_of(caught.value) == "UnsupportedOperation"
    with pytest.raises(ClientError) as caught:
        ec2.replace_route(RouteTableId=table_id, DestinationIpv6CidrBlock="::/0", NetworkInterfaceId=interface)
    assert code_of(caught.value) == "UnsupportedOperation"
    with pytest.raises(ClientError) as caught:
        ec2.delete_route(RouteTableId=table_id, DestinationIpv6CidrBlock="::/0")
    assert code_of(caught.value) == "UnsupportedOperation"


def test_only_the_named_resources_are_described_and_unknown_ids_are_not_found(ec2: EC2Client, vpc_id: str) -> None:
    acl = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["NetworkAcls"][0]["NetworkAclId"]
    assert len(ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]) == 1
    with pytest.raises(ClientError) as caught:
        ec2.describe_network_acls(NetworkAclIds=[f"acl-{DIGITS}"])
    assert code_of(caught.value) == "InvalidNetworkAclID.NotFound"
    (entry,) = ec2.describe_prefix_lists(PrefixListIds=[S3])["PrefixLists"]
    assert entry["PrefixListId"] == S3
    with pytest.raises(ClientError) as caught:
        ec2.describe_prefix_lists(PrefixListIds=[f"pl-{DIGITS}"])
    assert code_of(caught.value) == "InvalidPrefixListID.NotFound"
    assert ec2.describe_vpc_endpoint_services(ServiceRegions=["eu-west-1"])["ServiceNames"] == []
    assert len(ec2.describe_vpc_endpoint_services(ServiceRegions=[REGION])["ServiceNames"]) > 0


def test_named_permissions_and_flow_logs_are_described(ec2: EC2Client, subnet_id: str) -> None:
    interface = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    permission = ec2.create_network_interface_permission(
        NetworkInterfaceId=interface, AwsAccountId="123456789012", Permission="INSTANCE-ATTACH"
    )["InterfacePermission"]["NetworkInterfacePermissionId"]
    found = ec2.describe_network_interface_permissions(NetworkInterfacePermissionIds=[permission])
    assert len(found["NetworkInterfacePermissions"]) == 1
    with pytest.raises(ClientError) as caught:
        ec2.describe_network_interface_permissions(NetworkInterfacePermissionIds=[f"eni-perm-{DIGITS}"])
    assert code_of(caught.value) == "InvalidPermissionID.NotFound"
    tags: Any = [{"ResourceType": "vpc-flow-log", "Tags": [{"Key": "Name", "Value": "x"}]}]
    (flow_log,) = ec2.create_flow_logs(
        ResourceIds=[interface],
        ResourceType="NetworkInterface",
        TrafficType="ALL",
        LogGroupName="/flow",
        DeliverLogsPermissionArn="arn:aws:iam::000000000001:role/logs",
        TagSpecifications=tags,
    )["FlowLogIds"]
    (seen,) = ec2.describe_flow_logs(FlowLogIds=[flow_log])["FlowLogs"]
    assert seen["Tags"] == [{"Key": "Name", "Value": "x"}]


def test_egress_rules_can_have_tags_too(ec2: EC2Client, vpc_id: str) -> None:
    group_id = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc_id)["GroupId"]
    tags: Any = [{"ResourceType": "security-group-rule", "Tags": [{"Key": "why", "Value": "dns"}]}]
    (rule,) = ec2.authorize_security_group_egress(
        GroupId=group_id,
        IpPermissions=[{"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}],
        TagSpecifications=tags,
    )["SecurityGroupRules"]
    assert rule["Tags"] == [{"Key": "why", "Value": "dns"}]


def test_an_endpoint_supports_ipv4_only(ec2: EC2Client, vpc_id: str) -> None:
    made = ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName="com.amazonaws.us-east-1.s3", IpAddressType="ipv4")
    endpoint_id = made["VpcEndpoint"]["VpcEndpointId"]
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint_id, IpAddressType="ipv4")
    with pytest.raises(ClientError):
        ec2.modify_vpc_endpoint(VpcEndpointId=endpoint_id, IpAddressType="dualstack")
    (seen,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint_id])["VpcEndpoints"]
    assert seen["IpAddressType"] == "ipv4"
