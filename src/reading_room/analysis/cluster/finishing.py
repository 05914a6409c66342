"""Reporting finished parts from a separate thread, so that work goes on while the service does not answer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping

from reading_room.analysis.cluster.parts_client import PartsClient
from reading_room.analysis.part_work import PartResult
from reading_room.analysis.storage import JobFailure


class Finishing:
    """Reports results to the service in their order, until it is closed.

    ``refused`` holds the results that came too late, because another container has the part. Nothing refers to their
    objects.
    """

    def __init__(self, parts: PartsClient, fences: Mapping[int, int]) -> None:
        """``fences`` maps the number of each part to the fence with which this container claimed it."""
        self._parts = parts
        self._fences = fences
        self._queue: queue.SimpleQueue[PartResult | None] = queue.SimpleQueue()
        self._failure: JobFailure | None = None
        self._closing = threading.Event()
        self.refused: list[PartResult] = []
        self._thread = threading.Thread(target=self._run, name="finishing", daemon=True)
        self._thread.start()

    def take(self, result: PartResult) -> None:
        """Report a finished part soon."""
        self._queue.put(result)

    def close(self) -> JobFailure | None:
        """Report what is left; return why that failed, or ``None`` if everything was reported."""
        self._closing.set()
        self._queue.put(None)
        self._thread.join()
        return self._failure

    def _run(self) -> None:
        while (result := self._queue.get()) is not None:
            if self._failure is None:
                self._report(result)

    def _report(self, result: PartResult) -> None:
        while True:
            # Read before the try: a result is given up only after a whole try that began after closing.
            last = self._closing.is_set()
            try:
                if not self._parts.finish(self._fences[result.number], result):
                    self.refused.append(result)
                return
            except JobFailure as failure:
                if last:
                    self._failure = failure
                    return
