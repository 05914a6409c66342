"""The organization, its units and where accounts are, as an administrator of the management account sees them."""

from __future__ import annotations

import re

from tests.worlds.iam import ACCOUNT, policy, refusal
from tests.worlds.organizations import MEMBER, OrganizationWorld


def test_the_first_account_creates_the_organization_and_manages_it(world: OrganizationWorld) -> None:
    made = world.organizations.create_organization()["Organization"]
    assert re.fullmatch(r"o-[a-z0-9]{10,32}", made["Id"])
    assert made["Arn"] == f"arn:aws:organizations::{ACCOUNT}:organization/{made['Id']}"
    assert made["MasterAccountArn"] == f"arn:aws:organizations::{ACCOUNT}:account/{made['Id']}/{ACCOUNT}"
    assert (made["FeatureSet"], made["MasterAccountId"]) == ("ALL", ACCOUNT)
    assert world.organizations.describe_organization()["Organization"] == made
    (root,) = world.organizations.list_roots()["Roots"]
    assert re.fullmatch(r"r-[a-z0-9]{4,32}", root["Id"])
    assert root["PolicyTypes"] == [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]
    assert world.organizations.list_parents(ChildId=ACCOUNT)["Parents"] == [{"Id": root["Id"], "Type": "ROOT"}]


def test_an_installation_has_one_organization_and_only_the_first_account_creates_it(world: OrganizationWorld) -> None:
    stranger = world.account(MEMBER)("organizations")
    assert refusal(stranger.create_organization)[0] == "AccessDeniedException"
    assert refusal(world.organizations.list_roots)[0] == "AWSOrganizationsNotInUseException"
    world.organizations.create_organization()
    assert refusal(world.organizations.create_organization)[0] == "AlreadyInOrganizationException"
    assert refusal(stranger.describe_organization)[0] == "AWSOrganizationsNotInUseException"
    assert refusal(world.organizations.create_organization, FeatureSet="CONSOLIDATED_BILLING")[0] in (
        "InvalidInputException"
    )


def test_a_member_sees_the_organization_but_manages_nothing(world: OrganizationWorld) -> None:
    root = world.organization()
    member = world.member()("organizations")
    assert member.describe_organization()["Organization"]["MasterAccountId"] == ACCOUNT
    for call, given in (
        (member.list_accounts, {}),
        (member.create_organizational_unit, {"ParentId": root, "Name": "mine"}),
        (member.delete_organization, {}),
        (member.disable_policy_type, {"RootId": root, "PolicyType": "SERVICE_CONTROL_POLICY"}),
    ):
        assert refusal(call, **given)[:2] == (
            "AccessDeniedException",
            "You don't have permissions to access this resource.",
        )


def test_units_form_a_tree_of_at_most_five_levels(world: OrganizationWorld) -> None:
    root = world.organization()
    parent = root
    for level in range(5):
        parent = world.unit(parent, f"level {level}")
    code, _, _ = refusal(world.organizations.create_organizational_unit, ParentId=parent, Name="too deep")
    assert code == "ConstraintViolationException"
    assert refusal(world.organizations.create_organizational_unit, ParentId=root, Name="level 0")[0] == (
        "DuplicateOrganizationalUnitException"
    )
    assert refusal(world.organizations.create_organizational_unit, ParentId="ou-none-00000000", Name="x")[0] == (
        "ParentNotFoundException"
    )
    shown = world.organizations.describe_organizational_unit(OrganizationalUnitId=parent)["OrganizationalUnit"]
    assert shown["Path"].count("/ou-") == 5
    assert shown["Path"].endswith(f"/{parent}/")


def test_a_unit_is_renamed_and_deleted_only_when_empty(world: OrganizationWorld) -> None:
    root = world.organization()
    outer = world.unit(root, "outer")
    inner = world.unit(outer, "inner")
    calls = world.organizations
    assert calls.list_children(ParentId=outer, ChildType="ORGANIZATIONAL_UNIT")["Children"] == [
        {"Id": inner, "Type": "ORGANIZATIONAL_UNIT"}
    ]
    assert refusal(calls.delete_organizational_unit, OrganizationalUnitId=outer)[0] == (
        "OrganizationalUnitNotEmptyException"
    )
    renamed = calls.update_organizational_unit(OrganizationalUnitId=inner, Name="other")["OrganizationalUnit"]
    assert renamed["Name"] == "other"
    calls.delete_organizational_unit(OrganizationalUnitId=inner)
    assert refusal(calls.describe_organizational_unit, OrganizationalUnitId=inner)[0] == (
        "OrganizationalUnitNotFoundException"
    )
    calls.delete_organizational_unit(OrganizationalUnitId=outer)
    assert calls.list_organizational_units_for_parent(ParentId=root)["OrganizationalUnits"] == []


