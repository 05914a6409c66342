"""The whole spec of a host, read from the tables: the network, the jobs' containers, those started ahead.

Two engines always wait loaded. Engines that a job used recently join them, so that the second job of a kind starts as
fast as one of the usual kinds. At most two do, and only for a while, because each takes memory while it waits.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.agent.spec import HostSpec, StandbyCount
from reading_room.analysis.kind import EngineName
from reading_room.analysis.kinds import AHEAD
from reading_room.clock import Clock, system_clock
from reading_room.containers.spec import RealtimeSpec
from reading_room.database.engine import Database
from reading_room.jobs import desired as jobs
from reading_room.jobs.tables import JobRow
from reading_room.settings import Settings
from reading_room.vpc import network_spec

RECENT = dt.timedelta(minutes=15)
RECENT_AT_MOST = 2
"""The most engines that also wait loaded because a job was recently submitted for them, the most recent first."""


class DesiredHost:
    """Reads the spec of one host and numbers its changes."""

    def __init__(
        self,
        *,
        database: Database,
        settings: Settings,
        host: str,
        realtime: Callable[[], tuple[RealtimeSpec, ...]],
        clock: Clock = system_clock,
    ) -> None:
        self._database = database
        self._host = host
        self._realtime = realtime
        self._limits = jobs.limits_from(settings)
        self._standby = settings.standby
        self._clock = clock
        # Milliseconds since 1970: after a restart, generations continue above every one that was ever sent, unless the
        # clock was set back. Then the agent's reports say above which one.
        self._generation = time.time_ns() // 1_000_000
        self._reported = 0
        self._last: HostSpec | None = None

    def behind(self, generation: int) -> bool:
        """Continue above a generation that the agent has reported; return whether that changes the spec."""
        self._reported = max(self._reported, generation)
        return generation > self._generation

    def read(self) -> HostSpec:
        """Return the current spec; the same object as before if nothing changed."""
        with self._database.reading() as session:
            network = network_spec.read(session, self._host)
            containers = jobs.containers(session, self._host, self._limits)
            ahead = (*AHEAD, *_recently_used(session, self._clock()))
        self._generation = max(self._generation, self._reported)
        spec = HostSpec(
            host=self._host,
            generation=self._generation,
            network=network,
            containers=containers,
            standby=tuple(StandbyCount(engine, self._standby) for engine in ahead),
            realtime=self._realtime(),
        )
        if self._last is not None and spec == self._last:
            return self._last
        self._generation += 1
        self._last = replace(spec, generation=self._generation)
        return self._last


def _recently_used(session: Session, now: dt.datetime) -> tuple[EngineName, ...]:
    latest = func.max(JobRow.submitted_at)
    query = (
        select(JobRow.engine)
        .where(JobRow.submitted_at > now - RECENT, JobRow.engine.not_in(AHEAD))
        .group_by(JobRow.engine)
        .order_by(latest.desc(), JobRow.engine)
        .limit(RECENT_AT_MOST)
    )
    return tuple(cast(EngineName, engine) for engine in session.scalars(query))
