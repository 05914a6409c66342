"""Public and private NAT gateways with their interfaces and addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from reading_room.vpc.quotas import Quotas
from tests.worlds.ec2 import Ec2World, code_of

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_ec2 import EC2Client


@pytest.fixture
def gateway_id(ec2: EC2Client, vpc_id: str) -> str:
    """The internet gateway of the VPC."""
    made = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc_id)
    return made


@pytest.fixture
def nat_id(ec2: EC2Client, gateway_id: str, subnet_id: str) -> str:
    """A public NAT gateway."""
    allocation = ec2.allocate_address()["AllocationId"]
    return ec2.create_nat_gateway(SubnetId=subnet_id, AllocationId=allocation)["NatGateway"]["NatGatewayId"]


@pytest.fixture
def private_id(ec2: EC2Client, subnet_id: str) -> str:
    """A private NAT gateway, in a VPC that needs no internet gateway."""
    return ec2.create_nat_gateway(SubnetId=subnet_id, ConnectivityType="private")["NatGateway"]["NatGatewayId"]


def gateway(ec2: EC2Client, nat_id: str) -> Any:
    (found,) = ec2.describe_nat_gateways(NatGatewayIds=[nat_id])["NatGateways"]
    return found


def found(ec2: Any, name: str, value: str) -> set[str]:
    # SDKs differ in whether they call the parameter Filter or Filters.
    answer = ec2.describe_nat_gateways(Filter=[{"Name": name, "Values": [value]}])
    return {each["NatGatewayId"] for each in answer["NatGateways"]}


def interface(ec2: EC2Client, nat_id: str) -> Any:
    wanted = [{"Name": "description", "Values": [f"Interface for NAT Gateway {nat_id}"]}]
    (found,) = ec2.describe_network_interfaces(Filters=wanted)["NetworkInterfaces"]  # type: ignore[arg-type]
    return found


def test_a_public_gateway_is_pending_and_then_available_with_its_address(
    ec2: EC2Client, vpc_id: str, gateway_id: str, subnet_id: str
) -> None:
    allocated = ec2.allocate_address()
    made = ec2.create_nat_gateway(
        SubnetId=subnet_id,
        AllocationId=allocated["AllocationId"],
        TagSpecifications=[{"ResourceType": "natgateway", "Tags": [{"Key": "Name", "Value": "nat"}]}],
    )["NatGateway"]
    assert (made["State"], made["VpcId"], made["ConnectivityType"]) == ("pending", vpc_id, "public")
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[made["NatGatewayId"]])
    seen = gateway(ec2, made["NatGatewayId"])
    assert seen["Tags"] == [{"Key": "Name", "Value": "nat"}]
    (address,) = seen["NatGatewayAddresses"]
    assert address["AllocationId"] == allocated["AllocationId"]
    assert (address["PublicIp"], address["IsPrimary"], address["Status"]) == (allocated["PublicIp"], True, "succeeded")
    found = interface(ec2, made["NatGatewayId"])
    assert found["NetworkInterfaceId"] == address["NetworkInterfaceId"]
    assert (found["InterfaceType"], found["RequesterManaged"], found["Status"], found["Groups"]) == (
        "nat_gateway",
        True,
        "in-use",
        [],
    )
    assert found["SourceDestCheck"] is False
    assert found["Attachment"]["InstanceOwnerId"] == "amazon-aws"
    assert (found["PrivateIpAddress"], found["Association"]["PublicIp"]) == (
        address["PrivateIp"],
        allocated["PublicIp"],
    )


@pytest.mark.costs(0.2, reason="it creates a NAT gateway with all its resources, deletes it and describes it")
def test_a_deleted_gateway_is_still_described_and_its_address_and_routes_remain(
    ec2: EC2Client, vpc_id: str, subnet_id: str, nat_id: str
) -> None:
    table = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat_id)
    assert ec2.delete_nat_gateway(NatGatewayId=nat_id)["NatGatewayId"] == nat_id
    ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[nat_id])
    seen = gateway(ec2, nat_id)
    assert (seen["State"], "DeleteTime" in seen) == ("deleted", True)
    (address,) = ec2.describe_addresses()["Addresses"]
    assert "AssociationId" not in address
    (described,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    assert (described["Routes"][1]["NatGatewayId"], described["Routes"][1]["State"]) == (nat_id, "blackhole")
    with pytest.raises(ClientError, match=f"NatGateway {nat_id} was not found") as caught:
        ec2.delete_nat_gateway(NatGatewayId=nat_id)
    assert code_of(caught.value) == "NatGatewayNotFound"
    with pytest.raises(ClientError) as caught:
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="192.0.2.0/24", NatGatewayId=nat_id)
    assert code_of(caught.value) == "InvalidNatGatewayID.NotFound"
    ec2.delete_subnet(SubnetId=subnet_id)
    assert gateway(ec2, nat_id)["SubnetId"] == subnet_id


@pytest.mark.costs(0.25, reason="one of the obstacles is a full subnet, which takes one call per address")
@pytest.mark.parametrize(
    ("obstacle", "code", "message"),
    [
        ("no gateway", "Gateway.NotAttached", "Network {vpc} has no Internet gateway attached"),
        (
            "unknown",
            "InvalidAllocationID.NotFound",
            "Elastic IP address {eip} could not be associated with this NAT gateway",
        ),
        ("taken", "Resource.AlreadyAssociated", "Elastic IP address {eip} is already associated"),
        (
            "full",
            "InsufficientFreeAddressesInSubnet",
            "Subnet has insufficient free addresses to create this NAT gateway",
        ),
    ],
)
def test_an_obstacle_results_in_a_failed_gateway(
    ec2: EC2Client, vpc_id: str, obstacle: str, code: str, message: str
) -> None:
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.0.0/28")["Subnet"]["SubnetId"]
    eip = ec2.allocate_address()["AllocationId"]
    if obstacle != "no gateway":
        made = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc_id)
    if obstacle == "unknown":
        eip = "eipalloc-0123456789abcdef0"
    if obstacle == "taken":
        ec2.create_nat_gateway(SubnetId=subnet_id, AllocationId=eip)
    if obstacle == "full":
        for _ in range(11):
            ec2.create_network_interface(SubnetId=subnet_id)
    answer = ec2.create_nat_gateway(SubnetId=subnet_id, AllocationId=eip)["NatGateway"]
    assert answer["State"] == "pending"
    seen = gateway(ec2, answer["NatGatewayId"])
    assert (seen["State"], seen["FailureCode"]) == ("failed", code)
    assert seen["FailureMessage"] == message.format(vpc=vpc_id, eip=eip)
    with pytest.raises(ClientError) as caught:
        ec2.associate_nat_gateway_address(NatGatewayId=answer["NatGatewayId"], AllocationIds=[eip])
    assert code_of(caught.value) == "IncorrectState"
    ec2.delete_nat_gateway(NatGatewayId=answer["NatGatewayId"])
    assert gateway(ec2, answer["NatGatewayId"])["State"] == "deleted"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({}, "MissingParameter"),
        ({"SubnetId": "own"}, "MissingParameter"),
        ({"SubnetId": "subnet-0123456789abcdef0", "ConnectivityType": "private"}, "InvalidSubnetID.NotFound"),
        ({"SubnetId": "own", "ConnectivityType": "hidden"}, "InvalidParameterValue"),
        (
            {"SubnetId": "own", "ConnectivityType": "private", "AllocationId": "eipalloc-0123456789abcdef0"},
            "InvalidParameterCombination",
        ),
        ({"SubnetId": "own", "AllocationId": "eip-1"}, "InvalidAllocationID.Malformed"),
        (
            {"SubnetId": "own", "AllocationId": "eipalloc-0123456789abcdef0", "SecondaryPrivateIpAddressCount": 1},
            "InvalidParameterCombination",
        ),
        (
            {"SubnetId": "own", "AllocationId": "eipalloc-01234567", "SecondaryPrivateIpAddresses": ["10.0.0.9"]},
            "InvalidParameterCombination",
        ),
        (
            {
                "SubnetId": "own",
                "ConnectivityType": "private",
                "SecondaryPrivateIpAddresses": ["10.0.0.9"],
                "SecondaryPrivateIpAddressCount": 1,
            },
            "InvalidParameterCombination",
        ),
        ({"SubnetId": "own", "ConnectivityType": "private", "PrivateIpAddress": "10.0.0.3"}, "InvalidParameterValue"),
        ({"AvailabilityMode": "regional", "VpcId": "vpc-0123456789abcdef0"}, "UnsupportedOperation"),
    ],
)
def test_a_contradictory_request_creates_nothing(ec2: EC2Client, subnet_id: str, wanted: Any, code: str) -> None:
    given: Any = {name: subnet_id if value == "own" else value for name, value in wanted.items()}
    with pytest.raises(ClientError) as caught:
        ec2.create_nat_gateway(**given)
    assert code_of(caught.value) == code
    assert ec2.describe_nat_gateways()["NatGateways"] == []


def test_a_repeated_client_token_creates_one_gateway(ec2: EC2Client, subnet_id: str) -> None:
    wanted: Any = {"SubnetId": subnet_id, "ConnectivityType": "private", "ClientToken": "once"}
    first = ec2.create_nat_gateway(**wanted)
    assert first["ClientToken"] == "once"
    again = ec2.create_nat_gateway(**wanted)["NatGateway"]
    assert again["NatGatewayId"] == first["NatGateway"]["NatGatewayId"]
    with pytest.raises(ClientError) as caught:
        ec2.create_nat_gateway(**{**wanted, "PrivateIpAddress": "10.0.0.99"})
    assert code_of(caught.value) == "IdempotentParameterMismatch"


def test_the_owner_cannot_change_the_address_or_the_interface_of_a_gateway(ec2: EC2Client, nat_id: str) -> None:
    (address,) = gateway(ec2, nat_id)["NatGatewayAddresses"]
    attempts: list[tuple[str, dict[str, Any]]] = [
        ("release_address", {"AllocationId": address["AllocationId"]}),
        ("disassociate_address", {"AssociationId": address["AssociationId"]}),
        (
            "associate_address",
            {"AllocationId": address["AllocationId"], "NetworkInterfaceId": address["NetworkInterfaceId"]},
        ),
        (
            "associate_address",
            {
                "AllocationId": ec2.allocate_address()["AllocationId"],
                "NetworkInterfaceId": address["NetworkInterfaceId"],
            },
        ),
    ]
    for operation, parameters in attempts:
        with pytest.raises(ClientError, match="You do not have permission to access the specified resource") as caught:
            getattr(ec2, operation)(**parameters)
        assert code_of(caught.value) == "AuthFailure", operation
    with pytest.raises(ClientError):
        ec2.delete_network_interface(NetworkInterfaceId=address["NetworkInterfaceId"])
    assert gateway(ec2, nat_id)["NatGatewayAddresses"] == [address]


def test_what_a_gateway_depends_on_cannot_be_removed(
    ec2: EC2Client, vpc_id: str, gateway_id: str, subnet_id: str, nat_id: str
) -> None:
    attempts: list[tuple[str, dict[str, str]]] = [
        ("delete_subnet", {"SubnetId": subnet_id}),
        ("delete_vpc", {"VpcId": vpc_id}),
        ("detach_internet_gateway", {"InternetGatewayId": gateway_id, "VpcId": vpc_id}),
    ]
    for operation, parameters in attempts:
        with pytest.raises(ClientError) as caught:
            getattr(ec2, operation)(**parameters)
        assert code_of(caught.value) == "DependencyViolation", operation
    ec2.delete_nat_gateway(NatGatewayId=nat_id)
    ec2.delete_subnet(SubnetId=subnet_id)
    ec2.detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)


def test_a_public_gateway_gets_and_releases_secondary_elastic_addresses(ec2: EC2Client, nat_id: str) -> None:
    more = [ec2.allocate_address()["AllocationId"] for _ in range(2)]
    answer = ec2.associate_nat_gateway_address(
        NatGatewayId=nat_id, AllocationIds=more, PrivateIpAddresses=["10.0.0.50", "10.0.0.40"]
    )
    assert {(entry["AllocationId"], entry["PrivateIp"]) for entry in answer["NatGatewayAddresses"]} == {
        (more[0], "10.0.0.50"),
        (more[1], "10.0.0.40"),
    }
    assert {entry["Status"] for entry in answer["NatGatewayAddresses"]} == {"associating"}
    assert [{"AssociationId", "PublicIp"} & set(entry) for entry in answer["NatGatewayAddresses"]] == [set(), set()]
    seen = gateway(ec2, nat_id)["NatGatewayAddresses"]
    assert [(entry["PrivateIp"], entry["IsPrimary"], entry["Status"]) for entry in seen] == [
        ("10.0.0.4", True, "succeeded"),
        ("10.0.0.40", False, "succeeded"),
        ("10.0.0.50", False, "succeeded"),
    ]
    assert len(interface(ec2, nat_id)["PrivateIpAddresses"]) == 3
    with pytest.raises(ClientError) as caught:
        ec2.associate_nat_gateway_address(NatGatewayId=nat_id, AllocationIds=more[:1])
    assert code_of(caught.value) == "Resource.AlreadyAssociated"
    with pytest.raises(ClientError, match="primary") as caught:
        ec2.disassociate_nat_gateway_address(NatGatewayId=nat_id, AssociationIds=[seen[0]["AssociationId"]])
    assert code_of(caught.value) == "InvalidParameterValue"
    with pytest.raises(ClientError) as caught:
        ec2.disassociate_nat_gateway_address(NatGatewayId=nat_id, AssociationIds=["eipassoc-0123456789abcdef0"])
    assert code_of(caught.value) == "InvalidAssociationID.NotFound"
    taken = ec2.disassociate_nat_gateway_address(NatGatewayId=nat_id, AssociationIds=[seen[1]["AssociationId"]])
    assert [entry["Status"] for entry in taken["NatGatewayAddresses"]] == ["disassociating"]
    assert [entry["PrivateIp"] for entry in gateway(ec2, nat_id)["NatGatewayAddresses"]] == ["10.0.0.4", "10.0.0.50"]
    ec2.release_address(AllocationId=more[1])


def test_a_private_gateway_gets_and_releases_secondary_private_addresses(ec2: EC2Client, private_id: str) -> None:
    ec2.assign_private_nat_gateway_address(NatGatewayId=private_id, PrivateIpAddressCount=1)
    ec2.assign_private_nat_gateway_address(NatGatewayId=private_id, PrivateIpAddresses=["10.0.0.60"])
    seen = gateway(ec2, private_id)["NatGatewayAddresses"]
    assert [entry["PrivateIp"] for entry in seen] == ["10.0.0.4", "10.0.0.5", "10.0.0.60"]
    assert all("PublicIp" not in entry for entry in seen)
    with pytest.raises(ClientError) as caught:
        ec2.unassign_private_nat_gateway_address(NatGatewayId=private_id, PrivateIpAddresses=["10.0.0.4"])
    assert code_of(caught.value) == "InvalidParameterValue"
    with pytest.raises(ClientError) as caught:
        ec2.assign_private_nat_gateway_address(NatGatewayId=private_id)
    assert code_of(caught.value) == "MissingParameter"
    with pytest.raises(ClientError, match="this needs a public one") as caught:
        ec2.associate_nat_gateway_address(
            NatGatewayId=private_id, AllocationIds=[ec2.allocate_address()["AllocationId"]]
        )
    assert code_of(caught.value) == "InvalidParameterValue"
    taken = ec2.unassign_private_nat_gateway_address(NatGatewayId=private_id, PrivateIpAddresses=["10.0.0.5"])
    assert [entry["PrivateIp"] for entry in taken["NatGatewayAddresses"]] == ["10.0.0.5"]
    assert [entry["PrivateIp"] for entry in gateway(ec2, private_id)["NatGatewayAddresses"]] == [
        "10.0.0.4",
        "10.0.0.60",
    ]
    with pytest.raises(ClientError) as caught:
        ec2.unassign_private_nat_gateway_address(
            NatGatewayId=private_id, PrivateIpAddresses=["10.0.0.60"], MaxDrainDurationSeconds=60
        )
    assert code_of(caught.value) == "UnsupportedOperation"


def test_a_gateway_can_be_created_with_all_its_addresses(ec2: EC2Client, gateway_id: str, subnet_id: str) -> None:
    first, second = ec2.allocate_address()["AllocationId"], ec2.allocate_address()["AllocationId"]
    made = ec2.create_nat_gateway(
        SubnetId=subnet_id,
        AllocationId=first,
        PrivateIpAddress="10.0.0.20",
        SecondaryAllocationIds=[second],
        SecondaryPrivateIpAddresses=["10.0.0.10"],
    )["NatGateway"]["NatGatewayId"]
    assert [(entry["AllocationId"], entry["PrivateIp"]) for entry in gateway(ec2, made)["NatGatewayAddresses"]] == [
        (first, "10.0.0.20"),
        (second, "10.0.0.10"),
    ]
    private = ec2.create_nat_gateway(SubnetId=subnet_id, ConnectivityType="private", SecondaryPrivateIpAddressCount=2)[
        "NatGateway"
    ]["NatGatewayId"]
    assert len(gateway(ec2, private)["NatGatewayAddresses"]) == 3


def test_gateways_are_found_by_state_subnet_and_tag(ec2: EC2Client, subnet_id: str, private_id: str) -> None:
    gone = ec2.create_nat_gateway(SubnetId=subnet_id, ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    ec2.delete_nat_gateway(NatGatewayId=gone)
    ec2.create_tags(Resources=[private_id], Tags=[{"Key": "side", "Value": "inner"}])
    for name, value in (("state", "available"), ("tag:side", "inner"), ("nat-gateway-id", private_id)):
        assert found(ec2, name, value) == {private_id}, name
    assert found(ec2, "subnet-id", subnet_id) == {private_id, gone}
    with pytest.raises(ClientError, match="NatGateway nat-0123456789abcdef0 was not found") as caught:
        ec2.describe_nat_gateways(NatGatewayIds=["nat-0123456789abcdef0"])
    assert code_of(caught.value) == "NatGatewayNotFound"
    with pytest.raises(ClientError) as caught:
        ec2.describe_nat_gateways(NatGatewayIds=["nat-x"])
    assert code_of(caught.value) == "NatGatewayMalformed"


def test_a_zone_can_have_five_gateways_with_awss_quotas(tmp_path: Path) -> None:
    world = Ec2World(tmp_path, Quotas.of_profile("aws"))
    try:
        ec2 = world.client()
        first, second = (subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2])
        for _ in range(5):
            ec2.create_nat_gateway(SubnetId=first, ConnectivityType="private")
        with pytest.raises(ClientError) as caught:
            ec2.create_nat_gateway(SubnetId=first, ConnectivityType="private")
        assert code_of(caught.value) == "NatGatewayLimitExceeded"
        ec2.create_nat_gateway(SubnetId=second, ConnectivityType="private")
        addresses = [ec2.allocate_address()["AllocationId"] for _ in range(3)]
        with pytest.raises(ClientError) as caught:
            ec2.create_nat_gateway(SubnetId=second, AllocationId=addresses[0], SecondaryAllocationIds=addresses[1:])
        assert code_of(caught.value) == "AddressLimitExceeded"
    finally:
        world.close()
