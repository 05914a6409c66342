"""The metrics of the installation's state, read when they are asked for: sizes, certificates, and conditions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge

from reading_room.aws.probes import Fault
from reading_room.database.disk import free_bytes
from reading_room.database.engine import Database
from reading_room.fleet import database_time, hosts
from reading_room.settings import Settings
from reading_room.state_events.targets import names_of
from reading_room.state_events.undelivered import counts
from reading_room.trail.chain import BOOKS, files_of
from reading_room.trail.chain import FOLDER as TRAIL_FOLDER
from reading_room.versions import VERSION

Expiry = Callable[[], dt.datetime | None]
"""Returns when a certificate ends, or ``None`` if there is none now."""


class StateMetrics:
    """Reads the state of an installation into ``registry``. ``certificates`` has the end of each, by its use."""

    def __init__(
        self, registry: CollectorRegistry, settings: Settings, database: Database, certificates: Mapping[str, Expiry]
    ) -> None:
        self._data = settings.data
        self._rows = database
        self._certificates = certificates
        info = Gauge("reading_room_build_info", "Always 1; the label is the version.", ("version",), registry=registry)
        info.labels(VERSION).set(1)
        self._database = Gauge(
            "reading_room_database_size_bytes",
            "Size of the database; that of SQLite with its write-ahead log.",
            registry=registry,
        )
        self._hosts = Gauge(
            "reading_room_hosts",
            "Hosts of the installation by state: away without a lease. All are 0 before another host joins.",
            ("state",),
            registry=registry,
        )
        self._trail = Gauge(
            "reading_room_trail_size_bytes", "Size of each book of the trail.", ("book",), registry=registry
        )
        self._free = Gauge(
            "reading_room_storage_free_bytes", "Free space on the data folder's file system.", registry=registry
        )
        Gauge(
            "reading_room_storage_floor_bytes",
            "Free space below which nothing more is stored (READING_ROOM_STORAGE_FREE).",
            registry=registry,
        ).set(settings.storage_free)
        self._expiry = Gauge(
            "reading_room_certificate_expiry_timestamp_seconds",
            "When a certificate ends, in seconds since 1970.",
            ("certificate",),
            registry=registry,
        )
        self._deliveries = Gauge(
            "reading_room_state_event_deliveries",
            "Deliveries of state events by target (webhook, log-group, bucket) and state (pending, failed).",
            ("target", "state"),
            registry=registry,
        )
        self._targets = names_of(settings)
        self._ready = Gauge(
            "reading_room_ready", "Whether every condition of the page ready is met.", registry=registry
        )
        self._checks = Gauge(
            "reading_room_check_ok",
            "Whether a condition of the page ready is met; 0 also if it only warns.",
            ("check",),
            registry=registry,
        )

    def read(self, found: Mapping[str, Fault | None]) -> None:
        """Read the state; ``found`` are the results of the checks of readiness. Not thread-safe.

        Raises ``OSError``, and ``SQLAlchemyError`` if the database cannot be read.
        """
        self._ready.set(not any(fault is not None and fault.stops for fault in found.values()))
        for name, fault in found.items():
            self._checks.labels(name).set(fault is None)
        for book in BOOKS:
            self._trail.labels(book).set(sum(_size(path) for _, path in files_of(self._data / TRAIL_FOLDER, book)))
        self._free.set(free_bytes(self._data))
        self._expiry.clear()
        for use, expiry in self._certificates.items():
            if (at := expiry()) is not None:
                self._expiry.labels(use).set(at.timestamp())
        # Last, because a server of PostgreSQL that is away must not hide the rest.
        with self._rows.reading() as session:
            self._database.set(self._rows.size(session))
            for state, number in hosts.count(session, database_time.now(session)).items():
                self._hosts.labels(state).set(number)
            found_deliveries = counts(session)
            self._deliveries.clear()
            for target in self._targets:
                for delivery in ("pending", "failed"):
                    self._deliveries.labels(target, delivery).set(found_deliveries.get((target, delivery), 0))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
