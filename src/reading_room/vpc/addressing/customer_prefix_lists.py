"""Prefix lists that customers manage: named lists of networks for rules and routes, with their earlier versions.

Changing the entries makes a new version, which takes effect at once wherever the list is used. A list counts against
the quotas of the groups and route tables that use it with its maximum number of entries, however few it has. AWS's own
lists are in ``prefix_lists.py``; ``require`` and ``weights`` handle both.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from reading_room.ids import resource_id
from reading_room.vpc import lookup, tags
from reading_room.vpc.addressing import cidrs, prefix_lists
from reading_room.vpc.addressing.errors import (
    AwsPrefixList,
    BadPrefixListName,
    EntriesAndSize,
    EntryExists,
    EntryMissing,
    MaxEntriesOutOfRange,
    PrefixListVersionMismatch,
    TooManyEntries,
    UnknownPrefixListVersion,
)
from reading_room.vpc.errors import DependencyViolation, LimitExceeded, MissingParameter
from reading_room.vpc.identifiers import PREFIX_LIST
from reading_room.vpc.quotas import Quotas, require_room
from reading_room.vpc.tables import PrefixList, PrefixListEntry, Route, RouteTable, SecurityGroupRule

MOST_ENTRIES = 1_000
MOST_CHANGES = 100
"""How many entries one call may add, and how many it may remove."""
VERSIONS_KEPT = 1_000

Entry = Mapping[str, Any]


def create(
    session: Session,
    account: str,
    name: str,
    max_entries: int,
    entries: Sequence[Entry],
    now: dt.datetime,
    *,
    quotas: Quotas = Quotas(),
) -> PrefixList:
    """Create a list with its first version.

    Raises ``BadPrefixListName``, ``MaxEntriesOutOfRange``, ``TooManyEntries``, ``EntryExists``, ``NotACidrBlock`` or
    ``LimitExceeded``.
    """
    row = PrefixList(
        prefix_list_id=resource_id("pl"),
        account=account,
        name=_checked_name(name),
        max_entries=_checked_size(max_entries),
        created_at=now,
    )
    used = session.scalar(select(func.count()).select_from(PrefixList).where(PrefixList.account == account))
    require_room(used, quotas.prefix_lists, "PrefixListLimitExceeded", "prefix lists")
    session.add(row)
    session.flush()
    _write(session, row, _changed({}, entries, ()))
    return row


def modify(
    session: Session,
    account: str,
    prefix_list_id: str,
    *,
    name: str | None = None,
    max_entries: int | None = None,
    add: Sequence[Entry] = (),
    remove: Sequence[Entry] = (),
    current_version: int | None = None,
    quotas: Quotas = Quotas(),
) -> PrefixList:
    """Change a list's name, size or entries. A change of the entries makes a new version.

    When entries change, ``current_version`` must be the latest version. Raises ``AwsPrefixList``,
    ``PrefixListVersionMismatch``, ``EntriesAndSize``, ``EntryExists``, ``EntryMissing``, ``TooManyEntries``, or
    ``LimitExceeded`` when a security group or route table has no room for the new size.
    """
    row = _own(session, account, prefix_list_id)
    changes = bool(add or remove)
    if changes and current_version is None:
        raise MissingParameter("CurrentVersion")
    if current_version not in (None, row.version):
        raise PrefixListVersionMismatch(prefix_list_id)
    if changes and max_entries is not None:
        raise EntriesAndSize
    if name is not None:
        row.name = _checked_name(name)
    if max_entries is not None:
        _resize(session, row, _checked_size(max_entries), quotas)
    if changes:
        entries = _changed({entry.cidr: entry.description for entry in entries_of(session, row)}, add, remove)
        row.version += 1
        _write(session, row, entries)
        session.execute(
            delete(PrefixListEntry).where(
                PrefixListEntry.prefix_list_id == prefix_list_id,
                PrefixListEntry.version <= row.version - VERSIONS_KEPT,
            )
        )
    session.flush()
    return row


def delete_list(session: Session, account: str, prefix_list_id: str) -> PrefixList:
    """Delete a list and return it. Raises ``AwsPrefixList``, or ``DependencyViolation`` while it is used."""
    row = _own(session, account, prefix_list_id)
    if users_of(session, account, prefix_list_id):
        raise DependencyViolation("prefixList", prefix_list_id)
    session.execute(delete(PrefixListEntry).where(PrefixListEntry.prefix_list_id == prefix_list_id))
    tags.forget(session, prefix_list_id)
    session.delete(row)
    session.flush()
    return row


def entries_of(session: Session, row: PrefixList, version: int | None = None) -> list[PrefixListEntry]:
    """Return the entries of one version, by default the latest. Raises ``UnknownPrefixListVersion``."""
    wanted = row.version if version is None else version
    if not max(0, row.version - VERSIONS_KEPT) < wanted <= row.version:
        raise UnknownPrefixListVersion(row.prefix_list_id, wanted)
    statement = select(PrefixListEntry).where(
        PrefixListEntry.prefix_list_id == row.prefix_list_id, PrefixListEntry.version == wanted
    )
    return list(session.scalars(statement.order_by(PrefixListEntry.cidr)))


def users_of(session: Session, account: str, prefix_list_id: str) -> list[str]:
    """Return the ids of the account's security groups and route tables that use a list, sorted."""
    groups = session.scalars(
        select(SecurityGroupRule.group_id).where(
            SecurityGroupRule.prefix_list_id == prefix_list_id, SecurityGroupRule.account == account
        )
    )
    route_tables = session.scalars(
        select(Route.route_table_id)
        .join(RouteTable, RouteTable.route_table_id == Route.route_table_id)
        .where(Route.destination == prefix_list_id, RouteTable.account == account)
    )
    return sorted({*groups, *route_tables})


