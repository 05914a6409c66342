"""What a database does in its own way: the part of ``Database`` that SQLite and PostgreSQL implement differently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

Value = TypeVar("Value")
Level = Literal["alone", "together", "by row locks"]
"""How a transaction writes: while nobody else does, serializably beside others, or relying on its own row locks."""


class Dialect(Protocol):
    """One kind of database. Thread-safe."""

    readers: Engine
    """The engine for transactions that only read, each of which sees one snapshot."""

    tells: bool
    """Whether ``before_commit`` has something to add, for which all changes must have been sent to the database."""

    def begin(self, session: Session, level: Level) -> None:
        """Begin a session's writing transaction. With ``alone`` it waits for all other writers."""

    def before_commit(self, session: Session, tables: frozenset[str]) -> None:
        """Add to a transaction what tells other processes about the tables that it wrote."""

    def after_commit(self) -> None:
        """Look after the database's log."""

    def retried(self, attempt: Callable[[Level], Value], level: Level) -> Value:
        """Return what ``attempt`` returns, calling it again if its transaction conflicts with another one."""

    def before_tables(self, connection: Connection) -> None:
        """Keep other processes from making or changing tables until the transaction ends."""

    def note_schema(self, connection: Connection, version: int) -> None:
        """Store the schema version."""

    def note_place(self, session: Session) -> bool:
        """Store with the rows in which database they are. Return whether they came from another one since, copied."""

    def size(self, session: Session) -> int:
        """Return the bytes that the database takes on its disk."""

    def write_nothing(self, seconds: float) -> None:
        """Commit a write that changes nothing. Raises an error of the database after waiting ``seconds``."""

    def prepare(self) -> None:
        """Do what makes the first writes as fast as later ones."""

    def leave_syncs_out(self) -> None:
        """Leave writes to the operating system from now on."""

    def listen(self, announce: Callable[[frozenset[str] | None], None], told: Callable[[str], None]) -> None:
        """Call ``announce`` with the tables that other processes write, or with ``None`` when that is not known.

        Call ``told`` with what they ``tell``.
        """

    def tell(self, text: str) -> None:
        """Tell other processes a text, which may be lost."""

    def close(self) -> None:
        """End what ``listen`` began, and close every connection."""
