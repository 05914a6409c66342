"""Threads for synchronous calls: the same results in the same order, and what becomes of a failure."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from reading_room.analysis.engines import graph_threads
from reading_room.analysis.engines.english_entities import EnglishEntities
from reading_room.analysis.engines.graph_threads import each_of, read_in_threads


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in the container of a synchronous call."""
    monkeypatch.setattr(graph_threads, "_pool", None)
    read_in_threads(2)
    yield
    assert graph_threads._pool is not None
    graph_threads._pool.shutdown()


@pytest.mark.usefixtures("two_threads")
def test_two_parts_are_read_at_once_and_come_in_their_order() -> None:
    both = threading.Barrier(2, timeout=30)

    def work(number: int) -> int:
        # Passes only if another thread waits here, too.
        both.wait()
        return number * number

    assert list(each_of([3, 1, 2, 5], work)) == [9, 1, 4, 25]


@pytest.mark.usefixtures("two_threads")
def test_a_failure_reaches_the_caller_and_the_next_call_is_answered() -> None:
    with pytest.raises(ZeroDivisionError):
        list(each_of([1, 0, 2], lambda number: 1 // number))
    assert list(each_of([1, 2], str)) == ["1", "2"]


def test_a_job_reads_one_part_after_the_other() -> None:
    begun: list[int] = []
    found = iter(each_of([1, 2, 3], begun.append))
    next(found)
    assert begun == [1]


@pytest.mark.costs(0.5, reason="an engine is loaded and reads a text of three windows with and without threads")
def test_entities_are_the_same_with_threads(request: pytest.FixtureRequest) -> None:
    engine = EnglishEntities()
    texts = ["Barack Obama was born in Hawaii. " * 40, "Tim Cook runs Apple.", "", "Paris is in France."]
    alone = list(engine.analyse(texts))
    request.getfixturevalue("two_threads")
    assert list(engine.analyse(texts)) == alone
