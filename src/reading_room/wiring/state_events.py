"""State events, wired: the loops that deliver them to the targets of the settings."""

from __future__ import annotations

from functools import partial

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.logs.room import LogRoom
from reading_room.reconcile import PeriodicWork
from reading_room.settings import Settings
from reading_room.state_events.delivery import Delivery, Routing
from reading_room.state_events.destinations import BucketTarget, LogGroupTarget, PutObject, WebhookTarget
from reading_room.state_events.sender_socket import ask
from reading_room.state_events.targets import Target


def state_event_loops(
    settings: Settings, database: Database, clock: Clock, put_object: PutObject, room: LogRoom
) -> list[PeriodicWork]:
    """Return the loops of the process that leads; none without a target."""
    targets: list[Target] = []
    if settings.events_webhook:
        targets.append(WebhookTarget(partial(ask, settings.data)))
    if settings.events_log_group:
        targets.append(LogGroupTarget(database, settings.events_log_group, clock, room))
    if settings.events_bucket:
        bucket, _, prefix = settings.events_bucket.removeprefix("s3://").partition("/")
        targets.append(BucketTarget(put_object, bucket, prefix))
    if not targets:
        return []
    return [Routing(database, targets, clock), *(Delivery(database, target, clock) for target in targets)]
