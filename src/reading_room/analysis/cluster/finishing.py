"""Saying that parts are finished, in a thread of its own: the service may be away for a moment, and work goes on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping

from reading_room.analysis.cluster.parts_client import PartsClient
from reading_room.analysis.part_work import PartResult
from reading_room.analysis.storage import JobFailure


class Finishing:
    """Takes results and says them, in their order, until it is closed.

    ``refused`` are the results that came too late: somebody else has the part. Their objects are named nowhere.
    """

    def __init__(self, parts: PartsClient, fences: Mapping[int, int]) -> None:
        """``fences`` are the numbers under which this container has its parts, by the part's number."""
        self._parts = parts
        self._fences = fences
        self._queue: queue.SimpleQueue[PartResult | None] = queue.SimpleQueue()
        self._failure: JobFailure | None = None
        self._closing = threading.Event()
        self.refused: list[PartResult] = []
        self._thread = threading.Thread(target=self._run, name="finishing", daemon=True)
        self._thread.start()

    def take(self, result: PartResult) -> None:
        """Say soon that a part is finished."""
        self._queue.put(result)

    def close(self) -> JobFailure | None:
        """Say what is left; return why that could not be, ``None`` when everything was said."""
        self._closing.set()
        self._queue.put(None)
        self._thread.join()
        return self._failure

    def _run(self) -> None:
        while (result := self._queue.get()) is not None:
            if self._failure is None:
                self._say(result)

    def _say(self, result: PartResult) -> None:
        while True:
            # Asked before: what is tried once more after the last try was begun has had its full patience.
            last = self._closing.is_set()
            try:
                if not self._parts.finish(self._fences[result.number], result):
                    self.refused.append(result)
                return
            except JobFailure as failure:
                if last:
                    self._failure = failure
                    return
