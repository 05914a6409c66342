"""Interface endpoints: their interfaces, groups, names and private DNS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from reading_room.vpc.quotas import Quotas
from tests.worlds.ec2 import code_of, message_of
from tests.worlds.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


REGION = "us-east-1"
LOGS = f"com.amazonaws.{REGION}.logs"
S3 = f"com.amazonaws.{REGION}.s3"
INBOUND_ONLY = "PrivateDnsOnlyForInboundResolverEndpoint"


@pytest.fixture
def vpc_id(ec2: EC2Client) -> str:
    """A VPC with both DNS attributes."""
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    return vpc_id


@pytest.fixture
def subnets(ec2: EC2Client, vpc_id: str) -> list[str]:
    """Two subnets, in two zones."""
    return [
        ec2.create_subnet(VpcId=vpc_id, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
            "SubnetId"
        ]
        for number, zone in enumerate("ab")
    ]


def make(ec2: EC2Client, vpc_id: str, service: str = LOGS, **more: Any) -> dict[str, Any]:
    """Create an interface endpoint."""
    answer = ec2.create_vpc_endpoint(VpcId=vpc_id, VpcEndpointType="Interface", ServiceName=service, **more)
    return dict(answer["VpcEndpoint"])


def seen(ec2: EC2Client, endpoint: dict[str, Any]) -> dict[str, Any]:
    """Return the endpoint as it is now."""
    (found,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])["VpcEndpoints"]
    return dict(found)


def interfaces(ec2: EC2Client, endpoint: dict[str, Any]) -> list[Any]:
    """Return the endpoint's interfaces by address."""
    described = f"VPC Endpoint Interface {endpoint['VpcEndpointId']}"
    found = ec2.describe_network_interfaces(Filters=[{"Name": "description", "Values": [described]}])
    return sorted(found["NetworkInterfaces"], key=lambda entry: entry["PrivateIpAddress"])


