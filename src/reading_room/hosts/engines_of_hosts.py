"""Synchronous analyses on several hosts: each has a pool of containers, and a call goes to one of them."""

from __future__ import annotations

from collections.abc import Sequence

from reading_room.analysis.kind import EngineName
from reading_room.comprehend.operations.documents import Given
from reading_room.comprehend.operations.realtime import Answer
from reading_room.hosts.realtime import CANNOT, NoContainers, RealtimePool, RealtimeUnavailable


class EnginesOfHosts:
    """The pools of all hosts as one. Thread-safe.

    A call goes to a host that has its container already, else to the first host, and to another one if the first is
    drained, cannot start containers, or would have to end one for it.
    """

    def __init__(self, first: RealtimePool) -> None:
        """``first`` is the pool of the host of ``serve``."""
        self._first = first
        self._pools: Sequence[RealtimePool] = (first,)

    def use(self, pools: Sequence[RealtimePool]) -> None:
        """Use these pools from now on, which are in order of preference; without any, that of the first host."""
        self._pools = tuple(pools) or (self._first,)

    def analyse(
        self, account: str, engine: EngineName, texts: Sequence[Given], language: str | None
    ) -> list[Answer | None]:
        """Return one answer for each text, ``None`` if the engine failed on it.

        If a host is lost during a call, the call is repeated on another one. Raises ``RealtimeUnavailable``, or
        ``NoContainers`` if no host can start any.
        """
        failed: NoContainers | RealtimeUnavailable | None = None
        for pool in sorted(self._pools, key=lambda pool: pool.burden(account, engine)):
            try:
                return pool.analyse(account, engine, texts, language)
            except (NoContainers, RealtimeUnavailable) as error:
                if pool.burden(account, engine) < CANNOT:
                    raise
                failed = failed or error
        assert failed is not None
        raise failed
