"""The trail as the product has it: takes records of calls and of denials, and writes their events and reasons."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reading_room.aws.call import ANONYMOUS
from reading_room.aws.call_record import CallRecord
from reading_room.aws.counts import Counts, RefusedRequests
from reading_room.aws.errors import ServiceUnavailable
from reading_room.aws.spelling import unavailable
from reading_room.clock import Clock
from reading_room.iam.policy.evaluate import Decision
from reading_room.trail.denials import document_of
from reading_room.trail.events import AccountOf, event_of_refused, events_of, is_data, nobodys
from reading_room.trail.journal import Journal
from reading_room.trail.kept_heads import Heads, NoHeads
from reading_room.trail.shares import Shares, account_in

_WEIGHT = 2048
"""About what a record takes besides the parameters."""
_PENDING = 1000
"""Decisions against requests that proved nobody which wait for what becomes of the request."""
_DECISIONS = 10
"""Of them, those that are kept of one request: DeleteObjects asks for a thousand."""


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
        *,
        folder: Path,
        clock: Clock,
        days: int,
        most: int = 1 << 40,
        most_unidentified: int = 1 << 40,
        bucket_owner: AccountOf = nobodys,
        endpoint_owner: AccountOf = nobodys,
        heads: Heads = NoHeads(),
        most_of_account: int = 1 << 40,
    ) -> None:
        """``days`` is how long the files are kept, ``most`` how many bytes those of each book may have.

        ``most_unidentified`` is that of the book of refused requests that proved nobody. ``heads`` keeps the digests of
        the newest lines. ``most_of_account`` is how many bytes one account may add to a book in a day.
        """
        self._shares = Shares(clock, most_of_account)
        self._beyond_shares = Counts(self.refused, clock)
        """Calls that were refused because their account's share is used up: they are counted, not written down."""
        self.folder = folder
        self._heads = heads
        self._clock = clock
        self._bucket_owner = bucket_owner
        self._endpoint_owner = endpoint_owner
        self._lock = threading.Lock()
        self._pending: OrderedDict[str, list[DenialRecord]] = OrderedDict()
        self._journal: Journal[CallRecord | DenialRecord | RefusedRequests] = Journal(
            folder,
            self._documents,
            clock,
            days,
            most,
            most_of={"unidentified": most_unidentified},
            heads=heads,
            count=self._shares.count,
        )

    def adopt_heads(self) -> None:
        """Where no heads were ever kept, as in a folder of an earlier version, take the books as they are."""
        self._heads.adopt()

    def check(self, service: str, operation: str, account: str = "") -> None:
        """Raise ``ServiceUnavailable``, as the service spells it, while a call for an account could not be recorded."""
        book = _book_of(service, operation)
        refusal = self._journal.refusal(book)
        if refusal is None and self._shares.used_up(book, account):
            refusal = (
                f"account {account} has used up its share of the book {book} for today "
                "(READING_ROOM_TRAIL_BYTES_PER_ACCOUNT)"
            )
        if refusal is not None:
            raise unavailable(service, f"No call is made that cannot be recorded in the trail of calls: {refusal}.")

    def fault(self) -> str | None:
        """Say why calls cannot be recorded now, ``None`` if they can."""
        return self._journal.refusal("management") or self._journal.refusal("data")

    def record(self, record: CallRecord) -> None:
        """Take the record of a call that ended."""
        if record.principal is None or record.principal.kind == "anonymous":
            with self._lock:
                decisions = self._pending.pop(record.request_id, ())
            for decision in decisions:
                self._journal.hand_over(decision, _WEIGHT)
        if (
            record.principal is not None
            and isinstance(record.error, ServiceUnavailable)
            and self._shares.used_up(_book_of(record.service, record.operation), record.principal.account)
        ):
            # It was refused for that, and did nothing: to write it down would use up what is not there.
            self._beyond_shares.add(record.path, record.service, record.error.code)
            return
        self._journal.hand_over(record, _WEIGHT + record.size)

    def denied(self, request_id: str, decision: Decision) -> None:
        """Take the decision that a call was denied by.

        One against a request that proved nobody is written down if the request is: ``record`` has to be told of that.
        """
        denial = DenialRecord(request_id, self._clock().isoformat(timespec="milliseconds"), decision)
        if decision.principal_arn != ANONYMOUS.arn:
            # The call itself is in another book.
            if not self._shares.used_up("denials", account_in(decision.principal_arn)):
                self._journal.hand_over(denial, _WEIGHT)
            return
        with self._lock:
            decisions = self._pending.setdefault(request_id, [])
            if len(decisions) < _DECISIONS:
                decisions.append(denial)
            if len(self._pending) > _PENDING:
                self._pending.popitem(last=False)

    def refused(self, requests: RefusedRequests) -> None:
        """Take how many requests were refused besides those that were recorded."""
        self._journal.hand_over(requests, _WEIGHT)

    def flush(self) -> bool:
        """Wait until what was taken before is in the files; say whether it is."""
        return self._journal.flush()

    def close(self) -> None:
        """Write what waits and end."""
        self._beyond_shares.report()
        self._journal.close()

    def _documents(self, item: CallRecord | DenialRecord | RefusedRequests) -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(item, CallRecord):
            yield from events_of(item, self._bucket_owner, self._endpoint_owner)
        elif isinstance(item, RefusedRequests):
            yield "unidentified", event_of_refused(item)
        else:
            book = "unidentified" if item.decision.principal_arn == ANONYMOUS.arn else "denials"
            yield book, document_of(item.request_id, item.at, item.decision)


def _book_of(service: str, operation: str) -> str:
    return "data" if is_data(service, operation) else "management"
