"""The trail as the product has it: takes records of calls and of denials, and writes their events and reasons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reading_room.aws.call_record import CallRecord
from reading_room.clock import Clock
from reading_room.iam.policy.evaluate import Decision
from reading_room.trail.denials import document_of
from reading_room.trail.events import AccountOf, events_of, nobodys
from reading_room.trail.journal import Journal

_WEIGHT = 2048
"""About what a record takes besides the parameters."""


@dataclass(frozen=True, slots=True)
class DenialRecord:
    """A decision against a call, under the id of its request. ``at`` is when, in ISO 8601."""

    request_id: str
    at: str
    decision: Decision


class Trail:
    """Records every call. Thread-safe; both ways in return at once and never raise.

    ``bucket_owner`` and ``endpoint_owner`` tell the accounts of buckets and endpoints, and are asked in the trail's own
    thread.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        days: int,
        most: int = 1 << 40,
        bucket_owner: AccountOf = nobodys,
        endpoint_owner: AccountOf = nobodys,
    ) -> None:
        """``days`` is how long the files are kept, ``most`` how many bytes those of each book may have."""
        self.folder = folder
        self._clock = clock
        self._bucket_owner = bucket_owner
        self._endpoint_owner = endpoint_owner
        self._journal: Journal[CallRecord | DenialRecord] = Journal(folder, self._documents, clock, days, most)

    def record(self, record: CallRecord) -> None:
        """Take the record of a call that ended."""
        self._journal.hand_over(record, _WEIGHT + record.size)

    def denied(self, request_id: str, decision: Decision) -> None:
        """Take the decision that a call was denied by."""
        at = self._clock().isoformat(timespec="milliseconds")
        self._journal.hand_over(DenialRecord(request_id, at, decision), _WEIGHT)

    def flush(self) -> bool:
        """Wait until what was taken before is in the files; say whether it is."""
        return self._journal.flush()

    def close(self) -> None:
        """Write what waits and end."""
        self._journal.close()

    def _documents(self, item: CallRecord | DenialRecord) -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(item, CallRecord):
            yield from events_of(item, self._bucket_owner, self._endpoint_owner)
        else:
            yield "denials", document_of(item.request_id, item.at, item.decision)
