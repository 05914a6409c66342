"""When and for what each long-term key was last used: kept in memory, written at most once a minute for each key."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from reading_room.aws.call_record import CallRecord
from reading_room.database.engine import Database
from reading_room.iam.tables import AccessKey, KeyUse

logger = logging.getLogger(__name__)

WRITE_EVERY = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a key."""

    used_at: dt.datetime
    service: str
    region: str


class KeyUses:
    """Remembers the uses of keys. A call only notes; a thread of its own writes. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._latest: dict[str, Use] = {}
        self._written: dict[str, dt.datetime] = {}
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="key-uses")

    def take(self, record: CallRecord) -> None:
        """Remember the key of a call that ended, if its signature proved somebody.

        Temporary keys are not remembered, as AWS does not.
        """
        access_key_id = record.access_key_id
        if record.principal is None or access_key_id is None or not access_key_id.startswith("AKIA"):
            return
        use = Use(record.ended_at, record.service, record.region)
        with self._lock:
            self._latest[access_key_id] = use
            written = self._written.get(access_key_id)
            if written is not None and use.used_at - written < WRITE_EVERY:
                return
            self._written[access_key_id] = use.used_at
        self._writer.submit(self._write, {access_key_id: use})

    def last(self, access_key_id: str) -> Use | None:
        """Return the last use of a key, ``None`` when it was never used."""
        with self._lock:
            use = self._latest.get(access_key_id)
        if use is not None:
            return use
        with self._database.reading() as session:
            row = session.get(KeyUse, access_key_id)
            return None if row is None else Use(row.used_at, row.service, row.region)

    def close(self) -> None:
        """Write what is not written yet, and end the thread."""
        with self._lock:
            pending = dict(self._latest)
        self._writer.submit(self._write, pending)
        self._writer.shutdown(wait=True)

    def _write(self, uses: dict[str, Use]) -> None:
        try:
            with self._database.transaction() as session:
                for access_key_id, use in uses.items():
                    # A key that was deleted meanwhile has no use to write.
                    if session.get(AccessKey, access_key_id) is not None:
                        session.merge(KeyUse(access_key_id=access_key_id, **_columns(use)))
        except SQLAlchemyError:
            logger.exception("the last use of %d access keys could not be written", len(uses))


def _columns(use: Use) -> dict[str, object]:
    return {"used_at": use.used_at, "service": use.service, "region": use.region}
