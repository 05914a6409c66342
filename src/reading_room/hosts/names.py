"""The resolver of every VPC: names from the tables, cached until a table of the network is written."""

from __future__ import annotations

import threading

from reading_room.database.engine import Database
from reading_room.vpc.endpoints.endpoint_names import own_names
from reading_room.vpc.endpoints.resolver import Found, Zones, look_up, zones_of
from reading_room.vpc.network_spec import NETWORK_TABLES
from reading_room.vpc.tables import VpcEndpoint
from reading_room.vpc.zones import zones_of as zones_of_region


def bucket_names(database: Database, region: str, vpc_endpoint_id: str) -> list[str]:
    """Return the names of an S3 interface endpoint that its certificate needs, none for any other endpoint.

    S3's names have ``bucket.`` or ``BUCKET.bucket.`` before the endpoint's own part.
    """
    with database.reading() as session:
        row = session.get(VpcEndpoint, vpc_endpoint_id)
        if row is None or row.kind != "Interface" or not row.service_name.endswith(".s3"):
            return []
        own = own_names(row, region, [zone.name for zone in zones_of_region(region)])
    return [form for name in own for form in (f"bucket.{name[2:]}", f"*.bucket.{name[2:]}")]


class VpcNames:
    """Implements ``hosts.listeners.Resolver``. It answers from its own zones and never forwards."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._zones: dict[str, Zones] = {}
        self._version = 0
        database.on_commit(self._committed)

    def look_up(self, vpc_id: str, name: str, kind: int) -> Found | None:
        """Return the records of a name and type in a VPC, or ``None`` to send no answer."""
        return look_up(name, kind, self._zones_of(vpc_id))

    def _zones_of(self, vpc_id: str) -> Zones:
        with self._lock:
            known = self._zones.get(vpc_id)
            version = self._version
        if known is None:
            with self._database.reading() as session:
                known = zones_of(session, vpc_id)
            with self._lock:
                # Zones that were read before a commit are not kept after it.
                if version == self._version:
                    self._zones[vpc_id] = known
        return known

    def _committed(self, tables: frozenset[str]) -> None:
        if tables & NETWORK_TABLES:
            with self._lock:
                self._zones.clear()
                self._version += 1
