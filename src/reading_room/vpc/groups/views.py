"""Security groups and rules as EC2 shows them, and the filters of the Describe calls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from reading_room.arns import ec2_arn
from reading_room.vpc import lookup, tags
from reading_room.vpc.groups import security_groups
from reading_room.vpc.groups.permissions import Permission
from reading_room.vpc.tables import SecurityGroup, SecurityGroupRule

_PERMISSION_FILTERS = {
    "cidr": "IpRanges.CidrIp",
    "from-port": "FromPort",
    "group-id": "UserIdGroupPairs.GroupId",
    "group-name": "UserIdGroupPairs.GroupName",
    "ipv6-cidr": "Ipv6Ranges.CidrIpv6",
    "prefix-list-id": "PrefixListIds.PrefixListId",
    "protocol": "IpProtocol",
    "to-port": "ToPort",
    "user-id": "UserIdGroupPairs.UserId",
}
GROUP_FILTERS = {
    "description": "Description",
    "group-id": "GroupId",
    "group-name": "GroupName",
    "owner-id": "OwnerId",
    "tag-key": "",
    "vpc-id": "VpcId",
    **{f"ip-permission.{name}": f"IpPermissions.{path}" for name, path in _PERMISSION_FILTERS.items()},
    **{f"egress.ip-permission.{name}": f"IpPermissionsEgress.{path}" for name, path in _PERMISSION_FILTERS.items()},
}
GROUP_FOR_VPC_FILTERS = {
    "description": "Description",
    "group-id": "GroupId",
    "group-name": "GroupName",
    "owner-id": "OwnerId",
    "primary-vpc-id": "PrimaryVpcId",
    "tag-key": "",
}
RULE_FILTERS = {
    "group-id": "GroupId",
    "security-group-rule-id": "SecurityGroupRuleId",
    "tag-key": "",
}


def group_views(session: Session, region: str, rows: list[SecurityGroup]) -> list[dict[str, Any]]:
    """Return groups with their rules."""
    ids = [row.group_id for row in rows]
    tagged = tags.of(session, ids)
    rules = security_groups.rules_of(session, ids)
    names = _names(session, [rule for found in rules.values() for rule in found])
    return [
        {
            "GroupId": row.group_id,
            "GroupName": row.name,
            "Description": row.description,
            "OwnerId": row.account,
            "VpcId": row.vpc_id,
            "SecurityGroupArn": ec2_arn(region, row.account, "security-group", row.group_id),
            "IpPermissions": _grouped((rule for rule in rules[row.group_id] if not rule.is_egress), names),
            "IpPermissionsEgress": _grouped((rule for rule in rules[row.group_id] if rule.is_egress), names),
            "Tags": tagged[row.group_id],
        }
        for row in rows
    ]


def rule_views(session: Session, region: str, rows: list[SecurityGroupRule]) -> list[dict[str, Any]]:
    """Return rules one by one."""
    tagged = tags.of(session, [row.rule_id for row in rows])
    groups = _names(session, rows)
    return [
        _without_none(
            {
                "SecurityGroupRuleId": row.rule_id,
                "SecurityGroupRuleArn": ec2_arn(region, row.account, "security-group-rule", row.rule_id),
                "GroupId": row.group_id,
                "GroupOwnerId": row.account,
                "IsEgress": row.is_egress,
                "IpProtocol": row.protocol,
                "FromPort": _shown_port(row.from_port),
                "ToPort": _shown_port(row.to_port),
                "CidrIpv4": row.cidr_ipv4,
                "CidrIpv6": row.cidr_ipv6,
                "PrefixListId": row.prefix_list_id,
                "ReferencedGroupInfo": _referenced(row, groups),
                "Description": row.description,
                "Tags": tagged[row.rule_id],
            }
        )
        for row in rows
    ]


def revoked_view(row: SecurityGroupRule) -> dict[str, Any]:
    """Return a removed rule as the Revoke calls show it."""
    return _without_none(
        {
            "SecurityGroupRuleId": row.rule_id,
            "GroupId": row.group_id,
            "IsEgress": row.is_egress,
            "IpProtocol": row.protocol,
            "FromPort": _shown_port(row.from_port),
            "ToPort": _shown_port(row.to_port),
            "CidrIpv4": row.cidr_ipv4,
            "CidrIpv6": row.cidr_ipv6,
            "PrefixListId": row.prefix_list_id,
            "ReferencedGroupId": row.referenced_group_id,
            "Description": row.description,
        }
    )


def ip_permissions(unknown: Iterable[Permission]) -> list[dict[str, Any]]:
    """Return permissions that matched no rule, in the form of a request."""
    shown: list[dict[str, Any]] = []
    for permission in unknown:
        entry = _empty(permission.protocol, permission.from_port, permission.to_port)
        if permission.cidr_ipv4:
            entry["IpRanges"].append({"CidrIp": permission.cidr_ipv4})
        elif permission.cidr_ipv6:
            entry["Ipv6Ranges"].append({"CidrIpv6": permission.cidr_ipv6})
        elif permission.prefix_list_id:
            entry["PrefixListIds"].append({"PrefixListId": permission.prefix_list_id})
        else:
            entry["UserIdGroupPairs"].append({"GroupName" if permission.by_name else "GroupId": permission.group})
        shown.append(entry)
    return shown


def _grouped(rules: Iterable[SecurityGroupRule], names: dict[str, SecurityGroup]) -> list[dict[str, Any]]:
    """Return rules with the same protocol and ports as one permission with several peers, as EC2 does."""
    entries: dict[tuple[str, int | None, int | None], dict[str, Any]] = {}
    for rule in rules:
        key = (rule.protocol, rule.from_port, rule.to_port)
        entry = entries.setdefault(key, _empty(*key))
        note = {} if rule.description is None else {"Description": rule.description}
        if rule.cidr_ipv4 is not None:
            entry["IpRanges"].append({"CidrIp": rule.cidr_ipv4, **note})
        elif rule.cidr_ipv6 is not None:
            entry["Ipv6Ranges"].append({"CidrIpv6": rule.cidr_ipv6, **note})
        elif rule.prefix_list_id is not None:
            entry["PrefixListIds"].append({"PrefixListId": rule.prefix_list_id, **note})
        elif rule.referenced_group_id is not None:
            group = names[rule.referenced_group_id]
            entry["UserIdGroupPairs"].append({"GroupId": group.group_id, "UserId": group.account, **note})
    return list(entries.values())


def _empty(protocol: str, from_port: int | None, to_port: int | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"IpProtocol": protocol}
    if from_port is not None:
        entry |= {"FromPort": from_port, "ToPort": to_port}
    return entry | {"IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []}


def _names(session: Session, rules: Iterable[SecurityGroupRule]) -> dict[str, SecurityGroup]:
    wanted = {rule.referenced_group_id for rule in rules if rule.referenced_group_id is not None}
    found = lookup.grouped(session, SecurityGroup, "group_id", list(wanted))
    return {group_id: rows[0] for group_id, rows in found.items()}


def _referenced(row: SecurityGroupRule, groups: dict[str, SecurityGroup]) -> dict[str, str] | None:
    if row.referenced_group_id is None:
        return None
    group = groups[row.referenced_group_id]
    return {"GroupId": group.group_id, "UserId": group.account, "VpcId": group.vpc_id}


def _shown_port(port: int | None) -> int:
    return -1 if port is None else port


def _without_none(view: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in view.items() if value is not None}
