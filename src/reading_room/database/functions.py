"""SQL that SQLite and PostgreSQL write differently."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement


def dialect_name(session: Session) -> str:
    """Return ``sqlite`` or ``postgresql``."""
    return session.get_bind().dialect.name


def insert_for(dialect: str) -> Any:
    """Return the function ``insert`` of a database, whose statements have ``on_conflict_do_update``."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # SQLite needs nothing of it.

        return postgresql.insert
    from sqlalchemy.dialects import sqlite

    return sqlite.insert


class ByteLength(FunctionElement[int]):
    """The number of bytes of a text in UTF-8: ``ByteLength(column)``."""

    type = BigInteger()
    inherit_cache = True


class Contains(FunctionElement[bool]):
    """Whether a text contains another one: ``Contains(column, part)``."""

    type = Boolean()
    inherit_cache = True


class Dotted(FunctionElement[str]):
    """Three numbers with dots between them and a text at their end: ``Dotted(first, second, third, end)``."""

    type = String()
    inherit_cache = True


@compiles(ByteLength)
def _length_of_blob(element: ByteLength, compiler: Any, **options: Any) -> str:
    return f"length(CAST({compiler.process(element.clauses, **options)} AS BLOB))"


@compiles(ByteLength, "postgresql")
def _octet_length(element: ByteLength, compiler: Any, **options: Any) -> str:
    # What ``postgresql.py`` escapes counts as it was.
    text = compiler.process(element.clauses, **options)
    return f"octet_length(replace(replace({text}, U&'\\FFFE0', 'x'), U&'\\FFFE1', U&'\\FFFE'))"


@compiles(Contains)
def _instr(element: Contains, compiler: Any, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)}) > 0"


@compiles(Contains, "postgresql")
def _strpos(element: Contains, compiler: Any, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)}) > 0"


@compiles(Dotted)
def _printf(element: Dotted, compiler: Any, **options: Any) -> str:
    return f"printf('%d.%d.%d%s', {compiler.process(element.clauses, **options)})"


@compiles(Dotted, "postgresql")
def _format(element: Dotted, compiler: Any, **options: Any) -> str:
    # The driver reads two per cent signs as one.
    return f"format('%%s.%%s.%%s%%s', {compiler.process(element.clauses, **options)})"
