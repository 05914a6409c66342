"""The background work on log groups: deleting expired events and running exports."""

from __future__ import annotations

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.logs.exports import ExportBuckets, LogExports
from reading_room.logs.retention import LogRetention


class LogUpkeep:
    """The two loops."""

    def __init__(self, database: Database, buckets: ExportBuckets, clock: Clock) -> None:
        self.retention = LogRetention(database, clock)
        self.exports = LogExports(database, buckets, clock)

    def start(self) -> None:
        """Start both."""
        self.retention.start()
        self.exports.start()

    def stop(self) -> bool:
        """Stop both after their current turns; return whether they ended."""
        return all([self.retention.stop(), self.exports.stop()])
