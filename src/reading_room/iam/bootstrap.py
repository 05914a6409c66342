"""The first administrator, an IAM user with every permission, and the file that holds its key.

It is a user rather than the account's root, so that denies apply to it. The key is also stored as a row, so the next
start completes a bootstrap that was interrupted before the file was written.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

from sqlalchemy.orm import Session

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam import entities, inline_policies, users
from reading_room.iam.credentials_file import read_key, write_key
from reading_room.iam.tables import AccessKey, User

ADMINISTRATOR = "administrator"
FIRST_PROFILE = "default"
"""The profile of the first account's administrator; those of other accounts are named by account number."""
_ALLOW_ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


def first_administrator(database: Database, account: str, region: str, credentials_path: Path, clock: Clock) -> None:
    """Create the first administrator if the account has no user, and ensure that the file holds an active key of it.

    The key is in the file's profile ``default``. A file that holds an active key of the administrator is not changed.
    Nothing is changed either if the administrator or its keys were deleted since. Raises ``KeyNotWritten``.
    """
    with database.transaction() as session:
        administrator = entities.find(session, User, account, ADMINISTRATOR)
        if administrator is None:
            if entities.count(session, User, account):
                return
            administrator = make_administrator(session, account, clock()).user
        keys = [(key.access_key_id, key.secret_access_key) for key in administrator.access_keys if key.active]
    # Write the file only after the commit: it must never hold a key that the database does not have.
    if keys and read_key(credentials_path, FIRST_PROFILE) not in keys:
        write_key(credentials_path, FIRST_PROFILE, *keys[0], region)


def make_administrator(session: Session, account: str, now: dt.datetime) -> AccessKey:
    """Create the administrator of an account that has none, and return its key."""
    administrator = users.create(session, account, ADMINISTRATOR, now)
    inline_policies.put(session, "user", administrator.unique_id, ADMINISTRATOR, "AdministratorAccess", _ALLOW_ALL)
    return users.create_access_key(session, administrator, now)
