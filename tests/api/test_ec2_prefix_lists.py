"""Customer-managed prefix lists: versions, sizes, and the resources that use them; and AWS's own lists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from reading_room.vpc.quotas import Quotas
from tests.worlds.ec2 import ACCOUNT, Ec2World, code_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

GHOST = "pl-0123456789abcdef0"
S3 = "pl-63a5400a"
OF_AWS = {
    "com.amazonaws.global.cloudfront.origin-facing": ("IPv4", 55),
    "com.amazonaws.global.groundstation": ("IPv4", 5),
    "com.amazonaws.global.ipv6.cloudfront.origin-facing": ("IPv6", 55),
    "com.amazonaws.us-east-1.dynamodb": ("IPv4", 1),
    "com.amazonaws.us-east-1.ec2-instance-connect": ("IPv4", 2),
    "com.amazonaws.us-east-1.ipv6.ec2-instance-connect": ("IPv6", 2),
    "com.amazonaws.us-east-1.ipv6.route53-healthchecks": ("IPv6", 25),
    "com.amazonaws.us-east-1.ipv6.vpc-lattice": ("IPv6", 10),
    "com.amazonaws.us-east-1.route53-healthchecks": ("IPv4", 25),
    "com.amazonaws.us-east-1.s3": ("IPv4", 1),
    "com.amazonaws.us-east-1.s3express": ("IPv4", 6),
    "com.amazonaws.us-east-1.secretsmanager-managed-external-secrets": ("IPv4", 20),
    "com.amazonaws.us-east-1.vpc-lattice": ("IPv4", 10),
}
"""Every list that AWS documents, with its address family and its weight."""


def make(ec2: EC2Client, *cidrs: str, size: int = 10, name: str = "offices") -> str:
    entries: Any = [{"Cidr": cidr, "Description": f"at {cidr}"} for cidr in cidrs]
    answer = ec2.create_managed_prefix_list(PrefixListName=name, MaxEntries=size, AddressFamily="IPv4", Entries=entries)
    return answer["PrefixList"]["PrefixListId"]


def cidrs(ec2: EC2Client, list_id: str, version: int | None = None) -> list[str]:
    wanted: Any = {} if version is None else {"TargetVersion": version}
    return [entry["Cidr"] for entry in ec2.get_managed_prefix_list_entries(PrefixListId=list_id, **wanted)["Entries"]]


def rule(list_id: str) -> Any:
    return [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": list_id}]}]


@pytest.fixture
def group_id(ec2: EC2Client, vpc_id: str) -> str:
    return ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc_id)["GroupId"]


def test_a_new_list_is_complete_in_its_first_version(ec2: EC2Client) -> None:
    wanted: Any = {
        "PrefixListName": "offices",
        "MaxEntries": 5,
        "AddressFamily": "IPv4",
        "Entries": [{"Cidr": "192.0.2.7/24", "Description": "north"}],
        "ClientToken": "t",
        "TagSpecifications": [{"ResourceType": "prefix-list", "Tags": [{"Key": "Name", "Value": "x"}]}],
    }
    made = ec2.create_managed_prefix_list(**wanted)["PrefixList"]
    assert made["State"] == "create-in-progress"
    assert ec2.create_managed_prefix_list(**wanted)["PrefixList"]["PrefixListId"] == made["PrefixListId"]
    (seen,) = ec2.describe_managed_prefix_lists(PrefixListIds=[made["PrefixListId"]])["PrefixLists"]
    assert (seen["State"], seen["Version"], seen["MaxEntries"], seen["OwnerId"], seen["Tags"]) == (
        "create-complete",
        1,
        5,
        ACCOUNT,
        [{"Key": "Name", "Value": "x"}],
    )
    assert seen["PrefixListArn"].endswith(f":prefix-list/{made['PrefixListId']}")
    entries = ec2.get_managed_prefix_list_entries(PrefixListId=made["PrefixListId"])["Entries"]
    assert entries == [{"Cidr": "192.0.2.0/24", "Description": "north"}]
    mine: Any = [{"Name": "owner-id", "Values": [ACCOUNT]}]
    assert len(ec2.describe_managed_prefix_lists(Filters=mine)["PrefixLists"]) == 1
    assert len(ec2.describe_managed_prefix_lists()["PrefixLists"]) == 1 + len(OF_AWS)


def test_a_client_token_creates_one_list(ec2: EC2Client) -> None:
    wanted: Any = {"PrefixListName": "a", "MaxEntries": 5, "AddressFamily": "IPv4", "ClientToken": "t"}
    ec2.create_managed_prefix_list(**wanted)
    with pytest.raises(ClientError) as caught:
        ec2.create_managed_prefix_list(**{**wanted, "MaxEntries": 6})
    assert code_of(caught.value) == "IdempotentParameterMismatch"


def test_each_change_of_the_entries_creates_a_version_and_keeps_the_old_ones(ec2: EC2Client) -> None:
    list_id = make(ec2, "192.0.2.0/24")
    answer = ec2.modify_managed_prefix_list(
        PrefixListId=list_id,
        CurrentVersion=1,
        AddEntries=[{"Cidr": "198.51.100.0/24"}],
        RemoveEntries=[{"Cidr": "192.0.2.0/24"}],
    )["PrefixList"]
    assert (answer["Version"], answer["State"]) == (2, "modify-in-progress")
    assert (cidrs(ec2, list_id), cidrs(ec2, list_id, 1)) == (["198.51.100.0/24"], ["192.0.2.0/24"])
    ec2.modify_managed_prefix_list(PrefixListId=list_id, PrefixListName="renamed")
    (seen,) = ec2.describe_managed_prefix_lists(PrefixListIds=[list_id])["PrefixLists"]
    assert (seen["Version"], seen["PrefixListName"], seen["State"]) == (2, "renamed", "modify-complete")
    with pytest.raises(ClientError) as caught:
        ec2.modify_managed_prefix_list(PrefixListId=list_id, CurrentVersion=1, AddEntries=[{"Cidr": "203.0.113.0/24"}])
    assert code_of(caught.value) == "PrefixListVersionMismatch"
    with pytest.raises(ClientError) as caught:
        cidrs(ec2, list_id, 3)
    assert code_of(caught.value) == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"AddEntries": [{"Cidr": "203.0.113.0/24"}]}, "MissingParameter"),
        ({"CurrentVersion": 1, "AddEntries": [{"Cidr": "192.0.2.0/24"}]}, "InvalidParameterValue"),
        ({"CurrentVersion": 1, "RemoveEntries": [{"Cidr": "203.0.113.0/24"}]}, "InvalidParameterValue"),
        ({"CurrentVersion": 1, "AddEntries": [{"Cidr": "ten"}]}, "InvalidParameterValue"),
        ({"CurrentVersion": 1, "AddEntries": [{"Cidr": "10.0.0.0/8"}], "MaxEntries": 9}, "InvalidParameterCombination"),
        ({"MaxEntries": 0}, "InvalidParameterValue"),
        ({"MaxEntries": 1001}, "InvalidParameterValue"),
        ({"PrefixListName": "com.amazonaws.mine"}, "InvalidParameterValue"),
    ],
)
def test_an_invalid_change_leaves_the_list_unchanged(ec2: EC2Client, changes: Any, code: str) -> None:
    list_id = make(ec2, "192.0.2.0/24")
    before = ec2.describe_managed_prefix_lists(PrefixListIds=[list_id])["PrefixLists"]
    with pytest.raises(ClientError) as caught:
        ec2.modify_managed_prefix_list(PrefixListId=list_id, **changes)
    assert code_of(caught.value) == code
    assert ec2.describe_managed_prefix_lists(PrefixListIds=[list_id])["PrefixLists"] == before
    assert cidrs(ec2, list_id) == ["192.0.2.0/24"]


def test_a_list_cannot_have_more_entries_than_its_maximum(ec2: EC2Client) -> None:
    with pytest.raises(ClientError) as caught:
        make(ec2, "192.0.2.0/24", "198.51.100.0/24", size=1)
    assert code_of(caught.value) == "PrefixListMaxEntriesExceeded"
    list_id = make(ec2, "192.0.2.0/24", "198.51.100.0/24", size=2)
    with pytest.raises(ClientError) as caught:
        ec2.modify_managed_prefix_list(PrefixListId=list_id, MaxEntries=1)
    assert code_of(caught.value) == "PrefixListMaxEntriesExceeded"
    with pytest.raises(ClientError) as caught:
        ec2.create_managed_prefix_list(PrefixListName="six", MaxEntries=1, AddressFamily="IPv6")
    assert code_of(caught.value) == "UnsupportedOperation"


def test_the_maximum_size_of_a_list_counts_against_the_rule_quota_of_a_group(ec2: EC2Client, group_id: str) -> None:
    large, small = make(ec2, size=60), make(ec2, size=20)
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=rule(large))
    for list_id in (small, S3):
        with pytest.raises(ClientError) as caught:
            ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=rule(list_id))
        assert code_of(caught.value) == "RulesPerSecurityGroupLimitExceeded"
    with pytest.raises(ClientError) as caught:
        ec2.modify_managed_prefix_list(PrefixListId=large, MaxEntries=61)
    assert code_of(caught.value) == "RulesPerSecurityGroupLimitExceeded"
    ec2.modify_managed_prefix_list(PrefixListId=large, MaxEntries=40)
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=rule(small))


def test_a_list_in_use_shows_its_users_and_cannot_be_deleted(ec2: EC2Client, group_id: str) -> None:
    list_id = make(ec2, "192.0.2.0/24")
    ec2.authorize_security_group_egress(GroupId=group_id, IpPermissions=rule(list_id))
    users = ec2.get_managed_prefix_list_associations(PrefixListId=list_id)["PrefixListAssociations"]
    assert users == [{"ResourceId": group_id, "ResourceOwner": ACCOUNT}]
    with pytest.raises(ClientError) as caught:
        ec2.delete_managed_prefix_list(PrefixListId=list_id)
    assert code_of(caught.value) == "DependencyViolation"
    ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=rule(list_id))
    assert ec2.delete_managed_prefix_list(PrefixListId=list_id)["PrefixList"]["State"] == "delete-in-progress"
    with pytest.raises(ClientError) as caught:
        ec2.describe_managed_prefix_lists(PrefixListIds=[list_id])
    assert code_of(caught.value) == "InvalidPrefixListID.NotFound"


def aws_lists(ec2: EC2Client) -> dict[str, Any]:
    wanted: Any = [{"Name": "owner-id", "Values": ["AWS"]}]
    found = ec2.describe_managed_prefix_lists(Filters=wanted)["PrefixLists"]
    return {entry["PrefixListName"]: entry for entry in found}


def test_a_region_has_every_list_that_aws_manages(ec2: EC2Client) -> None:
    found = aws_lists(ec2)
    assert {name: entry["AddressFamily"] for name, entry in found.items()} == {
        name: family for name, (family, _) in OF_AWS.items()
    }
    for name, entry in found.items():
        list_id = entry["PrefixListId"]
        assert entry["PrefixListArn"] == f"arn:aws:ec2:us-east-1:aws:prefix-list/{list_id}"
        (seen,) = ec2.describe_prefix_lists(PrefixListIds=[list_id])["PrefixLists"]
        entries = [each["Cidr"] for each in ec2.get_managed_prefix_list_entries(PrefixListId=list_id)["Entries"]]
        assert (seen["PrefixListName"], sorted(seen["Cidrs"])) == (name, entries)
        # The other services do not exist here, so no address belongs to their lists.
        assert bool(entries) is (list_id == S3)
    assert len(ec2.describe_prefix_lists()["PrefixLists"]) == len(OF_AWS)


def test_a_list_that_aws_manages_counts_with_its_weight_for_its_address_family(ec2: EC2Client, group_id: str) -> None:
    found = aws_lists(ec2)
    # 55 for IPv4, and 55 for IPv6.
    for name in ("com.amazonaws.global.cloudfront.origin-facing", "com.amazonaws.global.ipv6.cloudfront.origin-facing"):
        wanted = rule(found[name]["PrefixListId"])
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=wanted)
    # Another 6 are one too many for IPv4; 2 and 1 still fit.
    wanted = rule(found["com.amazonaws.us-east-1.s3express"]["PrefixListId"])
    with pytest.raises(ClientError) as caught:
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=wanted)
    assert code_of(caught.value) == "RulesPerSecurityGroupLimitExceeded"
    for name in ("ec2-instance-connect", "ipv6.ec2-instance-connect", "s3", "dynamodb"):
        wanted = rule(found[f"com.amazonaws.us-east-1.{name}"]["PrefixListId"])
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=wanted)


def test_a_route_can_have_a_list_that_aws_manages_as_its_destination(
    ec2: EC2Client, vpc_id: str, subnet_id: str
) -> None:
    list_id = aws_lists(ec2)["com.amazonaws.us-east-1.vpc-lattice"]["PrefixListId"]
    table_id = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    interface_id = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    ec2.create_route(RouteTableId=table_id, DestinationPrefixListId=list_id, NetworkInterfaceId=interface_id)
    (table,) = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
    assert [each.get("DestinationPrefixListId") for each in table["Routes"]] == [None, list_id]


def test_lists_that_aws_manages_cannot_be_changed(ec2: EC2Client) -> None:
    with pytest.raises(ClientError) as caught:
        ec2.modify_managed_prefix_list(PrefixListId=S3, PrefixListName="mine")
    assert code_of(caught.value) == "OperationNotPermitted"
    with pytest.raises(ClientError) as caught:
        ec2.delete_managed_prefix_list(PrefixListId=S3)
    assert code_of(caught.value) == "OperationNotPermitted"


def test_a_rule_needs_an_existing_list(ec2: EC2Client, group_id: str) -> None:
    with pytest.raises(ClientError) as caught:
        ec2.authorize_security_group_egress(GroupId=group_id, IpPermissions=rule(GHOST))
    assert code_of(caught.value) == "InvalidPrefixListID.NotFound"


def test_the_quota_of_lists_is_enforced(tmp_path: Path) -> None:
    world = Ec2World(tmp_path, Quotas(prefix_lists=1))
    ec2 = world.client()
    make(ec2)
    with pytest.raises(ClientError) as caught:
        make(ec2)
    assert code_of(caught.value) == "PrefixListLimitExceeded"
    world.close()