def require(session: Session, account: str, prefix_list_id: str) -> None:
    """Raise ``PrefixListNotFound`` unless the list belongs to AWS or to the account."""
    if not prefix_lists.known(prefix_list_id):
        lookup.one(session, PREFIX_LIST, account, prefix_list_id)


def weights(session: Session, account: str) -> Counter[str]:
    """Return how many rules, or routes, each list of the account and each of AWS's counts as."""
    rows = session.execute(
        select(PrefixList.prefix_list_id, PrefixList.max_entries).where(PrefixList.account == account)
    )
    return Counter(prefix_lists.weights() | {row.prefix_list_id: row.max_entries for row in rows})


def _own(session: Session, account: str, prefix_list_id: str) -> PrefixList:
    if prefix_lists.known(prefix_list_id):
        raise AwsPrefixList(prefix_list_id)
    row: PrefixList = lookup.one(session, PREFIX_LIST, account, prefix_list_id)
    return row


def _checked_name(name: str) -> str:
    if not 1 <= len(name) <= 255 or name.startswith("com.amazonaws"):
        raise BadPrefixListName(name)
    return name


def _checked_size(max_entries: int) -> int:
    if not 1 <= max_entries <= MOST_ENTRIES:
        raise MaxEntriesOutOfRange(max_entries, MOST_ENTRIES)
    return max_entries


def _changed(before: dict[str, str | None], add: Sequence[Entry], remove: Sequence[Entry]) -> dict[str, str | None]:
    """Return the entries after a change. Removals come first, so one call can change the description of an entry."""
    for entries in (add, remove):
        if len(entries) > MOST_CHANGES:
            raise TooManyEntries(len(entries), MOST_CHANGES)
    after = dict(before)
    for entry in remove:
        cidr = cidrs.canonical("cidr", str(entry.get("Cidr", "")))
        if cidr not in after:
            raise EntryMissing(cidr)
        del after[cidr]
    for entry in add:
        cidr = cidrs.canonical("cidr", str(entry.get("Cidr", "")))
        if cidr in after:
            raise EntryExists(cidr)
        after[cidr] = entry.get("Description")
    return after


def _write(session: Session, row: PrefixList, entries: Mapping[str, str | None]) -> None:
    if len(entries) > row.max_entries:
        raise TooManyEntries(len(entries), row.max_entries)
    session.add_all(
        PrefixListEntry(prefix_list_id=row.prefix_list_id, version=row.version, cidr=cidr, description=description)
        for cidr, description in entries.items()
    )
    session.flush()


def _resize(session: Session, row: PrefixList, max_entries: int, quotas: Quotas) -> None:
    """Change the size of a list, if its entries fit and everything that uses it has room."""
    entries = len(entries_of(session, row))
    if entries > max_entries:
        raise TooManyEntries(entries, max_entries)
    counted = weights(session, row.account)
    counted[row.prefix_list_id] = max_entries
    used = session.execute(
        select(SecurityGroupRule.group_id, SecurityGroupRule.is_egress)
        .where(SecurityGroupRule.prefix_list_id == row.prefix_list_id)
        .distinct()
    )
    for group_id, is_egress in used:
        lists = session.scalars(
            select(SecurityGroupRule.prefix_list_id).where(
                SecurityGroupRule.group_id == group_id,
                SecurityGroupRule.is_egress == is_egress,
                SecurityGroupRule.cidr_ipv6.is_(None),
            )
        )
        if (
            sum(counted.get(each or "", 1) for each in lists if not prefix_lists.is_ipv6(each or ""))
            > quotas.rules_per_group
        ):
            raise LimitExceeded("RulesPerSecurityGroupLimitExceeded", f"rules of {group_id}", quotas.rules_per_group)
    tables = session.scalars(select(Route.route_table_id).where(Route.destination == row.prefix_list_id)).all()
    for route_table_id in tables:
        destinations = session.scalars(select(Route.destination).where(Route.route_table_id == route_table_id))
        if sum(counted.get(each, 1) for each in destinations) > quotas.routes_per_table:
            raise LimitExceeded("RouteLimitExceeded", f"routes of {route_table_id}", quotas.routes_per_table)
    row.max_entries = max_entries
