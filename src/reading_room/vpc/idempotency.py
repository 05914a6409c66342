"""Client tokens: a call with the token and parameters of an earlier one returns the earlier result."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, insert
from sqlalchemy.orm import Session

from reading_room.database import rows
from reading_room.vpc.errors import IdempotentParameterMismatch
from reading_room.vpc.tables import ClientToken

KEPT = dt.timedelta(days=1)
_NOT_COMPARED = {"ClientToken", "DryRun"}
_EXPIRE = delete(rows.table(ClientToken)).where(ClientToken.created_at < bindparam("before"))
_REMEMBER = insert(rows.table(ClientToken))


def earlier(session: Session, account: str, operation: str, request: Mapping[str, Any]) -> list[str] | None:
    """Return the ids that an earlier call with this token created, or ``None`` if there was no such call.

    Raises ``IdempotentParameterMismatch`` if the earlier call had other parameters.
    """
    token = request.get("ClientToken")
    if not token:
        return None
    row = rows.get(session, ClientToken, account, operation, token)
    if row is None:
        return None
    if row.parameters != _digest(request):
        raise IdempotentParameterMismatch(token)
    return list(row.resource_ids)


def remember(
    session: Session,
    account: str,
    operation: str,
    request: Mapping[str, Any],
    resource_ids: Sequence[str],
    now: dt.datetime,
) -> None:
    """Store the ids that a call with a client token created, for ``KEPT``; do nothing without a token."""
    token = request.get("ClientToken")
    if token:
        session.execute(_EXPIRE, {"before": now - KEPT})
        values = {
            "account": account,
            "operation": operation,
            "token": token,
            "parameters": _digest(request),
            "resource_ids": list(resource_ids),
            "created_at": now,
        }
        session.execute(_REMEMBER, values)


def _digest(request: Mapping[str, Any]) -> str:
    compared = {key: value for key, value in request.items() if key not in _NOT_COMPARED}
    return hashlib.sha256(json.dumps(compared, sort_keys=True, default=str).encode()).hexdigest()
