"""The tables of an installation's hosts. A single host needs none of them, and leaves them empty."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from reading_room.database.base import Base, UtcDateTime
from reading_room.database.sealed import Sealed

ACTIVE, DRAINING, LEAVING = "active", "draining", "leaving"
"""A host's states. Only an active one gets new containers. One that leaves is forgotten when its lease has ended."""


class HostRow(Base):
    """A host that has joined. The host that runs ``serve`` has a row, too, once there is another one."""

    __tablename__ = "hosts"

    host: Mapped[str] = mapped_column(String(63), primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    """Its number among the hosts, 1 to ``dataplane.spec.MOST_HOSTS``."""
    state: Mapped[str]
    zone: Mapped[str]
    """The Availability Zone that it belongs to, such as ``us-east-1a``."""
    labels: Mapped[dict[str, str]] = mapped_column(JSON)
    underlay: Mapped[str] = mapped_column(unique=True)
    """Its IPv4 address in the underlay, the network between the hosts."""
    mtu: Mapped[int]
    """What a packet between hosts may have in the underlay, in bytes."""
    cores: Mapped[int]
    memory_bytes: Mapped[int]
    public_key: Mapped[str] = mapped_column(String(64), unique=True)
    """The SHA-256 of the public key of its certificate (SubjectPublicKeyInfo), in hexadecimal.

    It is empty for the host that runs ``serve``, which has none.
    """
    tunnel_key: Mapped[str]
    """Its public key for the encryption of the underlay, in base64; empty until its agent has reported one."""
    tunnel_port: Mapped[int]
    """The UDP port of its encrypted packets; 0 without a key."""
    program: Mapped[str]
    """The version of its program."""
    joined_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    """When it last renewed its lease, by the clock of the database."""
    epoch: Mapped[int]
    """Raised whenever a lease begins after another one has ended. What has an earlier epoch no longer belongs to it."""
    lease_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    """When its lease ends, by the clock of the database. Until then its containers may run and send."""


class HostTokenRow(Base):
    """A token with which one host may join, once."""

    __tablename__ = "host_tokens"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    """The SHA-256 of the token in hexadecimal. The token itself is not stored."""
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    used_by: Mapped[str | None]
    """The host that joined with it."""


class HostAuthorityRow(Base):
    """The certificate authority for hosts, in a single row."""

    __tablename__ = "host_authority"

    id: Mapped[int] = mapped_column(primary_key=True)
    certificate: Mapped[str]
    """Its certificate in PEM."""
    sealed_private_key: Mapped[bytes]

    private_key = Sealed()
    """Its key in PEM."""


class LeaseRow(Base):
    """What one holder at a time has: the task to move the jobs (``leader``), or its own place (``listener:…``)."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    fence: Mapped[int]
    """Raised whenever somebody takes the lease. Writes of the holder check it."""
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    """When it ends, by the clock of the database."""
    url: Mapped[str]
    """Where hosts reach the holder; empty if that does not matter."""
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What the holder tells the other processes with each renewal."""
