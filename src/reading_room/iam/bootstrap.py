"""The first administrator: an IAM user with every permission, and the file that holds its key.

A user and not the account's root, so that denies bind it. The key is kept as a row too, so whatever is interrupted
between the row and the file is mended at the next start.
"""

from __future__ import annotations

import configparser
import json
import os
import secrets
from pathlib import Path

from sqlalchemy import func, select

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam import inline_policies, users
from reading_room.iam.tables import AccessKey, User

ADMINISTRATOR = "administrator"
_ALLOW_ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


def first_administrator(database: Database, account: str, region: str, credentials_path: Path, clock: Clock) -> None:
    """Make the first administrator if the account has no user, and see that the file holds an active key of it.

    The file has the form of AWS's shared credentials file, profile ``default``, mode 0600, written as a whole or not
    at all. A file that holds an active key of the administrator is left as it is; so is everything when somebody has
    deleted the administrator or its keys since. Raises ``OSError`` when the file cannot be written.
    """
    with database.transaction() as session:
        administrator = session.scalar(select(User).filter_by(account=account, name_key=ADMINISTRATOR))
        if administrator is None:
            if session.scalar(select(func.count()).select_from(User).filter_by(account=account)):
                return
            administrator = users.create(session, account, ADMINISTRATOR, clock())
            inline_policies.put(
                session, "user", administrator.unique_id, ADMINISTRATOR, "AdministratorAccess", _ALLOW_ALL
            )
            users.create_access_key(session, administrator, clock())
        keys = [key for key in administrator.access_keys if key.active]
    # Only now, after the commit: a file must never hold a key that no row knows.
    held = _key_in(credentials_path)
    if keys and not any(held == (key.access_key_id, key.secret_access_key) for key in keys):
        _write(credentials_path, _file_text(keys[0], region))


def _key_in(path: Path) -> tuple[str, str] | None:
    parser = configparser.ConfigParser(interpolation=None, default_section="none of the profiles")
    try:
        parser.read_string(path.read_text())
        return parser["default"]["aws_access_key_id"], parser["default"]["aws_secret_access_key"]
    except (FileNotFoundError, KeyError, configparser.Error, UnicodeDecodeError):
        # Missing or damaged: it is written anew.
        return None


def _file_text(key: AccessKey, region: str) -> str:
    return (
        "[default]\n"
        f"aws_access_key_id = {key.access_key_id}\n"
        f"aws_secret_access_key = {key.secret_access_key}\n"
        f"region = {region}\n"
    )


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
