"""Network interfaces and the permissions to attach them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from reading_room.vpc.interfaces import network_interfaces
from reading_room.wiring.network import urgency
from tests.worlds.ec2 import Ec2World, code_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


GHOST = "eni-0123456789abcdef0"


@pytest.fixture
def interface(ec2: EC2Client, subnet_id: str) -> Any:
    return ec2.create_network_interface(SubnetId=subnet_id, Description="mine")["NetworkInterface"]


def attach(world: Ec2World, interface_id: str) -> None:
    with world.database.transaction() as session:
        network_interfaces.attach(session, interface_id, "here", "c-1")


def test_a_new_interface_has_an_address_a_name_and_the_default_group(
    ec2: EC2Client, vpc_id: str, interface: Any
) -> None:
    here: Any = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": ["default"]}]
    (default,) = ec2.describe_security_groups(Filters=here)["SecurityGroups"]
    assert interface["Status"] == "pending"
    assert interface["PrivateIpAddress"] == "10.0.0.4"
    assert interface["PrivateDnsName"] == "ip-10-0-0-4.ec2.internal"
    assert interface["Groups"] == [{"GroupId": default["GroupId"], "GroupName": "default"}]
    assert (interface["RequesterManaged"], interface["SourceDestCheck"]) == (False, True)
    assert interface["RequesterId"].startswith("AIDA")
    ec2.get_waiter("network_interface_available").wait(NetworkInterfaceIds=[interface["NetworkInterfaceId"]])


def test_an_interface_has_the_groups_that_it_was_created_with(ec2: EC2Client, vpc_id: str, subnet_id: str) -> None:
    groups = [
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc_id)["GroupId"] for name in ("b", "a")
    ]
    made = ec2.create_network_interface(SubnetId=subnet_id, Groups=groups)["NetworkInterface"]
    assert [group["GroupId"] for group in made["Groups"]] == groups


def test_hosts_need_not_know_at_once_of_an_interface_that_nothing_uses(
    world: Ec2World, ec2: EC2Client, vpc_id: str, subnet_id: str
) -> None:
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    allocation = ec2.allocate_address()["AllocationId"]
    urgencies: list[str] = []
    world.database.on_commit(lambda tables: urgencies.append(urgency(tables)))

    def made() -> str:
        return ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]

    interface_id = made()
    ec2.delete_network_interface(NetworkInterfaceId=interface_id)
    assert set(urgencies) == {"can wait"}
    interface_id = made()
    urgencies.clear()
    ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=interface_id)
    assert "soon" in urgencies
    urgencies.clear()
    ec2.delete_network_interface(NetworkInterfaceId=interface_id)
    assert "soon" in urgencies, "its public address leads nowhere now"
    interface_id = made()
    ec2.create_network_interface_permission(
        NetworkInterfaceId=interface_id, AwsAccountId=network_interfaces.SERVICE_ACCOUNT, Permission="INSTANCE-ATTACH"
    )
    urgencies.clear()
    attach(world, interface_id)
    assert "soon" in urgencies


def test_a_repeated_client_token_creates_one_interface(ec2: EC2Client, subnet_id: str) -> None:
    made = {
        ec2.create_network_interface(SubnetId=subnet_id, ClientToken="t")["NetworkInterface"]["NetworkInterfaceId"]
        for _ in range(2)
    }
    assert len(made) == 1


def test_a_free_address_can_be_chosen(ec2: EC2Client, subnet_id: str) -> None:
    chosen: Any = [{"PrivateIpAddress": "10.0.0.9", "Primary": True}]
    made = ec2.create_network_interface(SubnetId=subnet_id, PrivateIpAddresses=chosen)["NetworkInterface"]
    assert made["PrivateIpAddress"] == "10.0.0.9"
    for address, code in (
        ("10.0.0.9", "InvalidIPAddress.InUse"),
        ("10.0.0.1", "InvalidParameterValue"),
        ("10.0.1.9", "InvalidParameterValue"),
    ):
        with pytest.raises(ClientError) as caught:
            ec2.create_network_interface(SubnetId=subnet_id, PrivateIpAddress=address)
        assert code_of(caught.value) == code


@pytest.mark.costs(0.2, reason="it fills a subnet with one call per address")
def test_a_full_subnet_has_its_own_error(ec2: EC2Client, vpc_id: str) -> None:
    small = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.7.0/28")["Subnet"]["SubnetId"]
    for _ in range(11):
        ec2.create_network_interface(SubnetId=small)
    with pytest.raises(ClientError) as caught:
        ec2.create_network_interface(SubnetId=small)
    assert code_of(caught.value) == "InsufficientFreeAddressesInSubnet"


def test_a_group_of_another_vpc_is_refused(ec2: EC2Client, subnet_id: str) -> None:
    far = ec2.create_security_group(GroupName="far", Description="far")["GroupId"]
    with pytest.raises(ClientError, match=f"Security group {far} and subnet {subnet_id} belong") as caught:
        ec2.create_network_interface(SubnetId=subnet_id, Groups=[far])
    assert code_of(caught.value) == "InvalidParameter"


def test_description_and_groups_can_be_changed(ec2: EC2Client, vpc_id: str, interface: Any) -> None:
    interface_id = interface["NetworkInterfaceId"]
    groups = [
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc_id)["GroupId"] for name in ("b", "a")
    ]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface_id, Groups=groups)
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface_id, Description={"Value": "other"})
    (seen,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface_id])["NetworkInterfaces"]
    assert ([group["GroupId"] for group in seen["Groups"]], seen["Description"]) == (groups, "other")
    with pytest.raises(ClientError) as caught:
        ec2.delete_security_group(GroupId=groups[0])
    assert code_of(caught.value) == "DependencyViolation"


def test_the_source_destination_check_can_be_disabled_and_enabled(ec2: EC2Client, interface: Any) -> None:
    interface_id = interface["NetworkInterfaceId"]
    off: Any = [{"Name": "source-dest-check", "Values": ["false"]}]
    assert ec2.describe_network_interfaces(Filters=off)["NetworkInterfaces"] == []
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface_id, SourceDestCheck={"Value": False})
    (seen,) = ec2.describe_network_interfaces(Filters=off)["NetworkInterfaces"]
    assert (seen["NetworkInterfaceId"], seen["SourceDestCheck"]) == (interface_id, False)
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface_id, SourceDestCheck={"Value": True})
    assert ec2.describe_network_interfaces(Filters=off)["NetworkInterfaces"] == []


def test_an_attached_interface_is_in_use_until_its_permission_is_deleted(
    world: Ec2World, ec2: EC2Client, interface: Any
) -> None:
    interface_id = interface["NetworkInterfaceId"]
    wanted: Any = {
        "NetworkInterfaceId": interface_id,
        "AwsAccountId": network_interfaces.SERVICE_ACCOUNT,
        "Permission": "INSTANCE-ATTACH",
    }
    permission = ec2.create_network_interface_permission(**wanted)["InterfacePermission"]
    assert permission["PermissionState"] == {"State": "granted"}
    permission_id = permission["NetworkInterfacePermissionId"]
    attach(world, interface_id)
    in_use: Any = [{"Name": "attachment.instance-owner-id", "Values": ["comprehend"]}]
    (seen,) = ec2.describe_network_interfaces(Filters=in_use)["NetworkInterfaces"]
    assert (seen["Status"], seen["Attachment"]["Status"]) == ("in-use", "attached")
    assert seen["Attachment"]["AttachmentId"].startswith("ela-attach-")
    with pytest.raises(ClientError, match=f"Network interface '{interface_id}' is currently in use") as caught:
        ec2.delete_network_interface(NetworkInterfaceId=interface_id)
    assert code_of(caught.value) == "InvalidParameterValue"
    with pytest.raises(ClientError) as caught:
        ec2.delete_network_interface_permission(NetworkInterfacePermissionId=permission_id)
    assert code_of(caught.value) == "OperationNotPermitted"
    ec2.delete_network_interface_permission(NetworkInterfacePermissionId=permission_id, Force=True)
    (seen,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface_id])["NetworkInterfaces"]
    assert (seen["Status"], "Attachment" in seen) == ("available", False)
    ec2.delete_network_interface(NetworkInterfaceId=interface_id)


def test_a_permission_is_deleted_with_its_interface(ec2: EC2Client, interface: Any) -> None:
    interface_id = interface["NetworkInterfaceId"]
    wanted: Any = {"NetworkInterfaceId": interface_id, "AwsAccountId": "123456789012", "Permission": "INSTANCE-ATTACH"}
    ec2.create_network_interface_permission(**wanted)
    by_account: Any = [{"Name": "network-interface-permission.aws-account-id", "Values": ["123456789012"]}]
    assert len(ec2.describe_network_interface_permissions(Filters=by_account)["NetworkInterfacePermissions"]) == 1
    ec2.delete_network_interface(NetworkInterfaceId=interface_id)
    assert ec2.describe_network_interface_permissions()["NetworkInterfacePermissions"] == []
    with pytest.raises(ClientError) as caught:
        ec2.create_network_interface_permission(**wanted)
    assert code_of(caught.value) == "InvalidNetworkInterfaceID.NotFound"


def test_interfaces_are_found_by_their_attributes(ec2: EC2Client, subnet_id: str, interface: Any) -> None:
    ec2.create_tags(Resources=[interface["NetworkInterfaceId"]], Tags=[{"Key": "Name", "Value": "x"}])
    for name, value in (
        ("private-ip-address", "10.0.0.4"),
        ("subnet-id", subnet_id),
        ("group-id", interface["Groups"][0]["GroupId"]),
        ("requester-managed", "false"),
        ("mac-address", interface["MacAddress"]),
        ("addresses.primary", "true"),
        ("tag:Name", "x"),
    ):
        wanted: Any = [{"Name": name, "Values": [value]}]
        assert len(ec2.describe_network_interfaces(Filters=wanted)["NetworkInterfaces"]) == 1, name
    with pytest.raises(ClientError, match=f"The networkInterface ID '{GHOST}' does not exist"):
        ec2.describe_network_interfaces(NetworkInterfaceIds=[GHOST])


def test_concurrent_callers_never_get_the_same_address(ec2: EC2Client, vpc_id: str) -> None:
    small = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.8.0/28")["Subnet"]["SubnetId"]

    def make(_: int) -> str | None:
        try:
            return ec2.create_network_interface(SubnetId=small)["NetworkInterface"]["PrivateIpAddress"]
        except ClientError as error:
            if code_of(error) != "InsufficientFreeAddressesInSubnet":
                raise
            return None

    with ThreadPoolExecutor(8) as pool:
        given_out = [address for address in pool.map(make, range(16)) if address is not None]
    assert len(given_out) == len(set(given_out)) == 11
