"""Synchronous analyses on several hosts: each has a pool of containers, and a call goes to one of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from reading_room.analysis.kind import EngineName
from reading_room.comprehend.endpoints.models import EndpointModel
from reading_room.comprehend.operations.documents import Given
from reading_room.comprehend.operations.realtime import Answer
from reading_room.hosts.realtime import CANNOT, NoContainers, RealtimePool, RealtimeUnavailable

T = TypeVar("T")


class EnginesOfHosts:
    """The pools of all hosts as one. Thread-safe.

    A call goes to a host that has its container already, else to the first host, and to another one if the first is
    drained, cannot start containers, or would have to end one for it.
    """

    def __init__(self, first: RealtimePool) -> None:
        """``first`` is the pool of the host of ``serve``."""
        self._first = first
        self._pools: Sequence[RealtimePool] = (first,)
        self._models: Collection[EndpointModel] = ()
        self._arrived: Callable[[], None] = lambda: None

    def use(self, pools: Sequence[RealtimePool]) -> None:
        """Use these pools from now on, which are in order of preference; without any, that of the first host."""
        before, self._pools = self._pools, tuple(pools) or (self._first,)
        for left in set(before) - set(self._pools):
            left.keep(())
        self._distribute()

    def keep(self, models: Collection[EndpointModel], arrived: Callable[[], None]) -> None:
        """Have a container for each of these models, on one host. ``arrived`` is called when one has started."""
        self._models, self._arrived = models, arrived
        self._distribute()

    def _distribute(self) -> None:
        of_pool: dict[RealtimePool, list[EndpointModel]] = {pool: [] for pool in self._pools}
        for model in self._models:
            of_pool[self._in_order(model.account, model.engine, model)[0]].append(model)
        for pool, models in of_pool.items():
            pool.keep(models, self._arrived)

    def load(self, model: EndpointModel) -> None:
        """Wait until a container has loaded a model. Raises ``ModelRefused`` and what ``analyse`` raises."""
        self._on_a_host(model.account, model.engine, model, lambda pool: pool.load(model))

    def ready(self, model: EndpointModel) -> bool:
        """Return whether a model can answer, at once or after it woke. Never waits."""
        return any(pool.ready(model) for pool in self._pools)

    def analyse(
        self, account: str, engine: EngineName, texts: Sequence[Given], language: str | None
    ) -> list[Answer | None]:
        """Return one answer for each text, ``None`` if the engine failed on it.

        If a host is lost during a call, the call is repeated on another one. Raises ``RealtimeUnavailable``, or
        ``NoContainers`` if no host can start any.
        """
        return self._on_a_host(account, engine, None, lambda pool: pool.analyse(account, engine, texts, language))

    def analyse_with(self, model: EndpointModel, texts: Sequence[Given]) -> list[Answer | None]:
        """Return the answers of a custom model.

        Raises ``ModelRefused``, ``NoRoomToWake`` and what ``analyse`` raises.
        """
        return self._on_a_host(model.account, model.engine, model, lambda pool: pool.analyse_with(model, texts))

    def _in_order(self, account: str, engine: EngineName, model: EndpointModel | None) -> list[RealtimePool]:
        return sorted(self._pools, key=lambda pool: pool.burden(account, engine, model))

    def _on_a_host(
        self, account: str, engine: EngineName, model: EndpointModel | None, call: Callable[[RealtimePool], T]
    ) -> T:
        failed: NoContainers | RealtimeUnavailable | None = None
        for pool in self._in_order(account, engine, model):
            try:
                return call(pool)
            except (NoContainers, RealtimeUnavailable) as error:
                if pool.burden(account, engine, model) < CANNOT:
                    raise
                failed = failed or error
        assert failed is not None
        raise failed
