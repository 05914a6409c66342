"""Security groups: creating, finding and deleting them. Their rules are in ``security_group_rules.py``."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import Session

from reading_room.ids import resource_id
from reading_room.vpc import lookup, tags
from reading_room.vpc.errors import MissingParameter
from reading_room.vpc.groups.errors import (
    BadGroupText,
    DuplicateGroup,
    GroupCannotBeDeleted,
    GroupInUse,
    ReservedGroupName,
)
from reading_room.vpc.identifiers import SECURITY_GROUP
from reading_room.vpc.quotas import Quotas, require_room
from reading_room.vpc.tables import NetworkInterfaceGroup, SecurityGroup, SecurityGroupRule, Vpc, VpcEndpointGroup

DEFAULT_NAME = "default"
_DEFAULT_OF = select(SecurityGroup).where(
    SecurityGroup.vpc_id == bindparam("vpc_id"), SecurityGroup.name == DEFAULT_NAME
)
_TEXT = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}")


def create(
    session: Session, vpc: Vpc, name: str, description: str, now: dt.datetime, *, quotas: Quotas = Quotas()
) -> SecurityGroup:
    """Create a group with no ingress rule and one egress rule that allows everything.

    Raises ``BadGroupText``, ``MissingParameter``, ``ReservedGroupName``, ``DuplicateGroup`` or ``LimitExceeded``.
    """
    name = name.rstrip(" ")
    if not _TEXT.fullmatch(name) or name.startswith("sg-"):
        raise BadGroupText("groupName", name)
    if not description:
        raise MissingParameter("GroupDescription")
    if not _TEXT.fullmatch(description):
        raise BadGroupText("groupDescription", description)
    if name == DEFAULT_NAME:
        raise ReservedGroupName(name)
    same = select(SecurityGroup.group_id).where(SecurityGroup.vpc_id == vpc.vpc_id, SecurityGroup.name == name)
    if session.scalar(same) is not None:
        raise DuplicateGroup(name, vpc.vpc_id)
    used = session.scalar(select(func.count()).select_from(SecurityGroup).where(SecurityGroup.account == vpc.account))
    require_room(used, quotas.security_groups, "SecurityGroupLimitExceeded", "security groups")
    group = _insert(session, vpc, name, description, now)
    session.add(allow_all_egress(group))
    session.flush()
    return group


def create_default(session: Session, vpc: Vpc, now: dt.datetime) -> SecurityGroup:
    """Create the default group of a new VPC: it allows ingress from itself and all egress."""
    group = _insert(session, vpc, DEFAULT_NAME, "default VPC security group", now)
    session.add_all(
        [
            SecurityGroupRule(
                rule_id=resource_id("sgr"),
                account=group.account,
                group_id=group.group_id,
                is_egress=False,
                protocol="-1",
                referenced_group_id=group.group_id,
            ),
            allow_all_egress(group),
        ]
    )
    session.flush()
    return group


def allow_all_egress(group: SecurityGroup) -> SecurityGroupRule:
    """Return the egress rule that a new group has."""
    return SecurityGroupRule(
        rule_id=resource_id("sgr"),
        account=group.account,
        group_id=group.group_id,
        is_egress=True,
        protocol="-1",
        cidr_ipv4="0.0.0.0/0",
    )


def delete_group(session: Session, account: str, group_id: str) -> None:
    """Delete a group.

    Raises ``GroupCannotBeDeleted`` for a default group, and ``GroupInUse`` while an interface or an endpoint uses it or
    a rule of another group refers to it. A rule of its own that refers to it does not matter.
    """
    group: SecurityGroup = lookup.one(session, SECURITY_GROUP, account, group_id)
    if group.name == DEFAULT_NAME:
        raise GroupCannotBeDeleted(group_id, group.name)
    named = (SecurityGroupRule.referenced_group_id == group_id) & (SecurityGroupRule.group_id != group_id)
    uses = (
        select(NetworkInterfaceGroup.interface_id).where(NetworkInterfaceGroup.group_id == group_id),
        # An interface endpoint may have no interface yet.
        select(VpcEndpointGroup.vpc_endpoint_id).where(VpcEndpointGroup.group_id == group_id),
        select(SecurityGroupRule.rule_id).where(named),
    )
    if any(session.scalar(use.limit(1)) is not None for use in uses):
        raise GroupInUse(group_id)
    remove(session, group)


def remove(session: Session, group: SecurityGroup) -> None:
    """Delete a group with its rules and tags, even if it is in use."""
    rules = list(session.scalars(select(SecurityGroupRule.rule_id).where(SecurityGroupRule.group_id == group.group_id)))
    session.execute(delete(SecurityGroupRule).where(SecurityGroupRule.group_id == group.group_id))
    for resource in (*rules, group.group_id):
        tags.forget(session, resource)
    session.delete(group)
    session.flush()


def default_of(session: Session, vpc_id: str) -> SecurityGroup:
    """Return the default group of a VPC."""
    return session.scalars(_DEFAULT_OF, {"vpc_id": vpc_id}).one()


def all_of_vpc(session: Session, vpc_id: str) -> list[SecurityGroup]:
    """Return the groups of a VPC, sorted by id."""
    return list(
        session.scalars(select(SecurityGroup).where(SecurityGroup.vpc_id == vpc_id).order_by(SecurityGroup.group_id))
    )


def rules_of(session: Session, group_ids: Sequence[str]) -> dict[str, list[SecurityGroupRule]]:
    """Return the rules of several groups, by group, sorted by id."""
    return lookup.grouped(session, SecurityGroupRule, "group_id", group_ids, "rule_id")


def _insert(session: Session, vpc: Vpc, name: str, description: str, now: dt.datetime) -> SecurityGroup:
    group = SecurityGroup(
        group_id=resource_id("sg"),
        account=vpc.account,
        vpc_id=vpc.vpc_id,
        name=name,
        description=description,
        created_at=now,
    )
    session.add(group)
    session.flush()
    return group
