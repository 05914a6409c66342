"""When containers that no job depends on may be started again after one died early.

Each has a pause of its own: a model that ends its container at once must not delay other models of the same engine.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

RETRY_FIRST, RETRY_LAST = 1.0, 60.0
"""The first and the longest pause, in seconds, before a container that died early is started again."""
STEADY_SECONDS = 2.0
"""A container that has lived for so long did not fail to start: if it dies, the next one is started at once."""


class Use(NamedTuple):
    """What a container is for: what is said of it, and whose it is."""

    about: str
    """Its kind and its engine."""
    account: str = ""
    model: str = ""


@dataclass(slots=True)
class Retry:
    """When a container may be started again after one died early, and why it died."""

    delay: float = RETRY_FIRST
    at: float = 0.0
    problem: str = ""

    def failed(self, problem: str, lived: float = 0.0) -> None:
        """Wait longer than the last time; not at all after a container that has ``lived`` long enough, in seconds."""
        if lived >= STEADY_SECONDS:
            self.delay, self.at, self.problem = RETRY_FIRST, 0.0, ""
            return
        self.at = time.monotonic() + self.delay
        self.delay = min(2 * self.delay, RETRY_LAST)
        self.problem = problem


@dataclass(slots=True)
class Retries:
    """The pauses of all uses."""

    _known: dict[Use, Retry] = field(default_factory=dict)

    def failed(self, use: Use, problem: str, lived: float = 0.0) -> None:
        """Note that a container died, after so many seconds, or could not be started."""
        self._known.setdefault(use, Retry()).failed(problem, lived)

    def worked(self, use: Use) -> None:
        """Note that a container has loaded."""
        self._known.pop(use, None)

    def may_start(self, use: Use) -> bool:
        """Return whether no pause is left."""
        return use not in self._known or time.monotonic() >= self._known[use].at

    def problems(self) -> Mapping[str, str]:
        """Return why containers could not be kept running, by kind and engine: the last reason of each."""
        return {use.about: retry.problem for use, retry in self._known.items() if retry.problem}

    def forget(self, about: str, wanted: Collection[Use]) -> None:
        """Forget uses of a kind that nobody wants any more, once their pauses cannot matter."""
        over = time.monotonic() - RETRY_LAST
        for use in [each for each in self._known if each.about.startswith(about) and each not in wanted]:
            if self._known[use].at < over:
                del self._known[use]
