"""Secrets in rows: sealed columns, and the root key that they were sealed with.

A row has its secret as an attribute of type ``Sealed``. The ``Sealer`` of the row's session seals it when the row is
written, and unseals it when the attribute is read.
"""

from __future__ import annotations

from functools import cache
from typing import Any, overload

from sqlalchemy import inspect
from sqlalchemy.orm import Session, object_session

from reading_room.database.base import Base
from reading_room.database.tables import Sealing
from reading_room.sealing import SealBroken, Sealer

SEALER = "sealer"
"""The key of the ``Sealer`` in a session's ``info``."""
_ONLY = 1
_PROOF = (b"this is the root key", "sealing", "proof", str(_ONLY))


class WrongRootKey(Exception):
    """A database is sealed with a root key other than the given one."""

    def __init__(self, found: bytes, given: bytes) -> None:
        super().__init__(f"the database is sealed with the root key {found.hex()}, but the given one is {given.hex()}")
        self.found, self.given = found, given
        """Their ids."""


class NoRootKey(Exception):
    """A secret was read from a database that was opened without the root key."""


class Sealed:
    """An attribute of a row that is stored sealed, in a bytes column ``sealed_NAME``."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name, self._column, self._plain = name, f"sealed_{name}", f"_plain_{name}"

    @overload
    def __get__(self, row: None, owner: type) -> Sealed: ...
    @overload
    def __get__(self, row: Base, owner: type) -> str: ...
    def __get__(self, row: Base | None, owner: type) -> Sealed | str:
        """Return the secret. Raises ``SealBroken``, ``NoRootKey``."""
        if row is None:
            return self
        plain: str | None = row.__dict__.get(self._plain)
        if plain is None:
            place = (row.__tablename__, self._name, _row_id(row))
            plain = _sealer_of(object_session(row)).unseal(getattr(row, self._column), *place).decode()
            row.__dict__[self._plain] = plain
        return plain

    def __set__(self, row: Base, secret: str) -> None:
        """Set the secret of a row that has not been written yet."""
        if inspect(row).persistent:
            raise AttributeError(f"{self._name} cannot be changed once its row is written")
        row.__dict__[self._plain] = secret

    def seal(self, row: Base, session: Session) -> None:
        """Seal the secret of a row that is being written for the first time."""
        place = (row.__tablename__, self._name, _row_id(row))
        setattr(row, self._column, _sealer_of(session).seal(row.__dict__[self._plain].encode(), *place))


def seal_new(session: Session, *_: Any) -> None:
    """Seal the secrets of new rows. To be called before they are written."""
    for row in session.new:
        row_type: type = type(row)
        for attribute in _sealed_of(row_type):
            attribute.seal(row, session)


def check_key(session: Session, sealer: Sealer) -> Sealing | None:
    """Return the row about the root key, or ``None`` in a new database. Raises ``WrongRootKey``."""
    found = session.get(Sealing, _ONLY)
    if found is None:
        return None
    content, *place = _PROOF
    try:
        proven = sealer.unseal(found.proof, *place) == content
    except SealBroken:
        proven = False
    if found.key_id != sealer.key_id or not proven:
        raise WrongRootKey(found.key_id, sealer.key_id)
    return found


def note_key(session: Session, sealer: Sealer) -> None:
    """Record the root key of a new database."""
    session.add(Sealing(clean=True, **proof_of(sealer)))


def proof_of(sealer: Sealer) -> dict[str, Any]:
    """Return the values of the row that proves a root key."""
    content, *place = _PROOF
    return {"id": _ONLY, "key_id": sealer.key_id, "proof": sealer.seal(content, *place)}


@cache
def _sealed_of(row: type) -> tuple[Sealed, ...]:
    return tuple(each for parent in row.__mro__ for each in vars(parent).values() if isinstance(each, Sealed))


def _row_id(row: Base) -> str:
    # All primary key columns, in the order of the table.
    return "\0".join(str(value) for value in inspect(row).mapper.primary_key_from_instance(row))


def need(sealer: Sealer | None) -> Sealer:
    """Return the sealer. Raises ``NoRootKey`` if there is none."""
    if sealer is None:
        raise NoRootKey("the database was opened without the root key, so its secrets cannot be read")
    return sealer


def _sealer_of(session: Session | None) -> Sealer:
    return need(None if session is None else session.info.get(SEALER))
