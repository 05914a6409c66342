"""A finished result in a container that cannot be reached: it is waited for, but not longer than the limit."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import distributed
import pytest

from reading_room.analysis.cluster.node import fetched
from reading_room.analysis.storage import JobFailure
from tests.worlds.waiting import DEADLINE, eventually_in_loop

LOOKS = 5
"""How many looks at a finished result the limit allows in these tests."""


def fetched_soon(future: Any) -> Coroutine[Any, Any, Any]:
    """Fetch a result, looking more often than the product does, and giving up sooner by the same factor."""
    return fetched(future, seconds=LOOKS / 512, look_seconds=1 / 512)


class Promised:
    """The part of Dask's future that ``fetched`` uses: another status at each look, and a result after the last one."""

    def __init__(self, statuses: Iterable[str], settle: Callable[[asyncio.Future[Any]], object]) -> None:
        self._statuses = iter(statuses)
        self._settle = settle
        self.pending: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.looks = 0

    @property
    def status(self) -> str:
        """The current status."""
        self.looks += 1
        try:
            return next(self._statuses)
        except StopIteration:
            self._settle(self.pending)
            return "finished"

    async def result(self) -> Any:
        """Wait for the result."""
        return await self.pending


def waited(
    statuses: Iterable[str], settle: Callable[[asyncio.Future[Any]], object] = lambda result: None
) -> tuple[Any, Promised]:
    """Fetch a result; return it, or the error instead of it, and the future."""

    async def scenario() -> tuple[Any, Promised]:
        promised = Promised(statuses, settle)
        async with asyncio.timeout(DEADLINE):
            try:
                found = await fetched_soon(promised)
            except (JobFailure, ValueError) as error:
                found = error
        # A cancelled future is only done when the loop runs next.
        await eventually_in_loop(promised.pending.done)
        return found, promised

    return asyncio.run(scenario())


def test_a_finished_result_that_does_not_arrive_is_given_up() -> None:
    failure, promised = waited(itertools.repeat("finished"))
    assert isinstance(failure, JobFailure)
    assert failure.code == "CLUSTER_LOST"
    assert "could not be fetched" in failure.message
    assert promised.looks == LOOKS
    assert promised.pending.cancelled()


def test_failed_fetches_that_make_the_result_unfinished_for_a_moment_do_not_reset_the_limit() -> None:
    failure, promised = waited(itertools.cycle(["finished", "finished", "finished", "pending"]))
    assert isinstance(failure, JobFailure)
    assert LOOKS < promised.looks < 10 * LOOKS


def test_a_task_that_takes_long_is_waited_for() -> None:
    found, promised = waited(["pending"] * 4 * LOOKS, lambda result: result.set_result("found"))
    assert found == "found"
    assert promised.looks == 4 * LOOKS + 1


def test_a_result_or_an_exception_that_arrives_just_in_time_counts() -> None:
    almost = ["pending", *["finished"] * (LOOKS - 2)]
    assert waited(almost, lambda result: result.set_result("found"))[0] == "found"
    raised, _ = waited(almost, lambda result: result.set_exception(ValueError("of the task")))
    assert isinstance(raised, ValueError)


class Deaf(distributed.Worker):
    """A worker whose results cannot be fetched until the test releases them."""

    let: asyncio.Event

    async def get_data(self, comm: Any, *arguments: Any, **options: Any) -> Any:
        """Wait, and then send results as every worker does."""
        await self.let.wait()
        return await super().get_data(comm, *arguments, **options)


@pytest.mark.costs(0.05, reason="a scheduler, a worker and a client of Dask are started")
def test_dask_reports_a_result_as_finished_while_it_cannot_be_fetched() -> None:
    make_scheduler: Any = distributed.Scheduler
    make_worker: Any = Deaf
    make_client: Any = distributed.Client
    options = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}

    async def scenario() -> JobFailure:
        async with make_scheduler(protocol="inproc", **options) as scheduler:
            worker = make_worker(scheduler.address, nthreads=1, **options)
            worker.let = asyncio.Event()
            async with worker, make_client(scheduler.address, asynchronous=True, set_as_default=False) as client:
                with pytest.raises(JobFailure) as raised:
                    await fetched_soon(client.submit(str, 1, pure=False))
                worker.let.set()
                return raised.value

    async def bounded() -> JobFailure:
        return await asyncio.wait_for(scenario(), DEADLINE)

    assert asyncio.run(bounded()).code == "CLUSTER_LOST"
