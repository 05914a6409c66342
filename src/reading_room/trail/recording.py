"""The product's trail, which accepts records of calls and denials and writes them as events and explanations."""

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
from reading_room.trail.events import AccountOf, event_of_refused, events_of, is_data, no_account
from reading_room.trail.journal import Journal
from reading_room.trail.kept_heads import Heads, NoHeads
from reading_room.trail.service_events import ServiceAction, event_of_action
from reading_room.trail.shares import Shares, account_in

_WEIGHT = 2048
"""Approximate size of a record besides its parameters."""
_PENDING = 1000
"""The most denials of unauthenticated requests that wait for the request to end."""
_DECISIONS = 10
"""The most of them per request: DeleteObjects can have a thousand."""


@dataclass(frozen=True, slots=True)
class DenialRecord:
    """A decision that denied a call, with the id of its request. ``at`` is the time in ISO 8601."""

    request_id: str
    at: str
    decision: Decision


class Trail:
    """Records every call. Thread-safe. ``record`` and ``denied`` return at once and never raise.

    ``bucket_owner`` and ``endpoint_owner`` return the accounts of buckets and endpoints; they are called in the trail's
    own thread.
    """

    def __init__(
        self,
        *,
        folder: Path,
        clock: Clock,
        days: int,
        most: int = 1 << 40,
        most_unidentified: int = 1 << 40,
        bucket_owner: AccountOf = no_account,
        endpoint_owner: AccountOf = no_account,
        heads: Heads = NoHeads(),
        most_of_account: int = 1 << 40,
    ) -> None:
        """``days`` is how long the files are kept, ``most`` is the maximum size of each book in bytes.

        ``most_unidentified`` is the limit for the book of refused unauthenticated requests. ``heads`` stores the
        digests of the newest lines. ``most_of_account`` is the most bytes that one account can add to a book per day.
        """
        self._shares = Shares(clock, most_of_account)
        self._beyond_shares = Counts(self.refused, clock)
        """Counts the calls that were refused because their account's share is used up; they are not recorded."""
        self.folder = folder
        self._heads = heads
        self._clock = clock
        self._bucket_owner = bucket_owner
        self._endpoint_owner = endpoint_owner
        self._lock = threading.Lock()
        self._pending: OrderedDict[str, list[DenialRecord]] = OrderedDict()
        self._journal: Journal[CallRecord | DenialRecord | RefusedRequests | ServiceAction] = Journal(
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
        """If no heads were ever stored, as in a folder of an earlier version, accept the books as they are."""
        self._heads.adopt()

    def check(self, service: str, operation: str, account: str = "") -> None:
        """Raise the service's form of ``ServiceUnavailable`` if an account's call could not be recorded."""
        book = _book_of(service, operation)
        refusal = self._journal.refusal(book)
        if refusal is None and self._shares.used_up(book, account):
            refusal = (
                f"account {account} has used up its share of the book {book} for today "
                "(READING_ROOM_TRAIL_BYTES_PER_ACCOUNT)"
            )
        if refusal is not None:
            raise unavailable(service, f"Calls that cannot be recorded in the trail are refused: {refusal}.")

    def fault(self) -> str | None:
        """Return why calls cannot be recorded now, or ``None`` if they can."""
        return self._journal.refusal("management") or self._journal.refusal("data")

    def record(self, record: CallRecord) -> None:
        """Accept the record of a call that has ended."""
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
            # It was refused for its account's share and did nothing; recording it would exceed the share further.
            self._beyond_shares.add(record.path, record.service, record.error.code)
            return
        self._journal.hand_over(record, _WEIGHT + record.size)

    def denied(self, request_id: str, decision: Decision) -> None:
        """Accept the decision that denied a call.

        A denial of an unauthenticated request is recorded only once ``record`` accepts the request.
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
        """Accept the number of refused requests that were not recorded individually."""
        self._journal.hand_over(requests, _WEIGHT)

    def acted(self, action: ServiceAction) -> None:
        """Accept what a service did without a call."""
        self._journal.hand_over(action, _WEIGHT)

    def flush(self) -> bool:
        """Wait until everything accepted before is in the files; return whether it is."""
        return self._journal.flush()

    def close(self) -> None:
        """Write the waiting records and end the thread."""
        self._beyond_shares.report()
        self._journal.close()

    def _documents(
        self, item: CallRecord | DenialRecord | RefusedRequests | ServiceAction
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(item, CallRecord):
            yield from events_of(item, self._bucket_owner, self._endpoint_owner)
        elif isinstance(item, RefusedRequests):
            yield "unidentified", event_of_refused(item)
        elif isinstance(item, ServiceAction):
            yield "management", event_of_action(item)
        else:
            book = "unidentified" if item.decision.principal_arn == ANONYMOUS.arn else "denials"
            yield book, document_of(item.request_id, item.at, item.decision)


def _book_of(service: str, operation: str) -> str:
    return "data" if is_data(service, operation) else "management"
