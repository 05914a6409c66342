"""Synchronous analyses between ``serve`` processes: questions of those that do not lead, and the leader's answers."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Mapped, mapped_column

from reading_room.database.base import Base, UtcDateTime
from reading_room.database.sealed import Sealed


class EngineQuestion(Base):
    """A synchronous analysis that a process which does not lead was asked for."""

    __tablename__ = "engine_questions"

    number: Mapped[str] = mapped_column(primary_key=True)
    asked_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    sealed_call: Mapped[bytes]
    call = Sealed()
    """The account, the engine, the texts and the language, as JSON."""


class EngineAnswer(Base):
    """The answer to a question."""

    __tablename__ = "engine_answers"

    number: Mapped[str] = mapped_column(primary_key=True)
    answered_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    sealed_result: Mapped[bytes]
    result = Sealed()
    """The answers to the texts, or why there is none, as JSON."""
