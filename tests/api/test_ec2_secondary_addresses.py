"""Secondary private addresses, attributes of interfaces, and interfaces that AWS manages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from reading_room.clock import system_clock
from reading_room.vpc.interfaces import network_interfaces
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.tables import Subnet
from tests.worlds.ec2 import ACCOUNT, Ec2World, code_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


@pytest.fixture
def interface_id(ec2: EC2Client, subnet_id: str) -> str:
    return ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]


@pytest.fixture
def managed_id(world: Ec2World, subnet_id: str) -> str:
    """An interface that AWS created for a NAT gateway."""
    with world.database.transaction() as session:
        subnet = session.get_one(Subnet, subnet_id)
        row = network_interfaces.create_managed(
            session,
            ACCOUNT,
            subnet,
            [],
            system_clock(),
            requester_id="727180483921",
            interface_type="nat_gateway",
            description="Interface for NAT Gateway nat-1",
        )
        return row.interface_id


def addresses(ec2: EC2Client, interface_id: str) -> list[tuple[str, bool]]:
    (seen,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface_id])["NetworkInterfaces"]
    return [(entry["PrivateIpAddress"], entry["Primary"]) for entry in seen["PrivateIpAddresses"]]


def free(ec2: EC2Client, subnet_id: str) -> int:
    return ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"][0]["AvailableIpAddressCount"]


def test_an_interface_can_be_created_with_chosen_addresses_one_of_them_primary(ec2: EC2Client, subnet_id: str) -> None:
    listed: Any = [
        {"PrivateIpAddress": "10.0.0.20", "Primary": False},
        {"PrivateIpAddress": "10.0.0.10", "Primary": True},
    ]
    made = ec2.create_network_interface(SubnetId=subnet_id, PrivateIpAddresses=listed)["NetworkInterface"]
    assert made["PrivateIpAddress"] == "10.0.0.10"
    assert addresses(ec2, made["NetworkInterfaceId"]) == [("10.0.0.10", True), ("10.0.0.20", False)]
    assert made["PrivateIpAddresses"][1]["PrivateDnsName"] == "ip-10-0-0-20.ec2.internal"
    assert free(ec2, subnet_id) == 249


def test_an_interface_can_be_created_with_a_number_of_secondary_addresses(ec2: EC2Client, subnet_id: str) -> None:
    made = ec2.create_network_interface(
        SubnetId=subnet_id, PrivateIpAddress="10.0.0.9", SecondaryPrivateIpAddressCount=2
    )["NetworkInterface"]
    assert addresses(ec2, made["NetworkInterfaceId"]) == [("10.0.0.9", True), ("10.0.0.4", False), ("10.0.0.5", False)]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (
            {"PrivateIpAddress": "10.0.0.8", "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.9", "Primary": True}]},
            "InvalidParameterCombination",
        ),
        (
            {
                "SecondaryPrivateIpAddressCount": 1,
                "PrivateIpAddresses": [
                    {"PrivateIpAddress": "10.0.0.9", "Primary": True},
                    {"PrivateIpAddress": "10.0.0.10"},
                ],
            },
            "InvalidParameterCombination",
        ),
        (
            {"PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.9"}, {"PrivateIpAddress": "10.0.0.10"}]},
            "InvalidParameterCombination",
        ),
        ({"SecondaryPrivateIpAddressCount": -1}, "InvalidParameterValue"),
        ({"SecondaryPrivateIpAddressCount": 50}, "PrivateIpAddressLimitExceeded"),
        ({"Ipv4PrefixCount": 1}, "UnsupportedOperation"),
        ({"Ipv4Prefixes": [{"Ipv4Prefix": "10.0.0.16/28"}]}, "UnsupportedOperation"),
        ({"Ipv6AddressCount": 1}, "UnsupportedOperation"),
        ({"InterfaceType": "efa"}, "UnsupportedOperation"),
    ],
)
def test_contradictory_addresses_create_nothing(ec2: EC2Client, subnet_id: str, wanted: Any, code: str) -> None:
    with pytest.raises(ClientError) as caught:
        ec2.create_network_interface(SubnetId=subnet_id, **wanted)
    assert code_of(caught.value) == code
    assert free(ec2, subnet_id) == 251


def test_addresses_are_assigned_and_unassigned(ec2: EC2Client, subnet_id: str, interface_id: str) -> None:
    answer = ec2.assign_private_ip_addresses(NetworkInterfaceId=interface_id, PrivateIpAddresses=["10.0.0.30"])
    assert [entry["PrivateIpAddress"] for entry in answer["AssignedPrivateIpAddresses"]] == ["10.0.0.30"]
    answer = ec2.assign_private_ip_addresses(NetworkInterfaceId=interface_id, SecondaryPrivateIpAddressCount=1)
    assert [entry["PrivateIpAddress"] for entry in answer["AssignedPrivateIpAddresses"]] == ["10.0.0.5"]
    assert addresses(ec2, interface_id) == [("10.0.0.4", True), ("10.0.0.5", False), ("10.0.0.30", False)]
    by_address: Any = [{"Name": "addresses.private-ip-address", "Values": ["10.0.0.30"]}]
    assert len(ec2.describe_network_interfaces(Filters=by_address)["NetworkInterfaces"]) == 1
    ec2.unassign_private_ip_addresses(NetworkInterfaceId=interface_id, PrivateIpAddresses=["10.0.0.5"])
    assert addresses(ec2, interface_id) == [("10.0.0.4", True), ("10.0.0.30", False)]
    # Released addresses are not reused immediately, so the next interface gets another one.
    other = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]
    assert other["PrivateIpAddress"] == "10.0.0.6"
    ec2.delete_network_interface(NetworkInterfaceId=interface_id)
    assert free(ec2, subnet_id) == 250


def test_an_address_cannot_be_assigned_twice_unless_reassignment_is_allowed(
    ec2: EC2Client, subnet_id: str, interface_id: str
) -> None:
    other = ec2.create_network_interface(SubnetId=subnet_id, SecondaryPrivateIpAddressCount=1)["NetworkInterface"]
    primary, secondary = (entry["PrivateIpAddress"] for entry in other["PrivateIpAddresses"])
    wrong: list[tuple[list[str], bool, str]] = [
        ([secondary], False, "InvalidIPAddress.InUse"),
        ([primary], True, "InvalidIPAddress.InUse"),
        (["10.0.0.4"], True, "Resource.AlreadyAssigned"),
        (["10.0.0.1"], False, "InvalidParameterValue"),
        (["10.0.9.1"], False, "InvalidParameterValue"),
        (["ten"], False, "InvalidParameterValue"),
        (["10.0.0.40", secondary], False, "InvalidIPAddress.InUse"),
    ]
    for wanted, move, code in wrong:
        with pytest.raises(ClientError) as caught:
            ec2.assign_private_ip_addresses(
                NetworkInterfaceId=interface_id, PrivateIpAddresses=wanted, AllowReassignment=move
            )
        assert code_of(caught.value) == code, wanted
        assert addresses(ec2, interface_id) == [("10.0.0.4", True)]
    ec2.assign_private_ip_addresses(
        NetworkInterfaceId=interface_id, PrivateIpAddresses=[secondary], AllowReassignment=True
    )
    assert addresses(ec2, interface_id) == [("10.0.0.4", True), (secondary, False)]
    assert addresses(ec2, other["NetworkInterfaceId"]) == [(primary, True)]


def test_a_secondary_address_of_another_interface_cannot_be_chosen(
    ec2: EC2Client, subnet_id: str, interface_id: str
) -> None:
    ec2.assign_private_ip_addresses(NetworkInterfaceId=interface_id, PrivateIpAddresses=["10.0.0.30"])
    with pytest.raises(ClientError) as caught:
        ec2.create_network_interface(SubnetId=subnet_id, PrivateIpAddress="10.0.0.30")
    assert code_of(caught.value) == "InvalidIPAddress.InUse"


def test_a_public_address_moves_with_its_private_one_and_is_free_after_unassignment(
    ec2: EC2Client, vpc_id: str, subnet_id: str, interface_id: str
) -> None:
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    ec2.assign_private_ip_addresses(NetworkInterfaceId=interface_id, PrivateIpAddresses=["10.0.0.30"])
    allocation = ec2.allocate_address()["AllocationId"]
    ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=interface_id, PrivateIpAddress="10.0.0.30")
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})

    def public() -> dict[str, Any]:
        return dict(ec2.describe_addresses(AllocationIds=[allocation])["Addresses"][0])

    (seen,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface_id])["NetworkInterfaces"]
    association = seen["PrivateIpAddresses"][1]["Association"]
    assert "Association" not in seen
    assert (association["AllocationId"], association["PublicIp"]) == (allocation, public()["PublicIp"])
    assert association["PublicDnsName"] == f"ec2-{public()['PublicIp'].replace('.', '-')}.compute-1.amazonaws.com"
    by_public: Any = [{"Name": "addresses.association.public-ip", "Values": [public()["PublicIp"]]}]
    assert len(ec2.describe_network_interfaces(Filters=by_public)["NetworkInterfaces"]) == 1
    other = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    ec2.assign_private_ip_addresses(NetworkInterfaceId=other, PrivateIpAddresses=["10.0.0.30"], AllowReassignment=True)
    assert public()["NetworkInterfaceId"] == other
    ec2.unassign_private_ip_addresses(NetworkInterfaceId=other, PrivateIpAddresses=["10.0.0.30"])
    assert "AssociationId" not in public()
    ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=other)
    ec2.delete_network_interface(NetworkInterfaceId=other)
    assert "AssociationId" not in public()
    ec2.release_address(AllocationId=allocation)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"PrivateIpAddresses": ["10.0.0.4"]}, "InvalidParameterValue"),
        ({"PrivateIpAddresses": ["10.0.0.99"]}, "InvalidParameterValue"),
        ({}, "MissingParameter"),
        ({"Ipv4Prefixes": ["10.0.0.16/28"]}, "UnsupportedOperation"),
    ],
)
def test_only_secondary_addresses_can_be_unassigned(ec2: EC2Client, interface_id: str, given: Any, code: str) -> None:
    with pytest.raises(ClientError) as caught:
        ec2.unassign_private_ip_addresses(NetworkInterfaceId=interface_id, **given)
    assert code_of(caught.value) == code


def test_assigning_needs_either_addresses_or_a_number(ec2: EC2Client, interface_id: str) -> None:
    wrong: list[dict[str, Any]] = [{}, {"PrivateIpAddresses": ["10.0.0.30"], "SecondaryPrivateIpAddressCount": 1}]
    for given in wrong:
        with pytest.raises(ClientError) as caught:
            ec2.assign_private_ip_addresses(NetworkInterfaceId=interface_id, **given)
        assert code_of(caught.value) == "InvalidParameterCombination"


def test_the_number_of_addresses_of_an_interface_is_limited(tmp_path: Path) -> None:
    world = Ec2World(tmp_path, Quotas(addresses_per_interface=2))
    ec2 = world.client()
    subnet_id = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    made = ec2.create_network_interface(SubnetId=subnet_id, SecondaryPrivateIpAddressCount=1)["NetworkInterface"]
    with pytest.raises(ClientError) as caught:
        ec2.assign_private_ip_addresses(NetworkInterfaceId=made["NetworkInterfaceId"], SecondaryPrivateIpAddressCount=1)
    assert code_of(caught.value) == "PrivateIpAddressLimitExceeded"
    world.close()


def test_each_attribute_can_be_described(ec2: EC2Client, subnet_id: str) -> None:
    made = ec2.create_network_interface(SubnetId=subnet_id, Description="mine")["NetworkInterface"]
    interface_id = made["NetworkInterfaceId"]

    def shown(attribute: Any) -> dict[str, Any]:
        answer: dict[str, Any] = dict(
            ec2.describe_network_interface_attribute(NetworkInterfaceId=interface_id, Attribute=attribute)
        )
        del answer["ResponseMetadata"]
        assert answer.pop("NetworkInterfaceId") == interface_id
        return answer

    assert shown("description") == {"Description": {"Value": "mine"}}
    assert shown("groupSet") == {"Groups": made["Groups"]}
    assert shown("sourceDestCheck") == {"SourceDestCheck": {"Value": True}}
    assert shown("attachment") == {}
    assert shown("associatePublicIpAddress") == {"AssociatePublicIpAddress": False}
    with pytest.raises(ClientError) as caught:
        ec2.describe_network_interface_attribute(NetworkInterfaceId=interface_id)
    assert code_of(caught.value) == "MissingParameter"


def test_resetting_the_source_destination_check_enables_it(ec2: EC2Client, interface_id: str) -> None:
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface_id, SourceDestCheck={"Value": False})
    answer = ec2.describe_network_interface_attribute(NetworkInterfaceId=interface_id, Attribute="sourceDestCheck")
    assert answer["SourceDestCheck"] == {"Value": False}
    ec2.reset_network_interface_attribute(NetworkInterfaceId=interface_id, SourceDestCheck="")
    answer = ec2.describe_network_interface_attribute(NetworkInterfaceId=interface_id, Attribute="sourceDestCheck")
    assert answer["SourceDestCheck"] == {"Value": True}


def test_attaching_an_interface_to_an_instance_finds_no_instance(ec2: EC2Client, interface_id: str) -> None:
    for instance, code in (
        ("i-0123456789abcdef0", "InvalidInstanceID.NotFound"),
        ("box", "InvalidInstanceID.Malformed"),
    ):
        with pytest.raises(ClientError) as caught:
            ec2.attach_network_interface(
                NetworkInterfaceId=interface_id, InstanceId=instance, DeviceIndex=1, NetworkCardIndex=0
            )
        assert code_of(caught.value) == code


def test_only_the_service_can_detach_its_interfaces(ec2: EC2Client, managed_id: str) -> None:
    (seen,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[managed_id])["NetworkInterfaces"]
    attachment = seen["Attachment"]["AttachmentId"]
    with pytest.raises(ClientError, match="not allowed to manage 'ela-attach'") as caught:
        ec2.detach_network_interface(AttachmentId=attachment, Force=True)
    assert code_of(caught.value) == "OperationNotPermitted"
    with pytest.raises(ClientError) as caught:
        ec2.detach_network_interface(AttachmentId="eni-attach-0123456789abcdef0")
    assert code_of(caught.value) == "InvalidAttachmentID.NotFound"
    with pytest.raises(ClientError) as caught:
        ec2.detach_network_interface(AttachmentId="x")
    assert code_of(caught.value) == "InvalidAttachmentID.Malformed"


def test_an_interface_that_aws_manages_is_described_and_cannot_be_changed(
    ec2: EC2Client, vpc_id: str, subnet_id: str, managed_id: str
) -> None:
    managed: Any = [{"Name": "requester-managed", "Values": ["true"]}]
    in_vpc: Any = [{"Name": "vpc-id", "Values": [vpc_id]}]
    (seen,) = ec2.describe_network_interfaces(Filters=managed, IncludeManagedResources=True)["NetworkInterfaces"]
    assert (seen["NetworkInterfaceId"], seen["Status"], seen["InterfaceType"], seen["Groups"]) == (
        managed_id,
        "in-use",
        "nat_gateway",
        [],
    )
    assert seen["Attachment"]["InstanceOwnerId"] == "amazon-aws"
    default = ec2.describe_security_groups(Filters=in_vpc)["SecurityGroups"][0]["GroupId"]
    changes: list[tuple[str, dict[str, Any], str]] = [
        ("delete_network_interface", {}, "InvalidParameterValue"),
        ("modify_network_interface_attribute", {"Description": {"Value": "mine"}}, "AuthFailure"),
        ("modify_network_interface_attribute", {"Groups": [default]}, "AuthFailure"),
        ("modify_network_interface_attribute", {"Attachment": {"AttachmentId": "x"}}, "AuthFailure"),
        ("reset_network_interface_attribute", {"SourceDestCheck": ""}, "AuthFailure"),
        ("assign_private_ip_addresses", {"SecondaryPrivateIpAddressCount": 1}, "AuthFailure"),
        ("unassign_private_ip_addresses", {"PrivateIpAddresses": ["10.0.0.4"]}, "AuthFailure"),
        (
            "create_network_interface_permission",
            {"AwsAccountId": "123456789012", "Permission": "INSTANCE-ATTACH"},
            "AuthFailure",
        ),
    ]
    for operation, given, code in changes:
        with pytest.raises(ClientError) as caught:
            getattr(ec2, operation)(NetworkInterfaceId=managed_id, **given)
        assert code_of(caught.value) == code, operation
    assert ec2.describe_network_interfaces(NetworkInterfaceIds=[managed_id])["NetworkInterfaces"] == [seen]
    ec2.create_tags(Resources=[managed_id], Tags=[{"Key": "Name", "Value": "mine"}])
    with pytest.raises(ClientError) as caught:
        ec2.delete_subnet(SubnetId=subnet_id)
    assert code_of(caught.value) == "DependencyViolation"
