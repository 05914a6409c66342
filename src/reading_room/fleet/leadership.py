"""The leader among the ``serve`` processes of one database: the one that runs the loops that move jobs.

It holds the lease ``leader``. Everything that only it may do runs in ``turn``: not before it has taken the lease, not
after its time, and in no transaction after somebody else has taken it. Every process answers calls, whether it leads or
not.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from reading_room.clock import seconds_since_boot
from reading_room.database.engine import Database
from reading_room.database.fences import fenced
from reading_room.fleet import leases
from reading_room.fleet.leases import LEADER, Found, Held, LeaseLost
from reading_room.fleet.tables import LeaseRow

log = logging.getLogger(__name__)

LEASE_SECONDS = 3.0
RENEW_SECONDS = 1.0
"""How often the lease is renewed. Other processes look for its end as often, and when it should have come."""
MARGIN_SECONDS = 0.3
"""How long before the end of the lease its holder stops."""
RETRY_SECONDS = 0.2

Listener = Callable[[int | None], None]
"""Called with the fence of the lease with which the process leads from now on, or ``None`` if it leads no more."""


def nothing() -> None:
    """Do nothing."""


def ignored(fence: int | None) -> None:
    """Do nothing: the ``Listener`` of what only has to be woken."""


class Leadership(Protocol):
    """Says whether this process leads, and who does. Thread-safe."""

    @property
    def fence(self) -> int | None:
        """The fence of this process's lease, or ``None`` if it does not lead now."""

    def on_change(self, listener: Listener, wake: Callable[[], None] = nothing) -> None:
        """Call ``listener`` before the first turn as the leader, and when the process has stopped leading.

        ``wake`` is called when turns are possible.
        """

    def turn(self) -> AbstractContextManager[bool]:
        """Return the context of work that only the leader may do, which says whether it may be done now.

        Each writing transaction in it checks the fence (``database/fences.py``).
        """

    def url(self) -> str | None:
        """Return where hosts reach the leader, which may be empty; ``None`` if nobody leads."""

    def facts(self) -> Mapping[str, Any]:
        """Return what the leader tells the other processes."""

    def step_aside(self) -> None:
        """Stop leading, and give up the lease to another process. Without one, this one leads again after a while."""

    def start(self) -> None:
        """Take the lease if it is free. From then on, renew it or wait for its end."""

    def stop(self) -> None:
        """Stop leading, and give up the lease."""


class OnlyProcess:
    """Leads always, because no other process can serve a database in a file. It costs nothing."""

    def __init__(self, url: str = "", facts: Callable[[], Mapping[str, Any]] = dict) -> None:
        self._url = url
        self._facts = facts
        self._listeners: list[tuple[Listener, Callable[[], None]]] = []
        self._leads = False

    @property
    def fence(self) -> int | None:
        """The fence, which never changes."""
        return 0 if self._leads else None

    def on_change(self, listener: Listener, wake: Callable[[], None] = nothing) -> None:
        """Call ``listener`` at the start and at the end."""
        self._listeners.append((listener, wake))

    def turn(self) -> AbstractContextManager[bool]:
        """Return a context in which everything may be done until the end."""
        return nullcontext(self._leads)

    def url(self) -> str | None:
        """Return this process's own address for hosts."""
        return self._url

    def facts(self) -> Mapping[str, Any]:
        """Return what this process says itself."""
        return self._facts()

    def step_aside(self) -> None:
        """Go on: there is no other process."""

    def start(self) -> None:
        """Lead."""
        for listener, _ in self._listeners:
            listener(0)
        self._leads = True
        for _, wake in self._listeners:
            wake()

    def stop(self) -> None:
        """Stop leading."""
        self._leads = False
        for listener, _ in self._listeners:
            listener(None)


