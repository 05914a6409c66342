"""The whole wish for a host, read from the tables: the network, the jobs' containers, those kept ahead."""

from __future__ import annotations

import time
from collections.abc import Callable

from reading_room.agent.spec import HostSpec, StandbyWish
from reading_room.containers.spec import EngineName, RealtimeSpec
from reading_room.database.engine import Database
from reading_room.jobs import desired as jobs
from reading_room.settings import Settings
from reading_room.vpc import network_spec

AHEAD: tuple[EngineName, ...] = ("entities-en", "dominant-language")
"""The engines that wait loaded: each takes memory while nobody asks for it, so not every one does."""


class DesiredHost:
    """Reads the wish for one host and numbers its changes."""

    def __init__(
        self, database: Database, settings: Settings, host: str, realtime: Callable[[], tuple[RealtimeSpec, ...]]
    ) -> None:
        self._database = database
        self._host = host
        self._realtime = realtime
        self._limits = jobs.limits_from(settings)
        self._standby = tuple(StandbyWish(engine, settings.standby) for engine in AHEAD)
        # Milliseconds since 1970: a server that starts again goes on above every generation it ever sent.
        self._generation = time.time_ns() // 1_000_000
        self._last: HostSpec | None = None

    def read(self) -> HostSpec:
        """Return the wish as of now; the same object as before when nothing changed."""
        with self._database.reading() as session:
            network = network_spec.read(session, self._host)
            containers = jobs.containers(session, self._host, self._limits)
        spec = HostSpec(
            host=self._host,
            generation=self._generation,
            network=network,
            containers=containers,
            standby=self._standby,
            realtime=self._realtime(),
        )
        if self._last is not None and spec == self._last:
            return self._last
        self._generation += 1
        self._last = HostSpec(self._host, self._generation, network, containers, self._standby, spec.realtime)
        return self._last
