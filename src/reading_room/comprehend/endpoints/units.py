"""Inference units: how many characters a second an endpoint analyses, and how many it has analysed."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from reading_room.aws.throttling import BUCKETS_KEPT, Buckets, Rate
from reading_room.comprehend.endpoints.errors import EndpointThrottled

CHARACTERS = 100
"""The characters a second of one unit."""
PERIOD_SECONDS = 60
"""The period of recent figures: the shortest one of CloudWatch's metrics for endpoints."""
_ADMITTED, _THROTTLED = "endpoint", "throttled"


@dataclass(frozen=True, slots=True)
class Figures:
    """What an endpoint did. Recent figures are those of the last ``PERIOD_SECONDS``, of all processes.

    Totals are those of this process since its start.
    """

    recent_characters: int = 0
    recent_throttled: int = 0
    characters: int = 0
    answered: int = 0
    throttled: int = 0

    @property
    def consumed_units(self) -> float:
        """The inference units that it used on average in the last period, as CloudWatch's ConsumedInferenceUnits."""
        return self.recent_characters / PERIOD_SECONDS / CHARACTERS


@dataclass(slots=True)
class _Tally:
    characters: int = 0
    answered: int = 0
    throttled: int = 0
    recent: deque[tuple[int, int, int]] = field(default_factory=deque)
    """By second: the second, the characters, and the calls that were throttled. The oldest come first."""


class EndpointUnits(Buckets):
    """The inference units of every endpoint: what is left of them, and what was used. Thread-safe.

    Processes that share buckets share these, too (``fleet/rates.py``): what another one took comes by ``charge``.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic, kept: int = BUCKETS_KEPT) -> None:
        """``now`` returns seconds of any epoch; ``kept`` is the most endpoints that are remembered."""
        super().__init__(now, kept)
        self._second = now
        self._most = kept
        self._tallies: OrderedDict[str, _Tally] = OrderedDict()
        self._tallies_lock = threading.Lock()

    def admit(self, arn: str, units: int, characters: int) -> None:
        """Count the characters of a call to an endpoint with so many units. Raises ``EndpointThrottled``.

        A call is admitted while anything is left of the last second, and what is beyond it is owed: a text may be
        longer than an endpoint analyses in a second, and over time exactly the units are used.
        """
        if not self.take(_rate(units), (_ADMITTED, arn), characters):
            # The other processes learn of it as of everything that is taken.
            self.owe(_rate(units), (_THROTTLED, arn), 1)
            self._add(arn, throttled=1)
            raise EndpointThrottled(arn, units, CHARACTERS)
        self._recently((_ADMITTED, arn), characters)
        self._add(arn, answered=1, characters=characters)

    def add(self, arn: str, units: int, characters: int) -> None:
        """Count characters of a call that was admitted before their number was known."""
        if characters > 0:
            self.owe(_rate(units), (_ADMITTED, arn), characters)
            self._add(arn, characters=characters)

    def charge(self, rate: Rate, key: tuple[str, ...], calls: int) -> None:
        """Take what was used here or in another process, as ``Buckets.charge``."""
        if key[0] == _ADMITTED:
            super().charge(rate, key, calls)
        self._recently(key, calls)

    def figures(self, arn: str) -> Figures:
        """Return what an endpoint did."""
        with self._tallies_lock:
            tally = self._tallies.get(arn)
            if tally is None:
                return Figures()
            since = int(self._second()) - PERIOD_SECONDS
            recent = [each for each in tally.recent if each[0] >= since]
            return Figures(
                sum(characters for _, characters, _ in recent),
                sum(throttled for _, _, throttled in recent),
                tally.characters,
                tally.answered,
                tally.throttled,
            )

    def _recently(self, key: tuple[str, ...], count: int) -> None:
        second = int(self._second())
        with self._tallies_lock:
            recent = self._tally(key[-1]).recent
            while recent and recent[0][0] < second - PERIOD_SECONDS:
                recent.popleft()
            _, characters, throttled = recent.pop() if recent and recent[-1][0] == second else (second, 0, 0)
            of_calls = key[0] == _THROTTLED
            recent.append((second, characters + (0 if of_calls else count), throttled + (count if of_calls else 0)))

    def _add(self, arn: str, characters: int = 0, answered: int = 0, throttled: int = 0) -> None:
        with self._tallies_lock:
            tally = self._tally(arn)
            tally.characters += characters
            tally.answered += answered
            tally.throttled += throttled

    def _tally(self, arn: str) -> _Tally:
        tally = self._tallies.setdefault(arn, _Tally())
        self._tallies.move_to_end(arn)
        if len(self._tallies) > self._most:
            self._tallies.popitem(last=False)
        return tally


def _rate(units: int) -> Rate:
    return Rate(float(units * CHARACTERS), float(units * CHARACTERS))
