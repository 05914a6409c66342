"""What an account used in a month, in the units that AWS bills."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.jobs import usage
from reading_room.jobs.usage import Usage

MOST = 1000
"""Jobs per response."""


class UsageOperations:
    """Reports what was used."""

    def __init__(self, database: Database, clock: Clock, fold: Callable[[], None]) -> None:
        """``fold`` adds the calls that were counted so far to the table of usage."""
        self._database = database
        self._clock = clock
        self._fold = fold

    @operation("reading-room", "GetUsage")
    def get_usage(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """GetUsage of the caller's account, by default in this month."""
        month = request.get("Month") or usage.month_of(self._clock())
        # A client that asks right after a call expects it to be counted.
        self._fold()
        with self._database.reading() as session:
            answer: dict[str, Any] = {
                "Month": month,
                "Usage": [_structure(each) for each in usage.by_kind(session, month, call.account)],
            }
            if request.get("IncludeJobs", False):
                most = request.get("MaxResults", MOST)
                found = usage.by_job(session, month, call.account, request.get("NextToken", ""), most + 1)
                answer["Jobs"] = [_structure(each) for each in found[:most]]
                if len(found) > most:
                    answer["NextToken"] = found[most - 1].job_id
        return answer


def _structure(used: Usage) -> dict[str, Any]:
    members = {
        "Kind": used.kind,
        "Documents": used.documents,
        "Characters": used.characters,
        "Units": used.units,
        "InputBytes": used.input_bytes,
        "TrainingSeconds": used.training_seconds,
    }
    return members | ({"Times": used.times} if used.job_id is None else {"JobId": used.job_id})
