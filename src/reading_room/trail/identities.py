"""The caller of a call, as the ``userIdentity`` of an event.

AWS source: "CloudTrail userIdentity element", CloudTrail user guide.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from reading_room.aws.call import Principal

_TIME = "%Y-%m-%dT%H:%M:%SZ"


@lru_cache(maxsize=512)
def user_identity(
    principal: Principal | None, access_key_id: str | None, invoked_by: str | None = None
) -> dict[str, Any]:
    """Return the identity element of a caller. It is cached and must not be modified.

    A principal of ``None`` means an unauthenticated request: only its claimed key is known. ``invoked_by`` is
    the service that makes a call with a role session.
    """
    if principal is None:
        return {"type": "Unknown", **_key(access_key_id)}
    if principal.kind == "anonymous":
        return {"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}
    if principal.kind == "service":
        return {"type": "AWSService", "invokedBy": principal.service_name or principal.arn}
    identity: dict[str, Any] = {
        "type": {"root": "Root", "user": "IAMUser", "session": "AssumedRole", "federated": "FederatedUser"}[
            principal.kind
        ],
        "principalId": principal.user_id,
        "arn": principal.arn,
        "accountId": principal.account,
        **_key(access_key_id),
    }
    if principal.kind == "user" and principal.user_name is not None:
        identity["userName"] = principal.user_name
    if principal.token_issued_at is not None:
        identity["sessionContext"] = _session(principal)
    if invoked_by is not None:
        identity["invokedBy"] = invoked_by
    return identity


def user_name(identity: dict[str, Any]) -> str | None:
    """Return the user name for LookupEvents: a user's name, a session's name, or ``root``."""
    match identity.get("type"):
        case "Root":
            return "root"
        case "IAMUser":
            return identity.get("userName")
        case "AssumedRole" | "FederatedUser":
            return str(identity["principalId"]).partition(":")[2]
    return None


def _key(access_key_id: str | None) -> dict[str, str]:
    return {} if access_key_id is None else {"accessKeyId": access_key_id}


def _session(principal: Principal) -> dict[str, Any]:
    assert principal.token_issued_at is not None
    session: dict[str, Any] = {}
    if principal.kind == "session" and principal.role_arn is not None:
        session["sessionIssuer"] = _issuer("Role", principal.user_id.partition(":")[0], principal.role_arn, principal)
    if principal.kind == "federated" and principal.issuer_arn is not None:
        session["sessionIssuer"] = _issuer("IAMUser", principal.issuer_id or "", principal.issuer_arn, principal)
    session["attributes"] = {
        "creationDate": principal.token_issued_at.strftime(_TIME),
        "mfaAuthenticated": "false",
    }
    if principal.source_identity is not None:
        session["sourceIdentity"] = principal.source_identity
    return session


def _issuer(kind: str, unique_id: str, arn: str, principal: Principal) -> dict[str, str]:
    return {
        "type": kind,
        "principalId": unique_id,
        "arn": arn,
        "accountId": principal.account,
        "userName": arn.rpartition("/")[2],
    }
