"""Requests that prove nobody and are refused: what of them is written down, and what they may cost everybody else.

Anybody can send them as fast as the wire takes them. So each address has a bucket of refusals that are written down one
by one, in the log and in the trail. Beyond it they are counted, and told in one line a second for each address and
kind.

An address whose bucket is empty is busy. Its requests without a signature are refused by their heads alone, as nothing
can come of them. Whether the others' signatures are right is found out in one thread, which busy addresses share, and
what is signed rightly goes on as always.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from reading_room.aws.call import NetworkPath
from reading_room.aws.counts import Counts, source_of
from reading_room.aws.spelling import throttled
from reading_room.aws.throttling import Buckets, Rate

OF_ONE = Rate(20, 1)
"""Refusals of one address that are written down one by one."""
OF_ALL = Rate(200, 20)
"""The same, of all addresses together."""
PROVING = 200
"""Requests of busy addresses whose signatures may wait to be verified; more are refused."""

Result = TypeVar("Result")


class Refusals:
    """Decides which refusals are written down, and looks after the requests of busy addresses. Thread-safe."""

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
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="prove")

    def writes(self, path: NetworkPath, service: str, code: str) -> bool:
        """Hear of a refusal. Say whether it is to be written down; else it was counted."""
        alone = self._buckets.take(self._of_one, ("refused", source_of(path)))
        if alone and self._buckets.take(self._of_all, ("refused",)):
            return True
        self._counts.add(path, service, code)
        return False

    def busy(self, path: NetworkPath) -> bool:
        """Say whether so much of an address was refused that its requests are looked at more cheaply."""
        return not self._buckets.has(self._of_one, ("refused", source_of(path)))

    async def prove(self, service: str, function: Callable[..., Result], *arguments: object) -> Result:
        """Run what verifies a signature in the thread that busy addresses share.

        Raises what it raises, and the service's error of a caller who is too fast where too many wait.
        """
        if self._proving >= self._most_proving:
            raise throttled(service)
        self._proving += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)
        finally:
            self._proving -= 1

    def tell(self) -> None:
        """Tell what was counted since the last time."""
        self._counts.tell()

    def close(self) -> None:
        """Tell what was counted, and verify no more."""
        self._thread.shutdown(wait=True)
        self.tell()
