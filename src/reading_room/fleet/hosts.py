"""The rules on hosts: how one is admitted, what may be changed of it, and when it is forgotten.

All functions work on rows in a session and judge by ``database_time.now``, which the caller passes.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.agent.network_check import MOST_MTU
from reading_room.dataplane.spec import MOST_HOSTS
from reading_room.fleet.errors import FirstHostStays, HostIsActive, HostLeaves, HostRefused, UnknownHost
from reading_room.fleet.tables import ACTIVE, DRAINING, LEAVING, HostRow
from reading_room.versions import VERSION_PATTERN

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
"""A host's name: a label of the DNS, because it is in the host's certificate."""
LABEL = re.compile(r"[a-z][a-z0-9._-]{0,62}", re.ASCII)
LABEL_VALUE = re.compile(r"[A-Za-z0-9._:/@+-]{1,255}", re.ASCII)
MOST_LABELS = 50
AWAY = "away"
"""What ``count`` calls a host that has joined and holds no lease."""
MOST_CORES = 65_536
LEAST_MEMORY, MOST_MEMORY = 1 << 20, 1 << 50
RESERVED = ("zone", "cores", "memory")
"""What commands set like a label, and a host has as a value of its own."""
LEAST_MTU = 1280
"""The least MTU of an underlay. Encryption and a tunnel leave packets 1166 bytes of it."""
_PUBLIC_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewHost:
    """A host that wants to belong to the installation; the members are those of ``HostRow``.

    ``public_key`` is empty for the host of ``serve``, which needs no certificate.
    """

    host: str
    zone: str
    underlay: str
    mtu: int
    cores: int
    memory_bytes: int
    public_key: str
    program: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Changes:
    """What the operator changes of a host; ``None`` leaves a value as it is."""

    state: Literal["active", "draining"] | None = None
    zone: str | None = None
    cores: int | None = None
    memory_bytes: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels to add, or to give another value."""
    without: Collection[str] = ()
    """Keys of labels to remove."""


def check(new: NewHost, zones: tuple[str, ...]) -> None:
    """Raise ``HostRefused`` if a value is not valid by itself. ``zones`` are those of the region."""
    if not NAME.fullmatch(new.host):
        raise HostRefused("name", new.host, "a name has 1 to 63 lower-case letters, digits and hyphens between them")
    check_zone(new.zone, zones)
    _check_underlay(new.underlay)
    _check_number("MTU", new.mtu, LEAST_MTU, MOST_MTU)
    _check_number("number of cores", new.cores, 1, MOST_CORES)
    _check_number("memory", new.memory_bytes, LEAST_MEMORY, MOST_MEMORY)
    if new.public_key and not _PUBLIC_KEY.fullmatch(new.public_key):
        raise HostRefused("digest of the public key", new.public_key, "it is a SHA-256 in hexadecimal")
    if not re.fullmatch(VERSION_PATTERN, new.program):
        raise HostRefused("version", new.program, "a version is like 0.1.0")
    check_labels(new.labels)


def check_zone(zone: str, zones: tuple[str, ...]) -> None:
    """Raise ``HostRefused`` if a zone is not one of the region's."""
    if zone not in zones:
        raise HostRefused("zone", zone, f"this region has {', '.join(zones)}")


def check_labels(labels: Mapping[str, str]) -> None:
    """Raise ``HostRefused`` if labels are not valid, or too many."""
    for key, value in labels.items():
        if key in RESERVED:
            raise HostRefused("label", key, "a host has it as a value of its own")
        if not LABEL.fullmatch(key):
            raise HostRefused("label", key, "a key has up to 63 of a-z, 0-9, dot, underscore and hyphen")
        if not LABEL_VALUE.fullmatch(value):
            raise HostRefused(f"value of the label {key}", value, "a value has 1 to 255 of A-Z, a-z, 0-9 and ._:/@+-")
    if len(labels) > MOST_LABELS:
        raise HostRefused("number of labels", len(labels), f"a host has at most {MOST_LABELS}")


def _check_underlay(text: str) -> None:
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        raise HostRefused("address in the underlay", text, "it is an IPv4 address, such as 10.0.0.2") from None
    if address.is_loopback or address.is_unspecified or address.is_multicast or address.is_reserved:
        raise HostRefused("address in the underlay", text, "other hosts must be able to reach it")


