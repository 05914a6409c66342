"""How much processor time an engine may use for its documents, by their size.

A text can be constructed so that an engine takes ever longer for it. Our own code is linear, but engines are large
libraries, so their time is limited as well. For the documents that it was given and has not answered yet, an engine has
``FLOOR_SECONDS`` plus a time for each code point: many times what the slowest engine needs for the most difficult text
that we know. Only processor time of this process counts, so a busy machine makes no difference.

The limit is checked when the engine takes a text or answers one and, in the main thread, once in every second of
processor time: there, an engine is interrupted as soon as its library returns to Python. In a job of several
containers the engine works in another thread, and the limit is checked at the end of its batch.

Topics and trainings read documents under the same limit (``within_limit``). What they learn from all documents together
is limited by numbers of iterations.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

from reading_room.analysis.storage import JobFailure

Result = TypeVar("Result")

FLOOR_SECONDS = 30.0
SECONDS_A_CODE_POINT = 0.002
"""Twenty times what the slowest engine took for the most difficult text that we measured (0.1 ms), and a hundred times
what it takes for prose."""


class TookTooLong(Exception):
    """An engine used more time than its documents are allowed."""

    def __init__(self, used: float, limit: float) -> None:
        super().__init__(
            f"used {used:.0f} s of processor, more than the {limit:.0f} s that a text of its size may take"
        )


class Watch:
    """Limits the time of one engine. ``used`` returns the processor seconds that this process has used."""

    def __init__(
        self,
        used: Callable[[], float] = time.process_time,
        floor: float = FLOOR_SECONDS,
        a_code_point: float = SECONDS_A_CODE_POINT,
    ) -> None:
        self._used = used
        self._floor = floor
        self._a_code_point = a_code_point
        self._began: float | None = None
        self._limit = 0.0

    def begin(self, code_points: int) -> None:
        """Start counting for documents of ``code_points`` code points together."""
        self._limit = self._floor + self._a_code_point * code_points
        self._began = self._used()

    def end(self) -> None:
        """Stop counting. Raise ``TookTooLong``."""
        try:
            self.look()
        finally:
            self._began = None

    def look(self) -> None:
        """Raise ``TookTooLong`` if the engine has used more than its limit."""
        if self._began is not None and (used := self._used() - self._began) > self._limit:
            self._began = None
            raise TookTooLong(used, self._limit)

    @contextmanager
    def interrupting(self, every: float = 1.0) -> Iterator[None]:
        """Check every ``every`` seconds of processor time, whatever is running. This works only in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGPROF, lambda *_: self.look())
        signal.siginterrupt(signal.SIGPROF, False)
        signal.setitimer(signal.ITIMER_PROF, every, every)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0.0)
            signal.signal(signal.SIGPROF, before)


def within_limit(
    work: Callable[[Sequence[str]], Result],
    texts: Sequence[str],
    name: Callable[[int], str],
    watch: Watch | None = None,
) -> list[Result]:
    """Return ``[work(texts)]`` or, if the texts take too long together, the result of ``work`` for each of them alone.

    ``name`` returns what a message calls a text, given its index. Raise ``JobFailure`` if one takes too long alone.
    """
    watch = watch or Watch(floor=FLOOR_SECONDS, a_code_point=SECONDS_A_CODE_POINT)
    with watch.interrupting():
        if len(texts) != 1:
            with suppress(TookTooLong):
                return [_limited(work, texts, watch)]
        results = []
        for index, text in enumerate(texts):
            try:
                results.append(_limited(work, [text], watch))
            except TookTooLong as error:
                raise JobFailure("INTERNAL_ERROR", f"the analysis of {name(index)} {error}") from error
    return results


def _limited(work: Callable[[Sequence[str]], Result], texts: Sequence[str], watch: Watch) -> Result:
    watch.begin(sum(map(len, texts)))
    result = work(texts)
    watch.end()
    return result
