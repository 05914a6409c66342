"""State events in the form of Amazon EventBridge (User Guide, "Events in Amazon EventBridge").

An event has no text of documents, and no message of a failure, because that could quote one: only its code.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import insert
from sqlalchemy.orm import Session

from reading_room.arns import Arn
from reading_room.database import rows
from reading_room.ids import unique_id
from reading_room.state_events.tables import StateEventRow

Kind = Literal["Job", "Model", "Endpoint", "Flywheel", "Flywheel Dataset", "Flywheel Iteration"]
"""What changed its state."""
SOURCE = "aws.comprehend"
DELETED = "DELETED"
"""The status of what no longer exists. AWS's API has no word for it, because nobody can see it there."""
_INSERT = insert(rows.table(StateEventRow))
_CODE = re.compile(r"([A-Z][A-Z0-9_]*): ")


def record(session: Session, kind: Kind, arn: str, status: str, now: dt.datetime, **detail: str | None) -> None:
    """Write the event of a change in the transaction that makes the change.

    ``status`` is the new one, as Describe returns it. ``detail`` are further members of the event; those that are
    ``None`` are left out.
    """
    parsed = Arn.parse(arn)
    members = {"Status": status} | {name: value for name, value in detail.items() if value is not None}
    session.execute(
        _INSERT,
        {
            "event_id": unique_id("state event"),
            "at": now,
            "account": parsed.account,
            "region": parsed.region,
            "kind": kind,
            "resource": arn,
            "detail": json.dumps(members, separators=(",", ":")),
            "routed": False,
        },
    )


def failure_code(message: str | None) -> str | None:
    """Return the code of a message of the form ``CODE: sentence``, ``None`` for any other."""
    found = _CODE.match(message or "")
    return None if found is None else found[1]


def event_of(row: StateEventRow) -> Mapping[str, Any]:
    """Return an event in EventBridge's form. It is the same each time."""
    return {
        "version": "0",
        "id": row.event_id,
        "detail-type": f"Comprehend {row.kind} State Change",
        "source": SOURCE,
        "account": row.account,
        "time": row.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": row.region,
        "resources": [row.resource],
        "detail": {"Sequence": row.sequence, **json.loads(row.detail)},
    }


def text_of(row: StateEventRow) -> str:
    """Return an event as one line of JSON."""
    return json.dumps(event_of(row), separators=(",", ":"))
