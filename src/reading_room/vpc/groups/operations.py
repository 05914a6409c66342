"""Operations on security groups and their rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from reading_room.arns import ec2_arn
from reading_room.aws.call import Call
from reading_room.vpc import lookup, tags
from reading_room.vpc.errors import InvalidParameterCombination, InvalidParameterValue, NoDefaultVpc
from reading_room.vpc.groups import permissions, security_group_rules, security_groups
from reading_room.vpc.groups.views import (
    GROUP_FILTERS,
    GROUP_FOR_VPC_FILTERS,
    RULE_FILTERS,
    group_views,
    ip_permissions,
    revoked_view,
    rule_views,
)
from reading_room.vpc.identifiers import SECURITY_GROUP, SECURITY_GROUP_RULE, VPC
from reading_room.vpc.not_found import SecurityGroupNotFound
from reading_room.vpc.operations.binding import Ec2Operations, Request, Response, ec2
from reading_room.vpc.operations.describing import shown
from reading_room.vpc.operations.scope import about, created, existing, listed, named_group, vpc_or_default
from reading_room.vpc.pagination import Paging
from reading_room.vpc.tables import SecurityGroup, SecurityGroupRule

_FLAT = "IpProtocol FromPort ToPort CidrIp SourceSecurityGroupName SourceSecurityGroupOwnerId"
_DESCRIPTIONS = "GroupId GroupName IpPermissions SecurityGroupRuleDescriptions"
_GROUP = about(named_group)
_GROUP_AND_RULES = about(named_group, listed(SECURITY_GROUP_RULE, "SecurityGroupRules", "SecurityGroupRuleId"))


class SecurityGroupOperations(Ec2Operations):
    """CreateSecurityGroup and related operations."""

    @ec2(
        "CreateSecurityGroup",
        "GroupName Description VpcId TagSpecifications",
        scope=about(created(SECURITY_GROUP), vpc_or_default),
    )
    def create_security_group(self, call: Call, request: Request) -> Response:
        """Create a security group, in the default VPC if the call names no VPC."""
        wanted = self.authorize_tags(call, request, SECURITY_GROUP)
        with self.database.transaction() as session:
            if request.get("VpcId"):
                vpc = lookup.one(session, VPC, call.account, request["VpcId"])
            else:
                vpc = lookup.default_vpc(session, call.account)
                if vpc is None:
                    raise NoDefaultVpc
            group = security_groups.create(
                session, vpc, request["GroupName"], request["Description"], self.clock(), quotas=self.quotas
            )
            tags.put(session, SECURITY_GROUP, call.account, group.group_id, wanted)
            return {
                "GroupId": group.group_id,
                "SecurityGroupArn": ec2_arn(call.region, call.account, SECURITY_GROUP.word, group.group_id),
                "Tags": tags.of(session, [group.group_id])[group.group_id],
            }

    @ec2("DescribeSecurityGroups", "GroupIds GroupNames Filters MaxResults NextToken")
    def describe_security_groups(self, call: Call, request: Request) -> Response:
        """List security groups with their rules."""
        with self.database.reading() as session:
            rows: list[SecurityGroup] = lookup.described(
                session, SECURITY_GROUP, call.account, request.get("GroupIds") or ()
            )
            names = request.get("GroupNames") or ()
            if names:
                rows = _of_default_vpc(session, call.account, rows, names)
            views = group_views(session, call.region, rows)
        paging = Paging("DescribeSecurityGroups", "GroupId", ids="GroupIds")
        return shown(views, request, "SecurityGroups", GROUP_FILTERS, paging)

    @ec2("DeleteSecurityGroup", "GroupId GroupName", scope=_GROUP)
    def delete_security_group(self, call: Call, request: Request) -> Response:
        """Delete a security group."""
        with self.database.transaction() as session:
            group = lookup.security_group(session, call.account, request.get("GroupId"), request.get("GroupName"))
            group_id = group.group_id
            security_groups.delete_group(session, call.account, group_id)
        return {"Return": True, "GroupId": group_id}

    @ec2("AuthorizeSecurityGroupIngress", f"GroupId GroupName IpPermissions TagSpecifications {_FLAT}", scope=_GROUP)
    def authorize_ingress(self, call: Call, request: Request) -> Response:
        """Add ingress rules."""
        return self._authorize(call, request, egress=False)

    @ec2("AuthorizeSecurityGroupEgress", f"GroupId IpPermissions TagSpecifications {_FLAT}", scope=_GROUP)
    def authorize_egress(self, call: Call, request: Request) -> Response:
        """Add egress rules."""
        return self._authorize(call, request, egress=True)

    @ec2("RevokeSecurityGroupIngress", f"GroupId GroupName IpPermissions SecurityGroupRuleIds {_FLAT}", scope=_GROUP)
    def revoke_ingress(self, call: Call, request: Request) -> Response:
        """Remove ingress rules."""
        return self._revoke(call, request, egress=False)

    @ec2("RevokeSecurityGroupEgress", f"GroupId IpPermissions SecurityGroupRuleIds {_FLAT}", scope=_GROUP)
    def revoke_egress(self, call: Call, request: Request) -> Response:
        """Remove egress rules."""
        return self._revoke(call, request, egress=True)

    @ec2("DescribeSecurityGroupRules", "SecurityGroupRuleIds Filters MaxResults NextToken")
    def describe_security_group_rules(self, call: Call, request: Request) -> Response:
        """List the rules of all groups, one by one."""
        ids = request.get("SecurityGroupRuleIds") or ()
        for entry in request.get("Filters") or ():
            if entry.get("Name") == "group-id":
                security_group_rules.check_filtered_groups(entry.get("Values") or ())
        with self.database.reading() as session:
            rows: list[SecurityGroupRule] = lookup.described(session, SECURITY_GROUP_RULE, call.account, ids)
            views = rule_views(session, call.region, rows)
        paging = Paging("DescribeSecurityGroupRules", "SecurityGroupRuleId", ids="SecurityGroupRuleIds")
        return shown(views, request, "SecurityGroupRules", RULE_FILTERS, paging)

    @ec2("ModifySecurityGroupRules", "GroupId SecurityGroupRules", scope=_GROUP_AND_RULES)
    def modify_security_group_rules(self, call: Call, request: Request) -> Response:
        """Change rules; they keep their ids."""
        changes: dict[str, permissions.Permission] = {}
        for entry in request["SecurityGroupRules"]:
            rule_id = entry["SecurityGroupRuleId"]
            if rule_id in changes:
                raise InvalidParameterValue("securityGroupRuleId", rule_id, "The rule is given twice.")
            changes[rule_id] = permissions.of_rule(entry.get("SecurityGroupRule") or {})
        with self.database.transaction() as session:
            group = lookup.security_group(session, call.account, request["GroupId"], None)
            security_group_rules.modify(session, group, changes, quotas=self.quotas)
        return {"Return": True}

    @ec2("UpdateSecurityGroupRuleDescriptionsIngress", _DESCRIPTIONS, scope=_GROUP)
    def update_descriptions_ingress(self, call: Call, request: Request) -> Response:
        """Change the descriptions of ingress rules."""
        return self._update_descriptions(call, request, egress=False)

    @ec2("UpdateSecurityGroupRuleDescriptionsEgress", _DESCRIPTIONS, scope=_GROUP)
    def update_descriptions_egress(self, call: Call, request: Request) -> Response:
        """Change the descriptions of egress rules."""
        return self._update_descriptions(call, request, egress=True)

    @ec2("GetSecurityGroupsForVpc", "VpcId Filters MaxResults NextToken", scope=about(existing(VPC, "VpcId")))
    def get_security_groups_for_vpc(self, call: Call, request: Request) -> Response:
        """List the groups that the interfaces of a VPC can have: those of the VPC."""
        with self.database.reading() as session:
            vpc = lookup.one(session, VPC, call.account, request["VpcId"])
            rows = security_groups.all_of_vpc(session, vpc.vpc_id)
            tagged = tags.of(session, [row.group_id for row in rows])
        views = [
            {
                "GroupId": row.group_id,
                "GroupName": row.name,
                "Description": row.description,
                "OwnerId": row.account,
                "PrimaryVpcId": row.vpc_id,
                "Tags": tagged[row.group_id],
            }
            for row in rows
        ]
        paging = Paging("GetSecurityGroupsForVpc", "GroupId")
        return shown(views, request, "SecurityGroupForVpcs", GROUP_FOR_VPC_FILTERS, paging)

    @ec2("DescribeSecurityGroupReferences", "GroupId")
    def describe_security_group_references(self, call: Call, request: Request) -> Response:
        """List the peered VPCs whose rules refer to a group: always none, because no VPC here is peered."""
        with self.database.reading() as session:
            lookup.some(session, SECURITY_GROUP, call.account, request["GroupId"])
        return {"SecurityGroupReferenceSet": []}

    @ec2("DescribeStaleSecurityGroups", "VpcId MaxResults NextToken")
    def describe_stale_security_groups(self, call: Call, request: Request) -> Response:
        """List groups with rules for groups of a formerly peered VPC: always none, because no VPC here is peered."""
        with self.database.reading() as session:
            lookup.one(session, VPC, call.account, request["VpcId"])
        paging = Paging("DescribeStaleSecurityGroups", "GroupId", most=255)
        return shown([], request, "StaleSecurityGroupSet", {}, paging)

    def _update_descriptions(self, call: Call, request: Request, *, egress: bool) -> Response:
        by_id = request.get("SecurityGroupRuleDescriptions") or ()
        if by_id and request.get("IpPermissions"):
            raise InvalidParameterCombination(
                "The parameter securityGroupRuleDescriptions cannot be used with the parameter ipPermissions"
            )
        with self.database.transaction() as session:
            group = lookup.security_group(session, call.account, request.get("GroupId"), request.get("GroupName"))
            if by_id:
                wanted = {entry.get("SecurityGroupRuleId", ""): entry.get("Description") for entry in by_id}
                security_group_rules.describe_by_id(session, group, wanted, egress=egress)
            else:
                security_group_rules.describe(session, group, permissions.requested(request), egress=egress)
        return {"Return": True}

    def _authorize(self, call: Call, request: Request, *, egress: bool) -> Response:
        wanted = self.authorize_tags(call, request, SECURITY_GROUP_RULE)
        permissions_wanted = permissions.requested(request)
        with self.database.transaction() as session:
            group = lookup.security_group(session, call.account, request.get("GroupId"), request.get("GroupName"))
            added = security_group_rules.authorize(
                session, group, permissions_wanted, egress=egress, quotas=self.quotas
            )
            for rule in added:
                tags.put(session, SECURITY_GROUP_RULE, call.account, rule.rule_id, wanted)
            return {"Return": True, "SecurityGroupRules": rule_views(session, call.region, added)}

    def _revoke(self, call: Call, request: Request, *, egress: bool) -> Response:
        rule_ids: Sequence[str] = request.get("SecurityGroupRuleIds") or ()
        if rule_ids and request.get("IpPermissions"):
            raise InvalidParameterCombination(
                "The parameter securityGroupRuleIds cannot be used with the parameter ipPermissions"
            )
        unknown: list[permissions.Permission] = []
        with self.database.transaction() as session:
            group = lookup.security_group(session, call.account, request.get("GroupId"), request.get("GroupName"))
            if rule_ids:
                removed = security_group_rules.revoke_by_id(session, group, rule_ids, egress=egress)
            else:
                removed, unknown = security_group_rules.revoke(
                    session, group, permissions.requested(request), egress=egress
                )
            answer: dict[str, Any] = {
                "Return": True,
                "RevokedSecurityGroupRules": [revoked_view(rule) for rule in removed],
            }
        if unknown:
            answer["UnknownIpPermissions"] = ip_permissions(unknown)
        return answer


def _of_default_vpc(
    session: Session, account: str, rows: list[SecurityGroup], names: Sequence[str]
) -> list[SecurityGroup]:
    vpc = lookup.default_vpc(session, account)
    if vpc is None:
        raise NoDefaultVpc
    here = {row.name: row for row in rows if row.vpc_id == vpc.vpc_id}
    for name in names:
        if name not in here:
            raise SecurityGroupNotFound(name)
    return [here[name] for name in dict.fromkeys(names)]
