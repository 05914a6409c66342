"""The loop of keys: it deletes those whose waiting time is over, and material that has expired, and rotates.

Everything due is in rows, so a turn that a crash interrupted is done by the next one.
"""

from __future__ import annotations

import logging

from sqlalchemy import Select, select

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.kms import rotation
from reading_room.kms.tables import KeyRow, MaterialRow
from reading_room.reconcile import PeriodicWork

logger = logging.getLogger(__name__)

TURN_SECONDS = 60.0
AT_ONCE = 100
"""Keys that one transaction changes, since other writers wait for it."""


class KeyUpkeep(PeriodicWork):
    """The loop."""

    def __init__(self, database: Database, clock: Clock, at_once: int = AT_ONCE) -> None:
        self._database = database
        self._clock = clock
        self._at_once = at_once
        super().__init__("keys", every=TURN_SECONDS, rest=1.0)

    def turn(self) -> None:
        """Do what is due, up to the limit of a transaction for each kind of work."""
        done = [self._delete_keys(), self._delete_material(), self._rotate()]
        if self._at_once in done:
            self._loop.wake()

    def _is_any(self, due: Select[str]) -> bool:
        """Look before a transaction begins, for which other writers would wait."""
        with self._database.reading() as session:
            return session.scalar(due) is not None

    def _delete_keys(self) -> int:
        due = select(KeyRow.key_id).where(KeyRow.deleted_at <= self._clock()).limit(self._at_once)
        if not self._is_any(due):
            return 0
        with self._database.transaction() as session:
            # The material, aliases and grants of a key go with it.
            rows = session.scalars(select(KeyRow).where(KeyRow.key_id.in_(due))).all()
            for row in rows:
                session.delete(row)
                logger.info("the key %s of account %s was deleted, as scheduled", row.key_id, row.account)
        return len(rows)

    def _delete_material(self) -> int:
        due = select(MaterialRow.material_id).where(MaterialRow.expires_at <= self._clock()).limit(self._at_once)
        if not self._is_any(due):
            return 0
        with self._database.transaction() as session:
            rows = session.scalars(select(MaterialRow).where(MaterialRow.material_id.in_(due))).all()
            for row in rows:
                key = session.get_one(KeyRow, row.key_id)
                if key.state != "PendingDeletion":
                    key.state = "PendingImport"
                session.delete(row)
                logger.info("the imported material of the key %s has expired and was deleted", row.key_id)
        return len(rows)

    def _rotate(self) -> int:
        now = self._clock()
        due = (
            select(KeyRow.key_id)
            # A disabled key is rotated once it is enabled again, as at AWS.
            .where(KeyRow.rotates_at <= now, KeyRow.state == "Enabled")
            .limit(self._at_once)
        )
        if not self._is_any(due):
            return 0
        with self._database.transaction() as session:
            rows = session.scalars(select(KeyRow).where(KeyRow.key_id.in_(due))).all()
            for row in rows:
                rotation.rotate(session, row, "AUTOMATIC", now)
                logger.info("the key %s of account %s was rotated, as scheduled", row.key_id, row.account)
        return len(rows)
