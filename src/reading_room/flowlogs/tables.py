"""The open windows of flow logs, where several processes share the database."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from reading_room.database.base import Base


class OpenWindows(Base):
    """What the leader has counted and not delivered yet, in a single row, as JSON."""

    __tablename__ = "flow_windows"

    one: Mapped[int] = mapped_column(primary_key=True)
    windows: Mapped[str]
