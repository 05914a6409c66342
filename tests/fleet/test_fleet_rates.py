"""Rates that the processes of one database share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

import reading_room.wiring.server  # noqa: F401 # declares every table
from reading_room.aws.throttling import Buckets, Rate
from reading_room.database.engine import Database
from reading_room.fleet.rates import SharedRates
from tests.worlds import postgresql
from tests.worlds.waiting import eventually

pytestmark = pytest.mark.costs(0.5, reason="a database of PostgreSQL is copied, and processes tell each other")
RATE = Rate(burst=4, per_second=1)
KEY = ("ec2", "111122223333", "DeleteVpcEndpoints")


class Process:
    """One process with its buckets, which never refill."""

    def __init__(self, name: str) -> None:
        self.database: Database = postgresql.connected(name)
        self.buckets = [Buckets(lambda: 0.0), Buckets(lambda: 0.0)]
        self.rates = SharedRates(self.database, self.buckets)
        self.database.listen()
        self.rates.loop.start()
        wakeups = self.database._dialect._wakeups  # type: ignore[attr-defined]
        assert wakeups.listening.wait(30)

    def left(self, number: int = 1) -> float:
        """Return what is left of the bucket of these tests."""
        return self.buckets[number]._left(RATE, KEY, 0.0)

    def close(self) -> None:
        """End the process."""
        self.rates.loop.stop()
        self.database.close()


@pytest.fixture
def two() -> Iterator[tuple[Process, Process]]:
    """Two processes of one database."""
    with ExitStack() as stack:
        name = stack.enter_context(postgresql.filled())
        one, other = (stack.enter_context(closing(Process(name))) for _ in range(2))
        yield one, other


def test_a_call_in_one_process_counts_in_the_other(two: tuple[Process, Process]) -> None:
    one, other = two
    assert [one.buckets[1].take(RATE, KEY) for _ in range(3)] == [True] * 3
    eventually(lambda: other.left() == 1)
    assert [other.buckets[1].take(RATE, KEY) for _ in range(2)] == [True, False]
    eventually(lambda: not one.buckets[1].has(RATE, KEY), seconds=30)
    assert other.buckets[0].take(RATE, KEY)
    assert other.buckets[1].take(RATE, (*KEY[:1], "444455556666", KEY[2]))


def test_many_buckets_take_several_notifications(two: tuple[Process, Process]) -> None:
    one, other = two
    keys = [("ec2", f"{number:012}", "DescribeVpcs") for number in range(300)]
    for key in keys:
        assert one.buckets[0].take(Rate(1, 1), key)
    one.buckets[0].take(RATE, ("x" * 9_000,))
    eventually(lambda: not any(other.buckets[0].has(Rate(1, 1), key) for key in keys), seconds=30)


def test_what_cannot_be_read_is_left_out(two: tuple[Process, Process]) -> None:
    one, other = two
    for text in ("", "[", "[[9,1,1,[],1]]", '[["a"]]', "[[0,1,1,5,1]]"):
        one.database.tell(text)
    assert one.buckets[0].take(RATE, KEY)
    eventually(lambda: other.left(0) == 3)
