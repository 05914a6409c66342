"""The search for the ``serve`` that leads: a link asks those that it knows until one of them accepts it.

One that does not answer holds up nothing, because its process may be suspended or its machine gone. It is asked again
only after that attempt has failed.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from dataclasses import dataclass

from reading_room.codec import DocumentError
from reading_room.hosts.link.connecting import LinkConfig, answer, connect
from reading_room.hosts.link.documents import Accepted, Control, LeaderElsewhere, read_answer
from reading_room.hosts.link.streams import Documents

RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0)
"""The pauses before all are asked again. The last one repeats."""
REFUSED_SECONDS = 5.0
"""The pause after one has refused this host, which only its operator can change."""

_log = logging.getLogger(__name__)


class HostRefused(Exception):
    """``serve`` does not accept this host; the message says why."""


class _Elsewhere(Exception):
    """Another ``serve`` leads."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place


@dataclass(frozen=True, slots=True)
class Leader:
    """A ``serve`` that has accepted this host, with the control connection to it, which the owner closes."""

    place: str
    control: Documents
    accepted: Accepted


async def find(config: LinkConfig, besides: str = "") -> Leader:
    """Ask the known ``serve`` processes, except for the one at ``besides``, until one of them accepts this host."""
    search = _Search(config, besides)
    try:
        for attempt in itertools.count():
            if (found := await search.ask_all()) is not None:
                return found
            pause = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
            if (found := await search.pause(REFUSED_SECONDS if search.refused else pause)) is not None:
                return found
        raise AssertionError("the count has no end")
    finally:
        search.close()


def close_unused(search: asyncio.Task[Leader]) -> None:
    """Close what a task has found that was cancelled, as it may have ended before."""
    if not search.cancelled() and search.exception() is None:
        search.result().control.close()


class _Search:
    def __init__(self, config: LinkConfig, besides: str) -> None:
        self._config = config
        self._besides = besides
        self._asking: dict[asyncio.Task[Leader], str] = {}
        """The attempts that have not ended, by the place that is asked."""
        self._waiting: deque[str] = deque()
        self._asked: set[str] = set()
        self._said: dict[str, str] = {}
        """What was last logged about each place."""
        self.refused = False
        """Whether one of those that were asked last has refused this host."""

    async def ask_all(self) -> Leader | None:
        """Ask each of them, and those that they name; return the one that accepts."""
        self._asked, self.refused = {self._besides}, False
        self._waiting = deque(self._config.places.all())
        while self._waiting:
            place = self._waiting.popleft()
            if place in self._asked:
                continue
            self._asked.add(place)
            if place not in self._asking.values():
                self._asking[asyncio.get_running_loop().create_task(_ask(self._config, place))] = place
                if (found := await self._answer(self._config.answer_seconds)) is not None:
                    return found
        return None

    async def pause(self, seconds: float) -> Leader | None:
        """Wait this long, or until one answers that was slow; return it if it accepts."""
        if self._asking:
            return await self._answer(seconds)
        await asyncio.sleep(seconds)
        return None

    async def _answer(self, seconds: float) -> Leader | None:
        """Wait for an answer; return the ``serve`` that accepts."""
        await asyncio.wait(self._asking, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in [each for each in self._asking if each.done()]:
            place = self._asking.pop(task)
            try:
                return task.result()
            except _Elsewhere as leader:
                self._say(logging.INFO, place, f"the serve at {place} leaves jobs to the one at {leader.place}")
                await asyncio.to_thread(self._config.places.learn, [leader.place])
                self._waiting.appendleft(leader.place)
            except HostRefused as error:
                self.refused = True
                self._say(logging.ERROR, place, f"the serve at {place} does not accept this host: {error}")
            except (OSError, DocumentError) as error:
                why = error or "it took too long"
                self._say(logging.WARNING, place, f"no connection to the serve at {place} ({why}): trying again")
        return None

    def _say(self, level: int, place: str, text: str) -> None:
        if self._said.get(place) != text:
            self._said[place] = text
            _log.log(level, "%s", text)

    def close(self) -> None:
        """End the attempts that have not ended."""
        for task in self._asking:
            task.cancel()
            task.add_done_callback(close_unused)


async def _ask(config: LinkConfig, place: str) -> Leader:
    """Return the ``serve`` at a place if it accepts this host.

    Raises ``_Elsewhere``, ``HostRefused``, ``OSError`` and ``DocumentError``.
    """
    control = await connect(config, place, Control())
    try:
        says = read_answer(await answer(control))
        if isinstance(says, LeaderElsewhere):
            raise _Elsewhere(says.place)
        if not isinstance(says, Accepted):
            raise HostRefused(says.reason)
        return Leader(place, control, says)
    except BaseException:
        control.close()
        raise
