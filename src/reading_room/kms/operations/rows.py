"""What the operations of KMS share: their mark, and opening the rows of keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.kms.access import Asked, KeyAccess, KeyCall
from reading_room.kms.errors import DryRunOperationException, NotFoundException, UnsupportedOperationException
from reading_room.kms.keys import Key
from reading_room.kms.tables import KeyRow

Method = TypeVar("Method", bound=Callable[..., Any])


def key_operation(name: str, *actions: str) -> Callable[[Method], Method]:
    """Mark a method as an operation on keys, which authorizes itself, as ``KeyAccess`` does.

    ``actions`` are the IAM actions, by default the one with the operation's name.
    """
    named = ", ".join(f"`kms:{action}`" for action in actions or (name,))
    action = f"kms:{actions[0]}" if actions else None
    decided_by = f"{named}, and the key's policy"
    return operation("kms", name, action=action, authorized=False, by_handler=True, decided_by=decided_by)


class KeyRows:
    """Opens the rows of keys for a change, once the caller may make it."""

    def __init__(self, database: Database, access: KeyAccess, clock: Clock) -> None:
        self.database = database
        self.access = access
        self.clock = clock

    @contextmanager
    def changing(self, call: Call, asked: Asked, member: str = "KeyId") -> Iterator[tuple[Session, KeyRow]]:
        """Yield a transaction and the row of the key that a request names. Raises as ``KeyAccess.open`` does."""
        key = self.open(call, asked, member)
        with self.database.transaction() as session:
            yield session, row_of(session, key)

    @contextmanager
    def reading(self, call: Call, asked: Asked, *, aliases: bool = False) -> Iterator[tuple[Session, KeyRow]]:
        """Yield a session to read with and the row of a key. Raises as ``KeyAccess.open`` does."""
        key = self.open(call, asked, aliases=aliases)
        with self.database.reading() as session:
            yield session, row_of(session, key)

    def open(self, call: Call, asked: Asked, member: str = "KeyId", *, aliases: bool = False) -> Key:
        """Return the key that a request names. Raises as ``KeyAccess.open`` does."""
        return self.access.open(KeyCall(call), call.parameters[member], asked, with_aliases=aliases)


def row_of(session: Session, key: Key) -> KeyRow:
    """Return the row of a key. Raises ``NotFoundException`` if it was deleted in this moment."""
    row = session.get(KeyRow, key.key_id)
    if row is None:
        raise NotFoundException.of_key(key.arn)
    return row


def end_dry_run(call: Call) -> None:
    """Raise ``DryRunOperationException`` for a dry run of a call that would succeed."""
    if call.parameters.get("DryRun"):
        raise DryRunOperationException


def refuse(call: Call, *members: str) -> None:
    """Raise ``UnsupportedOperationException`` for a parameter that has no effect here."""
    for member in members:
        if call.parameters.get(member):
            raise UnsupportedOperationException(f"{member} is not supported.")
