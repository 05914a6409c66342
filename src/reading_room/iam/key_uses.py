"""The last use of each long-term key and each role: when, and for which service.

Uses are held in memory, and each key's or role's is written at most once a minute.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from reading_room.aws.call_record import CallRecord
from reading_room.database.engine import Database
from reading_room.iam.tables import AccessKey, KeyUse, Role, RoleUse
from reading_room.shortage import Threads

logger = logging.getLogger(__name__)

WRITE_EVERY = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a key or of a role's credentials."""

    used_at: dt.datetime
    service: str
    region: str


class KeyUses:
    """Records the uses of keys and roles in memory; its own thread writes them. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._latest: dict[str, Use] = {}
        self._written: dict[str, dt.datetime] = {}
        self._writer = Threads(1, "key-uses")

    def take(self, record: CallRecord) -> None:
        """Record the key or role that a completed call was authenticated with, and the role that it assumed.

        Temporary keys are not recorded; AWS does not record them either.
        """
        use = Use(record.ended_at, record.service, record.region)
        due: dict[str, Use] = {}
        with self._lock:
            for used in _used(record):
                self._latest[used] = use
                written = self._written.get(used)
                if written is None or use.used_at - written >= WRITE_EVERY:
                    self._written[used] = use.used_at
                    due[used] = use
        if due:
            self._writer.submit(self._write, due)

    def last(self, access_key_id: str) -> Use | None:
        """Return the last use of a key, or ``None`` if it was never used."""
        with self._lock:
            use = self._latest.get(access_key_id)
        if use is not None:
            return use
        with self._database.reading() as session:
            row = session.get(KeyUse, access_key_id)
            return None if row is None else Use(row.used_at, row.service, row.region)

    def last_of_role(self, role_id: str) -> Use | None:
        """Return the last use of a role by its unique id, or ``None`` if never used. The service is not stored."""
        return self.last_of_roles([role_id]).get(role_id)

    def last_of_roles(self, role_ids: Sequence[str]) -> dict[str, Use]:
        """Return the last uses of roles by unique id, without those that were never used."""
        with self._database.reading() as session:
            rows = session.scalars(select(RoleUse).where(RoleUse.role_id.in_(role_ids)))
            found = {row.role_id: Use(row.used_at, "", row.region) for row in rows}
        with self._lock:
            found.update({role_id: self._latest[role_id] for role_id in role_ids if role_id in self._latest})
        return found

    def close(self) -> None:
        """Write the unwritten uses, and end the thread."""
        with self._lock:
            pending = dict(self._latest)
        self._writer.submit(self._write, pending)
        self._writer.shutdown(wait=True)

    def _write(self, uses: dict[str, Use]) -> None:
        try:
            with self._database.transaction() as session:
                for used, use in uses.items():
                    # Skip keys and roles that were deleted in the meantime.
                    if used.startswith("AROA"):
                        if session.get(Role, used) is not None:
                            session.merge(RoleUse(role_id=used, used_at=use.used_at, region=use.region))
                    elif session.get(AccessKey, used) is not None:
                        session.merge(
                            KeyUse(access_key_id=used, used_at=use.used_at, service=use.service, region=use.region)
                        )
        except SQLAlchemyError:
            logger.exception("the last use of %d access keys and roles could not be written", len(uses))


def _used(record: CallRecord) -> Iterator[str]:
    """Yield the ids of the long-term key, the session's role and the assumed role that a call used."""
    principal = record.principal
    if principal is None:
        return
    if record.access_key_id is not None and record.access_key_id.startswith("AKIA"):
        yield record.access_key_id
    if principal.kind == "session" and principal.user_id.startswith("AROA"):
        yield principal.user_id.partition(":")[0]
    if record.operation == "AssumeRole" and record.output is not None:
        yield record.output["AssumedRoleUser"]["AssumedRoleId"].partition(":")[0]
