"""Access keys by id: the secret of each, and the principal that it authenticates."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field, replace

from sqlalchemy import bindparam, exists, or_, select
from sqlalchemy.orm import Session

from reading_room.aws.call import Principal
from reading_room.aws.sigv4 import Credential, CredentialSource
from reading_room.clock import MovableClock
from reading_room.database.engine import Database
from reading_room.database.kept import Kept
from reading_room.iam.errors import UnknownAccessKey
from reading_room.iam.principals import session_principal, signed_in_principal, user_principal, user_session_principal
from reading_room.iam.tables import AccessKey, Role, RoleSession, SignInSession, TemporaryKey, User, UserSession
from reading_room.ids import access_key_id

_SECRET = string.ascii_letters + string.digits + "+/"
_IS_THERE = select(
    or_(
        *(
            exists().where(table.access_key_id == bindparam("access_key_id"))
            for table in (AccessKey, RoleSession, UserSession, SignInSession)
        )
    )
)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new access key: an id of 20 characters (``AKIA…`` or ``ASIA…``) and a secret of 40."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


def new_key(prefix: str) -> NewKey:
    """Return a random key whose id begins with ``AKIA`` (long-term) or ``ASIA`` (temporary)."""
    return NewKey(
        access_key_id(prefix),
        "".join(secrets.choice(_SECRET) for _ in range(40)),
    )


class StoredCredentials:
    """The product's ``CredentialSource``: keys in the database, cached in memory until one of their rows changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept = Kept[str, Credential](database, User, AccessKey, Role, RoleSession, UserSession, SignInSession)

    def find(self, access_key_id: str) -> Credential | None:
        """Return the credential with this id, even if expired, or ``None`` if it is unknown or inactive."""
        return self._kept.get(access_key_id, self._read)

    def _read(self, access_key_id: str) -> Credential | None:
        with self._database.reading() as session:
            # Anyone can send unknown key ids, so a single query must reject them.
            if not session.scalar(_IS_THERE, {"access_key_id": access_key_id}):
                return None
            key = session.get(AccessKey, access_key_id)
            if key is not None and key.active:
                return Credential(key.access_key_id, key.secret_access_key, user_principal(key.user), None, None)
            role_session = session.get(RoleSession, access_key_id)
            if role_session is not None:
                return _temporary(role_session, session_principal(role_session))
            user_session = session.get(UserSession, access_key_id)
            if user_session is not None:
                return _temporary(user_session, user_session_principal(user_session))
            sign_in = session.get(SignInSession, access_key_id)
            if sign_in is not None:
                return _temporary(sign_in, signed_in_principal(sign_in))
        return None


class ByMachineTime:
    """Credentials that expire by a movable clock, for signatures that are verified by the machine's."""

    def __init__(self, source: CredentialSource, clock: MovableClock) -> None:
        self._source = source
        self._clock = clock

    def find(self, access_key_id: str) -> Credential | None:
        """Return the credential with this id; its expiration is in the machine's time."""
        found = self._source.find(access_key_id)
        if found is None or found.expires_at is None:
            return found
        return replace(found, expires_at=self._clock.machine_time(found.expires_at))


def account_of(session: Session, access_key_id: str) -> str:
    """Return the account of a key, whether or not it is active or expired. Raises ``UnknownAccessKey``."""
    key = session.get(AccessKey, access_key_id)
    if key is not None:
        return key.user.account
    role_session = session.get(RoleSession, access_key_id)
    if role_session is not None:
        return role_session.account
    of_user = session.get(UserSession, access_key_id) or session.get(SignInSession, access_key_id)
    if of_user is None:
        raise UnknownAccessKey(access_key_id)
    return of_user.user.account


def _temporary(row: TemporaryKey, principal: Principal) -> Credential:
    return Credential(row.access_key_id, row.secret_access_key, principal, row.session_token, row.expires_at)
