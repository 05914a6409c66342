"""The exploration of every state of a model, the nearest first."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

State = TypeVar("State", bound=Hashable)


class Model(Protocol[State]):
    """What is explored. Equal states have equal futures."""

    def first(self) -> State:
        """Return the state in which everything begins."""
        ...

    def next(self, state: State) -> Iterator[tuple[str, State]]:
        """Yield everything that can happen next, with a name."""
        ...

    def wrong(self, state: State) -> str:
        """Return what must not be so, or empty text."""
        ...


@dataclass(frozen=True)
class Found:
    """What an exploration found: how many states there are, and the steps to the first one that must not be."""

    states: int
    seen: frozenset[str]
    """What happened somewhere."""
    wrong: str = ""
    steps: tuple[str, ...] = ()


def explore(model: Model[State], most: int | None = None, first: Sequence[str] = ()) -> Found:
    """Explore every state after the steps ``first``, until one must not be, or until ``most`` states were seen."""
    begin = model.first()
    for step in first:
        begin = next(after for what, after in model.next(begin) if what == step)
    layer = [begin]
    came: dict[State, tuple[State, str] | None] = {begin: None}
    seen: set[str] = set()
    while layer and (most is None or len(came) < most):
        following: list[State] = []
        for state in layer:
            for what, after in model.next(state):
                if after in came:
                    continue
                seen.add(what)
                came[after] = (state, what)
                if wrong := model.wrong(after):
                    return Found(len(came), frozenset(seen), wrong, _steps(came, after))
                following.append(after)
        layer = following
    return Found(len(came), frozenset(seen))


def _steps(came: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    steps: list[str] = []
    while (before := came[state]) is not None:
        state, what = before
        steps.append(what)
    return tuple(reversed(steps))
