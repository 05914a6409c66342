"""The first start after a restore, from a backup or with pg_restore: jobs that were running begin again.

Their containers are gone, and nothing of a container is in a backup. The host starts the wanted containers again,
because it has none of them, and these analyse the whole input. What would end such a job at once is its time limit,
which counts from its admission.
"""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path

from sqlalchemy import select

from reading_room.database.engine import Database
from reading_room.jobs.job import Phase
from reading_room.jobs.record import note
from reading_room.jobs.tables import JobRow

log = logging.getLogger(__name__)

MARK = "restored"
"""The file in the data folder that a restore leaves for the next start, with the time of the backup."""
_BEGUN = (Phase.PREPARING.value, Phase.RUNNING.value)


def begin_again(database: Database, data: Path, now: dt.datetime) -> int:
    """If the rows were restored since the last start, count the time of running jobs anew. Return their number.

    If the process is killed before the mark is removed, the next start does the same again. Of several that start with
    the same PostgreSQL database, one does it.
    """
    mark = data / MARK
    if not mark.exists() and not database.shared:
        return 0
    with database.transaction() as session:
        if not database.note_place(session) and not mark.exists():
            return 0
        rows = session.scalars(select(JobRow).where(JobRow.phase.in_(_BEGUN))).all()
        for row in rows:
            row.admitted_at = now
            row.running_at = now if row.running_at is not None else None
            note(session, row, "Restored", "begins again, because the service was restored from a backup", now)
    mark.unlink(missing_ok=True)
    log.info("the database was restored: %d jobs that were running begin again", len(rows))
    return len(rows)
