"""Giving out the work of a job, one piece at a time for each container, and taking in what comes back.

No more is given out than there are containers: a piece takes half a minute and asking for the next a few milliseconds,
so nobody waits, and a container that goes has at most one to be done again.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from reading_room.analysis.cluster.finishing import Finishing
from reading_room.analysis.cluster.node import Node, TaskLost
from reading_room.analysis.cluster.tasks import Item, Outcome, call, run_part
from reading_room.analysis.cutting import Part
from reading_room.analysis.part_work import PartResult
from reading_room.analysis.storage import JobFailure

_TURN_SECONDS = 0.2
_REMIND_SECONDS = 1.0
_MOST_LOST = 50
"""Tasks that may come to nothing, other than with their container, before the cluster is held to be broken."""

Check = Callable[[], JobFailure | None]
"""Returns why no more can be expected of the cluster, ``None`` while it works."""


class Counted:
    """How many documents are finished, in finished parts and in those that are analysed now. It never goes back."""

    def __init__(self) -> None:
        self._most = 0
        self._finished: dict[int, int] = {}
        self._running: dict[int, int] = {}

    def hear(self, part: int, documents: int) -> None:
        """Take in what a container says of a part that it is at."""
        self._running[part] = documents

    def finish(self, result: PartResult) -> None:
        """Take in a part that is finished."""
        self._finished[result.number] = result.documents

    def documents(self) -> int:
        """Return the number. A part that was lost with its container is still counted, until it is done again."""
        # Copied, for another thread hears; and what is heard of a part may be older than its end.
        counts = dict(self._running) | self._finished
        self._most = max(self._most, sum(counts.values()))
        return self._most


class Dispatch:
    """Over one cluster. Raises ``JobFailure`` for what fails the job and, ``CLUSTER_LOST``, for a broken cluster."""

    def __init__(self, node: Node, lost: Check, stopping: Callable[[], bool]) -> None:
        self._node = node
        self._lost = lost
        self._stopping = stopping
        self._names = itertools.count()
        self._reminded = 0.0
        self._lost_tasks = 0
        self.stopped = False

    def parts(
        self, parts: Iterable[Part], finishing: Finishing, counted: Counted, turn: Callable[[], None]
    ) -> list[PartResult]:
        """Have parts analysed; hand those that are finished to ``finishing``, and return those that were cut short.

        ``turn`` is called a few times a second. When the job is asked to stop, no further part begins and those that
        are running end early; ``stopped`` is true then.
        """
        waiting = deque(parts)
        running: dict[concurrent.futures.Future[Any], Part] = {}
        short: list[PartResult] = []
        while waiting or running:
            if self._stopping():
                self.stopped = True
                waiting.clear()
                self._remind()
            while waiting and len(running) < self._node.workers:
                part = waiting.popleft()
                running[self._submit(f"part-{part.number}", run_part, part)] = part
            ready, _ = concurrent.futures.wait(running, _TURN_SECONDS, concurrent.futures.FIRST_COMPLETED)
            for future in ready:
                part = running.pop(future)
                result = self._value(future)
                if result is None or (result.stopped and not self.stopped):
                    # Not done, or ended early by a container that was on its way out.
                    waiting.appendleft(part)
                elif result.stopped:
                    short.append(result)
                    counted.finish(result)
                else:
                    finishing.take(result)
                    counted.finish(result)
            self._check(waiting or running)
            turn()
        return short

    def mapped(self, name: str, items: Sequence[Any]) -> Iterator[Any]:
        """Yield the results of a function that has a name, in the order of the items."""
        running: dict[concurrent.futures.Future[Any], int] = {}
        results: dict[int, Any] = {}
        waiting: deque[int] = deque(range(len(items)))
        following = 0
        while following < len(items):
            # One more than there are containers: items are shipped, and small.
            while waiting and len(running) <= self._node.workers:
                number = waiting.popleft()
                running[self._submit(name, call, name, Item(items[number]))] = number
            ready, _ = concurrent.futures.wait(running, _TURN_SECONDS, concurrent.futures.FIRST_COMPLETED)
            for future in ready:
                number = running.pop(future)
                result = self._value(future)
                if result is None:
                    waiting.appendleft(number)
                else:
                    results[number] = result
            self._check(waiting or running)
            while following in results:
                yield results.pop(following)
                following += 1

    def _submit(self, name: str, function: Callable[..., Any], *arguments: Any) -> concurrent.futures.Future[Any]:
        return self._node.submit(f"{name}-{next(self._names)}", function, *arguments)

    def _check(self, more: object) -> None:
        if more and (failure := self._lost()) is not None:
            raise failure

    def _remind(self) -> None:
        """Tell every container to end early, and tell it again: one may have begun with a lost part meanwhile."""
        if time.monotonic() - self._reminded > _REMIND_SECONDS:
            self._reminded = time.monotonic()
            self._node.tell_all_to_end_early()

    def _value(self, future: concurrent.futures.Future[Any]) -> Any:
        """Return what a task came to, ``None`` for one that was lost. Raises ``JobFailure``."""
        try:
            outcome: Outcome = future.result()
        except TaskLost as error:
            self._lost_tasks += 1
            if self._lost_tasks > _MOST_LOST:
                raise JobFailure("CLUSTER_LOST", f"the cluster loses what it is given: {error}") from error
            return None
        if outcome.failure is not None:
            raise JobFailure(*outcome.failure)
        return outcome.value
