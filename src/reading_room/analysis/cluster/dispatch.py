"""Handing out a job's work, one task per container at a time, and collecting the results.

No more tasks are out than there are containers. A task takes half a minute and asking for the next one takes a few
milliseconds, so no container waits, and at most one task has to be repeated when a container is lost.
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
"""How many tasks may be lost, other than with their container, before the cluster counts as broken."""

Check = Callable[[], JobFailure | None]
"""Returns why the cluster cannot go on, or ``None`` while it works."""


class Counted:
    """The number of documents analysed, in finished parts and in running ones. It never decreases."""

    def __init__(self) -> None:
        self._most = 0
        self._finished: dict[int, int] = {}
        self._running: dict[int, int] = {}

    def update(self, part: int, documents: int) -> None:
        """Record how many documents of a running part a container has analysed."""
        self._running[part] = documents

    def finish(self, result: PartResult) -> None:
        """Record a finished part."""
        self._finished[result.number] = result.documents

    def documents(self) -> int:
        """Return the number. The documents of a part lost with its container count until the part is analysed again."""
        # A copy, because another thread updates it. The last count of a part may be older than its end.
        counts = dict(self._running) | self._finished
        self._most = max(self._most, sum(counts.values()))
        return self._most


class Dispatch:
    """Hands out the work of one cluster. Raises ``JobFailure``: what fails the job, or ``CLUSTER_LOST``."""

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
        """Have parts analysed, pass the finished ones to ``finishing``, and return those that were cut short.

        ``turn`` is called a few times a second. When the job is stopped, no further part begins, the running ones
        end early, and ``stopped`` becomes true.
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
                    # The part is not done, or the container that ended it early is going away.
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
        """Yield the results of one of ``FUNCTIONS``, in the order of the items."""
        running: dict[concurrent.futures.Future[Any], int] = {}
        results: dict[int, Any] = {}
        waiting: deque[int] = deque(range(len(items)))
        following = 0
        while following < len(items):
            # One task more than there are containers, because items are small and have to be sent.
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
        """Tell every container to end early, repeatedly: one may since have begun with a lost part."""
        if time.monotonic() - self._reminded > _REMIND_SECONDS:
            self._reminded = time.monotonic()
            self._node.tell_all_to_end_early()

    def _value(self, future: concurrent.futures.Future[Any]) -> Any:
        """Return the value of a task, or ``None`` if the task was lost. Raise ``JobFailure``."""
        try:
            outcome: Outcome = future.result()
        except TaskLost as error:
            self._lost_tasks += 1
            if self._lost_tasks > _MOST_LOST:
                text = f"the cluster lost more than {_MOST_LOST} tasks, the last one with: {error}"
                raise JobFailure("CLUSTER_LOST", text) from error
            return None
        if outcome.failure is not None:
            raise JobFailure(*outcome.failure)
        return outcome.value