def refusal(call: Any, *arguments: Any, **parameters: Any) -> tuple[str, str]:
    """Return the code and message of a call that must be refused."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **parameters)
    return code_of(caught.value), message_of(caught.value)


def test_an_interface_endpoint_is_pending_in_the_answer_and_available_afterwards(
    ec2: EC2Client, vpc_id: str, subnets: list[str]
) -> None:
    made = make(ec2, vpc_id, SubnetIds=subnets)
    now = seen(ec2, made)
    assert (made["State"], now["State"]) == ("pending", "available")
    assert {key: now[key] for key in made if key != "State"} == {key: made[key] for key in made if key != "State"}
    assert sorted(now["SubnetIds"]) == sorted(subnets)
    assert [entry["GroupName"] for entry in now["Groups"]] == ["default"]
    assert (now["PrivateDnsEnabled"], now["RequesterManaged"], now["IpAddressType"]) == (True, False, "ipv4")
    assert now["DnsOptions"] == {"DnsRecordIpType": "ipv4"}
    assert json.loads(now["PolicyDocument"]) == {
        "Statement": [{"Action": "*", "Effect": "Allow", "Principal": "*", "Resource": "*"}]
    }


def test_its_interfaces_are_managed_by_the_service_and_visible_to_the_owner(
    ec2: EC2Client, vpc_id: str, subnets: list[str]
) -> None:
    made = make(ec2, vpc_id, SubnetIds=subnets)
    found = interfaces(ec2, made)
    assert {entry["NetworkInterfaceId"] for entry in found} == set(made["NetworkInterfaceIds"])
    assert sorted(entry["SubnetId"] for entry in found) == sorted(subnets)
    for entry in found:
        assert (entry["InterfaceType"], entry["RequesterManaged"], entry["Status"]) == ("vpc_endpoint", True, "in-use")
        assert entry["SourceDestCheck"] is True
        assert entry["Attachment"]["InstanceOwnerId"] == "amazon-aws"
        assert entry["Attachment"]["AttachmentId"].startswith("ela-attach-")
        assert [group["GroupName"] for group in entry["Groups"]] == ["default"]
        code, _ = refusal(ec2.delete_network_interface, NetworkInterfaceId=entry["NetworkInterfaceId"])
        assert code in ("InvalidParameterValue", "OperationNotPermitted", "AuthFailure")


def test_its_dns_names_are_regional_zonal_and_the_services_own(ec2: EC2Client, vpc_id: str, subnets: list[str]) -> None:
    entries = make(ec2, vpc_id, SubnetIds=subnets)["DnsEntries"]
    names = [entry["DnsName"] for entry in entries]
    first = names[0].partition(".")[0]
    assert first.startswith("vpce-")
    assert len(first.rpartition("-")[2]) == 8
    tail = f"logs.{REGION}.vpce.amazonaws.com"
    own = [f"{first}.{tail}", f"{first}-{REGION}a.{tail}", f"{first}-{REGION}b.{tail}"]
    assert names == [*own, f"logs.{REGION}.amazonaws.com"]
    zones = [entry["HostedZoneId"] for entry in entries]
    assert all(zone.startswith("Z") for zone in zones)
    assert len(set(zones)) == 2


def test_without_subnets_it_has_no_interface_until_one_is_added(
    ec2: EC2Client, vpc_id: str, subnets: list[str]
) -> None:
    made = make(ec2, vpc_id)
    assert (made["SubnetIds"], made["NetworkInterfaceIds"]) == ([], [])
    ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], AddSubnetIds=subnets)
    assert sorted(seen(ec2, made)["SubnetIds"]) == sorted(subnets)
    ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], RemoveSubnetIds=subnets[:1])
    assert seen(ec2, made)["SubnetIds"] == subnets[1:]
    assert len(interfaces(ec2, made)) == 1
    code, message = refusal(ec2.modify_vpc_endpoint, VpcEndpointId=made["VpcEndpointId"], RemoveSubnetIds=subnets[:1])
    assert (code, subnets[0] in message) == ("InvalidParameter", True)


@pytest.mark.costs(0.2, reason="it creates subnets in two VPCs, and makes several calls with each")
def test_its_subnets_are_in_its_vpc_and_at_most_one_is_in_each_zone(
    ec2: EC2Client, vpc_id: str, subnets: list[str]
) -> None:
    twin = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.9.0/24", AvailabilityZone=f"{REGION}a")["Subnet"]["SubnetId"]
    other = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    foreign = ec2.create_subnet(VpcId=other, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    made = make(ec2, vpc_id, SubnetIds=subnets[:1])
    for given, code in (
        ([subnets[0], twin], "DuplicateSubnetsInSameZone"),
        ([foreign], "InvalidParameter"),
        (["subnet-0123456789abcdef0"], "InvalidSubnetID.NotFound"),
    ):
        assert refusal(make, ec2, vpc_id, f"com.amazonaws.{REGION}.sts", SubnetIds=given)[0] == code
        if subnets[0] not in given:
            added = {"VpcEndpointId": made["VpcEndpointId"], "AddSubnetIds": given}
            assert refusal(ec2.modify_vpc_endpoint, **added)[0] == code
    added = {"VpcEndpointId": made["VpcEndpointId"], "AddSubnetIds": [twin]}
    assert refusal(ec2.modify_vpc_endpoint, **added)[0] == "DuplicateSubnetsInSameZone"
    assert len(ec2.describe_vpc_endpoints()["VpcEndpoints"]) == 1
    assert len(interfaces(ec2, made)) == 1


def test_addresses_can_be_chosen_and_changed(ec2: EC2Client, vpc_id: str, subnets: list[str]) -> None:
    made = make(ec2, vpc_id, SubnetIds=subnets, SubnetConfigurations=[{"SubnetId": subnets[0], "Ipv4": "10.0.0.100"}])
    assert [entry["PrivateIpAddress"] for entry in interfaces(ec2, made)] == ["10.0.0.100", "10.0.1.4"]
    ec2.modify_vpc_endpoint(
        VpcEndpointId=made["VpcEndpointId"], SubnetConfigurations=[{"SubnetId": subnets[0], "Ipv4": "10.0.0.200"}]
    )
    assert [entry["PrivateIpAddress"] for entry in interfaces(ec2, made)] == ["10.0.0.200", "10.0.1.4"]
    taken = {"SubnetId": subnets[0], "Ipv4": "10.0.0.200"}
    service = f"com.amazonaws.{REGION}.sts"
    assert refusal(make, ec2, vpc_id, service, SubnetConfigurations=[taken])[0] == "InvalidIPAddress.InUse"
    reserved = {"SubnetId": subnets[0], "Ipv4": "10.0.0.2"}
    assert refusal(make, ec2, vpc_id, service, SubnetConfigurations=[reserved])[0] == "InvalidParameterValue"


@pytest.mark.costs(0.25, reason="it changes and describes the groups of an endpoint with many calls")
def test_its_interfaces_have_its_groups(ec2: EC2Client, vpc_id: str, subnets: list[str]) -> None:
    groups = [
        ec2.create_security_group(VpcId=vpc_id, GroupName=name, Description="of an endpoint")["GroupId"]
        for name in ("one", "two")
    ]
    made = make(ec2, vpc_id, SubnetIds=subnets[:1], SecurityGroupIds=groups[:1])
    endpoint: Any = {"VpcEndpointId": made["VpcEndpointId"]}

    def interface_groups() -> list[str]:
        (entry,) = interfaces(ec2, made)
        assert [group["GroupId"] for group in seen(ec2, made)["Groups"]] == [
            group["GroupId"] for group in entry["Groups"]
        ]
        return [group["GroupId"] for group in entry["Groups"]]

    assert interface_groups() == groups[:1]
    ec2.modify_vpc_endpoint(**endpoint, AddSecurityGroupIds=groups[1:])
    assert interface_groups() == groups
    ec2.modify_vpc_endpoint(**endpoint, RemoveSecurityGroupIds=groups[:1])
    assert interface_groups() == groups[1:]
    assert refusal(ec2.modify_vpc_endpoint, **endpoint, RemoveSecurityGroupIds=groups[1:])[0] == "InvalidParameter"
    assert refusal(ec2.modify_vpc_endpoint, **endpoint, RemoveSecurityGroupIds=groups[:1])[0] == "InvalidParameter"
    assert refusal(ec2.delete_security_group, GroupId=groups[1])[0] == "DependencyViolation"
    other = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    foreign = ec2.create_security_group(VpcId=other, GroupName="one", Description="of another VPC")["GroupId"]
    assert refusal(ec2.modify_vpc_endpoint, **endpoint, AddSecurityGroupIds=[foreign])[0] == "InvalidParameter"
    assert interface_groups() == groups[1:]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])
    ec2.delete_security_group(GroupId=groups[1])


def test_private_dns_needs_both_dns_attributes_and_a_free_name(ec2: EC2Client, vpc_id: str, subnets: list[str]) -> None:
    first = make(ec2, vpc_id, SubnetIds=subnets[:1])
    code, message = refusal(make, ec2, vpc_id, SubnetIds=subnets[1:])
    assert (code, message) == (
        "InvalidParameter",
        "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
        f"logs.{REGION}.amazonaws.com in the VPC {vpc_id}",
    )
    second = make(ec2, vpc_id, SubnetIds=subnets[1:], PrivateDnsEnabled=False)
    ec2.modify_vpc_endpoint(VpcEndpointId=first["VpcEndpointId"], PrivateDnsEnabled=False)
    ec2.modify_vpc_endpoint(VpcEndpointId=second["VpcEndpointId"], PrivateDnsEnabled=True)
    assert (seen(ec2, first)["PrivateDnsEnabled"], seen(ec2, second)["PrivateDnsEnabled"]) == (False, True)
    plain = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    code, message = refusal(make, ec2, plain)
    assert (code, message) == (
        "InvalidParameter",
        "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for "
        + plain,
    )
    assert make(ec2, plain, PrivateDnsEnabled=False)["PrivateDnsEnabled"] is False


def test_the_dns_attributes_cannot_be_disabled_while_private_dns_needs_them(
    ec2: EC2Client, vpc_id: str, subnets: list[str]
) -> None:
    made = make(ec2, vpc_id, SubnetIds=subnets)
    off: Any = {"Value": False}
    for attribute in ("EnableDnsHostnames", "EnableDnsSupport"):
        code, message = refusal(ec2.modify_vpc_attribute, VpcId=vpc_id, **{attribute: off})
        assert (code, made["VpcEndpointId"] in message) == ("OperationNotPermitted", True)
    ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], PrivateDnsEnabled=False)
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames=off)
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsSupport=off)


def test_private_dns_of_s3_is_for_inbound_resolvers_by_default(ec2: EC2Client, vpc_id: str, subnets: list[str]) -> None:
    wanted: dict[str, Any] = {"SubnetIds": subnets[:1], "PrivateDnsEnabled": True}
    code, message = refusal(make, ec2, vpc_id, S3, **wanted)
    assert (code, message) == (
        "InvalidParameter",
        f"To set {INBOUND_ONLY} to true, the VPC {vpc_id} must have a Gateway endpoint for the service.",
    )
    everywhere = make(ec2, vpc_id, S3, **wanted, DnsOptions={INBOUND_ONLY: False})
    assert everywhere["DnsOptions"] == {"DnsRecordIpType": "ipv4", INBOUND_ONLY: False}
    names = [entry["DnsName"] for entry in everywhere["DnsEntries"]]
    assert names[0].startswith("*.vpce-")
    assert names[-2:] == [f"s3.{REGION}.amazonaws.com", f"*.s3.{REGION}.amazonaws.com"]
    ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=S3)
    only: Any = {INBOUND_ONLY: True}
    ec2.modify_vpc_endpoint(VpcEndpointId=everywhere["VpcEndpointId"], DnsOptions=only)
    assert seen(ec2, everywhere)["DnsOptions"][INBOUND_ONLY] is True
    other = make(ec2, vpc_id, S3, SubnetIds=subnets[:1])
    assert other["PrivateDnsEnabled"] is False
    assert refusal(make, ec2, vpc_id, LOGS, DnsOptions=only)[0] == "InvalidParameter"


def test_parameters_that_interface_endpoints_cannot_have_are_refused(
    ec2: EC2Client, vpc_id: str, subnets: list[str]
) -> None:
    (table,) = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["RouteTables"]
    wanted: list[tuple[dict[str, Any], str]] = [
        ({"RouteTableIds": [table["RouteTableId"]]}, "InvalidParameter"),
        ({"IpAddressType": "dualstack"}, "UnsupportedOperation"),
        ({"DnsOptions": {"DnsRecordIpType": "ipv6"}}, "UnsupportedOperation"),
        ({"SubnetConfigurations": [{"SubnetId": subnets[0], "Ipv6": "2001:db8::1"}]}, "UnsupportedOperation"),
        ({"SubnetConfigurations": [{"Ipv4": "10.0.0.9"}]}, "MissingParameter"),
        ({"PolicyDocument": "{"}, "InvalidPolicyDocument"),
        ({"SecurityGroupIds": ["sg-0123456789abcdef0"]}, "InvalidGroup.NotFound"),
    ]
    for parameters, code in wanted:
        assert refusal(make, ec2, vpc_id, **parameters)[0] == code
    assert ec2.describe_vpc_endpoints()["VpcEndpoints"] == []
    made = make(ec2, vpc_id)
    for parameters in ({"AddRouteTableIds": [table["RouteTableId"]]}, {"RemoveRouteTableIds": [table["RouteTableId"]]}):
        refused = refusal(ec2.modify_vpc_endpoint, VpcEndpointId=made["VpcEndpointId"], **parameters)
        assert refused[0] == "InvalidParameter"


def test_deleting_one_deletes_its_interfaces_and_frees_its_addresses(
    ec2: EC2Client, vpc_id: str, subnets: list[str]
) -> None:
    def free() -> int:
        return ec2.describe_subnets(SubnetIds=subnets[:1])["Subnets"][0]["AvailableIpAddressCount"]

    before = free()
    made = make(ec2, vpc_id, SubnetIds=subnets)
    assert free() == before - 1
    for delete in (lambda: ec2.delete_subnet(SubnetId=subnets[0]), lambda: ec2.delete_vpc(VpcId=vpc_id)):
        assert refusal(delete)[0] == "DependencyViolation"
    assert ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])["Unsuccessful"] == []
    assert interfaces(ec2, made) == []
    assert free() == before
    code, _ = refusal(ec2.describe_vpc_endpoints, VpcEndpointIds=[made["VpcEndpointId"]])
    assert code == "InvalidVpcEndpointId.NotFound"
    for subnet in subnets:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc_id)


def test_a_repeated_client_token_returns_the_first_endpoint(ec2: EC2Client, vpc_id: str, subnets: list[str]) -> None:
    first = make(ec2, vpc_id, SubnetIds=subnets, ClientToken="t")
    assert make(ec2, vpc_id, SubnetIds=subnets, ClientToken="t")["VpcEndpointId"] == first["VpcEndpointId"]
    assert refusal(make, ec2, vpc_id, ClientToken="t")[0] == "IdempotentParameterMismatch"
    assert len(interfaces(ec2, first)) == 2


def test_terraform_creates_tags_waits_and_reads_an_interface_endpoint(
    ec2: EC2Client, vpc_id: str, subnets: list[str]
) -> None:
    made = make(
        ec2,
        vpc_id,
        ClientToken="terraform-20260101",
        PrivateDnsEnabled=False,
        SubnetIds=subnets,
        TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": [{"Key": "Name", "Value": "logs"}]}],
    )
    eventually(lambda: seen(ec2, made)["State"].lower() == "available")
    now = seen(ec2, made)
    assert (now["PrivateDnsEnabled"], now["Tags"]) == (False, [{"Key": "Name", "Value": "logs"}])
    found = ec2.describe_network_interfaces(NetworkInterfaceIds=now["NetworkInterfaceIds"])["NetworkInterfaces"]
    assert len(found) == 2
    by_type: Any = [
        {"Name": "vpc-endpoint-type", "Values": ["Interface"]},
        {"Name": "service-name", "Values": [LOGS]},
        {"Name": "vpc-id", "Values": [vpc_id]},
        {"Name": "vpc-endpoint-state", "Values": ["available"]},
        {"Name": "tag:Name", "Values": ["logs"]},
    ]
    assert [entry["VpcEndpointId"] for entry in ec2.describe_vpc_endpoints(Filters=by_type)["VpcEndpoints"]] == [
        made["VpcEndpointId"]
    ]


def test_every_service_is_listed_s3_with_both_types_and_iam_without_region(ec2: EC2Client) -> None:
    services = ec2.describe_vpc_endpoint_services()
    assert services["ServiceNames"] == [
        "com.amazonaws.iam",
        *(f"com.amazonaws.{REGION}.{name}" for name in ("comprehend", "ec2", "kms", "logs", "s3", "sts")),
    ]
    kinds = [
        (entry["ServiceName"].rpartition(".")[2], entry["ServiceType"][0]["ServiceType"])
        for entry in services["ServiceDetails"]
    ]
    assert sorted(kinds) == [
        ("comprehend", "Interface"),
        ("ec2", "Interface"),
        ("iam", "Interface"),
        ("kms", "Interface"),
        ("logs", "Interface"),
        ("s3", "Gateway"),
        ("s3", "Interface"),
        ("sts", "Interface"),
    ]
    for entry in services["ServiceDetails"]:
        assert (entry["Owner"], entry["VpcEndpointPolicySupported"], entry["AcceptanceRequired"]) == (
            "amazon",
            True,
            False,
        )
    (iam,) = ec2.describe_vpc_endpoint_services(ServiceNames=["com.amazonaws.iam"])["ServiceDetails"]
    assert iam["PrivateDnsName"] == "iam.amazonaws.com"
    pages = [ec2.describe_vpc_endpoint_services(MaxResults=4)]
    pages.append(ec2.describe_vpc_endpoint_services(MaxResults=4, NextToken=pages[0]["NextToken"]))
    assert sum(len(page["ServiceDetails"]) for page in pages) == 8


def test_endpoints_have_no_associations_with_resources(ec2: EC2Client, vpc_id: str) -> None:
    made = make(ec2, vpc_id)
    found = ec2.describe_vpc_endpoint_associations(VpcEndpointIds=[made["VpcEndpointId"]])
    assert found["VpcEndpointAssociations"] == []
    unknown = refusal(ec2.describe_vpc_endpoint_associations, VpcEndpointIds=["vpce-0123456789abcdef0"])
    assert unknown[0] == "InvalidVpcEndpointId.NotFound"


@pytest.mark.costs(0.6, reason="it creates as many endpoints as the quota allows")
def test_the_number_of_endpoints_of_a_vpc_is_limited(ec2: EC2Client, vpc_id: str) -> None:
    for _ in range(Quotas().interface_endpoints_per_vpc):
        make(ec2, vpc_id, PrivateDnsEnabled=False)
    assert refusal(make, ec2, vpc_id, PrivateDnsEnabled=False)[0] == "VpcEndpointLimitExceeded"
    # Gateway endpoints have their own quota.
    ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=S3)
