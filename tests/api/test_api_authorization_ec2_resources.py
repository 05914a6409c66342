"""Authorization of EC2 calls: the resources of a call, however it names them, and their condition keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.worlds.ec2 import ACCOUNT, EVERYTHING, REGION, Ec2World, code_of, message_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

RULE: Any = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]


def arn(kind: str, identifier: str) -> str:
    return f"arn:aws:ec2:{REGION}:{ACCOUNT}:{kind}/{identifier}"


def statement(effect: str, action: str, resource: str = "*", **condition: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": f"ec2:{action}", "Resource": resource, "Condition": condition}


def default_vpc(ec2: EC2Client) -> str:
    return ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]


def refuses(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    assert code_of(caught.value) == "UnauthorizedOperation", caught.value
    return message_of(caught.value)


def test_a_deny_for_a_group_applies_whether_it_is_given_by_name_or_id(world: Ec2World, ec2: EC2Client) -> None:
    group = ec2.create_security_group(GroupName="doors", Description="of the house")["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=RULE)
    careful = world.client([*EVERYTHING, statement("Deny", "*", arn("security-group", group))])
    for by in ({"GroupName": "doors"}, {"GroupId": group}):
        assert group in refuses(careful.revoke_security_group_ingress, IpPermissions=RULE, **by)
        assert group in refuses(careful.authorize_security_group_ingress, IpPermissions=RULE, **by)
        assert group in refuses(careful.delete_security_group, **by)
    with pytest.raises(ClientError, match=r"InvalidGroup\.NotFound"):
        careful.delete_security_group(GroupName="no-such-group")


def test_creating_a_group_without_a_vpc_is_authorized_on_the_default_vpc(world: Ec2World, ec2: EC2Client) -> None:
    denied = world.client([*EVERYTHING, statement("Deny", "CreateSecurityGroup", arn("vpc", default_vpc(ec2)))])
    assert default_vpc(ec2) in refuses(denied.create_security_group, GroupName="x", Description="x")


def test_changing_rules_needs_permission_on_the_group_and_on_each_rule(world: Ec2World, ec2: EC2Client) -> None:
    group = ec2.create_security_group(GroupName="doors", Description="of the house")["GroupId"]
    made = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=RULE)
    rule = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    change: Any = {
        "GroupId": group,
        "SecurityGroupRules": [
            {
                "SecurityGroupRuleId": rule,
                "SecurityGroupRule": {"IpProtocol": "tcp", "FromPort": 23, "ToPort": 23, "CidrIpv4": "10.0.0.0/8"},
            }
        ],
    }
    on_group = statement("Allow", "ModifySecurityGroupRules", arn("security-group", group))
    assert rule in refuses(world.client([on_group]).modify_security_group_rules, **change)
    on_rules = statement("Allow", "ModifySecurityGroupRules", arn("security-group-rule", "*"))
    assert world.client([on_group, on_rules]).modify_security_group_rules(**change)["Return"]


def test_a_subnet_in_subnet_configurations_is_a_resource_of_the_call(world: Ec2World, ec2: EC2Client) -> None:
    vpc = default_vpc(ec2)
    subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]]
    careful = world.client([*EVERYTHING, statement("Deny", "*", arn("subnet", subnets[1]))])
    made = careful.create_vpc_endpoint(
        VpcId=vpc,
        VpcEndpointType="Interface",
        ServiceName=f"com.amazonaws.{REGION}.logs",
        SubnetIds=subnets[:1],
        PrivateDnsEnabled=False,
    )["VpcEndpoint"]["VpcEndpointId"]
    chosen: Any = [{"SubnetId": subnets[1]}]
    assert subnets[1] in refuses(careful.modify_vpc_endpoint, VpcEndpointId=made, SubnetConfigurations=chosen)


def test_deleting_an_interface_permission_is_authorized_on_its_interface(world: Ec2World, ec2: EC2Client) -> None:
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    given = ec2.create_network_interface_permission(
        NetworkInterfaceId=interface, AwsAccountId="123456789012", Permission="INSTANCE-ATTACH"
    )["InterfacePermission"]["NetworkInterfacePermissionId"]
    elsewhere = statement("Allow", "*", ArnEquals={"ec2:Subnet": arn("subnet", "subnet-0123456789abcdef0")})
    refused = world.client([elsewhere]).delete_network_interface_permission
    assert interface in refuses(refused, NetworkInterfacePermissionId=given)
    here = statement("Allow", "*", arn("network-interface", interface), ArnEquals={"ec2:Subnet": arn("subnet", subnet)})
    assert world.client([here]).delete_network_interface_permission(NetworkInterfacePermissionId=given)["Return"]


def test_a_new_interface_has_its_subnet_and_vpc_as_keys_but_not_the_subnets_tags(
    world: Ec2World, ec2: EC2Client
) -> None:
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ec2.create_tags(Resources=[subnet], Tags=[{"Key": "team", "Value": "red"}])
    tagged = statement("Allow", "CreateNetworkInterface", StringEquals={"aws:ResourceTag/team": "red"})
    message = refuses(world.client([tagged]).create_network_interface, SubnetId=subnet)
    assert arn("network-interface", "*") in message
    placed = statement(
        "Allow",
        "CreateNetworkInterface",
        arn("network-interface", "*"),
        ArnEquals={"ec2:Subnet": arn("subnet", subnet), "ec2:Vpc": arn("vpc", default_vpc(ec2))},
    )
    assert world.client([tagged, placed]).create_network_interface(SubnetId=subnet)


KEYS = [
    ("vpc", "ec2:VpcID", "VpcId", "describe_vpc_attribute", {"Attribute": "enableDnsSupport"}),
    ("subnet", "ec2:SubnetID", "SubnetId", "modify_subnet_attribute", {"MapPublicIpOnLaunch": {"Value": False}}),
    ("route-table", "ec2:RouteTableID", "RouteTableId", "delete_route_table", {"DryRun": True}),
    ("dhcp-options", "ec2:DhcpOptionsID", "DhcpOptionsId", "delete_dhcp_options", {"DryRun": True}),
    ("internet-gateway", "ec2:InternetGatewayID", "InternetGatewayId", "delete_internet_gateway", {"DryRun": True}),
    ("elastic-ip", "ec2:AllocationId", "AllocationId", "release_address", {"DryRun": True}),
]


@pytest.mark.parametrize(("kind", "key", "parameter", "call", "more"), KEYS, ids=[each[0] for each in KEYS])
def test_the_id_of_a_resource_is_a_condition_key(
    world: Ec2World, ec2: EC2Client, kind: str, key: str, parameter: str, call: str, more: dict[str, Any]
) -> None:
    vpc = default_vpc(ec2)
    identifier = {
        "vpc": lambda: vpc,
        "subnet": lambda: ec2.describe_subnets()["Subnets"][0]["SubnetId"],
        "route-table": lambda: ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"],
        "dhcp-options": lambda: ec2.describe_dhcp_options()["DhcpOptions"][0]["DhcpOptionsId"],
        "internet-gateway": lambda: ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"],
        "elastic-ip": lambda: ec2.allocate_address()["AllocationId"],
    }[kind]()
    for value, allowed in ((identifier, True), (identifier + "0", False)):
        condition = {"StringEquals": {key: value, "ec2:Region": REGION}}
        client = world.client([{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}])
        if not allowed:
            refuses(getattr(client, call), **{parameter: identifier}, **more)
        elif "DryRun" in more:
            with pytest.raises(ClientError, match="DryRunOperation"):
                getattr(client, call)(**{parameter: identifier}, **more)
        else:
            getattr(client, call)(**{parameter: identifier}, **more)
