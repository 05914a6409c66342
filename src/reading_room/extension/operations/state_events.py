"""The state events of an account, or for the operator of all accounts, with their deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.extension.operator import check_operator
from reading_room.settings import Settings
from reading_room.state_events import listing, undelivered
from reading_room.state_events.event import text_of
from reading_room.state_events.tables import StateDeliveryRow, StateEventRow
from reading_room.state_events.targets import names_of

MOST = 100
"""Events per response by default."""


class StateEventOperations:
    """Lists events and their deliveries. A caller without news costs no query, so that it may ask every second."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._commits = 0
        self._newest: tuple[int, int] | None = None
        """The number of the newest event, after this many commits that wrote events."""
        database.on_commit(self._written)

    @operation("reading-room", "ListStateEvents")
    def list_state_events(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListStateEvents."""
        account = request.get("AccountId", call.account)
        if account != call.account:
            check_operator(call, self._settings)
        token, most = request.get("NextToken"), request.get("MaxResults", MOST)
        number = int(token or "0")
        commits, known = self._commits, self._newest
        if known is not None and known[0] == commits and number >= known[1]:
            return {"Events": [], "NextToken": str(known[1])}
        # On PostgreSQL, an event with a lower number than one that can be seen may be committed later. No other
        # transaction writes beside this block, so here there is none.
        with self._database.transaction() if self._database.shared else self._database.reading() as session:
            newest = listing.newest(session)
            of, resource = None if account == "all" else account, request.get("Resource")
            if from_end := token is None and request.get("Newest", False):
                events = listing.last(session, most, account=of, resource=resource)
            else:
                events = listing.after(session, number, most, account=of, resource=resource)
        self._newest = commits, newest
        # What was passed over for other accounts or resources needs not be read again.
        reached = newest if from_end or len(events) < most else events[-1].sequence
        return {"Events": [{"Event": text_of(event)} for event in events], "NextToken": str(reached)}

    @operation("reading-room", "ListStateEventDeliveries")
    def list_deliveries(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListStateEventDeliveries."""
        check_operator(call, self._settings)
        token, most = request.get("NextToken"), request.get("MaxResults", MOST)
        number, _, target = (token or "").partition("-")
        after = None if token is None else (int(number), target)
        with self._database.reading() as session:
            found = undelivered.listed(session, most + 1, after=after, state=request.get("State"))
        entries = [_structure(delivery, event) for delivery, event in found[:most]]
        answer: dict[str, Any] = {"Targets": list(names_of(self._settings)), "Deliveries": entries}
        if len(found) > most:
            last = found[most - 1][0]
            answer["NextToken"] = f"{last.sequence}-{last.target}"
        return answer

    @operation("reading-room", "RetryStateEventDeliveries")
    def retry_deliveries(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """RetryStateEventDeliveries. The loops that deliver events find what is due."""
        check_operator(call, self._settings)
        with self._database.transaction() as session:
            retried = undelivered.retry(
                session, self._clock(), target=request.get("Target"), event_id=request.get("EventId")
            )
        return {"GivenUp": retried.given_up, "Failed": retried.failed}

    def _written(self, tables: frozenset[str]) -> None:
        if StateEventRow.__tablename__ in tables:
            self._commits += 1


def _structure(delivery: StateDeliveryRow, event: StateEventRow) -> Mapping[str, Any]:
    members = {
        "Target": delivery.target,
        "State": undelivered.state_of(delivery),
        "Attempts": delivery.attempts,
        "NextAttemptAt": delivery.next_at if delivery.given_up_at is None else None,
        "FailedAt": delivery.tried_at,
        "GivenUpAt": delivery.given_up_at,
        "Reason": delivery.reason,
        "Event": text_of(event),
    }
    return {name: value for name, value in members.items() if value is not None}
