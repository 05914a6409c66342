"""VPCs, their attributes, and the resources that exist from the start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from reading_room.vpc.network_spec import NETWORK_TABLES
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.vpcs import bootstrap
from tests.worlds.ec2 import ACCOUNT, REGION, Ec2World, code_of, message_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

GHOST = "vpc-0123456789abcdef0"


def test_a_new_vpc_is_pending_then_available_with_its_block_in_canonical_form(ec2: EC2Client) -> None:
    made = ec2.create_vpc(CidrBlock="10.0.0.7/16", InstanceTenancy="default", AmazonProvidedIpv6CidrBlock=False)["Vpc"]
    assert (made["CidrBlock"], made["State"], made["IsDefault"], made["OwnerId"]) == (
        "10.0.0.0/16",
        "pending",
        False,
        ACCOUNT,
    )
    ec2.get_waiter("vpc_available").wait(VpcIds=[made["VpcId"]])
    (seen,) = ec2.describe_vpcs(VpcIds=[made["VpcId"]])["Vpcs"]
    assert seen["State"] == "available"
    (block,) = seen["CidrBlockAssociationSet"]
    assert block["CidrBlockState"]["State"] == "associated"
    (options,) = ec2.describe_dhcp_options()["DhcpOptions"]
    assert seen["DhcpOptionsId"] == options["DhcpOptionsId"]
    assert {entry["Key"]: entry["Values"][0]["Value"] for entry in options["DhcpConfigurations"]} == {
        "domain-name": "ec2.internal",
        "domain-name-servers": "AmazonProvidedDNS",
    }


def test_the_default_vpc_has_a_subnet_in_each_zone(ec2: EC2Client) -> None:
    (default,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    assert default["CidrBlock"] == "172.31.0.0/16"
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    assert {subnet["AvailabilityZone"] for subnet in subnets} == {zone["ZoneName"] for zone in zones}
    assert {subnet["VpcId"] for subnet in subnets} == {default["VpcId"]}
    with pytest.raises(ClientError) as caught:
        ec2.create_default_vpc()
    assert code_of(caught.value) == "DefaultVpcAlreadyExists"


def test_the_services_own_network_is_in_no_account(ec2: EC2Client) -> None:
    assert len(ec2.describe_vpcs()["Vpcs"]) == 1
    assert ec2.describe_vpc_endpoints()["VpcEndpoints"] == []
    assert {group["GroupName"] for group in ec2.describe_security_groups()["SecurityGroups"]} == {"default"}


def test_each_vpc_has_a_main_table_a_default_group_and_a_network_acl(ec2: EC2Client) -> None:
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    here: Any = {"Name": "vpc-id", "Values": [vpc_id]}
    main: Any = {"Name": "association.main", "Values": ["true"]}
    default: Any = {"Name": "group-name", "Values": ["default"]}
    (table,) = ec2.describe_route_tables(Filters=[main, here])["RouteTables"]
    assert [(route["DestinationCidrBlock"], route["GatewayId"]) for route in table["Routes"]] == [
        ("10.0.0.0/16", "local")
    ]
    (group,) = ec2.describe_security_groups(Filters=[default, here])["SecurityGroups"]
    assert group["IpPermissions"][0]["UserIdGroupPairs"] == [{"GroupId": group["GroupId"], "UserId": ACCOUNT}]
    assert group["IpPermissionsEgress"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]
    (acl,) = ec2.describe_network_acls(Filters=[{"Name": "default", "Values": ["true"]}, here])["NetworkAcls"]
    assert {(entry["RuleNumber"], entry["RuleAction"]) for entry in acl["Entries"]} == {(100, "allow"), (32767, "deny")}
    ec2.delete_vpc(VpcId=vpc_id)
    for found in (
        ec2.describe_vpcs(Filters=[here])["Vpcs"],
        ec2.describe_route_tables(Filters=[here])["RouteTables"],
        ec2.describe_security_groups(Filters=[here])["SecurityGroups"],
    ):
        assert found == []


@pytest.mark.parametrize(
    ("cidr", "code"),
    [
        ("10.0.0.0/8", "InvalidVpc.Range"),
        ("10.0.0.0/29", "InvalidVpc.Range"),
        ("127.0.0.0/16", "InvalidVpc.Range"),
        ("ten", "InvalidParameterValue"),
        ("10.0.0.0", "InvalidParameterValue"),
    ],
)
def test_an_invalid_block_is_refused_and_creates_nothing(ec2: EC2Client, cidr: str, code: str) -> None:
    with pytest.raises(ClientError) as caught:
        ec2.create_vpc(CidrBlock=cidr)
    assert code_of(caught.value) == code
    assert cidr in message_of(caught.value)
    assert len(ec2.describe_vpcs()["Vpcs"]) == 1


def test_a_parameter_without_effect_is_refused_by_name(ec2: EC2Client) -> None:
    with pytest.raises(ClientError, match="AmazonProvidedIpv6CidrBlock") as caught:
        ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)
    assert code_of(caught.value) == "UnsupportedOperation"
    with pytest.raises(ClientError) as caught:
        ec2.create_vpc()
    assert code_of(caught.value) == "MissingParameter"


def test_a_vpc_that_still_has_resources_cannot_be_deleted(ec2: EC2Client) -> None:
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    with pytest.raises(ClientError, match=f"The vpc '{vpc_id}' has dependencies") as caught:
        ec2.delete_vpc(VpcId=vpc_id)
    assert code_of(caught.value) == "DependencyViolation"
    ec2.delete_subnet(SubnetId=subnet_id)
    ec2.delete_vpc(VpcId=vpc_id)
    with pytest.raises(ClientError, match=f"The vpc ID '{vpc_id}' does not exist") as caught:
        ec2.describe_vpcs(VpcIds=[vpc_id])
    assert code_of(caught.value) == "InvalidVpcID.NotFound"


def test_attributes_are_read_and_written_one_at_a_time(ec2: EC2Client) -> None:
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    support = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsSupport")
    assert support["EnableDnsSupport"] == {"Value": True}
    hostnames = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsHostnames")
    assert hostnames["EnableDnsHostnames"] == {"Value": False}
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    answer = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsHostnames")
    assert answer["EnableDnsHostnames"] == {"Value": True}
    assert "EnableDnsSupport" not in dict(answer)
    with pytest.raises(ClientError) as caught:
        ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True}, EnableDnsSupport={"Value": True})
    assert code_of(caught.value) == "InvalidParameterCombination"
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsSupport={"Value": False})
    with pytest.raises(ClientError) as caught:
        ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    assert code_of(caught.value) == "InvalidParameterValue"


def test_malformed_and_unknown_ids_get_different_errors(ec2: EC2Client) -> None:
    with pytest.raises(ClientError, match=r'Invalid id: "vpc-xyz" \(expecting "vpc-..."\)') as caught:
        ec2.describe_vpcs(VpcIds=["vpc-xyz"])
    assert code_of(caught.value) == "InvalidVpcID.Malformed"
    with pytest.raises(ClientError) as caught:
        ec2.delete_vpc(VpcId=GHOST)
    assert code_of(caught.value) == "InvalidVpcID.NotFound"


def test_filters_wildcards_and_pages_find_vpcs(ec2: EC2Client) -> None:
    for number in range(7):
        ec2.create_vpc(
            CidrBlock=f"10.{number}.0.0/16",
            TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": f"net-{number}"}]}],
        )
    assert len(ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["net-?"]}])["Vpcs"]) == 7
    assert len(ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.3.*", "10.4.0.0/16"]}])["Vpcs"]) == 2
    pages = list(ec2.get_paginator("describe_vpcs").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["Vpcs"]) for page in pages] == [5, 3]
    with pytest.raises(ClientError, match="The filter 'colour' is invalid") as caught:
        ec2.describe_vpcs(Filters=[{"Name": "colour", "Values": ["red"]}])
    assert code_of(caught.value) == "InvalidParameterValue"


def test_the_list_shows_every_change_at_once(ec2: EC2Client) -> None:
    def listed() -> Any:
        return next((vpc for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]), None)

    assert listed() is None
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16", InstanceTenancy="dedicated")["Vpc"]["VpcId"]
    assert (listed()["VpcId"], listed()["InstanceTenancy"]) == (vpc_id, "dedicated")
    ec2.modify_vpc_tenancy(VpcId=vpc_id, InstanceTenancy="default")
    assert listed()["InstanceTenancy"] == "default"
    ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock="10.1.0.0/16")
    assert len(listed()["CidrBlockAssociationSet"]) == 2
    ec2.create_tags(Resources=[vpc_id], Tags=[{"Key": "team", "Value": "readers"}])
    assert listed()["Tags"] == [{"Key": "team", "Value": "readers"}]
    ec2.delete_tags(Resources=[vpc_id])
    assert listed().get("Tags", []) == []
    options = ec2.create_dhcp_options(DhcpConfigurations=[{"Key": "domain-name", "Values": ["example.com"]}])
    ec2.associate_dhcp_options(VpcId=vpc_id, DhcpOptionsId=options["DhcpOptions"]["DhcpOptionsId"])
    assert listed()["DhcpOptionsId"] == options["DhcpOptions"]["DhcpOptionsId"]
    ec2.delete_vpc(VpcId=vpc_id)
    assert listed() is None


def test_the_quota_of_vpcs_is_enforced(tmp_path: Path) -> None:
    world = Ec2World(tmp_path, Quotas(vpcs=2))
    ec2 = world.client()
    ec2.create_vpc(CidrBlock="10.0.0.0/16")
    with pytest.raises(ClientError) as caught:
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    assert code_of(caught.value) == "VpcLimitExceeded"
    world.close()


def test_a_deleted_default_vpc_is_created_again_only_on_request(world: Ec2World, ec2: EC2Client) -> None:
    (default,) = ec2.describe_vpcs()["Vpcs"]
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    (gateway,) = ec2.describe_internet_gateways()["InternetGateways"]
    ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=default["VpcId"])
    ec2.delete_vpc(VpcId=default["VpcId"])
    with world.database.transaction() as session:
        assert bootstrap.default_vpc(session, ACCOUNT, REGION) is None
    with pytest.raises(ClientError) as caught:
        ec2.create_security_group(GroupName="web", Description="web")
    assert code_of(caught.value) == "VPCIdNotSpecified"
    assert ec2.create_default_vpc()["Vpc"]["IsDefault"] is True
    assert len(ec2.describe_subnets()["Subnets"]) == 6


def test_the_network_is_notified_of_every_change_that_concerns_it(world: Ec2World, ec2: EC2Client) -> None:
    announced: list[frozenset[str]] = []
    world.database.on_commit(announced.append)
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    table_id = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    group_id = ec2.create_security_group(VpcId=vpc_id, GroupName="web", Description="web")["GroupId"]
    rule: Any = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    s3 = "com.amazonaws.us-east-1.s3"
    endpoint_id = ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=s3)["VpcEndpoint"]["VpcEndpointId"]
    interface_id = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    association = ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet_id)["AssociationId"]
    steps: list[Callable[[], object]] = [
        lambda: ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsSupport={"Value": False}),
        lambda: ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=rule),
        lambda: ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=rule),
        lambda: ec2.modify_network_interface_attribute(NetworkInterfaceId=interface_id, Groups=[group_id]),
        lambda: ec2.modify_vpc_endpoint(VpcEndpointId=endpoint_id, AddRouteTableIds=[table_id]),
        lambda: ec2.modify_vpc_endpoint(VpcEndpointId=endpoint_id, RemoveRouteTableIds=[table_id]),
        lambda: ec2.disassociate_route_table(AssociationId=association),
        lambda: ec2.delete_network_interface(NetworkInterfaceId=interface_id),
        lambda: ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint_id]),
        lambda: ec2.delete_subnet(SubnetId=subnet_id),
        lambda: ec2.delete_route_table(RouteTableId=table_id),
        lambda: ec2.delete_security_group(GroupId=group_id),
        lambda: ec2.delete_vpc(VpcId=vpc_id),
    ]
    for number, step in enumerate(steps):
        announced.clear()
        step()
        assert any(tables & NETWORK_TABLES for tables in announced), number
    announced.clear()
    options = ec2.describe_dhcp_options()["DhcpOptions"][0]["DhcpOptionsId"]
    ec2.create_tags(Resources=[options], Tags=[{"Key": "Name", "Value": "x"}])
    ec2.describe_vpcs()
    assert not any(tables & NETWORK_TABLES for tables in announced)
