"""The checks of ``/_reading_room/ready``. The service is ready when all of them pass."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from reading_room.agent.frames import Greeting
from reading_room.aws.probes import Check, Fault
from reading_room.database.disk import Floor
from reading_room.database.engine import Database
from reading_room.hosts.server_side import HostState
from reading_room.versions import VERSION

WRITE_SECONDS = 1.0
"""How long the check's write waits for other writes."""
SLOW_SECONDS = 0.5
"""A write that takes longer than this is slow: on a good disk it takes a few milliseconds."""
SILENT_SECONDS = 35.0
"""How long a connected agent may be silent: it reports every ten seconds at least."""
_NO_AGENT = Fault(
    "no agent is connected: no job and no synchronous call can run",
    "start the agent (`reading-room up`, or the unit reading-room-agent), and read its log if it ends",
)
_ELSEWHERE = Fault(
    "this process leads and has no agent: jobs and synchronous calls run on the hosts that have joined, and nothing on "
    "the first host",
    "start the agent of the first host and the `reading-room serve` beside it, which leads again some seconds later",
    stops=False,
)
_SILENT = Fault(
    "the agent is connected but has not reported for more than half a minute: no job can start",
    "find out what stopped it (SIGSTOP, a debugger) or what else takes this host's cores, memory and disk",
)
_SLOW = Fault(
    "a write to the database took more than half a second: every call that changes something is slow",
    "look at what else writes to the disk of the data folder, and at its health",
    stops=False,
)
_NOT_REPORTED = Fault("the agent has not reported yet whether enforcement is proven", "wait a moment")
_NOT_PROVEN = Fault(
    "enforcement is not proven, so no job runs", "run `reading-room doctor`, which says what is missing"
)
_NO_MODELS = "no job and no synchronous call can succeed"
_SHORT = (
    "end what else takes it, or raise the agent's limits (LimitNOFILE, MemoryMax and TasksMax of its unit, or ulimit), "
    "or make room in READING_ROOM_STATE"
)
_NO_LEADER = Fault(
    "no `reading-room serve` leads, so no job moves",
    "wait some seconds; if that does not help, read the logs of every `reading-room serve` of this database",
)
_TWO_VERSIONS = (
    "restart the agent and `reading-room serve` (or `reading-room up`), which ends no job under systemd: until then a "
    "change that the older one does not know waits"
)
_NO_ROOM = Fault(
    "the disk of the data folder is at its floor: nothing more is stored, and no job begins",
    "make room on that disk, or lower READING_ROOM_STORAGE_FREE",
)
_RECORD = "make room on the disk of the data folder; for a book at its size, raise READING_ROOM_TRAIL_BYTES"
_PLACE = "look at the place that READING_ROOM_OBJECTS names; nothing is lost, and clients that retry continue after it"
_NOT_WRITABLE = Fault(
    "the database cannot be written",
    "make room on the disk of the data folder, and read the log of `reading-room serve`",
)
_SERVER_NOT_WRITABLE = Fault(
    "PostgreSQL accepts no writes",
    "read the logs of `reading-room serve` and of PostgreSQL: is the server down, full, or a standby?",
)


def database_check(database: Database, clock: Callable[[], float] = time.monotonic) -> Check:
    """Return the check that the database can be written, and soon."""

    def look() -> Fault | None:
        began = clock()
        try:
            database.write_nothing(WRITE_SECONDS)
        except sqlite3.Error:
            return _NOT_WRITABLE
        except SQLAlchemyError:
            return _SERVER_NOT_WRITABLE
        return _SLOW if clock() - began > SLOW_SECONDS else None

    return Check("database", look)


def disk_check(floor: Floor) -> Check:
    """Return the check that the disk has more free space than its floor."""
    return Check("disk", lambda: _NO_ROOM if floor.reached else None)


def trail_check(fault: Callable[[], str | None]) -> Check:
    """Return the check that calls can be recorded; ``fault`` says why not."""

    def look() -> Fault | None:
        says = fault()
        return None if says is None else Fault(f"calls are refused, as they cannot be recorded: {says}", _RECORD)

    return Check("trail", look)


def objects_check(fault: Callable[[], str | None]) -> Check:
    """Return the check that the bytes of objects can be read and written where they are; ``fault`` says why not."""

    def look() -> Fault | None:
        says = fault()
        return None if says is None else Fault(f"no larger object can be read or written: {says}", _PLACE)

    return Check("objects", look)


def leader_check(leads: Callable[[], bool], known: Callable[[], bool]) -> Check:
    """Return the check that some ``serve`` process leads; it says whether this one does.

    ``known`` says whether this one knows of a leader.
    """
    return Check(
        "leader",
        lambda: None if leads() or known() else _NO_LEADER,
        lambda: "this process leads: it moves the jobs" if leads() else "another process leads and moves the jobs",
    )


def host_checks(
    state: Callable[[], HostState],
    clock: Callable[[], float] = time.monotonic,
    leads: Callable[[], bool] = lambda: True,
    others: Callable[[], bool] = lambda: False,
) -> tuple[Check, ...]:
    """Return the checks of the host: that its agent is connected and not silent, and has proven enforcement.

    Three only warn: that the weights are installed, that the agent is of this program's version, and that it is not
    short of anything itself. All of them pass while this process does not lead (``leads``), since the agent is
    connected to the leader. A leader without an agent only warns while there are ``others``: hosts that take
    containers.
    """

    def agent() -> Fault | None:
        now = state()
        if not leads():
            return None
        if not now.connected:
            return _ELSEWHERE if others() else _NO_AGENT
        return _SILENT if now.latest is not None and clock() - now.heard_at > SILENT_SECONDS else None

    def enforcement() -> Fault | None:
        now = state()
        if now.proven or not leads() or (not now.connected and others()):
            return None
        return _NO_AGENT if not now.connected else _NOT_REPORTED if now.proven is None else _NOT_PROVEN

    def models() -> Fault | None:
        missing = state().models
        if missing is None:
            return None
        says, _, remedy = missing.partition(": ")
        return Fault(f"{_NO_MODELS}: {says}", f"{remedy}; then restart the agent", stops=False)

    def version() -> Fault | None:
        other = state().agent
        if other is None or other == Greeting():
            return None
        says = f"the agent is of version {other.program} and this service of {VERSION}"
        if other.program == VERSION:
            says = f"the agent and this service are of different commits of version {VERSION}"
        return Fault(says, _TWO_VERSIONS, stops=False)

    def short() -> Fault | None:
        says = state().short
        return None if says is None else Fault(f"{says}: containers may not start", _SHORT, stops=False)

    return (
        Check("agent", agent),
        Check("enforcement", enforcement),
        Check("models", models),
        Check("version", version),
        Check("agent-resources", short),
    )
