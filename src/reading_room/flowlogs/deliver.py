"""Delivery of records of the data plane's flow events.

Events are counted in memory and delivered when their window closes: at a full minute, or at once when its interface is
deleted. The open windows are saved to a file every few seconds. If a crash loses more than that, the next start reports
it with a SKIPDATA record for each interface that existed before.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Sequence, Set

from reading_room.aws.call_record import Recorder, forget
from reading_room.aws.errors import AwsError
from reading_room.clock import Clock, ClockSteps
from reading_room.database.engine import Database
from reading_room.dataplane.spec import FlowEvent
from reading_room.flowlogs import coverage, kept_windows
from reading_room.flowlogs.aggregate import Aggregator, ClosedWindow, FlowLogTarget
from reading_room.flowlogs.coverage import COVERAGE_TABLES
from reading_room.flowlogs.destinations import BucketDestination, LogGroupDestination, PutObject
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.iam.errors import RoleNotAssumable
from reading_room.logs.errors import NoRoomForLogs
from reading_room.logs.room import LogRoom
from reading_room.measures import IGNORED, FlowRecordLoss, Measures
from reading_room.s3.errors import InsufficientCapacity
from reading_room.vpc.tables import FlowLog

logger = logging.getLogger(__name__)

KEPT_EVERY = 5.0
"""Seconds between two writes of the open windows."""
ACCESS_ERROR, RATE_LIMITED, UNKNOWN_ERROR = "Access error", "Rate limited", "Unknown error"
"""The values of ``DeliverLogsErrorMessage`` (DescribeFlowLogs)."""


class FlowLogDelivery:
    """Records flows and delivers them. Thread-safe.

    ``record`` is called with the agent's reports, ``interface_deleted`` when an interface's row is deleted, and
    ``turn`` about every second; a closed window is delivered at the next turn. Interfaces that exist when the object is
    created existed before the process, so their traffic in between is unknown.
    """

    def __init__(
        self,
        *,
        database: Database,
        put_object: PutObject,
        authorizer: PolicyAuthorizer,
        clock: Clock,
        region: str,
        keep: kept_windows.Keep,
        trail: Recorder = forget,
        room: LogRoom | None = None,
        measures: Measures = IGNORED,
        clock_steps: ClockSteps | None = None,
    ) -> None:
        """Continue the windows that the previous process saved in ``keep``.

        ``room`` limits what an account can store in log groups; by default there is no limit. ``clock_steps`` notices
        when the wall clock is set.
        """
        self._clock_steps = clock_steps
        self._measures = measures
        self._keep = keep
        self._kept_at = 0.0
        self._database = database
        self._clock = clock
        self._region = region
        self._groups = LogGroupDestination(database, authorizer, clock, region, trail, room)
        self._buckets = BucketDestination(put_object, region)
        self._aggregator = Aggregator()
        self._closed: list[ClosedWindow] = []
        self._stale = True
        self._changed = 0.0
        """When the tables first changed after the last refresh."""
        # The first protects the counts; the second lets one thread deliver while others continue to count.
        self._counting = threading.RLock()
        self._delivering = threading.Lock()
        database.on_commit(self._committed)
        self.begin()

    def begin(self) -> None:
        """Continue the windows that the previous leader saved. What it did not save is unknown, and recorded so."""
        with self._delivering, self._counting:
            self._aggregator = Aggregator()
            self._closed = []
            self._stale = True
            self._refresh(self._clock().timestamp(), starting=True)
            self._aggregator.restore(self._keep.read())

    def record(self, events: Sequence[FlowEvent]) -> None:
        """Count events. Events of interfaces that no flow log covers are dropped."""
        now = self._clock().timestamp()
        with self._counting:
            self._look_at({event.interface_id for event in events}, now)
            for event in events:
                self._aggregator.add(event, now)

    def interfaces_seen(self, interface_ids: Set[str]) -> None:
        """Record that a host has these interfaces, since those of a short job come and go between two turns."""
        with self._counting:
            self._look_at(interface_ids, self._clock().timestamp())

    def interrupted(self, host: str) -> None:
        """Record that packets of a host may not have been observed.

        Its agent ended and another took over, so rejected packets in between are unknown; or the host was lost.
        """
        with self._counting:
            self._aggregator.interrupt(host)

    def interface_deleted(self, interface_id: str) -> None:
        """Close the windows of a deleted interface; the next turn delivers them."""
        with self._counting:
            self._closed += self._aggregator.close_interface(interface_id, self._clock().timestamp())

    def turn(self, now: dt.datetime) -> int:
        """Close the windows that are due and deliver the closed ones. Returns the number of delivered records."""
        with self._delivering:
            with self._counting:
                step = 0.0 if self._clock_steps is None else self._clock_steps.take()
                if step:
                    self._aggregator.clock_set(step, now.timestamp())
                self._refresh(now.timestamp())
                self._closed += self._aggregator.close_due(now.timestamp())
                closed, self._closed = self._closed, []
                dropped, self._aggregator.dropped = self._aggregator.dropped, 0
                if closed or abs(now.timestamp() - self._kept_at) >= KEPT_EVERY:
                    self._kept_at = now.timestamp()
                    self._keep_windows()
            if dropped:
                self._measures.flow_records_dropped("queue_full", dropped)
            by_target: dict[str, list[ClosedWindow]] = {}
            for window in closed:
                by_target.setdefault(window.covered.target.flow_log_id, []).append(window)
            return sum(self._deliver(windows[-1].covered.target, windows) for windows in by_target.values())

    def _keep_windows(self) -> None:
        try:
            self._keep.write(self._aggregator.kept())
        except OSError as error:
            logger.warning("the open flow log windows could not be saved: %s", error)

    def _deliver(self, target: FlowLogTarget, windows: Sequence[ClosedWindow]) -> int:
        count = sum(len(window.records) for window in windows)
        error: str | None = None
        loss: FlowRecordLoss | None = None
        try:
            destination = self._groups if target.destination_type == "cloud-watch-logs" else self._buckets
            destination.deliver(target, windows)
        except (AwsError, RoleNotAssumable) as refusal:
            is_full = isinstance(refusal, NoRoomForLogs | InsufficientCapacity)
            error, loss = (RATE_LIMITED, "no_room") if is_full else (ACCESS_ERROR, "access")
            logger.warning("%s: %d records were not delivered: %s", target.flow_log_id, count, refusal)
        except Exception:
            # A failure of one flow log must not stop the others, or later turns.
            error, loss = UNKNOWN_ERROR, "error"
            logger.exception("%s: %d records were not delivered", target.flow_log_id, count)
        if loss is not None:
            self._measures.flow_records_dropped(loss, count)
        else:
            self._measures.flow_records_delivered(target.destination_type, count)
            self._measures.flow_records_late(sum(len(window.records) for window in windows if window.late))
        self._tell_status(target.flow_log_id, error)
        return 0 if error else count

    def _tell_status(self, flow_log_id: str, error: str | None) -> None:
        status = "SUCCESS" if error is None else "FAILED"
        with self._database.reading() as session:
            row = session.get(FlowLog, flow_log_id)
            if row is None or (row.deliver_status, row.deliver_error) == (status, error):
                return
        with self._database.transaction() as session:
            row = session.get(FlowLog, flow_log_id)
            if row is not None:
                row.deliver_status, row.deliver_error = status, error

    def _look_at(self, interface_ids: Set[str], now: float) -> None:
        unknown = interface_ids - self._aggregator.interfaces()
        if unknown:
            self._stale = True
        self._refresh(now, seen=unknown)

    def close(self, now: dt.datetime) -> int:
        """Close and deliver every window when the product stops. Returns the number of delivered records."""
        with self._counting:
            self._closed += self._aggregator.close_all(now.timestamp())
        return self.turn(now)

    def _refresh(self, now: float, starting: bool = False, seen: Set[str] = frozenset()) -> None:
        if not self._stale:
            return
        # Set before reading, so that a commit in between makes the coverage stale again.
        self._stale = False
        try:
            with self._database.reading() as session:
                found = coverage.read(session, self._region, seen)
        except BaseException:
            self._stale = True
            raise
        present = frozenset(entry.interface.interface_id for entry in found.covered)
        interrupted = present if starting else frozenset()
        self._aggregator.cover(found.covered, found.flow_log_ids, now, interrupted, left_at=self._changed)

    def _committed(self, tables: frozenset[str]) -> None:
        if tables & COVERAGE_TABLES:
            if not self._stale:
                self._changed = self._clock().timestamp()
            self._stale = True
