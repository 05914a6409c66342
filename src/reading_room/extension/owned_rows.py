"""The rows of an account in every table, as statements that delete them in an order that foreign keys allow.

Which rows are an account's follows from the schema: those with its number, and those that refer to such a row. A table
for which this says nothing is named here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, delete, or_, select, union
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from reading_room.comprehend.tables import DatasetRow, EndpointRow, FlywheelRow, ModelPolicyRow, ModelRow
from reading_room.database.base import Base
from reading_room.iam.tables import Group, InlinePolicy, Role, RoleSession, SignIn, SignInSession, User, UserSession
from reading_room.jobs.tables import JobRow, JobTagRow
from reading_room.organizations.tables import Attachment, Member, ResourceTags

_ACCOUNT = "account"
_REFERENCES: dict[str, tuple[str, Sequence[tuple[type[Base], str]]]] = {
    InlinePolicy.__tablename__: ("owner_id", ((User, "unique_id"), (Group, "unique_id"), (Role, "unique_id"))),
    SignIn.__tablename__: (
        "access_key_id",
        ((RoleSession, "access_key_id"), (UserSession, "access_key_id"), (SignInSession, "access_key_id")),
    ),
    JobTagRow.__tablename__: (
        "arn",
        ((JobRow, "arn"), (ModelRow, "arn"), (EndpointRow, "arn"), (FlywheelRow, "arn"), (DatasetRow, "arn")),
    ),
    ModelPolicyRow.__tablename__: ("arn", ((ModelRow, "arn"),)),
    Attachment.__tablename__: ("target_id", ((Member, "account"),)),
    ResourceTags.__tablename__: ("resource_id", ((Member, "account"),)),
}
"""By table: the column that refers to an account's rows without a foreign key, and the columns that it refers to."""
_EARLY = frozenset(_REFERENCES)
"""The tables to empty first, because only the rows that they refer to say whose they are."""


@dataclass(frozen=True, slots=True)
class _Statement:
    """The SQL that deletes an account's rows of a table. Compiled once, because compiling takes most of the time."""

    table: str
    sql: str
    parameters: int
    """How often it takes the account's number."""


@cache
def _statements() -> tuple[_Statement, ...]:
    tables = list(reversed(Base.metadata.sorted_tables))
    tables.sort(key=lambda table: table.name not in _EARLY)
    found = []
    for table in tables:
        if (owned := _owned(table)) is not None:
            compiled = delete(table).where(owned).compile(dialect=sqlite.dialect(paramstyle="qmark"))
            found.append(_Statement(table.name, str(compiled), len(compiled.positiontup or ())))
    return tuple(found)


def shared_tables() -> frozenset[str]:
    """Return the tables that have no rows of accounts."""
    return frozenset(Base.metadata.tables) - {each.table for each in _statements()}


def delete_rows(session: Session, account: str, only: Collection[str] | None = None) -> frozenset[str]:
    """Delete the rows of an account, in all tables or ``only`` in some; return the tables that had any.

    Announce those after the commit (``Database.announce``).
    """
    connection = session.connection()
    found = set()
    for each in _statements():
        if only is None or each.table in only:
            parameters = (account,) * each.parameters
            if connection.exec_driver_sql(each.sql, parameters).rowcount:
                found.add(each.table)
    return frozenset(found)


def _owned(table: Table) -> ColumnElement[bool] | None:
    """Return the condition for an account's rows in a table; ``None`` if no row is an account's."""
    if _ACCOUNT in table.c:
        return table.c[_ACCOUNT] == bindparam(_ACCOUNT)
    if table.name in _REFERENCES:
        column, sources = _REFERENCES[table.name]
        return table.c[column].in_(
            union(*(_select(model.metadata.tables[model.__tablename__], c) for model, c in sources))
        )
    conditions = []
    for key in table.foreign_keys:
        if key.column.table is not table and _owned(key.column.table) is not None:
            conditions.append(key.parent.in_(_select(key.column.table, key.column.name)))
    return or_(*conditions) if conditions else None


def _select(table: Table, column: str) -> Any:
    owned = _owned(table)
    assert owned is not None, f"{table.name} has no rows of accounts"
    return select(table.c[column]).where(owned)
