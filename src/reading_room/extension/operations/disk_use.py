"""What an account's data takes on the disk, by kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.comprehend.models.models import artifacts_by_account
from reading_room.database.engine import Database
from reading_room.flowlogs.stored import flow_records_by_account
from reading_room.logs.room import stored_bytes
from reading_room.s3.space import SpaceLimits
from reading_room.s3.store import ObjectStore
from reading_room.settings import Settings


class DiskUseOperations:
    """Reports the disk use of accounts."""

    def __init__(self, database: Database, store: ObjectStore, settings: Settings) -> None:
        self._database = database
        self._store = store
        self._settings = settings

    @operation("reading-room", "GetDiskUse")
    def get_disk_use(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """GetDiskUse of the caller's account. Objects are counted again if the last count is a minute old."""
        account, settings = call.account, self._settings
        with self._database.reading() as session:
            models = artifacts_by_account(session, account).get(account, 0)
            records = flow_records_by_account(session, account).get(account, 0)
            logs = stored_bytes(session, account)
        kinds = (
            ("OBJECTS", self._store.stored_bytes(account), SpaceLimits.of(settings).per_account),
            ("MODELS", models, 0),
            ("LOG_EVENTS", logs, settings.log_bytes_per_account),
            ("FLOW_RECORDS", records, 0),
        )
        return {
            "DiskUse": [{"Kind": kind, "Bytes": size} | ({"Limit": most} if most else {}) for kind, size, most in kinds]
        }
