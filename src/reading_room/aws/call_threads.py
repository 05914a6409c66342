"""The threads of calls, in separate pools for calls that wait for different things.

A call that writes waits for its turn at the database, and an analysis waits for its container. In a common pool, enough
of these would delay every call that only reads and could be answered at once.
"""

from __future__ import annotations

import re
from concurrent.futures import Executor

from reading_room.aws.call import IncomingRequest
from reading_room.aws.call_record import records_output
from reading_room.shortage import Threads

_ACTION = re.compile(rb"(?:^|&)Action=([A-Za-z0-9]{1,80})")
_LOOKED_AT = 4096
"""Bytes at the beginning of a form that are searched for its action. SDKs put it there."""
_ANALYSES = ("Detect", "BatchDetect", "Contains", "Classify")


class CallThreads:
    """Pools of ``each`` threads for three kinds of calls: those that read, those that write, and analyses.

    Each pool has one thread from the start, and gets others when they are needed.
    """

    def __init__(self, each: int) -> None:
        self._reading = Threads(each, "call")
        self._changing = Threads(each, "change")
        self._analysing = Threads(each, "analyse")

    def of(self, request: IncomingRequest) -> Executor:
        """Return the pool for the operation that a request names. The operation is not verified yet."""
        operation = _claimed(request)
        if operation.startswith(_ANALYSES):
            return self._analysing
        return self._changing if records_output(operation) else self._reading

    def close(self) -> None:
        """Finish the running calls and take no more."""
        for threads in (self._reading, self._changing, self._analysing):
            threads.shutdown(wait=True)


def _claimed(request: IncomingRequest) -> str:
    target = request.header("x-amz-target")
    if target is not None:
        return target.rpartition(".")[2]
    found = _ACTION.search(request.body, 0, _LOOKED_AT) or _ACTION.search(request.query_string.encode())
    return found[1].decode() if found is not None else ""
