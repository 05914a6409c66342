"""Access keys as the wire asks for them: the secret behind an id, and the principal that it proves."""

from __future__ import annotations

import secrets
import string
import threading
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.aws.sigv4 import Credential
from reading_room.database.engine import Database
from reading_room.iam.principals import session_principal, user_principal
from reading_room.iam.tables import AccessKey, Role, RoleSession, User

_UPPER = string.ascii_uppercase + "234567"
_SECRET = string.ascii_letters + string.digits + "+/"
_TABLES = frozenset({User.__tablename__, AccessKey.__tablename__, Role.__tablename__, RoleSession.__tablename__})


@dataclass(frozen=True, slots=True)
class NewKey:
    """A fresh key: the id (20 characters, ``AKIA…`` or ``ASIA…``) and a secret of 40."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


def new_key(prefix: str) -> NewKey:
    """Return a random key whose id begins with ``AKIA`` (long-term) or ``ASIA`` (temporary)."""
    return NewKey(
        prefix + "".join(secrets.choice(_UPPER) for _ in range(16)),
        "".join(secrets.choice(_SECRET) for _ in range(40)),
    )


class StoredCredentials:
    """The ``CredentialSource`` of the product: keys in the database, kept in memory until a row of theirs changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._generation = 0
        self._kept: dict[str, Credential] = {}
        database.on_commit(self._committed)

    def find(self, access_key_id: str) -> Credential | None:
        """Return the credential with this id, expired ones included; ``None`` when unknown or inactive."""
        with self._lock:
            kept = self._kept.get(access_key_id)
            generation = self._generation
        if kept is not None:
            return kept
        with self._database.reading() as session:
            found = _read(session, access_key_id)
        # Unknown ids are not kept: strangers could fill the memory with them.
        if found is not None:
            with self._lock:
                if self._generation == generation:
                    self._kept[access_key_id] = found
        return found

    def _committed(self, tables: frozenset[str]) -> None:
        if tables & _TABLES:
            with self._lock:
                self._generation += 1
                self._kept.clear()


def _read(session: Session, access_key_id: str) -> Credential | None:
    key = session.scalar(select(AccessKey).filter_by(access_key_id=access_key_id, active=True))
    if key is not None:
        return Credential(key.access_key_id, key.secret_access_key, user_principal(key.user), None, None)
    row = session.get(RoleSession, access_key_id)
    if row is None:
        return None
    return Credential(
        row.access_key_id, row.secret_access_key, session_principal(row), row.session_token, row.expires_at
    )