class LeasedLeadership:
    """Leads while this process holds the lease.

    One thread takes and renews the lease, on a connection of its own, since those of the pool can all be in use. The
    other one calls the listeners, and stops leading in time even if the database does not answer.
    """

    def __init__(
        self,
        database: Database,
        holder: str,
        *,
        url: str = "",
        facts: Callable[[], Mapping[str, Any]] = dict,
        seconds: float = LEASE_SECONDS,
        every: float = RENEW_SECONDS,
        clock: Callable[[], float] = seconds_since_boot,
    ) -> None:
        """``holder`` names this process and its former ones, of which none can run any more.

        ``facts`` returns what the leader tells the others. ``clock`` returns seconds of any epoch.
        """
        self._database = database
        self._holder = holder
        self._url = url
        self._own_facts = facts
        self._seconds = seconds
        self._every = every
        self._clock = clock
        self._listeners: list[tuple[Listener, Callable[[], None]]] = []
        self._connection: Connection | None = None
        self._failed = False
        """Whether the last attempt failed."""
        self._ended = threading.Event()
        self._look = threading.Event()
        """Set when the lease may be free, and at the end."""
        self._changed = threading.Condition()
        """For the fields below."""
        self._held: Held | None = None
        self._until = 0.0
        """When this process stops leading unless it renews the lease."""
        self._active: Held | None = None
        """The lease that the listeners know of."""
        self._found: Found | None = None
        """The lease as this process last saw it, unless it has it."""
        self._aside_until = 0.0
        """Until when this process leaves a free lease to others."""
        database.on_commit(self._committed)
        self._threads = [
            threading.Thread(target=run, name=name, daemon=True)
            for name, run in (("lease", self._keep), ("leadership", self._announce))
        ]

    @property
    def fence(self) -> int | None:
        """The fence of this process's lease, or ``None`` if it does not lead now."""
        held = self._leading()
        return None if held is None else held.fence

    def _leading(self) -> Held | None:
        with self._changed:
            return self._active if self._active == self._held and self._clock() < self._until else None

    def on_change(self, listener: Listener, wake: Callable[[], None] = nothing) -> None:
        """Call ``listener`` before the first turn as the leader, and when the process has stopped leading."""
        self._listeners.append((listener, wake))

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Run a block that only the leader may run; yields whether it may run now."""
        held = self._leading()
        if held is None:
            yield False
            return
        try:
            with fenced(lambda session: leases.check(session, held)):
                yield True
        except LeaseLost as error:
            log.warning("%s", error)

    def url(self) -> str | None:
        """Return where hosts reach the leader, which may be empty; ``None`` if nobody leads."""
        with self._changed:
            if self._held is not None:
                return self._url
            return None if self._found is None or self._found.seconds <= 0 else self._found.url

    def facts(self) -> Mapping[str, Any]:
        """Return what the leader tells the other processes; nothing if nobody leads."""
        with self._changed:
            if self._held is None:
                return {} if self._found is None or self._found.seconds <= 0 else self._found.facts
        return self._own_facts()

    def start(self) -> None:
        """Take the lease if it is free. From then on, renew it or wait for its end."""
        self._attempt()
        if self._held is not None:
            self._tell(self._held)
        for thread in self._threads:
            thread.start()

    def step_aside(self) -> None:
        """Stop leading, and give up the lease to another process. Without one, this one leads again after a while."""
        with self._changed:
            held, self._held = self._held, None
            self._aside_until = self._clock() + 2 * self._seconds
            self._changed.notify_all()
        if held is not None:
            leases.give_up(self._database, held)

    def stop(self) -> None:
        """Stop leading, and give up the lease."""
        self._ended.set()
        self._look.set()
        with self._changed:
            held, self._held = self._held, None
            self._changed.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(self._seconds)
        if self._active is not None:
            self._tell(None)
        try:
            if held is not None:
                leases.give_up(self._database, held)
        except SQLAlchemyError as error:
            log.warning("the lease could not be given up, so it ends by itself: %s", error)
        self._close()

    # The thread that holds the lease

    def _keep(self) -> None:
        while not self._ended.is_set():
            self._look.wait(self._pause())
            self._look.clear()
            if not self._ended.is_set():
                self._attempt()

    def _committed(self, tables: frozenset[str]) -> None:
        if LeaseRow.__tablename__ in tables:
            self._look.set()

    def _pause(self) -> float:
        """Return the seconds until the next attempt."""
        if self._failed:
            return RETRY_SECONDS
        with self._changed:
            left = self._every if self._found is None else self._found.seconds
        return max(RETRY_SECONDS / 2, min(self._every, left))

    def _attempt(self) -> None:
        sent, before = self._clock(), self._held
        try:
            held = self._renewed(before)
        except SQLAlchemyError as error:
            log.warning("the lease of the leader could not be renewed or read, which is retried: %s", error)
            self._failed = True
            self._close()
            return
        self._failed = False
        with self._changed:
            if self._held is not before:
                return  # It came too late: this process has stopped leading meanwhile, and takes the lease anew.
            if held is None and before is not None:
                log.warning("another process has taken the lease of the leader")
            self._held = held
            if held is not None:
                self._found = None
                self._until = sent + self._seconds - MARGIN_SECONDS
            self._changed.notify_all()

    def _renewed(self, held: Held | None) -> Held | None:
        """Renew the lease, or take it if it is free. Return ``None`` if another process has it."""
        connection, facts = self._connected(), self._own_facts()
        if held is not None:
            return held if leases.renew(connection, held, self._seconds, facts) else None
        found = leases.find(connection, LEADER)
        taken = found is not None and found.seconds > 0 and found.held.holder != self._holder
        if taken or self._clock() < self._aside_until:
            with self._changed:
                self._found = found
            return None
        return leases.take(self._database, LEADER, self._holder, self._seconds, url=self._url, facts=facts)

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._database.engine.connect()
            self._connection.detach()
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    # The thread that tells of changes

    def _announce(self) -> None:
        while not self._ended.is_set():
            with self._changed:
                if self._held is not None and self._clock() >= self._until:
                    log.warning("the lease of the leader could not be renewed in time: this process stops leading")
                    self._held = None
                    self._look.set()  # If nobody else has taken it, it is taken anew at once.
                if self._held == self._active:
                    left = None if self._held is None else max(0.0, self._until - self._clock())
                    self._changed.wait(left)
                    continue
                held = self._held
                told = None if self._active is not None else held
            self._tell(told)

    def _tell(self, held: Held | None) -> None:
        """Tell the listeners that this process leads from now on, or no longer. It is told one after the other."""
        log.info("this process %s", "leads from now on" if held is not None else "does not lead any more")
        if held is None:
            with self._changed:
                self._active = None
        for listener, _ in self._listeners:
            try:
                listener(None if held is None else held.fence)
            except Exception:
                # The other listeners must hear of it all the same.
                log.exception("a listener to changes of the leader failed")
        if held is not None:
            with self._changed:
                self._active = held
            for _, wake in self._listeners:
                wake()
