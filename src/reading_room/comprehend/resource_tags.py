"""Tags of the resources that a call names by ARN, for the authorizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reading_room.comprehend import tags
from reading_room.database.engine import Database
from reading_room.logs import streams


def resource_tags(database: Database) -> Callable[[str], Mapping[str, str]]:
    """Return the function with which the authorizer reads the tags of jobs, models and log groups."""
    readers = {"comprehend": tags.stored, "logs": streams.stored_tags}

    def read(arn: str) -> Mapping[str, str]:
        reader = readers.get(arn.split(":", 3)[2])
        if reader is None:
            return {}
        with database.reading() as session:
            return reader(session, arn)

    return read
