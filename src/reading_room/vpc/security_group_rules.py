"""Rules of security groups: authorizing and revoking. How requests write them is in ``permissions.py``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.ids import resource_id
from reading_room.vpc import lookup, prefix_lists, security_groups, tags
from reading_room.vpc.errors import SecurityGroupRuleNotFound
from reading_room.vpc.identifiers import SECURITY_GROUP, SECURITY_GROUP_RULE
from reading_room.vpc.permissions import Permission, identity_of
from reading_room.vpc.quotas import Quotas, require_room
from reading_room.vpc.rule_errors import (
    DuplicatePermission,
    GroupOfAnotherNetwork,
    PermissionMissing,
)
from reading_room.vpc.tables import SecurityGroup, SecurityGroupRule, Vpc


def authorize(
    session: Session,
    group: SecurityGroup,
    permissions: Sequence[Permission],
    *,
    egress: bool,
    quotas: Quotas = Quotas(),
) -> list[SecurityGroupRule]:
    """Add rules, all or none.

    Raises ``DuplicatePermission`` for a rule that is there or twice in the call, ``SecurityGroupNotFound``,
    ``GroupOfAnotherNetwork``, ``PrefixListNotFound`` or ``LimitExceeded``.
    """
    existing = _rules(session, group, egress)
    known = {identity_of(rule) for rule in existing}
    added: list[SecurityGroupRule] = []
    for given in permissions:
        permission = _resolved(session, group, given)
        if permission.identity in known:
            raise DuplicatePermission(str(permission))
        known.add(permission.identity)
        added.append(_row(group, permission, egress))
    for count in (
        sum(1 for rule in (*existing, *added) if rule.cidr_ipv6 is None),
        sum(1 for rule in (*existing, *added) if rule.cidr_ipv6 is not None),
    ):
        require_room(
            count - 1, quotas.rules_per_group, "RulesPerSecurityGroupLimitExceeded", "rules per security group"
        )
    session.add_all(added)
    session.flush()
    return added


def revoke(
    session: Session, group: SecurityGroup, permissions: Sequence[Permission], *, egress: bool
) -> tuple[list[SecurityGroupRule], list[Permission]]:
    """Remove rules; return those removed and the permissions that matched none.

    A permission must match in protocol, ports and peer; its description does not matter. Raises ``PermissionMissing``
    for one without a match, except in a default VPC, where EC2 answers with the list of them instead.
    """
    by_identity = {identity_of(rule): rule for rule in _rules(session, group, egress)}
    removed: list[SecurityGroupRule] = []
    unknown: list[Permission] = []
    for given in permissions:
        rule = by_identity.pop(_resolved(session, group, given).identity, None)
        if rule is None:
            unknown.append(given)
        else:
            removed.append(rule)
    if unknown and not session.get_one(Vpc, group.vpc_id).is_default:
        raise PermissionMissing
    _remove(session, removed)
    return removed, unknown


def revoke_by_id(
    session: Session, group: SecurityGroup, rule_ids: Sequence[str], *, egress: bool
) -> list[SecurityGroupRule]:
    """Remove rules by their ids, all or none. Raises ``SecurityGroupRuleNotFound`` for one that is not the group's."""
    rules: list[SecurityGroupRule] = lookup.some(session, SECURITY_GROUP_RULE, group.account, rule_ids)
    for rule in rules:
        if rule.group_id != group.group_id or rule.is_egress != egress:
            raise SecurityGroupRuleNotFound(rule.rule_id)
    _remove(session, rules)
    return rules


def _rules(session: Session, group: SecurityGroup, egress: bool) -> list[SecurityGroupRule]:
    statement = select(SecurityGroupRule).where(
        SecurityGroupRule.group_id == group.group_id, SecurityGroupRule.is_egress.is_(egress)
    )
    return list(session.scalars(statement))


def _resolved(session: Session, group: SecurityGroup, permission: Permission) -> Permission:
    if permission.prefix_list_id is not None:
        prefix_lists.require(permission.prefix_list_id)
    if permission.group is None:
        return permission
    if permission.by_name:
        other = security_groups.named(session, group.account, None, permission.group)
    else:
        other = lookup.one(session, SECURITY_GROUP, group.account, permission.group)
    if other.vpc_id != group.vpc_id:
        raise GroupOfAnotherNetwork
    return replace(permission, group=other.group_id, by_name=False)


def _row(group: SecurityGroup, permission: Permission, egress: bool) -> SecurityGroupRule:
    return SecurityGroupRule(
        rule_id=resource_id("sgr"),
        account=group.account,
        group_id=group.group_id,
        is_egress=egress,
        protocol=permission.protocol,
        from_port=permission.from_port,
        to_port=permission.to_port,
        cidr_ipv4=permission.cidr_ipv4,
        cidr_ipv6=permission.cidr_ipv6,
        prefix_list_id=permission.prefix_list_id,
        referenced_group_id=permission.group,
        description=permission.description,
    )


def _remove(session: Session, rules: Sequence[SecurityGroupRule]) -> None:
    for rule in rules:
        tags.forget(session, rule.rule_id)
        session.delete(rule)
    session.flush()
