"""Elastic IP addresses: allocating, associating and releasing them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
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
def interface_id(ec2: EC2Client, gateway_id: str, subnet_id: str) -> str:
    """An interface in a VPC with an internet gateway, 10.0.0.4 and 10.0.0.77."""
    return ec2.create_network_interface(
        SubnetId=subnet_id,
        PrivateIpAddresses=[
            {"PrivateIpAddress": "10.0.0.4", "Primary": True},
            {"PrivateIpAddress": "10.0.0.77", "Primary": False},
        ],
    )["NetworkInterface"]["NetworkInterfaceId"]


def address(ec2: EC2Client, allocation_id: str) -> Any:
    (found,) = ec2.describe_addresses(AllocationIds=[allocation_id])["Addresses"]
    return found


def test_an_address_is_allocated_from_the_pool_and_described(ec2: EC2Client) -> None:
    made = ec2.allocate_address(
        Domain="vpc",
        TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": [{"Key": "Name", "Value": "door"}]}],
    )
    assert made["PublicIp"].startswith("198.51.100.")
    assert (made["Domain"], made["PublicIpv4Pool"], made["NetworkBorderGroup"]) == ("vpc", "amazon", "us-east-1")
    seen = address(ec2, made["AllocationId"])
    assert seen["Tags"] == [{"Key": "Name", "Value": "door"}]
    assert "AssociationId" not in seen
    assert ec2.describe_addresses(PublicIps=[made["PublicIp"]])["Addresses"] == [seen]
    assert ec2.describe_addresses(Filters=[{"Name": "tag:Name", "Values": ["d*"]}])["Addresses"] == [seen]
    (attribute,) = ec2.describe_addresses_attribute(AllocationIds=[made["AllocationId"]], Attribute="domain-name")[
        "Addresses"
    ]
    assert attribute == {"PublicIp": made["PublicIp"], "AllocationId": made["AllocationId"]}


def test_an_association_is_shown_by_its_address_and_its_interface(ec2: EC2Client, interface_id: str) -> None:
    made = ec2.allocate_address()
    association = ec2.associate_address(AllocationId=made["AllocationId"], NetworkInterfaceId=interface_id)[
        "AssociationId"
    ]
    seen = address(ec2, made["AllocationId"])
    assert (seen["AssociationId"], seen["NetworkInterfaceId"], seen["PrivateIpAddress"]) == (
        association,
        interface_id,
        "10.0.0.4",
    )
    (interface,) = ec2.describe_network_interfaces(
        Filters=[{"Name": "association.allocation-id", "Values": [made["AllocationId"]]}]
    )["NetworkInterfaces"]
    assert interface["NetworkInterfaceId"] == interface_id
    assert interface["Association"]["PublicIp"] == made["PublicIp"]
    with pytest.raises(ClientError, match=rf"Address {made['PublicIp']} is in use\.") as caught:
        ec2.release_address(AllocationId=made["AllocationId"])
    assert code_of(caught.value) == "InvalidIPAddress.InUse"
    ec2.disassociate_address(AssociationId=association)
    assert "AssociationId" not in address(ec2, made["AllocationId"])
    with pytest.raises(ClientError) as caught:
        ec2.disassociate_address(AssociationId=association)
    assert code_of(caught.value) == "InvalidAssociationID.NotFound"
    ec2.release_address(AllocationId=made["AllocationId"])
    with pytest.raises(ClientError, match="does not exist") as caught:
        ec2.describe_addresses(AllocationIds=[made["AllocationId"]])
    assert code_of(caught.value) == "InvalidAllocationID.NotFound"


def test_an_address_can_be_associated_by_public_ip_or_allocation_id(ec2: EC2Client, interface_id: str) -> None:
    made = ec2.allocate_address()
    association = ec2.associate_address(PublicIp=made["PublicIp"], NetworkInterfaceId=interface_id)["AssociationId"]
    assert address(ec2, made["AllocationId"])["AssociationId"] == association
    again = ec2.associate_address(AllocationId=made["AllocationId"], NetworkInterfaceId=interface_id)
    assert again["AssociationId"] == association


def test_naming_an_address_by_its_public_ip_needs_the_same_permission(world: Ec2World, interface_id: str) -> None:
    made = world.client().allocate_address()
    allowed: Any = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    denied = allowed | {"Effect": "Deny", "Resource": f"arn:aws:ec2:*:*:elastic-ip/{made['AllocationId']}"}
    with pytest.raises(ClientError) as caught:
        world.client([allowed, denied]).associate_address(PublicIp=made["PublicIp"], NetworkInterfaceId=interface_id)
    assert code_of(caught.value) == "UnauthorizedOperation"


def test_addresses_are_found_by_domain(ec2: EC2Client) -> None:
    made = ec2.allocate_address()
    wanted: Any = [{"Name": "domain", "Values": ["vpc"]}]
    assert [each["PublicIp"] for each in ec2.describe_addresses(Filters=wanted)["Addresses"]] == [made["PublicIp"]]


def test_each_private_address_of_an_interface_can_have_a_public_one(ec2: EC2Client, interface_id: str) -> None:
    first, second = ec2.allocate_address(), ec2.allocate_address()
    ec2.associate_address(AllocationId=first["AllocationId"], NetworkInterfaceId=interface_id)
    ec2.associate_address(
        AllocationId=second["AllocationId"], NetworkInterfaceId=interface_id, PrivateIpAddress="10.0.0.77"
    )
    assert address(ec2, second["AllocationId"])["PrivateIpAddress"] == "10.0.0.77"
    with pytest.raises(ClientError, match=f"10.0.0.78.*not an address of {interface_id}") as caught:
        ec2.associate_address(
            AllocationId=first["AllocationId"], NetworkInterfaceId=interface_id, PrivateIpAddress="10.0.0.78"
        )
    assert code_of(caught.value) == "InvalidParameterValue"
    ec2.unassign_private_ip_addresses(NetworkInterfaceId=interface_id, PrivateIpAddresses=["10.0.0.77"])
    assert "AssociationId" not in address(ec2, second["AllocationId"])
    ec2.delete_network_interface(NetworkInterfaceId=interface_id)
    assert "AssociationId" not in address(ec2, first["AllocationId"])


@pytest.mark.costs(0.2, reason="it moves an address between two interfaces with many calls")
def test_an_address_is_reassociated_unless_the_call_forbids_it(
    ec2: EC2Client, subnet_id: str, interface_id: str
) -> None:
    other = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    first, second = ec2.allocate_address()["AllocationId"], ec2.allocate_address()["AllocationId"]
    made = ec2.associate_address(AllocationId=first, NetworkInterfaceId=interface_id)["AssociationId"]
    assert ec2.associate_address(AllocationId=first, NetworkInterfaceId=interface_id)["AssociationId"] == made
    with pytest.raises(ClientError, match=f"resource {first} is already associated with associate-id {made}") as caught:
        ec2.associate_address(AllocationId=first, NetworkInterfaceId=other, AllowReassociation=False)
    assert code_of(caught.value) == "Resource.AlreadyAssociated"
    with pytest.raises(ClientError, match=f"resource {interface_id} is already associated") as caught:
        ec2.associate_address(AllocationId=second, NetworkInterfaceId=interface_id, AllowReassociation=False)
    assert code_of(caught.value) == "Resource.AlreadyAssociated"
    ec2.associate_address(AllocationId=second, NetworkInterfaceId=interface_id)
    assert "AssociationId" not in address(ec2, first)
    moved = ec2.associate_address(AllocationId=second, NetworkInterfaceId=other)["AssociationId"]
    assert moved != made
    assert address(ec2, second)["NetworkInterfaceId"] == other


def test_a_public_address_needs_an_internet_gateway(ec2: EC2Client, vpc_id: str, subnet_id: str) -> None:
    interface = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    allocation = ec2.allocate_address()["AllocationId"]
    with pytest.raises(ClientError, match=f"Network {vpc_id} is not attached to any internet gateway") as caught:
        ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=interface)
    assert code_of(caught.value) == "Gateway.NotAttached"


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("associate_address", {"PublicIp": "198.51.100.1"}, "MissingParameter"),
        (
            "associate_address",
            {"PublicIp": "198.51.100.1", "NetworkInterfaceId": "eni-0123456789abcdef0"},
            "InvalidAddress.NotFound",
        ),
        (
            "associate_address",
            {"PublicIp": "198.51.100.1", "AllocationId": "eipalloc-0123456789abcdef0"},
            "InvalidParameterCombination",
        ),
        ("associate_address", {}, "MissingParameter"),
        ("associate_address", {"AllocationId": "eipalloc-0123456789abcdef0"}, "MissingParameter"),
        (
            "associate_address",
            {"AllocationId": "eipalloc-0123456789abcdef0", "InstanceId": "i-0123456789abcdef0"},
            "InvalidInstanceID.NotFound",
        ),
        (
            "associate_address",
            {"AllocationId": "eipalloc-0123456789abcdef0", "NetworkInterfaceId": "eni-0123456789abcdef0"},
            "InvalidAllocationID.NotFound",
        ),
        ("disassociate_address", {"PublicIp": "198.51.100.1"}, "InvalidParameterValue"),
        ("disassociate_address", {"AssociationId": "eipassoc-0123456789abcdef0"}, "InvalidAssociationID.NotFound"),
        ("release_address", {"PublicIp": "198.51.100.1"}, "InvalidParameterValue"),
        ("release_address", {}, "MissingParameter"),
        ("describe_addresses", {"PublicIps": ["198.51.100.200"]}, "InvalidAddress.NotFound"),
        ("allocate_address", {"Domain": "standard"}, "InvalidParameterValue"),
        ("allocate_address", {"NetworkBorderGroup": "us-east-1-wl1"}, "InvalidParameterValue"),
        ("allocate_address", {"PublicIpv4Pool": "ipv4pool-ec2-012"}, "UnsupportedOperation"),
        ("allocate_address", {"Address": "198.51.100.200"}, "InvalidAddress.NotFound"),
        ("describe_addresses_attribute", {"AllocationIds": ["eipalloc-1"]}, "InvalidAllocationID.Malformed"),
    ],
)
def test_impossible_calls_are_refused(ec2: EC2Client, operation: str, parameters: Any, code: str) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(ec2, operation)(**parameters)
    assert code_of(caught.value) == code


def test_a_released_address_can_be_allocated_again_by_name(ec2: EC2Client) -> None:
    made = ec2.allocate_address()
    with pytest.raises(ClientError) as caught:
        ec2.release_address(AllocationId=made["AllocationId"], NetworkBorderGroup="us-east-1-wl1")
    assert code_of(caught.value) == "InvalidAddress.NotFound"
    ec2.release_address(AllocationId=made["AllocationId"], NetworkBorderGroup="us-east-1")
    assert ec2.allocate_address()["PublicIp"] != made["PublicIp"]
    again = ec2.allocate_address(Address=made["PublicIp"])
    assert (again["PublicIp"], again["AllocationId"] != made["AllocationId"]) == (made["PublicIp"], True)


@pytest.mark.costs(0.3, reason="it makes forty calls with four clients")
def test_concurrent_calls_never_get_the_same_address(world: Ec2World) -> None:
    clients = [world.client() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda place: clients[place % 4].allocate_address()["PublicIp"], range(40)))
    assert len(set(made)) == 40


def test_an_account_can_have_five_addresses_with_awss_quotas(tmp_path: Path) -> None:
    world = Ec2World(tmp_path, Quotas.of_profile("aws"))
    try:
        ec2 = world.client()
        for _ in range(5):
            ec2.allocate_address()
        with pytest.raises(ClientError) as caught:
            ec2.allocate_address()
        assert code_of(caught.value) == "AddressLimitExceeded"
    finally:
        world.close()
