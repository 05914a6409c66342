"""The threads that calls run in, apart by what calls wait for.

A call that writes waits for its turn at the database, and an analysis for its container. With one set of threads for
all, enough of these keep every call waiting that only reads and could be answered at once.
"""

from __future__ import annotations

import re
from concurrent.futures import Executor, ThreadPoolExecutor

from reading_room.aws.call import IncomingRequest
from reading_room.aws.call_record import keeps_answer

_ACTION = re.compile(rb"(?:^|&)Action=([A-Za-z0-9]{1,80})")
_LOOKED_AT = 4096
"""Bytes of a form in which its action is looked for; SDKs write it at the beginning."""
_ANALYSES = ("Detect", "BatchDetect", "Contains", "Classify")


class CallThreads:
    """So many threads for each of three kinds of calls: those that read, that change something, and analyses.

    A thread is made when it is needed first.
    """

    def __init__(self, each: int) -> None:
        self._reading = ThreadPoolExecutor(each, thread_name_prefix="call")
        self._changing = ThreadPoolExecutor(each, thread_name_prefix="change")
        self._analysing = ThreadPoolExecutor(each, thread_name_prefix="analyse")

    def of(self, request: IncomingRequest) -> Executor:
        """Return the threads for a request, by the operation that it claims; whether it is one is found out there."""
        operation = _claimed(request)
        if operation.startswith(_ANALYSES):
            return self._analysing
        return self._changing if keeps_answer(operation) else self._reading

    def close(self) -> None:
        """Finish the calls that run and take no more."""
        for threads in (self._reading, self._changing, self._analysing):
            threads.shutdown(wait=True)


def _claimed(request: IncomingRequest) -> str:
    target = request.header("x-amz-target")
    if target is not None:
        return target.rpartition(".")[2]
    found = _ACTION.search(request.body, 0, _LOOKED_AT) or _ACTION.search(request.query_string.encode())
    return found[1].decode() if found is not None else ""