def test_long_lists_have_pages(world: OrganizationWorld) -> None:
    root = world.organization()
    made = {world.unit(root, f"unit {number:02}") for number in range(5)}
    pages = world.organizations.get_paginator("list_organizational_units_for_parent")
    found = [page["OrganizationalUnits"] for page in pages.paginate(ParentId=root, PaginationConfig={"PageSize": 2})]
    assert [len(page) for page in found] == [2, 2, 1]
    assert {unit["Id"] for page in found for unit in page} == made
    code = refusal(world.organizations.list_accounts, NextToken="nonsense")[0]
    assert code == "InvalidInputException"


def test_the_organization_is_deleted_only_when_empty(world: OrganizationWorld) -> None:
    root = world.organization()
    unit = world.unit(root, "papers")
    policy_id = world.policy("nothing", {"Effect": "Deny", "Action": "*", "Resource": "*"})
    world.member()
    assert refusal(world.organizations.delete_organization)[0] == "OrganizationNotEmptyException"
    world.organizations.remove_account_from_organization(AccountId=MEMBER)
    assert refusal(world.organizations.delete_organization)[0] == "OrganizationNotEmptyException"
    world.organizations.delete_organizational_unit(OrganizationalUnitId=unit)
    assert refusal(world.organizations.delete_organization)[0] == "OrganizationNotEmptyException"
    world.organizations.delete_policy(PolicyId=policy_id)
    world.organizations.delete_organization()
    assert refusal(world.organizations.describe_organization)[0] == "AWSOrganizationsNotInUseException"
    assert world.current() is None
    world.organizations.create_organization()


def test_tags_of_every_kind_of_resource(world: OrganizationWorld) -> None:
    root = world.organization()
    unit = world.unit(root, "papers")
    policy_id = world.policy("nothing", {"Effect": "Deny", "Action": "*", "Resource": "*"})
    calls = world.organizations
    for each in (root, unit, ACCOUNT, policy_id):
        calls.tag_resource(ResourceId=each, Tags=[{"Key": "team", "Value": "a"}, {"Key": "cost", "Value": "b"}])
        calls.untag_resource(ResourceId=each, TagKeys=["cost"])
        assert calls.list_tags_for_resource(ResourceId=each)["Tags"] == [{"Key": "team", "Value": "a"}]
    assert refusal(calls.list_tags_for_resource, ResourceId="999999999999")[0] == "TargetNotFoundException"
    twice = [{"Key": "team", "Value": "a"}, {"Key": "Team", "Value": "b"}]
    assert refusal(calls.tag_resource, ResourceId=unit, Tags=twice)[0] == "InvalidInputException"


def test_policies_name_units_and_accounts_by_their_arns_and_tags(world: OrganizationWorld) -> None:
    root = world.organization()
    one, other = world.unit(root, "one"), world.unit(root, "other")
    arn = world.organizations.describe_organizational_unit(OrganizationalUnitId=one)["OrganizationalUnit"]["Arn"]
    key = world.user("planner", policy(action="organizations:DescribeOrganizationalUnit", resource=arn))
    planner = world.client("organizations", **key)
    planner.describe_organizational_unit(OrganizationalUnitId=one)
    code, message, _ = refusal(planner.describe_organizational_unit, OrganizationalUnitId=other)
    assert code == "AccessDeniedException"
    assert f":ou/{arn.split('/')[1]}/{other}" in message
    tagged = policy(
        action="organizations:DescribeOrganizationalUnit",
        Condition={"StringEquals": {"aws:ResourceTag/team": "a"}},
    )
    reader = world.client("organizations", **world.user("reader", tagged))
    assert refusal(reader.describe_organizational_unit, OrganizationalUnitId=other)[0] == "AccessDeniedException"
    world.organizations.tag_resource(ResourceId=other, Tags=[{"Key": "team", "Value": "a"}])
    reader.describe_organizational_unit(OrganizationalUnitId=other)
