"""What policies can control about EC2 calls: resources, conditions on stored attributes, tags, dry runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.worlds.ec2 import ACCOUNT, EVERYTHING, REGION, Ec2World, code_of, message_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


def arn(kind: str, identifier: str) -> str:
    return f"arn:aws:ec2:{REGION}:{ACCOUNT}:{kind}/{identifier}"


def allow(action: str, resource: str = "*", **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition}


def make_vpc(ec2: EC2Client, cidr: str = "10.0.0.0/16", **tags: str) -> str:
    specification: Any = [
        {"ResourceType": "vpc", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
    ]
    answer = ec2.create_vpc(CidrBlock=cidr, TagSpecifications=specification) if tags else ec2.create_vpc(CidrBlock=cidr)
    return answer["Vpc"]["VpcId"]


def assert_denied(error: ClientError, action: str) -> None:
    assert code_of(error) == "UnauthorizedOperation"
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert action in message_of(error)


def test_a_policy_can_allow_deleting_one_vpc_only(world: Ec2World, ec2: EC2Client) -> None:
    mine, other = make_vpc(ec2), make_vpc(ec2, "10.1.0.0/16")
    limited = world.client([allow("ec2:DeleteVpc", arn("vpc", mine))])
    with pytest.raises(ClientError) as caught:
        limited.delete_vpc(VpcId=other)
    assert_denied(caught.value, "ec2:DeleteVpc")
    limited.delete_vpc(VpcId=mine)


def test_a_condition_can_restrict_a_caller_to_one_vpc(world: Ec2World, ec2: EC2Client) -> None:
    mine, other = make_vpc(ec2), make_vpc(ec2, "10.1.0.0/16")
    here = ec2.create_subnet(VpcId=mine, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    there = ec2.create_subnet(VpcId=other, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
    limited = world.client([allow("ec2:*", ArnEquals={"ec2:Vpc": arn("vpc", mine)})])
    with pytest.raises(ClientError) as caught:
        limited.create_network_interface(SubnetId=there)
    assert_denied(caught.value, "ec2:CreateNetworkInterface")
    limited.create_network_interface(SubnetId=here)


def test_a_policy_can_depend_on_a_tag_of_the_resource(world: Ec2World, ec2: EC2Client) -> None:
    red, blue = make_vpc(ec2, team="red"), make_vpc(ec2, "10.1.0.0/16", team="blue")
    limited = world.client([allow("ec2:DeleteVpc", StringEquals={"aws:ResourceTag/team": "red"})])
    with pytest.raises(ClientError) as caught:
        limited.delete_vpc(VpcId=blue)
    assert_denied(caught.value, "ec2:DeleteVpc")
    limited.delete_vpc(VpcId=red)


def test_a_tag_of_one_resource_does_not_give_access_to_another(world: Ec2World, ec2: EC2Client) -> None:
    vpc_id = make_vpc(ec2)
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    table_id = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    ec2.create_tags(Resources=[subnet_id], Tags=[{"Key": "team", "Value": "red"}])
    limited = world.client([allow("ec2:AssociateRouteTable", StringEquals={"aws:ResourceTag/team": "red"})])
    with pytest.raises(ClientError) as caught:
        limited.associate_route_table(RouteTableId=table_id, SubnetId=subnet_id)
    assert_denied(caught.value, "ec2:AssociateRouteTable")
    ec2.create_tags(Resources=[table_id], Tags=[{"Key": "team", "Value": "red"}])
    limited.associate_route_table(RouteTableId=table_id, SubnetId=subnet_id)


def test_a_deny_by_tag_applies_if_one_of_several_resources_has_the_tag(world: Ec2World, ec2: EC2Client) -> None:
    plain, guarded = make_vpc(ec2), make_vpc(ec2, "10.1.0.0/16", guarded="yes")
    deny = allow("ec2:CreateTags", StringEquals={"aws:ResourceTag/guarded": "yes"}) | {"Effect": "Deny"}
    limited = world.client([allow("ec2:CreateTags"), deny])
    limited.create_tags(Resources=[plain], Tags=[{"Key": "a", "Value": "b"}])
    with pytest.raises(ClientError) as caught:
        limited.create_tags(Resources=[plain, guarded], Tags=[{"Key": "c", "Value": "d"}])
    assert_denied(caught.value, "ec2:CreateTags")
    assert ec2.describe_vpcs(VpcIds=[plain])["Vpcs"][0]["Tags"] == [{"Key": "a", "Value": "b"}]


def test_a_policy_can_require_tags_in_the_request_and_tags_need_create_tags(world: Ec2World) -> None:
    tags: Any = [{"ResourceType": "vpc", "Tags": [{"Key": "team", "Value": "red"}]}]
    demanding = [allow("ec2:CreateVpc", StringEquals={"aws:RequestTag/team": "red"})]
    with pytest.raises(ClientError) as caught:
        world.client(demanding).create_vpc(CidrBlock="10.0.0.0/16")
    assert_denied(caught.value, "ec2:CreateVpc")
    with pytest.raises(ClientError) as caught:
        world.client(demanding).create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)
    assert_denied(caught.value, "ec2:CreateTags")
    tagging = allow("ec2:CreateTags", StringEquals={"ec2:CreateAction": "CreateVpc"})
    ec2 = world.client([*demanding, tagging])
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
    with pytest.raises(ClientError) as caught:
        ec2.create_tags(Resources=[vpc_id], Tags=[{"Key": "more", "Value": "x"}])
    assert_denied(caught.value, "ec2:CreateTags")


def test_a_dry_run_says_whether_the_call_would_be_allowed_and_changes_nothing(world: Ec2World, ec2: EC2Client) -> None:
    with pytest.raises(ClientError) as caught:
        ec2.create_vpc(CidrBlock="10.0.0.0/16", DryRun=True)
    assert code_of(caught.value) == "DryRunOperation"
    nobody = world.client([allow("s3:GetObject")])
    with pytest.raises(ClientError) as caught:
        nobody.create_vpc(CidrBlock="10.0.0.0/16", DryRun=True)
    assert_denied(caught.value, "ec2:CreateVpc")
    assert len(ec2.describe_vpcs()["Vpcs"]) == 1


def test_a_describe_call_needs_permission_on_all_resources(world: Ec2World, ec2: EC2Client) -> None:
    vpc_id = make_vpc(ec2)
    with pytest.raises(ClientError) as caught:
        world.client([allow("ec2:DescribeVpcs", arn("vpc", vpc_id))]).describe_vpcs()
    assert_denied(caught.value, "ec2:DescribeVpcs")


def test_creating_a_flow_log_needs_permission_to_pass_its_role(world: Ec2World, ec2: EC2Client) -> None:
    vpc_id = make_vpc(ec2)
    role = f"arn:aws:iam::{ACCOUNT}:role/logs"
    wanted: Any = {
        "ResourceIds": [vpc_id],
        "ResourceType": "VPC",
        "TrafficType": "ALL",
        "LogGroupName": "/flow",
        "DeliverLogsPermissionArn": role,
    }
    with pytest.raises(ClientError) as caught:
        world.client([allow("ec2:*")]).create_flow_logs(**wanted)
    assert_denied(caught.value, "iam:PassRole")
    passing = allow("iam:PassRole", role, StringEquals={"iam:PassedToService": "vpc-flow-logs.amazonaws.com"})
    answer = world.client([allow("ec2:*"), passing]).create_flow_logs(**wanted)
    assert (len(answer["FlowLogIds"]), answer["Unsuccessful"]) == (1, [])


def test_a_flow_log_to_s3_needs_permission_for_log_delivery(world: Ec2World, ec2: EC2Client) -> None:
    vpc_id = make_vpc(ec2)
    world.buckets["records"] = "writable"
    wanted: Any = {
        "ResourceIds": [vpc_id],
        "ResourceType": "VPC",
        "TrafficType": "ALL",
        "LogDestinationType": "s3",
        "LogDestination": "arn:aws:s3:::records/here",
    }
    with pytest.raises(ClientError) as caught:
        world.client([allow("ec2:*")]).create_flow_logs(**wanted)
    assert_denied(caught.value, "logs:CreateLogDelivery")
    assert world.client(EVERYTHING).create_flow_logs(**wanted)["Unsuccessful"] == []


def test_a_policy_can_limit_the_addresses_and_subnets_of_nat_gateways(world: Ec2World, ec2: EC2Client) -> None:
    (vpc,) = ec2.describe_vpcs()["Vpcs"]
    subnet_id = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"][0]["SubnetId"]
    mine, other = ec2.allocate_address()["AllocationId"], ec2.allocate_address()["AllocationId"]
    limited = world.client(
        [
            allow("ec2:CreateNatGateway", arn("natgateway", "*")),
            allow("ec2:CreateNatGateway", arn("subnet", subnet_id)),
            allow("ec2:CreateNatGateway", arn("elastic-ip", mine)),
        ]
    )
    with pytest.raises(ClientError) as caught:
        limited.create_nat_gateway(SubnetId=subnet_id, AllocationId=other)
    assert_denied(caught.value, "ec2:CreateNatGateway")
    limited.create_nat_gateway(SubnetId=subnet_id, AllocationId=mine)


def test_disassociating_needs_permission_on_both_the_address_and_the_interface(world: Ec2World, ec2: EC2Client) -> None:
    subnet_id = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    interface = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    allocation = ec2.allocate_address()["AllocationId"]
    association = ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=interface)["AssociationId"]
    address_only = world.client([allow("ec2:DisassociateAddress", arn("elastic-ip", allocation))])
    with pytest.raises(ClientError) as caught:
        address_only.disassociate_address(AssociationId=association)
    assert_denied(caught.value, "ec2:DisassociateAddress")
    both = world.client(
        [
            allow("ec2:DisassociateAddress", arn("elastic-ip", allocation)),
            allow("ec2:DisassociateAddress", arn("network-interface", interface)),
        ]
    )
    both.disassociate_address(AssociationId=association)
