"""Rules of security groups: authorizing, changing and revoking. How requests write them is in ``permissions.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.ids import resource_id
from reading_room.vpc import lookup, tags
from reading_room.vpc.addressing import customer_prefix_lists, prefix_lists
from reading_room.vpc.groups.errors import (
    DuplicatePermission,
    GroupOfAnotherNetwork,
    MalformedGroupId,
    PeerKindChanged,
    PermissionMissing,
)
from reading_room.vpc.groups.permissions import Permission, permission_of
from reading_room.vpc.identifiers import SECURITY_GROUP, SECURITY_GROUP_RULE
from reading_room.vpc.not_found import MalformedId, SecurityGroupRuleNotFound
from reading_room.vpc.quotas import Quotas, require_room
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

    Raises ``DuplicatePermission`` for a rule that exists or is given twice, ``SecurityGroupNotFound``,
    ``GroupOfAnotherNetwork``, ``PrefixListNotFound`` or ``LimitExceeded``. A rule for an IPv6 network is stored but
    matches no packet, since nothing here has an IPv6 address.
    """
    existing = _rules(session, group, egress)
    known = {permission_of(rule).identity for rule in existing}
    added: list[SecurityGroupRule] = []
    for given in permissions:
        permission = _resolved(session, group, given)
        if permission.identity in known:
            raise DuplicatePermission(str(permission))
        known.add(permission.identity)
        added.append(_row(group, permission, egress))
    _require_room(session, group, (*existing, *added), quotas)
    session.add_all(added)
    session.flush()
    return added


def revoke(
    session: Session, group: SecurityGroup, permissions: Sequence[Permission], *, egress: bool
) -> tuple[list[SecurityGroupRule], list[Permission]]:
    """Remove rules. Return the removed rules and the permissions that matched none.

    Protocol, ports and peer of a permission must match; its description does not matter. Raises ``PermissionMissing``
    for a permission without a match, except in a default VPC, where EC2 returns the list of them instead.
    """
    by_identity = {permission_of(rule).identity: rule for rule in _rules(session, group, egress)}
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
    """Remove rules by id, all or none. Raises ``SecurityGroupRuleNotFound`` for one that is not in the group."""
    rules = _own(session, group, rule_ids)
    for rule in rules:
        if rule.is_egress != egress:
            raise SecurityGroupRuleNotFound(rule.rule_id)
    _remove(session, rules)
    return rules


def describe(session: Session, group: SecurityGroup, permissions: Sequence[Permission], *, egress: bool) -> None:
    """Change or remove the descriptions of existing rules. Raises ``PermissionMissing``."""
    by_identity = {permission_of(rule).identity: rule for rule in _rules(session, group, egress)}
    found = [(by_identity.get(_resolved(session, group, given).identity), given) for given in permissions]
    for rule, given in found:
        if rule is None:
            raise PermissionMissing
        rule.description = given.description
    session.flush()


def describe_by_id(
    session: Session, group: SecurityGroup, descriptions: Mapping[str, str | None], *, egress: bool
) -> None:
    """Change or remove the descriptions of rules, by rule id. Raises ``SecurityGroupRuleNotFound``."""
    for rule in _own(session, group, list(descriptions)):
        if rule.is_egress != egress:
            raise SecurityGroupRuleNotFound(rule.rule_id)
        rule.description = descriptions[rule.rule_id]
    session.flush()


def modify(
    session: Session, group: SecurityGroup, changes: Mapping[str, Permission], *, quotas: Quotas = Quotas()
) -> None:
    """Replace the protocol, ports, peer and description of rules, all or none.

    A rule keeps its id, its direction and the kind of its peer. Raises ``SecurityGroupRuleNotFound``,
    ``PeerKindChanged``, ``DuplicatePermission``, ``LimitExceeded`` and what ``authorize`` raises for a peer.
    """
    for rule in _own(session, group, list(changes)):
        permission = _resolved(session, group, changes[rule.rule_id])
        if [peer is None for peer in permission.peers] != [peer is None for peer in permission_of(rule).peers]:
            raise PeerKindChanged(rule.rule_id)
        rule.protocol, rule.from_port, rule.to_port = permission.identity[:3]
        rule.cidr_ipv4, rule.cidr_ipv6, rule.prefix_list_id, rule.referenced_group_id = permission.peers
        rule.description = permission.description
    session.flush()
    for egress in (False, True):
        rules = _rules(session, group, egress)
        _require_room(session, group, rules, quotas)
        seen: set[tuple[object, ...]] = set()
        for rule in rules:
            if permission_of(rule).identity in seen:
                raise DuplicatePermission(str(permission_of(rule)))
            seen.add(permission_of(rule).identity)


def check_filtered_groups(group_ids: Sequence[str]) -> None:
    """Raise ``MalformedGroupId`` for the first filter value that is not an id: EC2 takes no wildcards here."""
    for group_id in group_ids:
        try:
            SECURITY_GROUP.check(group_id)
        except MalformedId:
            raise MalformedGroupId(group_id) from None


def _own(session: Session, group: SecurityGroup, rule_ids: Sequence[str]) -> list[SecurityGroupRule]:
    rules: list[SecurityGroupRule] = lookup.some(session, SECURITY_GROUP_RULE, group.account, rule_ids)
    for rule in rules:
        if rule.group_id != group.group_id:
            raise SecurityGroupRuleNotFound(rule.rule_id)
    return rules


def _rules(session: Session, group: SecurityGroup, egress: bool) -> list[SecurityGroupRule]:
    statement = select(SecurityGroupRule).where(
        SecurityGroupRule.group_id == group.group_id, SecurityGroupRule.is_egress.is_(egress)
    )
    return list(session.scalars(statement))


def _resolved(session: Session, group: SecurityGroup, permission: Permission) -> Permission:
    """Return a permission with the id of its group in place of the name."""
    if permission.prefix_list_id is not None:
        customer_prefix_lists.require(session, group.account, permission.prefix_list_id)
    if permission.group is None:
        return permission
    if permission.by_name:
        other = lookup.security_group(session, group.account, None, permission.group)
    else:
        other = lookup.one(session, SECURITY_GROUP, group.account, permission.group)
    if other.vpc_id != group.vpc_id:
        raise GroupOfAnotherNetwork
    return replace(permission, group=other.group_id, by_name=False)


def _require_room(session: Session, group: SecurityGroup, rules: Sequence[SecurityGroupRule], quotas: Quotas) -> None:
    """Raise ``LimitExceeded`` if either address family has too many rules; a prefix list counts with its size."""
    weights = customer_prefix_lists.weights(session, group.account)
    for family in (4, 6):
        count = sum(weights.get(rule.prefix_list_id or "", 1) for rule in rules if family in _families(rule))
        require_room(
            count - 1, quotas.rules_per_group, "RulesPerSecurityGroupLimitExceeded", "rules per security group"
        )


def _families(rule: SecurityGroupRule) -> tuple[int, ...]:
    """Return the address families for which a rule counts: a rule for a group counts for both."""
    if rule.prefix_list_id is not None:
        return (6,) if prefix_lists.is_ipv6(rule.prefix_list_id) else (4,)
    return tuple(family for family, other in ((4, rule.cidr_ipv6), (6, rule.cidr_ipv4)) if other is None)


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
