"""Security groups and their rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.worlds.ec2 import code_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

SSH: Any = [
    {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "in"}]}
]


@pytest.fixture
def group_id(ec2: EC2Client, vpc_id: str) -> str:
    return ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc_id)["GroupId"]


def described(ec2: EC2Client, group_id: str) -> Any:
    (group,) = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    return group


def test_a_new_group_allows_no_ingress_and_all_egress(ec2: EC2Client, group_id: str) -> None:
    group = described(ec2, group_id)
    assert group["IpPermissions"] == []
    (egress,) = group["IpPermissionsEgress"]
    assert (egress["IpProtocol"], egress["IpRanges"]) == ("-1", [{"CidrIp": "0.0.0.0/0"}])
    assert "FromPort" not in egress


def test_the_default_egress_rule_is_revoked_whatever_ports_are_given(ec2: EC2Client, group_id: str) -> None:
    wanted: Any = [{"IpProtocol": "-1", "FromPort": 0, "ToPort": 0, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    answer = ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=wanted)
    assert answer["Return"] is True
    assert described(ec2, group_id)["IpPermissionsEgress"] == []
    with pytest.raises(ClientError) as caught:
        ec2.revoke_security_group_egress(
            GroupId=group_id, IpPermissions=[{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]
        )
    assert code_of(caught.value) == "InvalidPermission.NotFound"


def test_a_rule_can_be_added_only_once(ec2: EC2Client, group_id: str) -> None:
    answer = ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=SSH)
    (rule,) = answer["SecurityGroupRules"]
    assert (rule["CidrIpv4"], rule["FromPort"], rule["Description"]) == ("0.0.0.0/0", 22, "in")
    both = [*SSH, {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    sentence = 'the specified rule "peer: 0.0.0.0/0, TCP, from port: 22, to port: 22, ALLOW" already exists'
    with pytest.raises(ClientError, match=sentence) as caught:
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=both)
    assert code_of(caught.value) == "InvalidPermission.Duplicate"
    assert len(described(ec2, group_id)["IpPermissions"]) == 1


def test_rules_with_the_same_ports_are_one_permission_but_listed_separately(ec2: EC2Client, group_id: str) -> None:
    wanted: Any = [
        {
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 443,
            "IpRanges": [{"CidrIp": "10.0.0.9/8"}, {"CidrIp": "192.168.0.0/16"}],
            "UserIdGroupPairs": [{"GroupId": group_id}],
            "PrefixListIds": [{"PrefixListId": "pl-63a5400a"}],
        }
    ]
    ec2.authorize_security_group_egress(GroupId=group_id, IpPermissions=wanted)
    permission = next(
        entry for entry in described(ec2, group_id)["IpPermissionsEgress"] if entry["IpProtocol"] == "tcp"
    )
    assert {entry["CidrIp"] for entry in permission["IpRanges"]} == {"10.0.0.0/8", "192.168.0.0/16"}
    assert permission["PrefixListIds"] == [{"PrefixListId": "pl-63a5400a"}]
    of_group: Any = [{"Name": "group-id", "Values": [group_id]}]
    rules = ec2.describe_security_group_rules(Filters=of_group)["SecurityGroupRules"]
    assert len(rules) == 5
    referring = [rule for rule in rules if "ReferencedGroupInfo" in rule]
    assert [rule["ReferencedGroupInfo"]["GroupId"] for rule in referring] == [group_id]
    found = ec2.describe_security_groups(
        Filters=[{"Name": "egress.ip-permission.prefix-list-id", "Values": ["pl-63a5400a"]}]
    )["SecurityGroups"]
    assert [group["GroupId"] for group in found] == [group_id]


def test_rules_can_be_revoked_by_id_but_only_from_their_own_group(ec2: EC2Client, vpc_id: str, group_id: str) -> None:
    rule_id = ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=SSH)["SecurityGroupRules"][0][
        "SecurityGroupRuleId"
    ]
    other = ec2.create_security_group(GroupName="other", Description="other", VpcId=vpc_id)["GroupId"]
    for wrong in (other,):
        with pytest.raises(ClientError) as caught:
            ec2.revoke_security_group_ingress(GroupId=wrong, SecurityGroupRuleIds=[rule_id])
        assert code_of(caught.value) == "InvalidSecurityGroupRuleId.NotFound"
    with pytest.raises(ClientError):
        ec2.revoke_security_group_egress(GroupId=group_id, SecurityGroupRuleIds=[rule_id])
    ec2.revoke_security_group_ingress(GroupId=group_id, SecurityGroupRuleIds=[rule_id])
    assert described(ec2, group_id)["IpPermissions"] == []


def test_revoking_an_unknown_rule_is_an_error_except_in_the_default_vpc(ec2: EC2Client, group_id: str) -> None:
    with pytest.raises(ClientError) as caught:
        ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=SSH)
    assert code_of(caught.value) == "InvalidPermission.NotFound"
    in_default = ec2.create_security_group(GroupName="loose", Description="loose")["GroupId"]
    answer = ec2.revoke_security_group_ingress(GroupId=in_default, IpPermissions=SSH)
    assert answer["UnknownIpPermissions"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]


def test_names_are_validated_and_unique_in_their_vpc(ec2: EC2Client, vpc_id: str, group_id: str) -> None:
    for name, code in (
        ("web", "InvalidGroup.Duplicate"),
        ("web  ", "InvalidGroup.Duplicate"),
        ("default", "InvalidParameterValue"),
        ("sg-mine", "InvalidParameterValue"),
        ("tab\t", "InvalidParameterValue"),
        ("x" * 256, "InvalidParameterValue"),
    ):
        with pytest.raises(ClientError) as caught:
            ec2.create_security_group(GroupName=name, Description="d", VpcId=vpc_id)
        assert code_of(caught.value) == code, name
    with pytest.raises(ClientError, match="GroupDescription") as caught:
        ec2.create_security_group(GroupName="quiet", Description="", VpcId=vpc_id)
    assert code_of(caught.value) == "MissingParameter"


def test_a_group_in_use_and_the_default_group_cannot_be_deleted(ec2: EC2Client, vpc_id: str, group_id: str) -> None:
    other = ec2.create_security_group(GroupName="other", Description="other", VpcId=vpc_id)["GroupId"]
    pairs: Any = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group_id}]}]
    ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=pairs)
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=pairs)
    with pytest.raises(ClientError, match=f"resource {group_id} has a dependent object") as caught:
        ec2.delete_security_group(GroupId=group_id)
    assert code_of(caught.value) == "DependencyViolation"
    ec2.delete_security_group(GroupId=other)
    assert ec2.delete_security_group(GroupId=group_id)["GroupId"] == group_id
    here: Any = [{"Name": "vpc-id", "Values": [vpc_id]}]
    (default,) = ec2.describe_security_groups(Filters=here)["SecurityGroups"]
    with pytest.raises(ClientError) as caught:
        ec2.delete_security_group(GroupId=default["GroupId"])
    assert code_of(caught.value) == "CannotDelete"


def test_a_rule_can_reference_only_existing_groups_of_its_vpc_and_existing_lists(ec2: EC2Client, group_id: str) -> None:
    default = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    far = ec2.create_security_group(GroupName="far", Description="far", VpcId=default)["GroupId"]
    peers: list[tuple[dict[str, Any], str]] = [
        ({"UserIdGroupPairs": [{"GroupId": far}]}, "InvalidGroup.NotFound"),
        ({"UserIdGroupPairs": [{"GroupId": "sg-0123456789abcdef0"}]}, "InvalidGroup.NotFound"),
        ({"PrefixListIds": [{"PrefixListId": "pl-12345678"}]}, "InvalidPrefixListID.NotFound"),
        ({"IpRanges": [{"CidrIp": "10.0.0.0/99"}]}, "InvalidParameterValue"),
    ]
    for peer, code in peers:
        entry: Any = {"IpProtocol": "-1", **peer}
        with pytest.raises(ClientError) as caught:
            ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[entry])
        assert code_of(caught.value) == code


def test_a_group_can_have_sixty_rules_in_each_direction(ec2: EC2Client, group_id: str) -> None:
    many: Any = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": f"10.0.0.{n}/32"} for n in range(60)]}]
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=many)
    with pytest.raises(ClientError) as caught:
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=SSH)
    assert code_of(caught.value) == "RulesPerSecurityGroupLimitExceeded"


def test_rules_can_have_tags(ec2: EC2Client, group_id: str) -> None:
    tags: Any = [{"ResourceType": "security-group-rule", "Tags": [{"Key": "why", "Value": "ssh"}]}]
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=SSH, TagSpecifications=tags)
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "tag:why", "Values": ["ssh"]}])["SecurityGroupRules"]
    assert [rule["Tags"] for rule in rules] == [[{"Key": "why", "Value": "ssh"}]]
