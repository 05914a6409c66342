"""Temporary credentials of users and federated users, and the operations that they cannot call.

AWS source: "GetSessionToken" and "GetFederationToken", STS API reference, sections on permissions.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from reading_room.aws.call import Call, Principal
from reading_room.aws.signature_errors import InvalidClientTokenId
from reading_room.iam.errors import SessionCredentialsRefused
from reading_room.iam.principals import user_session_principal
from reading_room.iam.tables import User, UserSession
from reading_room.iam.temporary_keys import SessionAttributes, SessionCredentials, store

DEFAULT_SECONDS = 43_200
"""Default lifetime of a user's temporary credentials."""
_STS_REACH = {
    "user": frozenset({"AssumeRole", "GetCallerIdentity"}),
    "federated": frozenset({"GetCallerIdentity"}),
}


def refuse_limited(call: Call) -> None:
    """Refuse operations that a user's temporary credentials cannot call.

    They cannot call IAM, since no user here has a second factor, and only a few operations of STS. The credentials of a
    sign-in are not limited: AWS's console, too, calls IAM with its own. Raises ``InvalidClientTokenId``, which is IAM's
    error, and ``SessionCredentialsRefused``, which is that of STS.
    """
    principal = call.principal
    if principal.kind not in _STS_REACH or principal.token_issued_at is None or principal.signed_in:
        return
    if call.service == "iam":
        raise InvalidClientTokenId
    if call.service == "sts" and call.operation not in _STS_REACH[principal.kind]:
        raise SessionCredentialsRefused(call.operation)


def refuse_temporary(call: Call) -> None:
    """Raise ``SessionCredentialsRefused`` unless a user calls with a long-term access key."""
    if call.principal.kind != "user" or call.principal.token_issued_at is not None:
        raise SessionCredentialsRefused(call.operation)


def issue(
    session: Session,
    caller: Principal,
    *,
    federated_name: str | None,
    attributes: SessionAttributes,
    seconds: int,
    now: dt.datetime,
    token_size: int = 0,
) -> tuple[Principal, SessionCredentials]:
    """Create a session of the calling user, or of a federated user if a name is given, without authorization."""
    row = UserSession(user=session.get_one(User, caller.user_id), federated_name=federated_name)
    credentials = store(session, row, attributes, seconds=seconds, now=now, token_size=token_size)
    return user_session_principal(row), credentials
