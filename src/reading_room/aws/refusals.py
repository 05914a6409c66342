"""Refused requests of unauthenticated clients: which of them are recorded, and how much they may cost others.

Anybody can send such requests as fast as the network allows. So each address has a token bucket of refusals that are
recorded one by one, in the log and in the trail. Further ones are counted, and reported in one line a second for each
address and kind.

An address with an empty bucket is busy. Its unsigned requests are refused by their heads alone, because they cannot
succeed. The signatures of its other requests are verified in a single thread that busy addresses share. Requests with
a valid signature then continue as always.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from reading_room.aws.call import NetworkPath
from reading_room.aws.counts import Counts, source_of
from reading_room.aws.spelling import throttled
from reading_room.aws.throttling import Buckets, Rate
from reading_room.shortage import Threads

OF_ONE = Rate(20, 1)
"""Refusals of one address that are recorded one by one."""
OF_ALL = Rate(200, 20)
"""Refusals of all addresses together that are recorded one by one."""
PROVING = 200
"""Requests of busy addresses that may wait for the verification of their signatures. More are refused."""

Result = TypeVar("Result")


class Refusals:
    """Decides which refusals are recorded, and verifies the requests of busy addresses. Thread-safe."""

    def __init__(
        self,
        counts: Counts | None = None,
        buckets: Buckets | None = None,
        *,
        of_one: Rate = OF_ONE,
        of_all: Rate = OF_ALL,
        proving: int = PROVING,
    ) -> None:
        self._counts = counts or Counts()
        self._buckets = Buckets() if buckets is None else buckets
        self._of_one = of_one
        self._of_all = of_all
        self._most_proving = proving
        self._proving = 0
        self._thread = Threads(1, "prove")

    def should_record(self, path: NetworkPath, service: str, code: str) -> bool:
        """Take note of a refusal. Say whether to record it; if not, it was counted."""
        alone = self._buckets.take(self._of_one, ("refused", source_of(path)))
        if alone and self._buckets.take(self._of_all, ("refused",)):
            return True
        self._counts.add(path, service, code)
        return False

    def is_busy(self, path: NetworkPath) -> bool:
        """Say whether so many requests of an address were refused that it is busy."""
        return not self._buckets.has(self._of_one, ("refused", source_of(path)))

    async def prove(self, service: str, function: Callable[..., Result], *arguments: object) -> Result:
        """Run a function that verifies a signature, in the thread that busy addresses share.

        Raises the errors of the function, and the service's throttling error if too many requests wait.
        """
        if self._proving >= self._most_proving:
            raise throttled(service)
        self._proving += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)
        finally:
            self._proving -= 1

    def report(self) -> None:
        """Report the counts since the last report."""
        self._counts.report()

    def close(self) -> None:
        """Report the counts, and verify no more signatures."""
        self._thread.shutdown(wait=True)
        self.report()
