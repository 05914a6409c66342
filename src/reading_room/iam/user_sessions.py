"""Temporary credentials of users, and of the federated users that they vouch for; and what neither may call.

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
from reading_room.iam.temporary_keys import Carried, SessionCredentials, store

DEFAULT_SECONDS = 43_200
"""Life of the credentials that a user asks for without saying how long."""
_STS_REACH = {
    "user": frozenset({"AssumeRole", "GetCallerIdentity"}),
    "federated": frozenset({"GetCallerIdentity"}),
}


def refuse_limited(call: Call) -> None:
    """Return unless the caller's credentials are a user's temporary ones and the call is none they are good for.

    They may not call IAM, as nobody here can bring a second factor, and of STS only a few operations. Those of somebody
    who signed in are not limited so: AWS's console, too, calls IAM with its own. Raises ``InvalidClientTokenId``, which
    is AWS's answer of IAM, and ``SessionCredentialsRefused``.
    """
    principal = call.principal
    if principal.kind not in _STS_REACH or principal.token_issued_at is None or principal.signed_in:
        return
    if call.service == "iam":
        raise InvalidClientTokenId
    if call.service == "sts" and call.operation not in _STS_REACH[principal.kind]:
        raise SessionCredentialsRefused(call.operation)


def refuse_temporary(call: Call) -> None:
    """Raise ``SessionCredentialsRefused`` unless a user calls with its own access key."""
    if call.principal.kind != "user" or call.principal.token_issued_at is not None:
        raise SessionCredentialsRefused(call.operation)


def issue(
    session: Session,
    caller: Principal,
    *,
    federated_name: str | None,
    carried: Carried,
    seconds: int,
    now: dt.datetime,
    token_size: int = 0,
) -> tuple[Principal, SessionCredentials]:
    """Make a session of the user that calls, or of the federated user of a name, without any decision."""
    row = UserSession(user=session.get_one(User, caller.user_id), federated_name=federated_name)
    credentials = store(session, row, carried, seconds=seconds, now=now, token_size=token_size)
    return user_session_principal(row), credentials