def _check_number(what: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise HostRefused(what, value, f"it is from {least} to {most}")


def admit(session: Session, new: NewHost, zones: tuple[str, ...], now: dt.datetime) -> HostRow:
    """Make a host part of the installation and return its row; the caller has verified that it may join.

    A host that joins again with the same name and key keeps its number and state, and its values are replaced. Raises
    ``HostRefused`` and ``HostLeaves``.
    """
    check(new, zones)
    row = session.get(HostRow, new.host)
    if row is not None and row.public_key != new.public_key:
        raise HostRefused("name", new.host, "another host has it: choose one with --name, or remove that host")
    if row is not None and row.state == LEAVING:
        raise HostLeaves(new.host)
    for other in every(session):
        if other.host == new.host:
            continue
        if new.public_key and other.public_key == new.public_key:
            raise HostRefused("key of the host", new.host, f"it is that of the host {other.host}, which has joined")
        if other.underlay == new.underlay:
            raise HostRefused("address in the underlay", new.underlay, f"the host {other.host} has it")
    if row is None:
        row = HostRow(
            host=new.host,
            number=_free_number(session),
            state=ACTIVE,
            public_key=new.public_key,
            tunnel_key="",
            tunnel_port=0,
            joined_at=now,
            seen_at=None,
            epoch=0,
            lease_until=None,
        )
        session.add(row)
    row.zone, row.labels = new.zone, dict(new.labels)
    row.underlay, row.mtu = new.underlay, new.mtu
    row.cores, row.memory_bytes = new.cores, new.memory_bytes
    row.program = new.program
    session.flush()
    return row


def _free_number(session: Session) -> int:
    """Return the number after the highest one, so that numbers are seldom given again; then the lowest free one."""
    taken = set(session.scalars(select(HostRow.number)))
    highest = max(taken, default=0)
    if highest < MOST_HOSTS:
        return highest + 1
    free = next((number for number in range(1, MOST_HOSTS + 1) if number not in taken), None)
    if free is None:
        raise HostRefused("number of hosts", len(taken) + 1, f"an installation has at most {MOST_HOSTS}")
    return free


def every(session: Session) -> list[HostRow]:
    """Return all hosts in the order of their numbers, also those that leave."""
    return list(session.scalars(select(HostRow).order_by(HostRow.number)))


def found(session: Session, host: str) -> HostRow:
    """Return the row of a host. Raises ``UnknownHost``."""
    row = session.get(HostRow, host)
    if row is None:
        raise UnknownHost(host)
    return row


def of_key(session: Session, public_key: str) -> HostRow | None:
    """Return the host whose certificate has this public key, as its digest; ``None`` if it is of no use.

    That is so from the moment at which its removal begins.
    """
    if not _PUBLIC_KEY.fullmatch(public_key):
        return None
    row = session.scalar(select(HostRow).where(HostRow.public_key == public_key))
    return None if row is None or row.state == LEAVING else row


def of_serve(session: Session) -> HostRow | None:
    """Return the host that runs ``serve``, which has a row once there is another one."""
    return session.scalar(select(HostRow).where(HostRow.public_key == ""))


def holds_lease(row: HostRow, now: dt.datetime) -> bool:
    """Return whether the host's containers may still run and send."""
    return row.lease_until is not None and row.lease_until > now


def count(session: Session, now: dt.datetime) -> dict[str, int]:
    """Return how many hosts are in each state, and how many are away: they joined, and have no lease now."""
    counted = dict.fromkeys((ACTIVE, DRAINING, LEAVING, AWAY), 0)
    for row in every(session):
        away = row.state != LEAVING and row.public_key and not holds_lease(row, now)
        counted[AWAY if away else row.state] += 1
    return counted


def change(session: Session, host: str, changes: Changes, zones: tuple[str, ...]) -> HostRow:
    """Change a host and return its row.

    The zone of an active host does not change, because the subnets of its containers are in that zone. Raises
    ``UnknownHost``, ``HostLeaves`` and ``HostRefused``.
    """
    row = found(session, host)
    if row.state == LEAVING:
        raise HostLeaves(host)
    if changes.zone is not None and changes.zone != row.zone:
        check_zone(changes.zone, zones)
        if row.state == ACTIVE:
            raise HostRefused(
                "zone", changes.zone, f"the host {host} may have containers of {row.zone}; drain it first"
            )
        row.zone = changes.zone
    if changes.cores is not None:
        _check_number("number of cores", changes.cores, 1, MOST_CORES)
        row.cores = changes.cores
    if changes.memory_bytes is not None:
        _check_number("memory", changes.memory_bytes, LEAST_MEMORY, MOST_MEMORY)
        row.memory_bytes = changes.memory_bytes
    labels = {key: value for key, value in row.labels.items() if key not in changes.without} | dict(changes.labels)
    check_labels(labels)
    row.labels = labels
    if changes.state is not None:
        row.state = changes.state
    session.flush()
    return row


def remove(session: Session, host: str, now: dt.datetime, *, force: bool = False) -> HostRow | None:
    """Begin to remove a host; return its row, or ``None`` if it is forgotten already, as it never had a lease.

    Its certificate is of no use from the commit on, so it cannot renew its lease. ``forget`` deletes the row later,
    because what the host had is given to others after the end of its lease. Raises ``UnknownHost``, ``FirstHostStays``,
    and ``HostIsActive`` unless ``force`` is given.
    """
    row = found(session, host)
    if not row.public_key:
        raise FirstHostStays(host)
    if row.state == ACTIVE and holds_lease(row, now) and not force:
        raise HostIsActive(host)
    if row.lease_until is None and not row.epoch:
        session.delete(row)
        session.flush()
        return None
    row.state = LEAVING
    session.flush()
    return row


def forget(session: Session, host: str, now: dt.datetime) -> bool:
    """Delete the row of a host that leaves if its lease has ended; return whether it is gone.

    The caller has moved everything away from the host: its jobs' containers, interfaces and gateways.
    """
    row = session.get(HostRow, host)
    if row is None:
        return True
    if row.state != LEAVING or holds_lease(row, now):
        return False
    session.delete(row)
    session.flush()
    return True
