"""The targets of an installation: where its settings send state events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from reading_room.settings import Settings
from reading_room.state_events.tables import StateEventRow

TargetName = Literal["webhook", "log-group", "bucket"]


class Undelivered(Exception):
    """Events could not be delivered. The message says why, without secrets."""

    def __init__(self, reason: str, *, away: bool = False) -> None:
        """``away`` means that the target did not answer, so that other events would fail, too."""
        super().__init__(reason)
        self.away = away


class Target(Protocol):
    """Takes events."""

    name: TargetName
    at_once: int
    """The most events of one delivery."""
    settle: float
    """How many seconds a delivery waits for further events."""

    def ordered_by(self, event: StateEventRow) -> str:
        """Return what is the same for events that must be delivered in order, and may be delivered at once."""
        ...

    def deliver(self, events: Sequence[StateEventRow]) -> None:
        """Deliver events, which may have been delivered before. Raises ``Undelivered``."""
        ...


def names_of(settings: Settings) -> tuple[TargetName, ...]:
    """Return the targets that the settings turn on."""
    found: list[TargetName] = []
    if settings.events_webhook:
        found.append("webhook")
    if settings.events_log_group:
        found.append("log-group")
    if settings.events_bucket:
        found.append("bucket")
    return tuple(found)
