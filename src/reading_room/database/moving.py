"""Moving all rows from SQLite's file to an empty PostgreSQL database, in one transaction.

Every table is read back before the commit, and compared with the file by its number of rows and a digest of them. If
the move is interrupted after the commit, a repetition finds the same rows in both, and only completes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select
from sqlalchemy.exc import DataError

from reading_room.database import postgresql, sqlite
from reading_room.database.address import Address, AddressError, mark
from reading_room.database.base import Base
from reading_room.database.engine import SCHEMA_VERSION, Database, SchemaVersionError
from reading_room.database.errors import SchemaError
from reading_room.database.sealed import check_key
from reading_room.durable import sync_folder
from reading_room.sealing import Sealer

ROWS_AT_ONCE = 1_000
_IN_PIECES = {"yield_per": ROWS_AT_ONCE}
KEPT = "{}.moved"
"""What the file is called afterwards."""


@dataclass(frozen=True, slots=True)
class Content:
    """How many rows a table has, and the SHA-256 of all of them in the order of their keys."""

    rows: int
    digest: str


def move(
    data: Path, file: str, address: Address, sealer: Sealer, told: Callable[[str, int], None] = lambda table, rows: None
) -> dict[str, Content]:
    """Move the rows of the file in a data folder that nobody uses, and return what each table has.

    ``told`` is called after each table. The file stays, under another name. Raises ``SchemaError``, and
    ``WrongRootKey`` if the file is sealed with another root key.
    """
    path = data / file
    if not path.exists():
        raise SchemaError(f"{data} has no {file} to move: is --data the folder of the product?")
    with (
        closing(Database.open(path, sealer=sealer)) as source,
        closing(Database.connect(address, sealer=sealer)) as target,
    ):
        if not sqlite.schema_of(source.engine):
            raise SchemaVersionError(str(path), 0)
        with source.reading() as session:
            check_key(session, sealer)
        with (
            postgresql.refusals(address),
            source.engine.connect() as reader,
            target.engine.begin() as writer,
        ):
            postgresql.lock_schema(writer)
            used = bool(postgresql.schema_of(writer, address))
            if not used:
                Base.metadata.create_all(writer)
                _switch_triggers(writer, "DISABLE")
            moved = {}
            for table in Base.metadata.sorted_tables:
                found = _content(reader, table)
                if not used:
                    _copy(reader, writer, table)
                there = _content(writer, table)
                if there != found:
                    raise _used(address, table) if used else _differs(address, table, found, there)
                moved[table.name] = found
                told(table.name, found.rows)
            if not used:
                _switch_triggers(writer, "ENABLE")
                _continue_numbers(writer)
                postgresql.note_schema(writer, SCHEMA_VERSION)
    # From here on, a start without the address is refused, and so is one with the address until the file is renamed.
    mark(data, address)
    path.rename(data / KEPT.format(file))
    sync_folder(data)
    return moved


def _switch_triggers(writer: Connection, how: str) -> None:
    """Disable or enable our own triggers, whose results are among the rows that are copied."""
    for table in Base.metadata.sorted_tables:
        writer.exec_driver_sql(f"ALTER TABLE {table.name} {how} TRIGGER USER")


def _copy(reader: Connection, writer: Connection, table: Table) -> None:
    rows: list[dict[str, Any]] = []
    try:
        for row in reader.execute(select(table), execution_options=_IN_PIECES).mappings():
            rows.append(dict(row))
            if len(rows) == ROWS_AT_ONCE:
                writer.execute(insert(table), rows)
                rows = []
        if rows:
            writer.execute(insert(table), rows)
    except (DataError, ValueError) as error:
        says = " ".join(str(getattr(error, "orig", error)).split())
        raise SchemaError(f"PostgreSQL cannot store a row of {table.name} ({says}), so nothing was moved") from error


def _content(connection: Connection, table: Table) -> Content:
    digest, rows = hashlib.sha256(), 0
    for row in _in_order(connection, table):
        digest.update(repr([_plain(value) for value in row]).encode("utf-8", "surrogatepass"))
        rows += 1
    return Content(rows, digest.hexdigest())


def _in_order(connection: Connection, table: Table) -> Iterator[Any]:
    query = select(table).order_by(*table.primary_key.columns)
    yield from connection.execute(query, execution_options=_IN_PIECES)


def _plain(value: Any) -> Any:
    """Return a value such that equal ones have the same representation."""
    if isinstance(value, bytes | memoryview):
        return bytes(value)
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value


def _continue_numbers(writer: Connection) -> None:
    """Let the numbers that tables give to new rows continue after the highest one."""
    for table in Base.metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None:
            continue
        sequence = writer.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
        if sequence is not None:
            highest = writer.scalar(select(func.max(column))) or 0
            writer.execute(select(func.setval(sequence, highest + 1, False)))


def _used(address: Address, table: Table) -> SchemaError:
    return AddressError(
        f"the database {address} is in use already, and its table {table.name} has other rows: name an empty database"
    )


def _differs(address: Address, table: Table, found: Content, there: Content) -> SchemaError:
    return SchemaError(
        f"nothing was moved, as {address} has {there.rows} rows of {table.name} with the digest {there.digest}, and "
        f"the file has {found.rows} with {found.digest}: please report this as a bug"
    )
