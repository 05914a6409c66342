"""The schema of state events and of their deliveries."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from reading_room.database.base import Base, UtcDateTime


class StateEventRow(Base):
    """A change of state, written in the transaction that changes the state."""

    __tablename__ = "state_events"

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    """Rises with the events of one resource."""
    event_id: Mapped[str]
    """The id of the event, a UUID."""
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    account: Mapped[str]
    region: Mapped[str]
    kind: Mapped[str]
    """A ``Kind`` of ``event.py``."""
    resource: Mapped[str]
    """The ARN of what changed."""
    detail: Mapped[str] = mapped_column(Text)
    """The event's ``detail`` as a JSON object, without the members that follow from other columns."""
    routed: Mapped[bool] = mapped_column(default=False, index=True)
    """Whether it has its deliveries."""


class StateDeliveryRow(Base):
    """The delivery of an event to a target, until it has succeeded. One that was given up stays for a while."""

    __tablename__ = "state_event_deliveries"
    __table_args__ = (Index("ix_state_event_deliveries_order", "target", "ordered_by", "sequence"),)

    target: Mapped[str] = mapped_column(primary_key=True)
    """``webhook``, ``log-group`` or ``bucket``."""
    sequence: Mapped[int] = mapped_column(
        ForeignKey("state_events.sequence", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    ordered_by: Mapped[str]
    """The deliveries to a target with the same value are made in order."""
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    """When it is attempted next."""
    tried_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    """When it first failed."""
    given_up_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(Text)
    """Why the last attempt failed."""
