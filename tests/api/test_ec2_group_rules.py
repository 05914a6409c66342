"""Rules of security groups: older request forms, changes in place, descriptions, and references between groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.worlds.ec2 import ACCOUNT, Ec2World, code_of, message_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


@pytest.fixture
def group_id(ec2: EC2Client, vpc_id: str) -> str:
    return ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc_id)["GroupId"]


def rules(ec2: EC2Client, group_id: str, *, egress: bool = False) -> list[Any]:
    wanted: Any = [{"Name": "group-id", "Values": [group_id]}]
    found = ec2.describe_security_group_rules(Filters=wanted)["SecurityGroupRules"]
    return [rule for rule in found if rule["IsEgress"] is egress]


def tcp(port: int, cidr: str = "10.0.0.0/8", description: str | None = None) -> Any:
    text = {} if description is None else {"Description": description}
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": cidr, **text}]}


def test_the_older_flat_form_creates_and_revokes_the_same_rules(ec2: EC2Client, group_id: str) -> None:
    ec2.authorize_security_group_ingress(
        GroupId=group_id, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="10.0.0.0/8"
    )
    with pytest.raises(ClientError) as caught:
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[tcp(22)])
    assert code_of(caught.value) == "InvalidPermission.Duplicate"
    ec2.revoke_security_group_ingress(GroupId=group_id, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="10.0.0.0/8")
    assert rules(ec2, group_id) == []
    ec2.authorize_security_group_egress(GroupId=group_id, IpProtocol="icmp", FromPort=8, ToPort=-1, CidrIp="10.0.0.0/8")
    assert {rule["IpProtocol"] for rule in rules(ec2, group_id, egress=True)} == {"-1", "icmp"}
    ec2.revoke_security_group_egress(GroupId=group_id, IpProtocol="icmp", FromPort=8, ToPort=-1, CidrIp="10.0.0.0/8")
    assert len(rules(ec2, group_id, egress=True)) == 1


def test_the_flat_form_names_groups_of_the_default_vpc(ec2: EC2Client) -> None:
    for name in ("front", "back"):
        ec2.create_security_group(GroupName=name, Description=name)
    ec2.authorize_security_group_ingress(
        GroupName="back", SourceSecurityGroupName="front", SourceSecurityGroupOwnerId=ACCOUNT
    )
    (group,) = ec2.describe_security_groups(GroupNames=["back"])["SecurityGroups"]
    (front,) = ec2.describe_security_groups(GroupNames=["front"])["SecurityGroups"]
    (permission,) = group["IpPermissions"]
    assert permission["UserIdGroupPairs"] == [{"GroupId": front["GroupId"], "UserId": ACCOUNT}]
    ec2.revoke_security_group_ingress(
        GroupName="back", SourceSecurityGroupName="front", SourceSecurityGroupOwnerId=ACCOUNT
    )
    assert rules(ec2, group["GroupId"]) == []
    ec2.authorize_security_group_egress(
        GroupId=group["GroupId"], SourceSecurityGroupName="front", SourceSecurityGroupOwnerId=ACCOUNT
    )
    ec2.revoke_security_group_egress(
        GroupId=group["GroupId"], SourceSecurityGroupName="front", SourceSecurityGroupOwnerId=ACCOUNT
    )
    ec2.delete_security_group(GroupName="back")


def test_a_rule_is_changed_in_place_and_keeps_its_id(ec2: EC2Client, group_id: str) -> None:
    (made,) = ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[tcp(22)])["SecurityGroupRules"]
    rule_id = made["SecurityGroupRuleId"]
    wanted: Any = {"IpProtocol": "udp", "FromPort": 53, "ToPort": 54, "CidrIpv4": "192.0.2.0/24", "Description": "dns"}
    ec2.modify_security_group_rules(
        GroupId=group_id, SecurityGroupRules=[{"SecurityGroupRuleId": rule_id, "SecurityGroupRule": wanted}]
    )
    (rule,) = rules(ec2, group_id)
    assert rule["SecurityGroupRuleId"] == rule_id
    assert {key: rule[key] for key in wanted} == wanted


def test_either_all_changes_are_made_or_none(ec2: EC2Client, vpc_id: str, group_id: str) -> None:
    made = ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[tcp(22), tcp(23)])
    first, second = (rule["SecurityGroupRuleId"] for rule in made["SecurityGroupRules"])
    other = ec2.create_security_group(GroupName="other", Description="other", VpcId=vpc_id)["GroupId"]
    before = rules(ec2, group_id)
    good = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIpv4": "10.0.0.0/8"}
    wrong: list[tuple[str, dict[str, Any], str]] = [
        (group_id, {**good, "FromPort": 23, "ToPort": 23}, "InvalidPermission.Duplicate"),
        (group_id, {**good, "IpProtocol": "fax"}, "InvalidParameterValue"),
        (group_id, {**good, "CidrIpv6": "::/0"}, "InvalidParameterCombination"),
        (group_id, {"IpProtocol": "-1"}, "MissingParameter"),
        (group_id, {"IpProtocol": "-1", "ReferencedGroupId": other}, "InvalidParameterValue"),
        (group_id, {"IpProtocol": "-1", "PrefixListId": "pl-63a5400a"}, "InvalidParameterValue"),
        (other, good, "InvalidSecurityGroupRuleId.NotFound"),
    ]
    for group, change, code in wrong:
        with pytest.raises(ClientError) as caught:
            ec2.modify_security_group_rules(
                GroupId=group,
                SecurityGroupRules=[{"SecurityGroupRuleId": first, "SecurityGroupRule": change}],  # type: ignore[typeddict-item]
            )
        assert code_of(caught.value) == code, change
        assert rules(ec2, group_id) == before
    swapped: Any = [
        {"SecurityGroupRuleId": first, "SecurityGroupRule": {**good, "FromPort": 23, "ToPort": 23}},
        {"SecurityGroupRuleId": second, "SecurityGroupRule": {**good, "FromPort": 22, "ToPort": 22}},
    ]
    ec2.modify_security_group_rules(GroupId=group_id, SecurityGroupRules=swapped)
    assert {rule["SecurityGroupRuleId"]: rule["FromPort"] for rule in rules(ec2, group_id)} == {first: 23, second: 22}


def test_a_rule_for_an_ipv6_network_is_stored_in_canonical_form(ec2: EC2Client, group_id: str) -> None:
    web = tcp(443, "0.0.0.0/0") | {
        "Ipv6Ranges": [{"CidrIpv6": "::/0", "Description": "all"}, {"CidrIpv6": "2001:DB8:0:1::7/48"}]
    }
    made = ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[web])["SecurityGroupRules"]
    assert [rule.get("CidrIpv6") for rule in made] == [None, "::/0", "2001:db8::/48"]
    shown = {rule["SecurityGroupRuleId"]: rule.get("CidrIpv6") for rule in rules(ec2, group_id)}
    assert shown == {rule["SecurityGroupRuleId"]: rule.get("CidrIpv6") for rule in made}
    wanted: Any = [{"Name": "ip-permission.ipv6-cidr", "Values": ["2001:db8::/48"]}]
    (group,) = ec2.describe_security_groups(Filters=wanted)["SecurityGroups"]
    (permission,) = group["IpPermissions"]
    assert permission["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]
    found = sorted(permission["Ipv6Ranges"], key=lambda each: each["CidrIpv6"])
    assert found == [{"CidrIpv6": "2001:db8::/48"}, {"CidrIpv6": "::/0", "Description": "all"}]
    again: Any = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/48"}]}]
    with pytest.raises(ClientError, match="peer: 2001:db8::/48, TCP, from port: 443, to port: 443, ALLOW") as caught:
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=again)
    assert code_of(caught.value) == "InvalidPermission.Duplicate"
    ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=[web])
    assert rules(ec2, group_id) == []


def test_a_rule_for_an_ipv6_network_is_changed_described_and_revoked_like_any_other(
    ec2: EC2Client, group_id: str
) -> None:
    everything: Any = {"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
    (made,) = ec2.authorize_security_group_egress(GroupId=group_id, IpPermissions=[everything])["SecurityGroupRules"]
    rule_id = made["SecurityGroupRuleId"]
    assert (made["FromPort"], made["ToPort"]) == (-1, -1)
    noted: Any = [{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0", "Description": "out"}]}]
    ec2.update_security_group_rule_descriptions_egress(GroupId=group_id, IpPermissions=noted)
    change: Any = {"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "CidrIpv6": "2001:db8::/32"}
    ec2.modify_security_group_rules(
        GroupId=group_id, SecurityGroupRules=[{"SecurityGroupRuleId": rule_id, "SecurityGroupRule": change}]
    )
    answer: Any = ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule_id])
    (seen,) = answer["SecurityGroupRules"]
    assert {key: seen[key] for key in change} == change
    answer = ec2.revoke_security_group_egress(GroupId=group_id, SecurityGroupRuleIds=[rule_id])
    assert [rule["CidrIpv6"] for rule in answer["RevokedSecurityGroupRules"]] == ["2001:db8::/32"]


def test_unknown_rules_and_malformed_ids_get_different_errors(ec2: EC2Client, group_id: str) -> None:
    unknown = "sgr-0f80c7e764c18b3c0"
    with pytest.raises(ClientError, match=f"The security group rule ID '{unknown}' does not exist") as caught:
        ec2.describe_security_group_rules(SecurityGroupRuleIds=[unknown])
    assert code_of(caught.value) == "InvalidSecurityGroupRuleId.NotFound"
    for malformed in ("sgr-1", "sg-0f80c7e764c18b3c0", "foobar"):
        with pytest.raises(ClientError) as caught:
            ec2.describe_security_group_rules(SecurityGroupRuleIds=[malformed])
        assert code_of(caught.value) == "InvalidSecurityGroupRuleId.Malformed"
    for group in ("foobar", ""):
        with pytest.raises(ClientError, match=f"The security group ID '{group}' is malformed") as caught:
            ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group_id, group]}])
        assert code_of(caught.value) == "InvalidGroupId.Malformed"
    assert rules(ec2, "sg-005216b55886f0fdc") == []


NO_PROTOCOL = "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly."
NO_PORTS = "Invalid value for portRange. Must specify both from and to ports with TCP/UDP."


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"FromPort": 1, "ToPort": 2, "CidrIpv4": "10.0.0.0/8"}, "InvalidParameterValue", NO_PROTOCOL),
        ({"IpProtocol": "udp", "ToPort": 2, "CidrIpv4": "10.0.0.0/8"}, "InvalidParameterValue", NO_PORTS),
        (
            {"IpProtocol": "-1"},
            "MissingParameter",
            "The request must contain exactly one of: cidrIp, cidrIpv6, prefixListId, or referencedGroupId",
        ),
        (
            {"IpProtocol": "-1", "CidrIpv4": "10.0.0.0/8", "CidrIpv6": "2001:db8::/32"},
            "InvalidParameterCombination",
            "Only one of cidrIp, cidrIpv6, prefixListId, or referencedGroupId can be specified",
        ),
    ],
)
def test_an_incomplete_change_is_refused_in_ec2s_words(
    ec2: EC2Client, group_id: str, change: Any, code: str, message: str
) -> None:
    (rule,) = rules(ec2, group_id, egress=True)
    with pytest.raises(ClientError) as caught:
        ec2.modify_security_group_rules(
            GroupId=group_id,
            SecurityGroupRules=[
                {"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "SecurityGroupRule": change},
            ],
        )
    assert (code_of(caught.value), message_of(caught.value)) == (code, message)


def test_a_new_rule_needs_its_protocol_and_ports(ec2: EC2Client, group_id: str) -> None:
    wanted: list[tuple[Any, str]] = [
        ({"IpRanges": [{"CidrIp": "10.0.0.0/8"}]}, NO_PROTOCOL),
        ({"IpProtocol": "tcp", "FromPort": 1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}, NO_PORTS),
    ]
    for permission, message in wanted:
        with pytest.raises(ClientError) as caught:
            ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[permission])
        assert (code_of(caught.value), message_of(caught.value)) == ("InvalidParameterValue", message)


def test_a_new_group_has_no_rule_for_ipv6(ec2: EC2Client, group_id: str) -> None:
    assert [rule["CidrIpv4"] for rule in rules(ec2, group_id, egress=True)] == ["0.0.0.0/0"]


def test_descriptions_are_changed_by_rule_or_id_and_removed(ec2: EC2Client, group_id: str) -> None:
    (made,) = ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[tcp(22)])["SecurityGroupRules"]
    ec2.update_security_group_rule_descriptions_ingress(
        GroupId=group_id, IpPermissions=[tcp(22, description="by rule")]
    )
    assert rules(ec2, group_id)[0]["Description"] == "by rule"
    ec2.update_security_group_rule_descriptions_ingress(
        GroupId=group_id,
        SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": made["SecurityGroupRuleId"], "Description": "by id"}],
    )
    assert rules(ec2, group_id)[0]["Description"] == "by id"
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group_id, IpPermissions=[tcp(22)])
    assert "Description" not in rules(ec2, group_id)[0]
    (out,) = rules(ec2, group_id, egress=True)
    everything: Any = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "all"}]}]
    ec2.update_security_group_rule_descriptions_egress(GroupId=group_id, IpPermissions=everything)
    assert rules(ec2, group_id, egress=True)[0]["Description"] == "all"
    ec2.update_security_group_rule_descriptions_egress(
        GroupId=group_id, SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": out["SecurityGroupRuleId"]}]
    )
    assert "Description" not in rules(ec2, group_id, egress=True)[0]


def test_a_description_needs_an_existing_rule(ec2: EC2Client, group_id: str) -> None:
    with pytest.raises(ClientError) as caught:
        ec2.update_security_group_rule_descriptions_ingress(GroupId=group_id, IpPermissions=[tcp(22)])
    assert code_of(caught.value) == "InvalidPermission.NotFound"
    (out,) = rules(ec2, group_id, egress=True)
    with pytest.raises(ClientError) as caught:
        ec2.update_security_group_rule_descriptions_ingress(
            GroupId=group_id, SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": out["SecurityGroupRuleId"]}]
        )
    assert code_of(caught.value) == "InvalidSecurityGroupRuleId.NotFound"


def test_descriptions_in_groups_of_the_default_vpc_are_changed_by_group_name(ec2: EC2Client) -> None:
    group_id = ec2.create_security_group(GroupName="front", Description="front")["GroupId"]
    ec2.authorize_security_group_ingress(GroupName="front", IpPermissions=[tcp(22)])
    ec2.update_security_group_rule_descriptions_ingress(GroupName="front", IpPermissions=[tcp(22, description="x")])
    assert rules(ec2, group_id)[0]["Description"] == "x"
    everything: Any = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "y"}]}]
    ec2.update_security_group_rule_descriptions_egress(GroupName="front", IpPermissions=everything)
    assert rules(ec2, group_id, egress=True)[0]["Description"] == "y"


def test_the_groups_of_a_vpc_are_listed_and_filtered_by_name(ec2: EC2Client, vpc_id: str, group_id: str) -> None:
    found = ec2.get_security_groups_for_vpc(VpcId=vpc_id)["SecurityGroupForVpcs"]
    assert {(group["GroupName"], group["PrimaryVpcId"]) for group in found} == {("web", vpc_id), ("default", vpc_id)}
    named: Any = [{"Name": "group-name", "Values": ["w*"]}]
    found = ec2.get_security_groups_for_vpc(VpcId=vpc_id, Filters=named)["SecurityGroupForVpcs"]
    assert [group["GroupId"] for group in found] == [group_id]
    with pytest.raises(ClientError) as caught:
        ec2.get_security_groups_for_vpc(VpcId="vpc-0123456789abcdef0")
    assert code_of(caught.value) == "InvalidVpcID.NotFound"


def test_a_group_of_an_endpoint_is_in_use_even_without_interfaces(ec2: EC2Client, vpc_id: str, group_id: str) -> None:
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc_id,
        VpcEndpointType="Interface",
        ServiceName="com.amazonaws.us-east-1.logs",
        SecurityGroupIds=[group_id],
        PrivateDnsEnabled=False,
    )["VpcEndpoint"]
    assert endpoint["NetworkInterfaceIds"] == []
    with pytest.raises(ClientError) as caught:
        ec2.delete_security_group(GroupId=group_id)
    assert code_of(caught.value) == "DependencyViolation"
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])
    ec2.delete_security_group(GroupId=group_id)


def test_without_peering_no_group_is_referenced_by_another_vpc_or_stale(
    ec2: EC2Client, vpc_id: str, group_id: str
) -> None:
    assert ec2.describe_security_group_references(GroupId=[group_id])["SecurityGroupReferenceSet"] == []
    assert ec2.describe_stale_security_groups(VpcId=vpc_id)["StaleSecurityGroupSet"] == []
    with pytest.raises(ClientError) as caught:
        ec2.describe_security_group_references(GroupId=["sg-0123456789abcdef0"])
    assert code_of(caught.value) == "InvalidGroup.NotFound"
    with pytest.raises(ClientError) as caught:
        ec2.describe_stale_security_groups(VpcId="vpc-0123456789abcdef0")
    assert code_of(caught.value) == "InvalidVpcID.NotFound"


def test_the_network_is_notified_of_a_changed_rule(world: Ec2World, ec2: EC2Client, group_id: str) -> None:
    (made,) = ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[tcp(22)])["SecurityGroupRules"]
    announced: list[frozenset[str]] = []
    world.database.on_commit(announced.append)
    change: Any = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIpv4": "10.0.0.0/8"}
    ec2.modify_security_group_rules(
        GroupId=group_id,
        SecurityGroupRules=[{"SecurityGroupRuleId": made["SecurityGroupRuleId"], "SecurityGroupRule": change}],
    )
    assert any("security_group_rules" in tables for tables in announced)
