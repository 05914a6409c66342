"""The tables that every database has, whatever its packages store: root key, writes of others, shared files."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from reading_room.database.base import Base


class Sealing(Base):
    """The root key that the secrets are sealed with, in a single row."""

    __tablename__ = "sealing"

    id: Mapped[int] = mapped_column(primary_key=True)
    key_id: Mapped[bytes]
    proof: Mapped[bytes]
    """A known text, sealed, since the key id alone would be easy to copy."""
    clean: Mapped[bool]
    """Whether all secrets that an earlier version stored in plain text have been wiped."""


class OutsideWrite(Base):
    """The number of transactions by other processes, in a single row."""

    __tablename__ = "outside_writes"

    id: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int]


class SharedFile(Base):
    """A file that every data folder has alike, by its name there."""

    __tablename__ = "shared_files"

    name: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes]
