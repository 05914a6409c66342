"""Threads that read parts of one call's texts at once, because a caller waits for the answer.

Jobs do without: two workers of one thread each do more than one worker of two. A thread here computes with one thread
of the runtime, so that none waits, spinning, for another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Found = TypeVar("Found")

_pool: ThreadPoolExecutor | None = None


def read_in_threads(count: int) -> None:
    """Have ``each_of`` work in so many threads from now on, in this process."""
    global _pool
    _pool = ThreadPoolExecutor(count, "graph")


def each_of(given: Sequence[Given], work: Callable[[Given], Found]) -> Iterator[Found]:
    """Yield what ``work`` returns for each, in order. Without threads, each is begun when it is asked for.

    What was not begun when ``work`` raises, or when the caller is interrupted, is left out.
    """
    if _pool is None or len(given) < 2:
        return map(work, given)
    return _pool.map(work, given)
